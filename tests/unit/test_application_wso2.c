/*
 * What WSO2's API Manager says of applications, put together.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "guard.h"
#include "policy/application.h"
#include "policy/application_wso2.h"

#define APIS "{\"list\":[{\"apiId\":1,\"name\":\"A\",\"version\":\"1\"}]}"
#define APPS "[{\"id\":2,\"name\":\"n\",\"subName\":\"o\",\"policy\":\"T\"}]"

static const struct {
	const char *documents[APPLICATION_WSO2__MAX];
	const char *text; /* NULL: refused */
	const char *why;
	unsigned n_left_out;
} joins[] = {
	{ { "[]", "[]", "[]", "[]" }, "", NULL, 0 },
	{ { "{\"count\":0,\"list\":[]}", "[]", "[]", "[]" }, "", NULL, 0 },
	{ { APIS, APPS, "[]", "[]" }, "2 active name=n owner=o tier=T\n", NULL,
	    0 },
	{ { APIS,
	      "[{\"id\":\"b-1\",\"name\":\"m\",\"subName\":\"o\"},"
	      "{\"id\":10,\"name\":\"n\",\"subName\":\"o\",\"uuid\":\"u\"}]",
	      "[{\"applicationId\":\"b-1\",\"consumerKey\":\"k\","
	      "\"keyType\":\"PRODUCTION\"},"
	      "{\"applicationId\":10,\"consumerKey\":\"c d\","
	      "\"keyType\":\"SANDBOX\",\"keyManager\":\"Default\"},"
	      "{\"applicationId\":11,\"consumerKey\":\"x\","
	      "\"keyType\":\"SANDBOX\",\"keyManager\":\"Default\"}]",
	      "[{\"appId\":10,\"apiId\":1,\"policyId\":\"G\","
	      "\"subscriptionState\":\"UNBLOCKED\"},"
	      "{\"appId\":\"b-1\",\"apiId\":1,"
	      "\"subscriptionState\":\"BLOCKED\"}]" },
	    "10 active name=n owner=o uuid=u subscription=A/1:G"
	    " sandbox-client=\"https://i/ c d\"\n"
	    "b-1 active name=m owner=o blocked-api=A/1"
	    " client=\"https://i/ k\"\n",
	    NULL, 0 },
	/* Left out: another manager, no type, another API; on hold. */
	{ { APIS, APPS,
	      "[{\"applicationId\":2,\"consumerKey\":\"k\","
	      "\"keyType\":\"PRODUCTION\",\"keyManager\":\"X\"},"
	      "{\"applicationId\":2,\"consumerKey\":\"l\","
	      "\"keyType\":\"OTHER\",\"keyManager\":\"Default\"},"
	      "{\"applicationId\":2,\"consumerKey\":\"m\\u0001\","
	      "\"keyType\":\"SANDBOX\",\"keyManager\":\"Default\"}]",
	      "[{\"appId\":2,\"apiId\":9,"
	      "\"subscriptionState\":\"UNBLOCKED\"},"
	      "{\"appId\":2,\"apiId\":1,"
	      "\"subscriptionState\":\"ON_HOLD\"}]" },
	    "2 active name=n owner=o tier=T\n", NULL, 4 },
	{ { APIS,
	      "[{\"id\":2,\"name\":\"a\\nb active\",\"subName\":\"\\u007f\","
	      "\"policy\":\"x\\n\"}]",
	      "[]", "[]" },
	    "2 active name=\"a_b active [#2]\" owner=\"_ [#2]\"\n", NULL, 0 },
	/* Who can guess what a name becomes takes it from nobody. */
	{ { APIS,
	      "[{\"id\":2,\"name\":\"a\\n\",\"subName\":\"o\"},"
	      "{\"id\":3,\"name\":\"a_ #2\",\"subName\":\"o\"},"
	      "{\"id\":4,\"name\":\"a_ [#2]\",\"subName\":\"o\"},"
	      "{\"id\":5,\"name\":\"a_ [#2] [#4]\",\"subName\":\"o\"}]",
	      "[]", "[]" },
	    "2 active name=\"a_ [#2]\" owner=o\n"
	    "3 active name=\"a_ #2\" owner=o\n"
	    "4 active name=\"a_ [#2] [#4]\" owner=o\n"
	    "5 active name=\"a_ [#2] [#4] [#5]\" owner=o\n",
	    NULL, 0 },
	{ { APIS, "[{\"id\":2,\"name\":\"a\\\" tier=T\",\"subName\":\"o\"}]",
	      "[]", "[]" },
	    "2 active name=\"a\\\" tier=T\" owner=o\n", NULL, 0 },
	{ { "", "[]", "[]", "[]" }, NULL, "apis: no object with a list", 0 },
	{ { "[]", "null", "[]", "[]" }, NULL,
	    "applications: no object with a list", 0 },
	{ { "[]", "[1]", "[]", "[]" }, NULL, "applications: no list of objects",
	    0 },
	{ { "[]", "[]", "{}", "[]" }, NULL,
	    "application-key-mappings: no object with a list", 0 },
	{ { "[]", "[]", "[]", "{\"count\":1,\"list\":[]}" }, NULL,
	    "subscriptions: the list is not as long as its count", 0 },
	{ { "[]", "[]", "[]", "[]x" }, NULL, "subscriptions: no strict JSON",
	    0 },
	{ { "[]", "[{\"id\":2,\"id\":3}]", "[]", "[]" }, NULL,
	    "applications: no strict JSON", 0 },
	{ { "[]", "[{\"id\":2,\"name\":\"n\"}]", "[]", "[]" }, NULL,
	    "applications: an entry lacks a member", 0 },
	{ { "[]", "[{\"id\":[2],\"name\":\"n\",\"subName\":\"o\"}]", "[]",
	      "[]" },
	    NULL, "applications: an entry lacks a member", 0 },
	{ { "[]", "[{\"id\":\"a b\",\"name\":\"n\",\"subName\":\"o\"}]", "[]",
	      "[]" },
	    NULL, "all of them together: an id is none", 0 },
};

START_TEST(four_documents_become_one_file_or_none)
{
	const struct application_issuer issuer = { SPAN("Default"),
		SPAN("https://i/") };
	struct span documents[APPLICATION_WSO2__MAX];
	struct guard g[APPLICATION_WSO2__MAX];
	struct applications *f;
	char why[200] = "";
	unsigned n = 0;
	struct buf to;
	bool ok;

	buf_init(&to, 1 << 20);
	for (int i = 0; i < APPLICATION_WSO2__MAX; i++) {
		g[i] = guard_new(span_str(joins[_i].documents[i]));
		documents[i] = g[i].text;
	}
	ok = application_wso2_join(
	    documents, &issuer, 1, &to, &n, why, sizeof(why));
	ck_assert_msg(ok == (joins[_i].text != NULL), "%s", why);
	if (ok) {
		ck_assert_msg(span_eq(buf_span(&to), span_str(joins[_i].text)),
		    "%.*s", (int)to.n, to.p);
		ck_assert_uint_eq(n, joins[_i].n_left_out);
		f = applications_new(buf_span(&to), why, sizeof(why));
		ck_assert_msg(f != NULL, "%s", why);
		applications_free(f);
	} else {
		ck_assert_str_eq(why, joins[_i].why);
	}
	for (int i = 0; i < APPLICATION_WSO2__MAX; i++)
		guard_free(&g[i]);
	buf_fini(&to);
}
END_TEST

START_TEST(a_long_name_is_cut_between_letters)
{
	struct span documents[APPLICATION_WSO2__MAX] = { SPAN("[]"),
		{ NULL, 0 }, SPAN("[]"), SPAN("[]") };
	char why[200] = "";
	struct buf from, to;
	unsigned n;

	buf_init(&from, 1 << 16);
	buf_init(&to, 1 << 16);
	buf_add_str(&from, "[{\"id\":2,\"subName\":\"o\",\"name\":\"a");
	for (int i = 0; i < 300; i++)
		buf_add_str(&from, "\xc3\xa4");
	buf_add_str(&from, "\"}]");
	documents[1] = buf_span(&from);
	ck_assert_msg(application_wso2_join(
			  documents, NULL, 0, &to, &n, why, sizeof(why)),
	    "%s", why);
	ck_assert(span_is_utf8(buf_span(&to)));
	ck_assert_uint_lt(to.n, 300);
	buf_fini(&from);
	buf_fini(&to);
}
END_TEST

START_TEST(who_subscribes_to_too_much_is_blocked_and_harms_nobody)
{
	const struct application_issuer issuer = { SPAN("Default"),
		SPAN("https://i/") };
	struct span documents[APPLICATION_WSO2__MAX] = {
		SPAN("[{\"apiId\":1,\"name\":\"Some long title\","
		     "\"version\":\"1.0\"}]"),
		SPAN("[{\"id\":2,\"name\":\"m\",\"subName\":\"o\"},"
		     "{\"id\":3,\"name\":\"n\",\"subName\":\"o\"}]"),
		SPAN("[{\"applicationId\":2,\"consumerKey\":\"k\","
		     "\"keyType\":\"PRODUCTION\"}]"),
		{ NULL, 0 }
	};
	struct buf from, to;
	char why[200] = "";
	struct applications *f;
	unsigned n;

	buf_init(&from, 1 << 20);
	buf_init(&to, 1 << 20);
	buf_add_str(&from, "[");
	for (int i = 0; i < 3000; i++)
		buf_printf(&from,
		    "%s{\"appId\":2,\"apiId\":1,\"policyId\":\"Gold\","
		    "\"subscriptionState\":\"UNBLOCKED\"}",
		    i > 0 ? "," : "");
	buf_add_str(&from, "]");
	documents[APPLICATION_WSO2_SUBSCRIPTIONS] = buf_span(&from);
	ck_assert_msg(application_wso2_join(
			  documents, &issuer, 1, &to, &n, why, sizeof(why)),
	    "%s", why);
	ck_assert_uint_eq(n, 1);
	ck_assert_msg(span_eq(buf_span(&to),
			  SPAN("2 blocked name=m owner=o"
			       " client=\"https://i/ k\"\n"
			       "3 active name=n owner=o\n")),
	    "%.100s", to.p);
	f = applications_new(buf_span(&to), why, sizeof(why));
	ck_assert_msg(f != NULL, "%s", why);
	applications_free(f);
	buf_fini(&from);
	buf_fini(&to);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("application_wso2");
	TCase *t = tcase_create("application_wso2");
	SRunner *r;
	int failed;

	tcase_add_loop_test(t, four_documents_become_one_file_or_none, 0,
	    (int)(sizeof(joins) / sizeof(joins[0])));
	tcase_add_test(t, a_long_name_is_cut_between_letters);
	tcase_add_test(
	    t, who_subscribes_to_too_much_is_blocked_and_harms_nobody);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
