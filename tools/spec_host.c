/*
 * spec_host - mgw-spec host: the web server's configuration for a bundle.
 *
 * Only the base paths of the bundle go to the gate, cut at a segment's
 * end, so that the rest of an existing site stays as it is.
 */
#include <stdio.h>

#include "base/args.h"
#include "base/ascii.h"
#include "tools/spec.h"

#define SOCKET_DEFAULT "/run/mgw/mgw.sock"

enum {
	OPT_SOCKET
};

static const struct args_option options[] = {
	{ 's', "socket", "PATH",
	    "where mgw listens (default " SOCKET_DEFAULT ")" },
	{ 0, NULL, NULL, NULL },
};

static const struct args_program program = { "mgw-spec host",
	"[--socket PATH] lighttpd|apache|htaccess BUNDLE",
	"Print the web server's configuration for this bundle, to include in\n"
	"an existing site.",
	options };

/*
 * Cut one byte of a canonical path, its escape undone: web servers compare
 * decoded paths.
 */
static char
cut_byte(struct span *path)
{
	char c = path->p[0];

	if (c == '%' && path->n >= 3) {
		c = (char)(ascii_hex(path->p[1]) * 16 + ascii_hex(path->p[2]));
		*path = span_skip(*path, 3);
	} else {
		*path = span_skip(*path, 1);
	}
	return c;
}

static void
add_decoded(struct buf *to, struct span path)
{
	while (path.n > 0)
		buf_add_char(to, cut_byte(&path));
}

/* As a literal inside a PCRE pattern; escapes differ, classes do not. */
static void
add_pattern(struct buf *to, struct span path)
{
	while (path.n > 0) {
		char c = cut_byte(&path);

		if (c != '\0' && strchr(".$()*+?|{}[", c) != NULL)
			buf_printf(to, "[%c]", c);
		else
			buf_add_char(to, c);
	}
}

static void
add_title(const struct bundle *b, const struct row_api *api, struct buf *to)
{
	struct span title = bundle_text(b, api->title);
	struct span version = bundle_text(b, api->version);

	buf_add_str(to, "# ");
	for (size_t i = 0; i < title.n; i++)
		buf_add_char(
		    to, (unsigned char)title.p[i] < 0x20 ? ' ' : title.p[i]);
	buf_add_char(to, ' ');
	buf_add(to, version);
	/* Else Apache would take the next line for one more of the comment. */
	buf_add_str(to, span_ends(version, SPAN("\\")) ? " .\n" : "\n");
}

/* Write what takes the place "path" of a site to the gate. */
typedef void put_place(struct span path, const char *socket, struct buf *to);

/* It has no base path that is its own, only paths beside those of others. */
static bool
is_of_single_paths(const struct bundle *b, uint32_t api)
{
	return bundle_api(b, api)->base_path.n == 0 &&
	    bundle_node(b, 0)->api != api;
}

static void
put_single_paths(const struct bundle *b, const struct row_api *api,
    put_place *put, const char *socket, struct buf *to)
{
	uint32_t last = ROW_NONE;

	for (uint32_t i = 0; i < api->operations.n; i++) {
		uint32_t item =
		    bundle_operation(b, api->operations.first + i)->item;

		if (item != last)
			put(bundle_text(b, bundle_item(b, item)->path), socket,
			    to);
		last = item;
	}
}

static void
put_api(const struct bundle *b, uint32_t i, put_place *put, const char *socket,
    struct buf *to)
{
	const struct row_api *api = bundle_api(b, i);

	if (is_of_single_paths(b, i))
		put_single_paths(b, api, put, socket, to);
	else
		put(bundle_text(b, api->base_path), socket, to);
}

static void
put_places(
    const struct bundle *b, put_place *put, const char *socket, struct buf *to)
{
	for (uint32_t i = 0; i < bundle_n(b, SECTION_API); i++) {
		buf_add_char(to, '\n');
		add_title(b, bundle_api(b, i), to);
		put_api(b, i, put, socket, to);
	}
}

/* Name a place that would end its quotes, or mean other places. */
static void
put_unsayable(struct span path, const char *bytes, struct buf *to)
{
	struct span rest = path;

	while (rest.n > 0) {
		char c = cut_byte(&rest);

		if ((unsigned char)c < 0x20 || c == 0x7f ||
		    strchr(bytes, c) != NULL) {
			buf_printf(to, " %.*s", SPAN_ARG(path));
			return;
		}
	}
}

bool
spec_host_can_say(const struct bundle *b, bool apache, const char *program_name)
{
	struct buf bad;
	bool ok;

	buf_init(&bad, 1 << 24);
	for (uint32_t i = 0; i < bundle_n(b, SECTION_API); i++)
		put_api(
		    b, i, put_unsayable, apache ? "\"\\^*?[]$" : "\"\\^", &bad);
	ok = bad.n == 0 && !bad.failed;
	if (!ok)
		fprintf(stderr,
		    "%s: no configuration can say what these paths are:%.*s\n",
		    program_name, SPAN_ARG(buf_span(&bad)));
	buf_fini(&bad);
	return ok;
}

static void
put_lighttpd(struct span path, const char *socket, struct buf *to)
{
	buf_add_str(to, "$HTTP[\"url\"] =~ \"^");
	add_pattern(to, path);
	buf_add_str(to,
	    "(/|$)\" {\n"
	    "\tfastcgi.server = ( \"/\" => ((\n");
	buf_printf(to, "\t\t\"socket\" => \"%s\",\n", socket);
	buf_add_str(to,
	    "\t\t\"check-local\" => \"disable\",\n"
	    "\t\t\"x-sendfile\" => \"disable\",\n"
	    "\t)))\n"
	    "\tserver.stream-request-body = 2\n"
	    "\tserver.stream-response-body = 2\n"
	    "}\n");
}

void
spec_host_lighttpd(const struct bundle *b, const char *socket, struct buf *to)
{
	buf_add_str(to,
	    "# lighttpd, made by mgw-spec host; see lighttpd/socket.conf for\n"
	    "# the reasons.  In the conditions the path is decoded; mgw reads\n"
	    "# it as the client sent it and refuses what has two meanings.\n"
	    "server.modules += ( \"mod_fastcgi\" )\n"
	    "server.http-parseopts += ( \"url-normalize\" => \"disable\" )\n");
	put_places(b, put_lighttpd, socket, to);
}

static void
put_apache(struct span path, const char *socket, struct buf *to)
{
	buf_add_str(to, "<Location \"");
	add_decoded(to, path.n > 0 ? path : SPAN("/"));
	buf_printf(to,
	    "\">\n"
	    "\tCGIPassAuth On\n"
	    "\tSetEnv ap_trust_cgilike_cl 1\n"
	    "\tProxyPass \"unix:%s|fcgi://mgw/\"\n"
	    "</Location>\n",
	    socket);
}

static void
host_apache(const struct bundle *b, const char *socket, struct buf *to)
{
	buf_add_str(to,
	    "# Apache, made by mgw-spec host; see apache/mgw.conf for the\n"
	    "# reasons.  Needs mod_proxy_fcgi and Apache 2.4.59 or later.\n"
	    "# Put the next line into virtual hosts too: they do not inherit "
	    "it.\n"
	    "AllowEncodedSlashes NoDecode\n");
	/* Settings of a worker that all locations share; told only once. */
	buf_printf(to,
	    "<Proxy \"unix:%s|fcgi://mgw/\" enablereuse=on "
	    "flushpackets=on timeout=120>\n"
	    "</Proxy>\n",
	    socket);
	put_places(b, put_apache, socket, to);
}

static void
put_htaccess(struct span path, const char *socket, struct buf *to)
{
	(void)socket; /* it is run by the web server */
	buf_add_str(to,
	    "RewriteCond %{REQUEST_URI} !/mgw\\.cgi(/|$)\n"
	    "RewriteRule \"^(");
	add_pattern(to, span_skip(path, 1)); /* no '/' in front here */
	buf_add_str(to, path.n > 0 ? "(/.*)?)$\"" : ".*)$\"");
	buf_add_str(to, " mgw.cgi/$1 [L]\n");
}

static void
host_htaccess(const struct bundle *b, struct buf *to)
{
	buf_add_str(to,
	    "# .htaccess, made by mgw-spec host; see apache/htaccess for the\n"
	    "# reasons.  Put it into the folder of the site, beside mgw.cgi "
	    "(a\n"
	    "# copy of mgw, mode 755).  When that folder is not the root of\n"
	    "# the site, say so in ~/.mgw/mgw.conf: strip-prefix /FOLDER\n"
	    "CGIPassAuth On\n"
	    "Options +ExecCGI -Indexes\n"
	    "AddHandler cgi-script .cgi\n"
	    "RewriteEngine On\n");
	put_places(b, put_htaccess, NULL, to);
}

static bool
write_host(struct span host, const struct bundle *b, const char *socket,
    struct buf *to)
{
	if (span_eq(host, SPAN("lighttpd")))
		spec_host_lighttpd(b, socket, to);
	else if (span_eq(host, SPAN("apache")))
		host_apache(b, socket, to);
	else if (span_eq(host, SPAN("htaccess")))
		host_htaccess(b, to);
	else
		return false;
	return true;
}

/* Both configurations put it between quotes. */
static bool
is_plain_path(struct span s)
{
	return s.n > 0 && s.p[0] == '/' && !span_has_control(s) &&
	    !span_has(s, '"') && !span_has(s, '\\') && !span_has(s, '|');
}

static int
print_host(const char *host, const char *path, const char *socket)
{
	struct bundle b;
	struct buf to;
	int rc = EXIT_TROUBLE;

	if (!spec_open(&b, path, program.name))
		return EXIT_TROUBLE;
	if (!spec_host_can_say(
		&b, span_eq(span_str(host), SPAN("apache")), program.name)) {
		bundle_close(&b);
		return 1;
	}
	buf_init(&to, 1 << 24);
	if (!write_host(span_str(host), &b, socket, &to))
		rc = args_wrong(
		    &program, "no web server named %s is known", host);
	else if (to.failed || fwrite(to.p, 1, to.n, stdout) != to.n)
		perror("mgw-spec host");
	else
		rc = 0;
	buf_fini(&to);
	bundle_close(&b);
	return rc;
}

int
spec_host(int argc, char **argv)
{
	const char *socket = SOCKET_DEFAULT, *operands[2] = { NULL, NULL };
	unsigned n = 0;
	struct args a;
	int opt;

	args_init(&a, &program, argc, argv);
	while ((opt = args_next(&a)) != ARGS_END) {
		if (opt == ARGS_DONE)
			return 0;
		if (opt == ARGS_WRONG)
			return 2;
		if (opt == 0)
			socket = a.value;
		else if (n == 2)
			return args_wrong(a.program, "too many operands");
		else
			operands[n++] = a.value;
	}
	if (n < 2)
		return args_wrong(a.program, "a web server and a bundle");
	if (!is_plain_path(span_str(socket)))
		return args_wrong(a.program, "--socket needs a plain path");
	return print_host(operands[0], operands[1], socket);
}
