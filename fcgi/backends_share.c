/*
 * backends_share - which lists of endpoints are held to a share of the
 * workers; see share.h.
 */
#include "fcgi/backends.h"

static struct balance_set *
nth_set(const struct backends *l, size_t i)
{
	size_t n = bundle_n(l->bundle, SECTION_ENDPOINT);

	return i < n ? l->by_row[i] : l->added[i - n];
}

void
backends_name_shares(struct backends *l)
{
	size_t n = bundle_n(l->bundle, SECTION_ENDPOINT) +
	    2 * (size_t)bundle_n(l->bundle, SECTION_API);
	uint64_t first = 0;
	bool several = false;

	for (size_t i = 0; i < n; i++) {
		uint64_t share;

		if (nth_set(l, i) == NULL)
			continue;
		share = nth_set(l, i)->share = balance_name(nth_set(l, i));
		several |= first != 0 && share != first;
		first = share;
	}
	for (size_t i = 0; i < n && !several; i++)
		if (nth_set(l, i) != NULL)
			nth_set(l, i)->share = 0;
}
