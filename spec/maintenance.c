/*
 * maintenance - see maintenance.h.
 */
#include "spec/maintenance.h"

#include "base/ascii.h"
#include "base/clock.h"
#include "policy/maintenance.h"
#include "spec/fields.h"

void
maintenance_read(const struct node *map, uint32_t *s, struct diag *d)
{
	const struct node *n = tree_get(map, "maintenance");
	uint64_t us = 0;

	if (n == NULL)
		return;
	if (n->kind == NODE_BOOL)
		*s = span_eq(n->text, SPAN("true")) ? MAINTENANCE_DEFAULT_S : 0;
	else if (n->kind == NODE_STRING && n->text.n > 0 &&
	    !ascii_is_digit(n->text.p[0]))
		diag_error(d, n->place, "value",
		    "maintenance must be true, false, or a duration such as "
		    "30m, not '%.*s'",
		    SPAN_ARG(n->text));
	else
		field_duration(map, "maintenance", US_PER_S,
		    (uint64_t)MAINTENANCE_MAX_S * US_PER_S, &us, d);
	if (us > 0)
		*s = (uint32_t)(us / US_PER_S);
}
