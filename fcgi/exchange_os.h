/*
 * exchange_os - functions of libfcgi that are replaced: how it reaches its
 * descriptors.  For exchange.c alone.
 */
#ifndef MGW_FCGI_EXCHANGE_OS_H
#define MGW_FCGI_EXCHANGE_OS_H

#include "fcgi/wire.h"

/* libfcgi works for "w" from here on, in this thread; NULL: for nobody. */
void exchange_os_wire(struct wire *w);

#endif
