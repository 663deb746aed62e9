/*
 * grow - see grow.h.
 */
#include "base/grow.h"

#include <stdlib.h>

#define FIRST 64

void *
grow(void *p, size_t n, size_t *size, size_t each)
{
	size_t more = *size > 0 ? *size * 2 : FIRST;

	if (n < *size)
		return p;
	p = reallocarray(p, more, each);
	if (p != NULL)
		*size = more;
	return p;
}
