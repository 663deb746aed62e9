/*
 * ${env:NAME} and ${file:PATH}: what is cut out, what is refused.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/file.h"
#include "policy/reference.h"

static const struct {
	const char *text;
	const char *literal; /* before the first reference */
	enum reference_kind kind;
	const char *name;
	const char *rest; /* NULL: nothing is left */
} good[] = {
	{ "", "", REFERENCE_NONE, "", NULL },
	{ "a$b{c}", "a$b{c}", REFERENCE_NONE, "", NULL },
	{ "${env:A}", "", REFERENCE_ENV, "A", NULL },
	{ "x${file:/a b}y", "x", REFERENCE_FILE, "/a b", "y" },
	{ "${env:_1}${env:B}", "", REFERENCE_ENV, "_1", "${env:B}" },
	{ "$${env:HTTP}", "$", REFERENCE_ENV, "HTTP", NULL },
};

static const struct {
	const char *text, *why;
} bad[] = {
	{ "${", "'}' is missing" },
	{ "${env:A", "'}' is missing" },
	{ "${}", "only ${env:NAME} and ${file:PATH} are known" },
	{ "${A}", "only ${env:NAME} and ${file:PATH} are known" },
	{ "${file:}", "not a path" },
	{ "${file:\n}", "not a path" },
	{ "${env:}", "not a name of a variable, or one that requests set" },
	{ "${env:1}", "not a name of a variable, or one that requests set" },
	{ "${env:A-B}", "not a name of a variable, or one that requests set" },
	{ "${env:HTTP_X}",
	    "not a name of a variable, or one that requests set" },
	{ "${env:http_x}",
	    "not a name of a variable, or one that requests set" },
	{ "${env:QUERY_STRING}",
	    "not a name of a variable, or one that requests set" },
	{ "${env:SSL_CLIENT_CERT}",
	    "not a name of a variable, or one that requests set" },
};

/* The text ends at a page that must not be touched. */
static struct span
guarded(const char *text)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), n = strlen(text);
	char *p = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ck_assert_ptr_ne(p, MAP_FAILED);
	ck_assert_int_eq(mprotect(p + page, page, PROT_NONE), 0);
	memcpy(p + page - n, text, n);
	return span_of(p + page - n, n);
}

START_TEST(reference_is_cut_from_what_stands_around_it)
{
	struct span rest = guarded(good[_i].text);
	struct reference r;
	const char *why = NULL;

	ck_assert_int_eq(reference_in(rest), good[_i].kind != REFERENCE_NONE);
	ck_assert(reference_next(&rest, &r, &why));
	ck_assert_int_eq(r.kind, good[_i].kind);
	ck_assert(span_eq(r.literal, span_str(good[_i].literal)));
	ck_assert(span_eq(r.name, span_str(good[_i].name)));
	ck_assert_int_eq(rest.p != NULL, good[_i].rest != NULL);
	ck_assert(span_eq(rest, span_str(good[_i].rest)));
}
END_TEST

START_TEST(reference_to_what_a_client_can_set_is_refused)
{
	struct span rest = guarded(bad[_i].text);
	struct reference r;
	const char *why = NULL;

	ck_assert(!reference_next(&rest, &r, &why));
	ck_assert_str_eq(why, bad[_i].why);
}
END_TEST

/* A=1, URL=a host, all others missing. */
static struct span
variables(void *world, struct span name)
{
	(void)world;
	if (span_eq(name, SPAN("A")))
		return SPAN("1");
	if (span_eq(name, SPAN("BAD")))
		return SPAN("a\nb");
	return (struct span){ NULL, 0 };
}

static const struct {
	const char *text, *want, *why; /* one of the two is NULL */
} expanded[] = {
	{ "", "", NULL },
	{ "http://h/", "http://h/", NULL },
	{ "${env:A}", "1", NULL },
	{ "x${env:A}y${env:A}", "x1y1", NULL },
	{ "u${file:part}/", "ufrom-file/", NULL },
	{ "${env:B}", NULL, "the variable B is missing or empty" },
	{ "${env:BAD}", NULL, "too long, or control bytes" },
	{ "${env:HTTP_X}", NULL,
	    "not a name of a variable, or one that requests set" },
	{ "${file:empty}", NULL, "empty" },
	{ "${file:none}", NULL, "none" },
};

START_TEST(references_become_their_values_or_say_what_is_missing)
{
	char folder[] = "/tmp/test_reference_XXXXXX", path[64], why[512] = "";
	struct span got;
	struct arena a;

	ck_assert_ptr_nonnull(mkdtemp(folder));
	(void)snprintf(path, sizeof(path), "%s/part", folder);
	ck_assert(file_write(path, SPAN("from-file\n"), 0600, why, 512));
	(void)snprintf(path, sizeof(path), "%s/empty", folder);
	ck_assert(file_write(path, SPAN(""), 0600, why, 512));
	(void)snprintf(path, sizeof(path), "%s/mgw.bundle", folder);
	arena_init(&a, 1024, 65536);
	got = reference_expand(span_str(expanded[_i].text), span_str(path),
	    variables, NULL, &a, why, sizeof(why));
	if (expanded[_i].want != NULL) {
		ck_assert_msg(got.p != NULL, "%s", why);
		ck_assert(span_eq(got, span_str(expanded[_i].want)));
	} else {
		ck_assert_ptr_null(got.p);
		ck_assert_msg(strstr(why, expanded[_i].why) != NULL, "%s", why);
	}
	arena_fini(&a);
	(void)snprintf(path, sizeof(path), "%s/part", folder);
	ck_assert_int_eq(unlink(path), 0);
	(void)snprintf(path, sizeof(path), "%s/empty", folder);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(rmdir(folder), 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("reference");
	TCase *t = tcase_create("reference");
	SRunner *r;
	int failed;

	tcase_add_loop_test(t,
	    references_become_their_values_or_say_what_is_missing, 0,
	    (int)(sizeof(expanded) / sizeof(*expanded)));
	tcase_add_loop_test(t, reference_is_cut_from_what_stands_around_it, 0,
	    sizeof(good) / sizeof(good[0]));
	tcase_add_loop_test(t, reference_to_what_a_client_can_set_is_refused, 0,
	    sizeof(bad) / sizeof(bad[0]));
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
