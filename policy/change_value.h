/*
 * change_value - values of changes, encoded for their place.
 *
 * Private to change*.c.
 */
#ifndef MGW_POLICY_CHANGE_VALUE_H
#define MGW_POLICY_CHANGE_VALUE_H

#include "base/buf.h"
#include "policy/change.h"

struct change_writer {
	const struct bundle *bundle;
	const struct request *request;
	const struct match *match;
	const struct principal *who;
	struct decision *decision;
	enum change_kind place;
	struct buf to;
	bool absent; /* some part had nothing to say */
};

/* All but the unreserved as %XX (RFC 3986 section 2.3). */
void change_escape(struct buf *to, struct span s);

/*
 * Append the parts of "row"; w->absent is set where one is absent or empty.
 * False: bad-request for a field that came twice, or headers-too-large.
 */
bool change_write_value(struct change_writer *w, const struct row_change *row);

#endif
