/*
 * The field that a credential comes in: once, and of the right bytes.
 */
#include <check.h>

#include "policy/credential.h"
#include "sample.h"

static struct sample sample;

static void
setup(void)
{
	struct row_name name = { .kind = NAME_HEADER };
	struct row_scheme scheme = { .kind = SCHEME_NO_VERIFIER,
		.source = ROW_NONE };

	sample_begin(&sample);
	name.name = build_text(sample.build, SPAN("HTTP_AUTHORIZATION"));
	name.shown = build_text(sample.build, SPAN("Authorization"));
	(void)BUILD_ROW(sample.build, SECTION_NAME, &name);
	scheme.name = build_text(sample.build, SPAN("token"));
	(void)BUILD_ROW(sample.build, SECTION_SCHEME, &scheme);
	sample.api.schemes = (struct range){ 0, 1 };
	sample_end(&sample);
}

static void
teardown(void)
{
	sample_free(&sample);
}

static enum reason
find(struct span sent, size_t times, struct span *value)
{
	struct field field = { sent, times };
	struct request request = { .fields = &field };
	struct credential_call call = { .bundle = &sample.bundle,
		.request = &request,
		.scheme = bundle_scheme(&sample.bundle, 0) };
	struct decision d = { .reason = REASON_NONE };

	return credential_find(&call, true, value, &d) ? REASON_NONE : d.reason;
}

/* At every place of blocks of 16, so also in the first and last. */
START_TEST(a_token_has_bytes_of_token68_alone)
{
	const char *set = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
			  "0123456789-._~+/";
	char text[7 + 35];

	for (size_t n = 2; n <= 35; n++) {
		for (size_t at = 0; at < n; at++) {
			for (int c = 1; c < 256; c++) {
				struct span value;
				bool good = strchr(set, c) != NULL;

				/* Commas and blanks have answers of their own;
				 * "=" may stand at the end. */
				if (c == ',' || c == ' ' || c == '\t' ||
				    c == '=')
					continue;
				memcpy(text, "Bearer ", 7);
				memset(text + 7, 'a', n);
				text[7 + at] = (char)c;
				ck_assert_int_eq(
				    find(span_of(text, 7 + n), 1, &value),
				    good ? REASON_NONE
					 : REASON_CREDENTIAL_MALFORMED);
			}
		}
	}
}
END_TEST

static const struct {
	const char *sent;
	size_t times;
	enum reason reason;
	const char *value;
} fields[] = {
	{ "", 0, REASON_CREDENTIAL_MISSING, NULL },
	{ "", 1, REASON_CREDENTIAL_MISSING, NULL },
	{ "Bearer abc", 1, REASON_NONE, "abc" },
	{ "bEARER  abc ", 1, REASON_NONE, "abc" },
	{ "Bearer abc=", 1, REASON_NONE, "abc=" },
	{ "Bearer abc==", 1, REASON_NONE, "abc==" },
	{ "Bearer a=c", 1, REASON_CREDENTIAL_MALFORMED, NULL },
	{ "Bearer =", 1, REASON_CREDENTIAL_MALFORMED, NULL },
	{ "Bearer ", 1, REASON_CREDENTIAL_MALFORMED, NULL },
	{ "Bearer", 1, REASON_CREDENTIAL_MALFORMED, NULL },
	{ "Bearer a b", 1, REASON_CREDENTIAL_MALFORMED, NULL },
	{ "Bearer a\tb", 1, REASON_CREDENTIAL_MALFORMED, NULL },
	{ "Basic abc", 1, REASON_CREDENTIAL_MALFORMED, NULL },
	{ "Bearer a,b", 1, REASON_CREDENTIAL_DUPLICATE, NULL },
	{ "Bearer abc", 2, REASON_CREDENTIAL_DUPLICATE, NULL },
};

START_TEST(a_field_comes_once_and_is_a_bearer)
{
	struct span value;

	ck_assert_msg(find(span_str(fields[_i].sent), fields[_i].times,
			  &value) == fields[_i].reason,
	    "%s", fields[_i].sent);
	if (fields[_i].value != NULL)
		ck_assert(span_eq(value, span_str(fields[_i].value)));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("credential");
	TCase *t = tcase_create("credential");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, a_token_has_bytes_of_token68_alone);
	tcase_add_loop_test(t, a_field_comes_once_and_is_a_bearer, 0,
	    sizeof(fields) / sizeof(fields[0]));
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
