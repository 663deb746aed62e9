/*
 * mgw-spec - OpenAPI in, routes out.  See mgw-spec(1).
 */
#include "base/args.h"
#include "tools/spec.h"

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *about;
} commands[] = {
	{ "import", spec_import, "write a bundle from OpenAPI documents" },
	{ "check", spec_check, "tell what is wrong with documents" },
	{ "routes", spec_routes, "list the operations of a bundle" },
	{ "show", spec_show, "print all that is in a bundle, as JSON" },
	{ "dump", spec_dump, "print a document as JSON" },
	{ "explain", spec_explain, "tell what the gate would decide, and why" },
	{ "serve", spec_serve, "guard a document on loopback, to try it" },
	{ "env", spec_env, "list the variables that a machine may set" },
	{ "host", spec_host, "print the web server's configuration" },
};

static const struct args_option options[] = { { 0, NULL, NULL, NULL } };

static const struct args_program program = { "mgw-spec",
	"COMMAND [OPTION]... [FILE]...",
	"Make the bundle that mgw enforces from OpenAPI documents.\n"
	"\n"
	"Exit: 0 done or allowed, 1 found wrong or refused, 2 wrong use or\n"
	"cannot read or write.",
	options };

static void
help(void)
{
	args_help(&program, stdout);
	(void)printf("\nCommands, each with its own --help:\n");
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		(void)printf(
		    "  %-8s %s\n", commands[i].name, commands[i].about);
}

int
main(int argc, char **argv)
{
	struct span word = span_str(argc > 1 ? argv[1] : NULL);

	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		if (span_eq(word, span_str(commands[i].name)))
			return commands[i].run(argc - 1, argv + 1);
	if (span_eq(word, SPAN("--help")) || span_eq(word, SPAN("-h")) ||
	    span_eq(word, SPAN("help"))) {
		help();
		return 0;
	}
	if (span_eq(word, SPAN("--version")) || span_eq(word, SPAN("-V"))) {
		args_version(&program, stdout);
		return 0;
	}
	if (word.n == 0)
		return args_wrong(&program, "a command is missing");
	return args_wrong(&program, "unknown command '%s'", argv[1]);
}
