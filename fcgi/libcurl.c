/*
 * libcurl - see libcurl.h.
 */
#include "fcgi/libcurl.h"

#include <dlfcn.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct libcurl table;
static bool loaded;
static char problem[200];
static pthread_mutex_t share_locks[CURL_LOCK_DATA_LAST];

/* What handles have in common, and what some may still have. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static CURLSH *share;
static struct retired {
	struct retired *next;
	CURLSH *share;
} * retired;

static void
share_lock(
    CURL *handle, curl_lock_data what, curl_lock_access access, void *user)
{
	(void)handle;
	(void)access;
	(void)user;
	pthread_mutex_lock(&share_locks[what]);
}

static void
share_unlock(CURL *handle, curl_lock_data what, void *user)
{
	(void)handle;
	(void)user;
	pthread_mutex_unlock(&share_locks[what]);
}

/* Names and TLS sessions are worth sharing; connections never are. */
static CURLSH *
make_share(void)
{
	CURLSH *s = table.share_init();

	if (s == NULL)
		return NULL;
	table.share_setopt(s, CURLSHOPT_LOCKFUNC, share_lock);
	table.share_setopt(s, CURLSHOPT_UNLOCKFUNC, share_unlock);
	table.share_setopt(s, CURLSHOPT_SHARE, CURL_LOCK_DATA_DNS);
	table.share_setopt(s, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
	return s;
}

/* With the lock held: those that no handle has any more. */
static void
free_retired(void)
{
	struct retired **at = &retired;

	while (*at != NULL) {
		struct retired *r = *at;

		if (table.share_cleanup(r->share) != CURLSHE_OK) {
			at = &r->next;
			continue;
		}
		*at = r->next;
		free(r);
	}
}

void
libcurl_forget(void)
{
	struct retired *r;

	pthread_mutex_lock(&lock);
	if (share != NULL) {
		r = malloc(sizeof(*r));
		if (r != NULL) {
			*r = (struct retired){ retired, share };
			retired = r;
		}
		/* Without memory it is lost, but not used any longer. */
		free_retired();
		share = make_share();
	}
	pthread_mutex_unlock(&lock);
}

static bool
find_functions(void *library)
{
	static const struct {
		const char *name;
		size_t at;
	} functions[] = {
#define LIBCURL_ENTRY(word) { "curl_" #word, offsetof(struct libcurl, word) },
		LIBCURL_FUNCTIONS(LIBCURL_ENTRY)
#undef LIBCURL_ENTRY
	};

	for (size_t i = 0; i < sizeof(functions) / sizeof(*functions); i++) {
		void *p = dlsym(library, functions[i].name);

		if (p == NULL) {
			snprintf(problem, sizeof(problem),
			    "libcurl.so.4 lacks %s; libcurl 7.85 or later is "
			    "needed (Debian package libcurl4)",
			    functions[i].name);
			return false;
		}
		/* ISO C has no conversion from void * to a function. */
		memcpy((char *)&table + functions[i].at, &p, sizeof(p));
	}
	return true;
}

static void
load(void)
{
	void *library = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);

	if (library == NULL) {
		snprintf(problem, sizeof(problem),
		    "cannot load libcurl.so.4; install the package libcurl4");
		return;
	}
	if (!find_functions(library))
		return;
	if (table.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
		snprintf(problem, sizeof(problem),
		    "libcurl.so.4 does not initialise");
		return;
	}
	for (int i = 0; i < CURL_LOCK_DATA_LAST; i++)
		pthread_mutex_init(&share_locks[i], NULL);
	pthread_mutex_lock(&lock);
	share = make_share();
	pthread_mutex_unlock(&lock);
	loaded = true;
}

const struct libcurl *
libcurl_get(char *why, size_t why_size)
{
	pthread_once(&once, load);
	if (loaded)
		return &table;
	snprintf(why, why_size, "%s", problem);
	return NULL;
}

static CURLcode
set_file(const struct libcurl *curl, CURL *h, struct span ca_file)
{
	char path[4096];

	if (ca_file.p == NULL || ca_file.n == 0)
		return CURLE_OK;
	if (ca_file.n >= sizeof(path))
		return CURLE_SSL_CACERT_BADFILE;
	memcpy(path, ca_file.p, ca_file.n);
	path[ca_file.n] = '\0';
	return curl->easy_setopt(h, CURLOPT_CAINFO, path);
}

CURL *
libcurl_handle(const struct libcurl *curl, struct span ca_file)
{
	CURL *h = curl->easy_init();
	int bad = 0;

	if (h == NULL)
		return NULL;
	bad |= curl->easy_setopt(h, CURLOPT_NOSIGNAL, 1L);
	bad |= curl->easy_setopt(h, CURLOPT_PROXY, "");
	bad |= curl->easy_setopt(h, CURLOPT_NOPROXY, "*");
	bad |= curl->easy_setopt(h, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	bad |= curl->easy_setopt(h, CURLOPT_FOLLOWLOCATION, 0L);
	bad |= curl->easy_setopt(h, CURLOPT_PROTOCOLS_STR, "http,https");
	bad |= curl->easy_setopt(
	    h, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	bad |= curl->easy_setopt(h, CURLOPT_SSL_VERIFYPEER, 1L);
	bad |= curl->easy_setopt(h, CURLOPT_SSL_VERIFYHOST, 2L);
	bad |= curl->easy_setopt(
	    h, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	bad |= set_file(curl, h, ca_file) != CURLE_OK;
	/* Without a share only speed is lost. */
	pthread_mutex_lock(&lock);
	if (share != NULL)
		curl->easy_setopt(h, CURLOPT_SHARE, share);
	pthread_mutex_unlock(&lock);
	if (bad != 0) {
		curl->easy_cleanup(h);
		return NULL;
	}
	return h;
}

/* The IPv4 address in host order, also when mapped into IPv6. */
static bool
as_ipv4(const struct sockaddr *address, uint32_t *v4)
{
	if (address->sa_family == AF_INET) {
		struct sockaddr_in in;

		memcpy(&in, address, sizeof(in));
		*v4 = ntohl(in.sin_addr.s_addr);
		return true;
	}
	if (address->sa_family == AF_INET6) {
		struct sockaddr_in6 in6;
		uint32_t net;

		memcpy(&in6, address, sizeof(in6));
		if (!IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr))
			return false;
		memcpy(&net, in6.sin6_addr.s6_addr + 12, sizeof(net));
		*v4 = ntohl(net);
		return true;
	}
	return false;
}

bool
libcurl_address_is_loopback(const struct sockaddr *address)
{
	struct sockaddr_in6 in6;
	uint32_t v4;

	if (as_ipv4(address, &v4))
		return v4 >> 24 == 127;
	if (address->sa_family != AF_INET6)
		return false;
	memcpy(&in6, address, sizeof(in6));
	return IN6_IS_ADDR_LOOPBACK(&in6.sin6_addr);
}

bool
libcurl_address_is_local(const struct sockaddr *address)
{
	struct sockaddr_in6 in6;
	uint32_t v4;

	if (libcurl_address_is_loopback(address))
		return true;
	if (as_ipv4(address, &v4))
		return v4 >> 16 == 0xa9fe || v4 >> 24 == 0;
	if (address->sa_family != AF_INET6)
		return true; /* a UNIX socket, or something unheard of */
	memcpy(&in6, address, sizeof(in6));
	return IN6_IS_ADDR_LINKLOCAL(&in6.sin6_addr) ||
	    IN6_IS_ADDR_UNSPECIFIED(&in6.sin6_addr);
}
