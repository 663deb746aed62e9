/*
 * mgw - the gate: start, serve, end.
 */
#include <errno.h>
#include <limits.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/version.h"
#include "fcgi/check.h"
#include "fcgi/checker.h"
#include "fcgi/fetch.h"
#include "fcgi/handle.h"
#include "fcgi/pool.h"

extern char **environ;

/* Connections to backends that are kept when nobody uses them. */
#define IDLE_BACKENDS_MAX 128
#define WHY_MAX 1024
/*
 * The C library would give every worker a heap of its own, each to grow as
 * large as the busiest needs: 16 workers held 13 MB so.  Large blocks are
 * kept out of the heaps, where each would leave a hole.
 */
#define HEAPS_MAX 2
#define LARGE_BYTES (64 * 1024)

struct process {
	struct config config;
	struct gate gate;
	struct listeners listeners;
	bool cgi;
	char node[HOST_NAME_MAX + 1];
	char why[WHY_MAX];
};

/* Keys and tokens are in our memory: it is not to reach a file. */
static void
keep_secrets(void)
{
	const struct rlimit none = { 0, 0 };

	if (setrlimit(RLIMIT_CORE, &none) != 0 ||
	    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		log_warn("core dumps cannot be turned off errno=%d", errno);
}

/* State, bundle, events: what both kinds of process need. */
static bool
open_gate(struct process *p)
{
	struct gate *g = &p->gate;
	const struct config *c = &p->config;
	const struct state_sizes sizes = { .n_buckets = c->state_counters,
		.n_client_buckets = c->state_counters / 4,
		.n_slides = c->state_slides,
		.n_failures = c->state_counters / 4 };
	struct grants_settings grants = { .folder = c->state,
		.direct = p->cgi,
		.max_waiting = c->threads >= 8 ? c->threads / 4 : 1 };

	g->config = c;
	if (gethostname(p->node, sizeof(p->node) - 1) == 0)
		g->node = span_str(p->node);
	if (!state_set_memory(
		c->state, c->state_memory, p->why, sizeof(p->why)))
		return false;
	g->state = state_open(c->state, &sizes, p->why, sizeof(p->why));
	if (g->state == NULL)
		return false;
	if (!p->cgi && state_is_smaller(g->state, &sizes))
		log_warn("state=%s is smaller than state-counters or "
			 "state-slides say: another gate serves from it, or "
			 "there is no room",
		    c->state);
	g->live = live_open(c, g->state, p->cgi, p->why, sizeof(p->why));
	if (g->live == NULL)
		return false;
	g->rules = rules_open(c->state, g->state);
	if (g->rules == NULL) {
		(void)snprintf(p->why, sizeof(p->why), "out of memory");
		return false;
	}
	g->events = events_open(c->events, p->cgi, p->why, sizeof(p->why));
	if (g->events == NULL)
		return false;
	g->upstreams = upstreams_new(p->cgi ? 1 : IDLE_BACKENDS_MAX);
	(void)snprintf(g->pseudonym, sizeof(g->pseudonym), "mgw-%012llx",
	    (unsigned long long)state_sum(g->state, SPAN("pseudonym")).lo >>
		16);
	grants.state = g->state;
	g->grants = grants_new(&grants);
	if (g->upstreams == NULL || g->grants == NULL)
		(void)snprintf(p->why, sizeof(p->why), "out of memory");
	return g->upstreams != NULL && g->grants != NULL;
}

/* A state in memory is to be on disk as well, now and then. */
static void
keep_state(struct gate *g, int64_t age_us)
{
	static int64_t told_us;
	int64_t now_us = clock_mono_us();
	char why[WHY_MAX];

	if (g->state == NULL ||
	    state_snapshot(g->state, age_us, why, sizeof(why)) ||
	    (told_us != 0 && now_us - told_us < 60 * US_PER_S))
		return;
	told_us = now_us;
	log_error("%s", why);
}

static void
close_gate(struct process *p)
{
	struct gate *g = &p->gate;

	keep_state(g, p->cgi ? p->config.state_snapshot_s * US_PER_S : 0);

	upstreams_free(g->upstreams);
	grants_free(g->grants);
	events_close(g->events);
	live_close(g->live);
	rules_close(g->rules);
	if (g->state != NULL)
		state_close(g->state);
}

/* A CGI process that cannot serve says so; why is in the log only. */
static int
fail_cgi(struct process *p)
{
	static const char answer[] =
	    "Status: 503\r\nContent-Type: application/problem+json\r\n"
	    "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"
	    "\r\n"
	    "{\"type\":\"about:blank\",\"title\":\"Service Unavailable\","
	    "\"status\":503,\"reason\":\"fault\"}\n";

	log_error("%s", p->why);
	/* There is nobody left to tell when this fails. */
	(void)!write(STDOUT_FILENO, answer, sizeof(answer) - 1);
	return 0;
}

static int
run_cgi(struct process *p)
{
	struct exchange *x = exchange_new();
	int fd;

	if (x == NULL || !exchange_begin_cgi(x, environ)) {
		(void)snprintf(p->why, sizeof(p->why), "too many variables");
		return fail_cgi(p);
	}
	exchange_end(x, handle(&p->gate, x, NULL), &fd);
	exchange_free(x);
	close_gate(p);
	return 0;
}

/* The pool's view of the gate. */

static void
pool_keys(void *gate, struct exchange *x, bool deep, struct share_keys *k)
{
	handle_keys(gate, x, deep, k);
}

static bool
pool_serve(void *gate, struct exchange *x, struct share_slot *slot)
{
	return handle(gate, x, slot);
}

static bool
pool_refuse(void *gate, struct exchange *x)
{
	return handle_overload(gate, x);
}

/*
 * Give back what a burst has left behind in the heaps, when it is over:
 * requests that waited for their share leave holes between what is kept.
 */
static void
trim_heaps(unsigned workers, unsigned busy)
{
	static bool worked; /* of the thread that ticks */

	if (busy > 0 && busy >= workers / 4) {
		worked = true;
	} else if (worked && busy == 0) {
		worked = false;
		(void)malloc_trim(0);
	}
}

static void
pool_tick(void *gate, unsigned workers, unsigned busy, bool reload)
{
	struct gate *g = gate;
	const struct generation *now;
	uint64_t lost = events_lost(g->events);

	if (reload) {
		events_reopen(g->events);
		if (g->config->error_log != NULL &&
		    !log_open(g->config->error_log))
			log_error("error-log errno=%d", errno);
	}
	if (lost > 0)
		log_warn("events lost=%llu", (unsigned long long)lost);
	while (lost-- > 0)
		state_tally(g->state, STATE_EVENT_LOST);
	live_refresh(g->live, reload);
	if (g->checker != NULL)
		checker_tick(g->checker);
	rules_refresh(g->rules);
	keep_state(g, g->config->state_snapshot_s * US_PER_S);
	now = live_get(g->live);
	state_process_update(
	    g->state, now->policy.bundle->policy, workers, busy);
	live_put(g->live, now);
	trim_heaps(workers, busy);
}

static int
run_pool(struct process *p)
{
	struct gate *g = &p->gate;
	const struct config *c = &p->config;
	const struct generation *now = live_get(g->live);
	const struct pool_settings set = { .threads = c->threads,
		.queue_time_ms = c->queue_time_ms,
		.peer_secret = c->peer_secret,
		.gate = g,
		.keys = pool_keys,
		.serve = pool_serve,
		.refuse = pool_refuse,
		.tick = pool_tick };
	bool ok;

	state_process_enter(g->state, span_str(c->bundle),
	    now->policy.bundle->policy, c->threads);
	live_put(g->live, now);
	log_info("mgw %s serves bundle=%s state=%s threads=%u", MGW_VERSION,
	    c->bundle, c->state, c->threads);
	g->checker = checker_new(g->live, g->state);
	if (g->checker == NULL)
		log_error("endpoints are not checked errno=%d", errno);
	ok = pool_run(&set, &p->listeners);
	checker_stop(g->checker);
	fetch_stop();
	if (!ok)
		log_error("cannot serve errno=%d", errno);
	log_info("mgw ends");
	state_process_leave(g->state);
	close_gate(p);
	return ok ? 0 : 2;
}

static bool
start(struct process *p, int argc, char **argv)
{
	struct config *c = &p->config;

	if (!config_load(c, argc, argv, environ, p->why, sizeof(p->why)))
		return false;
	log_set_level(c->log_level);
	if (c->check_only)
		return true;
	if (c->error_log != NULL && !log_open(c->error_log)) {
		(void)snprintf(p->why, sizeof(p->why), "%s: %s", c->error_log,
		    strerror(errno));
		return false;
	}
	if (geteuid() == 0 && !c->allow_root) {
		(void)snprintf(p->why, sizeof(p->why),
		    "refuses to run as root; use a user of its own, or "
		    "--allow-root");
		return false;
	}
	if (!exchange_global_init()) {
		(void)snprintf(p->why, sizeof(p->why),
		    "libfcgi reads by itself: it was linked statically or "
		    "with -Bsymbolic");
		return false;
	}
	return p->cgi || listen_open(&p->listeners, c, p->why, sizeof(p->why));
}

int
main(int argc, char **argv)
{
	static struct process p;
	int code;

	keep_secrets();
	/* A file that may not grow is like a full disk: a write that fails. */
	signal(SIGXFSZ, SIG_IGN);
	umask(027);
	p.cgi = getenv("REQUEST_METHOD") != NULL;
	/*
	 * Web servers hand on a query without '=' as arguments (RFC 3875
	 * section 4.4): a client's words, not options.
	 */
	if (p.cgi && argc > 1)
		argc = 1;
	if (!start(&p, argc, argv)) {
		if (p.why[0] == '\0')
			return p.config.exit_code;
		if (p.cgi)
			return fail_cgi(&p);
		log_fatal("%s", p.why);
	}
	if (p.config.check_only)
		return check_run(&p.config);
	if (p.cgi && !open_gate(&p))
		return fail_cgi(&p);
	if (p.cgi)
		return run_cgi(&p);
	if (p.listeners.n == 0) {
		fprintf(stderr,
		    "mgw: no socket to listen on and no CGI request; see "
		    "mgw --help\n");
		return 2;
	}
	pool_block_signals();
	/* Where it has no effect, only more memory is held. */
	(void)mallopt(M_ARENA_MAX, HEAPS_MAX);
	(void)mallopt(M_MMAP_THRESHOLD, LARGE_BYTES);
	if (!open_gate(&p)) {
		listen_close(&p.listeners);
		log_fatal("%s", p.why);
	}
	code = run_pool(&p);
	config_fini(&p.config);
	return code;
}
