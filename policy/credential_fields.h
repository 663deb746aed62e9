/*
 * credential_fields - the fields that carry an API's credentials.
 *
 * Credentials are for the gate: they stop here, wherever a request brings
 * them, also where the operation asked for another one or for none, unless
 * the API is said to keep them.
 */
#ifndef MGW_POLICY_CREDENTIAL_FIELDS_H
#define MGW_POLICY_CREDENTIAL_FIELDS_H

#include "base/arena.h"
#include "base/buf.h"
#include "policy/bundle.h"

/* As CGI folds a byte of a field name: "x.foo" and "X-Foo" are "X_FOO". */
char credential_fold(char c);

/* Equal once CGI has folded both. */
bool credential_name_eq(struct span a, struct span b);

/* Some scheme of "api" reads this header (with HTTP_), query name, cookie. */
bool credential_is(const struct bundle *b, const struct row_api *api,
    enum name_kind kind, struct span name);

/* The same, and it stops here: the API's backend does not get it. */
bool credential_goes(const struct bundle *b, const struct row_api *api,
    enum name_kind kind, struct span name);

/* A Cookie line without those cookies; nothing when none is left. */
void credential_strip_cookies(const struct bundle *b, const struct row_api *api,
    struct span list, struct buf *to);

/* Some scheme of "api" reads a field of this kind. */
bool credential_has(
    const struct bundle *b, const struct row_api *api, enum name_kind kind);

#endif
