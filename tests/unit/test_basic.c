/*
 * User names and passwords: stored hashes, the user file, and who gets in.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/base64.h"
#include "guard.h"
#include "policy/credential.h"
#include "policy/password.h"
#include "policy/userfile.h"
#include "policy/verdict.h"
#include "sample.h"

#define APR1 "$apr1$abcdefgh$h9FWgUz3n9YxylKLlR5SQ/"
#define BCRYPT "$2y$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW"
#define SHA1HEX "e5e9fa1ba31ecd1ae84f75caaa474f3a663f05f4"
#define SHA256HEX \
	"2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b"

/* Hashes of "secret", made by others' programs. */
static const char *const right[] = {
	APR1,
	BCRYPT,
	"$2b$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW",
	"$5$salt$kpa26zwgX83BPSR8d7w93OIXbFt/d3UOTZaAu5vsTM6",
	"$5$rounds=1000$salt$CCvcOM6b7TEJDPb37Aec/9UpOg4QhPNAxPpL9ZzjTB7",
	"$6$salt$egUxKNxDs8kPfh8iPMNcosMhb2eWah6d3R44JDm5Rj/j/XWR5E33QPd0"
	"YmHXoDHOIDR6kL5D3JcQcz0O8FHE00",
	"$y$j9T$abcdefgh$IUWJt2doU4Kf6E/JP1UkAT3S5O3Q7SSA8SJirXIlEu9",
	"{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=",
	SHA1HEX,
	"@sha256:{" SHA256HEX "}",
	"@sha256:" SHA256HEX,
	"@sha512:{bd2b1aaf7ef4f09be9f52ce2d8d599674d81aa9d6a4421696dc4d93dd061"
	"9d682ce56b4d64a9ef097761ced99e0f67265b5f76085e5b0ee7ca4696b2ad6fe2b2}",
};

START_TEST(the_right_password_alone_fits_each_form)
{
	struct span stored = span_str(right[_i]);
	const char *why = "";

	ck_assert_msg(password_stored_ok(stored, &why), "%s", why);
	ck_assert_int_eq(
	    password_check(stored, SPAN("secret")), PASSWORD_RIGHT);
	ck_assert_int_eq(
	    password_check(stored, SPAN("Secret")), PASSWORD_WRONG);
	ck_assert_int_eq(password_check(stored, SPAN("")), PASSWORD_WRONG);
	ck_assert_int_eq(
	    password_check(stored, SPAN("secret ")), PASSWORD_WRONG);
}
END_TEST

START_TEST(apr1_is_that_of_openssl_for_passwords_of_any_length)
{
	static const char *const words[][2] = {
		{ "", "$apr1$abcdefgh$L.PT565ESX4Tp2bqNs7Ie." },
		{ "0123456789abcdef0",
		    "$apr1$abcdefgh$ESn6vIjGN14YkA7CrwCho/" },
		{ "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		    "$apr1$abcdefgh$Gg.EmXkEpxWG6yUbQCULf/" },
	};
	char longest[PASSWORD_BYTES_MAX];

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		ck_assert_int_eq(password_check(span_str(words[i][1]),
				     span_str(words[i][0])),
		    PASSWORD_RIGHT);
	memset(longest, 0xfe, sizeof(longest));
	ck_assert_int_eq(
	    password_check(SPAN(APR1), span_of(longest, sizeof(longest))),
	    PASSWORD_WRONG);
}
END_TEST

/* Never taken for a stored password. */
static const char *const wrong_forms[] = {
	"",
	"secret",
	"*",
	"!",
	"x",
	"abNANd1rDfiNc",
	"$1$salt$ez2vlPGdaLYkJam5pWs/Y1",
	"$2y$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIr",
	"$2y$31$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW",
	"$2y$03$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW",
	"$2x$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW",
	"$2y$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WI*W",
	"$5$rounds=9999999$salt$CCvcOM6b7TEJDPb37Aec/9UpOg4QhPNAxPpL9ZzjTB7",
	"$5$rounds=10$salt$CCvcOM6b7TEJDPb37Aec/9UpOg4QhPNAxPpL9ZzjTB7",
	"$5$salt$short",
	"$5$kpa26zwgX83BPSR8d7w93OIXbFt/d3UOTZaAu5vsTM6",
	"$6$salt$kpa26zwgX83BPSR8d7w93OIXbFt/d3UOTZaAu5vsTM6",
	"$y$jDT$abcdefgh$IUWJt2doU4Kf6E/JP1UkAT3S5O3Q7SSA8SJirXIlEu9",
	"$y$j9T9$abcdefgh$IUWJt2doU4Kf6E/JP1UkAT3S5O3Q7SSA8SJirXIlEu9",
	"$y$j9T$abcdefgh$",
	"$apr1$abcdefgh$h9FWgUz3n9YxylKLlR5SQ",
	"$apr1$abcdefghi$h9FWgUz3n9YxylKLlR5SQ/",
	"$apr1$h9FWgUz3n9YxylKLlR5SQ/",
	"{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ",
	"{SHA}5en6G6MezRroT3XKqkdPOmY/BfR=",
	"{SHA}",
	"E5e9fa1ba31ecd1ae84f75caaa474f3a663f05f4",
	"@sha256:{" SHA256HEX,
	"@sha256:{" SHA1HEX "}",
	"@sha1:{" SHA1HEX "}",
	"@sha512:{" SHA256HEX "}",
};

START_TEST(what_is_no_hash_of_a_known_form_is_refused)
{
	struct guard g = guard_new(span_str(wrong_forms[_i]));
	const char *why = "";

	ck_assert_msg(!password_stored_ok(g.text, &why), "%s", wrong_forms[_i]);
	ck_assert_int_eq(
	    password_check(g.text, SPAN("secret")), PASSWORD_FAULT);
	guard_free(&g);
}
END_TEST

static const struct {
	struct span text;
	const char *why; /* NULL: right */
	size_t n;
} files[] = {
	{ SPAN_INIT(""), NULL, 0 },
	{ SPAN_INIT("# none\r\n\n"), NULL, 0 },
	{ SPAN_INIT("ada:" APR1 "\r\nbob:" SHA1HEX "\n"), NULL, 2 },
	{ SPAN_INIT("ada:@sha256:{" SHA256HEX "}:scope=read tier=Gold"), NULL,
	    1 },
	{ SPAN_INIT("ada:" APR1 ":scope=a scope=b application=\"a b\""), NULL,
	    1 },
	{ SPAN_INIT("ada:" APR1 "\nada:" BCRYPT),
	    "line 2: this user comes "
	    "twice",
	    0 },
	{ SPAN_INIT("ada"), "line 1: not of the form NAME:HASH", 0 },
	{ SPAN_INIT(":" APR1),
	    "line 1: the name is empty, too long, not UTF-8 or has control "
	    "bytes",
	    0 },
	{ SPAN_INIT("a\x01:" APR1),
	    "line 1: the name is empty, too long, not UTF-8 or has control "
	    "bytes",
	    0 },
	{ SPAN_INIT("ada:" APR1 ":tier=a tier=b"),
	    "line 1: a field comes twice", 0 },
	{ SPAN_INIT("ada:" APR1 ":tier="), "line 1: a field is empty", 0 },
	{ SPAN_INIT("ada:" APR1 ":owner=x"), "line 1: an unknown field", 0 },
	{ SPAN_INIT("ada:" APR1 ":x"), "line 1: a field is not NAME=VALUE", 0 },
	{ SPAN_INIT("ada:" APR1 ":scope=\"a b\""),
	    "line 1: a scope is empty or has a blank", 0 },
	{ SPAN_INIT("ok:" APR1 "\nada:secret"),
	    "line 2: not a hash of a kind that is accepted (a password as it "
	    "is, DES, MD5 without apr1)",
	    0 },
};

START_TEST(each_file_is_read_or_refused_with_its_line)
{
	struct guard g = guard_new(files[_i].text);
	char why[200] = "";
	struct user_file *f = user_file_new(g.text, why, sizeof(why));

	ck_assert_msg((f != NULL) == (files[_i].why == NULL), "%s", why);
	if (f != NULL)
		ck_assert_uint_eq(user_file_n(f), files[_i].n);
	else
		ck_assert_str_eq(why, files[_i].why);
	user_file_free(f);
	guard_free(&g);
}
END_TEST

START_TEST(strangers_cost_as_much_as_users_do)
{
	char why[200], name[16];
	struct user_file *f = user_file_new(
	    SPAN("a:" APR1 "\nb:" BCRYPT "\nc:" SHA1HEX), why, sizeof(why));
	unsigned slow = 0;

	ck_assert_ptr_null(user_file_find(f, SPAN("d")));
	ck_assert_ptr_eq(
	    user_file_decoy(f, SPAN("zoe")), user_file_decoy(f, SPAN("zoe")));
	for (int i = 0; i < 300; i++) {
		snprintf(name, sizeof(name), "u%d", i);
		slow += password_is_slow(
		    user_file_decoy(f, span_str(name))->stored);
	}
	/* Two of three are slow, as among the users. */
	ck_assert_uint_gt(slow, 150);
	ck_assert_uint_lt(slow, 250);
	user_file_free(f);
}
END_TEST

/* The check itself ------------------------------------------------- */

static struct sample sample;
static struct arena arena;
static struct user_file *users;
static enum source_result answer;
static unsigned n_hashed, n_busy;
static struct span known[2];
static char known_bytes[64];
static int64_t known_until_s;

static enum source_result
get_source(void *world, uint32_t row, struct source *s)
{
	(void)world;
	(void)row;
	*s = (struct source){ .generation = 1, .users = users };
	return answer;
}

static bool
hash_begin(void *world, int *place)
{
	(void)world;
	*place = 7;
	n_hashed++;
	return n_busy == 0;
}

static void
hash_end(void *world, int place)
{
	(void)world;
	ck_assert_int_eq(place, 7);
}

static bool
recall(void *world, const struct span *parts, unsigned n, struct arena *a,
    struct verdict *v)
{
	(void)world;
	(void)a;
	*v = (struct verdict){ .expires_s = known_until_s };
	return n == 2 && span_eq(parts[0], known[0]) &&
	    span_eq(parts[1], known[1]);
}

static void
remember(
    void *world, const struct span *parts, unsigned n, const struct verdict *v)
{
	(void)world;
	ck_assert_uint_eq(n, 2);
	/* The other only opens the way past too many failures. */
	if (span_eq(parts[0], SPAN("basic-known")))
		return;
	ck_assert_uint_le(parts[1].n, sizeof(known_bytes));
	memcpy(known_bytes, parts[1].p, parts[1].n);
	known[0] = SPAN("basic");
	known[1] = span_of(known_bytes, parts[1].n);
	known_until_s = v->expires_s;
}

static const struct siphash_key secret = { 1, 2 };
static const struct outside outside = { .source = get_source,
	.hash_begin = hash_begin,
	.hash_end = hash_end,
	.secret = &secret,
	.recall = recall,
	.remember = remember };

static void
set_users(const char *text)
{
	char why[200];

	user_file_free(users);
	users = user_file_new(span_str(text), why, sizeof(why));
	ck_assert_msg(users != NULL, "%s", why);
}

static void
setup(void)
{
	struct row_name name = { .kind = NAME_HEADER };
	struct row_source source = { .kind = SOURCE_HTPASSWD };
	struct row_scheme scheme = { .kind = SCHEME_BASIC };

	arena_init(&arena, 1 << 14, 1 << 20);
	set_users("ada:" BCRYPT ":scope=read tier=Gold application=desk\n"
		  "eve:{SHA}2jmj7l5rSw0yVb/vlWAYkK/YBwk=\n");
	sample_begin(&sample);
	name.name = build_text(sample.build, SPAN("HTTP_AUTHORIZATION"));
	name.shown = build_text(sample.build, SPAN("Authorization"));
	scheme.name = build_text(sample.build, SPAN("users"));
	(void)BUILD_ROW(sample.build, SECTION_NAME, &name);
	(void)BUILD_ROW(sample.build, SECTION_SOURCE, &source);
	(void)BUILD_ROW(sample.build, SECTION_SCHEME, &scheme);
	sample_operation(sample_item(&sample, "/x", "GET"), "GET");
	sample_end(&sample);
	answer = SOURCE_OK;
	n_hashed = n_busy = 0;
	known_until_s = 0;
}

static void
teardown(void)
{
	user_file_free(users);
	users = NULL;
	arena_fini(&arena);
	sample_free(&sample);
}

static struct principal who;

/* "pair" is encoded here, or the whole field when it begins so. */
static enum reason
ask_at(struct span pair, int64_t now_s)
{
	struct field field = { .n = pair.p != NULL };
	struct request r = {
		.arena = &arena, .fields = &field, .now_us = now_s * 1000000
	};
	struct credential_call c = { .world = &outside,
		.bundle = &sample.bundle,
		.request = &r,
		.scheme = bundle_scheme(&sample.bundle, 0),
		.api = bundle_api(&sample.bundle, 0) };
	struct decision d = { .reason = REASON_NONE };
	struct buf b;
	bool ok;

	buf_init(&b, 4096);
	if (pair.n > 0 && pair.p[0] == '=') {
		buf_add(&b, span_skip(pair, 1));
	} else {
		buf_add_str(&b, "Basic ");
		base64_encode(&b, pair);
	}
	field.value = buf_span(&b);
	who = (struct principal){ 0 };
	ok = basic_check(&c, &who, &d);
	ck_assert(ok == (d.reason == REASON_NONE));
	buf_fini(&b);
	return d.reason;
}

static enum reason
ask(const char *pair)
{
	return ask_at(span_str(pair), 1000);
}

static const struct {
	struct span pair;
	enum reason reason;
} pairs[] = {
	{ { NULL, 0 }, REASON_CREDENTIAL_MISSING },
	{ SPAN_INIT("ada:secret"), REASON_NONE },
	{ SPAN_INIT("ada:Secret"), REASON_PASSWORD_WRONG },
	{ SPAN_INIT("ada:"), REASON_PASSWORD_WRONG },
	{ SPAN_INIT(":secret"), REASON_PASSWORD_WRONG },
	{ SPAN_INIT(":"), REASON_PASSWORD_WRONG },
	{ SPAN_INIT("Ada:secret"), REASON_PASSWORD_WRONG },
	{ SPAN_INIT("ada :secret"), REASON_PASSWORD_WRONG },
	{ SPAN_INIT("zoe:secret"), REASON_PASSWORD_WRONG },
	{ SPAN_INIT("ada:secret:more"), REASON_PASSWORD_WRONG },
	/* The stored hash of eve is of the empty password. */
	{ SPAN_INIT("eve:"), REASON_NONE },
	{ SPAN_INIT("eve:secret"), REASON_PASSWORD_WRONG },
	{ SPAN_INIT("ada"), REASON_CREDENTIAL_MALFORMED },
	{ SPAN_INIT("ada:secret\0more"), REASON_CREDENTIAL_MALFORMED },
	{ SPAN_INIT("ada\0:secret"), REASON_CREDENTIAL_MALFORMED },
	{ SPAN_INIT("ada:secret\n"), REASON_CREDENTIAL_MALFORMED },
	{ SPAN_INIT("=Basic"), REASON_CREDENTIAL_MALFORMED },
	{ SPAN_INIT("=Basic "), REASON_CREDENTIAL_MALFORMED },
	{ SPAN_INIT("=Bearer YWRhOnNlY3JldA=="), REASON_CREDENTIAL_MALFORMED },
	{ SPAN_INIT("=basic YWRhOnNlY3JldA=="), REASON_NONE },
	{ SPAN_INIT("=Basic YWRhOnNlY3JldA"), REASON_CREDENTIAL_MALFORMED },
	{ SPAN_INIT("=Basic YWRhOnNlY3JldB=="), REASON_CREDENTIAL_MALFORMED },
	{ SPAN_INIT("=Basic YWRhOnNl Y3JldA=="), REASON_CREDENTIAL_MALFORMED },
	{ SPAN_INIT("=Basic YWRhOnNlY3JldA==, Basic YWRhOnNlY3JldA=="),
	    REASON_CREDENTIAL_DUPLICATE },
};

START_TEST(a_pair_gets_in_for_a_reason)
{
	ck_assert_str_eq(reason_word(ask_at(pairs[_i].pair, 1000)),
	    reason_word(pairs[_i].reason));
}
END_TEST

START_TEST(too_long_names_and_passwords_are_refused_before_hashing)
{
	char text[2 * PASSWORD_BYTES_MAX + 10];

	memset(text, 'a', sizeof(text));
	text[3] = ':';
	ck_assert_int_eq(
	    ask_at(span_of(text, 4 + PASSWORD_BYTES_MAX + 1), 1000),
	    REASON_CREDENTIAL_MALFORMED);
	text[3] = 'a';
	text[PASSWORD_BYTES_MAX + 1] = ':';
	ck_assert_int_eq(ask_at(span_of(text, PASSWORD_BYTES_MAX + 4), 1000),
	    REASON_CREDENTIAL_MALFORMED);
	ck_assert_uint_eq(n_hashed, 0);
}
END_TEST

START_TEST(who_gets_in_is_what_the_file_says)
{
	ck_assert_int_eq(ask("ada:secret"), REASON_NONE);
	ck_assert(span_eq(who.subject, SPAN("ada")));
	ck_assert(span_eq(who.issuer, SPAN("basic")));
	ck_assert(span_eq(who.scheme, SPAN("users")));
	ck_assert(span_eq(who.tier, SPAN("Gold")));
	ck_assert(span_eq(who.application, SPAN("desk")));
	ck_assert(principal_has_scope(&who, SPAN("read")));
}
END_TEST

START_TEST(a_pair_that_was_right_is_hashed_once_a_minute)
{
	ck_assert_int_eq(ask("ada:secret"), REASON_NONE);
	ck_assert_int_eq(ask("ada:secret"), REASON_NONE);
	ck_assert_uint_eq(n_hashed, 1);
	ck_assert_int_eq(ask("ada:other"), REASON_PASSWORD_WRONG);
	ck_assert_int_eq(ask("ada:other"), REASON_PASSWORD_WRONG);
	ck_assert_uint_eq(n_hashed, 3);
	ck_assert_int_eq(ask_at(SPAN("ada:secret"), 1059), REASON_NONE);
	ck_assert_uint_eq(n_hashed, 3);
	ck_assert_int_eq(ask_at(SPAN("ada:secret"), 1061), REASON_NONE);
	ck_assert_uint_eq(n_hashed, 4);
}
END_TEST

START_TEST(what_is_remembered_goes_with_the_stored_hash)
{
	ck_assert_int_eq(ask("ada:secret"), REASON_NONE);
	set_users("ada:$2y$04$abcdefghijklmnopqrstuu5XQl64I3WPWSJw."
		  "ftK7xXCrRn1r6QJi\n");
	ck_assert_int_eq(ask("ada:secret"), REASON_PASSWORD_WRONG);
	set_users("bob:" BCRYPT "\n");
	ck_assert_int_eq(ask("ada:secret"), REASON_PASSWORD_WRONG);
	set_users("");
	ck_assert_int_eq(ask("ada:secret"), REASON_PASSWORD_WRONG);
}
END_TEST

START_TEST(a_stranger_with_the_password_of_another_stays_out)
{
	set_users("ada:" BCRYPT "\n");
	n_hashed = 0;
	ck_assert_int_eq(ask("bob:secret"), REASON_PASSWORD_WRONG);
	/* He was hashed for, and is so again: nothing is remembered. */
	ck_assert_int_eq(ask("bob:secret"), REASON_PASSWORD_WRONG);
	ck_assert_uint_eq(n_hashed, 2);
}
END_TEST

START_TEST(too_many_hashes_are_503_and_known_pairs_go_on)
{
	ck_assert_int_eq(ask("ada:secret"), REASON_NONE);
	n_busy = 1;
	ck_assert_int_eq(ask("ada:other"), REASON_OVERLOADED);
	ck_assert_int_eq(ask("bob:other"), REASON_OVERLOADED);
	ck_assert_int_eq(ask("ada:secret"), REASON_NONE);
}
END_TEST

START_TEST(without_its_file_nobody_gets_in)
{
	answer = SOURCE_DOWN;
	ck_assert_int_eq(ask("ada:secret"), REASON_VERIFIER_DOWN);
	answer = SOURCE_FAULT;
	ck_assert_int_eq(ask("ada:secret"), REASON_FAULT);
	answer = SOURCE_OK;
	user_file_free(users);
	users = NULL;
	ck_assert_int_eq(ask("ada:secret"), REASON_FAULT);
}
END_TEST

#define N(list) (int)(sizeof(list) / sizeof((list)[0]))

int
main(void)
{
	Suite *s = suite_create("basic");
	TCase *t = tcase_create("stored");
	SRunner *r;
	int failed;

	tcase_add_loop_test(
	    t, the_right_password_alone_fits_each_form, 0, N(right));
	tcase_add_test(t, apr1_is_that_of_openssl_for_passwords_of_any_length);
	tcase_add_loop_test(
	    t, what_is_no_hash_of_a_known_form_is_refused, 0, N(wrong_forms));
	tcase_add_loop_test(
	    t, each_file_is_read_or_refused_with_its_line, 0, N(files));
	tcase_add_test(t, strangers_cost_as_much_as_users_do);
	suite_add_tcase(s, t);
	t = tcase_create("check");
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, a_pair_gets_in_for_a_reason, 0, N(pairs));
	tcase_add_test(
	    t, too_long_names_and_passwords_are_refused_before_hashing);
	tcase_add_test(t, who_gets_in_is_what_the_file_says);
	tcase_add_test(t, a_pair_that_was_right_is_hashed_once_a_minute);
	tcase_add_test(t, what_is_remembered_goes_with_the_stored_hash);
	tcase_add_test(t, a_stranger_with_the_password_of_another_stays_out);
	tcase_add_test(t, too_many_hashes_are_503_and_known_pairs_go_on);
	tcase_add_test(t, without_its_file_nobody_gets_in);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
