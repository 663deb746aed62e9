/*
 * Which bytes a header field may have.
 */
#include <check.h>

#include "policy/field.h"

/* At every place of blocks of 16, so also in the first and last. */
START_TEST(a_value_has_no_control_byte_but_the_tab)
{
	char text[35];

	for (size_t n = 1; n <= sizeof(text); n++) {
		for (size_t at = 0; at < n; at++) {
			for (int c = 0; c < 256; c++) {
				bool good =
				    c == '\t' || (c >= 0x20 && c != 0x7f);

				memset(text, 'a', n);
				text[at] = (char)c;
				ck_assert_msg(
				    field_is_value(span_of(text, n)) == good,
				    "byte %d at %zu of %zu", c, at, n);
			}
		}
	}
	memset(text, '\t', sizeof(text));
	ck_assert(field_is_value(span_of(text, sizeof(text))));
	ck_assert(field_is_value(SPAN("")));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("field");
	TCase *t = tcase_create("field");
	SRunner *r;
	int failed;

	tcase_add_test(t, a_value_has_no_control_byte_but_the_tab);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
