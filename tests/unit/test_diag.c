/*
 * Messages: their form, their order, and what we think was meant.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "spec/diag.h"

static struct arena arena;
static struct diag diag;
static struct buf out;

static void
setup(void)
{
	arena_init(&arena, 4096, 1 << 20);
	diag = (struct diag){ .arena = &arena };
	buf_init(&out, 1 << 20);
}

static void
teardown(void)
{
	buf_fini(&out);
	arena_fini(&arena);
}

static void
check_output(const char *expected)
{
	struct span got;

	buf_reset(&out);
	diag_write(&diag, &out);
	buf_add_char(&out, '\0');
	got = buf_span(&out);
	ck_assert_str_eq(got.p, expected);
}

START_TEST(messages_are_sorted_by_place_and_come_once)
{
	struct place b2 = { "b.yaml", 2, 1 }, a10 = { "a.yaml", 10, 3 };
	struct place a9 = { "a.yaml", 9, 30 }, a = { "a.yaml", 0, 0 };
	struct place nowhere = { NULL, 0, 0 };

	diag_warning(&diag, b2, "w", "second file");
	diag_error(&diag, a10, "e", "tenth %s", "line");
	diag_error(&diag, a10, "e", "tenth %s", "line");
	diag_warning(&diag, a10, "w", "warning behind error");
	diag_error(&diag, a9, "e", "ninth line");
	diag_error(&diag, a, "e", "the file");
	diag_error(&diag, nowhere, "e", "no file");
	check_output("error: no file [e]\n"
		     "a.yaml: error: the file [e]\n"
		     "a.yaml:9:30: error: ninth line [e]\n"
		     "a.yaml:10:3: error: tenth line [e]\n"
		     "a.yaml:10:3: warning: warning behind error [w]\n"
		     "b.yaml:2:1: warning: second file [w]\n");
	ck_assert_uint_eq(diag.n_errors, 5);
	ck_assert_uint_eq(diag.n_warnings, 2);
}
END_TEST

static const struct {
	const char *text, *shown;
} escapes[] = {
	{ "one\ntwo", "one\\x0atwo" },
	{ "\x1b[31m", "\\x1b[31m" },
	{ "\x7f", "\\x7f" },
	{ "gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f" },
	{ "c1 \xc2\x9b", "c1 \\xc2\\x9b" },
	{ "bidi \xe2\x80\xae", "bidi \\xe2\\x80\\xae" },
	{ "isolate \xe2\x81\xa7", "isolate \\xe2\\x81\\xa7" },
	{ "cut \xe2\x80", "cut \\xe2\\x80" },
	{ "latin \xfc", "latin \\xfc" },
};

START_TEST(bytes_that_steer_a_terminal_are_escaped)
{
	struct place at = { "f", 1, 1 };
	struct span line;

	diag_error(&diag, at, "r", "%s", escapes[_i].text);
	line =
	    arena_printf(&arena, "f:1:1: error: %s [r]\n", escapes[_i].shown);
	check_output(line.p);
}
END_TEST

START_TEST(a_full_arena_is_an_error_of_its_own)
{
	struct place at = { "f", 1, 1 };

	arena_fini(&arena);
	arena_init(&arena, 64, 64);
	for (int i = 0; i < 10; i++)
		diag_warning(&diag, at, "w", "a text of some length, %d", i);
	ck_assert(diag.failed);
	ck_assert_uint_ge(diag.n_errors, 1);
	buf_reset(&out);
	diag_write(&diag, &out);
	ck_assert(
	    span_ends(buf_span(&out), SPAN("error: out of memory [memory]\n")));
}
END_TEST

static const char *const methods[] = { "get", "put", "post", "delete",
	"parameters", "security", NULL };

static const struct {
	const char *word, *meant;
} words[] = {
	{ "GET", "get" },
	{ "gte", "get" },
	{ "psot", "post" },
	{ "delet", "delete" },
	{ "securty", "security" },
	{ "secruity", "security" },
	{ "parameter", "parameters" },
	{ "x", NULL },
	{ "", NULL },
	{ "description", NULL },
	{ "gggggggggggggggggggggggggggggggggggggggggggggggggggggggggggggggggg",
	    NULL },
};

START_TEST(the_nearest_word_is_suggested_if_it_is_near)
{
	const char *meant = words[_i].meant;
	struct span hint =
	    diag_hint(span_str(words[_i].word), methods, diag.arena);
	char expected[64] = "";

	if (meant != NULL)
		(void)snprintf(
		    expected, sizeof(expected), ", did you mean '%s'?", meant);
	ck_assert_str_eq(hint.p, expected);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("diag");
	TCase *c = tcase_create("diag");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, messages_are_sorted_by_place_and_come_once);
	tcase_add_loop_test(c, bytes_that_steer_a_terminal_are_escaped, 0,
	    sizeof(escapes) / sizeof(escapes[0]));
	tcase_add_test(c, a_full_arena_is_an_error_of_its_own);
	tcase_add_loop_test(c, the_nearest_word_is_suggested_if_it_is_near, 0,
	    sizeof(words) / sizeof(words[0]));
	suite_add_tcase(s, c);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed > 0;
}
