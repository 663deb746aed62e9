/*
 * check_revocation - lists of what is revoked: how long and how old they
 * are, or why they cannot be used.
 */
#include "fcgi/check_part.h"

#include "base/clock.h"
#include "policy/revocation_set.h"

static void
check_list(struct report *r, const struct revoked_source *s)
{
	int64_t now_us = clock_wall_us();
	struct span name = s->how == REVOKED_OWN
	    ? span_str(strrchr(s->path, '/') + 1)
	    : span_str(s->path);
	const char *trouble;
	struct revoked_list l;
	unsigned long long n;

	revoked_list_load(s, &l, now_us);
	trouble = revoked_list_trouble(s, &l, now_us);
	n = revoked_list_entries(&l);
	if (trouble != NULL)
		check_item(r, "revocation", name, false, "%s", trouble);
	else if (s->how == REVOKED_OWN)
		check_item(r, "revocation", name, true, "%llu entries", n);
	else
		check_item(r, "revocation", name, true,
		    "%llu entries, %lld s old", n,
		    (long long)((now_us - l.written_us) / US_PER_S));
	revoked_list_fini(&l);
}

static void
count(void *user, const struct revoked_entry *e)
{
	unsigned long long *n = user;

	(void)e;
	*n += 1;
}

/* Before there is a state, which has the key by which entries are kept. */
static void
check_first(struct report *r, const struct revoked_source *s)
{
	struct span name = span_str(s->path);
	unsigned long long n = 0;
	struct buf text = { 0 };
	unsigned line = 0;
	char why[WHY_MAX];
	const char *wrong;

	if (s->how != REVOKED_FILE_OF_OTHERS)
		return;
	if (!file_read(s->path, FILE_TRUSTED, REVOKED_BYTES_MAX, &text, NULL,
		why, sizeof(why))) {
		check_item(r, "revocation", name, false, "%s", why);
		return;
	}
	wrong = revoked_file_walk(buf_span(&text), count, &n, &line);
	if (wrong != NULL)
		check_item(
		    r, "revocation", name, false, "line %u %s", line, wrong);
	else
		check_item(r, "revocation", name, true, "%llu entries", n);
	buf_fini(&text);
}

void
check_revocation(struct report *r, const struct bundle *b)
{
	struct revoked_set set;
	char why[WHY_MAX];

	if (revoked_set_init(&set, b, r->config->state, r->state, true,
		config_lookup, (void *)(uintptr_t)r->config, why, sizeof(why)))
		for (unsigned i = 0; i < set.n; i++)
			(r->state != NULL ? check_list : check_first)(
			    r, &set.sources[i]);
	else
		check_item(r, "revocation", SPAN("-"), false, "%s", why);
	revoked_set_fini(&set);
}
