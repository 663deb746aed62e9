/*
 * certificate - the client's certificate, as the web server tells of it.
 *
 * From SSL_CLIENT_VERIFY and SSL_CLIENT_CERT, which mod_ssl
 * (SSLOptions +StdEnvVars +ExportCertData) and mod_openssl
 * (ssl.verifyclient.exportcert) set; or, from a trusted proxy alone, from
 * the field of certificate_field.h.
 */
#ifndef MGW_POLICY_CERTIFICATE_H
#define MGW_POLICY_CERTIFICATE_H

#include "policy/outside.h"
#include "policy/principal.h"
#include "policy/request.h"
#include "policy/sign.h"

/* Longer ones are refused: no authority makes them. */
#define CERTIFICATE_BYTES_MAX (32 * 1024)

/*
 * The certificate of this connection, in the request's arena.  False:
 * certificate-missing, certificate-untrusted (anything but exactly
 * SUCCESS, a certificate that cannot be read or is out of its time), or
 * fault.  "world" remembers what was read; NULL: nobody does.
 */
bool certificate_of(const struct outside *world, const struct request *r,
    struct certificate *c, struct decision *d);

/*
 * A verified credential that is bound to a certificate ("cnf") comes from
 * who has that (RFC 8705 section 3).  True also for what is not bound; of
 * another binding nothing is known here.
 */
bool certificate_binding(const struct outside *world, const struct request *r,
    const struct principal *who, struct decision *d);

#endif
