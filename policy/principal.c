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
