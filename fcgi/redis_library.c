/*
 * redis_library - see redis_library.h.
 */
#include "fcgi/redis_library.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define TEXT_(x) #x
#define TEXT(x) TEXT_(x)

/* What the headers are of: another version may lay things out otherwise. */
#define HIREDIS_FILE "libhiredis.so." TEXT(HIREDIS_SONAME)
#define SSL_FILE "libssl.so." TEXT(OPENSSL_VERSION_MAJOR)

struct function {
	const char *name;
	size_t at; /* in the table */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct redis_hiredis hiredis;
static struct redis_ssl ssl;
static bool have_hiredis, have_ssl;

static bool
load(const char *file, const struct function *functions, size_t n, void *table,
    char *why, size_t why_size)
{
	void *library = dlopen(file, RTLD_NOW | RTLD_LOCAL);

	if (library == NULL) {
		(void)snprintf(why, why_size, "cannot load %s", file);
		return false;
	}
	for (size_t i = 0; i < n; i++) {
		void *p = dlsym(library, functions[i].name);

		if (p == NULL) {
			(void)snprintf(why, why_size, "%s lacks %s", file,
			    functions[i].name);
			(void)dlclose(library); /* nothing of it is in use */
			return false;
		}
		/* ISO C has no conversion from void * to a function. */
		memcpy((char *)table + functions[i].at, &p, sizeof(p));
	}
	return true;
}

const struct redis_hiredis *
redis_hiredis_get(char *why, size_t why_size)
{
	static const struct function functions[] = {
#define ENTRY(prefix, word) \
	{ #prefix #word, offsetof(struct redis_hiredis, word) },
		REDIS_HIREDIS_FUNCTIONS(ENTRY)
#undef ENTRY
	};
	bool have;

	pthread_mutex_lock(&lock);
	if (!have_hiredis)
		have_hiredis = load(HIREDIS_FILE, functions,
		    sizeof(functions) / sizeof(*functions), &hiredis, why,
		    why_size);
	have = have_hiredis;
	pthread_mutex_unlock(&lock);
	return have ? &hiredis : NULL;
}

const struct redis_ssl *
redis_ssl_get(char *why, size_t why_size)
{
	static const struct function functions[] = {
#define ENTRY(prefix, word) { #prefix #word, offsetof(struct redis_ssl, word) },
		REDIS_SSL_FUNCTIONS(ENTRY)
#undef ENTRY
	};
	bool have;

	pthread_mutex_lock(&lock);
	if (!have_ssl)
		have_ssl = load(SSL_FILE, functions,
		    sizeof(functions) / sizeof(*functions), &ssl, why,
		    why_size);
	have = have_ssl;
	pthread_mutex_unlock(&lock);
	return have ? &ssl : NULL;
}
