/*
 * grow - an array on the heap that gets longer by one at its end.
 */
#ifndef MGW_BASE_GROW_H
#define MGW_BASE_GROW_H

#include <stddef.h>

/*
 * Room for one more behind the "n" elements of "each" bytes at "p", which
 * has room for "*size": "p", or where they are now.  NULL: no memory, and
 * "p" is as it was.
 */
void *grow(void *p, size_t n, size_t *size, size_t each);

#endif
