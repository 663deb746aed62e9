/*
 * fetch - see fetch.h.
 */
#include "fcgi/fetch.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/ascii.h"
#include "fcgi/libcurl.h"

#define URL_BYTES_MAX 2048
#define SECRET_BYTES_MAX 4096

/* A year: longer says nothing more, and cannot overflow anywhere. */
#define MAX_AGE_S_MAX (365 * 24 * 3600)

static atomic_bool stopped;

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

bool
fetch_is_stopped(void)
{
	return atomic_load(&stopped);
}

/* Asked about once a second, and whenever something happens. */
static int
is_stopped(void *user, curl_off_t down_n, curl_off_t down, curl_off_t up_n,
    curl_off_t up)
{
	(void)user;
	(void)down_n;
	(void)down;
	(void)up_n;
	(void)up;
	return fetch_is_stopped() ? 1 : 0;
}

void
fetch_stop(void)
{
	atomic_store(&stopped, true);
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
	bad |= curl->easy_setopt(h, CURLOPT_XFERINFOFUNCTION, is_stopped);
	bad |= curl->easy_setopt(h, CURLOPT_NOPROGRESS, 0L);
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

/* NUL-terminated in "text", and a URL that may be asked; else false. */
static bool
copy_url(struct span url, bool plain, char text[static URL_BYTES_MAX])
{
	if ((!plain && !span_starts(url, SPAN("https://"))) ||
	    url.n >= URL_BYTES_MAX || span_has_control(url))
		return false;
	memcpy(text, url.p, url.n);
	text[url.n] = '\0';
	return true;
}

/* With NUL behind; false: too long, or it holds one. */
static bool
copy_secret(struct span s, char text[static SECRET_BYTES_MAX])
{
	if (s.n >= SECRET_BYTES_MAX || memchr(s.p, '\0', s.n) != NULL)
		return false;
	memcpy(text, s.p, s.n);
	text[s.n] = '\0';
	return true;
}

static bool
set_login(const struct libcurl *curl, CURL *h, const struct fetch_form *form)
{
	char user[SECRET_BYTES_MAX], secret[SECRET_BYTES_MAX];
	bool basic = form->user.p != NULL;
	int bad = 0;

	if (form->secret.p == NULL)
		return true;
	if (!copy_secret(form->secret, secret) ||
	    (basic && !copy_secret(form->user, user)))
		return false;
	bad |= curl->easy_setopt(h, CURLOPT_HTTPAUTH,
	    basic ? (long)CURLAUTH_BASIC : (long)CURLAUTH_BEARER);
	if (basic)
		bad |= curl->easy_setopt(h, CURLOPT_USERNAME, user);
	bad |= curl->easy_setopt(
	    h, basic ? CURLOPT_PASSWORD : CURLOPT_XOAUTH2_BEARER, secret);
	explicit_bzero(secret, sizeof(secret));
	return bad == 0;
}

static bool
set_form(const struct libcurl *curl, CURL *h, const struct fetch_form *form)
{
	int bad = 0;

	if (form == NULL)
		return true;
	if (form->body.p == NULL)
		return set_login(curl, h, form);
	bad |= curl->easy_setopt(h, CURLOPT_POST, 1L);
	bad |= curl->easy_setopt(h, CURLOPT_POSTFIELDSIZE, (long)form->body.n);
	bad |= curl->easy_setopt(h, CURLOPT_POSTFIELDS, form->body.p);
	return bad == 0 && set_login(curl, h, form);
}

static bool
run(struct span url, const struct fetch_form *form, unsigned total_ms,
    struct fetch *f, char *why, size_t why_size)
{
	const struct libcurl *curl = libcurl_get(why, why_size);
	size_t before = f->body->n;
	const char *problem = "out of memory";
	char text[URL_BYTES_MAX];
	long status = 0;
	CURL *h;

	if (curl == NULL)
		return false;
	f->plain = span_starts(url, SPAN("http://"));
	if (!copy_url(url, f->plain, text)) {
		(void)snprintf(why, why_size, "not an https URL");
		return false;
	}
	h = libcurl_handle(curl, SPAN(""));
	if (h != NULL && set_up(curl, h, text, total_ms, f) &&
	    set_form(curl, h, form))
		problem = judge(curl, h, curl->easy_perform(h), f, &status);
	if (h != NULL)
		curl->easy_cleanup(h);
	if (problem == NULL)
		return true;
	f->body->n = before;
	f->body->failed = false;
	if (status != 0 && status != 200)
		(void)snprintf(why, why_size, "%s but %ld", problem, status);
	else
		(void)snprintf(why, why_size, "%s", problem);
	return false;
}

bool
fetch_url(struct span url, size_t max_bytes, unsigned total_ms,
    struct buf *body, int64_t *max_age_s, char *why, size_t why_size)
{
	struct fetch f = {
		.body = body, .left_bytes = max_bytes, .max_age_s = -1
	};

	if (!run(url, NULL, total_ms, &f, why, why_size))
		return false;
	*max_age_s = f.max_age_s;
	return true;
}

bool
fetch_post(struct span url, const struct fetch_form *form, size_t max_bytes,
    unsigned total_ms, struct buf *body, char *why, size_t why_size)
{
	struct fetch f = {
		.body = body, .left_bytes = max_bytes, .max_age_s = -1
	};

	return run(url, form, total_ms, &f, why, why_size);
}

void
fetch_form_add(struct buf *to, struct span s)
{
	static const char hex[] = "0123456789ABCDEF";

	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (ascii_is_alnum(s.p[i]) ||
		    (c != 0 && strchr("-._*", c) != NULL)) {
			buf_add_char(to, s.p[i]);
			continue;
		}
		buf_add_char(to, '%');
		buf_add_char(to, hex[c >> 4]);
		buf_add_char(to, hex[c & 15]);
	}
}
