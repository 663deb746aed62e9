/*
 * params - see params.h.
 */
#include "fcgi/params.h"

#include <stdlib.h>

bool
params_add(struct params *p, const char *pair)
{
	struct span value = span_str(pair), name;

	if (!span_has(value, '='))
		return true;
	name = span_cut(&value, '=');
	if (p->n == PARAMS_N_MAX)
		return false;
	if (p->n == p->size) {
		size_t size = p->size == 0 ? 64 : p->size * 2;
		struct param *list = realloc(p->list, size * sizeof(*list));

		if (list == NULL)
			return false;
		p->list = list;
		p->size = size;
	}
	p->list[p->n++] = (struct param){ name, value };
	return true;
}
