/*
 * siphash - SipHash-2-4 with a 128-bit key, for 64 and 128-bit results.
 *
 * A keyed hash for tables whose keys an attacker may choose.  With a
 * secret key it also tells whether bytes in a shared file were written by
 * somebody who knows the key.  It is not a signature.
 * J.-P. Aumasson, D. J. Bernstein: "SipHash: a fast short-input PRF".
 */
#ifndef MGW_BASE_SIPHASH_H
#define MGW_BASE_SIPHASH_H

#include "base/span.h"

struct siphash_key {
	uint64_t k0, k1;
};

struct hash128 {
	uint64_t lo, hi;
};

/*
 * Fed in parts.  siphash_part adds the part's length before its bytes, so
 * that ("ab", "c") and ("a", "bc") differ; siphash_raw adds bytes alone.
 */
struct siphash {
	uint64_t v0, v1, v2, v3;
	uint64_t tail; /* bytes not yet mixed in, low end first */
	size_t n;      /* bytes fed in all */
};

void siphash_init(struct siphash *h, const struct siphash_key *key);
void siphash_raw(struct siphash *h, struct span s);
void siphash_part(struct siphash *h, struct span s);
void siphash_u64(struct siphash *h, uint64_t v);
struct hash128 siphash_done(struct siphash *h);

/* All at once. */
struct hash128 siphash_128(const struct siphash_key *key, struct span s);
uint64_t siphash_64(const struct siphash_key *key, struct span s);

static inline bool
hash128_eq(struct hash128 a, struct hash128 b)
{
	return ((a.lo ^ b.lo) | (a.hi ^ b.hi)) == 0;
}

#endif
