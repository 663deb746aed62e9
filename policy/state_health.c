/*
 * state_health - see state_health.h.
 */
#include "policy/state_health.h"

#include "base/clock.h"
#include "policy/state_file.h"

/* Set aside: this long after the first failure, twice after the next. */
#define ASIDE_FIRST_US (500 * US_PER_MS)
#define ASIDE_LAST_US (10 * US_PER_S)

/* A slot that was not used for so long is somebody else's. */
#define FORGET_US (3600 * US_PER_S)

/* As many places are looked at. */
#define TRIES 8

/* A verdict holds until so many checks should have been made. */
#define CHECKS_MISSED 3

static struct health_slot *
find(const struct state *s, struct hash128 id)
{
	for (uint32_t i = 0; i < TRIES; i++) {
		struct health_slot *h =
		    &s->health[(id.lo + i) & (s->n_health - 1)];

		if (atomic_load(&h->lo) == id.lo &&
		    atomic_load(&h->hi) == id.hi)
			return h;
	}
	return NULL;
}

static void
name(struct health_slot *h, struct span url)
{
	char text[HEALTH_WORDS * sizeof(uint64_t)] = "";

	memcpy(text, url.p, url.n < sizeof(text) ? url.n : sizeof(text) - 1);
	for (int i = 0; i < HEALTH_WORDS; i++) {
		uint64_t word;

		memcpy(&word, text + i * (int)sizeof(word), sizeof(word));
		atomic_store_explicit(&h->words[i], word, memory_order_relaxed);
	}
}

/* The slot of "id", made if need be; NULL: there is no place. */
static struct health_slot *
make(struct state *s, struct hash128 id, struct span url, int64_t now_us)
{
	struct health_slot *h = find(s, id);

	for (uint32_t i = 0; i < TRIES && h == NULL; i++) {
		struct health_slot *old =
		    &s->health[(id.lo + i) & (s->n_health - 1)];

		if (atomic_load(&old->lo) == 0 ||
		    atomic_load(&old->used_us) < now_us - FORGET_US)
			h = old;
	}
	if (h == NULL)
		return NULL;
	if (atomic_load(&h->lo) != id.lo || atomic_load(&h->hi) != id.hi) {
		/* Two that come at once may mix; it is soon told again. */
		atomic_store(&h->valid_us, 0);
		atomic_store(&h->aside_us, 0);
		atomic_store(&h->failures, 0);
		atomic_store(&h->verdict, HEALTH_NOT_KNOWN);
		atomic_store(&h->in_a_row, 0);
		atomic_store(&h->changed_us, now_us);
		name(h, url);
		atomic_store(&h->lo, id.lo);
		atomic_store(&h->hi, id.hi);
	}
	atomic_store(&h->used_us, now_us);
	return h;
}

/* What lies further ahead comes from a clock that was wrong. */
static enum health_verdict
verdict_of(const struct health_slot *h, int64_t now_us)
{
	uint32_t v = atomic_load(&h->verdict);
	int64_t valid_us = atomic_load(&h->valid_us);

	return v < HEALTH_VERDICT__MAX && valid_us > now_us &&
		valid_us - now_us <= (CHECKS_MISSED + 1) * FORGET_US
	    ? (enum health_verdict)v
	    : HEALTH_NOT_KNOWN;
}

enum health_verdict
state_health_verdict(const struct state *s, struct hash128 id, int64_t now_us)
{
	const struct health_slot *h = find(s, id);

	return h != NULL ? verdict_of(h, now_us) : HEALTH_NOT_KNOWN;
}

bool
state_health_checked(struct state *s, struct hash128 id, struct span url,
    const struct row_health *rule, bool well, unsigned status, int64_t now_us)
{
	struct health_slot *h = make(s, id, url, now_us);
	enum health_verdict old, new = well ? HEALTH_UP : HEALTH_DOWN;
	uint32_t needed = well ? rule->healthy : rule->unhealthy, n;

	if (h == NULL)
		return false;
	old = verdict_of(h, now_us);
	n = old == new ? 0 : atomic_load(&h->in_a_row) + 1;
	/* Whether it is up is known at once, so that it can fall. */
	if (old == HEALTH_NOT_KNOWN && well)
		n = needed;
	atomic_store(&h->in_a_row, n < needed ? n : 0);
	atomic_store(&h->status, status);
	atomic_store(&h->valid_us,
	    now_us +
		(CHECKS_MISSED * (int64_t)rule->period_ms + rule->timeout_ms) *
		    US_PER_MS);
	if (old == new || n < needed) {
		atomic_store(&h->verdict, old);
		return false;
	}
	atomic_store(&h->changed_us, now_us);
	atomic_store(&h->verdict, new);
	return true;
}

void
state_health_fail(
    struct state *s, struct hash128 id, struct span url, int64_t now_us)
{
	struct health_slot *h = make(s, id, url, now_us);
	uint32_t n;
	int64_t us;

	if (h == NULL)
		return;
	n = atomic_fetch_add(&h->failures, 1);
	us = n < 5 ? ASIDE_FIRST_US << n : ASIDE_LAST_US;
	atomic_store(
	    &h->aside_us, now_us + (us < ASIDE_LAST_US ? us : ASIDE_LAST_US));
}

void
state_health_well(struct state *s, struct hash128 id, int64_t now_us)
{
	struct health_slot *h = find(s, id);

	if (h == NULL || atomic_load(&h->failures) == 0)
		return;
	atomic_store(&h->used_us, now_us);
	atomic_store(&h->failures, 0);
	atomic_store(&h->aside_us, 0);
}

static bool
is_aside(const struct health_slot *h, int64_t now_us)
{
	int64_t until_us = atomic_load(&h->aside_us);

	return until_us > now_us && until_us - now_us <= ASIDE_LAST_US;
}

bool
state_health_is_aside(const struct state *s, struct hash128 id, int64_t now_us)
{
	const struct health_slot *h = find(s, id);

	return h != NULL && is_aside(h, now_us);
}

/* False: the arena is full. */
static bool
report_one(const struct health_slot *h, int64_t now_us, struct arena *a,
    struct state_endpoint *e)
{
	char text[HEALTH_WORDS * sizeof(uint64_t)];

	for (int i = 0; i < HEALTH_WORDS; i++) {
		uint64_t word =
		    atomic_load_explicit(&h->words[i], memory_order_relaxed);

		memcpy(text + i * (int)sizeof(word), &word, sizeof(word));
	}
	text[sizeof(text) - 1] = '\0';
	*e = (struct state_endpoint){ .url = arena_copy(a, span_str(text)),
		.verdict = verdict_of(h, now_us),
		.status = atomic_load(&h->status),
		.changed_us = atomic_load(&h->changed_us),
		.aside = is_aside(h, now_us) };
	return e->url.p != NULL;
}

bool
state_health_report(const struct state *s, int64_t now_us, struct arena *a,
    struct state_report *r)
{
	r->endpoints = arena_calloc(a, s->n_health, sizeof(*r->endpoints));
	if (r->endpoints == NULL)
		return false;
	for (uint32_t i = 0; i < s->n_health; i++) {
		const struct health_slot *h = &s->health[i];

		if (atomic_load(&h->lo) == 0 ||
		    (verdict_of(h, now_us) == HEALTH_NOT_KNOWN &&
			!is_aside(h, now_us)))
			continue;
		if (!report_one(h, now_us, a, &r->endpoints[r->n_endpoints++]))
			return false;
	}
	return true;
}
