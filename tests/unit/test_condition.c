/*
 * test_condition - what of a request a condition sees, and which rows of a
 * bundle are none.  What holds when is also in tests/golden/conditions.
 */
#include "sample.h"

#include <stdlib.h>

#include "base/clock.h"
#include "policy/condition.h"
#include "policy/deny.h"

#define NOON (INT64_C(1800000000) * US_PER_S)

static struct sample sample;
static struct arena arena;
static struct request request;
static struct field fields[1];
static struct decision decision;
static struct row_condition rows[4];
static uint32_t n_rows;

static void
setup(void)
{
	struct row_name name = { .kind = NAME_HEADER };

	arena_init(&arena, 65536, 1 << 20);
	sample_begin(&sample);
	name.name = build_text(sample.build, SPAN("HTTP_X_PLAN"));
	name.shown = build_text(sample.build, SPAN("X-Plan"));
	(void)BUILD_ROW(sample.build, SECTION_NAME, &name);
	sample_operation(sample_item(&sample, "/", "GET"), "GET");
	n_rows = 0;
	request = (struct request){ .arena = &arena,
		.now_us = NOON,
		.method = SPAN("GET"),
		.fields = fields };
	fields[0] = (struct field){ { NULL, 0 }, 0 };
}

static void
teardown(void)
{
	arena_fini(&arena);
	sample_free(&sample);
}

static struct range
values(const char *text)
{
	struct span s = span_str(text);

	return text != NULL ? build_strings(sample.build, &s, 1)
			    : (struct range){ 0, 0 };
}

static struct row_condition
row(enum condition_kind kind)
{
	return (struct row_condition){
		.kind = kind, .tier = ROW_NONE, .name = ROW_NONE
	};
}

/* All rows are written, and the first is a deny rule. */
static bool
finish(void)
{
	char why[200];

	for (uint32_t i = 0; i < n_rows; i++)
		(void)BUILD_ROW(sample.build, SECTION_CONDITION, &rows[i]);
	sample.settings.deny = (struct range){ 0, 1 };
	sample_write(&sample);
	return bundle_from(
	    &sample.bundle, buf_span(&sample.bytes), why, sizeof(why));
}

static bool
holds(const struct principal *who)
{
	struct condition_call c = {
		.bundle = &sample.bundle, .request = &request, .who = who
	};

	return condition_holds(&c, 0);
}

static const struct {
	const char *claims, *path, *value;
	bool holds;
} claims[] = {
	{ "{\"plan\":\"gold\"}", "plan", "gold", true },
	{ "{\"plan\":\"gold\"}", "plan", "Gold", false },
	{ "{\"plan\":\"golden\"}", "plan", "gold", false },
	{ "{\"plan\":[\"a\",\"gold\"]}", "plan", "gold", true },
	{ "{\"plan\":\"gold\"}", "plan", NULL, true },
	{ "{\"plan\":null}", "plan", NULL, false },
	{ "{\"a\":{\"plan\":\"gold\"}}", "a.plan", "gold", true },
	{ "{\"a\":{\"plan\":\"gold\"}}", "plan", "gold", false },
	{ "{\"age\":7}", "age", "7", true },
	{ "", "plan", NULL, false },
};

START_TEST(a_claim_is_seen_of_verified_tokens_alone)
{
	struct principal who = { .scheme = SPAN("s"),
		.claims = span_str(claims[_i].claims) };

	rows[0] = row(CONDITION_CLAIM);
	rows[0].path = build_text(sample.build, span_str(claims[_i].path));
	rows[0].values = values(claims[_i].value);
	n_rows = 1;
	ck_assert(finish());
	ck_assert(condition_asks_who(&sample.bundle, 0));
	ck_assert_int_eq(holds(&who), claims[_i].holds);
	ck_assert(!holds(NULL));
}
END_TEST

START_TEST(an_issuer_is_that_of_the_credential)
{
	struct principal who = { .scheme = SPAN("s"), .issuer = SPAN("me") };

	rows[0] = row(CONDITION_ISSUER);
	rows[0].flags = CONDITION_NOT;
	rows[0].values = values("me");
	n_rows = 1;
	ck_assert(finish());
	ck_assert(!holds(&who));
	who.issuer = SPAN("other");
	ck_assert(holds(&who));
	ck_assert(holds(NULL));
}
END_TEST

START_TEST(a_field_that_comes_twice_is_refused_where_a_rule_denies_by_it)
{
	struct match m = { 0 };

	rows[0] = row(CONDITION_FIELD);
	rows[0].name = 0;
	rows[0].values = values("old");
	n_rows = 1;
	ck_assert(finish());
	m.api = bundle_api(&sample.bundle, 0);
	ck_assert(deny_has_rules(&sample.bundle, &request));
	ck_assert(deny_check(&sample.bundle, &request, &m, NULL, &decision));
	fields[0] = (struct field){ SPAN("new"), 1 };
	ck_assert(deny_check(&sample.bundle, &request, &m, NULL, &decision));
	fields[0].n = 2;
	ck_assert(!deny_check(&sample.bundle, &request, &m, NULL, &decision));
	ck_assert_int_eq(decision.reason, REASON_BAD_REQUEST);
	fields[0] = (struct field){ SPAN("old"), 1 };
	ck_assert(!deny_check(&sample.bundle, &request, &m, NULL, &decision));
	ck_assert_int_eq(decision.reason, REASON_BLOCKED);
	ck_assert_str_eq(decision.level, "deny");
}
END_TEST

enum damage {
	DAMAGE_NONE,
	DAMAGE_KIND,
	DAMAGE_FLAGS,
	DAMAGE_NAME,
	DAMAGE_NO_NAME,
	DAMAGE_TIER,
	DAMAGE_ITSELF,
	DAMAGE_EMPTY,
	DAMAGE_BITS,
	DAMAGE_TIME,
	DAMAGE_ZONE,
	DAMAGE_NO_VALUES,
	DAMAGE__MAX
};

START_TEST(rows_that_are_no_condition_are_damage)
{
	rows[0] = row(CONDITION_ALL);
	rows[0].parts = (struct range){ 1, 2 };
	rows[1] = row(CONDITION_ADDRESS);
	rows[2] = row(CONDITION_FIELD);
	rows[2].name = 0;
	n_rows = 3;
	switch ((enum damage)_i) {
	case DAMAGE_KIND:
		rows[1].kind = CONDITION_KIND__MAX;
		break;
	case DAMAGE_FLAGS:
		rows[1].flags = 2;
		break;
	case DAMAGE_NAME:
		rows[2].name = 1;
		break;
	case DAMAGE_NO_NAME:
		rows[2].name = ROW_NONE;
		break;
	case DAMAGE_TIER:
		rows[0].tier = 0;
		break;
	case DAMAGE_ITSELF:
		rows[0].parts = (struct range){ 0, 2 };
		break;
	case DAMAGE_EMPTY:
		rows[0].parts.n = 0;
		break;
	case DAMAGE_BITS:
		rows[1].bits = 129;
		break;
	case DAMAGE_TIME:
		rows[1] = row(CONDITION_TIME);
		rows[1].until_s = 86401;
		break;
	case DAMAGE_ZONE:
		rows[1] = row(CONDITION_TIME);
		rows[1].zone = 1;
		break;
	case DAMAGE_NO_VALUES:
		rows[1] = row(CONDITION_METHOD);
		break;
	default:
		break;
	}
	ck_assert_int_eq(finish(), _i == DAMAGE_NONE);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("condition");
	TCase *t = tcase_create("condition");
	SRunner *run = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, a_claim_is_seen_of_verified_tokens_alone, 0,
	    sizeof(claims) / sizeof(claims[0]));
	tcase_add_test(t, an_issuer_is_that_of_the_credential);
	tcase_add_test(
	    t, a_field_that_comes_twice_is_refused_where_a_rule_denies_by_it);
	tcase_add_loop_test(
	    t, rows_that_are_no_condition_are_damage, 0, DAMAGE__MAX);
	suite_add_tcase(s, t);
	srunner_run_all(run, CK_NORMAL);
	failed = srunner_ntests_failed(run);
	srunner_free(run);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
