/*
 * source - see source.h.
 */
#include "policy/source.h"

#include <stdio.h>

#include "policy/json.h"
#include "policy/jwk.h"
#include "policy/throttle_key.h"
#include "policy/url.h"

#define SECRET_BYTES_MAX (16 * 1024)
#define PATH_ARENA_BYTES (16 * 1024)

/* No two contents have the same number, but for one chance in 2^64. */
static uint64_t
generation_of(struct span text)
{
	static const struct siphash_key key = { 0, 0 };
	uint64_t sum = siphash_64(&key, text);

	return sum != 0 ? sum : 1;
}

static bool
keep_secret(
    struct source_object *o, struct span text, char *why, size_t why_size)
{
	while (span_ends(text, SPAN("\n")))
		text.n--;
	if (text.n == 0) {
		snprintf(why, why_size, "the secret is empty");
		return false;
	}
	buf_init(&o->secret, SECRET_BYTES_MAX);
	buf_add(&o->secret, text);
	o->view.secret = buf_span(&o->secret);
	if (o->secret.failed)
		snprintf(why, why_size, "the secret is too long");
	return !o->secret.failed;
}

/* PEM, or one JWK as text. */
static bool
keep_signer(
    struct source_object *o, struct span text, char *why, size_t why_size)
{
	const char *reason = NULL;
	struct json_object *json;
	struct span rest = text;
	struct jwk jwk = { 0 };
	struct arena a;

	arena_init(&a, 4096, KEY_SET_BYTES_MAX);
	if (span_starts(span_trim(text), SPAN("{"))) {
		json = json_read(text, &reason);
		if (json != NULL && jwk_read(json, true, &a, &jwk, &reason))
			o->signer = jwk.key;
		json_free(json);
	} else {
		o->signer = sign_key_from_pem(&rest, true, &reason);
	}
	arena_fini(&a);
	o->view.signer = o->signer;
	if (o->signer == NULL)
		snprintf(why, why_size, "%s",
		    reason != NULL ? reason : "no key in it");
	return o->signer != NULL;
}

/* Tiers that the file names and nobody knows; the first few of them. */
static void
note_tier(const struct source_reader *r, const struct application *app,
    struct span tier, enum level level)
{
	if (tier.n == 0 || span_eq(tier, SPAN("Unlimited")) ||
	    throttle_find_tier(r->bundle, tier, level) != ROW_NONE)
		return;
	buf_printf(r->notes, "application %.*s: unknown tier %.*s\n",
	    SPAN_ARG(app->id), SPAN_ARG(tier));
}

static void
note_tiers(const struct source_reader *r, const struct applications *f)
{
	struct application app;
	struct arena a;
	size_t at = 0;

	arena_init(&a, 8192, APPLICATION_ARENA_MAX);
	while (!r->notes->failed && applications_next(f, &at, &a, &app)) {
		note_tier(r, &app, app.tier, LEVEL_APPLICATION);
		for (const struct application_subscription *s =
			 app.subscriptions;
		     s != NULL; s = s->next)
			note_tier(r, &app, s->tier, LEVEL_SUBSCRIPTION);
		arena_reset(&a);
	}
	arena_fini(&a);
}

bool
source_parse(const struct source_reader *r, uint32_t row, struct span text,
    bool remote, struct source_object *o, char *why, size_t why_size)
{
	bool ok = false;

	*o = (struct source_object){ 0 };
	o->view.generation = r->generation != NULL
	    ? r->generation(r->world, text)
	    : generation_of(text);
	switch (bundle_source(r->bundle, row)->kind) {
	case SOURCE_KEY_SET:
		o->keys = key_set_new(text, remote, r->notes, why, why_size);
		o->view.keys = o->keys;
		ok = o->keys != NULL;
		break;
	case SOURCE_KEY_FILE:
		o->key_file = key_file_new(text, why, why_size);
		o->view.key_file = o->key_file;
		ok = o->key_file != NULL;
		break;
	case SOURCE_SIGNING_KEY:
		ok = keep_signer(o, text, why, why_size);
		break;
	case SOURCE_HTPASSWD:
		o->users = user_file_new(text, why, why_size);
		o->view.users = o->users;
		ok = o->users != NULL;
		break;
	case SOURCE_APPLICATIONS:
		o->applications = applications_new(text, why, why_size);
		o->view.applications = o->applications;
		ok = o->applications != NULL;
		if (ok && r->notes != NULL)
			note_tiers(r, o->applications);
		break;
	case SOURCE_SECRET:
		ok = keep_secret(o, text, why, why_size);
		break;
	default:
		snprintf(why, why_size, "a source of a later version");
		break;
	}
	if (!ok)
		source_free(o);
	return ok;
}

/* A key set comes over TLS, or from this machine. */
static bool
check_url(struct span text, char *why, size_t why_size)
{
	const char *reason = "";
	struct url u;
	bool ok = url_parse(text, &u, &reason);

	if (ok && (u.unix_path.p != NULL || (!u.tls && !url_is_local(&u)))) {
		reason = "must be https, or http from this machine";
		ok = false;
	}
	if (!ok)
		snprintf(why, why_size, "%.*s: %s", SPAN_ARG(text), reason);
	return ok;
}

struct span
source_place(const struct source_reader *r, uint32_t row, struct arena *a,
    char *why, size_t why_size)
{
	const struct row_source *s = bundle_source(r->bundle, row);
	struct span value = bundle_text(r->bundle, s->value);
	struct span none = { NULL, 0 };

	value = reference_expand(
	    value, r->bundle->path, r->env, r->world, a, why, why_size);
	if (value.p == NULL ||
	    (s->how == SOURCE_URL && !check_url(value, why, why_size)))
		return none;
	value = s->how == SOURCE_URL ? arena_copy(a, value)
				     : file_beside(value, r->bundle->path, a);
	if (value.p == NULL)
		snprintf(why, why_size, "out of memory");
	return value;
}

static size_t
max_bytes(uint32_t kind)
{
	switch (kind) {
	case SOURCE_KEY_FILE:
		return KEY_FILE_BYTES_MAX;
	case SOURCE_HTPASSWD:
		return USER_FILE_BYTES_MAX;
	case SOURCE_APPLICATIONS:
		return APPLICATIONS_BYTES_MAX;
	default:
		return KEY_SET_BYTES_MAX;
	}
}

static bool
load_file(const struct source_reader *r, uint32_t row, struct source_object *o,
    char *why, size_t why_size)
{
	uint32_t kind = bundle_source(r->bundle, row)->kind;
	struct file_identity id;
	struct buf text = { 0 };
	char reason[256] = "";
	struct arena a;
	struct span path;
	bool ok = false;

	arena_init(&a, 1024, PATH_ARENA_BYTES);
	path = source_place(r, row, &a, why, why_size);
	if (path.p != NULL &&
	    file_read(path.p,
		kind == SOURCE_SECRET || kind == SOURCE_SIGNING_KEY
		    ? FILE_SECRET
		    : FILE_TRUSTED,
		max_bytes(kind), &text, &id, why, why_size)) {
		ok = source_parse(
		    r, row, buf_span(&text), false, o, reason, sizeof(reason));
		if (ok)
			o->identity = id;
		else
			snprintf(why, why_size, "%s: %s", path.p, reason);
		if (text.p != NULL)
			explicit_bzero(text.p, text.size);
		buf_fini(&text);
	}
	arena_fini(&a);
	return ok;
}

bool
source_load(const struct source_reader *r, uint32_t row,
    struct source_object *o, char *why, size_t why_size)
{
	const struct row_source *s = bundle_source(r->bundle, row);
	struct span value = bundle_text(r->bundle, s->value);

	*o = (struct source_object){ 0 };
	switch ((enum source_how)s->how) {
	case SOURCE_FILE:
		return load_file(r, row, o, why, why_size);
	case SOURCE_INLINE:
		return source_parse(r, row, value, false, o, why, why_size);
	case SOURCE_ENV:
		value = r->env(r->world, value);
		if (value.n > 0)
			return source_parse(
			    r, row, value, false, o, why, why_size);
		snprintf(why, why_size,
		    "the variable %.*s is missing, empty or not allowed",
		    SPAN_ARG(bundle_text(r->bundle, s->value)));
		return false;
	default:
		snprintf(why, why_size, "read in a way this mgw lacks");
		return false;
	}
}

void
source_free(struct source_object *o)
{
	key_set_free(o->keys);
	key_file_free(o->key_file);
	sign_key_free(o->signer);
	user_file_free(o->users);
	applications_free(o->applications);
	if (o->secret.p != NULL)
		explicit_bzero(o->secret.p, o->secret.size);
	buf_fini(&o->secret);
	*o = (struct source_object){ 0 };
}
