/*
 * config_keys - see config_keys.h.
 */
#include "fcgi/config_keys.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "base/file.h"
#include "policy/maintenance.h"

#define LISTEN_MAX 8
#define TRUSTED_PROXIES_MAX 64

bool
origin_wrong(struct origin *o, const char *format, ...)
{
	va_list args;
	int n = snprintf(o->why, o->why_size, "%s: ", o->place);

	if (n < 0 || (size_t)n >= o->why_size)
		return false;
	va_start(args, format);
	(void)vsnprintf(o->why + n, o->why_size - (size_t)n, format, args);
	va_end(args);
	return false;
}

const char *
origin_text(struct origin *o, struct span value)
{
	struct span s = arena_copy(&o->config->arena, value);

	if (s.p == NULL)
		origin_wrong(o, "out of memory");
	return s.p;
}

/* An absolute path, or NULL with "why". */
static const char *
absolute(struct origin *o, struct span value)
{
	char cwd[PATH_MAX];
	struct span s;

	if (value.n == 0) {
		origin_wrong(o, "a path is missing");
		return NULL;
	}
	if (value.p[0] == '/')
		return origin_text(o, value);
	if (o->beside.n > 0) {
		s = file_beside(value, o->beside, &o->config->arena);
	} else {
		if (getcwd(cwd, sizeof(cwd)) == NULL) {
			origin_wrong(o, "current folder: %s", strerror(errno));
			return NULL;
		}
		s = arena_printf(
		    &o->config->arena, "%s/%.*s", cwd, SPAN_ARG(value));
	}
	if (s.p == NULL)
		origin_wrong(o, "out of memory");
	return s.p;
}

static bool
number(struct origin *o, struct span value, uint64_t min, uint64_t max,
    unsigned *to)
{
	uint64_t v;

	if (!span_to_u64(value, max, &v) || v < min)
		return origin_wrong(o, "must be a number from %llu to %llu",
		    (unsigned long long)min, (unsigned long long)max);
	*to = (unsigned)v;
	return true;
}

static bool
yes_or_no(struct origin *o, struct span value, bool *to)
{
	*to = span_eq(value, SPAN("yes"));
	return *to || span_eq(value, SPAN("no")) ||
	    origin_wrong(o, "must be yes or no");
}

static bool
set_bundle(struct origin *o, struct span value)
{
	return (o->config->bundle = absolute(o, value)) != NULL;
}

static bool
set_state(struct origin *o, struct span value)
{
	return (o->config->state = absolute(o, value)) != NULL;
}

static bool
set_events(struct origin *o, struct span value)
{
	static const char *const words[] = { "off", "syslog", "stderr" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (span_eq(value, span_str(words[i]))) {
			o->config->events = words[i];
			return true;
		}
	}
	return (o->config->events = absolute(o, value)) != NULL;
}

static bool
set_error_log(struct origin *o, struct span value)
{
	o->config->error_log = NULL;
	return span_eq(value, SPAN("stderr")) ||
	    (o->config->error_log = absolute(o, value)) != NULL;
}

static bool
set_log_level(struct origin *o, struct span value)
{
	return log_level_parse(value, &o->config->log_level) ||
	    origin_wrong(o, "must be error, warn, info or debug");
}

static bool
set_listen(struct origin *o, struct span value)
{
	struct config *c = o->config;
	const char *path;
	struct span s = value;

	if (c->n_listen == LISTEN_MAX)
		return origin_wrong(o, "more than %d addresses", LISTEN_MAX);
	if (span_starts(value, SPAN("unix:"))) {
		path = absolute(o, span_skip(value, 5));
		if (path == NULL)
			return false;
		s = arena_printf(&c->arena, "unix:%s", path);
	} else if (!span_starts(value, SPAN("tcp:"))) {
		return origin_wrong(o, "must be unix:PATH or tcp:ADDRESS:PORT");
	}
	c->listen[c->n_listen] = origin_text(o, s);
	return c->listen[c->n_listen++] != NULL;
}

static bool
set_listen_group(struct origin *o, struct span value)
{
	return (o->config->listen_group = origin_text(o, value)) != NULL;
}

static bool
set_threads(struct origin *o, struct span value)
{
	return number(o, value, 1, 1024, &o->config->threads);
}

static bool
set_state_counters(struct origin *o, struct span value)
{
	return number(o, value, 64, 1 << 26, &o->config->state_counters);
}

static bool
set_state_slides(struct origin *o, struct span value)
{
	return number(o, value, 64, 1 << 20, &o->config->state_slides);
}

static bool
set_state_memory(struct origin *o, struct span value)
{
	if (value.n == 0 || value.p[0] != '/')
		return origin_wrong(o, "must be an absolute path");
	return (o->config->state_memory = origin_text(o, value)) != NULL;
}

/* "90s", "10m" or "2h"; a plain number is seconds. */
static bool
seconds(struct origin *o, struct span value, unsigned max, unsigned *to)
{
	unsigned factor = 1;
	uint64_t n;

	if (span_ends(value, SPAN("m")))
		factor = 60;
	else if (span_ends(value, SPAN("h")))
		factor = 3600;
	if (factor > 1 || span_ends(value, SPAN("s")))
		value.n--;
	if (!span_to_u64(value, max / factor, &n) || n == 0)
		return origin_wrong(o,
		    "must be a time such as 90s, 10m or 2h, of at most %us",
		    max);
	*to = (unsigned)n * factor;
	return true;
}

static bool
set_state_snapshot(struct origin *o, struct span value)
{
	return seconds(o, value, 86400, &o->config->state_snapshot_s);
}

static bool
set_queue_time(struct origin *o, struct span value)
{
	unsigned factor = 1;

	/* Without a unit it would be too easy to mean the other one. */
	if (span_ends(value, SPAN("ms"))) {
		value.n -= 2;
	} else if (span_ends(value, SPAN("s"))) {
		value.n--;
		factor = 1000;
	} else {
		return origin_wrong(o, "must have a unit, such as 500ms or 2s");
	}
	if (!number(o, value, 1, 60000 / factor, &o->config->queue_time_ms))
		return false;
	o->config->queue_time_ms *= factor;
	return true;
}

static bool
set_health_path(struct origin *o, struct span value)
{
	o->config->health_path = NULL;
	if (span_eq(value, SPAN("off")))
		return true;
	if (!span_starts(value, SPAN("/")))
		return origin_wrong(o, "must be off or begin with /");
	return (o->config->health_path = origin_text(o, value)) != NULL;
}

static bool
set_strip_prefix(struct origin *o, struct span value)
{
	while (span_ends(value, SPAN("/")))
		value.n--;
	if (value.n > 0 && value.p[0] != '/')
		return origin_wrong(o, "must begin with /");
	o->config->strip_prefix = arena_copy(&o->config->arena, value);
	return o->config->strip_prefix.p != NULL ||
	    origin_wrong(o, "out of memory");
}

static bool
set_trusted_proxy(struct origin *o, struct span value)
{
	struct config *c = o->config;

	if (c->trusted_proxies == NULL)
		c->trusted_proxies = arena_calloc(&c->arena,
		    TRUSTED_PROXIES_MAX, sizeof(*c->trusted_proxies));
	if (c->trusted_proxies == NULL ||
	    c->n_trusted_proxies == TRUSTED_PROXIES_MAX)
		return origin_wrong(
		    o, "more than %d addresses", TRUSTED_PROXIES_MAX);
	if (!network_parse(value, &c->trusted_proxies[c->n_trusted_proxies]))
		return origin_wrong(
		    o, "must be an address, or a network such as 10.0.0.0/8");
	c->n_trusted_proxies++;
	return true;
}

static bool
set_proxy_header(struct origin *o, struct span value)
{
	static const struct {
		const char *word;
		enum client_header header;
	} words[] = { { "auto", CLIENT_HEADER_AUTO },
		{ "x-forwarded-for", CLIENT_HEADER_X_FORWARDED_FOR },
		{ "forwarded", CLIENT_HEADER_FORWARDED } };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (!span_eq_nocase(value, span_str(words[i].word)))
			continue;
		o->config->proxy_header = words[i].header;
		return true;
	}
	return origin_wrong(o, "must be auto, x-forwarded-for or forwarded");
}

static bool
set_web_server_user(struct origin *o, struct span value)
{
	return (o->config->web_server_user = origin_text(o, value)) != NULL;
}

static bool
set_allow_root(struct origin *o, struct span value)
{
	return yes_or_no(o, value, &o->config->allow_root);
}

/* The API that "value" begins with, which may be put in quotes. */
static struct span
cut_api(struct span *value)
{
	struct span api;

	if (span_starts(*value, SPAN("\""))) {
		*value = span_skip(*value, 1);
		api = span_cut(value, '"');
	} else {
		api = span_cut(value, ' ');
	}
	*value = span_trim(*value);
	return api;
}

/* "API [sandbox] INDEX URL"; an API with blanks in its title is put in quotes.
 */
static bool
set_endpoint(struct origin *o, struct span value)
{
	struct config_endpoint *e = arena_alloc(&o->config->arena, sizeof(*e));
	struct span index;

	if (e == NULL)
		return origin_wrong(o, "out of memory");
	e->api = cut_api(&value);
	index = span_cut(&value, ' ');
	e->sandbox = span_eq(index, SPAN("sandbox"));
	if (e->sandbox || span_eq(index, SPAN("production"))) {
		value = span_trim(value);
		index = span_cut(&value, ' ');
	}
	e->url = arena_copy(&o->config->arena, span_trim(value));
	e->api = arena_copy(&o->config->arena, e->api);
	if (e->api.n == 0 || value.n == 0 || e->url.p == NULL)
		return origin_wrong(o, "must be API [sandbox] INDEX URL");
	if (!number(o, index, 0, 999, &e->index))
		return false;
	e->origin = o->place;
	e->next = o->config->endpoints;
	o->config->endpoints = e;
	return true;
}

/* "API [DURATION]" */
static bool
set_maintenance(struct origin *o, struct span value)
{
	struct config_closed *c = arena_alloc(&o->config->arena, sizeof(*c));

	if (c == NULL)
		return origin_wrong(o, "out of memory");
	*c = (struct config_closed){ .retry_s = MAINTENANCE_DEFAULT_S,
		.api = arena_copy(&o->config->arena, cut_api(&value)),
		.origin = o->place,
		.next = o->config->closed };
	if (c->api.n == 0)
		return origin_wrong(o, "must be API [DURATION]");
	if (value.n > 0 && !seconds(o, value, MAINTENANCE_MAX_S, &c->retry_s))
		return false;
	o->config->closed = c;
	return true;
}

bool
config_add_env(struct origin *o, struct span name, struct span value)
{
	struct config_pair *p = arena_alloc(&o->config->arena, sizeof(*p));

	if (name.n == 0)
		return origin_wrong(o, "must be NAME VALUE");
	if (p == NULL)
		return origin_wrong(o, "out of memory");
	p->name = arena_copy(&o->config->arena, name);
	p->value = arena_copy(&o->config->arena, value);
	p->next = o->config->environment;
	o->config->environment = p;
	return p->value.p != NULL || origin_wrong(o, "out of memory");
}

static bool
set_env(struct origin *o, struct span value)
{
	struct span name = span_cut(&value, ' ');

	return config_add_env(o, name, span_trim(value));
}

/* It may hold references: it is read when all of them are known. */
static bool
set_store(struct origin *o, struct span value)
{
	o->config->store = arena_copy(&o->config->arena, value);
	return o->config->store.p != NULL || origin_wrong(o, "out of memory");
}

static const struct config_key keys[] = {
	{ "allow-root", set_allow_root },
	{ "bundle", set_bundle },
	{ "client-cert-header", set_client_cert_header },
	{ "client-cert-pass", set_client_cert_pass },
	{ "client-cert-secret", set_client_cert_secret },
	{ "endpoint", set_endpoint },
	{ "env", set_env },
	{ "error-log", set_error_log },
	{ "events", set_events },
	{ "health-path", set_health_path },
	{ "listen", set_listen },
	{ "listen-group", set_listen_group },
	{ "log-level", set_log_level },
	{ "maintenance", set_maintenance },
	{ "proxy-header", set_proxy_header },
	{ "queue-time", set_queue_time },
	{ "state", set_state },
	{ "state-counters", set_state_counters },
	{ "state-memory", set_state_memory },
	{ "state-slides", set_state_slides },
	{ "state-snapshot", set_state_snapshot },
	{ "store", set_store },
	{ "strip-prefix", set_strip_prefix },
	{ "threads", set_threads },
	{ "trusted-proxy", set_trusted_proxy },
	{ "web-server-user", set_web_server_user },
};

const struct config_key *
config_key_find(struct span name)
{
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (span_eq(name, span_str(keys[i].name)))
			return &keys[i];
	return NULL;
}
