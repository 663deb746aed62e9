/*
 * Any bytes as a proof: what is read of it is whole, and its URL and key
 * can be looked at.
 */
#include <stdlib.h>

#include "policy/dpop.h"
#include "policy/json.h"
#include "policy/jwk.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
must(bool ok)
{
	if (!ok)
		abort();
}

static void
look_at_key(struct span text, struct arena *a)
{
	const char *why = NULL;
	struct json_object *o = json_read(text, &why);
	struct jwk jwk;

	must(o != NULL || why != NULL);
	if (o != NULL && jwk_read(o, false, a, &jwk, &why)) {
		struct span name = jwk_thumbprint(jwk.key, a);

		must(name.n == 43 || sign_key_kind(jwk.key) == KEY_KIND_SECRET);
		sign_key_free(jwk.key);
	}
	json_free(o);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct dpop_proof proof;
	const char *why = NULL;
	struct arena a;

	arena_init(&a, 4096, 1 << 20);
	if (dpop_read(span_of(p, n), &a, &proof, &why)) {
		must(proof.jwk.n >= 2 && proof.jwk.p[0] == '{' &&
		    proof.jwk.p[proof.jwk.n - 1] == '}');
		must(proof.id.n > 0 && proof.method.n > 0 && proof.url.n > 0 &&
		    proof.issued_s >= 0);
		look_at_key(proof.jwk, &a);
		(void)dpop_url_fits(proof.url,
		    SPAN("https://api.example:8443/v1/pets"), SPAN("/%7Bx"),
		    &a);
	} else {
		must(why != NULL);
	}
	(void)dpop_url_fits(
	    span_of(p, n), SPAN("https://api.example"), SPAN("/x"), &a);
	arena_fini(&a);
	return 0;
}
