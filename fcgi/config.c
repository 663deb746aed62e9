/*
 * config - see config.h.
 *
 * A key is the same thing in three places: a line of mgw.conf, MGW_KEY in
 * the environment, and "-e KEY=VALUE" or an option of its own.  They are
 * applied in this order, so that the last wins.
 */
#include "fcgi/config.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/args.h"
#include "base/file.h"
#include "fcgi/config_keys.h"
#include "policy/words.h"

#ifndef SYSCONFDIR
#define SYSCONFDIR "/etc"
#endif

#define CONFIG_BYTES_MAX (1024 * 1024)

static bool
read_line(struct origin *o, struct span line)
{
	const struct config_key *k;
	struct span name, value;

	value = line;
	for (size_t i = 0; i < line.n; i++) {
		if (line.p[i] == ' ' || line.p[i] == '\t') {
			value.n = i;
			break;
		}
	}
	name = value;
	value = span_trim(span_skip(line, name.n));
	k = config_key_find(name);
	if (k == NULL)
		return origin_wrong(o, "unknown key \"%.*s\"",
		    (int)(name.n < 40 ? name.n : 40), name.p);
	if (value.n == 0)
		return origin_wrong(o, "%s needs a value", k->name);
	return k->set(o, value);
}

static bool
read_file(struct origin *o, const char *path)
{
	struct config *c = o->config;
	struct span rest, line;
	struct buf b = { 0 };
	unsigned n = 0;
	bool ok = true;

	if (!file_read(path, FILE_TRUSTED, CONFIG_BYTES_MAX, &b, NULL, o->why,
		o->why_size))
		return false;
	rest = buf_span(&b);
	o->beside = span_str(path);
	while (ok && words_line(&rest, &line, &n)) {
		o->place = arena_printf(&c->arena, "%s:%u", path, n).p;
		if (o->place == NULL || span_has_control(line))
			o->place = path;
		ok = span_has_control(line)
		    ? origin_wrong(o, "line %u: control byte", n)
		    : read_line(o, line);
	}
	buf_fini(&b);
	return ok;
}

/* The key that "MGW_QUEUE_TIME" or "QUEUE_TIME" sets, or NULL. */
static const struct config_key *
variable_key(struct span name)
{
	char lower[32];

	if (span_starts(name, SPAN("MGW_")))
		name = span_skip(name, 4);
	if (name.n >= sizeof(lower))
		return NULL;
	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];

		lower[i] = c == '_'        ? '-'
		    : c >= 'A' && c <= 'Z' ? (char)(c + 'a' - 'A')
					   : c;
	}
	return config_key_find(span_of(lower, name.n));
}

/* A place that names several addresses replaces what was before. */
static bool
set_variable(struct origin *o, struct span name, struct span value)
{
	const struct config_key *k = variable_key(name);

	if (k == NULL)
		return config_add_env(o, name, value);
	if (span_eq(span_str(k->name), SPAN("listen")))
		o->config->n_listen = 0;
	return k->set(o, value);
}

static bool
read_environment(struct origin *o, char **environment)
{
	for (; *environment != NULL; environment++) {
		struct span value = span_str(*environment), name;

		name = span_cut(&value, '=');
		if (!span_starts(name, SPAN("MGW_")) || value.n == 0 ||
		    variable_key(name) == NULL)
			continue;
		o->beside = SPAN("");
		o->place = origin_text(o, name);
		if (o->place == NULL || !set_variable(o, name, value))
			return false;
	}
	return true;
}

/* Options as they were given, to be applied last. */
enum {
	OPTION_BUNDLE,
	OPTION_CONFIG,
	OPTION_STATE,
	OPTION_LISTEN,
	OPTION_THREADS,
	OPTION_ENV,
	OPTION_ALLOW_ROOT,
	OPTION_CHECK,
	OPTION_JSON,
	OPTION__MAX
};

static const struct args_option options[] = {
	{ 'b', "bundle", "FILE", "what mgw-spec import wrote" },
	{ 'c', "config", "FILE", "mgw.conf to read" },
	{ 's', "state", "DIR", "folder for counters and fetched keys" },
	{ 'l', "listen", "ADDR", "unix:PATH or tcp:ADDRESS:PORT; repeatable" },
	{ 't', "threads", "N", "the most requests at once" },
	{ 'e', "env", "NAME=VALUE", "as MGW_NAME in the environment" },
	{ 0, "allow-root", NULL, "run as root all the same" },
	{ 0, "check", NULL, "say what would be done, and end" },
	{ 0, "json", NULL, "what --check says, as JSON" },
	{ 0, NULL, NULL, NULL },
};

static const struct args_program program = {
	"mgw",
	"[OPTION]...",
	"Enforce the policy of a bundle on what a web server hands over by\n"
	"FastCGI or CGI.  Without --listen: FastCGI on descriptor 0, or one\n"
	"CGI request.  The configuration is --config, else MGW_CONF, else\n"
	"~/.mgw/mgw.conf, else " SYSCONFDIR "/mgw/mgw.conf.\n"
	"\n"
	"Exit: 0 has ended as it was asked to, 1 --check found something "
	"wrong,\n"
	"2 wrong use or cannot start.",
	options,
};

struct option {
	int which;
	const char *value;
};

/* False: the process ends with c->exit_code. */
static bool
read_options(
    struct config *c, int argc, char **argv, struct option *list, unsigned *n)
{
	struct args a;
	int which;

	*n = 0;
	args_init(&a, &program, argc, argv);
	while ((which = args_next(&a)) >= 0)
		list[(*n)++] = (struct option){ which, a.value };
	if (which == ARGS_OPERAND)
		args_wrong(&program, "unexpected \"%s\"", a.value);
	c->exit_code = which == ARGS_DONE ? 0 : 2;
	return which == ARGS_END;
}

static bool
apply_option(struct origin *o, const struct option *option)
{
	static const char *const keys[OPTION__MAX] = {
		[OPTION_BUNDLE] = "bundle",
		[OPTION_STATE] = "state",
		[OPTION_LISTEN] = "listen",
		[OPTION_THREADS] = "threads",
	};
	struct span value = span_str(option->value), name;

	o->beside = SPAN("");
	if (option->which == OPTION_ALLOW_ROOT)
		o->config->allow_root = true;
	if (option->which == OPTION_CHECK)
		o->config->check_only = true;
	if (option->which == OPTION_JSON)
		o->config->check_json = true;
	if (option->which == OPTION_ENV) {
		o->place = "-e";
		name = span_cut(&value, '=');
		if (value.p == NULL)
			return origin_wrong(o, "must be NAME=VALUE");
		return set_variable(o, name, value);
	}
	if (keys[option->which] == NULL)
		return true;
	o->place = options[option->which].name;
	return config_key_find(span_str(keys[option->which]))->set(o, value);
}

static bool
apply_options(struct origin *o, const struct option *list, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		if (list[i].which == OPTION_LISTEN) {
			o->config->n_listen = 0;
			break;
		}
	}
	for (unsigned i = 0; i < n; i++)
		if (!apply_option(o, &list[i]))
			return false;
	return true;
}

static const char *
environment_get(char **environment, const char *name)
{
	for (; *environment != NULL; environment++) {
		struct span value = span_str(*environment);

		if (span_eq(span_cut(&value, '='), span_str(name)) &&
		    value.n > 0)
			return value.p;
	}
	return NULL;
}

/* ~ of the user we run as: CGI processes have no HOME. */
static const char *
home(struct config *c)
{
	const struct passwd *pw = getpwuid(geteuid());

	return pw != NULL && pw->pw_dir != NULL
	    ? arena_copy(&c->arena, span_str(pw->pw_dir)).p
	    : NULL;
}

/* The mgw.conf to read; NULL with an empty "why": there is none. */
static const char *
choose_file(struct origin *o, const char *named)
{
	struct config *c = o->config;
	const char *h = home(c), *path;

	o->place = "mgw.conf";
	if (named != NULL) {
		char *real = realpath(named, NULL);

		if (real == NULL) {
			(void)snprintf(o->why, o->why_size, "%s: %s", named,
			    strerror(errno));
			return NULL;
		}
		path = origin_text(o, span_str(real));
		free(real);
		return path;
	}
	path =
	    h != NULL ? arena_printf(&c->arena, "%s/.mgw/mgw.conf", h).p : NULL;
	if (path != NULL && access(path, F_OK) == 0)
		return path;
	path = SYSCONFDIR "/mgw/mgw.conf";
	return access(path, F_OK) == 0 ? path : NULL;
}

/* Bundle, state and events, where nothing names them. */
static bool
set_defaults(struct origin *o)
{
	struct config *c = o->config;
	const char *h = home(c);
	struct span beside = c->file != NULL
	    ? span_str(c->file)
	    : arena_printf(&c->arena, "%s/.mgw/mgw.conf", h != NULL ? h : "");

	if (c->bundle == NULL)
		c->bundle =
		    file_beside(SPAN("mgw.bundle"), beside, &c->arena).p;
	if (c->state == NULL)
		c->state = file_beside(SPAN("state"), beside, &c->arena).p;
	if (c->events == NULL && c->state != NULL)
		c->events =
		    arena_printf(&c->arena, "%s/events.log", c->state).p;
	return (c->bundle != NULL && c->state != NULL && c->events != NULL) ||
	    origin_wrong(o, "out of memory");
}

/* "path", as far as it exists, lies in "folder" (both made real). */
static bool
lies_below(const char *path, const char *folder)
{
	char *copy = strdup(path), *real = NULL, *slash;
	struct span f = span_str(folder);
	bool below;

	while (copy != NULL && (real = realpath(copy, NULL)) == NULL &&
	    (slash = strrchr(copy, '/')) != NULL && slash != copy)
		*slash = '\0';
	/* What cannot be told apart is refused. */
	below = real == NULL ||
	    (span_starts(span_str(real), f) &&
		(real[f.n] == '\0' || real[f.n] == '/' || f.n == 1));
	free(copy);
	free(real);
	return below;
}

/* Files below a document root may be read, or even written, by visitors. */
static bool
check_document_root(struct origin *o, const char *root)
{
	const struct config *c = o->config;
	const char *const paths[] = { c->file, c->bundle, c->state,
		c->events[0] == '/' ? c->events : NULL, c->error_log };
	char *real = realpath(root, NULL);
	bool ok = true;

	for (size_t i = 0; ok && i < sizeof(paths) / sizeof(paths[0]); i++) {
		if (paths[i] == NULL || real == NULL ||
		    !lies_below(paths[i], real))
			continue;
		o->place = paths[i];
		ok = origin_wrong(o,
		    "lies below the document root %s, where visitors may "
		    "reach it; move it, for example to ~/.mgw",
		    root);
	}
	free(real);
	return ok;
}

bool
config_load(struct config *c, int argc, char **argv, char **environment,
    char *why, size_t why_size)
{
	struct origin o = { .config = c,
		.place = "mgw",
		.beside = SPAN(""),
		.why = why,
		.why_size = why_size };
	const char *named = environment_get(environment, "MGW_CONF");
	const char *root = environment_get(environment, "DOCUMENT_ROOT");
	struct option *list;
	unsigned n;

	why[0] = '\0';
	*c = (struct config){ .log_level = LOG_LEVEL_INFO,
		.threads = 64,
		.queue_time_ms = 1000,
		.state_snapshot_s = 600,
		.health_path = "/health",
		.strip_prefix = SPAN(""),
		.exit_code = 2 };
	arena_init(&c->arena, 16 * 1024, 4 * 1024 * 1024);
	list = arena_calloc(&c->arena, (size_t)argc + 1, sizeof(*list));
	if (list == NULL)
		return origin_wrong(&o, "out of memory");
	if (!read_options(c, argc, argv, list, &n))
		return false;
	for (unsigned i = 0; i < n; i++)
		if (list[i].which == OPTION_CONFIG)
			named = list[i].value;
	c->file = choose_file(&o, named);
	if ((c->file == NULL && why[0] != '\0') ||
	    (c->file != NULL && !read_file(&o, c->file)))
		return false;
	if (!read_environment(&o, environment) || !apply_options(&o, list, n) ||
	    !set_defaults(&o))
		return false;
	c->peer_secret = config_env(c, SPAN("MGW_PEER_SECRET"));
	if (!config_cert_finish(&o))
		return false;
	if (environment_get(environment, "REQUEST_METHOD") == NULL)
		return true;
	return root == NULL || check_document_root(&o, root);
}

void
config_fini(struct config *c)
{
	arena_fini(&c->arena);
}

/* Names that a web server or its client fills (RFC 3875 section 4.1). */
static bool
is_cgi_name(struct span name)
{
	static const char *const names[] = { "AUTH_TYPE", "CONTENT_LENGTH",
		"CONTENT_TYPE", "GATEWAY_INTERFACE", "PATH_INFO",
		"PATH_TRANSLATED", "QUERY_STRING", "REMOTE_ADDR", "REMOTE_HOST",
		"REMOTE_IDENT", "REMOTE_USER", "REQUEST_METHOD", "REQUEST_URI",
		"SCRIPT_NAME", "SCRIPT_FILENAME", "SERVER_NAME", "SERVER_PORT",
		"SERVER_PROTOCOL", "SERVER_SOFTWARE" };

	if (span_starts(name, SPAN("HTTP_")) ||
	    span_starts(name, SPAN("REDIRECT_")))
		return true;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (span_eq(name, span_str(names[i])))
			return true;
	return false;
}

struct span
config_env(const struct config *c, struct span name)
{
	const struct config_pair *p = c->environment;
	struct span none = { NULL, 0 };
	char text[128];
	const char *value;

	if (is_cgi_name(name) || name.n >= sizeof(text))
		return none;
	for (; p != NULL; p = p->next)
		if (span_eq(p->name, name))
			return p->value.n > 0 ? p->value : none;
	memcpy(text, name.p, name.n);
	text[name.n] = '\0';
	value = getenv(text);
	return value != NULL && value[0] != '\0' ? span_str(value) : none;
}

struct span
config_lookup(void *config, struct span name)
{
	return config_env(config, name);
}

struct span
config_override(const struct config *c, struct span name)
{
	struct span bare = name, found;

	found = config_env(c, name);
	if (found.p != NULL || !span_starts(name, SPAN("MGW_")))
		return found;
	bare = span_skip(name, 4);
	for (const struct config_pair *p = c->environment; p; p = p->next)
		if (span_eq(p->name, bare))
			return p->value;
	return found;
}

static bool
is_override(struct span name)
{
	static const char *const marks[] = { "ENDPOINT_", "SANDBOX_",
		"_endpoint_", ".endpoint.", "_basic_", ".basic." };

	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
		if (name.n > 0 &&
		    memmem(name.p, name.n, marks[i], strlen(marks[i])) != NULL)
			return true;
	return false;
}

bool
config_may_override(const struct config *c)
{
	for (const struct config_pair *p = c->environment; p; p = p->next)
		if (is_override(p->name))
			return true;
	for (char **e = environ; e != NULL && *e != NULL; e++) {
		struct span value = span_str(*e);

		if (is_override(span_cut(&value, '=')))
			return true;
	}
	return false;
}
