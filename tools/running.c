/*
 * running - see running.h.
 */
#include "tools/running.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/shown.h"
#include "policy/api_name.h"

/* True: "b" has "name"; else what it has is added to "known". */
typedef bool has_name(
    const struct bundle *b, struct span name, struct buf *known);

static void
add_known(struct buf *known, struct span name)
{
	if (name.n == 0)
		return;
	buf_add_str(known, known->n > 0 ? ", " : "");
	buf_add(known, name);
}

static bool
has_api(const struct bundle *b, struct span name, struct buf *known)
{
	for (uint32_t i = 0; i < bundle_n(b, SECTION_API); i++) {
		const struct row_api *api = bundle_api(b, i);
		struct span title = bundle_text(b, api->title);
		struct span version = bundle_text(b, api->version);

		if (api_name_match(name, title, version) != API_NAME_OTHER)
			return true;
		add_known(known, title);
	}
	return false;
}

static bool
has_issuer(const struct bundle *b, struct span name, struct buf *known)
{
	for (uint32_t i = 0; i < bundle_n(b, SECTION_ISSUER); i++) {
		struct span issuer =
		    bundle_text(b, bundle_issuer(b, i)->issuer);

		if (span_eq(name, issuer))
			return true;
		add_known(known, issuer);
	}
	for (uint32_t i = 0; i < bundle_n(b, SECTION_INTROSPECT); i++) {
		struct span issuer =
		    bundle_text(b, bundle_introspect(b, i)->issuer);

		if (span_eq(name, issuer))
			return true;
		add_known(known, issuer);
	}
	return false;
}

static void
warn_unless(const char *program, struct state *s, struct arena *a,
    const char *kind, struct span name, has_name *has)
{
	struct state_report report;
	bool found = false;
	unsigned opened = 0;
	struct buf known;
	struct bundle b;
	char why[512];

	if (!state_report(s, clock_wall_us(), a, &report))
		return;
	buf_init(&known, 65536);
	for (unsigned i = 0; i < report.n_processes && !found; i++) {
		struct span path = arena_copy(a, report.processes[i].bundle);

		if (path.p == NULL ||
		    !bundle_open(&b, path.p, why, sizeof(why)))
			continue;
		opened++;
		known.n = 0;
		found = has(&b, name, &known);
		bundle_close(&b);
	}
	if (!found && opened > 0) {
		(void)fprintf(stderr, "%s: warning: no gate that runs has %s '",
		    program, kind);
		shown_print(stderr, name);
		(void)fprintf(stderr, "'%s", known.n > 0 ? "; known are " : "");
		shown_print(stderr, buf_span(&known));
		(void)fputc('\n', stderr);
	}
	buf_fini(&known);
}

void
running_warn_api(
    const char *program, struct state *s, struct arena *a, struct span api)
{
	warn_unless(program, s, a, "the API", api, has_api);
}

void
running_warn_issuer(
    const char *program, struct state *s, struct arena *a, struct span issuer)
{
	/* Names that the gate gives itself, where no issuer signs. */
	if (span_eq(issuer, SPAN("basic")) ||
	    span_starts(issuer, SPAN("host:")) ||
	    span_starts(issuer, SPAN("certificate:")))
		return;
	warn_unless(program, s, a, "the issuer", issuer, has_issuer);
}

static bool
is_missing(const char *dir, const char *name)
{
	char path[4096];

	return snprintf(path, sizeof(path), "%s/%s", dir, name) <
	    (int)sizeof(path) &&
	    access(path, F_OK) != 0 && errno == ENOENT;
}

void
running_warn_new(const char *program, const char *dir)
{
	/* With "memory" the state proper is in another folder. */
	if (!is_missing(dir, "shared") || !is_missing(dir, "memory"))
		return;
	(void)fprintf(stderr,
	    "%s: warning: %s had no state: no gate has used it so far; "
	    "--state or MGW_STATE says where the gate's is\n",
	    program, dir);
}
