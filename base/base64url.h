/*
 * base64url - RFC 4648 section 5 without padding, as RFC 7515 uses it.
 *
 * Strict: no padding, no white space, no foreign letter, no length of
 * 4n+1, and the unused bits of the last letter must be zero, so that
 * equal bytes have exactly one spelling.
 */
#ifndef MGW_BASE_BASE64URL_H
#define MGW_BASE_BASE64URL_H

#include "base/arena.h"
#include "base/buf.h"

/* False if "s" is not strict base64url or the arena is full. */
bool base64url_decode(struct span s, struct arena *a, struct span *bytes);

void base64url_encode(struct buf *b, struct span bytes);

#endif
