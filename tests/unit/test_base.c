/*
 * test_base - spans, arenas, buffers, the log and SipHash.
 */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/shown.h"
#include "base/siphash.h"
#include "tests/unit/guard.h"

static const struct {
	const char *text;
	uint64_t max;
	bool good;
	uint64_t value;
} numbers[] = {
	{ "0", 10, true, 0 },
	{ "10", 10, true, 10 },
	{ "11", 10, false, 0 },
	{ "007", 10, true, 7 },
	{ "", 10, false, 0 },
	{ "+1", 10, false, 0 },
	{ "-1", 10, false, 0 },
	{ " 1", 10, false, 0 },
	{ "1 ", 10, false, 0 },
	{ "0x1", 10, false, 0 },
	{ "9", 8, false, 0 },
	{ "18446744073709551615", UINT64_MAX, true, UINT64_MAX },
	{ "18446744073709551616", UINT64_MAX, false, 0 },
	{ "99999999999999999999999", UINT64_MAX, false, 0 },
};

START_TEST(span_to_u64_takes_digits_up_to_the_maximum_and_nothing_else)
{
	struct guard g = guard_new(span_str(numbers[_i].text));
	uint64_t v = 77;

	ck_assert(span_to_u64(g.text, numbers[_i].max, &v) == numbers[_i].good);
	ck_assert_uint_eq(v, numbers[_i].good ? numbers[_i].value : 77);
	guard_free(&g);
}
END_TEST

static const struct {
	struct span bytes;
	bool good;
} utf8[] = {
	{ SPAN_INIT(""), true },
	{ SPAN_INIT("a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"), true },
	{ SPAN_INIT("\xf4\x8f\xbf\xbf"), true },
	{ SPAN_INIT("\x80"), false },
	{ SPAN_INIT("\xc3"), false },
	{ SPAN_INIT("\xc0\xaf"), false },         /* overlong '/' */
	{ SPAN_INIT("\xe0\x80\xaf"), false },     /* the same in three */
	{ SPAN_INIT("\xf0\x80\x80\xaf"), false }, /* and in four */
	{ SPAN_INIT("\xed\xa0\x80"), false },     /* a surrogate */
	{ SPAN_INIT("\xf4\x90\x80\x80"), false }, /* above U+10FFFF */
	{ SPAN_INIT("\xf5\x80\x80\x80"), false },
	{ SPAN_INIT("\xe2\x82"), false },
	{ SPAN_INIT("\xe2(\xa1"), false },
};

START_TEST(span_is_utf8_refuses_overlong_surrogate_and_cut_forms)
{
	struct guard g = guard_new(utf8[_i].bytes);

	ck_assert(span_is_utf8(g.text) == utf8[_i].good);
	guard_free(&g);
}
END_TEST

START_TEST(span_cut_gives_every_piece_once_and_ends)
{
	struct guard g = guard_new(SPAN("a,,b,"));
	struct span rest = g.text;
	const char *want[] = { "a", "", "b", "" };
	int n = 0;

	while (rest.p != NULL) {
		struct span piece = span_cut(&rest, ',');

		ck_assert_int_lt(n, 4);
		ck_assert(span_eq(piece, span_str(want[n++])));
	}
	ck_assert_int_eq(n, 4);
	guard_free(&g);
}
END_TEST

START_TEST(span_helpers_compare_and_trim)
{
	ck_assert(span_eq_nocase(SPAN("Bearer"), SPAN("bEARER")));
	ck_assert(!span_eq_nocase(SPAN("["), SPAN("{")));
	ck_assert(!span_eq_nocase(SPAN("a"), SPAN("ab")));
	ck_assert(span_eq(span_trim(SPAN(" \t a b \t")), SPAN("a b")));
	ck_assert(span_eq(span_trim(SPAN(" \t ")), SPAN("")));
	ck_assert(span_starts(SPAN("abc"), SPAN("ab")));
	ck_assert(!span_starts(SPAN("a"), SPAN("ab")));
	ck_assert(span_ends(SPAN("x.json"), SPAN(".json")));
	ck_assert_int_lt(span_cmp(SPAN("a"), SPAN("ab")), 0);
	ck_assert_int_gt(span_cmp(SPAN("b"), SPAN("ab")), 0);
	ck_assert_int_eq(span_cmp(SPAN("ab"), SPAN("ab")), 0);
	ck_assert(span_has_control(SPAN("a\x7f")));
	ck_assert(!span_has_control(SPAN("a\xff ")));
	ck_assert_uint_eq(span_skip(SPAN("abc"), 9).n, 0);
}
END_TEST

START_TEST(arena_stops_at_its_maximum_and_starts_anew_after_reset)
{
	struct arena a;
	int n = 0;

	arena_init(&a, 1024, 64 * 1024);
	for (int round = 0; round < 3; round++) {
		n = 0;
		while (arena_alloc(&a, 1000) != NULL)
			n++;
		ck_assert_int_ge(n, 50);
		ck_assert_int_le(n, 64);
		ck_assert_ptr_null(arena_alloc(&a, SIZE_MAX));
		ck_assert_ptr_null(arena_calloc(&a, SIZE_MAX / 2, 4));
		ck_assert(a.full);
		arena_reset(&a);
		ck_assert(!a.full);
	}
	ck_assert(span_eq(arena_printf(&a, "%d-%s", 7, "x"), SPAN("7-x")));
	ck_assert(span_eq(arena_copy(&a, SPAN("copy")), SPAN("copy")));
	arena_fini(&a);
	arena_fini(&a);
}
END_TEST

START_TEST(arena_memory_is_zero_even_when_used_again)
{
	struct arena a;

	arena_init(&a, 256, 4096);
	for (int round = 0; round < 3; round++) {
		unsigned char *p = arena_alloc(&a, 100);

		ck_assert_ptr_nonnull(p);
		for (int i = 0; i < 100; i++)
			ck_assert_int_eq(p[i], 0);
		memset(p, 0xff, 100);
		arena_reset(&a);
	}
	arena_fini(&a);
}
END_TEST

START_TEST(arena_takes_back_the_end_of_its_newest_piece_alone)
{
	struct arena a;
	char *p, *q;

	arena_init(&a, 1024, 4096);
	p = arena_room(&a, 500);
	ck_assert_ptr_nonnull(p);
	arena_trim(&a, p, 500, 10);
	q = arena_alloc(&a, 900);
	ck_assert_ptr_nonnull(q);
	/* In the same block, right behind what was kept. */
	ck_assert(q == p + 16);
	arena_trim(&a, p, 10, 0);
	arena_trim(&a, q, 900, 901);
	arena_trim(&a, q + 1, 900, 10);
	ck_assert(arena_alloc(&a, 1) != p);
	arena_reset(&a);
	ck_assert(arena_alloc(&a, 1000) == p);
	arena_fini(&a);
}
END_TEST

START_TEST(buf_fails_past_its_maximum_and_stays_failed_until_reset)
{
	struct buf b;

	buf_init(&b, 10);
	buf_add_str(&b, "12345");
	buf_add_u64(&b, 678);
	ck_assert(!b.failed);
	ck_assert(span_eq(buf_span(&b), SPAN("12345678")));
	buf_add_str(&b, "901");
	ck_assert(b.failed);
	buf_add_char(&b, 'x');
	ck_assert_uint_eq(b.n, 8);
	buf_reset(&b);
	buf_add_u64(&b, UINT64_C(0));
	ck_assert(!b.failed && span_eq(buf_span(&b), SPAN("0")));
	buf_fini(&b);
}
END_TEST

START_TEST(buf_takes_nothing_and_has_a_place_for_it)
{
	struct buf b;

	buf_init(&b, 0);
	buf_add(&b, SPAN(""));
	ck_assert(!b.failed && b.p != NULL);
	ck_assert_ptr_nonnull(buf_room(&b, 0));
	buf_add_char(&b, 'x');
	ck_assert(b.failed);
	buf_fini(&b);
}
END_TEST

START_TEST(buf_holds_large_numbers_and_formats)
{
	struct buf b;

	buf_init(&b, 1 << 20);
	for (int i = 0; i < 1000; i++)
		buf_printf(&b, "%03d", i);
	ck_assert_uint_eq(b.n, 3000);
	buf_reset(&b);
	buf_add_u64(&b, UINT64_MAX);
	ck_assert(span_eq(buf_span(&b), SPAN("18446744073709551615")));
	buf_fini(&b);
}
END_TEST

/* The reference vectors: key 00 01 .. 0f, input 00 01 .. n-1. */
START_TEST(siphash_gives_the_published_values)
{
	static const struct siphash_key key = { UINT64_C(0x0706050403020100),
		UINT64_C(0x0f0e0d0c0b0a0908) };
	char in[64];
	struct hash128 h;

	for (int i = 0; i < 64; i++)
		in[i] = (char)i;
	ck_assert(
	    siphash_64(&key, span_of(in, 15)) == UINT64_C(0xa129ca6149be45e5));
	ck_assert(
	    siphash_64(&key, span_of(in, 0)) == UINT64_C(0x726fdb47dd0e0e31));
	h = siphash_128(&key, span_of(in, 0));
	ck_assert(h.lo == UINT64_C(0xe6a825ba047f81a3));
	ck_assert(h.hi == UINT64_C(0x930255c71472f66d));
}
END_TEST

START_TEST(siphash_is_the_same_however_the_input_is_cut)
{
	static const struct siphash_key key = { 1, 2 };
	struct span s = SPAN("0123456789abcdefghijklmnopq");
	struct hash128 whole = siphash_128(&key, s);

	for (size_t i = 0; i <= s.n; i++) {
		for (size_t j = i; j <= s.n; j++) {
			struct siphash h;

			siphash_init(&h, &key);
			siphash_raw(&h, span_of(s.p, i));
			siphash_raw(&h, span_of(s.p + i, j - i));
			siphash_raw(&h, span_skip(s, j));
			ck_assert(hash128_eq(siphash_done(&h), whole));
		}
	}
}
END_TEST

START_TEST(siphash_parts_do_not_run_into_each_other)
{
	static const struct siphash_key key = { 1, 2 };
	struct siphash a, b;

	siphash_init(&a, &key);
	siphash_part(&a, SPAN("ab"));
	siphash_part(&a, SPAN("c"));
	siphash_init(&b, &key);
	siphash_part(&b, SPAN("a"));
	siphash_part(&b, SPAN("bc"));
	ck_assert(!hash128_eq(siphash_done(&a), siphash_done(&b)));
}
END_TEST

START_TEST(log_lines_cannot_be_forged)
{
	char name[] = "/tmp/test_log_XXXXXX", line[512];
	int fd = mkstemp(name);
	FILE *f;

	ck_assert_int_ne(fd, -1);
	ck_assert(log_open(name));
	log_warn("value=%s", "a\nerror forged\x1b[31m\xff");
	log_debug("not written");
	ck_assert(log_open(name));
	log_error("second");
	f = fdopen(fd, "r");
	ck_assert_ptr_nonnull(fgets(line, sizeof(line), f));
	ck_assert_ptr_nonnull(
	    strstr(line, "warn value=a\\x0aerror forged\\x1b[31m\\xff\n"));
	ck_assert_ptr_nonnull(fgets(line, sizeof(line), f));
	ck_assert_ptr_nonnull(strstr(line, "error second\n"));
	ck_assert_ptr_null(fgets(line, sizeof(line), f));
	fclose(f);
	unlink(name);
}
END_TEST

START_TEST(clocks_go_forward)
{
	int64_t t = clock_mono_us();

	ck_assert_int_gt(clock_wall_us(), INT64_C(1600000000) * US_PER_S);
	ck_assert_int_ge(clock_mono_us(), t);
}
END_TEST

static const struct {
	const char *text, *print, *ascii;
} shown_cases[] = {
	{ "", "", "" },
	{ "plain ~", "plain ~", "plain ~" },
	{ "a\x1b[31m\n\t\x7f", "a\\x1b[31m\\x0a\\x09\\x7f",
	    "a\\x1b[31m\\x0a\\x09\\x7f" },
	{ "\xc2\x80\xc2\x9f", "\\xc2\\x80\\xc2\\x9f", "\\xc2\\x80\\xc2\\x9f" },
	{ "\xc2\xa0\xc3\xa9", "\xc2\xa0\xc3\xa9", "\\xc2\\xa0\\xc3\\xa9" },
	/* Not UTF-8: an end that is none. */
	{ "\xc2", "\xc2", "\\xc2" },
	{ "\xc2\x1b", "\xc2\\x1b", "\\xc2\\x1b" },
};

START_TEST(what_came_from_outside_cannot_steer_a_terminal)
{
	struct guard g = guard_new(span_str(shown_cases[_i].text));
	char *printed = NULL;
	size_t n = 0;
	FILE *to = open_memstream(&printed, &n);
	struct buf b;

	ck_assert_ptr_nonnull(to);
	shown_print(to, g.text);
	fclose(to);
	ck_assert_str_eq(printed, shown_cases[_i].print);
	free(printed);
	buf_init(&b, 1024);
	shown_ascii(&b, g.text);
	ck_assert(span_eq(buf_span(&b), span_str(shown_cases[_i].ascii)));
	buf_fini(&b);
	guard_free(&g);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("base");
	TCase *t = tcase_create("base");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_loop_test(t,
	    span_to_u64_takes_digits_up_to_the_maximum_and_nothing_else, 0,
	    (int)(sizeof(numbers) / sizeof(numbers[0])));
	tcase_add_loop_test(t,
	    span_is_utf8_refuses_overlong_surrogate_and_cut_forms, 0,
	    (int)(sizeof(utf8) / sizeof(utf8[0])));
	tcase_add_loop_test(t, what_came_from_outside_cannot_steer_a_terminal,
	    0, (int)(sizeof(shown_cases) / sizeof(shown_cases[0])));
	tcase_add_test(t, span_cut_gives_every_piece_once_and_ends);
	tcase_add_test(t, span_helpers_compare_and_trim);
	tcase_add_test(
	    t, arena_stops_at_its_maximum_and_starts_anew_after_reset);
	tcase_add_test(t, arena_memory_is_zero_even_when_used_again);
	tcase_add_test(t, arena_takes_back_the_end_of_its_newest_piece_alone);
	tcase_add_test(
	    t, buf_fails_past_its_maximum_and_stays_failed_until_reset);
	tcase_add_test(t, buf_takes_nothing_and_has_a_place_for_it);
	tcase_add_test(t, buf_holds_large_numbers_and_formats);
	tcase_add_test(t, siphash_gives_the_published_values);
	tcase_add_test(t, siphash_is_the_same_however_the_input_is_cut);
	tcase_add_test(t, siphash_parts_do_not_run_into_each_other);
	tcase_add_test(t, log_lines_cannot_be_forged);
	tcase_add_test(t, clocks_go_forward);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed > 0;
}
