/*
 * Which limits a request meets, and what their refusal looks like.
 */
#include "policy/throttle.h"

#include "base/clock.h"
#include "policy/state.h"
#include "sample.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define NOON (INT64_C(1800000000) * US_PER_S)
#define S (uint64_t) US_PER_S

static struct sample sample;
static struct state *state;
static char dir[64];
static struct arena arena;
static struct request request;
static struct receipt receipt;
static struct decision decision;
static struct principal nobody;
static uint32_t api_tier, operation_tier;

static enum take_result
take(void *world, struct take *takes, unsigned n, int64_t now_us)
{
	return state_take(world, takes, n, now_us);
}

static enum take_result
take_fault(void *world, struct take *takes, unsigned n, int64_t now_us)
{
	(void)world, (void)takes, (void)n, (void)now_us;
	return TAKE_FAULT;
}

static struct outside world = { .take = take };

/* A tier with one or two clock windows; count 0: none. */
static uint32_t
add_tier(const char *name, uint32_t flags, uint64_t per_s, uint64_t count,
    uint64_t per_day)
{
	struct row_tier tier = { .flags = flags };
	struct row_limit l = { .algorithm = LIMIT_WINDOW, .burst = 1 };

	tier.name = build_text(sample.build, span_str(name));
	tier.limits.first = build_n(sample.build, SECTION_LIMIT);
	l.count = count;
	l.period_us = per_s * S;
	if (count > 0) {
		(void)BUILD_ROW(sample.build, SECTION_LIMIT, &l);
		tier.limits.n++;
	}
	l.count = per_day;
	l.period_us = 86400 * S;
	if (per_day > 0) {
		(void)BUILD_ROW(sample.build, SECTION_LIMIT, &l);
		tier.limits.n++;
	}
	return BUILD_ROW(sample.build, SECTION_TIER, &tier);
}

static void
setup(void)
{
	static const struct state_sizes sizes = {
		.n_buckets = 1024, .n_verdicts = 16, .n_slides = 64
	};
	char why[256];
	struct sample_item *item;

	snprintf(dir, sizeof(dir), "/tmp/mgw-throttle-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	state = state_open(dir, &sizes, why, sizeof(why));
	ck_assert_msg(state != NULL, "%s", why);
	world.world = state;
	world.take = take;
	arena_init(&arena, 4096, 1 << 16);
	request = (struct request){ .arena = &arena, .now_us = NOON };
	sample_begin(&sample);
	(void)add_tier("Gold", 0, 60, 5, 0);
	(void)add_tier("Two \"limits\"", 0, 60, 5, 8);
	(void)add_tier("Free", TIER_UNLIMITED, 60, 1, 0);
	(void)add_tier("Soft", TIER_PASS_OVER_QUOTA, 60, 2, 0);
	api_tier = add_tier("Api", 0, 60, 20, 0);
	operation_tier = add_tier("Operation", 0, 60, 3, 0);
	item = sample_item(&sample, "/pets", "GET, POST");
	sample_operation(item, "GET")->tier = operation_tier;
	(void)sample_operation(item, "POST");
	sample.api.tier = api_tier;
	sample_end(&sample);
}

/* An API of its own: its backends, and a list of them, may get "few". */
static void
setup_spikes(void)
{
	struct row_spike of_api = { .tier = 0 }, of_list = { .tier = 1 };
	struct row_endpoint e = { .weight = 1 };
	struct sample_item *item;

	setup();
	sample_free(&sample);
	sample_begin(&sample);
	(void)add_tier("Api", 0, 60, 10, 0);
	(void)add_tier("Few", 0, 30, 4, 0);
	(void)add_tier("Gold", 0, 60, 3, 0);
	of_list.name = build_text(sample.build, SPAN("https://a.example"));
	sample.api.spike =
	    (struct range){ BUILD_ROW(sample.build, SECTION_SPIKE, &of_api),
		    1 };
	e.url = of_list.name;
	e.spike =
	    (struct range){ BUILD_ROW(sample.build, SECTION_SPIKE, &of_list),
		    1 };
	sample.api.endpoints =
	    (struct range){ BUILD_ROW(sample.build, SECTION_ENDPOINT, &e), 1 };
	e.spike.n = 0;
	item = sample_item(&sample, "/pets", "GET, POST");
	sample_operation(item, "GET");
	sample_operation(item, "POST")->endpoints =
	    (struct range){ BUILD_ROW(sample.build, SECTION_ENDPOINT, &e), 1 };
	sample_end(&sample);
}

static void
teardown(void)
{
	char path[96];

	sample_free(&sample);
	arena_fini(&arena);
	state_close(state);
	snprintf(path, sizeof(path), "%s/shared", dir);
	unlink(path);
	rmdir(dir);
}

static struct match
match(uint32_t operation)
{
	const struct bundle *b = &sample.bundle;

	return (struct match){ .api = bundle_api(b, 0),
		.item = bundle_item(b, 0),
		.operation = bundle_operation(b, operation) };
}

static struct principal
caller(const char *subject, const char *tier)
{
	return (struct principal){ .scheme = SPAN("key"),
		.issuer = SPAN(""),
		.subject = span_str(subject),
		.tier = span_str(tier) };
}

static bool
ask(uint32_t operation, const struct principal *who)
{
	struct match m = match(operation);

	decision = (struct decision){ 0 };
	return throttle_take(
	    &world, &sample.bundle, &request, &m, who, &receipt, &decision);
}

static int
flood(uint32_t operation, const struct principal *who, int n)
{
	int passed = 0;

	for (int i = 0; i < n; i++)
		passed += ask(operation, who);
	return passed;
}

static const char *
headers(void)
{
	static char text[1024];
	struct buf b;

	buf_init(&b, sizeof(text) - 1);
	throttle_write_headers(&sample.bundle, &receipt, &b);
	ck_assert(!b.failed);
	memcpy(text, buf_span(&b).p, b.n);
	text[b.n] = '\0';
	buf_fini(&b);
	return text;
}

START_TEST(an_operation_is_limited_and_its_sister_is_not)
{
	ck_assert_int_eq(flood(0, &nobody, 9), 3);
	ck_assert_int_eq(decision.reason, REASON_RATE_EXCEEDED);
	ck_assert_uint_eq(decision.retry_after_s, 60);
	ck_assert(span_eq(decision.detail,
	    SPAN("the limit of tier Operation for this operation")));
	/* Six were refused and took nothing from the API's 20. */
	ck_assert_int_eq(flood(1, &nobody, 30), 17);
	ck_assert(span_eq(
	    decision.detail, SPAN("the limit of tier Api for this api")));
}
END_TEST

START_TEST(each_caller_has_a_count_of_its_own)
{
	struct principal a = caller("a", "Gold"), b = caller("b", "Gold");
	struct principal other = a;

	ck_assert_int_eq(flood(1, &a, 9), 5);
	ck_assert_int_eq(flood(1, &b, 9), 5);
	other.issuer = SPAN("https://id.example/");
	ck_assert_int_eq(flood(1, &other, 9), 5);
	/* A tier of another name counts on. */
	a.tier = SPAN("Two \"limits\"");
	ck_assert_int_eq(flood(1, &a, 9), 0);
}
END_TEST

START_TEST(a_long_period_makes_it_a_quota_and_retry_after_the_longest)
{
	struct principal a = caller("a", "Two \"limits\"");

	ck_assert_int_eq(flood(1, &a, 6), 5);
	ck_assert_int_eq(decision.reason, REASON_RATE_EXCEEDED);
	request.now_us += 60 * US_PER_S + 1;
	ck_assert_int_eq(flood(1, &a, 6), 3);
	ck_assert_int_eq(decision.reason, REASON_QUOTA_EXCEEDED);
	/* NOON is 8 hours into a day of UTC. */
	ck_assert_uint_eq(decision.retry_after_s, 86400 - 8 * 3600 - 60);
	ck_assert(span_eq(decision.detail,
	    SPAN("the limit of tier Two _limits_ for this subject")));
}
END_TEST

START_TEST(unlimited_and_passing_tiers_never_refuse)
{
	struct principal free = caller("a", "Free");
	struct principal unlimited = caller("b", "Unlimited");
	struct principal soft = caller("c", "Soft");

	ck_assert_int_eq(flood(1, &free, 5), 5);
	ck_assert_int_eq(flood(1, &unlimited, 5), 5);
	ck_assert_int_eq(throttle_culprit(&receipt), -1);
	ck_assert_int_eq(flood(1, &soft, 5), 5);
	ck_assert_int_eq(throttle_culprit(&receipt), 1);
}
END_TEST

START_TEST(a_tier_that_the_bundle_lacks_is_refused)
{
	struct principal a = caller("a", "Platinum");

	ck_assert(!ask(1, &a));
	ck_assert_int_eq(decision.reason, REASON_CLAIM_REFUSED);
	ck_assert(span_eq(decision.detail, SPAN("unknown tier")));
	a = caller("a", NULL);
	ck_assert(ask(1, &a));
	ck_assert_uint_eq(receipt.n, 1);
}
END_TEST

START_TEST(a_store_that_cannot_tell_is_a_fault)
{
	world.take = take_fault;
	ck_assert(!ask(1, &nobody));
	ck_assert_int_eq(decision.reason, REASON_FAULT);
	ck_assert_uint_eq(receipt.n, 0);
	world.take = NULL;
	ck_assert(!ask(1, &nobody));
	ck_assert_int_eq(decision.reason, REASON_FAULT);
}
END_TEST

START_TEST(headers_tell_every_limit_by_a_name_of_its_own)
{
	struct principal a = caller("a", "Gold");

	ck_assert(ask(1, &a));
	ck_assert_str_eq(headers(),
	    "RateLimit-Policy: \"Gold\";q=5;w=60\r\n"
	    "RateLimit: \"Gold\";r=4;t=60\r\n");
	a.tier = SPAN("Api");
	a.application_tier = SPAN("Api");
	ck_assert(ask(1, &a));
	ck_assert_str_eq(headers(),
	    "RateLimit-Policy: \"Api-application\";q=20;w=60, "
	    "\"Api-subject\";q=20;w=60\r\n"
	    "RateLimit: \"Api-application\";r=19;t=60, "
	    "\"Api-subject\";r=18;t=60\r\n");
	a.application_tier.p = NULL;
	a.tier = SPAN("Two \"limits\"");
	ck_assert(ask(1, &a));
	ck_assert_str_eq(headers(),
	    "RateLimit-Policy: \"Two _limits_-1-60\";q=5;w=60, "
	    "\"Two _limits_-2-86400\";q=8;w=86400\r\n"
	    "RateLimit: \"Two _limits_-1-60\";r=2;t=60, "
	    "\"Two _limits_-2-86400\";r=7;t=57600\r\n");
	receipt.n = 0;
	ck_assert_str_eq(headers(), "");
}
END_TEST

START_TEST(an_api_tier_may_replace_those_of_operations)
{
	struct match m = match(0);
	struct row_api api = *m.api;

	api.flags |= API_TIER_REPLACES;
	m.api = &api;
	ck_assert(throttle_take(&world, &sample.bundle, &request, &m, &nobody,
	    &receipt, &decision));
	ck_assert_uint_eq(receipt.n, 1);
	ck_assert_str_eq(receipt.levels[0], "api");
	throttle_settle(&world, &receipt, NOON, 0, OUTCOME_ANSWERED);
	ck_assert(!receipt.charged);
}
END_TEST

START_TEST(what_backends_may_get_is_of_all_callers_and_takes_from_none)
{
	struct principal ada = caller("ada", "Gold"), bob = caller("bob", NULL);

	for (int i = 0; i < 3; i++)
		ck_assert(ask(0, &ada));
	ck_assert_uint_eq(receipt.n_spikes, 2);
	ck_assert(!receipt.own[0] && !receipt.own[1] && receipt.own[2]);
	/* Her own limit says so, and the backends lose nothing. */
	for (int i = 0; i < 9; i++) {
		ck_assert(!ask(0, &ada));
		ck_assert_int_eq(decision.reason, REASON_RATE_EXCEEDED);
	}
	ck_assert(ask(0, &bob));
	ck_assert(!ask(0, &bob));
	ck_assert_int_eq(decision.reason, REASON_OVERLOADED);
	ck_assert_uint_eq(decision.retry_after_s, 30);
	ck_assert_str_eq(receipt.levels[throttle_culprit(&receipt)], "spike");
	/* Both refuse: it is hers that is told, the longer wait counts. */
	ck_assert(!ask(0, &ada));
	ck_assert_int_eq(decision.reason, REASON_RATE_EXCEEDED);
	ck_assert_str_eq(receipt.levels[throttle_culprit(&receipt)], "subject");
	ck_assert_uint_eq(decision.retry_after_s, 60);
	/* Other backends, of the same API: six are left of its ten. */
	for (int i = 0; i < 6; i++)
		ck_assert(ask(1, &bob));
	ck_assert(!ask(1, &bob));
	ck_assert_int_eq(decision.reason, REASON_OVERLOADED);
	ck_assert_uint_eq(decision.retry_after_s, 60);
	request.now_us += 30 * US_PER_S;
	ck_assert(!ask(0, &bob));
	request.now_us += 30 * US_PER_S;
	ck_assert(ask(0, &ada));
	ck_assert_uint_eq(receipt.takes[2].remaining, 2);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("throttle");
	TCase *c = tcase_create("throttle"), *spikes = tcase_create("spikes");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, an_operation_is_limited_and_its_sister_is_not);
	tcase_add_test(c, each_caller_has_a_count_of_its_own);
	tcase_add_test(
	    c, a_long_period_makes_it_a_quota_and_retry_after_the_longest);
	tcase_add_test(c, unlimited_and_passing_tiers_never_refuse);
	tcase_add_test(c, a_tier_that_the_bundle_lacks_is_refused);
	tcase_add_test(c, a_store_that_cannot_tell_is_a_fault);
	tcase_add_test(c, headers_tell_every_limit_by_a_name_of_its_own);
	tcase_add_test(c, an_api_tier_may_replace_those_of_operations);
	tcase_add_checked_fixture(spikes, setup_spikes, teardown);
	tcase_add_test(spikes,
	    what_backends_may_get_is_of_all_callers_and_takes_from_none);
	suite_add_tcase(s, c);
	suite_add_tcase(s, spikes);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed > 0;
}
