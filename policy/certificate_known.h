/*
 * certificate_known - what a certificate says, remembered.
 *
 * To read one takes a hundred microseconds and more.  What was read is kept
 * among the verdicts, under the very bytes that came; it hangs on nothing
 * else.  That the web server has verified it, its times, and whose it may
 * be is looked at at every use.
 */
#ifndef MGW_POLICY_CERTIFICATE_KNOWN_H
#define MGW_POLICY_CERTIFICATE_KNOWN_H

#include "policy/outside.h"
#include "policy/sign.h"

/*
 * "form" tells how "bytes" are to be read.  False: it is not known, and has
 * to be read.  "world" may be NULL in both.
 */
bool certificate_recall(const struct outside *world, unsigned form,
    struct span bytes, struct arena *a, struct certificate *c);

/* One with more names than fit is read each time. */
void certificate_remember(const struct outside *world, unsigned form,
    struct span bytes, const struct certificate *c);

#endif
