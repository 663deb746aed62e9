/*
 * $ref: what it finds, and that it leads nowhere else.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "spec/ref.h"

static char folder[] = "/tmp/mgw-test-ref-XXXXXX";
static struct arena arena;
static struct diag diag;
static struct ref_set set;
static struct buf out;

static const char *
at(const char *name)
{
	return arena_printf(&arena, "%s/%s", folder, name).p;
}

static void
put(const char *name, const char *text)
{
	FILE *f = fopen(at(name), "w");

	ck_assert_ptr_nonnull(f);
	ck_assert_int_ge(fputs(text, f), 0);
	ck_assert_int_eq(fclose(f), 0);
}

/* FOLDER/outside.yaml, and the document's own folder FOLDER/api. */
static void
setup(void)
{
	arena_init(&arena, 1 << 16, 1 << 24);
	diag = (struct diag){ .arena = &arena };
	buf_init(&out, 1 << 20);
	ck_assert_ptr_nonnull(mkdtemp(folder));
	ck_assert_int_eq(mkdir(at("api"), 0700), 0);
	ck_assert_int_eq(mkdir(at("api/sub"), 0700), 0);
	ck_assert_int_eq(mkdir(at("api-other"), 0700), 0);
	put("outside.yaml", "secret: 1\n");
	put("api-other/x.yaml", "secret: 2\n");
	put("api/plain.yaml", "a: {b: found}\nlist: [x, y]\n");
	put("api/sub/back.yaml",
	    "up: {$ref: '../plain.yaml#/a'}\nbad: {$ref: '#/none'}\n");
	put("api/with space.yaml", "x: found\n");
	put("api/broken.yaml", "a: [\n");
	ck_assert_int_eq(symlink("../outside.yaml", at("api/link.yaml")), 0);
	ck_assert_int_eq(symlink("plain.yaml", at("api/inner.yaml")), 0);
}

static void
teardown(void)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -r '%s'", folder);
	ck_assert_int_eq(system(command), 0);
	buf_fini(&out);
	arena_fini(&arena);
}

static const char *
messages(void)
{
	buf_reset(&out);
	diag_write(&diag, &out);
	buf_add_char(&out, '\0');
	return out.p;
}

/* The node that the given reference means. */
static struct node *
resolve(const char *ref)
{
	struct span text = arena_printf(&arena,
	    "r: {$ref: '%s'}\nhere: {a/b: one, a~b: two, '': three, "
	    "' ': four, l: [zero, one]}\nme: {$ref: '#/me'}\n"
	    "ping: {$ref: '#/pong'}\npong: {$ref: '#/ping'}\n"
	    "twice: {$ref: '#/again'}\nagain: {$ref: '#/here/l/1'}\n",
	    ref);
	struct node *root;

	put("api/doc.yaml", text.p);
	root = ref_open(&set, at("api/doc.yaml"), &diag);
	ck_assert_ptr_nonnull(root);
	return ref_resolve(&set, tree_get(root, "r"));
}

static const struct {
	const char *ref, *text;
} found[] = {
	{ "#/here/a~1b", "one" },
	{ "#/here/a%2Fb", NULL }, /* decoded first, then cut: no such path */
	{ "#/here/a~0b", "two" },
	{ "#/here/", "three" },
	{ "#/here/%20", "four" },
	{ "#/here/l/0", "zero" },
	{ "#/twice", "one" },
	{ "plain.yaml#/a/b", "found" },
	{ "./plain.yaml#/list/1", "y" },
	{ "sub/../plain.yaml#/a/b", "found" },
	{ "sub/back.yaml#/up/b", NULL }, /* not through a reference */
	{ "with%20space.yaml#/x", "found" },
	{ "inner.yaml#/a/b", "found" },
	{ "../api/plain.yaml#/a/b", "found" },
};

START_TEST(a_reference_means_one_node)
{
	struct node *n = resolve(found[_i].ref);

	if (found[_i].text == NULL) {
		ck_assert_ptr_null(n);
		ck_assert_uint_eq(diag.n_errors, 1);
		return;
	}
	ck_assert_msg(n != NULL, "%s", messages());
	ck_assert(span_eq(n->text, span_str(found[_i].text)));
	ck_assert_uint_eq(diag.n_errors, 0);
}
END_TEST

static const struct {
	const char *ref, *rule;
} refused[] = {
	{ "#/none", "[ref-dangling]" },
	{ "#/here/l/2", "[ref-dangling]" },
	{ "#/here/l/01", "[ref-dangling]" },
	{ "#/here/l/-", "[ref-dangling]" },
	{ "#/here/~2", "[ref-dangling]" },
	{ "#/here/~", "[ref-dangling]" },
	{ "#/%zz", "[ref-dangling]" },
	{ "#/%0", "[ref-dangling]" },
	{ "#/%00", "[ref-dangling]" },
	{ "#name", "[ref-dangling]" },
	{ "none.yaml", "[ref-dangling]" },
	{ "plain.yaml?x", "[ref-dangling]" },
	{ "#/r", "[ref-cycle]" },
	{ "#/me", "[ref-cycle]" },
	{ "#/ping", "[ref-cycle]" },
	{ "../outside.yaml", "[ref-outside]" },
	{ "../nothing.yaml", "[ref-outside]" },
	{ "../nothing/x.yaml", "[ref-outside]" },
	{ "%2e%2e/outside.yaml", "[ref-outside]" },
	{ "../api-other/x.yaml", "[ref-outside]" },
	{ "link.yaml#/secret", "[ref-outside]" },
	{ "/etc/passwd", "[ref-outside]" },
	{ "http://127.0.0.1/x.yaml", "[ref-url]" },
	{ "file:///etc/passwd", "[ref-url]" },
	{ "//host/x", "[ref-url]" },
	{ "broken.yaml", "[yaml]" },
};

START_TEST(a_reference_that_leads_nowhere_or_outside_is_an_error)
{
	ck_assert_ptr_null(resolve(refused[_i].ref));
	ck_assert_msg(strstr(messages(), refused[_i].rule) != NULL, "%s: %s",
	    refused[_i].ref, messages());
	ck_assert_ptr_null(strstr(messages(), "secret: "));
}
END_TEST

START_TEST(relative_references_start_from_their_own_file)
{
	struct node *n = resolve("sub/back.yaml#/up");

	ck_assert_msg(n != NULL, "%s", messages());
	ck_assert(span_eq(tree_get(n, "b")->text, SPAN("found")));
	ck_assert_ptr_null(resolve("sub/back.yaml#/bad"));
	ck_assert_ptr_nonnull(
	    strstr(messages(), "/api/sub/back.yaml:2:13: error: "));
}
END_TEST

START_TEST(all_references_are_looked_at_but_data_is_not)
{
	struct node *root;

	put("api/doc.yaml",
	    "a: {$ref: '#/none'}\n"
	    "b: {$ref: '../outside.yaml'}\n"
	    "c: {$ref: 'https://host/x'}\n"
	    "d: {$ref: 'sub/back.yaml'}\n"
	    "example: {$ref: '#/data'}\n"
	    "examples: {one: {value: {$ref: '#/data'}}}\n"
	    "properties: {$ref: {type: string}, example: {$ref: '#/no'}}\n");
	root = ref_open(&set, at("api/doc.yaml"), &diag);
	ck_assert_ptr_nonnull(root);
	ref_check_all(&set, false);
	ck_assert_uint_eq(diag.n_errors, 3);
	ck_assert_uint_eq(diag.n_warnings, 2);
	ck_assert_ptr_null(strstr(messages(), "#/data"));
	ck_assert_ptr_nonnull(strstr(messages(), "back.yaml:2:13: error"));
}
END_TEST

START_TEST(expanding_replaces_references_and_keeps_cycles)
{
	struct node *root;

	put("api/doc.yaml",
	    "a: {$ref: 'plain.yaml#/a'}\n"
	    "tree: {left: {$ref: '#/tree'}}\n");
	root = ref_open(&set, at("api/doc.yaml"), &diag);
	root = ref_expand(&set, root);
	ck_assert_ptr_nonnull(root);
	ck_assert(
	    span_eq(tree_get(tree_get(root, "a"), "b")->text, SPAN("found")));
	root = tree_get(tree_get(root, "tree"), "left");
	root = tree_get(root, "left") ? tree_get(root, "left") : root;
	ck_assert_ptr_nonnull(ref_of(root));
	ck_assert_uint_eq(diag.n_errors, 0);
}
END_TEST

START_TEST(expanding_stops_before_the_tree_is_too_large)
{
	struct node *root;
	struct buf b;

	buf_init(&b, 1 << 16);
	for (int i = 0; i < 20; i++)
		buf_printf(&b,
		    "a%d: [{$ref: '#/a%d'}, {$ref: '#/a%d'}, "
		    "{$ref: '#/a%d'}]\n",
		    i, i + 1, i + 1, i + 1);
	buf_add_str(&b, "a20: x\n");
	root = ref_open_text(&set, buf_span(&b), "bomb.yaml", &diag);
	ck_assert_ptr_nonnull(root);
	ck_assert_ptr_null(ref_expand(&set, root));
	ck_assert_uint_ge(diag.n_errors, 1);
	buf_fini(&b);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("ref");
	TCase *c = tcase_create("ref");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_loop_test(
	    c, a_reference_means_one_node, 0, sizeof(found) / sizeof(found[0]));
	tcase_add_loop_test(c,
	    a_reference_that_leads_nowhere_or_outside_is_an_error, 0,
	    sizeof(refused) / sizeof(refused[0]));
	tcase_add_test(c, relative_references_start_from_their_own_file);
	tcase_add_test(c, all_references_are_looked_at_but_data_is_not);
	tcase_add_test(c, expanding_replaces_references_and_keeps_cycles);
	tcase_add_test(c, expanding_stops_before_the_tree_is_too_large);
	suite_add_tcase(s, c);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed > 0;
}
