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

void
check_revocation(struct report *r, const struct bundle *b)
{
	struct revoked_set set;
	char why[WHY_MAX];

	if (r->state == NULL)
		return;
	if (revoked_set_init(&set, b, r->config->state, r->state, true,
		config_lookup, (void *)(uintptr_t)r->config, why, sizeof(why)))
		for (unsigned i = 0; i < set.n; i++)
			check_list(r, &set.sources[i]);
	else
		check_item(r, "revocation", SPAN("-"), false, "%s", why);
	revoked_set_fini(&set);
}
