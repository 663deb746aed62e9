/*
 * The file of API keys, and what a key from it may do.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "guard.h"
#include "policy/credential.h"
#include "policy/keyfile.h"
#include "policy/sign.h"
#include "sample.h"

#define HEX0 "0000000000000000000000000000000000000000000000000000000000000000"
#define HEX1 "00000000000000000000000000000000000000000000000000000000000000Fa"
#define WHO " owner=o application=a"

static const struct {
	struct span text;
	const char *why; /* NULL: right */
} files[] = {
	{ SPAN_INIT(""), NULL },
	{ SPAN_INIT("# only a note"), NULL },
	{ SPAN_INIT("\r\n \t\n#\n"), NULL },
	{ SPAN_INIT("a active " HEX0 WHO), NULL },
	{ SPAN_INIT("a active " HEX0 " owner=\"x \\\"y\\\\\" application=\"\""
		    " tier=T"),
	    "line 1: owner or application is missing" },
	{ SPAN_INIT("a active " HEX0 WHO "\nb revoked " HEX1 WHO "\r\n"),
	    NULL },
	{ SPAN_INIT("\na active " HEX0 WHO "\nb active " HEX0 WHO),
	    "line 3: this key comes twice" },
	{ SPAN_INIT("a active " HEX0 WHO "\na active " HEX1 WHO),
	    "line 2: this id comes twice" },
	{ SPAN_INIT("a Active " HEX0 WHO),
	    "line 1: the state is not \"active\" or \"revoked\"" },
	{ SPAN_INIT("a"),
	    "line 1: the state is not \"active\" or \"revoked\"" },
	{ SPAN_INIT("a active 00" WHO),
	    "line 1: not a SHA-256 of 64 hexadecimal digits" },
	{ SPAN_INIT("a/b active " HEX0 WHO),
	    "line 1: not an id of letters, digits, '-', '_', '.'" },
	{ SPAN_INIT("a active " HEX0 WHO " owner=p"),
	    "line 1: a field comes twice" },
	{ SPAN_INIT("a active " HEX0 WHO " ower=p"),
	    "line 1: an unknown field" },
	{ SPAN_INIT("a active " HEX0 WHO " x"),
	    "line 1: a field is not NAME=VALUE" },
	{ SPAN_INIT("a active " HEX0 WHO " tier=\"x"),
	    "line 1: a quote is not closed" },
	{ SPAN_INIT("a active " HEX0 WHO " tier=\"\\"),
	    "line 1: a quote is not closed" },
	{ SPAN_INIT("a active " HEX0 WHO " tier=\"\\n\""),
	    "line 1: only \\\" and \\\\ are known" },
	{ SPAN_INIT("a active " HEX0 WHO " tier=a\x01"),
	    "line 1: a value has control bytes or is not UTF-8" },
	{ SPAN_INIT("a active " HEX0 WHO " tier=\xff"),
	    "line 1: a value has control bytes or is not UTF-8" },
	{ SPAN_INIT("a active " HEX0 WHO " scope=\"a b\""),
	    "line 1: a scope is empty or has a blank" },
	{ SPAN_INIT("a active " HEX0 WHO " address=10.0.0.0/8 address=::1"),
	    NULL },
	{ SPAN_INIT("a active " HEX0 WHO " address=10.0.0.1/8"),
	    "line 1: an address is none, nor a network" },
	{ SPAN_INIT("a active " HEX0 WHO " address="),
	    "line 1: an address is none, nor a network" },
	{ SPAN_INIT("a active " HEX0 WHO " expires=2027-02-29"),
	    "line 1: expires is no time of RFC 3339" },
	{ SPAN_INIT("a active " HEX0 WHO " expires=soon"),
	    "line 1: expires is no time of RFC 3339" },
	{ SPAN_INIT("a active " HEX0 WHO " expires="),
	    "line 1: expires is no time of RFC 3339" },
};

START_TEST(each_file_is_read_or_refused_with_its_line)
{
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		struct guard g = guard_new(files[i].text);
		char why[200] = "";
		struct key_file *f = key_file_new(g.text, why, sizeof(why));

		ck_assert_msg((f != NULL) == (files[i].why == NULL), "%s: %s",
		    files[i].text.p, why);
		if (f == NULL)
			ck_assert_str_eq(why, files[i].why);
		key_file_free(f);
		guard_free(&g);
	}
}
END_TEST

static const struct {
	const char *text;
	int64_t unix_s; /* 0: refused */
} times[] = {
	{ "1970-01-02", 86400 },
	{ "2027-01-31T00:00:00Z", 1801353600 },
	{ "2027-01-31t01:00:00+01:00", 1801353600 },
	{ "2027-01-30T23:30:00-00:30", 1801353600 },
	{ "2028-02-29", 1835395200 },
	{ "2027-02-29", 0 },
	{ "2027-13-01", 0 },
	{ "2027-1-1", 0 },
	{ "2027-01-31T00:00:00", 0 },
	{ "2027-01-31 00:00:00Z", 0 },
	{ "2027-01-31T24:00:00Z", 0 },
	{ "2027-01-31T00:00:00+25:00", 0 },
	{ "-027-01-31", 0 },
	{ "", 0 },
};

START_TEST(times_are_those_of_rfc_3339)
{
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		struct guard g = guard_new(span_str(times[i].text));
		int64_t t = 0;
		bool good = key_time_parse(g.text, &t);

		ck_assert_msg(good == (times[i].unix_s != 0) &&
			(!good || t == times[i].unix_s),
		    "%s: %lld", times[i].text, (long long)t);
		guard_free(&g);
	}
}
END_TEST

START_TEST(what_is_written_is_read_back)
{
	const struct span text =
	    SPAN("a revoked " HEX1 " owner=\"o \\\"p\\\\\" application=q"
		 " api=\"My API/1\" api=B scope=r scope=w"
		 " tier=T expires=2027-01-31T00:00:00Z\n");
	struct key_file *f, *again;
	const struct key_entry *e;
	char why[200];
	struct buf b;
	size_t n;

	f = key_file_new(text, why, sizeof(why));
	ck_assert_ptr_nonnull(f);
	e = key_file_entries(f, &n);
	ck_assert_uint_eq(n, 1);
	ck_assert(span_eq(e->owner, SPAN("o \"p\\")));
	ck_assert(span_eq(e->scopes, SPAN("r w")));
	ck_assert_uint_eq(e->n_apis, 2);
	buf_init(&b, 1000);
	key_entry_write(e, &b);
	again = key_file_new(buf_span(&b), why, sizeof(why));
	ck_assert_ptr_nonnull(again);
	ck_assert(
	    span_eq(key_file_entries(again, &n)->apis[0], SPAN("My API/1")));
	buf_fini(&b);
	key_file_free(f);
	key_file_free(again);
}
END_TEST

/* A file of keys named after their number. */
static struct key_file *
many(unsigned n)
{
	struct key_file *f;
	struct buf b;
	char why[200];

	buf_init(&b, KEY_FILE_BYTES_MAX);
	for (unsigned i = 0; i < n; i++) {
		struct span key;
		struct key_entry e = { .owner = SPAN_INIT("o"),
			.application = SPAN_INIT("a") };
		char text[32];

		key = span_of(
		    text, (size_t)snprintf(text, sizeof(text), "key-%u", i));
		ck_assert(sign_sha256(key, e.sha256));
		e.id = key;
		key_entry_write(&e, &b);
	}
	f = key_file_new(buf_span(&b), why, sizeof(why));
	ck_assert_msg(f != NULL, "%s", why);
	buf_fini(&b);
	return f;
}

/* Of this thread, so that a busy machine does not count. */
static double
cpu_s(void)
{
	struct timespec t;

	ck_assert_int_eq(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t), 0);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Look up keys from number "from" on; the CPU time, or -1. */
static double
look_up(const struct key_file *f, unsigned from, unsigned n, bool there)
{
	double begin = cpu_s();

	for (unsigned i = from; i < from + n; i++) {
		char text[32];
		struct span key = span_of(
		    text, (size_t)snprintf(text, sizeof(text), "key-%u", i));
		const struct key_entry *e = key_file_find(f, key);

		if (there != (e != NULL && span_eq(e->id, key)))
			return -1;
	}
	return cpu_s() - begin;
}

START_TEST(each_of_many_keys_is_found_as_fast_as_one_of_few)
{
	struct key_file *few = many(100), *lots;
	double begin = cpu_s(), load, fast, slow;

	lots = many(100000);
	load = cpu_s() - begin;
	fast = look_up(few, 0, 100, true) + look_up(few, 200, 9900, false);
	slow = look_up(lots, 0, 10000, true);
	ck_assert(look_up(lots, 90000, 10000, true) >= 0);
	ck_assert(look_up(lots, 100000, 10000, false) >= 0);
	ck_assert(fast >= 0 && slow >= 0);
	(void)printf("100000 keys: made and read in %.3f s, looked up in "
		     "%.2f us each, of 100 keys in %.2f us\n",
	    load, slow * 100, fast * 100);
	/* Far from what it is, and far from what a search would need. */
	ck_assert(load < 20);
	ck_assert(slow < 20 * fast + 0.01);
	key_file_free(few);
	key_file_free(lots);
}
END_TEST

static struct key_file *served;
static enum source_result answer;

static enum source_result
source(void *world, uint32_t row, struct source *s)
{
	(void)world, (void)row;
	*s = (struct source){ .generation = 1, .key_file = served };
	return answer;
}

static const struct {
	const char *fields, *value;
	unsigned n;
	enum source_result source;
	enum reason reason;
} uses[] = {
	{ "active", "the-key", 1, SOURCE_OK, REASON_NONE },
	{ "active", " the-key ", 1, SOURCE_OK, REASON_NONE },
	{ "active", "", 0, SOURCE_OK, REASON_CREDENTIAL_MISSING },
	{ "active", "", 1, SOURCE_OK, REASON_CREDENTIAL_MISSING },
	{ "active", "the-key", 2, SOURCE_OK, REASON_CREDENTIAL_DUPLICATE },
	{ "active", "the-key, x", 1, SOURCE_OK, REASON_CREDENTIAL_DUPLICATE },
	{ "active", "the-key\x01", 1, SOURCE_OK, REASON_CREDENTIAL_MALFORMED },
	{ "active", "The-key", 1, SOURCE_OK, REASON_KEY_INVALID },
	{ "active", "the-key2", 1, SOURCE_OK, REASON_KEY_INVALID },
	{ "active", "k", 1, SOURCE_OK, REASON_KEY_INVALID },
	{ "revoked", "the-key", 1, SOURCE_OK, REASON_REVOKED },
	{ "expires=2020-01-01", "the-key", 1, SOURCE_OK, REASON_EXPIRED },
	{ "expires=2100-01-01", "the-key", 1, SOURCE_OK, REASON_NONE },
	{ "api=Pets", "the-key", 1, SOURCE_OK, REASON_NONE },
	{ "api=Pets/1", "the-key", 1, SOURCE_OK, REASON_NONE },
	{ "api=X api=Pets/1", "the-key", 1, SOURCE_OK, REASON_NONE },
	{ "api=Pets/2", "the-key", 1, SOURCE_OK, REASON_CLAIM_REFUSED },
	{ "api=Pets/", "the-key", 1, SOURCE_OK, REASON_CLAIM_REFUSED },
	{ "api=Pet", "the-key", 1, SOURCE_OK, REASON_CLAIM_REFUSED },
	{ "api=Petshop", "the-key", 1, SOURCE_OK, REASON_CLAIM_REFUSED },
	{ "active", "the-key", 1, SOURCE_DOWN, REASON_VERIFIER_DOWN },
	{ "active", "the-key", 1, SOURCE_FAULT, REASON_FAULT },
};

static struct key_file *
one_key(const char *fields)
{
	bool revoked = strcmp(fields, "revoked") == 0;
	bool plain = revoked || strcmp(fields, "active") == 0;
	unsigned char digest[32];
	struct key_file *f;
	char why[200];
	struct buf b;

	buf_init(&b, 1000);
	ck_assert(sign_sha256(SPAN("the-key"), digest));
	buf_printf(&b, "k %s ", revoked ? "revoked" : "active");
	for (size_t i = 0; i < sizeof(digest); i++)
		buf_printf(&b, "%02x", digest[i]);
	buf_printf(&b, " owner=ann application=shop scope=a scope=b tier=G %s",
	    plain ? "" : fields);
	f = key_file_new(buf_span(&b), why, sizeof(why));
	ck_assert_msg(f != NULL, "%s", why);
	buf_fini(&b);
	return f;
}

START_TEST(each_key_gets_its_reason)
{
	struct row_name name = { .kind = NAME_HEADER };
	struct row_scheme scheme = { .kind = SCHEME_API_KEY };
	struct row_source from = { .kind = SOURCE_KEY_FILE };
	struct outside world = { .source = source };
	struct sample sample;

	sample_begin(&sample);
	name.name = build_text(sample.build, SPAN("HTTP_X_API_KEY"));
	name.shown = build_text(sample.build, SPAN("X-API-Key"));
	(void)BUILD_ROW(sample.build, SECTION_NAME, &name);
	from.value = build_text(sample.build, SPAN("keys.db"));
	(void)BUILD_ROW(sample.build, SECTION_SOURCE, &from);
	scheme.name = build_text(sample.build, SPAN("key"));
	(void)BUILD_ROW(sample.build, SECTION_SCHEME, &scheme);
	sample.api.schemes = (struct range){ 0, 1 };
	sample_end(&sample);
	for (size_t i = 0; i < sizeof(uses) / sizeof(uses[0]); i++) {
		struct guard g = guard_new(span_str(uses[i].value));
		struct field field = { g.text, uses[i].n };
		struct request request = { .now_us = 1800000000000000,
			.fields = &field };
		struct credential_call call = { .world = &world,
			.bundle = &sample.bundle,
			.request = &request,
			.scheme = bundle_scheme(&sample.bundle, 0),
			.api = bundle_api(&sample.bundle, 0) };
		struct principal who = { 0 };
		struct decision d = { 0 };

		served = one_key(uses[i].fields);
		answer = uses[i].source;
		if (api_key_check(&call, &who, &d)) {
			d.reason = REASON_NONE;
			ck_assert(span_eq(who.subject, SPAN("ann")));
			ck_assert(span_eq(who.application, SPAN("shop")));
			ck_assert(span_eq(who.scopes, SPAN("a b")));
			ck_assert(span_eq(who.tier, SPAN("G")));
			ck_assert(span_eq(who.key_id, SPAN("k")));
		}
		ck_assert_msg(d.reason == uses[i].reason, "%s %s: %s",
		    uses[i].fields, uses[i].value, reason_word(d.reason));
		key_file_free(served);
		guard_free(&g);
	}
	sample_free(&sample);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("keyfile");
	TCase *t = tcase_create("all");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_test(t, each_file_is_read_or_refused_with_its_line);
	tcase_add_test(t, times_are_those_of_rfc_3339);
	tcase_add_test(t, what_is_written_is_read_back);
	tcase_add_test(t, each_of_many_keys_is_found_as_fast_as_one_of_few);
	tcase_add_test(t, each_key_gets_its_reason);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
