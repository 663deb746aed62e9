/*
 * connect_part - what the files of connect share; for them alone.
 */
#ifndef MGW_FCGI_CONNECT_PART_H
#define MGW_FCGI_CONNECT_PART_H

#include "fcgi/connect.h"
#include "fcgi/libcurl.h"

struct http2; /* fcgi/http2.h */

struct connection {
	const struct libcurl *curl;
	CURL *handle;
	CURLM *multi; /* holds the connection; NULL once it is of no use */
	struct curl_slist *connect_to;
	int fd;
	int64_t made_us;
	bool tls;
	bool may_be_local;
	bool loopback_only; /* a credential is going to be said in the clear */
	bool through_proxy;
	bool unresolved;
	bool refused_local;  /* an address was found, and is not allowed */
	struct http2 *http2; /* what is said goes by http2.h; or NULL */
	char error[CURL_ERROR_SIZE];
};

/* The web server has closed its end. */
bool connection_has_left(int client_fd);

/*
 * connect_set.c: where the handle is to lead, by what way, and what is
 * shown there.  False: no memory, no secret, or what "c" has noted.
 */
bool connect_set(
    struct connection *c, const struct connect_call *q, long limit_ms);

#endif
