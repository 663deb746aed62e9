/*
 * test_issue - what a user may say of the life of a key.
 */
#include "policy/issue.h"

#include <check.h>

#include "guard.h"

static const struct {
	const char *body;
	bool good;
	uint32_t life_s;
} bodies[] = {
	{ "", true, 1000 },
	{ " \t ", true, 1000 },
	{ "{}", true, 1000 },
	{ "{\"validityTime\":600}", true, 600 },
	{ " { \"validityTime\" : 1 } ", true, 1 },
	{ "{\"validityTime\":1000}", true, 1000 },
	{ "{\"validityTime\":1001}", true, 1000 },
	{ "{\"validityTime\":4294967297}", true, 1000 },
	{ "{\"validityTime\":9223372036854775807}", true, 1000 },
	{ "{\"validityTime\":9223372036854775808}", false, 0 },
	{ "{\"x\":[{\"validityTime\":1}],\"validityTime\":7}", true, 7 },
	{ "{\"validitytime\":1}", true, 1000 },
	{ "{\"\\u0076alidityTime\":5}", true, 5 },
	{ "{\"validityTime\":0}", false, 0 },
	{ "{\"validityTime\":-1}", false, 0 },
	{ "{\"validityTime\":1.5}", false, 0 },
	{ "{\"validityTime\":1e3}", false, 0 },
	{ "{\"validityTime\":\"600\"}", false, 0 },
	{ "{\"validityTime\":null}", false, 0 },
	{ "{\"validityTime\":[600]}", false, 0 },
	{ "{\"validityTime\":1,\"validityTime\":2}", false, 0 },
	{ "{\"validityTime\":1", false, 0 },
	{ "{\"validityTime\":1}}", false, 0 },
	{ "{\"validityTime\":1} {}", false, 0 },
	{ "{\"x\":[[[[[[[[[[]]]]]]]]]]}", false, 0 },
	{ "{", false, 0 },
	{ "[]", false, 0 },
	{ "600", false, 0 },
	{ "x", false, 0 },
};

START_TEST(a_life_is_read_or_refused_and_never_longer_than_allowed)
{
	struct guard g = guard_new(span_str(bodies[_i].body));
	uint32_t life_s = 1000;
	struct arena a;
	bool good;

	arena_init(&a, 4096, 1 << 20);
	good = issue_read_life(g.text, &a, &life_s);
	ck_assert_msg(good == bodies[_i].good, "%s", bodies[_i].body);
	if (good)
		ck_assert_uint_eq(life_s, bodies[_i].life_s);
	ck_assert_uint_le(life_s, 1000);
	arena_fini(&a);
	guard_free(&g);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("issue");
	TCase *c = tcase_create("issue");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_loop_test(c,
	    a_life_is_read_or_refused_and_never_longer_than_allowed, 0,
	    sizeof(bodies) / sizeof(bodies[0]));
	suite_add_tcase(s, c);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
