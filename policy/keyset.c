/*
 * keyset - see keyset.h.
 */
#include "policy/keyset.h"

#include <stdio.h>
#include <stdlib.h>

#include "policy/json.h"
#include "policy/jwk.h"

/* A token without "kid" is tried with no more keys than this. */
#define TRIES_MAX 4

struct entry {
	struct sign_key *key;
	struct span kid; /* in the arena; p == NULL: none */
	uint32_t algorithms;
};

struct key_set {
	unsigned n;
	struct entry entries[KEY_SET_KEYS_MAX];
	struct arena arena;
};

static const char *const names[ALG__MAX] = { "RS256", "RS384", "RS512", "PS256",
	"PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "HS256", "HS384",
	"HS512" };

bool
algorithm_parse(struct span name, enum algorithm *alg)
{
	for (int i = 0; i < ALG__MAX; i++) {
		if (span_eq(name, span_str(names[i]))) {
			*alg = (enum algorithm)i;
			return true;
		}
	}
	return false;
}

const char *
algorithm_name(enum algorithm alg)
{
	return names[alg];
}

static void
note(struct buf *notes, unsigned number, const char *what)
{
	if (notes != NULL)
		buf_printf(notes, "key %u: %s\n", number, what);
}

/* Takes "key". */
static const char *
add(struct key_set *k, struct sign_key *key, struct span kid, uint32_t bits)
{
	const char *why = NULL;
	struct span copy = { NULL, 0 };

	if (k->n == KEY_SET_KEYS_MAX) {
		why = "more keys than are read";
	} else if (kid.p != NULL) {
		copy = arena_copy(&k->arena, kid);
		if (copy.p == NULL)
			why = "out of memory";
	}
	if (why == NULL)
		k->entries[k->n++] = (struct entry){ key, copy, bits };
	else
		sign_key_free(key);
	return why;
}

static const char *
add_jwk(struct key_set *k, const struct json_object *o, bool remote)
{
	struct jwk jwk;
	struct arena a;
	const char *why;

	arena_init(&a, 4096, KEY_SET_BYTES_MAX);
	(void)jwk_read(o, false, &a, &jwk, &why); /* "why" tells the same */
	if (jwk.key == NULL) {
		/* Told. */
	} else if (!jwk.verifies) {
		why = "use or key_ops do not allow verifying";
	} else if (remote && sign_key_kind(jwk.key) == KEY_KIND_SECRET) {
		why = "a secret from elsewhere is not accepted";
	} else {
		why = add(k, jwk.key, jwk.kid, jwk.algorithms);
		jwk.key = NULL;
	}
	sign_key_free(jwk.key);
	arena_fini(&a);
	return why;
}

/* A set {"keys": [...]}, or one key alone. */
static const char *
read_json(struct key_set *k, struct span text, bool remote, struct buf *notes)
{
	const char *error;
	struct json_object *root = json_read(text, &error), *list;
	size_t n = 0;

	if (root == NULL)
		return error;
	error = NULL;
	list = json_get(root, "keys");
	if (list == NULL && json_get(root, "kty") != NULL) {
		const char *why = add_jwk(k, root, remote);

		if (why != NULL)
			note(notes, 1, why);
	} else if (!json_is_array(list, &n)) {
		error = "no \"keys\" list";
	}
	for (size_t i = 0; i < n; i++) {
		const char *why = add_jwk(k, json_at(list, i), remote);

		if (why != NULL)
			note(notes, (unsigned)i + 1, why);
	}
	json_free(root);
	return error;
}

static void
read_pem(struct key_set *k, struct span text, struct buf *notes)
{
	struct span none = { NULL, 0 };

	for (unsigned number = 1;; number++) {
		const char *why;
		struct sign_key *key = sign_key_from_pem(&text, false, &why);

		if (key == NULL && why == NULL)
			return;
		if (key != NULL)
			why = add(k, key, none, jwk_algorithms(key));
		if (why != NULL)
			note(notes, number, why);
	}
}

static bool
is_json(struct span text)
{
	for (size_t i = 0; i < text.n; i++) {
		if (strchr(" \t\r\n", text.p[i]) == NULL)
			return text.p[i] == '{';
	}
	return false;
}

struct key_set *
key_set_new(struct span text, bool remote, struct buf *notes, char *why,
    size_t why_size)
{
	struct key_set *k = calloc(1, sizeof(*k));
	const char *error = NULL;

	if (k == NULL) {
		(void)snprintf(why, why_size, "out of memory");
		return NULL;
	}
	arena_init(&k->arena, 1024, KEY_SET_BYTES_MAX);
	if (text.n > KEY_SET_BYTES_MAX)
		error = "key set is too large";
	else if (is_json(text))
		error = read_json(k, text, remote, notes);
	else
		read_pem(k, text, notes);
	if (error == NULL && k->n == 0)
		error = "no usable key";
	if (error == NULL)
		return k;
	(void)snprintf(why, why_size, "%s", error);
	key_set_free(k);
	return NULL;
}

void
key_set_free(struct key_set *k)
{
	if (k == NULL)
		return;
	for (unsigned i = 0; i < k->n; i++)
		sign_key_free(k->entries[i].key);
	arena_fini(&k->arena);
	free(k);
}

unsigned
key_set_n(const struct key_set *k)
{
	return k->n;
}

/* What is being verified, and how often it was tried. */
struct trial {
	enum algorithm alg;
	struct span signed_text, signature;
	unsigned n;
	struct span used;
};

/* KEY_UNKNOWN: no entry fits. */
static enum key_result
try_entry(const struct entry *e, struct trial *t)
{
	if ((e->algorithms >> t->alg & 1) == 0 || t->n == TRIES_MAX)
		return KEY_UNKNOWN;
	t->n++;
	switch (sign_verify(e->key, t->alg, t->signed_text, t->signature)) {
	case SIGN_GOOD:
		t->used = e->kid;
		return KEY_GOOD;
	case SIGN_FAULT:
		return KEY_FAULT;
	default:
		return KEY_BAD_SIGNATURE;
	}
}

/* With keys that have a name, or with those that have none, as from PEM. */
static enum key_result
try_entries(
    const struct key_set *k, struct span kid, bool named, struct trial *t)
{
	enum key_result result = KEY_UNKNOWN;

	for (unsigned i = 0; i < k->n; i++) {
		const struct entry *e = &k->entries[i];
		enum key_result one;

		if ((e->kid.p != NULL) != named ||
		    (named && kid.p != NULL && !span_eq(kid, e->kid)))
			continue;
		one = try_entry(e, t);
		if (one == KEY_GOOD || one == KEY_FAULT)
			return one;
		if (one == KEY_BAD_SIGNATURE)
			result = one;
	}
	return result;
}

enum key_result
key_set_verify_by(const struct key_set *k, enum algorithm alg, struct span kid,
    struct span signed_text, struct span signature, struct span *used)
{
	struct trial t = {
		.alg = alg, .signed_text = signed_text, .signature = signature
	};
	enum key_result result = try_entries(k, kid, true, &t), other;

	if (result != KEY_GOOD && result != KEY_FAULT) {
		other = try_entries(k, kid, false, &t);
		if (other != KEY_UNKNOWN)
			result = other;
	}
	*used = t.used;
	return result;
}

enum key_result
key_set_verify(const struct key_set *k, enum algorithm alg, struct span kid,
    struct span signed_text, struct span signature)
{
	struct span used;

	return key_set_verify_by(k, alg, kid, signed_text, signature, &used);
}
