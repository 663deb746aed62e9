/*
 * jws - see jws.h.
 */
#include "policy/jws.h"

#include "base/base64url.h"
#include "base/json.h"
#include "policy/json.h"
#include "policy/jwk.h"
#include "policy/keyset.h"

/* {"alg":"RS256","typ":"JWT","kid":"..."} */
static bool
put_header(const struct sign_key *key, enum algorithm alg, const char *type,
    struct arena *a, struct buf *to)
{
	struct span none = { NULL, 0 }, kid;
	struct json_object *public = jwk_public(key, none, a);
	struct buf header;
	bool ok =
	    public != NULL && json_is_string(json_get(public, "kid"), &kid);

	buf_init(&header, JWS_BYTES_MAX);
	if (ok) {
		buf_printf(&header, "{\"alg\":\"%s\",\"typ\":\"%s\",\"kid\":",
		    algorithm_name(alg), type);
		json_write_string(&header, kid);
		buf_add_char(&header, '}');
		base64url_encode(to, buf_span(&header));
	}
	ok = ok && !header.failed;
	buf_fini(&header);
	json_free(public);
	return ok;
}

bool
jws_sign(const struct sign_key *key, enum algorithm alg, const char *type,
    struct span claims, struct arena *a, struct span *token)
{
	struct buf text, signature;
	bool ok;

	*token = (struct span){ NULL, 0 };
	buf_init(&text, 2 * JWS_BYTES_MAX);
	buf_init(&signature, JWS_BYTES_MAX);
	ok = put_header(key, alg, type, a, &text);
	if (ok) {
		buf_add_char(&text, '.');
		base64url_encode(&text, claims);
		ok = !text.failed &&
		    sign_make(key, alg, buf_span(&text), &signature);
	}
	if (ok) {
		buf_add_char(&text, '.');
		base64url_encode(&text, buf_span(&signature));
		*token = arena_copy(a, buf_span(&text));
		ok = !text.failed && token->p != NULL;
	}
	buf_fini(&text);
	buf_fini(&signature);
	return ok;
}

bool
jws_write_id(struct buf *to)
{
	unsigned char random[JWS_ID_BYTES];

	if (!sign_random(random, sizeof(random)))
		return false;
	base64url_encode(to, span_of(random, sizeof(random)));
	return true;
}

const char *
jws_problem(const struct sign_key *key, enum algorithm alg)
{
	struct buf signature;
	bool ok;

	if (!sign_key_fits(key, alg))
		return "does not fit the algorithm";
	buf_init(&signature, JWS_BYTES_MAX);
	ok = sign_make(key, alg, SPAN("test"), &signature);
	buf_fini(&signature);
	return ok ? NULL : "is not private";
}
