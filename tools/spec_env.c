/*
 * spec_env - mgw-spec env: what a machine may set for a bundle.
 *
 * A line a variable: its name, what it is for, and its value or "set" or
 * "unset", separated by tabs.  Values of variables are never printed: they
 * may be secrets.
 */
#include <stdlib.h>

#include "base/args.h"
#include "base/shown.h"
#include "policy/override.h"
#include "policy/reference.h"
#include "tools/spec.h"

static const struct args_option no_options[] = { { 0, NULL, NULL, NULL } };

static const struct args_program program = { "mgw-spec env", "BUNDLE",
	"List the variables that mgw looks up for a bundle: those that\n"
	"replace an endpoint, with its URL, and those that its policy names.",
	no_options };

static void
line(struct span name, const char *what, struct span of, struct span value)
{
	shown_print(stdout, name);
	printf("\t%s ", what);
	shown_print(stdout, of);
	putchar('\t');
	shown_print(stdout, value);
	putchar('\n');
}

static struct span
state_of(struct span name, struct arena *a)
{
	const char *value = getenv(arena_printf(a, "%.*s", SPAN_ARG(name)).p);

	return value != NULL && value[0] != '\0' ? SPAN("set") : SPAN("unset");
}

/* Each ${env:NAME} in a text. */
static void
print_references(
    struct span text, const char *what, struct span of, struct arena *a)
{
	struct reference r;
	const char *why;

	while (text.p != NULL && reference_next(&text, &r, &why))
		if (r.kind == REFERENCE_ENV)
			line(r.name, what, of, state_of(r.name, a));
}

/* Who we are there; a password is never shown, nor is what replaces it. */
static void
print_logins(const struct override *o, struct span of, struct arena *a)
{
	static const struct {
		enum override_login which;
		const char *what;
	} logins[] = { { OVERRIDE_USER, "user at the backend of" },
		{ OVERRIDE_PASSWORD, "password at the backend of" } };

	for (size_t i = 0; i < sizeof(logins) / sizeof(*logins); i++) {
		struct span names[OVERRIDE_LOGINS_MAX];
		unsigned n = override_logins(o, logins[i].which, a, names);

		for (unsigned k = 0; k < n; k++)
			line(names[k], logins[i].what, of,
			    state_of(names[k], a));
	}
}

static bool
has_login(const struct bundle *b, struct range list)
{
	for (uint32_t i = 0; i < list.n; i++) {
		struct range s = bundle_endpoint(b, list.first + i)->security;

		if (s.n > 0 &&
		    bundle_security(b, s.first)->auth == BACKEND_AUTH_BASIC)
			return true;
	}
	return false;
}

static void
print_list(struct override *o, struct span of, struct arena *a)
{
	const struct bundle *b = o->bundle;
	/* The first that would be added, too. */
	unsigned n = o->list.n > 0 ? o->list.n : 1;

	for (unsigned i = 0; i < n; i++) {
		struct span names[OVERRIDE_NAMES_MAX], url = SPAN("-");
		unsigned count = override_names(o, i, a, names);

		if (i < o->list.n)
			url = bundle_text(
			    b, bundle_endpoint(b, o->list.first + i)->url);
		for (unsigned k = 0; k < count; k++)
			line(names[k],
			    o->sandbox ? "sandbox endpoint of" : "endpoint of",
			    of, url);
		if (i < o->list.n)
			print_references(url, "in an endpoint of", of, a);
	}
	if (has_login(b, o->list))
		print_logins(o, of, a);
}

static void
print_endpoints(const struct bundle *b, struct arena *a)
{
	struct override o = { .bundle = b };

	for (uint32_t i = 0; i < bundle_n(b, SECTION_API); i++) {
		struct span of;

		o.api = bundle_api(b, i);
		of = arena_printf(a, "%.*s %.*s",
		    SPAN_ARG(bundle_text(b, o.api->title)),
		    SPAN_ARG(bundle_text(b, o.api->version)));
		o.sandbox = false;
		o.list = o.api->endpoints;
		print_list(&o, of, a);
		o.sandbox = true;
		o.list = o.api->sandbox;
		print_list(&o, of, a);
	}
	for (uint32_t i = 0; i < bundle_n(b, SECTION_OPERATION); i++) {
		o.operation = bundle_operation(b, i);
		o.api = bundle_api(b, o.operation->api);
		for (int sandbox = 0; sandbox < 2; sandbox++) {
			o.sandbox = sandbox == 1;
			o.list = o.sandbox ? o.operation->sandbox
					   : o.operation->endpoints;
			if (o.list.n > 0)
				print_list(&o,
				    bundle_text(b, o.operation->operation_id),
				    a);
		}
	}
}

static void
print_sources(const struct bundle *b, struct arena *a)
{
	for (uint32_t i = 0; i < bundle_n(b, SECTION_SOURCE); i++) {
		const struct row_source *s = bundle_source(b, i);
		struct span value = bundle_text(b, s->value);
		struct span origin = bundle_text(b, s->origin);

		if (s->how == SOURCE_ENV)
			line(value, "named by", origin, state_of(value, a));
		else if (s->how != SOURCE_INLINE)
			print_references(value, "named by", origin, a);
	}
	for (uint32_t i = 0; i < bundle_n(b, SECTION_PROXY); i++) {
		const struct row_proxy *p = bundle_proxy(b, i);

		print_references(bundle_text(b, p->url), "named by",
		    bundle_text(b, p->origin), a);
	}
	for (uint32_t i = 0; i < bundle_n(b, SECTION_SECURITY); i++) {
		const struct row_security *s = bundle_security(b, i);
		struct span origin = bundle_text(b, s->origin);

		print_references(
		    bundle_text(b, s->user), "named by", origin, a);
		print_references(
		    bundle_text(b, s->token_url), "named by", origin, a);
	}
}

int
spec_env(int argc, char **argv)
{
	const char *path = NULL;
	struct arena a;
	struct args args;
	struct bundle b;
	int got;

	args_init(&args, &program, argc, argv);
	while ((got = args_next(&args)) != ARGS_END) {
		if (got == ARGS_DONE)
			return 0;
		if (got != ARGS_OPERAND)
			return EXIT_TROUBLE;
		if (path != NULL)
			return args_wrong(&program, "more than one operand");
		path = args.value;
	}
	if (path == NULL)
		return args_wrong(&program, "an operand is missing");
	if (!spec_open(&b, path, program.name))
		return EXIT_TROUBLE;
	arena_init(&a, 65536, (size_t)1 << 30);
	print_endpoints(&b, &a);
	print_sources(&b, &a);
	arena_fini(&a);
	bundle_close(&b);
	return fflush(stdout) == 0 ? 0 : EXIT_TROUBLE;
}
