/*
 * base64 - RFC 4648 section 4, with its padding, as Basic and PEM use it.
 *
 * Strict: padding is there where it belongs, the unused bits of the last
 * letter are zero, and there is no white space and no foreign letter.
 */
#ifndef MGW_BASE_BASE64_H
#define MGW_BASE_BASE64_H

#include "base/arena.h"
#include "base/buf.h"

/* False if "s" is not strict base64 or the arena is full. */
bool base64_decode(struct span s, struct arena *a, struct span *bytes);

void base64_encode(struct buf *b, struct span bytes);

#endif
