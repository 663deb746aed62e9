/*
 * application_check - the application behind a verified credential, and
 * what follows from it.
 */
#ifndef MGW_POLICY_APPLICATION_CHECK_H
#define MGW_POLICY_APPLICATION_CHECK_H

#include "policy/application.h"
#include "policy/credential.h"

/*
 * Look up the application of who brought the credential of "c" and let it
 * say what the credential leaves open.  False: verifier-down when the file
 * cannot be used, claim-refused when the API has to be subscribed to and
 * is not.  True also where there is no file, or no application in it.
 * "alternative" is for the trace.
 */
bool application_recognise(const struct credential_call *c, int alternative,
    struct principal *who, struct decision *d);

/*
 * Once it is known who it is: its application is not blocked, and it has
 * one of the groups that the operation asks for.
 */
bool application_check(const struct bundle *b, const struct match *m,
    const struct principal *who, struct decision *d);

/* There is something that application_check() could refuse. */
bool application_has_rules(const struct bundle *b, const struct match *m);

#endif
