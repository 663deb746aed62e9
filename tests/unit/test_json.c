/*
 * JSON as RFC 8259 has it and nothing more, base64url, and files.
 */
#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/base64url.h"
#include "base/file.h"
#include "base/json.h"
#include "guard.h"
#include "policy/json.h"

static struct arena arena;

static void
setup(void)
{
	arena_init(&arena, 4096, 1 << 26);
}

static void
teardown(void)
{
	arena_fini(&arena);
}

/* NULL when the text is right, else what is wrong. */
static const char *
scan(struct span text)
{
	struct guard g = guard_new(text);
	struct json_scan s;
	enum json_event e;

	json_scan_init(&s, g.text, JSON_DEPTH_MAX, &arena);
	do
		e = json_scan_next(&s);
	while (e != JSON_ERROR && e != JSON_END);
	ck_assert_int_eq(json_scan_next(&s), e);
	guard_free(&g);
	return e == JSON_END ? NULL : s.error;
}

static const struct {
	struct span text;
	const char *error;
} texts[] = {
	{ SPAN_INIT("{}"), NULL },
	{ SPAN_INIT(" [ ] "), NULL },
	{ SPAN_INIT("\"\\ud83d\\ude00\\u0001\""), NULL },
	{ SPAN_INIT("-0.0e+1"), NULL },
	{ SPAN_INIT("{\"a\":1,\"b\":{\"a\":2},\"c\":[{\"a\":3}]}"), NULL },
	{ SPAN_INIT(""), "a value is needed here" },
	{ SPAN_INIT("{\"a\":1,\"a\":2}"), "name comes twice in one object" },
	{ SPAN_INIT("{\"a\":1,\"\\u0061\":2}"),
	    "name comes twice in one object" },
	{ SPAN_INIT("{\"\":1,\"\":2}"), "name comes twice in one object" },
	{ SPAN_INIT("\"\\u0000\""), "\\u0000 is not accepted" },
	{ SPAN_INIT("\"a\0b\""), "control byte in a string" },
	{ SPAN_INIT("\"\\udc00\""), "lone surrogate" },
	{ SPAN_INIT("\"\\ud800\\u0041\""), "lone surrogate" },
	{ SPAN_INIT("\"\\ud800"), "string without an end" },
	{ SPAN_INIT("\"\xc0\x80\""), "not UTF-8" },
	{ SPAN_INIT("\"\xed\xa0\x80\""), "not UTF-8" },
	{ SPAN_INIT("\"\xc3\\u00a9\""), "not UTF-8" },
	{ SPAN_INIT("\xef\xbb\xbf{}"), "a value is needed here" },
	{ SPAN_INIT("{} {}"), "something follows the value" },
	{ SPAN_INIT("[1,]"), "a value is needed here" },
	{ SPAN_INIT("{\"a\":1,}"), "a name in quotes is needed here" },
	{ SPAN_INIT("{\"a\" 1}"), "':' is needed here" },
	{ SPAN_INIT("[1}"), "',' or ']' is needed here" },
	{ SPAN_INIT("01"), "something follows the value" },
	{ SPAN_INIT("1."), "a digit is needed here" },
	{ SPAN_INIT("1e"), "a digit is needed here" },
	{ SPAN_INIT("-"), "a digit is needed here" },
	{ SPAN_INIT("tru"), "a value is needed here" },
	{ SPAN_INIT("\"\\"), "string without an end" },
	{ SPAN_INIT("\"\\x\""), "unknown escape" },
	{ SPAN_INIT("\"\\u12g4\""), "\\u needs four hexadecimal digits" },
};

START_TEST(each_text_is_taken_or_refused)
{
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		const char *error = scan(texts[i].text);

		if (texts[i].error == NULL)
			ck_assert_msg(
			    error == NULL, "%s: %s", texts[i].text.p, error);
		else
			ck_assert_pstr_eq(error, texts[i].error);
	}
}
END_TEST

START_TEST(a_name_that_comes_twice_is_found_among_thousands)
{
	struct buf b;

	for (int twice = 0; twice < 2; twice++) {
		buf_init(&b, 1 << 20);
		buf_add_char(&b, '{');
		for (int i = 0; i < 5000; i++)
			buf_printf(&b, "\"n%d\":{\"x\":%d},", i, i);
		buf_printf(&b, "\"n%d\":1}", twice ? 4321 : 5000);
		ck_assert_int_eq(scan(buf_span(&b)) != NULL, twice);
		buf_fini(&b);
	}
}
END_TEST

START_TEST(depth_and_place_are_told)
{
	struct json_scan s;

	json_scan_init(&s, SPAN("[\n [\n  [1]]]"), 2, &arena);
	ck_assert_int_eq(json_scan_next(&s), JSON_ARRAY);
	ck_assert_int_eq(json_scan_next(&s), JSON_ARRAY);
	ck_assert_uint_eq(s.line, 2);
	ck_assert_uint_eq(s.column, 2);
	ck_assert_int_eq(json_scan_next(&s), JSON_ERROR);
	ck_assert_uint_eq(s.line, 3);
	ck_assert_uint_eq(s.column, 3);
	ck_assert_str_eq(s.error, "nested too deeply");
}
END_TEST

START_TEST(skipping_ends_behind_the_value)
{
	struct json_scan s;

	json_scan_init(
	    &s, SPAN("{\"a\":{\"b\":[1,{}]},\"c\":2,\"d\":[]}"), 8, &arena);
	ck_assert_int_eq(json_scan_next(&s), JSON_OBJECT);
	ck_assert_int_eq(json_scan_next(&s), JSON_NAME);
	ck_assert(json_scan_skip(&s));
	ck_assert_int_eq(json_scan_next(&s), JSON_NAME);
	ck_assert(span_eq(s.value, SPAN("c")));
	ck_assert(json_scan_skip(&s));
	ck_assert_int_eq(json_scan_next(&s), JSON_NAME);
	ck_assert_int_eq(json_scan_next(&s), JSON_ARRAY);
	ck_assert(json_scan_skip(&s));
	ck_assert_int_eq(json_scan_next(&s), JSON_OBJECT_END);
	ck_assert_int_eq(json_scan_next(&s), JSON_END);
}
END_TEST

START_TEST(strings_are_written_inert)
{
	struct buf b;

	buf_init(&b, 1000);
	json_write_string(&b,
	    SPAN("a\"\\\n\x01<&>\x7f\xc3\xa9\xff\xe2\x82"
		 "\xc2\x9b\xc2\xa0"));
	ck_assert(span_eq(buf_span(&b),
	    SPAN("\"a\\\"\\\\\\n\\u0001\\u003c\\u0026\\u003e\\u007f\xc3\xa9"
		 "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"
		 "\\u009b\xc2\xa0\"")));
	buf_fini(&b);
}
END_TEST

START_TEST(published_documents_are_judged_right)
{
	static const char folder[] = "../shared/data/json-parsing";
	DIR *d = opendir(folder);
	struct dirent *e;
	unsigned n = 0;

	/* The data set lies beside the source tree, or nowhere. */
	while (d != NULL && (e = readdir(d)) != NULL) {
		char path[400], why[500];
		const char *error, *tree_error;
		struct json_object *o;
		struct buf b;

		if (strchr("yni", e->d_name[0]) == NULL || e->d_name[1] != '_')
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, e->d_name);
		ck_assert_msg(file_read(path, FILE_ANY, 1 << 20, &b, NULL, why,
				  sizeof(why)),
		    "%s", why);
		error = scan(buf_span(&b));
		if (e->d_name[0] == 'y')
			ck_assert_msg(error == NULL ||
				strstr(error, "u0000") != NULL ||
				strstr(error, "twice") != NULL,
			    "%s: %s", path, error);
		if (e->d_name[0] == 'n')
			ck_assert_msg(error != NULL, "%s", path);
		o = json_read(buf_span(&b), &tree_error);
		ck_assert(o == NULL || error == NULL);
		json_free(o);
		buf_fini(&b);
		n++;
	}
	ck_assert(d == NULL || n > 250);
	if (d != NULL)
		closedir(d);
}
END_TEST

static const struct {
	const char *text;
	int n; /* bytes, or -1: refused */
} codes[] = {
	{ "", 0 },
	{ "AA", 1 },
	{ "AAA", 2 },
	{ "AAAA", 3 },
	{ "_-8", 2 },
	{ "A", -1 },
	{ "AAAAA", -1 },
	{ "AB", -1 },
	{ "AAB", -1 },
	{ "AA==", -1 },
	{ "A A", -1 },
	{ "AA\n", -1 },
	{ "AA+A", -1 },
	{ "AA/A", -1 },
	{ "\xc3\xa9", -1 },
};

START_TEST(base64url_has_one_spelling)
{
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		struct guard g = guard_new(span_str(codes[i].text));
		struct span bytes = { "", 0 };
		bool good = base64url_decode(g.text, &arena, &bytes);
		struct buf b;

		ck_assert_msg(good == (codes[i].n >= 0), "%s", codes[i].text);
		buf_init(&b, 100);
		if (good) {
			ck_assert_int_eq((int)bytes.n, codes[i].n);
			base64url_encode(&b, bytes);
			ck_assert(span_eq(buf_span(&b), g.text));
		}
		buf_fini(&b);
		guard_free(&g);
	}
}
END_TEST

START_TEST(only_files_that_can_be_trusted_are_read)
{
	char folder[] = "/tmp/mgw-test-XXXXXX", path[100], link[100], why[300];
	struct file_identity id, again;
	struct buf b;

	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/a", folder);
	snprintf(link, sizeof(link), "%s/l", folder);
	ck_assert(!file_read(path, FILE_ANY, 100, &b, NULL, why, sizeof(why)));
	ck_assert(file_write(path, SPAN(""), 0644, why, sizeof(why)));
	ck_assert(file_read(path, FILE_SECRET, 100, &b, &id, why,
		      sizeof(why)) == false);
	ck_assert(
	    file_read(path, FILE_TRUSTED, 100, &b, &id, why, sizeof(why)));
	ck_assert_uint_eq(b.n, 0);
	buf_fini(&b);
	ck_assert(file_write(path, SPAN("hello"), 0600, why, sizeof(why)));
	ck_assert(
	    file_read(path, FILE_SECRET, 5, &b, &again, why, sizeof(why)));
	ck_assert(span_eq(buf_span(&b), SPAN("hello")));
	buf_fini(&b);
	ck_assert(!file_identity_eq(&id, &again));
	ck_assert(
	    !file_read(path, FILE_TRUSTED, 4, &b, NULL, why, sizeof(why)));
	ck_assert_int_eq(symlink(path, link), 0);
	ck_assert(
	    !file_read(link, FILE_TRUSTED, 100, &b, NULL, why, sizeof(why)));
	ck_assert_ptr_nonnull(strstr(why, "symbolic link"));
	ck_assert(file_read(link, FILE_ANY, 100, &b, NULL, why, sizeof(why)));
	buf_fini(&b);
	ck_assert(
	    !file_read(folder, FILE_TRUSTED, 100, &b, NULL, why, sizeof(why)));
	ck_assert_int_eq(chmod(path, 0620), 0);
	ck_assert(
	    !file_read(path, FILE_TRUSTED, 100, &b, NULL, why, sizeof(why)));
	ck_assert_int_eq(chmod(path, 0600), 0);
	ck_assert_int_eq(chmod(folder, 01777), 0);
	ck_assert(
	    !file_read(path, FILE_TRUSTED, 100, &b, NULL, why, sizeof(why)));
	ck_assert_ptr_nonnull(strstr(why, "folder"));
	ck_assert_int_eq(unlink(link) | unlink(path) | rmdir(folder), 0);
}
END_TEST

START_TEST(a_fifo_does_not_hold_the_reader)
{
	char folder[] = "/tmp/mgw-test-XXXXXX", path[100], why[300];
	struct buf b;

	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/fifo", folder);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	ck_assert(
	    !file_read(path, FILE_TRUSTED, 100, &b, NULL, why, sizeof(why)));
	ck_assert_int_eq(unlink(path) | rmdir(folder), 0);
}
END_TEST

START_TEST(paths_are_relative_to_the_file_that_names_them)
{
	ck_assert(span_eq(
	    file_beside(SPAN("k.db"), SPAN("/etc/mgw/mgw.conf"), &arena),
	    SPAN("/etc/mgw/k.db")));
	ck_assert(span_eq(
	    file_beside(SPAN("/k"), SPAN("/etc/m"), &arena), SPAN("/k")));
	ck_assert(
	    span_eq(file_beside(SPAN("k"), SPAN("m"), &arena), SPAN("k")));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("json");
	TCase *t = tcase_create("all");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, each_text_is_taken_or_refused);
	tcase_add_test(t, a_name_that_comes_twice_is_found_among_thousands);
	tcase_add_test(t, depth_and_place_are_told);
	tcase_add_test(t, skipping_ends_behind_the_value);
	tcase_add_test(t, strings_are_written_inert);
	tcase_add_test(t, published_documents_are_judged_right);
	tcase_add_test(t, base64url_has_one_spelling);
	tcase_add_test(t, only_files_that_can_be_trusted_are_read);
	tcase_add_test(t, a_fifo_does_not_hold_the_reader);
	tcase_add_test(t, paths_are_relative_to_the_file_that_names_them);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
