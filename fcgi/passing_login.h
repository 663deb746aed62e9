/*
 * passing_login - the gate's own credential for a backend, in the head of a
 * request; part of passing.h.
 */
#ifndef MGW_FCGI_PASSING_LOGIN_H
#define MGW_FCGI_PASSING_LOGIN_H

#include "fcgi/upstream.h"

/*
 * This header of the client's (with HTTP_) stands where ours does, or is
 * its own credential and would go along with ours.
 */
bool passing_login_hides(const struct upstream_call *c, struct span full);

/*
 * Its line without CRLF, in the request's arena; n == 0: the backend gets
 * none.  Made for each attempt: two endpoints need not have the same.
 * False: fault.
 */
bool passing_login_line(
    const struct upstream_call *c, struct span *line, struct decision *d);

#endif
