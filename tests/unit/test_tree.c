/*
 * YAML and JSON as trees: what the text means, what is refused and where.
 */
#include <check.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "spec/tree.h"

static struct arena arena;
static struct diag diag;
static struct buf out;

static void
setup(void)
{
	arena_init(&arena, 1 << 16, (size_t)1 << 30);
	diag = (struct diag){ .arena = &arena };
	buf_init(&out, 1 << 24);
}

static void
teardown(void)
{
	buf_fini(&out);
	arena_fini(&arena);
}

/* The bytes end where a page begins that cannot be read. */
static struct node *
parse(struct span text, const char *name)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t room = (text.n + page - 1) / page * page;
	char *map = mmap(NULL, room + page, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct node *n;

	ck_assert(map != MAP_FAILED);
	ck_assert_int_eq(mprotect(map + room, page, PROT_NONE), 0);
	if (text.n > 0)
		memcpy(map + room - text.n, text.p, text.n);
	n = tree_parse(span_of(map + room - text.n, text.n), name, &diag);
	munmap(map, room + page);
	return n;
}

static const char *
messages(void)
{
	buf_reset(&out);
	diag_write(&diag, &out);
	buf_add_char(&out, '\0');
	return out.p;
}

/* The tree as JSON without white space outside of strings. */
static const char *
squeezed(const struct node *n)
{
	bool quoted = false;
	size_t kept = 0;

	buf_reset(&out);
	tree_write_json(n, &out);
	for (size_t i = 0; i < out.n; i++) {
		char c = out.p[i];

		if (c == '"' && (i == 0 || out.p[i - 1] != '\\'))
			quoted = !quoted;
		if (quoted || (c != ' ' && c != '\n'))
			out.p[kept++] = c;
	}
	out.n = kept;
	buf_add_char(&out, '\0');
	return out.p;
}

static const struct {
	const char *text, *json;
} right[] = {
	{ "a: 1\nb: [x, 'y']\n", "{\"a\":1,\"b\":[\"x\",\"y\"]}" },
	{ "{\"a\": [1.50, true, null, \"\\u00e9\"]}",
	    "{\"a\":[1.50,true,null,\"\xc3\xa9\"]}" },
	{ "\xef\xbb\xbf{}", "{}" },
	{ "\xef\xbb\xbf"
	  "a: b",
	    "{\"a\":\"b\"}" },
	{ "{a: b, c: }", "{\"a\":\"b\",\"c\":null}" },
	{ "%YAML 1.2\n---\nx\n...\n", "\"x\"" },
	/* Core schema: these are strings ... */
	{ "[yes, No, on, OFF, y]", "[\"yes\",\"No\",\"on\",\"OFF\",\"y\"]" },
	{ "[2020-01-01, 1_000, 12:30:45, 0b1, 1.2.3]",
	    "[\"2020-01-01\",\"1_000\",\"12:30:45\",\"0b1\",\"1.2.3\"]" },
	{ "[0x, 0o8, +, '-', ., e1, 1e, -.nan, 0xg, -0x1]",
	    "[\"0x\",\"0o8\",\"+\",\"-\",\".\",\"e1\",\"1e\",\"-.nan\",\"0xg\","
	    "\"-0x1\"]" },
	{ "['1', \"true\", !!str 1, ! null, 'null', '']",
	    "[\"1\",\"true\",\"1\",\"null\",\"null\",\"\"]" },
	/* ... these are not. */
	{ "[True, FALSE, ~, Null, ]", "[true,false,null,null]" },
	{ "[0o17, 0x1F, 007, +12, -0.5, .5, 1., -.5e3, 1.e2]",
	    "[15,31,7,12,-0.5,0.5,1.0,-0.5e3,1.0e2]" },
	{ "[.inf, -.INF, .NaN, 0xfffffffffffffffff]",
	    "[\".inf\",\"-.INF\",\".NaN\",\"0xfffffffffffffffff\"]" },
	{ "[!!int '12', !!bool \"true\"]", "[12,true]" },
	{ "200: a\ntrue: b\n~: c\n",
	    "{\"200\":\"a\",\"true\":\"b\",\"~\":\"c\"}" },
	{ "a: &x {b: 1}\nc: *x\n", "{\"a\":{\"b\":1},\"c\":{\"b\":1}}" },
	{ "a: &x 1\nb: &x 2\nc: *x\n", "{\"a\":1,\"b\":2,\"c\":2}" },
	{ "- &x k\n- *x : v\n", "[\"k\",{\"k\":\"v\"}]" },
	/* Merge keys: own members win, then the first of the list. */
	{ "a: &a {x: 1, y: 1}\nb: &b {y: 2, z: 2}\n"
	  "c:\n  <<: [*a, *b]\n  x: 3\n",
	    "{\"a\":{\"x\":1,\"y\":1},\"b\":{\"y\":2,\"z\":2},"
	    "\"c\":{\"x\":3,\"y\":1,\"z\":2}}" },
	{ "a: &a {x: 1}\nb: {y: 2, <<: *a}",
	    "{\"a\":{\"x\":1},\"b\":{\"y\":2,\"x\":1}}" },
	{ "{'<<': 1}", "{\"\\u003c\\u003c\":1}" },
	{ "a: |\n  two\n  lines\n", "{\"a\":\"two\\nlines\\n\"}" },
};

START_TEST(text_means_what_yaml_1_2_says)
{
	struct node *n = parse(span_str(right[_i].text), "t.yaml");

	ck_assert_msg(n != NULL, "%s: %s", right[_i].text, messages());
	ck_assert_str_eq(squeezed(n), right[_i].json);
	ck_assert_uint_eq(diag.n_errors, 0);
}
END_TEST

#define DEEP8 "[[[[[[[["

static const struct {
	const char *name;
	struct span text;
	const char *message; /* how it begins */
} wrong[] = {
	{ "t.yaml", SPAN_INIT(""), "t.yaml: error: there is nothing" },
	{ "t.yaml", SPAN_INIT("a: \"b\\0c\"\n"),
	    "t.yaml:1:4: error: NUL in a text [yaml]" },
	{ "t.yaml", SPAN_INIT("\"a\\0\": b\n"), "t.yaml:1:1: error: NUL in" },
	{ "t.yaml", SPAN_INIT("# only\n"), "t.yaml: error: there is noth" },
	{ "t.yaml", SPAN_INIT("a: 1\na: 2\n"),
	    "t.yaml:2:1: error: 'a' is already given in line 1 [dupl" },
	{ "t.json", SPAN_INIT("{\"a\": 1,\n \"a\": 2}"), "t.json:2:2: er" },
	{ "t.json", SPAN_INIT("{a: 1}"), "t.json:1:2: error: " },
	{ "t.json", SPAN_INIT("[\"\xc3\xa9\xc3\xa9\", x]"), "t.json:1:8: e" },
	{ "t.yaml", SPAN_INIT("\xc3\xa9\xc3\xa9: [a\nb: ]\n"), "t.yaml:2:" },
	{ "t.yaml", SPAN_INIT("\xc3\xa9: *x"), "t.yaml:1:4: error: no anch" },
	{ "t.yaml", SPAN_INIT("a:\n\t- b\n"), "t.yaml:2:1: error: found c" },
	{ "t.yaml", SPAN_INIT("a\n---\nb\n"),
	    "t.yaml:2:1: error: a second document begins here" },
	{ "t.yaml", SPAN_INIT("a: b\nc\xff: d\n"), "t.yaml:2:2: error: not U" },
	{ "t.yaml", SPAN_INIT("\xc3\xbc\x80"), "t.yaml:1:2: error: not UTF" },
	{ "t.yaml", SPAN_INIT("\xfe\xff\0a"), "t.yaml:1:1: error: not UTF-" },
	{ "t.yaml", SPAN_INIT("a: \0"), "t.yaml:1:4: error: control char" },
	{ "t.yaml", SPAN_INIT("a: &x [*x]"), "t.yaml:1:8: error: the alias" },
	{ "t.yaml", SPAN_INIT("&x [y, *x]"), "t.yaml:1:8: error: the alias" },
	{ "t.yaml", SPAN_INIT("&x {a: b, c: {d: *x}}"), "t.yaml:1:18: error" },
	{ "t.yaml", SPAN_INIT("&x {a: b, <<: *x}"), "t.yaml:1:15: error: " },
	{ "t.yaml", SPAN_INIT("&x {<<: *x}"), "t.yaml:1:9: error: the alia" },
	{ "t.yaml", SPAN_INIT("{<<: 1}"), "t.yaml:1:6: error: '<<' needs" },
	{ "t.yaml", SPAN_INIT("{<<: [1]}"), "t.yaml:1:7: error: '<<' nee" },
	{ "t.yaml", SPAN_INIT("{<<: {}, <<: {}}"), "t.yaml:1:10: error: '" },
	{ "t.yaml", SPAN_INIT("? [a]\n: b\n"), "t.yaml:1:3: error: a list " },
	{ "t.yaml", SPAN_INIT("!!int x"), "t.yaml:1:1: error: the tag " },
	{ "t.yaml", SPAN_INIT("!!binary aaaa"), "t.yaml:1:1: error: the tag" },
	{ "t.yaml", SPAN_INIT("!!map []"), "t.yaml:1:1: error: the tag " },
	{ "t.yaml", SPAN_INIT("!mine []"), "t.yaml:1:1: error: the tag " },
	{ "t.yaml", SPAN_INIT("a: 'x"), "t.yaml:1:" },
	{ "t.yaml",
	    SPAN_INIT(DEEP8 DEEP8 DEEP8 DEEP8 DEEP8 DEEP8 DEEP8 DEEP8 "["),
	    "t.yaml:1:65: error: more than 64 levels deep" },
};

START_TEST(wrong_text_is_refused_with_its_place)
{
	const char *said, *expected = wrong[_i].message;

	ck_assert_ptr_null(parse(wrong[_i].text, wrong[_i].name));
	said = messages();
	ck_assert_msg(strncmp(said, expected, strlen(expected)) == 0,
	    "%.*s: %s", SPAN_ARG(wrong[_i].text), said);
	ck_assert_uint_eq(diag.n_errors, 1);
}
END_TEST

START_TEST(aliases_cannot_grow_a_small_file_into_a_large_tree)
{
	struct buf b;

	buf_init(&b, 1 << 16);
	buf_add_str(&b, "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
	for (int i = 1; i < 10; i++) {
		buf_printf(&b, "a%d: &a%d [", i, i);
		for (int j = 0; j < 10; j++)
			buf_printf(&b, "*a%d,", i - 1);
		buf_add_str(&b, "]\n");
	}
	ck_assert_ptr_null(parse(buf_span(&b), "t.yaml"));
	ck_assert_ptr_nonnull(strstr(messages(), "[too-large]"));
	buf_fini(&b);
}
END_TEST

START_TEST(aliases_cannot_stack_up_beyond_the_depth)
{
	struct buf b;

	buf_init(&b, 1 << 16);
	buf_add_str(&b, "- &a0 []\n");
	for (int i = 1; i < 80; i++)
		buf_printf(&b, "- &a%d [*a%d]\n", i, i - 1);
	ck_assert_ptr_null(parse(buf_span(&b), "t.yaml"));
	ck_assert_ptr_nonnull(strstr(messages(), "[too-deep]"));
	buf_fini(&b);
}
END_TEST

START_TEST(members_of_large_maps_are_found)
{
	struct node *n;
	struct buf b;

	buf_init(&b, 1 << 20);
	for (int i = 0; i < 20000; i++)
		buf_printf(&b, "key%d: %d\n", i, i);
	n = parse(buf_span(&b), "t.yaml");
	ck_assert_ptr_nonnull(n);
	ck_assert_uint_eq(n->n, 20000);
	ck_assert(span_eq(tree_get(n, "key19999")->text, SPAN("19999")));
	ck_assert(span_eq(tree_get(n, "key0")->text, SPAN("0")));
	ck_assert_uint_eq(tree_get(n, "key77")->name_place.line, 78);
	ck_assert_ptr_null(tree_get(n, "key20000"));
	buf_add_str(&b, "key5: again\n");
	ck_assert_ptr_null(parse(buf_span(&b), "t.yaml"));
	buf_fini(&b);
}
END_TEST

START_TEST(columns_count_characters_in_json_too)
{
	struct node *n = parse(
	    SPAN("{\"\xc3\xa9\": 1, \"\xe2\x82\xac\": {\"x\": []}}"), "t");
	struct node *euro = tree_get(n, "\xe2\x82\xac");

	ck_assert_uint_eq(euro->name_place.column, 10);
	ck_assert_uint_eq(euro->place.column, 15);
	ck_assert_uint_eq(tree_get(euro, "x")->place.column, 21);
}
END_TEST

START_TEST(looking_into_what_is_no_map_finds_nothing)
{
	struct node *n = parse(SPAN("[a]"), "t");

	ck_assert_ptr_null(tree_get(NULL, "a"));
	ck_assert_ptr_null(tree_get(n, "a"));
	ck_assert(!tree_is(NULL, NODE_LIST));
	ck_assert(tree_is(n, NODE_LIST));
}
END_TEST

START_TEST(a_file_that_is_not_there_is_named)
{
	ck_assert_ptr_null(tree_read("/nonexistent/x.yaml", "x.yaml", &diag));
	ck_assert_int_eq(strncmp(messages(), "x.yaml: error: ", 15), 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("tree");
	TCase *c = tcase_create("tree");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_set_timeout(c, 30);
	tcase_add_loop_test(c, text_means_what_yaml_1_2_says, 0,
	    sizeof(right) / sizeof(right[0]));
	tcase_add_loop_test(c, wrong_text_is_refused_with_its_place, 0,
	    sizeof(wrong) / sizeof(wrong[0]));
	tcase_add_test(c, aliases_cannot_grow_a_small_file_into_a_large_tree);
	tcase_add_test(c, aliases_cannot_stack_up_beyond_the_depth);
	tcase_add_test(c, members_of_large_maps_are_found);
	tcase_add_test(c, columns_count_characters_in_json_too);
	tcase_add_test(c, looking_into_what_is_no_map_finds_nothing);
	tcase_add_test(c, a_file_that_is_not_there_is_named);
	suite_add_tcase(s, c);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed > 0;
}
