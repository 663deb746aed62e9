/*
 * store - see store.h.
 */
#include "policy/store.h"

#include "policy/gauge.h"
#include "policy/sign.h"
#include "policy/url.h"

#define PORT_DEFAULT 6379
#define DATABASE_MAX 1023

/* The server computes with doubles, which are exact up to 2^53. */
#define COUNT_MAX (UINT64_C(1) << 52)

/* So that no two uses of one secret share a key. */
#define KEY_PURPOSE "mgw names of counters\n"
#define SECRET_BYTES_MAX (16 * 1024)

bool
store_place_parse(struct span text, struct store_place *p, const char **why)
{
	struct url u = { .path = SPAN(""), .port = PORT_DEFAULT };
	uint64_t database = 0;
	bool ok;

	*p = (struct store_place){ 0 };
	if (span_starts(text, SPAN("unix:"))) {
		ok = url_parse(text, &u, why);
	} else if (span_starts(text, SPAN("redis://"))) {
		ok = url_parse_rest(span_skip(text, 8), &u, why);
	} else if (span_starts(text, SPAN("rediss://"))) {
		u.tls = true;
		ok = url_parse_rest(span_skip(text, 9), &u, why);
	} else {
		*why = "not a unix:, redis:// or rediss:// URL";
		return false;
	}
	if (!ok)
		return false;
	*why = "the number of a database, or nothing, must follow the place";
	if (u.query.p != NULL ||
	    (u.path.n > 0 &&
		!span_to_u64(span_skip(u.path, 1), DATABASE_MAX, &database)))
		return false;
	*p = (struct store_place){ .host = u.host,
		.port = u.port,
		.tls = u.tls,
		.unix_path = u.unix_path,
		.database = (uint32_t)database };
	return true;
}

bool
store_place_is_private(const struct store_place *p)
{
	return p->tls || p->unix_path.p != NULL;
}

bool
store_key_make(struct span secret, struct siphash_key *key)
{
	unsigned char digest[SHA256_BYTES];
	struct buf b;
	bool ok;

	buf_init(&b, SECRET_BYTES_MAX + sizeof(KEY_PURPOSE));
	buf_add_str(&b, KEY_PURPOSE);
	buf_add(&b, secret);
	ok = !b.failed && sign_sha256(buf_span(&b), digest);
	if (ok)
		memcpy(key, digest, sizeof(*key));
	sign_wipe(b.p, b.size);
	sign_wipe(digest, sizeof(digest));
	buf_fini(&b);
	return ok;
}

void
store_name_write(
    struct buf *to, const struct siphash_key *key, const struct take *t)
{
	const struct row_limit *l = t->limit;
	struct hash128 name;
	struct siphash h;

	siphash_init(&h, key);
	siphash_u64(&h, l->algorithm | (uint64_t)l->unit << 32);
	siphash_u64(&h, l->algorithm == LIMIT_TOKEN_BUCKET ? 0 : l->period_us);
	for (unsigned i = 0; i < t->n_parts; i++)
		siphash_part(&h, t->parts[i]);
	name = siphash_done(&h);
	buf_add_hex64(to, name.hi);
	buf_add_hex64(to, name.lo);
}

bool
store_can_hold(const struct row_limit *l)
{
	return gauge_can_hold(l) && l->unit != LIMIT_CONCURRENT &&
	    l->count <= COUNT_MAX;
}
