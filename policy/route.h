/*
 * route - which operation a request means.
 *
 * The path item is chosen first, literal before template before wildcard,
 * segment by segment with backtracking, and only then the method: a
 * method that the item lacks is 405, never a less specific item.  The
 * tree is drawn in format.h; each of its nodes is visited at most once.
 */
#ifndef MGW_POLICY_ROUTE_H
#define MGW_POLICY_ROUTE_H

#include "policy/request.h"

struct match {
	const struct row_api *api;             /* NULL: no base path fits */
	const struct row_item *item;           /* NULL: no path fits */
	const struct row_operation *operation; /* NULL: no method fits */
	struct span *variables; /* decoded, in the order of item->variables */
	bool head;              /* HEAD answered by the operation of GET */
};

/*
 * Fill "m" as far as the request matches.  False: no-route,
 * path-ambiguous, method-not-allowed or fault (arena full), with "m" still
 * usable for the answer (api for its form, item for Allow). An OPTIONS that the
 * document lacks matches with operation == NULL and true: the caller answers it
 * (preflight) without a credential.
 */
bool route_match(const struct bundle *b, const struct request *r,
    struct match *m, struct decision *d);

#endif
