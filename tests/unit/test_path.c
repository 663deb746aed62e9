/*
 * test_path - one reading of every request target, or none.
 */
#include <check.h>

#include "policy/path.h"
#include "tests/unit/guard.h"

struct row {
	const char *target;
	const char *canonical; /* NULL: refused */
	const char *query;     /* NULL: no '?' */
	enum reason reason;
	size_t n_segments;
};

#define BAD REASON_BAD_REQUEST, 0
#define AMBIGUOUS REASON_PATH_AMBIGUOUS, 0

static const struct row rows[] = {
	{ "/", "/", NULL, REASON_NONE, 1 },
	{ "/pets", "/pets", NULL, REASON_NONE, 1 },
	{ "/pets/", "/pets/", NULL, REASON_NONE, 2 },
	{ "/a/b?x=1?y", "/a/b", "x=1?y", REASON_NONE, 2 },
	{ "/a?", "/a", "", REASON_NONE, 1 },
	{ "/?q={a|b}", "/", "q={a|b}", REASON_NONE, 1 },
	/* RFC 3986 section 6.2.2: one spelling for each. */
	{ "/lock%65d", "/locked", NULL, REASON_NONE, 1 },
	{ "/%7euser", "/~user", NULL, REASON_NONE, 1 },
	{ "/a%20b%2B", "/a%20b+", NULL, REASON_NONE, 1 },
	{ "/%c3%bc", "/%C3%BC", NULL, REASON_NONE, 1 },
	{ "/\xc3\xbc", "/%C3%BC", NULL, REASON_NONE, 1 },
	{ "/{id}", "/%7Bid%7D", NULL, REASON_NONE, 1 },
	{ "/100%25", "/100%25", NULL, REASON_NONE, 1 },
	{ "/a;v=1,2", "/a;v=1,2", NULL, REASON_NONE, 1 },
	{ "/!$&'()*+,;=:@-._~", "/!$&'()*+,;=:@-._~", NULL, REASON_NONE, 1 },
	{ "/.hidden/...", "/.hidden/...", NULL, REASON_NONE, 2 },
	{ "/a;..", "/a;..", NULL, REASON_NONE, 1 },
	/* Absolute form of this very host. */
	{ "http://h:80/a?b", "/a", "b", REASON_NONE, 1 },
	{ "HTTPS://H:80", "/", NULL, REASON_NONE, 1 },
	{ "http://h:80?b", "/", "b", REASON_NONE, 1 },
	{ "http://other/a", NULL, NULL, BAD },
	{ "http://u@h:80/a", NULL, NULL, BAD },
	{ "http:///a", NULL, NULL, BAD },
	{ "http://", NULL, NULL, BAD },
	{ "ftp://h:80/a", NULL, NULL, BAD },
	{ "h:80", NULL, NULL, BAD },
	{ "*", NULL, NULL, BAD },
	{ "", NULL, NULL, BAD },
	{ "a", NULL, NULL, BAD },
	{ "?a", NULL, NULL, BAD },
	/* Two readers could disagree. */
	{ "/a%2fb", NULL, NULL, AMBIGUOUS },
	{ "/a%2Fb", NULL, NULL, AMBIGUOUS },
	{ "/a%5cb", NULL, NULL, AMBIGUOUS },
	{ "/a\\b", NULL, NULL, AMBIGUOUS },
	{ "/a%00", NULL, NULL, AMBIGUOUS },
	{ "/..", NULL, NULL, AMBIGUOUS },
	{ "/a/../b", NULL, NULL, AMBIGUOUS },
	{ "/a/./b", NULL, NULL, AMBIGUOUS },
	{ "/a/%2e%2e/b", NULL, NULL, AMBIGUOUS },
	{ "/a/.%2E/b", NULL, NULL, AMBIGUOUS },
	{ "/a/..;/b", NULL, NULL, AMBIGUOUS },
	{ "/a/.;x/b", NULL, NULL, AMBIGUOUS },
	{ "/a/..%3b/b", NULL, NULL, AMBIGUOUS },
	{ "//a", NULL, NULL, AMBIGUOUS },
	{ "/a//b", NULL, NULL, AMBIGUOUS },
	{ "/a//", NULL, NULL, AMBIGUOUS },
	{ "/a#b", NULL, NULL, AMBIGUOUS },
	{ "/a?b#c", NULL, NULL, AMBIGUOUS },
	{ "/%252e%252e/a", NULL, NULL, AMBIGUOUS },
	{ "/a%252Fb", NULL, NULL, AMBIGUOUS },
	{ "/a%255c", NULL, NULL, AMBIGUOUS },
	{ "/a%2500", NULL, NULL, AMBIGUOUS },
	/* Nobody's path. */
	{ "/%", NULL, NULL, BAD },
	{ "/%4", NULL, NULL, BAD },
	{ "/%zz", NULL, NULL, BAD },
	{ "/%u0041", NULL, NULL, BAD },
	{ "/a b", NULL, NULL, BAD },
	{ "/a\tb", NULL, NULL, BAD },
	{ "/a%0ab", NULL, NULL, BAD },
	{ "/a%7f", NULL, NULL, BAD },
	{ "/a?b c", NULL, NULL, BAD },
	{ "/a?b\x01", NULL, NULL, BAD },
	{ "/%ff", NULL, NULL, BAD },
	{ "/%c0%af", NULL, NULL, BAD },
	{ "/%ed%a0%80", NULL, NULL, BAD },
};

#define N_ROWS (int)(sizeof(rows) / sizeof(rows[0]))

static struct arena arena;

static bool
parse(const char *target, const char *strip, struct path *p, struct decision *d)
{
	struct guard g = guard_new(span_str(target));
	struct span kept = arena_copy(&arena, g.text);
	bool ok =
	    path_parse(g.text, SPAN("h:80"), span_str(strip), &arena, p, d);

	/* Once more from a copy that stays, as the query points into it. */
	guard_free(&g);
	ck_assert(ok ==
	    path_parse(kept, SPAN("h:80"), span_str(strip), &arena, p, d));
	return ok;
}

START_TEST(a_target_has_one_reading_or_none)
{
	const struct row *row = &rows[_i];
	struct decision d = { 0 };
	struct path p, again;

	arena_init(&arena, 4096, 1 << 20);
	if (row->canonical == NULL) {
		ck_assert_msg(
		    !parse(row->target, "", &p, &d), "%s", row->target);
		ck_assert_msg(d.reason == row->reason, "%s: %s", row->target,
		    reason_word(d.reason));
		ck_assert_uint_gt(d.detail.n, 0);
		arena_fini(&arena);
		return;
	}
	ck_assert_msg(parse(row->target, "", &p, &d), "%s", row->target);
	ck_assert_msg(span_eq(p.canonical, span_str(row->canonical)), "%s: %s",
	    row->target, p.canonical.p);
	ck_assert(span_eq(p.query, span_str(row->query)));
	ck_assert((p.query.p == NULL) == (row->query == NULL));
	ck_assert_uint_eq(p.n_segments, row->n_segments);
	/* The canonical spelling is its own. */
	ck_assert(
	    path_parse(p.canonical, SPAN(""), SPAN(""), &arena, &again, &d));
	ck_assert(span_eq(again.canonical, p.canonical));
	arena_fini(&arena);
}
END_TEST

static const struct {
	const char *strip;
	const char *target;
	const char *canonical; /* NULL: no-route */
} prefixes[] = {
	{ "/gate", "/gate/a", "/a" },
	{ "/gate/", "/gate/a", "/a" },
	{ "/gate", "/g%61te/a", "/a" },
	{ "/gate", "/gate", "/" },
	{ "/gate", "/gate/", "/" },
	{ "/x/y", "/x/y/z/", "/z/" },
	{ "/", "/a", "/a" },
	{ "/gate", "/gates/a", NULL },
	{ "/gate", "/a", NULL },
	{ "/gate", "/", NULL },
	{ "/x/y", "/x", NULL },
};

START_TEST(a_prefix_is_cut_by_whole_segments)
{
	struct decision d;
	struct path p;
	bool ok;

	arena_init(&arena, 4096, 1 << 20);
	ok = parse(prefixes[_i].target, prefixes[_i].strip, &p, &d);
	ck_assert(ok == (prefixes[_i].canonical != NULL));
	if (ok)
		ck_assert(
		    span_eq(p.canonical, span_str(prefixes[_i].canonical)));
	else
		ck_assert_int_eq(d.reason, REASON_NO_ROUTE);
	arena_fini(&arena);
}
END_TEST

START_TEST(a_full_arena_is_a_fault)
{
	struct decision d;
	struct path p;

	for (size_t room = 0; room < 200; room += 8) {
		arena_init(&arena, 8, room);
		if (!path_parse(
			SPAN("/a/b/c"), SPAN(""), SPAN(""), &arena, &p, &d))
			ck_assert_int_eq(d.reason, REASON_FAULT);
		arena_fini(&arena);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("path");
	TCase *t = tcase_create("path");
	SRunner *r;
	int failed;

	tcase_add_loop_test(t, a_target_has_one_reading_or_none, 0, N_ROWS);
	tcase_add_loop_test(t, a_prefix_is_cut_by_whole_segments, 0,
	    (int)(sizeof(prefixes) / sizeof(prefixes[0])));
	tcase_add_test(t, a_full_arena_is_a_fault);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
