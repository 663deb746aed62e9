/*
 * token_sign - "sign" and "jwks" of mgw-token: what needs private keys.
 */
#include <stdlib.h>

#include "base/base64url.h"
#include "base/file.h"
#include "policy/json.h"
#include "policy/jwk.h"
#include "policy/keyset.h"
#include "tools/show.h"
#include "tools/token.h"

/* A private key from text that may be PEM or a JWK; NULL after a message. */
static struct sign_key *
parse_key(struct call *c, struct span text, struct span *kid)
{
	struct json_object *o, *public;
	struct sign_key *key = NULL;
	const char *why = "no key in it";
	struct jwk jwk;

	*kid = (struct span){ NULL, 0 };
	if (text.n > 0 && text.p[0] == '{') {
		o = json_read(text, &why);
		if (o != NULL && jwk_read(o, true, &c->arena, &jwk, &why)) {
			key = jwk.key;
			if (jwk.kid.p != NULL)
				*kid = arena_copy(&c->arena, jwk.kid);
		}
		json_free(o);
	} else {
		struct span rest = text;

		key = sign_key_from_pem(&rest, true, &why);
	}
	if (key == NULL) {
		(void)token_fail("--key", why != NULL ? why : "no key in it");
		return NULL;
	}
	/* A key without a name gets the one that "jwks" would give it. */
	public = kid->p == NULL ? jwk_public(key, *kid, &c->arena) : NULL;
	if (public != NULL && json_is_string(json_get(public, "kid"), kid))
		*kid = arena_copy(&c->arena, *kid);
	json_free(public);
	return key;
}

static struct sign_key *
read_key(struct call *c, struct span *kid)
{
	const char *text = c->key;
	struct sign_key *key = NULL;
	struct span at;
	char *content;

	/* A name alone is a file's: keys do not belong into arguments. */
	at = arena_printf(
	    &c->arena, "%s%s", strchr("@-{", text[0]) != NULL ? "" : "@", text);
	content = at.p != NULL ? args_content(&token_program, at.p) : NULL;
	if (content == NULL)
		return NULL;
	key = parse_key(c, span_str(content), kid);
	sign_wipe(content, strlen(content));
	free(content);
	return key;
}

static bool
choose_algorithm(
    const struct call *c, const struct sign_key *key, enum algorithm *alg)
{
	uint32_t bits = jwk_algorithms(key);
	int first = 0;

	if (c->alg != NULL)
		return algorithm_parse(span_str(c->alg), alg) &&
		    sign_key_fits(key, *alg);
	while (first < ALG__MAX && (bits >> first & 1) == 0)
		first++;
	*alg = (enum algorithm)first;
	return first < ALG__MAX;
}

static void
add_header(
    const struct call *c, enum algorithm alg, struct span kid, struct buf *b)
{
	struct json_object *o = json_new_object();
	struct buf text;

	buf_init(&text, 4096);
	if (!json_put(
		o, "alg", json_new_string(span_str(algorithm_name(alg)))) ||
	    !json_put(o, "typ",
		json_new_string(span_str(c->type != NULL ? c->type : "JWT"))) ||
	    (kid.p != NULL && !json_put(o, "kid", json_new_string(kid))))
		b->failed = true;
	json_write(o, false, &text);
	b->failed |= text.failed;
	base64url_encode(b, buf_span(&text));
	buf_fini(&text);
	json_free(o);
}

static int
sign_with(struct call *c, const struct sign_key *key, struct span kid,
    struct span claims)
{
	struct buf b, signature;
	enum algorithm alg;
	int rc = 2;

	if (!choose_algorithm(c, key, &alg))
		return token_fail("--alg", "does not fit the key");
	if (c->kid != NULL)
		kid = span_str(c->kid);
	buf_init(&b, 1 << 20);
	buf_init(&signature, 4096);
	add_header(c, alg, kid, &b);
	buf_add_char(&b, '.');
	base64url_encode(&b, claims);
	if (!b.failed && sign_make(key, alg, buf_span(&b), &signature)) {
		buf_add_char(&b, '.');
		base64url_encode(&b, buf_span(&signature));
		buf_add_char(&b, '\n');
	} else {
		b.failed = true;
	}
	if (b.failed)
		(void)token_fail("--key", "cannot sign (is it a private key?)");
	else if (fwrite(b.p, 1, b.n, stdout) == b.n)
		rc = 0;
	buf_fini(&b);
	buf_fini(&signature);
	return rc;
}

int
token_sign(struct call *c)
{
	struct json_object *checked;
	struct sign_key *key;
	struct span kid;
	const char *error;
	char *claims;
	int rc = 2;

	if (c->key == NULL || c->claims == NULL)
		return args_wrong(
		    &token_program, "sign needs --key and --claims");
	if (c->n_operands > 0)
		return args_wrong(&token_program, "sign takes no operand");
	claims = args_content(&token_program, c->claims);
	if (claims == NULL)
		return 2;
	checked = json_read(span_str(claims), &error);
	if (checked == NULL || !json_is_object(checked)) {
		(void)token_fail(
		    "--claims", checked == NULL ? error : "no object");
	} else if ((key = read_key(c, &kid)) != NULL) {
		rc = sign_with(c, key, kid, span_str(claims));
		sign_key_free(key);
	}
	json_free(checked);
	free(claims);
	return rc;
}

/* Add the public parts of all keys in one PEM file. */
static bool
add_public(struct call *c, const char *path, struct json_object *list)
{
	struct buf text;
	struct span rest;
	char why[400];
	unsigned n = 0;

	if (!file_read(path, FILE_ANY, KEY_SET_BYTES_MAX, &text, NULL, why,
		sizeof(why))) {
		(void)fprintf(stderr, "mgw-token: %s\n", why);
		return false;
	}
	rest = buf_span(&text);
	for (;; n++) {
		struct span none = { NULL, 0 };
		const char *what;
		struct sign_key *key = sign_key_from_pem(&rest, true, &what);
		bool good = key != NULL &&
		    json_append(list, jwk_public(key, none, &c->arena));

		sign_key_free(key);
		if (good)
			continue;
		if (key == NULL && what == NULL && n > 0)
			break;
		(void)token_fail(path, what != NULL ? what : "no key in it");
		n = 0;
		break;
	}
	sign_wipe(text.p, text.n);
	buf_fini(&text);
	return n > 0;
}

int
token_jwks(struct call *c)
{
	struct json_object *o = json_new_object(), *list = json_new_array();
	bool good = c->n_operands > 0;

	if (!good)
		(void)args_wrong(&token_program, "jwks needs a PEM file");
	for (int i = 0; i < c->n_operands && good; i++)
		good = add_public(c, c->operands[i], list);
	good = json_put(o, "keys", list) && good && show_json(stdout, o);
	json_free(o);
	return good ? 0 : 2;
}
