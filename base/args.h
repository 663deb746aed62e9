/*
 * args - the command line of every program, and its --help.
 *
 * One table describes the options; reading them and printing the help
 * are done from it, so that they cannot differ.  Long options take their
 * value as "--name value" or "--name=value", short ones as "-n value" or
 * "-nvalue"; options and operands come in any order, "--" ends options,
 * "-" is an operand.
 */
#ifndef MGW_BASE_ARGS_H
#define MGW_BASE_ARGS_H

#include <stdio.h>

#include "base/span.h"

struct args_option {
	char letter;       /* 0: none */
	const char *name;  /* without the dashes */
	const char *value; /* "FILE"; NULL: a switch */
	const char *help;
};

struct args_program {
	const char *name;                  /* "mgw-spec import" */
	const char *usage;                 /* "[OPTION]... FILE..." */
	const char *about;                 /* a sentence or a few lines */
	const struct args_option *options; /* ends with name == NULL */
};

struct args {
	const struct args_program *program;
	char **argv;
	int argc;
	int at;
	const char *value; /* of the option, or the operand */
	bool operands_only;
};

#define ARGS_END -1
#define ARGS_OPERAND -2
#define ARGS_WRONG -3 /* a message was printed: exit with 2 */
#define ARGS_DONE -4  /* --help or --version was answered: exit with 0 */

/* argv[0] is skipped. */
void args_init(
    struct args *a, const struct args_program *p, int argc, char **argv);

/* The number of the next option in the table, or one of the above. */
int args_next(struct args *a);

/* What follows the name of a program that has commands. */
struct args_command {
	const char *name;    /* NULL: none was given */
	const char *operand; /* the first behind it, or NULL */
	int n_operands;      /* behind the name */
};

/*
 * Read all of the line "COMMAND [OPTION]... [OPERAND]".  "set" gets "arg",
 * the number and the value of each option; where it returns false it has
 * printed a message.  True: "c" is filled; false: exit with "*rc".
 */
bool args_read_command(const struct args_program *p, int argc, char **argv,
    bool (*set)(void *arg, int option, const char *value), void *arg,
    struct args_command *c, int *rc);

/* Print "NAME: text; see NAME --help" on standard error; returns 2. */
int args_wrong(const struct args_program *p, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

void args_help(const struct args_program *p, FILE *to);
void args_version(const struct args_program *p, FILE *to);

/*
 * "text" as a file's content when it is "@FILE", as standard input when
 * it is "-", else itself: for tokens, keys and claims, which should not
 * stand in a process list.  A newline at the end is cut.  NULL with a
 * message on standard error; else the caller frees it.
 */
char *args_content(const struct args_program *p, const char *text);

#endif
