/*
 * libcurl - the curl library, loaded when it is first needed.
 *
 * Linking it would cost every CGI request 8 milliseconds, refused ones
 * included.  Only connect.c and fetch.c call through the table.
 */
#ifndef MGW_FCGI_LIBCURL_H
#define MGW_FCGI_LIBCURL_H

#include <curl/curl.h>
#include <stdbool.h>

#include "base/span.h"

/* CURL(word): curl_WORD is called as curl->WORD. */
#define LIBCURL_FUNCTIONS(CURL)   \
	CURL(global_init)         \
	CURL(easy_init)           \
	CURL(easy_cleanup)        \
	CURL(easy_setopt)         \
	CURL(easy_perform)        \
	CURL(easy_getinfo)        \
	CURL(easy_send)           \
	CURL(easy_recv)           \
	CURL(easy_strerror)       \
	CURL(easy_pause)          \
	CURL(multi_setopt)        \
	CURL(multi_socket_action) \
	CURL(multi_init)          \
	CURL(multi_cleanup)       \
	CURL(multi_add_handle)    \
	CURL(multi_remove_handle) \
	CURL(multi_perform)       \
	CURL(multi_poll)          \
	CURL(multi_info_read)     \
	CURL(slist_append)        \
	CURL(slist_free_all)      \
	CURL(share_init)          \
	CURL(share_cleanup)       \
	CURL(share_setopt)

struct libcurl {
#define LIBCURL_MEMBER(word) __typeof__(curl_##word) *word;
	LIBCURL_FUNCTIONS(LIBCURL_MEMBER)
#undef LIBCURL_MEMBER
};

/*
 * The table, loaded and initialised once; safe from every thread.
 * NULL: "why" says what is missing, with the name of the package.
 */
const struct libcurl *libcurl_get(char *why, size_t why_size);

/*
 * A new handle on which nothing from the process environment counts: no
 * proxy, no netrc, no redirects, no protocol but http and https, TLS 1.2
 * at least, names of certificates checked.  "ca_file" may be absent.  NULL: out
 * of memory.
 */
CURL *libcurl_handle(const struct libcurl *curl, struct span ca_file);

/*
 * From now on names are looked up anew, and no handle goes on with a TLS
 * session that was judged before: who is trusted may have changed.
 */
void libcurl_forget(void);

/* 127/8, ::1, 169.254/16, fe80::/10, 0/8, :: and these mapped into IPv6. */
bool libcurl_address_is_local(const struct sockaddr *address);

/* Only 127/8, ::1 and these mapped. */
bool libcurl_address_is_loopback(const struct sockaddr *address);

#endif
