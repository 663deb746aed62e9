/*
 * params - the list of a request's parameters; private to exchange.c.
 *
 * Its memory is used again for the next request.
 */
#ifndef MGW_FCGI_PARAMS_H
#define MGW_FCGI_PARAMS_H

#include "policy/request.h"

/* More parameters than this no web server sends. */
#define PARAMS_N_MAX 1000

struct params {
	struct param *list;
	size_t n, size;
};

/*
 * Append "name=value", which must outlive the list; a text without '=' is
 * left out.  False: too many, or no memory.
 */
bool params_add(struct params *p, const char *pair);

#endif
