/*
 * test_bundle - what is built is read back, what is damaged is refused.
 */
#include "tests/unit/sample.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct sample sample;

/* One of each kind of row. */
static void
make_rich(struct sample *s)
{
	struct row_name name = { .kind = NAME_HEADER };
	struct row_source source = { .kind = SOURCE_KEY_FILE };
	struct row_source keys = { .kind = SOURCE_KEY_SET };
	struct row_issuer issuer = { .algorithms = 1 << ALG_RS256,
		.flags = ISSUER_AUDIENCE_ANY };
	struct row_scheme scheme = { .kind = SCHEME_API_KEY };
	struct row_limit limit = {
		.count = 5, .period_us = 1000000, .burst = 5
	};
	struct row_tier tier = { .limits = { 0, 1 } };
	struct row_alternative alternative = { { 0, 1 } };
	struct span scope = SPAN("read");
	uint32_t zero = 0;

	sample_begin(s);
	name.name = build_text(s->build, SPAN("HTTP_X_API_KEY"));
	name.shown = build_text(s->build, SPAN("X-API-Key"));
	scheme.name = build_text(s->build, SPAN("key"));
	source.value = build_text(s->build, SPAN("keys.db"));
	issuer.issuer = build_text(s->build, SPAN("https://id.example/"));
	issuer.sources = (struct range){ 1, 1 };
	(void)BUILD_ROW(s->build, SECTION_NAME, &name);
	(void)BUILD_ROW(s->build, SECTION_SOURCE, &source);
	(void)BUILD_ROW(s->build, SECTION_SOURCE, &keys);
	(void)BUILD_ROW(s->build, SECTION_ISSUER, &issuer);
	(void)BUILD_ROW(s->build, SECTION_SCHEME, &scheme);
	scheme.kind = SCHEME_JWT;
	scheme.issuers = build_indices(s->build, &zero, 1);
	(void)BUILD_ROW(s->build, SECTION_SCHEME, &scheme);
	(void)BUILD_ROW(s->build, SECTION_LIMIT, &limit);
	(void)BUILD_ROW(s->build, SECTION_TIER, &tier);
	(void)sample_requirement(s, 0, &scope, 1);
	(void)BUILD_ROW(s->build, SECTION_ALTERNATIVE, &alternative);
	sample_secure(
	    sample_operation(
		sample_item(s, "/pets/{id}.json", "GET, HEAD, OPTIONS"), "GET"),
	    0, 1);
	sample_operation(sample_item(s, "/pets", "POST, OPTIONS"), "POST");
	sample_operation(sample_item(s, "/pets/{id}", "PUT, OPTIONS"), "PUT");
	sample_operation(sample_item(s, "/files/*", "PUT, OPTIONS"), "PUT");
}

START_TEST(what_was_built_is_read_back)
{
	const struct bundle *b = &sample.bundle;
	const struct row_pattern *p;
	uint32_t pets;

	make_rich(&sample);
	sample_end(&sample);
	ck_assert(
	    span_eq(bundle_text(b, bundle_api(b, 0)->title), SPAN("Pets")));
	ck_assert_ptr_null(bundle_text(b, bundle_api(b, 0)->owner).p);
	ck_assert(bundle_find_edge(b, 0, SPAN("pets"), &pets));
	ck_assert(!bundle_find_edge(b, 0, SPAN("pet"), &pets));
	ck_assert_uint_eq(bundle_node(b, pets)->item, 1);
	ck_assert_uint_eq(bundle_node(b, pets)->patterns.n, 2);
	p = bundle_pattern(b, bundle_node(b, pets)->patterns.first);
	ck_assert_uint_eq(bundle_node(b, p->child)->item, 0);
	ck_assert(span_eq(bundle_string(b, p->parts.first + 1), SPAN(".json")));
	ck_assert_uint_eq(bundle_item(b, 0)->variables.n, 1);
	ck_assert(span_eq(
	    bundle_string(b, bundle_item(b, 0)->variables.first), SPAN("id")));
	sample_free(&sample);
}
END_TEST

START_TEST(equal_calls_give_equal_bytes)
{
	struct buf first;

	make_rich(&sample);
	sample_write(&sample);
	first = sample.bytes;
	buf_init(&sample.bytes, 0);
	sample_free(&sample);
	make_rich(&sample);
	sample_write(&sample);
	ck_assert(span_eq(buf_span(&first), buf_span(&sample.bytes)));
	buf_fini(&first);
	sample_free(&sample);
}
END_TEST

/* Give damaged bytes their right sums again, to get behind the first door. */
static void
seal(struct span bytes)
{
	struct bundle_header *h = (void *)(uintptr_t)bytes.p;
	struct hash128 sum = bundle_sum(bytes);

	h->sum_lo = sum.lo;
	h->sum_hi = sum.hi;
}

static bool
load_copy(struct span bytes, char *why, size_t why_size)
{
	struct bundle b;
	bool ok = bundle_from(&b, bytes, why, why_size);

	if (ok)
		bundle_close(&b);
	return ok;
}

START_TEST(every_shorter_file_is_refused)
{
	char why[200];

	make_rich(&sample);
	sample_write(&sample);
	for (size_t n = 0; n < sample.bytes.n; n++) {
		/* On the heap, so that a sanitizer sees a read beyond. */
		char *cut = malloc(n + 1);

		memcpy(cut, sample.bytes.p, n);
		ck_assert(!load_copy(span_of(cut, n), why, sizeof(why)));
		ck_assert_str_ne(why, "");
		free(cut);
	}
	sample_free(&sample);
}
END_TEST

START_TEST(every_changed_byte_is_noticed)
{
	char why[200];

	make_rich(&sample);
	sample_write(&sample);
	for (size_t i = 0; i < sample.bytes.n; i++) {
		sample.bytes.p[i] ^= 0x40;
		ck_assert(
		    !load_copy(buf_span(&sample.bytes), why, sizeof(why)));
		sample.bytes.p[i] ^= 0x40;
	}
	ck_assert(load_copy(buf_span(&sample.bytes), why, sizeof(why)));
	sample_free(&sample);
}
END_TEST

/* With a right sum it is taken or refused, but nothing is read outside. */
START_TEST(changed_rows_with_a_right_sum_do_no_harm)
{
	static const unsigned char flips[] = { 0x01, 0x80, 0xff };
	char why[200];

	make_rich(&sample);
	sample_write(&sample);
	for (size_t i = sizeof(struct bundle_header); i < sample.bytes.n; i++) {
		for (size_t k = 0; k < sizeof(flips); k++) {
			sample.bytes.p[i] ^= (char)flips[k];
			seal(buf_span(&sample.bytes));
			(void)load_copy(
			    buf_span(&sample.bytes), why, sizeof(why));
			sample.bytes.p[i] ^= (char)flips[k];
		}
	}
	sample_free(&sample);
}
END_TEST

static void
refuse_change(void (*change)(struct bundle_header *, struct bundle_section *),
    const char *expected)
{
	char why[200] = "";
	struct bundle_header *h;

	make_rich(&sample);
	sample_write(&sample);
	h = (void *)sample.bytes.p;
	change(h, (struct bundle_section *)(void *)(h + 1));
	seal(buf_span(&sample.bytes));
	ck_assert(!load_copy(buf_span(&sample.bytes), why, sizeof(why)));
	ck_assert_msg(strstr(why, expected) != NULL, "%s", why);
	sample_free(&sample);
}

static void
make_newer(struct bundle_header *h, struct bundle_section *s)
{
	(void)s;
	h->version++;
}

static void
make_foreign_section(struct bundle_header *h, struct bundle_section *s)
{
	s[h->n_sections - 1].tag = 4000;
}

static void
make_open_issuer(struct bundle_header *h, struct bundle_section *s)
{
	struct row_issuer *r =
	    (void *)((char *)h + s[SECTION_ISSUER - 1].offset);

	r->flags = 0;
}

static void
make_unsecured(struct bundle_header *h, struct bundle_section *s)
{
	struct row_operation *op =
	    (void *)((char *)h + s[SECTION_OPERATION - 1].offset);

	op->alternatives.n = 0;
}

static void
make_cycle(struct bundle_header *h, struct bundle_section *s)
{
	struct row_pattern *p =
	    (void *)((char *)h + s[SECTION_PATTERN - 1].offset);

	p->child = 0;
}

static struct row_limit *
first_limit(struct bundle_header *h, struct bundle_section *s)
{
	return (void *)((char *)h + s[SECTION_LIMIT - 1].offset);
}

static void
make_slide_by_month(struct bundle_header *h, struct bundle_section *s)
{
	first_limit(h, s)->algorithm = LIMIT_SLIDING;
	first_limit(h, s)->calendar = CALENDAR_MONTH;
}

static void
make_count_slots(struct bundle_header *h, struct bundle_section *s)
{
	first_limit(h, s)->unit = LIMIT_CONCURRENT;
}

/* Its counter would look like one from another clock, and be taken. */
static void
make_two_years(struct bundle_header *h, struct bundle_section *s)
{
	first_limit(h, s)->algorithm = LIMIT_WINDOW;
	first_limit(h, s)->period_us = UINT64_C(730) * 86400 * 1000000;
}

START_TEST(what_this_build_would_not_enforce_is_refused)
{
	refuse_change(make_slide_by_month, "row 0 of LIMIT");
	refuse_change(make_count_slots, "row 0 of LIMIT");
	refuse_change(make_two_years, "row 0 of LIMIT");
	refuse_change(make_newer, "newer format");
	refuse_change(make_foreign_section, "feature that this mgw lacks");
	refuse_change(make_open_issuer, "row 0 of ISSUER");
	refuse_change(make_unsecured, "row 0 of OPERATION");
	refuse_change(make_cycle, "row 0 of PATTERN");
}
END_TEST

/* Rewrite the file with NAME rows that are "bytes" longer or shorter. */
static void
resize_names(struct buf *to, int by, char fill)
{
	struct bundle_header *h;
	struct bundle_section *s;
	size_t at, n, keep;

	buf_init(to, sample.bytes.n + 64);
	buf_add(to, buf_span(&sample.bytes));
	h = (void *)to->p;
	s = (struct bundle_section *)(void *)(h + 1) + SECTION_NAME - 1;
	at = s->offset;
	n = (size_t)((int)s->row_bytes + by);
	keep = n < s->row_bytes ? n : s->row_bytes;
	/* The one row is moved behind everything; sections stay in order. */
	ck_assert_uint_eq(s->n_rows, 1);
	s->row_bytes = (uint32_t)n;
	if (by > 0) {
		size_t tail = to->n - at - 24;

		buf_add(to, SPAN("        "));
		h = (void *)to->p;
		s = (struct bundle_section *)(void *)(h + 1) + SECTION_NAME - 1;
		memmove(to->p + at + 32, to->p + at + 24, tail);
		memset(to->p + at + 24, 0, 8);
		memset(to->p + at + keep, fill, (size_t)by);
		for (uint32_t i = SECTION_NAME; i < h->n_sections; i++)
			s[i - SECTION_NAME + 1].offset += 8;
		h->size = to->n;
	}
	seal(buf_span(to));
}

START_TEST(rows_of_another_length_are_read)
{
	char why[200] = "";
	struct buf bytes;
	struct bundle b;

	make_rich(&sample);
	sample_write(&sample);
	resize_names(&bytes, 8, 0);
	ck_assert_msg(
	    bundle_from(&b, buf_span(&bytes), why, sizeof(why)), "%s", why);
	ck_assert(span_eq(
	    bundle_text(&b, bundle_name(&b, 0)->shown), SPAN("X-API-Key")));
	bundle_close(&b);
	buf_fini(&bytes);

	resize_names(&bytes, -8, 0);
	ck_assert(bundle_from(&b, buf_span(&bytes), why, sizeof(why)));
	ck_assert(span_eq(
	    bundle_text(&b, bundle_name(&b, 0)->name), SPAN("HTTP_X_API_KEY")));
	ck_assert_ptr_null(bundle_text(&b, bundle_name(&b, 0)->shown).p);
	bundle_close(&b);
	buf_fini(&bytes);

	resize_names(&bytes, 8, 1);
	ck_assert(!bundle_from(&b, buf_span(&bytes), why, sizeof(why)));
	ck_assert_str_eq(why, "asks for a feature that this mgw lacks");
	buf_fini(&bytes);
	sample_free(&sample);
}
END_TEST

START_TEST(templates_that_mean_nothing_are_refused)
{
	static const char *const bad[] = { "pets", "/a//b", "/{id", "/id}",
		"/{}", "/{a{b}}", "/*/a", "/%zz", "/%2f", "/%00", "/%ff",
		"/%5c" };
	static const char *const good[] = { "", "/", "/a/", "/{a}{b}", "/a%20b",
		"/{a}-{b}", "/*", "/a*b" };
	struct build *b = build_new();
	struct build_place place;
	const char *why;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(!build_path(b, span_str(bad[i]), &place, &why),
		    "%s", bad[i]);
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		ck_assert_msg(build_path(b, span_str(good[i]), &place, &why),
		    "%s", good[i]);
	build_free(b);
}
END_TEST

START_TEST(names_of_variables_do_not_make_another_place)
{
	struct build *b = build_new();
	struct build_place first, second;
	const char *why;

	ck_assert(build_path(b, SPAN("/pets/{id}"), &first, &why));
	build_set_item(b, &first, 7);
	ck_assert(build_path(b, SPAN("/p%65ts/{pet}"), &second, &why));
	ck_assert_uint_eq(build_item(b, &second), 7);
	build_free(b);
}
END_TEST

START_TEST(a_file_is_opened_or_said_to_be_wrong)
{
	char dir[] = "/tmp/test_bundle.XXXXXX", path[64], why[200] = "";
	struct bundle b;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	(void)snprintf(path, sizeof(path), "%s/b", dir);
	ck_assert(!bundle_open(&b, path, why, sizeof(why)));
	ck_assert_msg(strstr(why, path) != NULL, "%s", why);
	make_rich(&sample);
	sample_write(&sample);
	ck_assert_msg(
	    file_write(path, buf_span(&sample.bytes), 0600, why, sizeof(why)),
	    "%s", why);
	ck_assert_msg(bundle_open(&b, path, why, sizeof(why)), "%s", why);
	ck_assert_str_eq(b.path.p, path);
	ck_assert_int_gt(b.made_us, 0);
	bundle_close(&b);
	sample.bytes.n--;
	ck_assert(
	    file_write(path, buf_span(&sample.bytes), 0600, why, sizeof(why)));
	ck_assert(!bundle_open(&b, path, why, sizeof(why)));
	ck_assert_msg(strstr(why, ": truncated") != NULL, "%s", why);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(rmdir(dir), 0);
	sample_free(&sample);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("bundle");
	TCase *t = tcase_create("bundle");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_test(t, what_was_built_is_read_back);
	tcase_add_test(t, equal_calls_give_equal_bytes);
	tcase_add_test(t, every_shorter_file_is_refused);
	tcase_add_test(t, every_changed_byte_is_noticed);
	tcase_add_test(t, changed_rows_with_a_right_sum_do_no_harm);
	tcase_add_test(t, what_this_build_would_not_enforce_is_refused);
	tcase_add_test(t, rows_of_another_length_are_read);
	tcase_add_test(t, templates_that_mean_nothing_are_refused);
	tcase_add_test(t, names_of_variables_do_not_make_another_place);
	tcase_add_test(t, a_file_is_opened_or_said_to_be_wrong);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
