/*
 * test_balance - which endpoint is next, and by which names it goes.
 */
#include <check.h>
#include <stdio.h>

#include "fcgi/balance.h"
#include "policy/override.h"
#include "tests/unit/sample.h"

#define N 4

static struct backend list[N];
static struct backend_life lives[N];
static struct arena arena;
static struct request request = { .client = {
				      .text = SPAN_INIT("192.0.2.1") } };
static const struct principal nobody;

static struct balance_set
make(enum balance balance, unsigned n, const unsigned *weights)
{
	static const char *const urls[N] = { "http://a", "http://b", "http://c",
		"http://d" };
	struct balance_set s = { .balance = balance, .n = n, .list = list };

	for (unsigned i = 0; i < n; i++) {
		list[i] = (struct backend){ .url = span_str(urls[i]),
			.weight = weights != NULL ? weights[i] : 1,
			.life = &lives[i] };
		lives[i].in_flight = 0;
	}
	arena_init(&arena, 4096, 1 << 20);
	ck_assert(balance_init(&s, &arena));
	return s;
}

static unsigned
first(struct balance_set *s)
{
	struct pick p;

	balance_begin(&p, s, &request, &nobody);
	return (unsigned)(balance_next(&p, NULL, NULL) - list);
}

START_TEST(turns_are_taken_by_weight_and_mixed)
{
	const unsigned weights[] = { 5, 1, 2 };
	struct balance_set s = make(BALANCE_ROUND_ROBIN, 3, weights);
	unsigned n[3] = { 0 }, last = 9, run = 0, longest = 0;

	for (int i = 0; i < 800; i++) {
		unsigned k = first(&s);

		n[k]++;
		run = k == last ? run + 1 : 1;
		longest = run > longest ? run : longest;
		last = k;
	}
	ck_assert_uint_eq(n[0], 500);
	ck_assert_uint_eq(n[1], 100);
	ck_assert_uint_eq(n[2], 200);
	ck_assert_uint_le(longest, 3);
	arena_fini(&arena);
}
END_TEST

START_TEST(a_set_is_gone_through_once)
{
	for (int b = 0; b < BALANCE__MAX; b++) {
		struct balance_set s = make((enum balance)b, N, NULL);
		struct pick p;
		unsigned seen = 0;

		balance_begin(&p, &s, &request, &nobody);
		for (unsigned i = 0; i < N; i++) {
			struct backend *next = balance_next(&p, NULL, NULL);

			ck_assert_ptr_nonnull(next);
			ck_assert_uint_eq(seen >> (next - list) & 1, 0);
			seen |= 1U << (next - list);
			ck_assert_uint_eq(balance_left(&p), N - 1 - i);
		}
		ck_assert_ptr_null(balance_next(&p, NULL, NULL));
		arena_fini(&arena);
	}
}
END_TEST

START_TEST(failover_begins_with_the_primary)
{
	struct balance_set s = make(BALANCE_FAILOVER, N, NULL);

	for (int i = 0; i < 10; i++)
		ck_assert_uint_eq(first(&s), 0);
	arena_fini(&arena);
}
END_TEST

START_TEST(the_least_busy_is_taken)
{
	const unsigned weights[] = { 1, 1, 4, 1 };
	struct balance_set s = make(BALANCE_LEAST, N, weights);

	lives[0].in_flight = 3;
	lives[1].in_flight = 1;
	lives[2].in_flight = 4; /* by its weight, not 2 of 1 */
	lives[3].in_flight = 2;
	ck_assert_uint_eq(first(&s), 2);
	lives[2].in_flight = 20;
	ck_assert_uint_eq(first(&s), 1);
	arena_fini(&arena);
}
END_TEST

static bool
is_not_a(void *arg, const struct backend *b)
{
	(void)arg;
	return b != &list[0];
}

START_TEST(a_client_stays_where_it_is)
{
	struct balance_set s = make(BALANCE_HASH, N, NULL);
	unsigned n[N] = { 0 };
	char text[16];

	for (int i = 0; i < 1000; i++) {
		struct pick p;
		unsigned was;

		(void)snprintf(
		    text, sizeof(text), "10.0.%d.%d", i / 250, i % 250);
		request.client.text = span_str(text);
		was = first(&s);
		n[was]++;
		ck_assert_uint_eq(first(&s), was);
		/* Only who was with the one that left is moved. */
		balance_begin(&p, &s, &request, &nobody);
		if (was != 0)
			ck_assert_uint_eq(
			    balance_next(&p, is_not_a, NULL) - list, was);
	}
	for (int i = 0; i < N; i++)
		ck_assert_uint_gt(n[i], 180);
	request.client.text = SPAN("192.0.2.1");
	arena_fini(&arena);
}
END_TEST

START_TEST(an_endpoint_has_the_names_that_documents_give_it)
{
	struct sample s;
	struct row_endpoint row = { 0 };
	struct override o = { 0 };
	struct span names[OVERRIDE_NAMES_MAX];

	sample_begin(&s);
	s.api.title = build_text(s.build, SPAN("Pet \"Shop\""));
	(void)sample_operation(sample_item(&s, "/a", "GET"), "GET");
	row.url = build_text(s.build, SPAN("http://h"));
	row.host = build_text(s.build, SPAN("h"));
	s.api.endpoints =
	    (struct range){ BUILD_ROW(s.build, SECTION_ENDPOINT, &row), 1 };
	sample_end(&s);
	arena_init(&arena, 4096, 1 << 20);
	o.bundle = &s.bundle;
	o.api = bundle_api(&s.bundle, 0);
	o.list = o.api->endpoints;
	ck_assert_uint_eq(override_names(&o, 12, &arena, names), 3);
	ck_assert(span_eq(names[0], SPAN("MGW_ENDPOINT_PET__SHOP__12")));
	ck_assert(span_starts(names[1], SPAN("api_")));
	ck_assert(span_ends(names[1], SPAN("_prod_endpoint_12")));
	ck_assert(span_eq(names[2], SPAN("Pet \"Shop\".1.prod.endpoint.12")));
	o.sandbox = true;
	ck_assert_uint_eq(override_names(&o, 0, &arena, names), 3);
	ck_assert(span_eq(names[0], SPAN("MGW_SANDBOX_PET__SHOP__0")));
	/* An operation without an id cannot be named. */
	o.operation = bundle_operation(&s.bundle, 0);
	o.list.n = 0;
	ck_assert_uint_eq(override_names(&o, 0, &arena, names), 0);
	arena_fini(&arena);
	sample_free(&s);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("balance");
	TCase *t = tcase_create("balance");
	SRunner *r;
	int failed;

	tcase_add_test(t, turns_are_taken_by_weight_and_mixed);
	tcase_add_test(t, a_set_is_gone_through_once);
	tcase_add_test(t, failover_begins_with_the_primary);
	tcase_add_test(t, the_least_busy_is_taken);
	tcase_add_test(t, a_client_stays_where_it_is);
	tcase_add_test(t, an_endpoint_has_the_names_that_documents_give_it);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
