/*
 * spec_show - mgw-spec routes, show and dump: what is in there.
 */
#include <stdlib.h>

#include "base/args.h"
#include "base/file.h"
#include "base/shown.h"
#include "spec/ref.h"
#include "tools/spec.h"

#define TEXT_BYTES_MAX ((size_t)1 << 30)
#define ARENA_FIRST_BYTES (256 * 1024)
#define ARENA_MAX_BYTES ((size_t)2 << 30)

static const struct args_option no_options[] = { { 0, NULL, NULL, NULL } };

static const struct args_program routes_program = { "mgw-spec routes", "BUNDLE",
	"List the operations of a bundle, a line each: method, path,\n"
	"operationId, security; separated by tabs.",
	no_options };

static const struct args_program show_program = { "mgw-spec show", "BUNDLE",
	"Print all that is in a bundle, as JSON.", no_options };

static const struct args_option dump_options[] = {
	{ 0, "resolve", NULL, "put what $ref means in its place" },
	{ 0, NULL, NULL, NULL },
};

static const struct args_program dump_program = { "mgw-spec dump",
	"[--resolve] FILE", "Print a document as JSON.", dump_options };

bool
spec_open(struct bundle *b, const char *path, const char *name)
{
	struct buf bytes;
	char why[512];
	bool good;

	buf_init(&bytes, BUNDLE_BYTES_MAX);
	if (!file_read(path, FILE_ANY, BUNDLE_BYTES_MAX, &bytes, NULL, why,
		sizeof(why))) {
		fprintf(stderr, "%s: %s\n", name, why);
		buf_fini(&bytes);
		return false;
	}
	good = bundle_from(b, buf_span(&bytes), why, sizeof(why));
	if (!good)
		fprintf(stderr, "%s: %s: %s\n", name, path, why);
	/* Sources are beside it; bundle_close releases the name. */
	if (good)
		b->path = span_str(strdup(path));
	buf_fini(&bytes);
	return good;
}

/* The one operand and the switch 0; false: exit with "*code". */
static bool
one_operand(const struct args_program *program, int argc, char **argv,
    const char **operand, bool *option, int *code)
{
	struct args a;
	int got;

	*operand = NULL;
	*code = 0;
	args_init(&a, program, argc, argv);
	while ((got = args_next(&a)) != ARGS_END) {
		if (got == ARGS_DONE)
			return false;
		if (got == ARGS_WRONG)
			*code = EXIT_TROUBLE;
		else if (got == ARGS_OPERAND && *operand != NULL)
			*code = args_wrong(program, "more than one operand");
		else if (got == ARGS_OPERAND)
			*operand = a.value;
		else if (option != NULL)
			*option = true;
		if (*code != 0)
			return false;
	}
	if (*operand == NULL)
		*code = args_wrong(program, "an operand is missing");
	return *operand != NULL;
}

/* Write all of "text" and release it; returns the exit code. */
static int
put_text(struct buf *text, const char *name)
{
	bool good = !text->failed &&
	    (text->n == 0 || fwrite(text->p, 1, text->n, stdout) == text->n) &&
	    fflush(stdout) == 0;

	if (!good)
		fprintf(stderr, "%s: %s\n", name,
		    text->failed ? "out of memory" : "cannot write");
	buf_fini(text);
	return good ? 0 : EXIT_TROUBLE;
}

static void
write_requirement(
    const struct bundle *b, const struct row_requirement *q, struct buf *to)
{
	buf_add(to, bundle_text(b, bundle_scheme(b, q->scheme)->name));
	for (uint32_t i = 0; i < q->scopes.n; i++) {
		buf_add_char(to, i == 0 ? ':' : ',');
		buf_add(to, bundle_string(b, q->scopes.first + i));
	}
}

void
spec_write_alternative(const struct bundle *b, uint32_t row, struct buf *to)
{
	struct range r = bundle_alternative(b, row)->requirements;

	if (r.n == 0)
		buf_add_char(to, '-');
	for (uint32_t i = 0; i < r.n; i++) {
		if (i > 0)
			buf_add_char(to, '+');
		write_requirement(b, bundle_requirement(b, r.first + i), to);
	}
}

/* "jwt:read,write|key+mtls", "-" for what is public. */
static void
write_security(
    const struct bundle *b, const struct row_operation *op, struct buf *to)
{
	if (op->alternatives.n == 0)
		buf_add_char(to, '-');
	for (uint32_t i = 0; i < op->alternatives.n; i++) {
		if (i > 0)
			buf_add_char(to, '|');
		spec_write_alternative(b, op->alternatives.first + i, to);
	}
}

static void
print_route(
    const struct bundle *b, const struct row_operation *op, struct buf *room)
{
	struct span id = bundle_text(b, op->operation_id);

	buf_reset(room);
	write_security(b, op, room);
	shown_print(stdout, bundle_text(b, op->method));
	putchar('\t');
	shown_print(stdout, bundle_text(b, bundle_item(b, op->item)->path));
	putchar('\t');
	shown_print(stdout, id.n > 0 ? id : SPAN("-"));
	putchar('\t');
	shown_print(stdout, buf_span(room));
	putchar('\n');
}

int
spec_routes(int argc, char **argv)
{
	struct bundle b;
	struct buf room;
	const char *path;
	int code;

	if (!one_operand(&routes_program, argc, argv, &path, NULL, &code))
		return code;
	if (!spec_open(&b, path, routes_program.name))
		return EXIT_TROUBLE;
	buf_init(&room, TEXT_BYTES_MAX);
	for (uint32_t i = 0; i < bundle_n(&b, SECTION_OPERATION); i++)
		print_route(&b, bundle_operation(&b, i), &room);
	buf_fini(&room);
	bundle_close(&b);
	return fflush(stdout) == 0 ? 0 : EXIT_TROUBLE;
}

int
spec_show(int argc, char **argv)
{
	struct bundle b;
	struct buf text;
	struct json_object *o;
	const char *path;
	int code;

	if (!one_operand(&show_program, argc, argv, &path, NULL, &code))
		return code;
	if (!spec_open(&b, path, show_program.name))
		return EXIT_TROUBLE;
	buf_init(&text, TEXT_BYTES_MAX);
	o = spec_bundle_json(&b);
	if (o != NULL)
		json_write(o, true, &text);
	else
		text.failed = true;
	buf_add_char(&text, '\n');
	json_free(o);
	bundle_close(&b);
	return put_text(&text, show_program.name);
}

static struct node *
read_document(const char *path, bool resolve, struct diag *d)
{
	struct ref_set set = { 0 };
	struct node *root;

	if (!resolve)
		return tree_read(path, path, d);
	root = ref_open(&set, path, d);
	return root != NULL ? ref_expand(&set, root) : NULL;
}

int
spec_dump(int argc, char **argv)
{
	struct arena arena;
	struct diag d = { .arena = &arena };
	struct buf text;
	struct node *root;
	const char *path;
	bool resolve = false;
	int code;

	if (!one_operand(&dump_program, argc, argv, &path, &resolve, &code))
		return code;
	arena_init(&arena, ARENA_FIRST_BYTES, ARENA_MAX_BYTES);
	buf_init(&text, TEXT_BYTES_MAX);
	root = read_document(path, resolve, &d);
	diag_write(&d, &text);
	if (text.n > 0)
		(void)fwrite(text.p, 1, text.n, stderr); /* nothing to do */
	buf_reset(&text);
	if (root == NULL || d.n_errors > 0 || d.failed) {
		buf_fini(&text);
		arena_fini(&arena);
		return EXIT_REFUSED;
	}
	tree_write_json(root, &text);
	if (text.n > 0 && text.p[text.n - 1] != '\n')
		buf_add_char(&text, '\n');
	code = put_text(&text, dump_program.name);
	arena_fini(&arena);
	return code;
}
