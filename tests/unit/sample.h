/*
 * sample - small bundles for tests of policy/.
 *
 * sample_begin, then sample_operation for each method and template, then
 * sample_end.  Whoever needs more appends rows to s->build himself.
 */
#ifndef MGW_TESTS_SAMPLE_H
#define MGW_TESTS_SAMPLE_H

#include <check.h>

#include "base/buf.h"
#include "policy/build.h"
#include "policy/bundle.h"

#define SAMPLE_ITEMS_MAX 64
#define SAMPLE_METHODS_MAX 8

/* One path with its methods, to be written as rows at the end. */
struct sample_item {
	const char *path;
	const char *allow;
	struct row_operation operations[SAMPLE_METHODS_MAX];
	const char *methods[SAMPLE_METHODS_MAX]; /* sorted by the caller */
	uint32_t n;
};

struct sample {
	struct build *build;
	struct row_settings settings;
	struct row_api api;
	struct sample_item items[SAMPLE_ITEMS_MAX];
	uint32_t n_items;
	struct buf bytes;
	struct bundle bundle;
};

static inline void
sample_begin(struct sample *s)
{
	memset(s, 0, sizeof(*s));
	s->build = build_new();
	ck_assert_ptr_nonnull(s->build);
	s->settings = (struct row_settings){ .max_uri_bytes = 4096,
		.max_header_bytes = 8192,
		.max_body_bytes = UINT64_MAX,
		.realm = build_text(s->build, SPAN("mgw")) };
	s->api = (struct row_api){ .title = build_text(s->build, SPAN("Pets")),
		.version = build_text(s->build, SPAN("1")),
		.tier = ROW_NONE,
		.max_body_bytes = UINT64_MAX };
}

static inline struct sample_item *
sample_item(struct sample *s, const char *path, const char *allow)
{
	struct sample_item *item = &s->items[s->n_items++];

	ck_assert_uint_le(s->n_items, SAMPLE_ITEMS_MAX);
	item->path = path;
	item->allow = allow;
	return item;
}

/* A public operation; make it secured by setting its alternatives. */
static inline struct row_operation *
sample_operation(struct sample_item *item, const char *method)
{
	struct row_operation *op = &item->operations[item->n];

	ck_assert_uint_lt(item->n, SAMPLE_METHODS_MAX);
	*op = (struct row_operation){ .tier = ROW_NONE,
		.max_body_bytes = UINT64_MAX };
	item->methods[item->n++] = method;
	return op;
}

/* The last requirements, of one scheme with the given scopes. */
static inline struct range
sample_requirement(struct sample *s, uint32_t scheme, const struct span *scopes,
    uint32_t n_scopes)
{
	struct row_requirement r = { .scheme = scheme };

	r.scopes = build_strings(s->build, scopes, n_scopes);
	return (
	    struct range){ BUILD_ROW(s->build, SECTION_REQUIREMENT, &r), 1 };
}

static inline void
sample_secure(struct row_operation *op, uint32_t first_alternative, uint32_t n)
{
	op->alternatives = (struct range){ first_alternative, n };
	op->flags |= OPERATION_SECURED;
}

static inline void
sample_add(struct sample *s, uint32_t number)
{
	const struct sample_item *item = &s->items[number];
	struct row_item row = {
		.path = build_text(s->build, span_str(item->path)),
		.allow = build_text(s->build, span_str(item->allow)),
		.operations = { build_n(s->build, SECTION_OPERATION), item->n }
	};
	struct build_place place;
	const char *why = "";

	ck_assert_msg(build_path(s->build, span_str(item->path), &place, &why),
	    "%s: %s", item->path, why);
	ck_assert_uint_eq(build_item(s->build, &place), ROW_NONE);
	row.variables = place.variables;
	for (uint32_t i = 0; i < item->n; i++) {
		struct row_operation op = item->operations[i];

		op.item = number;
		op.method = build_text(s->build, span_str(item->methods[i]));
		(void)BUILD_ROW(s->build, SECTION_OPERATION, &op);
	}
	ck_assert_uint_eq(BUILD_ROW(s->build, SECTION_ITEM, &row), number);
	build_set_item(s->build, &place, number);
}

/* Write the rows of all items, then the bytes. */
static inline void
sample_write(struct sample *s)
{
	(void)BUILD_ROW(s->build, SECTION_SETTINGS, &s->settings);
	for (uint32_t i = 0; i < s->n_items; i++)
		sample_add(s, i);
	s->api.operations =
	    (struct range){ 0, build_n(s->build, SECTION_OPERATION) };
	(void)BUILD_ROW(s->build, SECTION_API, &s->api);
	ck_assert(build_finish(s->build, &s->bytes));
}

/* The same, and load them. */
static inline void
sample_end(struct sample *s)
{
	char why[200] = "";

	sample_write(s);
	ck_assert_msg(
	    bundle_from(&s->bundle, buf_span(&s->bytes), why, sizeof(why)),
	    "%s", why);
}

static inline void
sample_free(struct sample *s)
{
	build_free(s->build);
	buf_fini(&s->bytes);
	bundle_close(&s->bundle);
}

#endif
