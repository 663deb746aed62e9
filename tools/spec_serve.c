/*
 * spec_serve - mgw-spec serve: a document guarded on loopback.
 *
 * Everything it makes lies in one private folder under TMPDIR and goes
 * with it: the bundle, the state, lighttpd's configuration, the socket.
 * lighttpd and mgw are children in the foreground; when one of them or
 * this program ends, all do.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/args.h"
#include "policy/bundle.h"
#include "tools/spec.h"

#define PATH_BYTES_MAX 4096

enum {
	OPT_PORT,
	OPT_POLICY,
	OPT_BASE_PATH,
	OPT_BACKEND
};

static const struct args_option options[] = {
	[OPT_PORT] = { 'P', "port", "N", "listen there (default: a free one)" },
	[OPT_POLICY] = { 'p', "policy", "MGW.YAML", "as for import" },
	[OPT_BASE_PATH] = { 0, "base-path", "PATH", "as for import" },
	[OPT_BACKEND] = { 0, "backend", "URL", "as for import" },
	{ 0, NULL, NULL, NULL },
};

static const struct args_program program = { "mgw-spec serve",
	"[OPTION]... FILE...|BUNDLE",
	"Guard documents on loopback, behind a lighttpd of its own, and show\n"
	"every step of every decision, until interrupted.",
	options };

struct serve {
	char folder[PATH_BYTES_MAX / 2];
	char bundle[PATH_BYTES_MAX];
	char socket[PATH_BYTES_MAX];
	char mgw[PATH_BYTES_MAX];
	const char **files;
	int n_files;
	const char *policy, *base_path, *backend; /* as given, or NULL */
	unsigned port;
	pid_t gate, server;
};

/* Where an uninstalled build, an installation or PATH have mgw. */
static bool
find_gate(struct serve *s)
{
	static const char *const places[] = { "mgw", "../sbin/mgw" };
	char self[PATH_BYTES_MAX / 2];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash;

	if (n <= 0)
		return false;
	self[n] = '\0';
	slash = strrchr(self, '/');
	if (slash == NULL)
		return false;
	*slash = '\0';
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		snprintf(s->mgw, sizeof(s->mgw), "%s/%s", self, places[i]);
		if (access(s->mgw, X_OK) == 0)
			return true;
	}
	return false;
}

/* The path of lighttpd, which is often not on a user's PATH. */
static const char *
find_lighttpd(void)
{
	static const char *const places[] = { "/usr/sbin/lighttpd",
		"/usr/local/sbin/lighttpd", "/usr/bin/lighttpd" };

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		if (access(places[i], X_OK) == 0)
			return places[i];
	}
	return NULL;
}

/* A port that is free now, or the one that was asked for if it is. */
static unsigned
find_port(unsigned wanted)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)wanted),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
	unsigned port = 0;

	if (fd == -1)
		return 0;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
	    bind(fd, (struct sockaddr *)&a, sizeof(a)) == 0 &&
	    getsockname(fd, (struct sockaddr *)&a, &n) == 0)
		port = ntohs(a.sin_port);
	close(fd);
	return port;
}

static bool
write_server_config(const struct serve *s, const struct bundle *b)
{
	char path[PATH_BYTES_MAX], why[512];
	struct buf to;
	bool ok;

	if (!spec_host_can_say(b, false, "mgw-spec serve"))
		return false;
	buf_init(&to, 1 << 24);
	buf_printf(&to,
	    "server.document-root = \"%s\"\n"
	    "server.bind = \"127.0.0.1\"\n"
	    "server.port = %u\n"
	    "server.upload-dirs = ( \"%s\" )\n",
	    s->folder, s->port, s->folder);
	spec_host_lighttpd(b, s->socket, &to);
	snprintf(path, sizeof(path), "%s/lighttpd.conf", s->folder);
	ok = !to.failed &&
	    file_write(path, buf_span(&to), 0600, why, sizeof(why));
	buf_fini(&to);
	if (!ok)
		fprintf(stderr, "mgw-spec serve: %s: cannot write\n", path);
	return ok;
}

/* A child that ends with us; it gets no descriptor but the standard ones. */
static pid_t
start(const char *path, const char *const *argv)
{
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	if (prctl(PR_SET_PDEATHSIG, SIGTERM) == 0) {
		sigset_t none;

		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		execv(path, (char *const *)(uintptr_t)argv);
	}
	fprintf(stderr, "mgw-spec serve: %s: %s\n", path, strerror(errno));
	_exit(2);
}

static bool
start_gate(struct serve *s)
{
	char listen_at[PATH_BYTES_MAX + 8], state[PATH_BYTES_MAX];
	char config[PATH_BYTES_MAX], why[512];
	const char *argv[] = { s->mgw, "--config", config, "--bundle",
		s->bundle, "--state", state, "--listen", listen_at, NULL };

	snprintf(config, sizeof(config), "%s/mgw.conf", s->folder);
	snprintf(state, sizeof(state), "%s/state", s->folder);
	snprintf(listen_at, sizeof(listen_at), "unix:%s", s->socket);
	/* For one user on loopback, who may well be root. */
	if (!file_write(config,
		SPAN("log-level debug\nevents off\nallow-root yes\n"), 0600,
		why, sizeof(why))) {
		fprintf(stderr, "mgw-spec serve: %s\n", why);
		return false;
	}
	s->gate = start(s->mgw, argv);
	return s->gate > 0;
}

static bool
start_server(struct serve *s, const char *lighttpd)
{
	char config[PATH_BYTES_MAX];
	const char *argv[] = { lighttpd, "-D", "-f", config, NULL };

	snprintf(config, sizeof(config), "%s/lighttpd.conf", s->folder);
	/* lighttpd answers 503 for a while when the socket is not there. */
	for (int i = 0; i < 100 && access(s->socket, F_OK) != 0; i++)
		usleep(50 * 1000);
	s->server = start(lighttpd, argv);
	return s->server > 0;
}

static int
remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st;
	(void)kind;
	(void)at;
	return remove(path);
}

static void
stop(struct serve *s)
{
	const pid_t pids[] = { s->server, s->gate };

	for (int i = 0; i < 2; i++) {
		if (pids[i] > 0) {
			kill(pids[i], SIGTERM);
			waitpid(pids[i], NULL, 0);
		}
	}
	if (s->folder[0] != '\0')
		nftw(s->folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* Until a signal asks us to end (true) or a child has ended (false). */
static bool
wait_for_end(struct serve *s, const sigset_t *signals)
{
	int signal = 0;
	pid_t pid;

	while (sigwait(signals, &signal) == 0) {
		if (signal != SIGCHLD)
			return true;
		while ((pid = waitpid(-1, NULL, WNOHANG)) > 0) {
			s->gate = pid == s->gate ? 0 : s->gate;
			s->server = pid == s->server ? 0 : s->server;
		}
		if (s->gate == 0 || s->server == 0)
			break;
	}
	fprintf(stderr, "mgw-spec serve: %s has ended\n",
	    s->gate == 0 ? "mgw" : "lighttpd");
	return false;
}

/* mgw-spec import, with the options that were given to serve. */
static bool
import_documents(struct serve *s)
{
	const char *const pairs[][2] = { { "-o", s->bundle },
		{ "-p", s->policy }, { "--base-path", s->base_path },
		{ "--backend", s->backend } };
	const char **argv = calloc((size_t)s->n_files + 12, sizeof(*argv));
	int argc = 0, rc;

	if (argv == NULL)
		return false;
	argv[argc++] = "import";
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		if (pairs[i][1] != NULL) {
			argv[argc++] = pairs[i][0];
			argv[argc++] = pairs[i][1];
		}
	}
	argv[argc++] = "--";
	for (int i = 0; i < s->n_files; i++)
		argv[argc++] = s->files[i];
	rc = spec_import(argc, (char **)(uintptr_t)argv);
	free(argv);
	return rc == 0;
}

static bool
prepare(struct serve *s)
{
	const char *tmp = getenv("TMPDIR");
	struct bundle b;
	char why[512];

	snprintf(s->folder, sizeof(s->folder), "%s/mgw-serve-XXXXXX",
	    tmp != NULL && tmp[0] == '/' ? tmp : "/tmp");
	if (mkdtemp(s->folder) == NULL) {
		fprintf(stderr, "mgw-spec serve: %s: %s\n", s->folder,
		    strerror(errno));
		s->folder[0] = '\0';
		return false;
	}
	snprintf(s->socket, sizeof(s->socket), "%s/mgw.sock", s->folder);
	snprintf(s->bundle, sizeof(s->bundle), "%s/mgw.bundle", s->folder);
	if (s->n_files == 1 && bundle_open(&b, s->files[0], why, sizeof(why))) {
		snprintf(s->bundle, sizeof(s->bundle), "%s", s->files[0]);
	} else {
		if (!import_documents(s))
			return false;
		if (!bundle_open(&b, s->bundle, why, sizeof(why))) {
			fprintf(stderr, "mgw-spec serve: %s\n", why);
			return false;
		}
	}
	if (!write_server_config(s, &b)) {
		bundle_close(&b);
		return false;
	}
	bundle_close(&b);
	return true;
}

static int
run(struct serve *s)
{
	const char *lighttpd = find_lighttpd();
	sigset_t signals;
	int rc = 2;

	if (lighttpd == NULL || !find_gate(s)) {
		fprintf(stderr,
		    "mgw-spec serve: %s is missing (Debian package %s)\n",
		    lighttpd == NULL ? "lighttpd" : "mgw",
		    lighttpd == NULL ? "lighttpd" : "mgw");
		return 2;
	}
	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGHUP);
	sigaddset(&signals, SIGCHLD);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	if (!prepare(s))
		rc = 1;
	else if (start_gate(s) && start_server(s, lighttpd)) {
		printf("http://127.0.0.1:%u/ is guarded; end with Ctrl-C\n",
		    s->port);
		fflush(stdout);
		rc = wait_for_end(s, &signals) ? 0 : 2;
	}
	stop(s);
	return rc;
}

/* ARGS_END: go on; ARGS_DONE, ARGS_WRONG: end. */
static int
read_options(struct serve *s, struct args *a)
{
	uint64_t port;
	int opt;

	while ((opt = args_next(a)) != ARGS_END) {
		switch (opt) {
		case OPT_PORT:
			if (!span_to_u64(span_str(a->value), 65535, &port)) {
				args_wrong(&program, "no port: %s", a->value);
				return ARGS_WRONG;
			}
			s->port = (unsigned)port;
			break;
		case OPT_POLICY:
			s->policy = a->value;
			break;
		case OPT_BASE_PATH:
			s->base_path = a->value;
			break;
		case OPT_BACKEND:
			s->backend = a->value;
			break;
		case ARGS_OPERAND:
			s->files[s->n_files++] = a->value;
			break;
		default:
			return opt;
		}
	}
	return opt;
}

int
spec_serve(int argc, char **argv)
{
	struct serve s = { .files = calloc((size_t)argc, sizeof(*s.files)) };
	int opt = ARGS_WRONG, rc = EXIT_TROUBLE;
	struct args a;

	args_init(&a, &program, argc, argv);
	if (s.files != NULL)
		opt = read_options(&s, &a);
	if (opt == ARGS_DONE)
		rc = 0;
	else if (opt == ARGS_END && s.n_files == 0)
		rc = args_wrong(&program, "a document or a bundle");
	else if (opt == ARGS_END && (s.port = find_port(s.port)) == 0)
		fprintf(stderr, "mgw-spec serve: that port is taken\n");
	else if (opt == ARGS_END)
		rc = run(&s);
	free(s.files);
	return rc;
}
