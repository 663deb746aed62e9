/*
 * verdict - that a token's signature was found good, remembered.
 *
 * A verdict is kept under the whole token and everything that verified it
 * (issuer row's content, key set generation, settings).  It proves only
 * "signed by a key of this issuer": times, audience, type, scopes and
 * everything else are checked again at every use.
 */
#ifndef MGW_POLICY_VERDICT_H
#define MGW_POLICY_VERDICT_H

#include "base/arena.h"
#include "base/span.h"

/* A token with more claims than fit is verified each time. */
#define VERDICT_BYTES_MAX 1536

struct verdict {
	struct span key_id;  /* "kid" of the key that verified it */
	struct span payload; /* the token's claims, as JSON text */
	int64_t expires_s;   /* the slot may be reused after this */
};

#endif
