/*
 * micro - what the pieces of a decision cost, each in a loop of its own.
 *
 *	micro		takes, certificates and route matches, with few and with
 *many
 *
 * One line a measurement: what, nanoseconds each, and the target.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "policy/application.h"
#include "policy/build.h"
#include "policy/certificate.h"
#include "policy/route.h"
#include "policy/state.h"
#include "tests/unit/test_pem.h"

#define KEYS 1000000
#define LOOPS 2000000
#define ROUNDS 5
#define LEVELS 5
#define THREADS_MAX 64
#define BATCH 256 /* requests prepared before they are matched */

static char why[300];

static void
die(const char *what)
{
	fprintf(stderr, "micro: %s: %s\n", what, why);
	exit(1);
}

static double
now_ns(void)
{
	struct timespec t;

	/* Of this thread: others on the machine are not to be counted. */
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void
report(const char *what, double each_ns, double target_ns)
{
	printf("%-60s %8.0f ns", what, each_ns);
	if (target_ns > 0)
		printf("  (<= %.0f) %s", target_ns,
		    each_ns <= target_ns ? "reached" : "MISSED");
	printf("\n");
}

static uint64_t
random_next(void)
{
	static uint64_t x = 88172645463325252;

	x ^= x << 13;
	x ^= x >> 7;
	return x ^= x << 17;
}

static struct state *certificate_state;

static bool
recall(void *world, const struct span *parts, unsigned n, struct arena *a,
    struct verdict *v)
{
	(void)world;
	return state_recall(certificate_state, parts, n, a, v);
}

static void
remember(
    void *world, const struct span *parts, unsigned n, const struct verdict *v)
{
	(void)world;
	state_remember(certificate_state, parts, n, v);
}

/* A client's certificate, as a web server passes it, "n" times. */
static double
certificates(const struct outside *world, unsigned n)
{
	const struct param params[] = { { SPAN("SSL_CLIENT_VERIFY"),
					    SPAN("SUCCESS") },
		{ SPAN("SSL_CLIENT_CERT"), SPAN(TEST_PEM) } };
	struct arena a;
	struct request r = { .params = params,
		.n_params = 2,
		.arena = &a,
		.now_us = clock_wall_us() };
	double start;

	arena_init(&a, 16384, 1 << 20);
	start = now_ns();
	for (unsigned i = 0; i < n; i++) {
		struct certificate c;
		struct decision d;

		if (!certificate_of(world, &r, &c, &d))
			die("certificate");
		arena_reset(&a);
	}
	start = (now_ns() - start) / n;
	arena_fini(&a);
	return start;
}

static void
measure_certificates(struct state *s)
{
	const struct outside world = { .recall = recall, .remember = remember };

	certificate_state = s;
	report("a client certificate, read", certificates(NULL, 2000), 0);
	report(
	    "a client certificate, known", certificates(&world, 20000), 10000);
}

/* "n" takes, each of one of "keys" callers. */
static double
takes(struct state *s, const struct row_limit *l, unsigned n, unsigned keys)
{
	int64_t now_us = clock_wall_us();
	double start = now_ns();

	for (unsigned i = 0; i < n; i++) {
		uint64_t k = keys == 1 ? 0 : random_next() % keys;
		struct take t = { .limit = l,
			.parts = { SPAN("subject"), SPAN("issuer"),
			    span_of((const char *)&k, sizeof(k)) },
			.n_parts = 3 };

		if (state_take(s, &t, 1, now_us) != TAKE_ALLOWED) {
			snprintf(why, sizeof(why), "take %u refused", i);
			die("state");
		}
	}
	return (now_ns() - start) / n;
}

/* The least of some rounds: whatever disturbs only ever adds. */
static double
best_takes(struct state *s, const struct row_limit *l, unsigned keys)
{
	double least = takes(s, l, LOOPS / ROUNDS, keys);

	for (int i = 1; i < ROUNDS; i++) {
		double ns = takes(s, l, LOOPS / ROUNDS, keys);

		if (ns < least)
			least = ns;
	}
	return least;
}

/* One take of all levels of a request, each a counter of its own. */
static double
levels(struct state *s, const struct row_limit *l, unsigned n)
{
	static const char names[LEVELS] = "abcde";
	int64_t now_us = clock_wall_us();
	struct take t[LEVELS];
	double start = now_ns();

	for (unsigned i = 0; i < n; i++) {
		for (unsigned k = 0; k < LEVELS; k++)
			t[k] = (struct take){ .limit = l,
				.parts = { span_of(&names[k], 1),
				    SPAN("issuer"), SPAN("subject") },
				.n_parts = 3 };
		if (state_take(s, t, LEVELS, now_us) != TAKE_ALLOWED)
			die("levels");
	}
	return (now_ns() - start) / n;
}

struct crowd {
	pthread_t thread;
	struct state *state;
	const struct row_limit *limit;
	double each_ns;
};

static void *
crowd_run(void *arg)
{
	struct crowd *c = arg;

	c->each_ns = takes(c->state, c->limit, LOOPS / ROUNDS, 1);
	return NULL;
}

/* Every core takes from the same counter; what the slowest needed. */
static double
crowded(struct state *s, const struct row_limit *l)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);
	struct crowd crowd[THREADS_MAX];
	double most = 0;

	if (n < 1 || n > THREADS_MAX)
		n = THREADS_MAX;
	for (long i = 0; i < n; i++) {
		crowd[i] = (struct crowd){ .state = s, .limit = l };
		if (pthread_create(
			&crowd[i].thread, NULL, crowd_run, &crowd[i]) != 0)
			die("threads");
	}
	for (long i = 0; i < n; i++) {
		pthread_join(crowd[i].thread, NULL);
		if (crowd[i].each_ns > most)
			most = crowd[i].each_ns;
	}
	return most;
}

static double
best_levels(struct state *s, const struct row_limit *l)
{
	double least = levels(s, l, LOOPS / ROUNDS / LEVELS);

	for (int i = 1; i < ROUNDS; i++) {
		double ns = levels(s, l, LOOPS / ROUNDS / LEVELS);

		if (ns < least)
			least = ns;
	}
	return least;
}

static double
best_crowded(struct state *s, const struct row_limit *l)
{
	double least = crowded(s, l);

	for (int i = 1; i < ROUNDS; i++) {
		double ns = crowded(s, l);

		if (ns < least)
			least = ns;
	}
	return least;
}

static void
measure_takes(void)
{
	char dir[] = "/tmp/mgw-micro.XXXXXX", file[64];
	struct state_sizes sizes = { .n_buckets = 1u << 21 };
	const struct row_limit bucket = { .algorithm = LIMIT_TOKEN_BUCKET,
		.count = 1000000000,
		.period_us = 3600 * US_PER_S,
		.burst = 1000000000 };
	const struct row_limit window = { .algorithm = LIMIT_WINDOW,
		.count = 1000000000,
		.period_us = 3600 * US_PER_S };
	const struct row_limit sliding = { .algorithm = LIMIT_SLIDING,
		.count = 1000000000,
		.period_us = 3600 * US_PER_S };
	struct state *s;

	if (mkdtemp(dir) == NULL)
		die("mkdtemp");
	snprintf(file, sizeof(file), "%s/state", dir);
	s = state_open(file, &sizes, why, sizeof(why));
	if (s == NULL)
		die("state_open");
	report("throttle: a take, one key", best_takes(s, &bucket, 1), 200);
	report("throttle: a take of a window, one key",
	    best_takes(s, &window, 1), 200);
	report("throttle: a take of a sliding window, one key",
	    best_takes(s, &sliding, 1), 200);
	report("throttle: a take, every core on one key",
	    best_crowded(s, &bucket), 1000);
	report(
	    "throttle: a take of five levels", best_levels(s, &bucket), 1000);
	(void)takes(s, &bucket, 2 * KEYS, KEYS);
	report("throttle: a take, a million random keys",
	    best_takes(s, &bucket, KEYS), 400);
	measure_certificates(s);
	state_close(s);
	snprintf(file, sizeof(file), "%s/state/shared", dir);
	unlink(file);
	snprintf(file, sizeof(file), "%s/state", dir);
	if (rmdir(file) != 0 || rmdir(dir) != 0)
		fprintf(stderr, "micro: %s is left\n", dir);
}

static void
add_operation(struct build *b, uint32_t number)
{
	struct row_operation op = { .tier = ROW_NONE,
		.max_body_bytes = UINT64_MAX,
		.item = number,
		.method = build_text(b, SPAN("GET")) };
	struct row_item item = { .allow = build_text(b, SPAN("GET, HEAD")),
		.operations = { number, 1 } };
	struct build_place place;
	const char *text = "";
	char path[64];
	int n = snprintf(path, sizeof(path), "/group%u/thing%u/{id}/part",
	    number % 100, number);

	item.path = build_text(b, span_of(path, (size_t)n));
	if (!build_path(b, span_of(path, (size_t)n), &place, &text))
		die(text);
	item.variables = place.variables;
	(void)BUILD_ROW(b, SECTION_OPERATION, &op);
	(void)BUILD_ROW(b, SECTION_ITEM, &item);
	build_set_item(b, &place, number);
}

static void
make_bundle(struct bundle *to, uint32_t operations)
{
	struct build *b = build_new();
	struct row_settings settings = { .max_uri_bytes = 4096,
		.max_header_bytes = 8192,
		.max_body_bytes = UINT64_MAX };
	struct row_api api = { .tier = ROW_NONE, .max_body_bytes = UINT64_MAX };
	struct buf bytes = { 0 };

	if (b == NULL)
		die("build_new");
	settings.realm = build_text(b, SPAN("mgw"));
	api.title = build_text(b, SPAN("Many"));
	api.version = build_text(b, SPAN("1"));
	api.operations = (struct range){ 0, operations };
	(void)BUILD_ROW(b, SECTION_SETTINGS, &settings);
	for (uint32_t i = 0; i < operations; i++)
		add_operation(b, i);
	(void)BUILD_ROW(b, SECTION_API, &api);
	if (!build_finish(b, &bytes) ||
	    !bundle_from(to, buf_span(&bytes), why, sizeof(why)))
		die("bundle");
	buf_fini(&bytes);
	build_free(b);
}

/* Read a request of a random operation. */
static void
prepare(const struct bundle *b, uint32_t operations, struct arena *a,
    struct request *r)
{
	struct request_rules rules = { .strip_prefix = SPAN("") };
	uint32_t k = (uint32_t)(random_next() % operations);
	struct param *params = arena_calloc(a, 4, sizeof(*params));
	struct decision d = { .reason = REASON_NONE };

	if (params == NULL)
		die("memory");
	params[0] = (struct param){ SPAN("REQUEST_METHOD"), SPAN("GET") };
	params[1] = (struct param){ SPAN("REQUEST_URI"),
		arena_printf(
		    a, "/group%u/thing%u/%u/part", k % 100, k, k & 1023) };
	params[2] = (struct param){ SPAN("HTTP_HOST"), SPAN("a") };
	params[3] = (struct param){ SPAN("SERVER_PROTOCOL"), SPAN("HTTP/1.1") };
	*r = (struct request){
		.params = params, .n_params = 4, .arena = a, .now_us = 1
	};
	if (!request_read(r, b, &rules, &d))
		die(reason_word(d.reason));
}

/* Nanoseconds a match, of requests that were read before. */
static double
matches(const struct bundle *b, uint32_t operations, struct arena *a)
{
	static struct request requests[BATCH];
	double spent = 0;

	for (unsigned i = 0; i < LOOPS / ROUNDS / BATCH; i++) {
		struct decision d = { .reason = REASON_NONE };
		struct match m;
		double start;

		for (unsigned k = 0; k < BATCH; k++)
			prepare(b, operations, a, &requests[k]);
		start = now_ns();
		for (unsigned k = 0; k < BATCH; k++)
			if (!route_match(b, &requests[k], &m, &d))
				die(reason_word(d.reason));
		spent += now_ns() - start;
		arena_reset(a);
	}
	return spent / (LOOPS / ROUNDS / BATCH * BATCH);
}

static double
best_matches(const struct bundle *b, uint32_t operations, struct arena *a)
{
	double least = matches(b, operations, a);

	for (int i = 1; i < ROUNDS; i++) {
		double ns = matches(b, operations, a);

		if (ns < least)
			least = ns;
	}
	return least;
}

static void
measure_matches(void)
{
	struct bundle few, many;
	struct arena a;
	double of_few, of_many;

	arena_init(&a, 2 * 1024 * 1024, 16 * 1024 * 1024);
	make_bundle(&few, 10);
	make_bundle(&many, 100000);
	of_few = best_matches(&few, 10, &a);
	of_many = best_matches(&many, 100000, &a);
	report("route match, 10 operations", of_few, 0);
	report("route match, 100,000 operations, more than with 10",
	    of_many - of_few, 500);
	bundle_close(&few);
	bundle_close(&many);
	arena_fini(&a);
}

/* One of 100,000 applications, by a client id: its line is read. */
static void
measure_applications(void)
{
	const unsigned n_apps = 100000, n = LOOPS / 10;
	struct applications *f;
	struct application app;
	struct arena a;
	struct buf b;
	double start;
	char id[32];

	buf_init(&b, APPLICATIONS_BYTES_MAX);
	for (unsigned i = 0; i < n_apps; i++)
		buf_printf(&b,
		    "app%u active name=\"Application %u\" owner=o tier=Gold "
		    "group=partners subscription=Books/1:Gold "
		    "client=\"https://id.example/ client-%u\"\n",
		    i, i, i);
	f = applications_new(buf_span(&b), why, sizeof(why));
	if (f == NULL)
		die("applications");
	arena_init(&a, 16384, 1 << 20);
	start = now_ns();
	for (unsigned i = 0; i < n; i++) {
		struct application_key key = { .by = APPLICATION_BY_CLIENT,
			.first = SPAN("https://id.example/") };
		int len = snprintf(id, sizeof(id), "client-%u",
		    (unsigned)(random_next() % n_apps));

		key.second = span_of(id, (size_t)len);
		if (applications_find(f, &key, &a, &app) != APPLICATIONS_FOUND)
			die("application not found");
		arena_reset(&a);
	}
	report("application of 100,000, by a random client id",
	    (now_ns() - start) / n, 0);
	applications_free(f);
	arena_fini(&a);
	buf_fini(&b);
}

int
main(void)
{
	measure_takes();
	measure_matches();
	measure_applications();
	return 0;
}
