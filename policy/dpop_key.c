/*
 * dpop_key - see dpop_key.h.
 */
#include "policy/dpop_key.h"

#include <pthread.h>
#include <stdlib.h>

#define SLOTS 8
#define THUMBPRINT_BYTES 43

struct slot {
	char thumbprint[THUMBPRINT_BYTES];
	struct sign_key *key; /* NULL: free */
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t slots_key;
static bool has_key;

static void
free_slots(void *slots)
{
	struct slot *s = slots;

	for (int i = 0; i < SLOTS; i++)
		sign_key_free(s[i].key);
	free(s);
}

static void
make_key(void)
{
	has_key = pthread_key_create(&slots_key, free_slots) == 0;
}

/* Those of this thread, which end with it; NULL without memory. */
static struct slot *
slots_of_thread(void)
{
	struct slot *s;

	if (pthread_once(&once, make_key) != 0 || !has_key)
		return NULL;
	s = pthread_getspecific(slots_key);
	if (s != NULL)
		return s;
	s = calloc(SLOTS, sizeof(*s));
	if (s != NULL && pthread_setspecific(slots_key, s) != 0) {
		free(s);
		s = NULL;
	}
	return s;
}

const struct sign_key *
dpop_key(const struct json_object *jwk, struct span thumbprint, struct arena *a,
    const char **why)
{
	struct slot *s = slots_of_thread();
	struct jwk read;

	*why = "out of memory";
	if (s == NULL || thumbprint.n != THUMBPRINT_BYTES)
		return NULL;
	s += (unsigned char)thumbprint.p[0] % SLOTS;
	if (s->key != NULL &&
	    span_eq(span_of(s->thumbprint, THUMBPRINT_BYTES), thumbprint))
		return s->key;
	if (!jwk_read(jwk, false, a, &read, why))
		return NULL;
	sign_key_free(s->key);
	s->key = read.key;
	memcpy(s->thumbprint, thumbprint.p, THUMBPRINT_BYTES);
	return s->key;
}
