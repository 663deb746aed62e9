/*
 * args - see args.h.
 */
#include "base/args.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/shown.h"
#include "base/version.h"

/* Larger than any token, key or claims document. */
#define CONTENT_BYTES_MAX (1024 * 1024)

/* In --help the texts begin in this column. */
#define HELP_COLUMN 28
/* Of wrong use; longer arguments are cut. */
#define MESSAGE_BYTES_MAX 1024

void
args_init(struct args *a, const struct args_program *p, int argc, char **argv)
{
	*a = (struct args){ .program = p, .argv = argv, .argc = argc, .at = 1 };
}

int
args_wrong(const struct args_program *p, const char *format, ...)
{
	char text[MESSAGE_BYTES_MAX];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	fprintf(stderr, "%s: ", p->name);
	shown_print(stderr, span_str(text));
	fprintf(stderr, "; see %s --help\n", p->name);
	return 2;
}

static void
help_line(char letter, const char *name, const char *value, const char *text,
    FILE *to)
{
	char left[128];
	int n;

	n = snprintf(left, sizeof(left), "  %c%c%c --%s%s%s",
	    letter != 0 ? '-' : ' ', letter != 0 ? letter : ' ',
	    letter != 0 ? ',' : ' ', name, value != NULL ? " " : "",
	    value != NULL ? value : "");
	if (n < HELP_COLUMN)
		fprintf(to, "%-*s", HELP_COLUMN, left);
	else
		fprintf(to, "%s\n%*s", left, HELP_COLUMN, "");
	fprintf(to, "%s\n", text);
}

void
args_help(const struct args_program *p, FILE *to)
{
	fprintf(to, "usage: %s %s\n\n%s\n\n", p->name, p->usage, p->about);
	for (const struct args_option *o = p->options; o->name != NULL; o++)
		help_line(o->letter, o->name, o->value, o->help, to);
	help_line('h', "help", NULL, "print this and exit", to);
	help_line('V', "version", NULL, "print the version and exit", to);
}

void
args_version(const struct args_program *p, FILE *to)
{
	struct span rest = span_str(p->name);
	struct span first = span_cut(&rest, ' ');

	fprintf(to, "%.*s %s\n", SPAN_ARG(first), MGW_VERSION);
}

/* The option's number, or ARGS_END if there is none of this name. */
static int
find(const struct args_program *p, struct span name, char letter)
{
	for (int i = 0; p->options[i].name != NULL; i++) {
		const struct args_option *o = &p->options[i];

		if (letter != 0 ? o->letter == letter
				: span_eq(name, span_str(o->name)))
			return i;
	}
	return ARGS_END;
}

static int
answer_common(const struct args_program *p, struct span name, char letter)
{
	if (letter == 'h' || span_eq(name, SPAN("help"))) {
		args_help(p, stdout);
		return ARGS_DONE;
	}
	if (letter == 'V' || span_eq(name, SPAN("version"))) {
		args_version(p, stdout);
		return ARGS_DONE;
	}
	if (letter != 0)
		args_wrong(p, "unknown option -%c", letter);
	else
		args_wrong(p, "unknown option --%.*s", SPAN_ARG(name));
	return ARGS_WRONG;
}

/* "given" is the value that came in the same word, or p == NULL. */
static int
take_value(struct args *a, int option, struct span given)
{
	const struct args_option *o = &a->program->options[option];

	if (o->value == NULL && given.p != NULL) {
		args_wrong(a->program, "--%s takes no value", o->name);
		return ARGS_WRONG;
	}
	if (o->value == NULL)
		return option;
	a->value = given.p; /* the end of an argument: NUL-terminated */
	if (given.p == NULL && a->at < a->argc)
		a->value = a->argv[a->at++];
	if (a->value == NULL) {
		args_wrong(a->program, "--%s needs a %s", o->name, o->value);
		return ARGS_WRONG;
	}
	return option;
}

int
args_next(struct args *a)
{
	struct span word, name, none = { NULL, 0 };
	int option;

	if (a->at >= a->argc)
		return ARGS_END;
	a->value = a->argv[a->at++];
	word = span_str(a->value);
	if (!a->operands_only && span_eq(word, SPAN("--"))) {
		a->operands_only = true;
		return args_next(a);
	}
	if (a->operands_only || word.n < 2 || word.p[0] != '-')
		return ARGS_OPERAND;
	if (word.p[1] != '-') {
		option = find(a->program, none, word.p[1]);
		if (option == ARGS_END)
			return answer_common(a->program, none, word.p[1]);
		return take_value(
		    a, option, word.n > 2 ? span_skip(word, 2) : none);
	}
	word = span_skip(word, 2);
	name = span_cut(&word, '=');
	option = find(a->program, name, 0);
	if (option == ARGS_END)
		return answer_common(a->program, name, 0);
	return take_value(a, option, word);
}

/* Everything that "f" holds, NUL-terminated, on the heap; NULL: errno. */
static char *
read_all(FILE *f)
{
	struct buf b;
	char *room;
	size_t n;

	buf_init(&b, CONTENT_BYTES_MAX);
	while ((room = buf_room(&b, 4096)) != NULL &&
	    (n = fread(room, 1, 4096, f)) > 0)
		b.n += n;
	if (b.n > 0 && b.p[b.n - 1] == '\n')
		b.n--;
	buf_add_char(&b, '\0');
	if (!b.failed && !ferror(f))
		return b.p;
	errno = b.failed ? EFBIG : errno;
	buf_fini(&b);
	return NULL;
}

char *
args_content(const struct args_program *p, const char *text)
{
	FILE *f = stdin;
	char *content;

	if (strcmp(text, "-") != 0 && text[0] != '@') {
		content = strdup(text);
		if (content == NULL)
			fprintf(stderr, "%s: out of memory\n", p->name);
		return content;
	}
	if (text[0] == '@')
		f = fopen(text + 1, "re");
	content = f != NULL ? read_all(f) : NULL;
	if (content == NULL) {
		const char *why = strerror(errno);

		fprintf(stderr, "%s: ", p->name);
		shown_print(stderr, span_str(text));
		fprintf(stderr, ": %s\n", why);
	}
	if (f != NULL && f != stdin)
		fclose(f);
	return content;
}

bool
args_read_command(const struct args_program *p, int argc, char **argv,
    bool (*set)(void *arg, int option, const char *value), void *arg,
    struct args_command *c, int *rc)
{
	struct args a;
	int option;

	*c = (struct args_command){ .name = NULL };
	*rc = 2;
	args_init(&a, p, argc, argv);
	while ((option = args_next(&a)) >= 0 || option == ARGS_OPERAND) {
		if (option >= 0 && !set(arg, option, a.value))
			return false;
		if (option != ARGS_OPERAND)
			continue;
		if (c->name == NULL)
			c->name = a.value;
		else if (c->n_operands++ == 0)
			c->operand = a.value;
	}
	if (option == ARGS_DONE)
		*rc = 0;
	return option == ARGS_END;
}
