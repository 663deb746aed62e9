/*
 * state_metric - counts for mgw-status, by API and reason.
 *
 * The file names its columns by reason words, so that builds which number
 * their reasons differently, an upgrade beside the old one, count into
 * the same columns.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "policy/state_file.h"
#include "policy/state_health.h"

static_assert(REASON__MAX < COLUMNS - 1, "a column for each reason");
static_assert(STATE_TOTAL__MAX <= TOTALS, "a place for each total");

static const char *const table_words[TABLE__MAX] = {
	[TABLE_BUCKETS] = "buckets",
	[TABLE_CLIENT] = "client_buckets",
	[TABLE_OVERFLOW] = "overflow",
	[TABLE_SLIDES] = "slides",
	[TABLE_CLIENT_SLIDES] = "client_slides",
	[TABLE_SLIDE_OVERFLOW] = "slide_overflow",
	[TABLE_FAILURES] = "failures",
};

static bool
column_is(const struct metrics *m, unsigned c, const char *word)
{
	return strncmp(m->words[c], word, COLUMN_BYTES) == 0;
}

static unsigned
find_column(const struct metrics *m, const char *word)
{
	for (unsigned c = 1; c < COLUMNS; c++) {
		if (column_is(m, c, word))
			return c;
	}
	return 0;
}

static unsigned
add_column(struct metrics *m, const char *word)
{
	size_t n = strlen(word);

	for (unsigned c = 1; c < COLUMNS && n < COLUMN_BYTES; c++) {
		if (m->words[c][0] != '\0')
			continue;
		memcpy(m->words[c], word, n + 1);
		return c;
	}
	return 0;
}

bool
state_columns(struct state *s)
{
	if (s->writable && !state_lock(s, LOCK_COLUMNS))
		return false;
	for (int r = 0; r < REASON__MAX; r++) {
		const char *word = reason_word((enum reason)r);
		unsigned c = find_column(s->metrics, word);

		if (c == 0 && s->writable)
			c = add_column(s->metrics, word);
		s->columns[r] = (unsigned char)c;
	}
	if (s->writable)
		state_unlock(s, LOCK_COLUMNS);
	return true;
}

static void
add(_Atomic uint64_t *to, uint64_t n)
{
	atomic_fetch_add_explicit(to, n, memory_order_relaxed);
}

void
state_tally(struct state *s, enum state_total what)
{
	if (s->writable)
		add(&s->metrics->totals[what], 1);
}

/* The slot of "id", or the free one where it would be; NULL: no place. */
static struct api_slot *
find_api(const struct state *s, uint64_t id)
{
	/* The last is for those that find none. */
	for (uint32_t i = 0; i < s->n_apis; i++) {
		uint32_t at = (uint32_t)(id + i) & (s->n_apis - 1);
		uint64_t have =
		    atomic_load_explicit(&s->apis[at].id, memory_order_acquire);

		if (at != s->n_apis - 1 && (have == id || have == 0))
			return &s->apis[at];
	}
	return NULL;
}

static void
name_api(struct api_slot *slot, uint64_t id, struct span name)
{
	size_t n = name.n;

	if (n > sizeof(slot->name) - 1)
		n = sizeof(slot->name) - 1;
	memset(slot->name, 0, sizeof(slot->name));
	if (n > 0)
		memcpy(slot->name, name.p, n);
	atomic_store_explicit(&slot->id, id, memory_order_release);
}

static struct api_slot *
api_slot(struct state *s, struct span name)
{
	uint64_t id = siphash_64(&s->key, name) | 1;
	struct api_slot *slot = find_api(s, id);

	if (slot != NULL && atomic_load(&slot->id) == id)
		return slot;
	if (!state_lock(s, LOCK_APIS))
		return NULL;
	slot = find_api(s, id);
	if (slot == NULL) {
		slot = &s->apis[s->n_apis - 1];
		if (atomic_load(&slot->id) == 0)
			name_api(slot, 1, SPAN("(others)"));
	} else if (atomic_load(&slot->id) == 0) {
		name_api(slot, id, name);
	}
	state_unlock(s, LOCK_APIS);
	return slot;
}

void
state_count(struct state *s, struct span api, enum reason reason, uint64_t us)
{
	struct api_slot *slot = api_slot(s, api.n > 0 ? api : SPAN("-"));

	if (slot == NULL)
		return;
	add(&slot->us, us);
	add(&slot->counts[s->columns[reason]], 1);
}

static struct span
text_of(const char *p, size_t max)
{
	return span_of(p, strnlen(p, max));
}

static struct state_fill
fill_of_buckets(
    const char *name, const struct bucket_table *table, int64_t now_us)
{
	struct state_fill f = { .section = name,
		.count = (uint64_t)table->n_groups * GROUP };

	for (uint64_t i = 0; i < f.count; i++) {
		const struct bucket *b =
		    (const void *)(table->p + i * table->stride);

		f.used += atomic_load(&b->expires_us) > now_us;
	}
	return f;
}

static struct state_fill
fill_of_verdicts(const struct state *s, int64_t now_us)
{
	struct state_fill f = { .section = "verdicts", .count = s->n_verdicts };

	for (uint32_t i = 0; i < s->n_verdicts; i++)
		f.used +=
		    atomic_load(&s->verdicts[i].expires_s) > now_us / 1000000;
	return f;
}

static int
by_name(const void *a, const void *b)
{
	return span_cmp(((const struct state_api *)a)->name,
	    ((const struct state_api *)b)->name);
}

static bool
report_apis(const struct state *s, struct arena *a, struct state_report *r)
{
	r->apis = arena_calloc(a, s->n_apis, sizeof(*r->apis));
	if (r->apis == NULL)
		return false;
	for (uint32_t i = 0; i < s->n_apis; i++) {
		const struct api_slot *slot = &s->apis[i];
		struct state_api *to = &r->apis[r->n_apis];

		if (atomic_load(&slot->id) == 0)
			continue;
		to->name =
		    arena_copy(a, text_of(slot->name, sizeof(slot->name)));
		if (to->name.p == NULL)
			return false;
		to->us = atomic_load(&slot->us);
		for (int k = 0; k < REASON__MAX; k++) {
			if (s->columns[k] != 0)
				to->counts[k] =
				    atomic_load(&slot->counts[s->columns[k]]);
		}
		r->n_apis++;
	}
	qsort(r->apis, r->n_apis, sizeof(*r->apis), by_name);
	return true;
}

bool
state_report(const struct state *s, int64_t now_us, struct arena *a,
    struct state_report *r)
{
	*r = (struct state_report){ .made_us = s->header->made_us };
	for (int i = 0; i < TABLE__MAX; i++)
		r->fills[r->n_fills++] =
		    fill_of_buckets(table_words[i], &s->tables[i], now_us);
	r->fills[r->n_fills++] = fill_of_verdicts(s, now_us);
	if (!report_apis(s, a, r) || !state_report_processes(s, a, r) ||
	    !state_health_report(s, now_us, a, r))
		return false;
	r->fills[r->n_fills++] =
	    (struct state_fill){ "apis", r->n_apis, s->n_apis };
	r->fills[r->n_fills++] =
	    (struct state_fill){ "in_progress", state_held_used(s), s->n_held };
	r->fills[r->n_fills++] =
	    (struct state_fill){ "processes", r->n_processes, s->n_processes };
	r->fills[r->n_fills++] = (struct state_fill){ "proofs",
		state_proofs_used(s, now_us / US_PER_S), s->n_proofs };
	r->store_down = state_store_is_down(s, now_us);
	for (int i = 0; i < STATE_TOTAL__MAX; i++)
		r->totals[i] = atomic_load(&s->metrics->totals[i]);
	return true;
}
