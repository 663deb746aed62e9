/*
 * check - mgw --check: what would be done, and what is wrong with it.
 *
 * Looks only: nothing is made, no socket is opened, nothing is fetched.
 */
#ifndef MGW_FCGI_CHECK_H
#define MGW_FCGI_CHECK_H

#include "fcgi/config.h"

/* Print the report to standard output; 0: it would run, 1: it would not, 2: no
 * output. */
int check_run(const struct config *c);

#endif
