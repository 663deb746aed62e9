/*
 * change - what of a request and of its answer is changed by declaration.
 *
 * The CHANGE rows of an operation say it.  Everything is computed once,
 * before the request is counted and sent: what cannot be formed is refused,
 * and mgw-spec explain shows what a backend would get.
 *
 * What comes from outside is encoded for its place.  In a path a value is
 * one segment, and the whole path is held to what requests are held to; in
 * a query and in header fields all but plain bytes become %XX.
 */
#ifndef MGW_POLICY_CHANGE_H
#define MGW_POLICY_CHANGE_H

#include "policy/principal.h"
#include "policy/request.h"
#include "policy/route.h"

/* All of one place together; what is longer is refused. */
#define CHANGE_BYTES_MAX (16 * 1024)

/* Of one list that a claim is. */
#define CHANGE_LIST_MAX 64

struct change {
	struct range rows;   /* CHANGE; n == 0: nothing is changed */
	struct span path;    /* behind the endpoint's; p == NULL: as it came */
	struct span query;   /* pairs to append, '&' between them */
	struct span headers; /* lines of the request, with CRLF */
	struct span answer;  /* lines of the answer */
};

/*
 * Fill "c", in the request's arena, for the operation of "m" and "who".
 * False: path-ambiguous, bad-request, uri-too-long, headers-too-large or
 * fault.
 */
bool change_make(const struct bundle *b, const struct request *r,
    const struct match *m, const struct principal *who, struct change *c,
    struct decision *d);

/*
 * What came by this name is removed or replaced: a header of the request
 * in any spelling that CGI folds, a decoded query name, a header of the
 * answer.
 */
bool change_drops(const struct bundle *b, const struct change *c,
    enum change_kind kind, struct span name);

/*
 * The path behind the base path.  Segments are counted, not bytes: the
 * request's canonical spelling may differ from the bundle's.
 */
struct span change_behind(struct span path, struct span base);

/* change_check.c: the CHANGE rows are as format.h says. */
bool change_check(const struct bundle *b, char *why, size_t why_size);

#endif
