/*
 * check_source - what stands behind a SOURCE row; part of check.c.
 */
#include "base/clock.h"
#include "fcgi/application_feed.h"
#include "fcgi/check_part.h"
#include "fcgi/remote_file.h"
#include "policy/source.h"

/* What is kept of a URL; nothing is fetched. */
static void
check_kept(struct report *r, struct span url)
{
	struct remote_kept kept;
	struct buf body;

	buf_init(&body, KEY_SET_BYTES_MAX);
	if (r->state == NULL ||
	    !remote_file_read(r->config->state, r->state, url, &body, &kept))
		check_item(r, "source", url, true, "not fetched yet");
	else
		check_item(r, "source", url, true, "kept; next fetch in %lld s",
		    (long long)(kept.left_us / 1000000));
	buf_fini(&body);
}

/* How many there are, and tiers in them that nobody knows. */
static void
check_applications(struct report *r, struct span name,
    const struct applications *f, const struct buf *notes)
{
	check_item(r, "applications", name, true,
	    "%zu, %zu of them blocked%s%.*s", applications_n(f),
	    applications_n_blocked(f), notes->n > 0 ? "; " : "", (int)notes->n,
	    notes->n > 0 ? notes->p : "");
}

/* The same of what is kept of a URL; nothing is fetched. */
static void
check_feed(struct report *r, const struct bundle *b, struct span url)
{
	struct application_feed_settings set = { .bundle = b,
		.folder = r->config->state,
		.state = r->state,
		.url = url };
	struct application_feed *f = application_feed_new(&set);
	struct applications *apps = NULL;
	int64_t fetched_us = 0, age_s;
	char why[WHY_MAX] = "";
	struct buf text;

	buf_init(&text, APPLICATIONS_BYTES_MAX);
	if (f != NULL && r->state != NULL &&
	    application_feed_read(
		f, &text, NULL, &fetched_us, why, sizeof(why)))
		apps = applications_new(
		    text.n > 0 ? buf_span(&text) : SPAN(""), why, sizeof(why));
	age_s = (clock_wall_us() - fetched_us) / US_PER_S;
	if (apps == NULL)
		check_item(r, "applications", url, true, "not fetched yet");
	else
		check_item(r, "applications", url,
		    !application_feed_is_stale(f, fetched_us),
		    "%zu, %zu of them blocked; fetched %lld s ago",
		    applications_n(apps), applications_n_blocked(apps),
		    (long long)age_s);
	applications_free(apps);
	application_feed_put(f);
	buf_fini(&text);
}

void
check_source(struct report *r, const struct bundle *b, uint32_t row)
{
	static const char *const kinds[SOURCE_KIND__MAX] = {
		[SOURCE_SECRET] = "secret",
		[SOURCE_KEY_SET] = "key set",
		[SOURCE_KEY_FILE] = "key file",
		[SOURCE_SIGNING_KEY] = "signing key",
		[SOURCE_HTPASSWD] = "user file",
		[SOURCE_APPLICATIONS] = "applications",
	};
	const struct row_source *s = bundle_source(b, row);
	struct buf notes;
	const struct source_reader from = { .bundle = b,
		.env = config_lookup,
		.world = (void *)(uintptr_t)r->config,
		.notes = &notes };
	struct span name = bundle_text(b, s->value);
	struct span origin = bundle_text(b, s->origin);
	struct source_object o = { 0 };
	char why[WHY_MAX] = "";
	struct arena a;
	bool placed = s->how == SOURCE_FILE || s->how == SOURCE_URL, ok = true;

	buf_init(&notes, WHY_MAX / 2);
	arena_init(&a, 1024, 64 * 1024);
	if (placed)
		name = source_place(&from, row, &a, why, sizeof(why));
	else if (s->how == SOURCE_INLINE)
		name = SPAN("inline");
	if (name.p == NULL) {
		name = bundle_text(b, s->value);
		ok = false;
	} else if (s->how == SOURCE_URL && s->kind == SOURCE_APPLICATIONS) {
		check_feed(r, b, name);
		buf_fini(&notes);
		arena_fini(&a);
		return;
	} else if (s->how == SOURCE_URL) {
		/* As remote.h names it. */
		if (s->issuer.n > 0)
			name = arena_printf(&a, "%.*s %.*s", SPAN_ARG(name),
			    SPAN_ARG(bundle_text(b, s->issuer)));
		check_kept(r, name.p != NULL ? name : SPAN(""));
		buf_fini(&notes);
		arena_fini(&a);
		return;
	} else {
		ok = source_load(&from, row, &o, why, sizeof(why));
	}
	check_item(r, "source", name, ok, "%s%s%.*s",
	    ok && kinds[s->kind] != NULL ? kinds[s->kind] : why,
	    origin.n > 0 ? ", named by " : "", SPAN_ARG(origin));
	if (ok && o.applications != NULL)
		check_applications(r, name, o.applications, &notes);
	if (ok)
		source_free(&o);
	buf_fini(&notes);
	arena_fini(&a);
}
