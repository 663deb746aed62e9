/*
 * principal - see principal.h.
 */
#include "policy/principal.h"

bool
principal_has_scope(const struct principal *p, struct span scope)
{
	struct span rest = p->scopes;

	if (scope.n == 0)
		return false;
	while (rest.p != NULL) {
		if (span_eq(span_cut(&rest, ' '), scope))
			return true;
	}
	return false;
}

bool
principal_has_group(const struct principal *p, struct span group)
{
	for (size_t i = 0; i < p->n_groups; i++) {
		if (group.n > 0 && span_eq(p->groups[i], group))
			return true;
	}
	return false;
}

bool
principal_add_groups(
    struct principal *p, struct arena *a, const struct span *groups, size_t n)
{
	size_t n_all = p->n_groups + n;
	struct span *all;

	if (n == 0)
		return true;
	if (p->n_groups == 0) {
		p->groups = groups;
		p->n_groups = n;
		return true;
	}
	all = arena_calloc(a, n_all, sizeof(*all));
	for (size_t i = 0; all != NULL && i < n_all; i++)
		all[i] =
		    i < p->n_groups ? p->groups[i] : groups[i - p->n_groups];
	p->groups = all;
	p->n_groups = all != NULL ? n_all : 0;
	return all != NULL;
}
