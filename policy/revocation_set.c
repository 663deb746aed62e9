/*
 * revocation_set - see revocation_set.h.
 */
#include "policy/revocation_set.h"

#include <stdio.h>

#include "base/base64url.h"
#include "base/clock.h"
#include "policy/sign.h"
#include "policy/url.h"

#define PATHS_BYTES_MAX (128 * 1024)
#define THUMBPRINT_BYTES 43 /* SHA-256 in base64url */

static bool
take_row(struct revoked_set *s, uint32_t row, reference_env *env, void *world,
    char *why, size_t why_size)
{
	const struct row_revocation *r = bundle_revocation(s->bundle, row);
	struct revoked_source *to = &s->sources[s->n];
	struct span file = bundle_text(s->bundle, r->file);
	struct span text = file.n > 0 ? file : bundle_text(s->bundle, r->feed);
	const char *reason = "";
	struct url u;

	*to = s->sources[0];
	to->how = file.n > 0 ? REVOKED_FILE_OF_OTHERS : REVOKED_FEED;
	to->number = row;
	to->max_age_us = (int64_t)r->max_age_s * US_PER_S;
	text = reference_expand(
	    text, s->bundle->path, env, world, &s->arena, why, why_size);
	if (text.p == NULL)
		return false;
	if (to->how == REVOKED_FEED &&
	    (!url_parse(text, &u, &reason) || u.unix_path.p != NULL ||
		(!u.tls && !url_is_local(&u)))) {
		(void)snprintf(why, why_size,
		    "revocation: the feed must be https, or http from this "
		    "machine");
		return false;
	}
	text = to->how == REVOKED_FEED
	    ? arena_copy(&s->arena, text)
	    : file_beside(text, s->bundle->path, &s->arena);
	if (text.p == NULL)
		(void)snprintf(why, why_size, "revocation: out of memory");
	to->path = text.p;
	s->n++;
	return text.p != NULL;
}

bool
revoked_set_init(struct revoked_set *s, const struct bundle *b, const char *dir,
    struct state *state, bool look_only, reference_env *env, void *world,
    char *why, size_t why_size)
{
	struct revoked_source *own = &s->sources[0];
	uint32_t n = b != NULL ? bundle_n(b, SECTION_REVOCATION) : 0;

	*s = (struct revoked_set){ .bundle = b, .n = 1 };
	arena_init(&s->arena, 1024, PATHS_BYTES_MAX);
	*own = (struct revoked_source){ .how = REVOKED_OWN,
		.dir = dir,
		.state = state,
		.look_only = look_only,
		.path = arena_printf(&s->arena, "%s/" REVOKED_FILE, dir).p };
	if (state != NULL)
		revoked_keys_of(state, &own->keys);
	if (own->path == NULL) {
		(void)snprintf(why, why_size, "revocation: out of memory");
		return false;
	}
	for (uint32_t i = 0; i < n; i++)
		if (!take_row(s, i, env, world, why, why_size))
			return false;
	return true;
}

void
revoked_set_fini(struct revoked_set *s)
{
	for (unsigned i = 0; i < s->n; i++)
		revoked_list_fini(&s->lists[i]);
	arena_fini(&s->arena);
}

void
revoked_set_load(struct revoked_set *s, unsigned i, int64_t now_us)
{
	revoked_list_fini(&s->lists[i]);
	revoked_list_load(&s->sources[i], &s->lists[i], now_us);
}

bool
revoked_set_concerns(
    const struct revoked_set *s, unsigned i, struct span issuer)
{
	const struct row_revocation *r;

	if (s->sources[i].how != REVOKED_FEED)
		return true;
	r = bundle_revocation(s->bundle, i - 1);
	for (uint32_t k = 0; k < r->issuers.n; k++)
		if (span_eq(
			issuer, bundle_string(s->bundle, r->issuers.first + k)))
			return true;
	return false;
}

bool
revoked_digest(const struct principal *who, char digest[static 32])
{
	struct span text =
	    who->signed_text.n > 0 ? who->signed_text : who->opaque;

	if (who->digest.n == SHA256_BYTES) {
		memcpy(digest, who->digest.p, SHA256_BYTES);
		return true;
	}
	return text.n > 0 && sign_sha256(text, (unsigned char *)digest);
}

static bool
has_kind(const struct revoked_set *s, enum revoked_kind kind)
{
	for (unsigned i = 0; i < s->n; i++)
		if (revoked_list_has(&s->lists[i], kind))
			return true;
	return false;
}

/* What of "who" is looked up as this kind; n == 0: nothing. */
static struct span
value_of(const struct principal *who, enum revoked_kind kind,
    char room[static 32], bool *fault)
{
	const struct span none = { NULL, 0 };
	struct span thumbprint;
	struct arena a;

	switch (kind) {
	case REVOKED_JTI:
		return who->token_id;
	case REVOKED_SUBJECT:
		return who->subject;
	case REVOKED_CLIENT:
		return who->client_id;
	case REVOKED_APPLICATION:
		return who->application;
	case REVOKED_KEY:
		return who->key_id;
	case REVOKED_SIGNATURE:
		return who->signature;
	case REVOKED_TOKEN:
		if (who->signed_text.n == 0 && who->opaque.n == 0)
			return none;
		*fault |= !revoked_digest(who, room);
		return span_of(room, SHA256_BYTES);
	case REVOKED_CERTIFICATE:
		if (who->certificate.n != THUMBPRINT_BYTES)
			return none;
		arena_init(&a, 64, 4096);
		if (base64url_decode(who->certificate, &a, &thumbprint) &&
		    thumbprint.n == SHA256_BYTES)
			memcpy(room, thumbprint.p, SHA256_BYTES);
		else
			*fault = true;
		arena_fini(&a);
		return span_of(room, SHA256_BYTES);
	default:
		return none;
	}
}

/* The ids of "who", of those kinds that some list has. */
struct names {
	struct hash128 ids[REVOKED_KIND__MAX];
	unsigned has; /* bits by kind */
};

static bool
name_who(
    const struct revoked_set *s, const struct principal *who, struct names *to)
{
	const struct span none = SPAN("");
	bool fault = false;

	to->has = 0;
	for (int kind = 0; kind < REVOKED_KIND__MAX; kind++) {
		bool digest =
		    kind == REVOKED_TOKEN || kind == REVOKED_CERTIFICATE;
		struct span value;
		char room[32];

		if (!has_kind(s, (enum revoked_kind)kind))
			continue;
		value = value_of(who, (enum revoked_kind)kind, room, &fault);
		if (value.n == 0)
			continue;
		to->has |= 1U << kind;
		to->ids[kind] =
		    revoked_id(&s->sources[0].keys, (enum revoked_kind)kind,
			digest ? none : who->issuer, value);
		/* One waits for memory while the next is hashed. */
		for (unsigned i = 0; i < s->n; i++)
			revoked_list_prefetch(&s->lists[i],
			    (enum revoked_kind)kind, to->ids[kind]);
	}
	return !fault;
}

static enum revoked_result
check_list(const struct revoked_set *s, unsigned i, const struct names *names,
    struct revoked_query *q)
{
	int64_t now_s = q->now_us / US_PER_S;

	for (int kind = 0; kind < REVOKED_KIND__MAX; kind++) {
		if ((names->has >> kind & 1) == 0)
			continue;
		q->kind = (enum revoked_kind)kind;
		switch (revoked_list_find(
		    &s->lists[i], q->kind, names->ids[kind], now_s)) {
		case REVOKED_FOUND:
			return REVOKED_YES;
		case REVOKED_DAMAGED:
			q->damaged = (int)i;
			return REVOKED_UNKNOWN;
		default:
			break;
		}
	}
	return REVOKED_NO;
}

enum revoked_result
revoked_set_check(const struct revoked_set *s, struct revoked_query *q)
{
	enum revoked_result result = REVOKED_NO;
	struct names names;

	q->damaged = -1;
	if (!name_who(s, q->who, &names))
		return REVOKED_UNKNOWN;
	for (unsigned i = 0; i < s->n; i++) {
		enum revoked_result one = REVOKED_UNKNOWN;

		if (!revoked_set_concerns(s, i, q->who->issuer))
			continue;
		if (revoked_list_trouble(
			&s->sources[i], &s->lists[i], q->now_us) == NULL)
			one = check_list(s, i, &names, q);
		/* What one list knows, no other takes back. */
		if (one == REVOKED_YES)
			return one;
		if (one == REVOKED_UNKNOWN)
			result = one;
	}
	return result;
}
