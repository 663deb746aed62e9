/*
 * world - see world.h.
 */
#include "tools/world.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "policy/introspection.h"

static enum source_result
world_source(void *world, uint32_t row, struct source *s)
{
	struct world *w = world;

	*s = w->sources[row].view;
	return s->generation != 0 ? SOURCE_OK : SOURCE_DOWN;
}

static enum refresh_result
world_refresh(void *world, uint32_t row, struct span kid)
{
	(void)world;
	(void)row;
	(void)kid;
	return REFRESH_SAME; /* what a file holds does not change by asking */
}

static struct span
world_env(void *world, struct span name)
{
	struct world *w = world;
	struct span copy = arena_copy(w->arena, name);

	return span_str(copy.p != NULL ? getenv(copy.p) : NULL);
}

/* What a file holds in place of what the server would say. */
static enum introspect_result
world_introspect(void *world, const struct introspection *i, struct verdict *v)
{
	struct world *w = world;
	const struct row_introspect *row = bundle_introspect(w->bundle, i->row);
	char why[512];
	const char *reason;
	struct buf text;
	struct span url;
	bool ok;

	url = reference_expand(bundle_text(w->bundle, row->url),
	    w->bundle->path, world_env, w, w->arena, why, sizeof(why));
	for (size_t k = 0; url.p != NULL && k < w->n_answers; k++) {
		if (!span_eq(url, span_str(w->answers[k].url)))
			continue;
		if (!file_read(w->answers[k].file, FILE_ANY,
			INTROSPECTION_BYTES_MAX, &text, NULL, why, sizeof(why)))
			return INTROSPECT_DOWN;
		ok = introspection_read(w->bundle, i->row, buf_span(&text),
		    i->now_s, i->arena, v, &reason);
		buf_fini(&text);
		return ok ? INTROSPECT_TOLD : INTROSPECT_DOWN;
	}
	return INTROSPECT_DOWN;
}

/* Every counter is untouched: what a first request would meet. */
static enum take_result
world_take(void *world, struct take *takes, unsigned n, int64_t now_us)
{
	(void)world;
	(void)now_us;
	for (unsigned i = 0; i < n; i++) {
		const struct row_limit *l = takes[i].limit;
		uint64_t most =
		    l->algorithm == LIMIT_TOKEN_BUCKET ? l->burst : l->count;

		takes[i].refused = false;
		takes[i].remaining = most;
		if (l->unit == LIMIT_REQUESTS && most > 0)
			takes[i].remaining--;
		takes[i].reset_us = l->period_us;
	}
	return TAKE_ALLOWED;
}

static void
world_give(void *world, struct take *takes, unsigned n, int64_t now_us)
{
	(void)world;
	(void)takes;
	(void)n;
	(void)now_us;
}

/* As for counters: what a first request would meet. */
static enum replay_result
world_replay(void *world, const struct span *parts, unsigned n, int64_t until_s)
{
	(void)world;
	(void)parts;
	(void)n;
	(void)until_s;
	return REPLAY_NEW;
}

static void
world_note(void *world, const char *stage, int alternative, enum reason reason,
    struct span detail)
{
	struct world *w = world;

	if (w->n_steps == WORLD_STEPS_MAX)
		return;
	w->steps[w->n_steps++] = (struct world_step){ stage, alternative,
		reason, arena_copy(w->arena, detail) };
}

static bool
load_from(const struct source_reader *r, uint32_t row, const char *file,
    struct source_object *o, char *why, size_t why_size)
{
	size_t max_bytes =
	    bundle_source(r->bundle, row)->kind == SOURCE_APPLICATIONS
	    ? APPLICATIONS_BYTES_MAX
	    : KEY_SET_BYTES_MAX;
	struct buf text;
	bool ok;

	if (!file_read(file, FILE_ANY, max_bytes, &text, NULL, why, why_size))
		return false;
	ok = source_parse(r, row, buf_span(&text), true, o, why, why_size);
	buf_fini(&text);
	return ok;
}

static bool
load_one(struct world *w, uint32_t row, const struct world_keys *keys,
    size_t n_keys, char *why, size_t why_size)
{
	const struct source_reader r = {
		.bundle = w->bundle, .env = world_env, .world = w
	};
	struct source_object *o = &w->sources[row];
	struct span url;

	if (bundle_source(w->bundle, row)->how != SOURCE_URL)
		return source_load(&r, row, o, why, why_size);
	url = source_place(&r, row, w->arena, why, why_size);
	if (url.p == NULL)
		return false;
	for (size_t i = 0; i < n_keys; i++)
		if (span_eq(url, span_str(keys[i].url)))
			return load_from(
			    &r, row, keys[i].file, o, why, why_size);
	snprintf(why, why_size,
	    "%.*s is not fetched here; give --keys URL=FILE", SPAN_ARG(url));
	return false;
}

bool
world_open(struct world *w, const struct bundle *b, struct arena *a,
    const struct world_keys *keys, size_t n_keys, const char *name)
{
	uint32_t n = bundle_n(b, SECTION_SOURCE);
	char why[1024];

	*w = (struct world){
		.bundle = b, .arena = a, .answers = keys, .n_answers = n_keys
	};
	w->outside = (struct outside){ .world = w,
		.source = world_source,
		.refresh = world_refresh,
		.introspect = world_introspect,
		.take = world_take,
		.give = world_give,
		.replay = world_replay,
		.note = world_note };
	w->sources = calloc(n > 0 ? n : 1, sizeof(*w->sources));
	if (w->sources == NULL)
		return false;
	for (uint32_t i = 0; i < n; i++) {
		struct span origin =
		    bundle_text(b, bundle_source(b, i)->origin);

		if (!load_one(w, i, keys, n_keys, why, sizeof(why)))
			fprintf(stderr, "%s: %.*s: %s\n", name,
			    SPAN_ARG(origin), why);
	}
	return true;
}

void
world_close(struct world *w)
{
	uint32_t n =
	    w->sources != NULL ? bundle_n(w->bundle, SECTION_SOURCE) : 0;

	for (uint32_t i = 0; i < n; i++)
		source_free(&w->sources[i]);
	free(w->sources);
	if (w->state == NULL)
		return;
	revoked_set_fini(&w->revoked);
	state_close(w->state);
}

static enum revoked_result
world_revoked(void *world, struct revoked_query *q)
{
	return revoked_set_check(&((struct world *)world)->revoked, q);
}

bool
world_revocations(struct world *w, const char *dir, char *why, size_t why_size)
{
	w->state = state_view(dir, why, why_size);
	if (w->state == NULL)
		return false;
	if (!revoked_set_init(&w->revoked, w->bundle, dir, w->state, true,
		world_env, w, why, why_size))
		return false;
	for (unsigned i = 0; i < w->revoked.n; i++)
		revoked_set_load(&w->revoked, i, clock_wall_us());
	w->outside.revoked = world_revoked;
	return true;
}
