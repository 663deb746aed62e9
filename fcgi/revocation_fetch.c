/*
 * revocation_fetch - see revocation_fetch.h.
 *
 * When the last attempt was, and whether it failed, is a word in the shared
 * state: of all processes one makes the next.  While it takes longer than
 * the pause, a lease holds the others off.
 */
#include "fcgi/revocation_fetch.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "fcgi/fetch.h"
#include "policy/revocation_feed.h"

/* Between attempts: while there is nothing, and else at most. */
#define PAUSE_US US_PER_S
#define PAUSE_US_MAX (10 * US_PER_S)

/* How long an attempt may be under way. */
#define TRIED_US (2 * US_PER_S)

static unsigned
word_of(const struct revocation_feed *f)
{
	return STATE_REVOKED_TRIED + f->source->number;
}

/* The word: its lowest bit is whether it failed. */
static int64_t
time_of(uint64_t word)
{
	return (int64_t)(word >> 1);
}

bool
revocation_fetch_is_due(
    const struct revocation_feed *f, int64_t fetched_us, int64_t now_us)
{
	uint64_t word = state_revoked_get(f->source->state, word_of(f));
	int64_t age_us = now_us - fetched_us;
	int64_t since_us = now_us - time_of(word);
	int64_t pause_us = fetched_us == 0 || f->every_us < PAUSE_US_MAX
	    ? PAUSE_US
	    : PAUSE_US_MAX;

	/* A time to come is of a clock that was set back. */
	if ((age_us >= 0 && age_us < f->every_us) ||
	    (since_us >= 0 && since_us < pause_us))
		return false;
	return state_revoked_swap(
	    f->source->state, word_of(f), word, (uint64_t)now_us << 1);
}

bool
revocation_fetch_is_tried(const struct revocation_feed *f, int64_t now_us)
{
	uint64_t word = state_revoked_get(f->source->state, word_of(f));
	int64_t since_us = now_us - time_of(word);

	return (word & 1) == 0 && since_us >= 0 && since_us < TRIED_US;
}

/* Names what it tells, and of whom. */
static struct hash128
content_of(const struct revocation_feed *f, struct span body)
{
	struct siphash h;

	siphash_init(&h, &f->source->keys.names);
	for (size_t i = 0; i < f->n_issuers; i++)
		siphash_part(&h, f->issuers[i]);
	siphash_raw(&h, body);
	return siphash_done(&h);
}

static bool
keep(const struct revocation_feed *f, struct span body, int64_t now_us,
    char *why, size_t why_size)
{
	struct revoked_making m = { .keys = &f->source->keys,
		.build.is_set = true };
	struct hash128 content = content_of(f, body);
	const char *wrong;

	if (revoked_feed_renew(f->source, content, now_us))
		return true;
	wrong = revoked_feed_walk(
	    body, f->issuers, f->n_issuers, revoked_making_add, &m);
	if (wrong == NULL)
		return revoked_feed_keep(
		    f->source, &m, content, now_us, why, why_size);
	revoked_build_fini(&m.build);
	(void)snprintf(why, why_size, "%s", wrong);
	return false;
}

void
revocation_fetch(const struct revocation_feed *f, unsigned limit_ms)
{
	const struct revoked_source *s = f->source;
	const struct fetch_form form = { .user = f->user,
		.secret = f->password };
	int64_t now_us = clock_wall_us();
	char why[256] = "";
	struct buf body;

	if (!state_lease(s->state, span_str(s->path)))
		return;
	buf_init(&body, REVOKED_FEED_BYTES_MAX);
	if (!fetch_post(span_str(s->path), &form, REVOKED_FEED_BYTES_MAX,
		limit_ms < f->timeout_ms ? limit_ms : f->timeout_ms, &body, why,
		sizeof(why)) ||
	    !keep(f, buf_span(&body), now_us, why, sizeof(why))) {
		log_warn("revocation: feed not taken url=%s: %s", s->path, why);
		state_revoked_set(
		    s->state, word_of(f), (uint64_t)now_us << 1 | 1);
	}
	buf_fini(&body);
	state_lease_end(s->state, span_str(s->path));
}
