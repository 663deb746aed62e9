/*
 * test_control - who is denied by which rule, and what a damaged file of
 * rules is.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "policy/control_line.h"
#include "tests/unit/guard.h"

#define NOW 1800000000

static struct control *control;
static struct buf text;
static char why[512];

/* Append a rule to the text, and read it all again. */
static void
add(struct control_rule r)
{
	r.author = SPAN("ada");
	if (r.time_s == 0)
		r.time_s = NOW;
	ck_assert_ptr_null(control_check(&r));
	control_write(control, &r, &text);
	control_free(control);
	control = control_new(buf_span(&text), 0, why, sizeof(why));
	ck_assert_msg(control != NULL, "%s", why);
}

static void
setup(void)
{
	buf_init(&text, 1 << 20);
	control = control_new(SPAN(""), 0, why, sizeof(why));
	ck_assert_ptr_nonnull(control);
}

static void
teardown(void)
{
	control_free(control);
	buf_fini(&text);
}

static void
add_samples(void)
{
	add((struct control_rule){ .subject = SPAN("bob") });
	add((struct control_rule){
	    .subject = SPAN("eve"), .issuer = SPAN("https://id/") });
	add((struct control_rule){ .address = SPAN("192.0.2.0/24") });
	add((struct control_rule){ .address = SPAN("2001:db8::7") });
	add((struct control_rule){
	    .api = SPAN("Pets/2"), .address = SPAN("10.0.0.1") });
	add((struct control_rule){ .application = SPAN("desk") });
	add((struct control_rule){ .change = CONTROL_ALLOW, .of = 6 });
	add((struct control_rule){ .key = SPAN("k1"), .until_s = NOW + 60 });
	add((struct control_rule){ .issuer = SPAN("https://old/") });
	add((struct control_rule){
	    .issuer = SPAN("https://id/"), .address = SPAN("10.0.0.2") });
}

static const struct {
	const char *issuer, *subject, *application, *key; /* NULL: nobody */
	const char *address, *version;
	int64_t later_s;
	uint64_t rule; /* 0: not denied */
} cases[] = {
	{ "https://id/", "ada", "x", "k", "8.8.8.8", "1", 0, 0 },
	{ "https://id/", "bob", "x", "k", "8.8.8.8", "1", 0, 1 },
	{ "", "bob", "x", "k", "8.8.8.8", "1", 0, 1 },
	{ "https://id/", "eve", "x", "k", "8.8.8.8", "1", 0, 2 },
	{ "https://other/", "eve", "x", "k", "8.8.8.8", "1", 0, 0 },
	{ "https://id/", "bobby", "x", "k", "8.8.8.8", "1", 0, 0 },
	{ "https://id/", "ada", "desk", "k", "8.8.8.8", "1", 0, 0 },
	{ "https://id/", "ada", "x", "k1", "8.8.8.8", "1", 59, 8 },
	{ "https://id/", "ada", "x", "k1", "8.8.8.8", "1", 60, 0 },
	{ "https://old/", "ada", "x", "k", "8.8.8.8", "1", 0, 9 },
	{ "https://id/", "ada", "x", "k", "10.0.0.2", "1", 0, 10 },
	{ "https://id/", "ada", "x", "k", "10.0.0.3", "1", 0, 0 },
	{ NULL, NULL, NULL, NULL, "192.0.2.99", "1", 0, 3 },
	{ NULL, NULL, NULL, NULL, "::ffff:192.0.2.99", "1", 0, 3 },
	{ NULL, NULL, NULL, NULL, "192.0.3.0", "1", 0, 0 },
	{ NULL, NULL, NULL, NULL, "2001:db8::7", "1", 0, 4 },
	{ NULL, NULL, NULL, NULL, "2001:DB8:0::7", "1", 0, 4 },
	{ NULL, NULL, NULL, NULL, "2001:db8::8", "1", 0, 0 },
	{ NULL, NULL, NULL, NULL, "10.0.0.1", "1", 0, 0 },
	{ NULL, NULL, NULL, NULL, "10.0.0.1", "2", 0, 5 },
	{ NULL, NULL, NULL, NULL, "10.0.0.2", "1", 0, 0 },
	{ NULL, NULL, NULL, NULL, "nowhere", "1", 0, 0 },
};

START_TEST(the_first_rule_that_fits_denies)
{
	struct principal who = { .scheme = SPAN("s"),
		.issuer = span_str(cases[_i].issuer),
		.subject = span_str(cases[_i].subject),
		.application = span_str(cases[_i].application),
		.key_id = span_str(cases[_i].key) };
	struct client client = { .text = span_str(cases[_i].address) };
	struct control_query q = { .client = &client,
		.title = SPAN("Pets"),
		.version = span_str(cases[_i].version),
		.who = cases[_i].subject != NULL ? &who : NULL,
		.now_s = NOW + cases[_i].later_s };
	const struct control_rule *r;

	add_samples();
	client.known = network_parse_address(client.text, &client.at);
	r = control_deny(control, &q);
	ck_assert_uint_eq(r != NULL ? r->seq : 0, cases[_i].rule);
}
END_TEST

START_TEST(the_last_tier_of_an_application_counts)
{
	struct principal who = { .scheme = SPAN("s"),
		.issuer = SPAN("https://id/"),
		.application = SPAN("desk") };

	ck_assert_ptr_null(control_tier(control, &who, NOW).p);
	add((struct control_rule){ .change = CONTROL_TIER,
	    .application = SPAN("desk"),
	    .tier = SPAN("Gold") });
	ck_assert(span_eq(control_tier(control, &who, NOW), SPAN("Gold")));
	add((struct control_rule){ .change = CONTROL_TIER,
	    .application = SPAN("desk"),
	    .issuer = SPAN("https://id/"),
	    .tier = SPAN("Silver"),
	    .until_s = NOW + 10 });
	ck_assert(span_eq(control_tier(control, &who, NOW), SPAN("Silver")));
	ck_assert(span_eq(control_tier(control, &who, NOW + 10), SPAN("Gold")));
	who.issuer = SPAN("https://other/");
	ck_assert(span_eq(control_tier(control, &who, NOW), SPAN("Gold")));
	add((struct control_rule){ .change = CONTROL_TIER,
	    .application = SPAN("desk"),
	    .tier = SPAN("") });
	ck_assert_ptr_null(control_tier(control, &who, NOW).p);
}
END_TEST

/* Read what stands for all that was written. */
static void
shorten(int64_t later_s)
{
	struct buf to;

	buf_init(&to, 1 << 20);
	ck_assert(control_compact(control, SPAN("eve"), NOW + later_s, &to));
	buf_fini(&text);
	text = to;
	control_free(control);
	control = control_new(buf_span(&text), 0, why, sizeof(why));
	ck_assert_msg(control != NULL, "%s", why);
}

static struct span
tier_of(const char *application, const char *issuer)
{
	struct principal who = { .scheme = SPAN("s"),
		.issuer = span_str(issuer),
		.application = span_str(application) };

	return control_tier(control, &who, NOW);
}

static void
tier(const char *application, const char *issuer, const char *name)
{
	add((struct control_rule){ .change = CONTROL_TIER,
	    .application = span_str(application),
	    .issuer = span_str(issuer),
	    .tier = span_str(name) });
}

START_TEST(a_shorter_file_says_the_same)
{
	size_t at = 0, before, n = 0;
	const struct control_rule *r;

	add_samples();
	tier("desk", NULL, "Gold");
	tier("desk", "https://id/", "Silver");
	tier("desk", "https://id/", "");
	tier("shop", NULL, "Gold");
	tier("shop", NULL, "");
	tier("desk", NULL, "Bronze");
	add((struct control_rule){
	    .change = CONTROL_MAINTENANCE, .api = SPAN("Pets/2") });
	before = text.n;
	for (int i = 0; i < 3; i++) {
		shorten(0);
		ck_assert_uint_lt(text.n, before);
		ck_assert_uint_eq(control_last(control), 18 + (unsigned)i);
		ck_assert(
		    span_eq(tier_of("desk", "https://x/"), SPAN("Bronze")));
		/* The newest is of all, and stands before the empty one. */
		ck_assert(
		    span_eq(tier_of("desk", "https://id/"), SPAN("Bronze")));
		ck_assert_ptr_null(tier_of("shop", "https://id/").p);
		ck_assert_ptr_nonnull(
		    control_maintenance(control, SPAN("Pets"), SPAN("2"), NOW));
	}
	/* Each has the seq that it had. */
	for (; (r = control_next(control, NOW, &at)) != NULL; n++)
		ck_assert_uint_lt(r->seq, 18);
	ck_assert_uint_eq(n, 10);
	/* It goes on behind it, and what it kept can be taken back. */
	add((struct control_rule){ .change = CONTROL_ALLOW, .of = 1 });
	add((struct control_rule){ .subject = SPAN("mel") });
	ck_assert_uint_eq(control_last(control), 22);
}
END_TEST

START_TEST(a_tier_taken_away_hides_that_of_more_callers_in_a_shorter_file)
{
	tier("desk", NULL, "Gold");
	tier("desk", "https://id/", "");
	for (int i = 0; i < 2; i++) {
		ck_assert_ptr_null(tier_of("desk", "https://id/").p);
		ck_assert(span_eq(tier_of("desk", "https://x/"), SPAN("Gold")));
		shorten(0);
	}
}
END_TEST

START_TEST(what_has_ended_is_kept_for_a_day)
{
	size_t at = 0;

	add((struct control_rule){ .key = SPAN("k1"), .until_s = NOW + 60 });
	shorten(86400);
	ck_assert_ptr_nonnull(control_next(control, NOW, &at));
	/* The last change was made before its end: the clock may be wrong. */
	shorten(86400 * 365);
	shorten(86400 * 366);
	at = 0;
	ck_assert_ptr_nonnull(control_next(control, NOW, &at));
	add((struct control_rule){ .key = SPAN("k2"),
	    .until_s = NOW + 60,
	    .time_s = NOW + 86400 + 61 });
	shorten(86400 + 61);
	at = 0;
	ck_assert_ptr_null(control_next(control, NOW, &at));
	ck_assert_uint_eq(control_last(control), 6);
}
END_TEST

START_TEST(a_shorter_file_that_was_changed_or_cut_is_damaged)
{
	struct control *c;

	add_samples();
	shorten(0);
	add((struct control_rule){ .subject = SPAN("mel") });
	/* Cut anywhere, but for the line that nobody was told of. */
	for (size_t n = 1; n < text.n; n++) {
		size_t line = text.n - 1;

		while (text.p[line - 1] != '\n')
			line--;
		c = control_new(
		    span_of(text.p, n), n < line ? 11 : 12, why, sizeof(why));
		ck_assert_msg(c == NULL, "cut at %zu", n);
	}
	for (size_t i = 0; i < text.n; i++) {
		text.p[i] ^= 1;
		c = control_new(buf_span(&text), 12, why, sizeof(why));
		ck_assert_msg(c == NULL, "changed at %zu", i);
		text.p[i] ^= 1;
	}
}
END_TEST

/* What may stand behind what, with sums that are right. */
static const struct {
	uint64_t first, kept; /* 0: no such line; the second is "of" */
	uint64_t seqs[3];     /* 0: the end */
	bool good;
} orders[] = {
	{ 9, 0, { 0 }, true },
	{ 9, 0, { 10, 11 }, true },
	{ 9, 0, { 9 }, false },
	{ 9, 0, { 8 }, false },
	{ 9, 0, { 11 }, false },
	{ 9, 2, { 3, 8, 10 }, true },
	{ 9, 2, { 8, 3, 10 }, false },
	{ 9, 2, { 3, 3, 10 }, false },
	{ 9, 2, { 3, 9 }, false },
	{ 9, 2, { 3, 10 }, false },
	{ 9, 2, { 3 }, false },
	{ 9, 9, { 1 }, false },
	{ 0, 0, { 1, 2, 3 }, true },
	{ 0, 0, { 2 }, false },
};

START_TEST(lines_stand_in_their_order)
{
	struct control_rule r = { .author = SPAN("ada"), .time_s = NOW };
	struct hash128 sum = { 0, 0 };
	struct control *c;

	r.change = CONTROL_COMPACT;
	r.seq = orders[_i].first;
	r.of = orders[_i].kept;
	if (r.seq != 0)
		sum = control_line_write(&r, sum, &text);
	r = (struct control_rule){ .subject = SPAN("x"), .author = SPAN("a") };
	for (int i = 0; i < 3 && orders[_i].seqs[i] != 0; i++) {
		r.seq = orders[_i].seqs[i];
		sum = control_line_write(&r, sum, &text);
	}
	c = control_new(buf_span(&text), 0, why, sizeof(why));
	ck_assert_int_eq(c != NULL, orders[_i].good);
	control_free(c);
}
END_TEST

START_TEST(a_short_file_begins_a_file_and_nothing_else)
{
	struct control_rule r = { .change = CONTROL_COMPACT, .seq = 2 };

	add((struct control_rule){ .subject = SPAN("bob") });
	control_write(control, &r, &text);
	ck_assert_ptr_null(control_new(buf_span(&text), 0, why, sizeof(why)));
}
END_TEST

START_TEST(a_file_is_shortened_when_much_of_it_is_of_no_use)
{
	struct control_rule r = { .change = CONTROL_TIER,
		.application = SPAN("desk"),
		.tier = SPAN("Gold"),
		.author = SPAN("ada") };
	struct hash128 sum = { 0, 0 };
	char note[1000];

	memset(note, 'x', sizeof(note));
	r.note = span_of(note, sizeof(note));
	text.max = 4 << 20;
	/* All of one application's tiers but the last are of no use. */
	while (text.n < 1024 * 1024) {
		r.seq++;
		sum = control_line_write(&r, sum, &text);
	}
	control_free(control);
	control =
	    control_new(span_of(text.p, 1024 * 1023), 0, why, sizeof(why));
	ck_assert_msg(control != NULL, "%s", why);
	ck_assert(!control_wants_compact(control, NOW));
	control_free(control);
	control = control_new(buf_span(&text), 0, why, sizeof(why));
	ck_assert_msg(control != NULL, "%s", why);
	ck_assert(control_wants_compact(control, NOW));
	ck_assert_uint_eq(control_percent(control), 1);
	shorten(0);
	ck_assert(!control_wants_compact(control, NOW));
	ck_assert(span_eq(tier_of("desk", ""), SPAN("Gold")));
	ck_assert_uint_lt(control_whole_bytes(control), 2000);
}
END_TEST

static bool
is_closed(const char *title, const char *version, int64_t later_s)
{
	return control_maintenance(control, span_str(title), span_str(version),
		   NOW + later_s) != NULL;
}

START_TEST(an_api_is_closed_by_title_or_version_until_its_time)
{
	ck_assert(!is_closed("Pets", "1", 0));
	add((struct control_rule){ .change = CONTROL_MAINTENANCE,
	    .api = SPAN("Pets/1"),
	    .until_s = NOW + 10 });
	ck_assert(is_closed("Pets", "1", 9));
	ck_assert(!is_closed("Pets", "1", 10));
	ck_assert(!is_closed("Pets", "2", 0));
	ck_assert(!is_closed("Petshop", "1", 0));
	add((struct control_rule){
	    .change = CONTROL_MAINTENANCE, .api = SPAN("Pets") });
	ck_assert(is_closed("Pets", "2", 0));
	add((struct control_rule){ .change = CONTROL_ALLOW, .of = 2 });
	ck_assert(!is_closed("Pets", "2", 0));
	ck_assert(is_closed("Pets", "1", 0));
}
END_TEST

START_TEST(whoever_is_not_known_has_no_tier)
{
	struct principal nobody = { .application = SPAN("desk") };

	add((struct control_rule){ .change = CONTROL_TIER,
	    .application = SPAN("desk"),
	    .tier = SPAN("Gold") });
	ck_assert_ptr_null(control_tier(control, &nobody, NOW).p);
}
END_TEST

/* Each byte in turn is another one: nothing of the file is believed. */
START_TEST(a_changed_byte_anywhere_is_damage)
{
	add_samples();
	for (size_t i = 0; i < text.n; i++) {
		struct control *c;
		char kept = text.p[i];

		text.p[i] = kept == 'x' ? 'y' : 'x';
		c = control_new(buf_span(&text), 10, why, sizeof(why));
		ck_assert_msg(c == NULL, "byte %zu", i);
		text.p[i] = kept;
	}
}
END_TEST

START_TEST(a_file_that_was_cut_is_damage_if_more_was_known)
{
	add_samples();
	for (size_t n = 0; n < text.n; n++) {
		struct guard g = guard_new(span_of(text.p, n));

		ck_assert_ptr_null(control_new(g.text, 10, why, sizeof(why)));
		guard_free(&g);
	}
}
END_TEST

START_TEST(a_line_that_nobody_was_told_of_was_not_written)
{
	struct control *c;
	size_t whole;

	add((struct control_rule){ .subject = SPAN("bob") });
	whole = text.n;
	add((struct control_rule){ .subject = SPAN("eve") });
	for (size_t n = whole; n < text.n; n++) {
		c = control_new(span_of(text.p, n), 1, why, sizeof(why));
		ck_assert_ptr_nonnull(c);
		ck_assert_uint_eq(control_last(c), 1);
		ck_assert_uint_eq(control_whole_bytes(c), whole);
		control_free(c);
	}
}
END_TEST

START_TEST(a_line_that_is_missing_is_damage)
{
	struct span all, first;

	add_samples();
	all = buf_span(&text);
	first = span_cut(&all, '\n');
	ck_assert_ptr_null(control_new(all, 0, why, sizeof(why)));
	ck_assert_ptr_null(
	    control_new(span_of(first.p, first.n), 1, why, sizeof(why)));
}
END_TEST

static const struct control_rule wrong[] = {
	{ .change = CONTROL_DENY },
	{ .change = CONTROL_DENY, .tier = SPAN_INIT("Gold") },
	{ .change = CONTROL_DENY, .address = SPAN_INIT("10.0.0.1/8") },
	{ .change = CONTROL_DENY, .address = SPAN_INIT("") },
	{ .change = CONTROL_DENY, .subject = SPAN_INIT("a\nb") },
	{ .change = CONTROL_DENY, .subject = SPAN_INIT("\xff") },
	{ .change = CONTROL_TIER, .application = SPAN_INIT("desk") },
	{ .change = CONTROL_TIER, .tier = SPAN_INIT("Gold") },
	{ .change = CONTROL_ALLOW, .of = 1, .subject = SPAN_INIT("a") },
	{ .change = CONTROL_MAINTENANCE },
	{ .change = CONTROL_MAINTENANCE,
	    .api = SPAN_INIT("Pets"),
	    .subject = SPAN_INIT("a") },
};

START_TEST(a_rule_that_says_too_little_is_none)
{
	struct control_rule r = wrong[_i];

	ck_assert_ptr_nonnull(control_check(&r));
}
END_TEST

/* Right sums do not make a right rule. */
START_TEST(what_no_rule_can_be_is_damage_whatever_its_sum)
{
	struct control_rule r = { .change = CONTROL_ALLOW, .of = 1 };
	struct buf to;

	buf_init(&to, 4096);
	control_write(control, &r, &to);
	ck_assert_ptr_null(control_new(buf_span(&to), 0, why, sizeof(why)));
	buf_reset(&to);
	control_write(control, &wrong[0], &to);
	ck_assert_ptr_null(control_new(buf_span(&to), 0, why, sizeof(why)));
	buf_fini(&to);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("control");
	TCase *t = tcase_create("control");
	SRunner *run = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, the_first_rule_that_fits_denies, 0,
	    sizeof(cases) / sizeof(cases[0]));
	tcase_add_test(t, a_shorter_file_says_the_same);
	tcase_add_test(
	    t, a_tier_taken_away_hides_that_of_more_callers_in_a_shorter_file);
	tcase_add_test(t, what_has_ended_is_kept_for_a_day);
	tcase_add_test(t, a_shorter_file_that_was_changed_or_cut_is_damaged);
	tcase_add_loop_test(t, lines_stand_in_their_order, 0,
	    sizeof(orders) / sizeof(orders[0]));
	tcase_add_test(t, a_short_file_begins_a_file_and_nothing_else);
	tcase_add_test(t, a_file_is_shortened_when_much_of_it_is_of_no_use);
	tcase_add_test(t, the_last_tier_of_an_application_counts);
	tcase_add_test(t, an_api_is_closed_by_title_or_version_until_its_time);
	tcase_add_test(t, whoever_is_not_known_has_no_tier);
	tcase_add_test(t, a_changed_byte_anywhere_is_damage);
	tcase_add_test(t, a_file_that_was_cut_is_damage_if_more_was_known);
	tcase_add_test(t, a_line_that_nobody_was_told_of_was_not_written);
	tcase_add_test(t, a_line_that_is_missing_is_damage);
	tcase_add_loop_test(t, a_rule_that_says_too_little_is_none, 0,
	    sizeof(wrong) / sizeof(wrong[0]));
	tcase_add_test(t, what_no_rule_can_be_is_damage_whatever_its_sum);
	suite_add_tcase(s, t);
	srunner_run_all(run, CK_NORMAL);
	failed = srunner_ntests_failed(run);
	srunner_free(run);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
