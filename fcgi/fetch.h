/*
 * fetch - get a small document such as a key set from an https URL, or ask
 * a small question there.
 *
 * For what configuration names, never for what a token or a document
 * says.  https with the certificate's name checked, or http to loopback;
 * no redirects, no proxy from the environment, no netrc, bounded in bytes
 * and time.
 */
#ifndef MGW_FCGI_FETCH_H
#define MGW_FCGI_FETCH_H

#include "base/buf.h"

/*
 * GET "url" and append what a 200 brings, at most "max_bytes", to "body".
 * "*max_age_s" is what its Cache-Control allows, 0 for no-store and
 * no-cache, -1 when it says nothing.  Blocks up to "total_ms".
 * False: "why" says what went wrong, in clean ASCII; "body" is as before.
 */
bool fetch_url(struct span url, size_t max_bytes, unsigned total_ms,
    struct buf *body, int64_t *max_age_s, char *why, size_t why_size);

/* A form to be sent, and who sends it. */
struct fetch_form {
	/* application/x-www-form-urlencoded; p == NULL: it is a GET. */
	struct span body;
	/* HTTP Basic (RFC 7617), where user.p != NULL; else as Bearer. */
	struct span user, secret; /* secret.p == NULL: neither */
};

/* POST the form to "url", or GET it so; the rest as for fetch_url. */
bool fetch_post(struct span url, const struct fetch_form *form,
    size_t max_bytes, unsigned total_ms, struct buf *body, char *why,
    size_t why_size);

/* Append "s" as a value of a form. */
void fetch_form_add(struct buf *to, struct span s);

/* For the end of the process: what is under way fails within a second. */
void fetch_stop(void);
bool fetch_is_stopped(void);

/* max-age, or 0 for no-store and no-cache, of a Cache-Control field; -1. */
int64_t fetch_max_age(struct span cache_control);

#endif
