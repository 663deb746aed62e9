/*
 * spec_import - mgw-spec import and mgw-spec check.
 *
 * Everything is read and checked before anything is written; a refused
 * import leaves the old bundle as it was.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/args.h"
#include "base/file.h"
#include "base/shown.h"
#include "spec/emit.h"
#include "tools/spec.h"

#define ARENA_FIRST_BYTES (256 * 1024)
#define ARENA_MAX_BYTES ((size_t)2 << 30) /* TREE_NODES_MAX, a few times */
#define DIAG_BYTES_MAX (64 * 1024 * 1024)
#define API_JSON_BYTES_MAX (256 * 1024 * 1024)
#define BUNDLE_MODE 0644 /* no secret is ever in it */

static const struct args_option import_options[] = {
	{ 'o', "output", "BUNDLE", "file to write (mgw.bundle)" },
	{ 'p', "policy", "MGW.YAML", "the policy beside the documents" },
	{ 0, "base-path", "PATH", "instead of the document's" },
	{ 0, "backend", "URL", "instead of the documents' servers" },
	{ 0, "replace", NULL, "let APIs vanish that the bundle has now" },
	{ 0, NULL, NULL, NULL },
};

static const struct args_program import_program = { "mgw-spec import",
	"[OPTION]... FILE...",
	"Read OpenAPI documents, check them, and write one bundle.  Nothing "
	"is\n"
	"written when anything is wrong; the old bundle is kept as BUNDLE.1.",
	import_options };

static const struct args_option check_options[] = {
	{ 'p', "policy", "MGW.YAML", "the policy beside the documents" },
	{ 0, NULL, NULL, NULL },
};

static const struct args_program check_program = { "mgw-spec check",
	"[OPTION]... FILE...",
	"Tell what is wrong with OpenAPI documents; write nothing.",
	check_options };

enum {
	OPTION_OUTPUT,
	OPTION_POLICY,
	OPTION_BASE_PATH,
	OPTION_BACKEND,
	OPTION_REPLACE,
};

struct import {
	const struct args_program *program;
	const char *output;
	const char *policy;
	const char *base_path;
	const char *backend;
	bool replace;
	char **files;
	int n_files;

	struct arena arena;
	struct diag diag;
	struct spec spec;
	struct buf bytes;     /* the new bundle */
	struct buf old_bytes; /* what is there now */
	struct bundle new, old;
	bool has_new, has_old;
};

/* False: exit with "*code". */
static bool
read_options(struct import *im, int argc, char **argv, int *code)
{
	struct args a;
	int option;

	args_init(&a, im->program, argc, argv);
	while ((option = args_next(&a)) != ARGS_END) {
		if (option == ARGS_WRONG || option == ARGS_DONE) {
			*code = option == ARGS_WRONG ? EXIT_TROUBLE : 0;
			return false;
		}
		/* The only option that check has. */
		if (option == 0 && im->program == &check_program)
			option = OPTION_POLICY;
		if (option == OPTION_OUTPUT)
			im->output = a.value;
		else if (option == OPTION_POLICY)
			im->policy = a.value;
		else if (option == OPTION_BASE_PATH)
			im->base_path = a.value;
		else if (option == OPTION_BACKEND)
			im->backend = a.value;
		else if (option == OPTION_REPLACE)
			im->replace = true;
		else
			/* Operands only move to the front: never past "at". */
			im->files[im->n_files++] = (char *)(uintptr_t)a.value;
	}
	if (im->n_files == 0)
		*code = args_wrong(im->program, "no FILE");
	else if (im->base_path != NULL && im->n_files > 1)
		*code =
		    args_wrong(im->program, "--base-path is for one document");
	else
		return true;
	return false;
}

static bool
can_read(const struct import *im, const char *path)
{
	const char *why;

	if (access(path, R_OK) == 0)
		return true;
	why = strerror(errno);
	fprintf(stderr, "%s: ", im->program->name);
	shown_print(stderr, span_str(path));
	fprintf(stderr, ": %s\n", why);
	return false;
}

static void
read_model(struct import *im)
{
	struct spec_document **end = &im->spec.documents;

	im->spec.diag = &im->diag;
	im->spec.base_path = span_str(im->base_path);
	im->spec.backend = span_str(im->backend);
	for (int i = 0; i < im->n_files; i++) {
		*end = openapi_read(im->files[i], &im->diag);
		if (*end != NULL)
			end = &(*end)->next;
	}
	im->spec.policy = policyfile_read(im->policy, im->output, &im->diag);
	if (im->spec.policy != NULL)
		link_spec(&im->spec);
}

/* All that was found; true when there was no error. */
static bool
report(struct import *im)
{
	struct buf text;

	buf_init(&text, DIAG_BYTES_MAX);
	diag_write(&im->diag, &text);
	if (text.n > 0)
		(void)fwrite(text.p, 1, text.n, stderr); /* nothing to do */
	if (text.failed)
		fprintf(stderr, "(more messages were left out)\n");
	buf_fini(&text);
	if (im->diag.failed)
		fprintf(stderr, "%s: out of memory\n", im->program->name);
	return im->diag.n_errors == 0 && !im->diag.failed;
}

static bool
make_bundle(struct import *im)
{
	char why[256];

	if (!emit_bundle(&im->spec, &im->bytes)) {
		fprintf(stderr,
		    "%s: out of memory, or a bundle of more than "
		    "%u MB\n",
		    im->program->name, BUNDLE_BYTES_MAX >> 20);
		return false;
	}
	/* The gate's own check, so that it never meets a bundle it refuses. */
	im->has_new =
	    bundle_from(&im->new, buf_span(&im->bytes), why, sizeof(why));
	if (!im->has_new)
		fprintf(stderr, "%s: the bundle would be refused: %s\n",
		    im->program->name, why);
	return im->has_new;
}

/* False: something is there that cannot be read as a bundle. */
static bool
read_old(struct import *im)
{
	char why[512];

	if (access(im->output, F_OK) != 0)
		return true;
	if (file_read(im->output, FILE_ANY, BUNDLE_BYTES_MAX, &im->old_bytes,
		NULL, why, sizeof(why))) {
		im->has_old = bundle_from(
		    &im->old, buf_span(&im->old_bytes), why, sizeof(why));
		if (im->has_old || im->replace)
			return true;
		fprintf(stderr, "%s: ", im->program->name);
		shown_print(stderr, span_str(im->output));
		fprintf(stderr, ": %s (--replace overwrites it)\n", why);
		return false;
	}
	fprintf(stderr, "%s: %s\n", im->program->name, why);
	return false;
}

/*
 * The API of "b" that "api" of "from" is: of the same title and version,
 * else at the same base path; ROW_NONE if there is none.
 */
static uint32_t
find_api(const struct bundle *b, const struct bundle *from, uint32_t api)
{
	const struct row_api *a = bundle_api(from, api), *o;
	uint32_t n = bundle_n(b, SECTION_API);

	for (uint32_t i = 0; i < n; i++) {
		o = bundle_api(b, i);
		if (span_eq(bundle_text(b, o->title),
			bundle_text(from, a->title)) &&
		    span_eq(bundle_text(b, o->version),
			bundle_text(from, a->version)))
			return i;
	}
	for (uint32_t i = 0; i < n; i++)
		if (span_eq(bundle_text(b, bundle_api(b, i)->base_path),
			bundle_text(from, a->base_path)))
			return i;
	return ROW_NONE;
}

static bool
same_api(const struct bundle *a, uint32_t i, const struct bundle *b, uint32_t j)
{
	struct json_object *x = spec_api_whole_json(a, i);
	struct json_object *y = spec_api_whole_json(b, j);
	struct buf left, right;
	bool same;

	buf_init(&left, API_JSON_BYTES_MAX);
	buf_init(&right, API_JSON_BYTES_MAX);
	if (x != NULL)
		json_write(x, false, &left);
	if (y != NULL)
		json_write(y, false, &right);
	same = x != NULL && y != NULL && !left.failed && !right.failed &&
	    span_eq(buf_span(&left), buf_span(&right));
	json_free(x);
	json_free(y);
	buf_fini(&left);
	buf_fini(&right);
	return same;
}

static void
print_api(const struct bundle *b, uint32_t i)
{
	const struct row_api *a = bundle_api(b, i);

	shown_print(stdout, bundle_text(b, a->title));
	putchar('\t');
	shown_print(stdout, bundle_text(b, a->version));
	putchar('\t');
	if (a->base_path.n == 0)
		putchar('/');
	shown_print(stdout, bundle_text(b, a->base_path));
}

static void
print_change(const char *what, const struct bundle *b, uint32_t i)
{
	printf("%s\t", what);
	print_api(b, i);
	putchar('\n');
}

/* What differs from the old bundle; returns how many APIs would vanish. */
static unsigned
compare(const struct import *im)
{
	unsigned vanish = 0;

	for (uint32_t i = 0; i < bundle_n(&im->new, SECTION_API); i++) {
		uint32_t j = find_api(&im->old, &im->new, i);

		if (j == ROW_NONE)
			print_change("added", &im->new, i);
		else if (!same_api(&im->new, i, &im->old, j))
			print_change("changed", &im->new, i);
	}
	for (uint32_t i = 0; i < bundle_n(&im->old, SECTION_API); i++) {
		if (find_api(&im->new, &im->old, i) != ROW_NONE)
			continue;
		print_change("removed", &im->old, i);
		vanish++;
	}
	return vanish;
}

static void
print_documents(const struct import *im)
{
	const struct spec_document *doc = im->spec.documents;

	/* APIs stand in the order of the documents. */
	for (uint32_t i = 0; i < bundle_n(&im->new, SECTION_API); i++) {
		print_api(&im->new, i);
		printf("\t%u operation%s\t%u public\n", doc->n_operations,
		    doc->n_operations == 1 ? "" : "s", doc->n_public);
		doc = doc->next;
	}
}

static int
write_bundle(const struct import *im)
{
	char why[512], kept[4096];
	int n = snprintf(kept, sizeof(kept), "%s.1", im->output);

	/* A bundle that is there already stays, and so does the one before. */
	if (span_eq(buf_span(&im->old_bytes), buf_span(&im->bytes)))
		return 0;
	if (n < 0 || (size_t)n >= sizeof(kept))
		return args_wrong(im->program, "name too long");
	if ((im->old_bytes.n == 0 ||
		file_write(kept, buf_span(&im->old_bytes), BUNDLE_MODE, why,
		    sizeof(why))) &&
	    file_write(im->output, buf_span(&im->bytes), BUNDLE_MODE, why,
		sizeof(why)))
		return 0;
	fprintf(stderr, "%s: %s\n", im->program->name, why);
	return EXIT_TROUBLE;
}

static int
finish(struct import *im)
{
	unsigned vanish = 0;

	if (!make_bundle(im) || !read_old(im))
		return EXIT_TROUBLE;
	print_documents(im);
	if (im->has_old)
		vanish = compare(im);
	if (vanish > 0 && !im->replace) {
		fprintf(stderr,
		    "%s: %u API%s would vanish from %s; --replace lets "
		    "%s\n",
		    im->program->name, vanish, vanish == 1 ? "" : "s",
		    im->output, vanish == 1 ? "it" : "them");
		return EXIT_REFUSED;
	}
	return write_bundle(im);
}

static int
run(struct import *im, int argc, char **argv)
{
	bool readable = true;
	int code;

	im->files = argv;
	if (!read_options(im, argc, argv, &code))
		return code;
	for (int i = 0; i < im->n_files; i++)
		readable = can_read(im, im->files[i]) && readable;
	if (im->policy != NULL)
		readable = can_read(im, im->policy) && readable;
	if (!readable)
		return EXIT_TROUBLE;
	read_model(im);
	if (!report(im))
		return EXIT_REFUSED;
	return im->program == &check_program ? 0 : finish(im);
}

static int
start(const struct args_program *program, const char *output, int argc,
    char **argv)
{
	struct import im = { .program = program, .output = output };
	int code;

	arena_init(&im.arena, ARENA_FIRST_BYTES, ARENA_MAX_BYTES);
	im.diag.arena = &im.arena;
	buf_init(&im.bytes, BUNDLE_BYTES_MAX);
	buf_init(&im.old_bytes, BUNDLE_BYTES_MAX);
	code = run(&im, argc, argv);
	if (im.has_new)
		bundle_close(&im.new);
	if (im.has_old)
		bundle_close(&im.old);
	buf_fini(&im.bytes);
	buf_fini(&im.old_bytes);
	arena_fini(&im.arena);
	if (fflush(stdout) != 0)
		return EXIT_TROUBLE;
	return code;
}

int
spec_import(int argc, char **argv)
{
	return start(&import_program, "mgw.bundle", argc, argv);
}

int
spec_check(int argc, char **argv)
{
	return start(&check_program, NULL, argc, argv);
}
