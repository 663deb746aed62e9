/*
 * siphash - see siphash.h.
 */
#include "base/siphash.h"

#define ROTL(x, b) (((x) << (b)) | ((x) >> (64 - (b))))

static uint64_t
load64(const char *p)
{
	const unsigned char *b = (const unsigned char *)p;
	uint64_t v = 0;

	for (int i = 7; i >= 0; i--)
		v = v << 8 | b[i];
	return v;
}

static void
round1(struct siphash *h)
{
	h->v0 += h->v1;
	h->v1 = ROTL(h->v1, 13) ^ h->v0;
	h->v0 = ROTL(h->v0, 32);
	h->v2 += h->v3;
	h->v3 = ROTL(h->v3, 16) ^ h->v2;
	h->v0 += h->v3;
	h->v3 = ROTL(h->v3, 21) ^ h->v0;
	h->v2 += h->v1;
	h->v1 = ROTL(h->v1, 17) ^ h->v2;
	h->v2 = ROTL(h->v2, 32);
}

static void
mix(struct siphash *h, uint64_t m)
{
	h->v3 ^= m;
	round1(h);
	round1(h);
	h->v0 ^= m;
}

static void
start(struct siphash *h, const struct siphash_key *key)
{
	h->v0 = UINT64_C(0x736f6d6570736575) ^ key->k0;
	h->v1 = UINT64_C(0x646f72616e646f6d) ^ key->k1;
	h->v2 = UINT64_C(0x6c7967656e657261) ^ key->k0;
	h->v3 = UINT64_C(0x7465646279746573) ^ key->k1;
	h->tail = 0;
	h->n = 0;
}

void
siphash_init(struct siphash *h, const struct siphash_key *key)
{
	start(h, key);
	h->v1 ^= 0xee; /* the 128-bit variant */
}

void
siphash_raw(struct siphash *h, struct span s)
{
	size_t have = h->n & 7;

	h->n += s.n;
	while (have > 0 && s.n > 0) {
		h->tail |= (uint64_t)(unsigned char)s.p[0] << (8 * have);
		s = span_skip(s, 1);
		if (++have == 8) {
			mix(h, h->tail);
			h->tail = 0;
			have = 0;
		}
	}
	while (s.n >= 8) {
		mix(h, load64(s.p));
		s = span_skip(s, 8);
	}
	for (size_t i = 0; i < s.n; i++)
		h->tail |= (uint64_t)(unsigned char)s.p[i] << (8 * (have + i));
}

void
siphash_u64(struct siphash *h, uint64_t v)
{
	char bytes[8];

	for (int i = 0; i < 8; i++)
		bytes[i] = (char)(v >> (8 * i) & 0xff);
	siphash_raw(h, span_of(bytes, sizeof(bytes)));
}

void
siphash_part(struct siphash *h, struct span s)
{
	siphash_u64(h, s.n);
	siphash_raw(h, s);
}

static uint64_t
finish(struct siphash *h, uint64_t last)
{
	h->v2 ^= last;
	for (int i = 0; i < 4; i++)
		round1(h);
	return h->v0 ^ h->v1 ^ h->v2 ^ h->v3;
}

struct hash128
siphash_done(struct siphash *h)
{
	struct hash128 r;

	mix(h, h->tail | (uint64_t)(h->n & 0xff) << 56);
	r.lo = finish(h, 0xee);
	h->v1 ^= 0xdd;
	for (int i = 0; i < 4; i++)
		round1(h);
	r.hi = h->v0 ^ h->v1 ^ h->v2 ^ h->v3;
	return r;
}

struct hash128
siphash_128(const struct siphash_key *key, struct span s)
{
	struct siphash h;

	siphash_init(&h, key);
	siphash_raw(&h, s);
	return siphash_done(&h);
}

uint64_t
siphash_64(const struct siphash_key *key, struct span s)
{
	struct siphash h;

	start(&h, key);
	siphash_raw(&h, s);
	mix(&h, h.tail | (uint64_t)(h.n & 0xff) << 56);
	return finish(&h, 0xff);
}
