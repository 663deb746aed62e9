/*
 * share - see share.h.
 */
#include "fcgi/share.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <sys/random.h>

static struct siphash_key secret;
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* Callers choose addresses: they may not choose who shares with whom. */
static void
make_secret(void)
{
	if (getrandom(&secret, sizeof(secret), 0) != sizeof(secret))
		secret = (struct siphash_key){ 0, 0 };
}

uint64_t
share_key(struct span name)
{
	pthread_once(&once, make_secret);
	return siphash_64(&secret, name) | 1;
}

uint64_t
share_key_address(struct span address)
{
	char text[INET6_ADDRSTRLEN];
	unsigned char bytes[16];

	if (!span_has(address, ':') || address.n >= sizeof(text))
		return share_key(address);
	memcpy(text, address.p, address.n);
	text[address.n] = '\0';
	if (inet_pton(AF_INET6, text, bytes) != 1)
		return share_key(address);
	return share_key(span_of(bytes, 8));
}

void
share_note(struct share_slot *s, const struct share_keys *k)
{
	for (int i = 0; i < SHARE__MAX; i++)
		atomic_store_explicit(
		    &s->key[i], k->key[i], memory_order_relaxed);
}

/*
 * Three eighths for an address: less than the half for an API, so that
 * nobody alone can take all that others have for the same API.
 */
static unsigned
most(enum share_of what, unsigned n)
{
	unsigned m = what == SHARE_ADDRESS ? n * 3 / 8 : (n + 1) / 2;

	return m > 0 ? m : 1;
}

bool
share_free(const struct share_slot *slots, unsigned n, unsigned n_busy,
    const struct share_keys *k)
{
	for (int i = 0; i < SHARE__MAX; i++) {
		unsigned busy = 0;

		/* All together do not fill it. */
		if (k->key[i] == 0 || n_busy < most((enum share_of)i, n))
			continue;
		for (unsigned w = 0; w < n; w++)
			busy += atomic_load_explicit(&slots[w].key[i],
				    memory_order_relaxed) == k->key[i];
		if (busy >= most((enum share_of)i, n))
			return false;
	}
	return true;
}
