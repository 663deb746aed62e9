/*
 * siphash - see siphash.h.
 */
#include "base/siphash.h"

#include <endian.h>

#define ROTL(x, b) (((x) << (b)) | ((x) >> (64 - (b))))

static uint64_t
load64(const char *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return le64toh(v);
}

/* Inline, so that the loop of siphash_raw keeps its words in registers. */
static inline __attribute__((always_inline)) void
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

static inline __attribute__((always_inline)) void
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
	unsigned have = 8 * (unsigned)(h->n & 7); /* bits in the tail */
	struct siphash w = *h;

	w.n += s.n;
	while (s.n >= 8) {
		uint64_t m = load64(s.p);

		mix(&w, w.tail | m << have);
		w.tail = have > 0 ? m >> (64 - have) : 0;
		s = span_skip(s, 8);
	}
	for (size_t i = 0; i < s.n; i++) {
		w.tail |= (uint64_t)(unsigned char)s.p[i] << have;
		have += 8;
		if (have == 64) {
			mix(&w, w.tail);
			w.tail = 0;
			have = 0;
		}
	}
	*h = w;
}

void
siphash_u64(struct siphash *h, uint64_t v)
{
	unsigned have = 8 * (unsigned)(h->n & 7);

	h->n += sizeof(v);
	mix(h, h->tail | v << have);
	h->tail = have > 0 ? v >> (64 - have) : 0;
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
