/*
 * test_route - the right operation, or the right refusal, and the same as
 * a slow search through all templates would find.
 */
#include "tests/unit/sample.h"

#include <stdio.h>
#include <stdlib.h>

#include "policy/path.h"
#include "policy/route.h"

static struct sample sample;
static struct arena arena;

static bool
ask(const char *method, const char *target, struct match *m, struct decision *d)
{
	struct request r = { .method = span_str(method), .arena = &arena };
	struct path p;

	ck_assert_msg(
	    path_parse(span_str(target), SPAN(""), SPAN(""), &arena, &p, d),
	    "%s", target);
	r.segments = p.segments;
	r.n_segments = p.n_segments;
	return route_match(&sample.bundle, &r, m, d);
}

static void
make_pets(uint32_t flags)
{
	static const char *const gets[] = { "/pets/{id}.json", "/pets/{id}",
		"/pets/mine", "/pets/{id}/toys/{toy}", "/{any}/mine/toys",
		"/files/*", "/files/{name}", "/files/a/b", "/{x}-{y}",
		"/a/{v}/c", "/a/b/d", "/slash/", "/a%20b" };
	struct sample_item *item;

	arena_init(&arena, 1 << 14, 1 << 20);
	sample_begin(&sample);
	sample.api.flags = flags;
	item = sample_item(&sample, "/pets", "GET, HEAD, POST, OPTIONS");
	sample_operation(item, "GET");
	sample_operation(item, "POST");
	item = sample_item(&sample, "/own", "HEAD, OPTIONS, TRACE");
	sample_operation(item, "HEAD");
	sample_operation(item, "OPTIONS");
	sample_operation(item, "TRACE");
	for (size_t i = 0; i < sizeof(gets) / sizeof(gets[0]); i++) {
		item = sample_item(&sample, gets[i], "GET, HEAD, OPTIONS");
		sample_operation(item, "GET");
	}
	sample_end(&sample);
}

static void
free_pets(void)
{
	arena_fini(&arena);
	sample_free(&sample);
}

static const struct {
	const char *target;
	const char *path; /* NULL: no-route */
	const char *variables;
} paths[] = {
	{ "/pets", "/pets", "" },
	{ "/p%65ts", "/pets", "" },
	{ "/pets/", NULL, "" },
	{ "/Pets", NULL, "" },
	{ "/pets/7", "/pets/{id}", "7 " },
	{ "/pets/7.json", "/pets/{id}.json", "7 " },
	{ "/pets/.json", "/pets/{id}", ".json " },
	{ "/pets/a.b.json", "/pets/{id}.json", "a.b " },
	{ "/pets/mine", "/pets/mine", "" },
	{ "/pets/mine/toys", "/{any}/mine/toys", "pets " },
	{ "/pets/mine/toys/2", "/pets/{id}/toys/{toy}", "mine 2 " },
	{ "/x/mine/toys", "/{any}/mine/toys", "x " },
	{ "/files", "/files/*", "" },
	{ "/files/", "/files/*", "" },
	{ "/files/x", "/files/{name}", "x " },
	{ "/files/a/b", "/files/a/b", "" },
	{ "/files/a/c", "/files/*", "" },
	{ "/files/a", "/files/{name}", "a " },
	{ "/a-b-c", "/{x}-{y}", "a b-c " },
	{ "/-b-c", "/{x}-{y}", "-b c " },
	{ "/-b", NULL, "" },
	{ "/b-", NULL, "" },
	{ "/a/b/c", "/a/{v}/c", "b " },
	{ "/a/b/d", "/a/b/d", "" },
	{ "/slash/", "/slash/", "" },
	{ "/slash", NULL, "" },
	{ "/a%20b", "/a%20b", "" },
	{ "/", NULL, "" },
};

/* What a server that cuts ";name=value" off would take for another path. */
static const struct {
	const char *target;
	enum reason reason;
} cuts[] = {
	{ "/pets/7;v=1", REASON_NONE },
	{ "/pets/7;v=1/toys/2;w", REASON_NONE },
	{ "/files/a;x", REASON_NONE },
	{ "/files/a;x/c", REASON_NONE },
	{ "/pets/mine;v=1", REASON_PATH_AMBIGUOUS },
	{ "/pets/mine%3Bv=1", REASON_PATH_AMBIGUOUS },
	{ "/pets/mine;", REASON_PATH_AMBIGUOUS },
	{ "/pets/7.json;v=1", REASON_PATH_AMBIGUOUS },
	{ "/files/a;x/b", REASON_PATH_AMBIGUOUS },
	{ "/files/a/b;x", REASON_PATH_AMBIGUOUS },
	{ "/files/;x", REASON_PATH_AMBIGUOUS },
	{ "/files/;/a/b", REASON_PATH_AMBIGUOUS },
	{ "/pets;x", REASON_NO_ROUTE },
};

START_TEST(parameters_of_segments_hide_no_other_path)
{
	struct decision d = { .reason = REASON_NONE };
	struct match m;

	make_pets(0);
	(void)ask("GET", cuts[_i].target, &m, &d);
	ck_assert_msg(d.reason == cuts[_i].reason, "%s: %s", cuts[_i].target,
	    reason_word(d.reason));
	free_pets();
}
END_TEST

START_TEST(literal_goes_before_template_before_wildcard)
{
	char found[100] = "";
	struct decision d;
	struct match m;
	bool ok;

	make_pets(0);
	ok = ask("GET", paths[_i].target, &m, &d);
	if (paths[_i].path == NULL) {
		ck_assert_msg(!ok, "%s", paths[_i].target);
		ck_assert_int_eq(d.reason, REASON_NO_ROUTE);
		free_pets();
		return;
	}
	ck_assert_msg(ok, "%s", paths[_i].target);
	ck_assert_msg(span_eq(bundle_text(&sample.bundle, m.item->path),
			  span_str(paths[_i].path)),
	    "%s", paths[_i].target);
	for (uint32_t i = 0; i < m.item->variables.n; i++) {
		size_t n = strlen(found);

		(void)snprintf(found + n, sizeof(found) - n, "%.*s ",
		    SPAN_ARG(m.variables[i]));
	}
	ck_assert_str_eq(found, paths[_i].variables);
	free_pets();
}
END_TEST

START_TEST(a_method_the_path_lacks_is_405)
{
	struct decision d;
	struct match m;

	make_pets(0);
	/* Not the less specific {id}, whatever its methods. */
	ck_assert(!ask("DELETE", "/pets/mine", &m, &d));
	ck_assert_int_eq(d.reason, REASON_METHOD_NOT_ALLOWED);
	ck_assert(span_eq(
	    bundle_text(&sample.bundle, m.item->path), SPAN("/pets/mine")));
	ck_assert(!ask("get", "/pets", &m, &d));
	ck_assert_int_eq(d.reason, REASON_METHOD_NOT_ALLOWED);
	ck_assert(!ask("TRACE", "/own", &m, &d));
	ck_assert_int_eq(d.reason, REASON_METHOD_NOT_ALLOWED);
	free_pets();
}
END_TEST

START_TEST(head_is_get_unless_the_document_has_it)
{
	struct decision d;
	struct match m;

	make_pets(0);
	ck_assert(ask("HEAD", "/pets", &m, &d));
	ck_assert(m.head);
	ck_assert(span_eq(
	    bundle_text(&sample.bundle, m.operation->method), SPAN("GET")));
	ck_assert(ask("HEAD", "/own", &m, &d));
	ck_assert(!m.head);
	free_pets();
}
END_TEST

START_TEST(options_is_answered_unless_the_document_has_it)
{
	struct decision d;
	struct match m;

	make_pets(0);
	ck_assert(ask("OPTIONS", "/pets", &m, &d));
	ck_assert_ptr_null(m.operation);
	ck_assert(ask("OPTIONS", "/own", &m, &d));
	ck_assert_ptr_nonnull(m.operation);
	ck_assert(!ask("OPTIONS", "/nowhere", &m, &d));
	free_pets();
}
END_TEST

START_TEST(a_slash_at_the_end_can_be_ignored)
{
	struct decision d;
	struct match m;

	make_pets(API_SLASH_IGNORE);
	ck_assert(ask("GET", "/pets/", &m, &d));
	ck_assert(ask("GET", "/pets/7/", &m, &d));
	ck_assert(ask("GET", "/slash", &m, &d));
	ck_assert(ask("GET", "/slash/", &m, &d));
	free_pets();
}
END_TEST

/*
 * The model: of all templates that fit, compared from the first segment
 * on, the one that is literal where the other is not.
 */
#define MODEL_ITEMS 40

static char templates[MODEL_ITEMS][40];

/* 3 literal, 2 "{v}z", 1 "{v}", 0 "*" or end: how well it fits; -1: not. */
static int
fit(const char *t, size_t t_n, const char *s, size_t s_n)
{
	if (t_n == 3 && memcmp(t, "{v}", 3) == 0)
		return s_n > 0 ? 1 : -1;
	if (t_n == 4 && memcmp(t, "{v}z", 4) == 0)
		return s_n > 1 && s[s_n - 1] == 'z' ? 2 : -1;
	return t_n == s_n && memcmp(t, s, s_n) == 0 ? 3 : -1;
}

/* A number whose digits are the fits of the segments, or -1. */
static long
score(const char *t, const char *path)
{
	long sum = 0;
	int depth = 0;

	for (; depth < 5; depth++) {
		size_t t_n = *t != '\0' ? strcspn(t + 1, "/") : 0;
		size_t p_n = *path != '\0' ? strcspn(path + 1, "/") : 0;
		int f = -1;

		if (*t == '\0' && *path == '\0')
			f = 5; /* ends here: better than a wildcard */
		else if (strcmp(t, "/*") == 0)
			f = 0;
		else if (*t != '\0' && *path != '\0')
			f = fit(t + 1, t_n, path + 1, p_n);
		if (f < 0)
			return -1;
		sum = sum * 10 + f;
		if (f == 0 || f == 5) {
			for (depth++; depth < 5; depth++)
				sum *= 10;
			return sum;
		}
		t += 1 + t_n;
		path += 1 + p_n;
	}
	return sum;
}

static void
random_path(char *to, size_t size, bool template)
{
	static const char *const words[] = { "a", "b", "az", "bz", "{v}",
		"{v}z", "*" };
	int n = 1 + rand() % 3;
	size_t used = 0;

	for (int i = 0; i < n; i++) {
		int w = rand() % (template ? (i + 1 == n ? 7 : 6) : 4);

		used +=
		    (size_t)snprintf(to + used, size - used, "/%s", words[w]);
	}
}

START_TEST(the_tree_finds_what_a_linear_search_finds)
{
	struct decision d;
	struct match m;

	srand((unsigned)_i);
	arena_init(&arena, 1 << 14, 1 << 24);
	sample_begin(&sample);
	for (int i = 0; i < MODEL_ITEMS; i++) {
		bool known = false;

		random_path(templates[i], sizeof(templates[i]), true);
		for (int k = 0; k < i; k++)
			known |= strcmp(templates[i], templates[k]) == 0;
		if (known)
			templates[i][0] = '\0';
		else
			sample_operation(
			    sample_item(&sample, templates[i], "GET"), "GET");
	}
	sample_end(&sample);
	for (int k = 0; k < 300; k++) {
		const char *best = NULL;
		long most = -1;
		char path[40];
		bool ok;

		random_path(path, sizeof(path), false);
		for (int i = 0; i < MODEL_ITEMS; i++) {
			long f = templates[i][0] != '\0'
			    ? score(templates[i], path)
			    : -1;

			if (f > most) {
				most = f;
				best = templates[i];
			}
		}
		ok = ask("GET", path, &m, &d);
		ck_assert_msg(ok == (best != NULL), "%s", path);
		if (ok)
			ck_assert_msg(
			    span_eq(bundle_text(&sample.bundle, m.item->path),
				span_str(best)),
			    "%s: not %s", path, best);
	}
	free_pets();
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("route");
	TCase *t = tcase_create("route");
	SRunner *r;
	int failed;

	tcase_add_loop_test(t, literal_goes_before_template_before_wildcard, 0,
	    (int)(sizeof(paths) / sizeof(paths[0])));
	tcase_add_loop_test(t, parameters_of_segments_hide_no_other_path, 0,
	    (int)(sizeof(cuts) / sizeof(cuts[0])));
	tcase_add_test(t, a_method_the_path_lacks_is_405);
	tcase_add_test(t, head_is_get_unless_the_document_has_it);
	tcase_add_test(t, options_is_answered_unless_the_document_has_it);
	tcase_add_test(t, a_slash_at_the_end_can_be_ignored);
	tcase_add_loop_test(
	    t, the_tree_finds_what_a_linear_search_finds, 1, 21);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
