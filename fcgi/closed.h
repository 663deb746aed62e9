/*
 * closed - the APIs of a bundle that this machine closes, by lines
 * "maintenance" of mgw.conf.
 */
#ifndef MGW_FCGI_CLOSED_H
#define MGW_FCGI_CLOSED_H

#include "fcgi/config.h"
#include "policy/bundle.h"

/*
 * Fill "s", one for each API: how long clients are told to wait, or 0 where
 * it is open.  False: a line names no API; "why".
 */
bool closed_fill(const struct bundle *b, const struct config *c, uint32_t *s,
    char *why, size_t why_size);

#endif
