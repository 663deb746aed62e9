/*
 * fetch - see fetch.h.
 */
#include "fcgi/fetch.h"

#include <stdio.h>
#include <sys/socket.h>

#include "fcgi/libcurl.h"

#define URL_BYTES_MAX 2048

/* A year: longer says nothing more, and cannot overflow anywhere. */
#define MAX_AGE_S_MAX (365 * 24 * 3600)

struct fetch {
	struct buf *body;
	size_t left_bytes;
	bool too_long;
	bool plain; /* http: only to loopback */
	bool refused;
	int64_t max_age_s;
};

int64_t
fetch_max_age(struct span list)
{
	int64_t age_s = -1;

	while (list.p != NULL) {
		struct span word = span_trim(span_cut(&list, ','));
		struct span value = word;
		struct span name = span_cut(&value, '=');
		uint64_t seconds;

		if (span_eq_nocase(name, SPAN("no-store")) ||
		    span_eq_nocase(name, SPAN("no-cache")))
			return 0;
		if (span_eq_nocase(name, SPAN("max-age")) &&
		    span_to_u64(value, INT64_MAX, &seconds))
			age_s = seconds < MAX_AGE_S_MAX ? (int64_t)seconds
							: MAX_AGE_S_MAX;
	}
	return age_s;
}

static size_t
take_body(char *p, size_t size, size_t n, void *user)
{
	struct fetch *f = user;

	n *= size;
	if (n > f->left_bytes) {
		f->too_long = true;
		return 0; /* ends the transfer */
	}
	f->left_bytes -= n;
	buf_add(f->body, span_of(p, n));
	return f->body->failed ? 0 : n;
}

static size_t
take_header(char *p, size_t size, size_t n, void *user)
{
	struct fetch *f = user;
	struct span value = span_of(p, n * size);
	struct span name = span_cut(&value, ':');
	int64_t age_s;

	while (value.n > 0 &&
	    (value.p[value.n - 1] == '\n' || value.p[value.n - 1] == '\r'))
		value.n--;
	if (value.p != NULL && span_eq_nocase(name, SPAN("Cache-Control"))) {
		age_s = fetch_max_age(value);
		/* Of several fields the strictest holds. */
		if (age_s >= 0 && (f->max_age_s < 0 || age_s < f->max_age_s))
			f->max_age_s = age_s;
	}
	return n * size;
}

static curl_socket_t
open_socket(void *user, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct fetch *f = user;

	(void)purpose;
	if (f->plain && !libcurl_address_is_loopback(&address->addr)) {
		f->refused = true;
		return CURL_SOCKET_BAD;
	}
	return socket(address->family, address->socktype | SOCK_CLOEXEC,
	    address->protocol);
}

static bool
set_up(const struct libcurl *curl, CURL *h, const char *url, unsigned total_ms,
    struct fetch *f)
{
	int bad = 0;

	bad |= curl->easy_setopt(h, CURLOPT_URL, url);
	bad |= curl->easy_setopt(
	    h, CURLOPT_PROTOCOLS_STR, f->plain ? "http" : "https");
	bad |= curl->easy_setopt(h, CURLOPT_TIMEOUT_MS, (long)total_ms);
	bad |= curl->easy_setopt(h, CURLOPT_WRITEFUNCTION, take_body);
	bad |= curl->easy_setopt(h, CURLOPT_WRITEDATA, f);
	bad |= curl->easy_setopt(h, CURLOPT_HEADERFUNCTION, take_header);
	bad |= curl->easy_setopt(h, CURLOPT_HEADERDATA, f);
	bad |= curl->easy_setopt(h, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	bad |= curl->easy_setopt(h, CURLOPT_OPENSOCKETDATA, f);
	return bad == 0;
}

/* What went wrong, or NULL. */
static const char *
judge(const struct libcurl *curl, CURL *h, CURLcode rc, const struct fetch *f,
    long *status)
{
	if (f->refused)
		return "http is for loopback only; use https";
	if (f->too_long)
		return "the document is too long";
	if (f->body->failed)
		return "out of memory";
	if (rc != CURLE_OK)
		return curl->easy_strerror(rc);
	if (curl->easy_getinfo(h, CURLINFO_RESPONSE_CODE, status) != CURLE_OK ||
	    *status != 200)
		return "the server did not answer 200";
	return NULL;
}

bool
fetch_url(struct span url, size_t max_bytes, unsigned total_ms,
    struct buf *body, int64_t *max_age_s, char *why, size_t why_size)
{
	const struct libcurl *curl = libcurl_get(why, why_size);
	struct fetch f = { .body = body,
		.left_bytes = max_bytes,
		.plain = span_starts(url, SPAN("http://")),
		.max_age_s = -1 };
	size_t before = body->n;
	const char *problem = "out of memory";
	char text[URL_BYTES_MAX];
	long status = 0;
	CURL *h;

	if (curl == NULL)
		return false;
	if ((!f.plain && !span_starts(url, SPAN("https://"))) ||
	    url.n >= sizeof(text) || span_has_control(url)) {
		snprintf(why, why_size, "not an https URL");
		return false;
	}
	memcpy(text, url.p, url.n);
	text[url.n] = '\0';
	h = libcurl_handle(curl, SPAN(""));
	if (h != NULL && set_up(curl, h, text, total_ms, &f))
		problem = judge(curl, h, curl->easy_perform(h), &f, &status);
	if (h != NULL)
		curl->easy_cleanup(h);
	if (problem != NULL) {
		body->n = before;
		body->failed = false;
		if (status != 0 && status != 200)
			snprintf(why, why_size, "%s but %ld", problem, status);
		else
			snprintf(why, why_size, "%s", problem);
		return false;
	}
	*max_age_s = f.max_age_s;
	return true;
}
