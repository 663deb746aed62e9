/*
 * check - see check.h.
 *
 * A line an item: what it is, its name, "ok" or "wrong", and a remark,
 * separated by tabs; or the same as JSON.
 */
#include "fcgi/check.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/shown.h"
#include "fcgi/backends.h"
#include "fcgi/check_part.h"
#include "fcgi/closed.h"
#include "fcgi/introspect.h"
#include "fcgi/listen.h"
#include "fcgi/store_set.h"
#include "policy/control.h"
#include "policy/source.h"

#define REPORT_BYTES_MAX (64u << 20)

void
check_item(struct report *r, const char *kind, struct span name, bool ok,
    const char *format, ...)
{
	char remark[WHY_MAX];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(remark, sizeof(remark), format, args);
	va_end(args);
	r->wrong |= !ok;
	if (!r->config->check_json) {
		buf_printf(&r->out, "%s\t", kind);
		shown_ascii(&r->out, name);
		buf_printf(&r->out, "\t%s\t", ok ? "ok" : "wrong");
		shown_ascii(&r->out, span_str(remark));
		buf_add_char(&r->out, '\n');
		return;
	}
	buf_printf(&r->out,
	    "%s\n    {\"kind\":\"%s\",\"name\":", r->first ? "" : ",", kind);
	json_write_string(&r->out, name);
	buf_printf(&r->out, ",\"ok\":%s,\"remark\":", ok ? "true" : "false");
	json_write_string(&r->out, span_str(remark));
	buf_add_char(&r->out, '}');
	r->first = false;
}

static void
check_user(struct report *r)
{
	char name[32];
	bool root = geteuid() == 0;

	(void)snprintf(name, sizeof(name), "%u", (unsigned)geteuid());
	if (root && !r->config->allow_root)
		check_item(r, "user", span_str(name), false,
		    "refuses to run as root; use a user of its own, or "
		    "--allow-root");
	else
		check_item(r, "user", span_str(name), true, root ? "root" : "");
}

/* The folder that "path" lies in; NUL-terminated in "to". */
static void
folder_of(const char *path, char *to, size_t size)
{
	const char *slash = strrchr(path, '/');
	int n = slash == path ? 1 : (int)(slash - path);

	(void)snprintf(to, size, "%.*s", n, path);
}

/* "path" is missing: whether it could be made. */
static void
check_makeable(struct report *r, const char *kind, const char *path)
{
	char folder[4096];

	folder_of(path, folder, sizeof(folder));
	/* The state folder may have to be made first. */
	if (access(folder, F_OK) != 0 &&
	    span_eq(span_str(folder), span_str(r->config->state)))
		check_item(r, kind, span_str(path), true, "would be made");
	else if (access(folder, W_OK | X_OK) != 0)
		check_item(r, kind, span_str(path), false,
		    "is missing and cannot be made: %s", strerror(errno));
	else
		check_item(r, kind, span_str(path), true, "would be made");
}

static void
check_state(struct report *r)
{
	const char *dir = r->config->state;
	char shared[4096], why[WHY_MAX] = "";
	struct stat st;

	if (r->config->state_memory != NULL)
		check_item(r, "state-memory", span_str(r->config->state_memory),
		    true, "copied to the state every %us",
		    r->config->state_snapshot_s);
	(void)snprintf(shared, sizeof(shared), "%s/shared", dir);
	if (lstat(dir, &st) != 0 && errno == ENOENT) {
		check_makeable(r, "state", dir);
		return;
	}
	if (access(shared, F_OK) == 0) {
		r->state = state_view(dir, why, sizeof(why));
		check_item(
		    r, "state", span_str(dir), r->state != NULL, "%s", why);
		return;
	}
	if (lstat(dir, &st) != 0)
		check_item(
		    r, "state", span_str(dir), false, "%s", strerror(errno));
	else if (!S_ISDIR(st.st_mode))
		check_item(r, "state", span_str(dir), false, "is not a folder");
	else if (st.st_uid != geteuid() || (st.st_mode & 077) != 0)
		check_item(r, "state", span_str(dir), false,
		    "must be of mode 0700 and owned by who runs mgw");
	else
		check_item(r, "state", span_str(dir), true,
		    "its file \"shared\" would be made");
}

/* What mgw-throttle has set; without it every request is refused. */
static void
check_rules(struct report *r)
{
	uint64_t last = r->state != NULL ? state_rules_seq(r->state) : 0;
	struct control *c;
	char why[WHY_MAX];
	size_t at = 0;
	unsigned n = 0;

	if (r->state == NULL)
		return;
	c = control_load(r->config->state, last, NULL, why, sizeof(why));
	while (c != NULL &&
	    control_next(c, clock_wall_us() / US_PER_S, &at) != NULL)
		n++;
	if (c == NULL)
		check_item(r, "rules", SPAN(CONTROL_FILE), false, "%s", why);
	else
		check_item(
		    r, "rules", SPAN(CONTROL_FILE), true, "%u in force", n);
	control_free(c);
}

/* A file that is appended to, or the name of another place. */
static void
check_log(struct report *r, const char *kind, const char *path)
{
	struct stat st;

	if (path == NULL)
		path = "stderr";
	if (path[0] != '/')
		check_item(r, kind, span_str(path), true, "%s", "");
	else if (lstat(path, &st) != 0 && errno == ENOENT)
		check_makeable(r, kind, path);
	else if (lstat(path, &st) != 0 || access(path, W_OK) != 0)
		check_item(
		    r, kind, span_str(path), false, "%s", strerror(errno));
	else
		check_item(r, kind, span_str(path), true, "%s", "");
}

static void
check_listeners(struct report *r)
{
	const struct config *c = r->config;
	char why[WHY_MAX];

	for (unsigned i = 0; i < c->n_listen; i++) {
		bool ok = listen_check(c, i, why, sizeof(why));

		check_item(r, "listen", span_str(c->listen[i]), ok, "%s", why);
	}
	if (c->web_server_user != NULL) {
		bool ok = listen_check_user(c, why, sizeof(why));

		check_item(r, "web-server-user", span_str(c->web_server_user),
		    ok, "%s", why);
	}
	check_item(r, "peer-secret", SPAN("MGW_PEER_SECRET"), true,
	    c->peer_secret.p != NULL ? "set" : "unset");
}

static void
check_introspection(struct report *r, const struct bundle *b)
{
	char why[WHY_MAX] = "";
	struct introspect *s = introspect_open(b, r->config, why, sizeof(why));

	if (s == NULL)
		check_item(r, "introspection", SPAN("-"), false, "%s", why);
	for (uint32_t i = 0; s != NULL && i < bundle_n(b, SECTION_INTROSPECT);
	     i++)
		check_item(r, "introspection",
		    bundle_text(b, bundle_introspect(b, i)->url), true,
		    "for tokens of %.*s",
		    SPAN_ARG(bundle_text(b, bundle_introspect(b, i)->issuer)));
	introspect_free(s);
}

static void
check_backend(struct report *r, struct span of, const struct backend *b)
{
	static const char *const auths[BACKEND_AUTH__MAX] = {
		[BACKEND_AUTH_NONE] = "",
		[BACKEND_AUTH_BASIC] = ", with user and password",
		[BACKEND_AUTH_HEADER] = ", with a secret header",
		[BACKEND_AUTH_OAUTH2] = ", with a token of our own",
	};
	const struct span none = { "", 0 };
	bool ok = b->ca_file.n == 0 || access(b->ca_file.p, R_OK) == 0;

	if (ok)
		check_item(r, "endpoint", b->url, true, "of %.*s%s%s%s%.*s%.*s",
		    SPAN_ARG(of), b->health != NULL ? ", checked" : "",
		    b->security != NULL && b->security->certificate != ROW_NONE
			? ", with our certificate"
			: "",
		    b->security != NULL ? auths[b->security->auth] : "",
		    SPAN_ARG(b->proxy != NULL ? SPAN(", through ") : none),
		    SPAN_ARG(b->proxy != NULL ? b->proxy_url : none));
	else
		check_item(r, "endpoint", b->url, false, "%.*s: %s",
		    SPAN_ARG(b->ca_file), strerror(errno));
}

static bool
check_set(struct report *r, const struct balance_set *s, struct span of)
{
	for (unsigned i = 0; s != NULL && i < s->n; i++)
		check_backend(r, of, &s->list[i]);
	return s != NULL;
}

/* The lists of an API, and those that its operations have of their own. */
static void
check_api(struct report *r, const struct backends *l, uint32_t i)
{
	const struct bundle *b = l->bundle;
	struct match m = { .api = bundle_api(b, i) };
	struct span title = bundle_text(b, m.api->title);
	bool any = check_set(r, backends_set(l, &m, false), title);
	char sandbox[256];

	(void)snprintf(
	    sandbox, sizeof(sandbox), "%.*s, sandbox", SPAN_ARG(title));
	any |= check_set(r, backends_set(l, &m, true), span_str(sandbox));
	if (!any)
		check_item(r, "endpoint", SPAN("-"), true,
		    "none of %.*s but those of its operations",
		    SPAN_ARG(title));
}

static void
check_operation(
    struct report *r, const struct backends *l, const struct row_operation *op)
{
	const struct bundle *b = l->bundle;
	char of[512];

	(void)snprintf(of, sizeof(of), "%.*s %.*s",
	    SPAN_ARG(bundle_text(b, op->method)),
	    SPAN_ARG(bundle_text(b, bundle_item(b, op->item)->path)));
	if (op->endpoints.n > 0)
		(void)check_set(
		    r, l->by_row[op->endpoints.first], span_str(of));
	if (op->sandbox.n > 0)
		(void)check_set(r, l->by_row[op->sandbox.first], span_str(of));
}

/* Of the bundle and of mgw.conf; check_rules counts the others. */
static void
check_closed(struct report *r, const struct bundle *b)
{
	uint32_t n = bundle_n(b, SECTION_API);
	uint32_t *s = calloc((size_t)n + 1, sizeof(*s));
	char why[WHY_MAX] = "out of memory";

	if (s == NULL || !closed_fill(b, r->config, s, why, sizeof(why)))
		check_item(r, "maintenance", SPAN("-"), false, "%s", why);
	for (uint32_t i = 0; s != NULL && i < n; i++) {
		const struct row_api *a = bundle_api(b, i);

		if (s[i] == 0)
			s[i] = a->maintenance_s;
		if (s[i] > 0)
			check_item(r, "maintenance", bundle_text(b, a->title),
			    true, "closed, Retry-After %u", s[i]);
	}
	free(s);
}

static void
check_endpoints(struct report *r, const struct bundle *b)
{
	struct backends l = { .bundle = b };
	char why[WHY_MAX] = "";

	if (!backends_open(&l, b, r->config, why, sizeof(why)))
		check_item(r, "endpoint", SPAN("-"), false, "%s", why);
	for (uint32_t i = 0; why[0] == '\0' && i < bundle_n(b, SECTION_API);
	     i++)
		check_api(r, &l, i);
	for (uint32_t i = 0;
	     why[0] == '\0' && i < bundle_n(b, SECTION_OPERATION); i++)
		check_operation(r, &l, bundle_operation(b, i));
	backends_close(&l);
}

/* Each secret is read for itself, and forgotten with "objects". */
struct secrets {
	const struct report *report;
	const struct bundle *bundle;
	struct source_object objects[2];
	unsigned n;
};

static bool
check_secret(
    void *world, uint32_t row, struct span *secret, char *why, size_t why_size)
{
	struct secrets *s = world;
	const struct source_reader from = { .bundle = s->bundle,
		.env = config_lookup,
		.world = (void *)(uintptr_t)s->report->config };

	if (s->n == 2 ||
	    !source_load(&from, row, &s->objects[s->n], why, why_size))
		return false;
	*secret = s->objects[s->n++].view.secret;
	return true;
}

static void
check_store(struct report *r, const struct bundle *b)
{
	struct secrets secrets = { .report = r, .bundle = b };
	struct store_set set;
	char why[WHY_MAX] = "";
	bool ok;

	if (!store_is_needed(b))
		return;
	ok = store_set_read(&set, b, r->config, check_secret, &secrets, why,
		 sizeof(why)) &&
	    store_link_try(&set.link, why, sizeof(why));
	check_item(r, "store", set.shown.p != NULL ? set.shown : SPAN("-"), ok,
	    "%s", ok ? "answers in time" : why);
	store_set_fini(&set);
	while (secrets.n > 0)
		source_free(&secrets.objects[--secrets.n]);
}

static void
check_bundle(struct report *r)
{
	const char *path = r->config->bundle;
	char why[WHY_MAX] = "";
	struct bundle b;

	if (!bundle_open(&b, path, why, sizeof(why))) {
		check_item(r, "bundle", span_str(path), false, "%s", why);
		check_revocation(r, NULL);
		return;
	}
	check_item(r, "bundle", span_str(path), true, "policy=%016llx",
	    (unsigned long long)b.policy);
	for (uint32_t i = 0; i < bundle_n(&b, SECTION_SOURCE); i++)
		check_source(r, &b, i);
	check_introspection(r, &b);
	check_access(r, &b);
	check_endpoints(r, &b);
	check_closed(r, &b);
	check_store(r, &b);
	check_revocation(r, &b);
	bundle_close(&b);
}

int
check_run(const struct config *c)
{
	struct report r = { .config = c, .first = true };
	struct span all;
	bool ok;

	buf_init(&r.out, REPORT_BYTES_MAX);
	if (c->check_json)
		buf_add_str(&r.out, "{\n  \"items\": [");
	check_item(&r, "configuration",
	    span_str(c->file != NULL ? c->file : "-"), true,
	    "threads=%u queue-time=%ums", c->threads, c->queue_time_ms);
	check_user(&r);
	check_state(&r);
	check_rules(&r);
	check_log(&r, "events", c->events);
	check_log(&r, "error-log", c->error_log);
	check_listeners(&r);
	check_bundle(&r);
	if (c->check_json)
		buf_printf(&r.out, "\n  ],\n  \"ok\": %s\n}\n",
		    r.wrong ? "false" : "true");
	all = buf_span(&r.out);
	ok = !r.out.failed && fwrite(all.p, 1, all.n, stdout) == all.n &&
	    fflush(stdout) == 0;
	buf_fini(&r.out);
	if (r.state != NULL)
		state_close(r.state);
	return !ok ? 2 : r.wrong ? 1 : 0;
}
