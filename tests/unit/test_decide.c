/*
 * test_decide - the column of checks, from parameters to an answer, with
 * API keys as credentials.
 */
#include "tests/unit/sample.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "policy/answer.h"
#include "policy/decide.h"
#include "policy/keyfile.h"

#define NOW_US (INT64_C(1800000000) * 1000000)

/* SHA-256 of "key-alpha", "key-beta" and "key-gamma". */
static const char key_text[] =
    "alpha000 active "
    "39a00d29356083a9c9d65c14652350d61b11d5d2e8582da510887c8e11be08c8 "
    "owner=ann application=shop scope=read scope=write\n"
    "beta0000 active "
    "8fd493b2a681a4810d9fd40526a9de960deb255e7bfbb1c4d509d06d6da6ff5b "
    "owner=bob application=till scope=read tier=Gold\n"
    "gamma000 revoked "
    "48dcfc29339fe4f9ae052b80ed0ced40dc21f90a6e5da1a9076ff463be0e2cbb "
    "owner=cat application=old\n";

enum source_number {
	KEYS, /* the text above */
	DOWN,
	FAULT,
	ISSUER_KEYS,
	SOURCES
};

enum scheme_number {
	KEY,    /* X-API-Key */
	SECOND, /* ?key= */
	LOST,   /* its key file is not there */
	BROKEN, /* its key file cannot be used */
	TOKEN,  /* Bearer */
	NOBODY, /* no verifier */
	SCHEMES
};

static struct sample sample;
static struct arena arena;
static struct key_file *keys;
static unsigned n_takes;
static bool take_refuses;
static char trace[400];

static enum source_result
get_source(void *world, uint32_t row, struct source *s)
{
	(void)world;
	*s = (struct source){ .generation = 1 };
	if (row == DOWN)
		return SOURCE_DOWN;
	if (row != KEYS)
		return SOURCE_FAULT;
	s->key_file = keys;
	return SOURCE_OK;
}

static enum take_result
take(void *world, struct take *takes, unsigned n, int64_t now_us)
{
	(void)world;
	(void)now_us;
	n_takes += n;
	for (unsigned i = 0; take_refuses && i < n; i++) {
		takes[i].refused = true;
		takes[i].wait_us = 2500000;
	}
	return take_refuses ? TAKE_REFUSED : TAKE_ALLOWED;
}

static void
note(void *world, const char *stage, int alternative, enum reason reason,
    struct span detail)
{
	size_t n = strlen(trace);

	(void)world;
	(void)detail;
	if (alternative >= 0)
		(void)snprintf(trace + n, sizeof(trace) - n, "%s#%d=%s ", stage,
		    alternative, reason_word(reason));
	else
		(void)snprintf(trace + n, sizeof(trace) - n, "%s=%s ", stage,
		    reason_word(reason));
}

static const struct outside outside = {
	.source = get_source, .take = take, .note = note
};

static uint32_t
add_source(uint32_t kind)
{
	struct row_source row = { .kind = kind };

	return BUILD_ROW(sample.build, SECTION_SOURCE, &row);
}

static void
add_scheme(
    enum scheme_kind kind, const char *name, uint32_t field, uint32_t source)
{
	struct row_scheme row = {
		.kind = kind, .field = field, .source = source
	};
	uint32_t issuer = 0;

	row.name = build_text(sample.build, span_str(name));
	if (kind == SCHEME_JWT)
		row.issuers = build_indices(sample.build, &issuer, 1);
	(void)BUILD_ROW(sample.build, SECTION_SCHEME, &row);
}

static void
add_schemes(void)
{
	static const struct {
		enum name_kind kind;
		const char *name, *shown;
	} names[] = {
		{ NAME_HEADER, "HTTP_X_API_KEY", "X-API-Key" },
		{ NAME_QUERY, "key", "key" },
		{ NAME_HEADER, "HTTP_AUTHORIZATION", "Authorization" },
	};
	struct row_issuer issuer = { .algorithms = 1 << ALG_RS256,
		.flags = ISSUER_AUDIENCE_ANY,
		.sources = { ISSUER_KEYS, 1 } };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct row_name row = { .kind = names[i].kind };

		row.name = build_text(sample.build, span_str(names[i].name));
		row.shown = build_text(sample.build, span_str(names[i].shown));
		(void)BUILD_ROW(sample.build, SECTION_NAME, &row);
	}
	(void)add_source(SOURCE_KEY_FILE); /* KEYS */
	(void)add_source(SOURCE_KEY_FILE); /* DOWN */
	(void)add_source(SOURCE_KEY_FILE); /* FAULT */
	(void)add_source(SOURCE_KEY_SET);
	issuer.issuer = build_text(sample.build, SPAN("https://id.example/"));
	(void)BUILD_ROW(sample.build, SECTION_ISSUER, &issuer);
	add_scheme(SCHEME_API_KEY, "key", 0, KEYS);
	add_scheme(SCHEME_API_KEY, "second", 1, KEYS);
	add_scheme(SCHEME_API_KEY, "lost", 0, DOWN);
	add_scheme(SCHEME_API_KEY, "broken", 0, FAULT);
	add_scheme(SCHEME_JWT, "token", 2, ROW_NONE);
	add_scheme(SCHEME_NO_VERIFIER, "nobody", ROW_NONE, ROW_NONE);
}

/*
 * GET of "path" with the security that "text" draws: alternatives divided
 * by '|', each with letters of schemes; "r" and "w" behind a letter are its
 * scopes, '?' makes one enough.  "" is {}.
 */
static struct row_operation *
add_operation(const char *path, const char *text)
{
	struct row_operation *op = sample_operation(
	    sample_item(&sample, path, "GET, HEAD, OPTIONS"), "GET");
	struct span rest = span_str(text);
	uint32_t first = build_n(sample.build, SECTION_ALTERNATIVE), n = 0;

	for (; rest.p != NULL; n++) {
		struct span s = span_cut(&rest, '|');
		struct row_alternative a = {
			{ build_n(sample.build, SECTION_REQUIREMENT), 0 }
		};

		for (; s.n > 0; a.requirements.n++) {
			static const char letters[SCHEMES + 1] = "kslbtn";
			struct row_requirement q = { 0 };
			struct span scopes[2];
			uint32_t n_scopes = 0;

			q.scheme =
			    (uint32_t)(strchr(letters, s.p[0]) - letters);
			for (s = span_skip(s, 1);
			     s.n > 0 && strchr("rw?", s.p[0]) != NULL;
			     s = span_skip(s, 1)) {
				if (s.p[0] == '?')
					q.flags = REQUIREMENT_SCOPES_ANY;
				else
					scopes[n_scopes++] = s.p[0] == 'r'
					    ? SPAN("read")
					    : SPAN("write");
			}
			q.scopes =
			    build_strings(sample.build, scopes, n_scopes);
			(void)BUILD_ROW(sample.build, SECTION_REQUIREMENT, &q);
		}
		(void)BUILD_ROW(sample.build, SECTION_ALTERNATIVE, &a);
	}
	sample_secure(op, first, n);
	return op;
}

static void
setup(void)
{
	struct row_limit limit = {
		.count = 5, .period_us = 1000000, .burst = 5
	};
	struct row_tier tier = { .limits = { 0, 1 } };
	struct row_operation *op;
	char why[100] = "";

	arena_init(&arena, 1 << 14, 1 << 20);
	keys = key_file_new(span_str(key_text), why, sizeof(why));
	ck_assert_msg(keys != NULL, "%s", why);
	sample_begin(&sample);
	add_schemes();
	tier.name = build_text(sample.build, SPAN("Gold"));
	(void)BUILD_ROW(sample.build, SECTION_LIMIT, &limit);
	(void)BUILD_ROW(sample.build, SECTION_TIER, &tier);
	op = sample_operation(
	    sample_item(&sample, "/public", "GET, HEAD, OPTIONS"), "GET");
	op->max_body_bytes = 10;
	op->tier = 0;
	add_operation("/key", "k");
	add_operation("/scoped", "krw");
	add_operation("/any", "krw?");
	add_operation("/or", "t|k");
	add_operation("/and", "kwsr");
	add_operation("/optional", "|k");
	add_operation("/nobody", "n");
	add_operation("/nobody-or-key", "n|k");
	add_operation("/lost-or-key", "l|s");
	add_operation("/broken-or-key", "b|s");
	add_operation("/two", "kr|sw");
	add_operation("/token", "tr");
	add_operation("/limited", "k")->tier = 0;
	sample_end(&sample);
	n_takes = 0;
	take_refuses = false;
	trace[0] = '\0';
}

static void
teardown(void)
{
	key_file_free(keys);
	arena_fini(&arena);
	sample_free(&sample);
}

static struct request request;
static struct ruling ruling;
static struct policy policy;

static bool
ask(const char *method, const char *uri, const char *key, const char *length)
{
	static struct param params[4];

	policy = (struct policy){ .bundle = &sample.bundle,
		.outside = &outside,
		.rules.strip_prefix = SPAN("") };
	params[0] = (struct param){ SPAN("REQUEST_METHOD"), span_str(method) };
	params[1] = (struct param){ SPAN("REQUEST_URI"), span_str(uri) };
	params[2] = (struct param){ SPAN("CONTENT_LENGTH"), span_str(length) };
	params[3] = (struct param){ SPAN("HTTP_X_API_KEY"), span_str(key) };
	request = (struct request){ .params = params,
		.n_params = key != NULL ? 4 : 3,
		.arena = &arena,
		.now_us = NOW_US,
		.id = SPAN("00112233445566778899aabbccddeeff") };
	return decide(&policy, &request, &ruling);
}

static const struct {
	const char *uri, *key;
	enum reason reason;
	const char *subject; /* NULL: nobody */
} rows[] = {
	{ "/public", NULL, REASON_NONE, NULL },
	{ "/public", "wrong", REASON_NONE, NULL },
	{ "/key", NULL, REASON_CREDENTIAL_MISSING, NULL },
	{ "/key", "wrong", REASON_KEY_INVALID, NULL },
	{ "/key", "key-gamma", REASON_REVOKED, NULL },
	{ "/key", "key-beta", REASON_NONE, "bob" },
	{ "/key?key=key-beta", NULL, REASON_CREDENTIAL_MISSING, NULL },
	/* All scopes are needed, or one of them. */
	{ "/scoped", "key-beta", REASON_SCOPE_MISSING, NULL },
	{ "/scoped", "key-alpha", REASON_NONE, "ann" },
	{ "/any", "key-beta", REASON_NONE, "bob" },
	/* Alternatives are OR; the one that got furthest is the answer. */
	{ "/or", "key-beta", REASON_NONE, "bob" },
	{ "/or", NULL, REASON_CREDENTIAL_MISSING, NULL },
	{ "/or", "wrong", REASON_KEY_INVALID, NULL },
	{ "/two", "wrong", REASON_KEY_INVALID, NULL },
	{ "/two?key=key-beta", "wrong", REASON_SCOPE_MISSING, NULL },
	{ "/two?key=key-alpha", "wrong", REASON_NONE, "ann" },
	{ "/two?key=wrong", "key-gamma", REASON_REVOKED, NULL },
	/* Requirements are AND; the first one names the caller. */
	{ "/and?key=key-beta", "key-alpha", REASON_NONE, "ann" },
	{ "/and?key=key-alpha", "key-beta", REASON_SCOPE_MISSING, NULL },
	{ "/and", "key-alpha", REASON_CREDENTIAL_MISSING, NULL },
	{ "/and?key=wrong", "key-alpha", REASON_KEY_INVALID, NULL },
	/* {} allows anybody, and knows who brings a credential. */
	{ "/optional", NULL, REASON_NONE, NULL },
	{ "/optional", "wrong", REASON_NONE, NULL },
	{ "/optional", "key-alpha", REASON_NONE, "ann" },
	/* What cannot be verified is never open. */
	{ "/nobody", "key-alpha", REASON_NO_VERIFIER, NULL },
	{ "/nobody-or-key", NULL, REASON_CREDENTIAL_MISSING, NULL },
	{ "/nobody-or-key", "key-alpha", REASON_NONE, "ann" },
	{ "/lost-or-key", "key-alpha", REASON_VERIFIER_DOWN, NULL },
	{ "/lost-or-key?key=wrong", "key-alpha", REASON_VERIFIER_DOWN, NULL },
	{ "/lost-or-key?key=key-alpha", "x", REASON_NONE, "ann" },
	{ "/broken-or-key?key=wrong", "key-alpha", REASON_FAULT, NULL },
	/* Before and behind it. */
	{ "/nowhere", "key-alpha", REASON_NO_ROUTE, NULL },
	{ "/a//b", "key-alpha", REASON_PATH_AMBIGUOUS, NULL },
};

START_TEST(a_request_is_allowed_for_a_reason)
{
	bool ok = ask("GET", rows[_i].uri, rows[_i].key, "0");

	ck_assert_msg(ruling.decision.reason == rows[_i].reason,
	    "%s %s: %s: %s", rows[_i].uri, rows[_i].key,
	    reason_word(ruling.decision.reason), trace);
	ck_assert(ok == (rows[_i].reason == REASON_NONE));
	ck_assert(!ruling.preflight);
	if (rows[_i].subject == NULL) {
		ck_assert_ptr_null(ruling.who.subject.p);
		return;
	}
	ck_assert(span_eq(ruling.who.subject, span_str(rows[_i].subject)));
}
END_TEST

START_TEST(tier_is_that_of_the_first_credential_that_names_one)
{
	ck_assert(ask("GET", "/and?key=key-beta", "key-alpha", "0"));
	ck_assert(span_eq(ruling.who.subject, SPAN("ann")));
	ck_assert(span_eq(ruling.who.tier, SPAN("Gold")));
	ck_assert(ask("GET", "/key", "key-alpha", "0"));
	ck_assert_uint_eq(ruling.who.tier.n, 0);
}
END_TEST

START_TEST(head_has_the_whole_policy_of_get)
{
	ck_assert(!ask("HEAD", "/key", NULL, "0"));
	ck_assert_int_eq(ruling.decision.reason, REASON_CREDENTIAL_MISSING);
	ck_assert(ask("HEAD", "/key", "key-alpha", "0"));
}
END_TEST

START_TEST(a_preflight_needs_no_credential_and_counts_nothing)
{
	struct answer a;

	ck_assert(ask("OPTIONS", "/limited", NULL, "0"));
	ck_assert(ruling.preflight);
	ck_assert_uint_eq(n_takes, 0);
	answer_make(&policy, &request, &ruling, &a);
	ck_assert_uint_eq(a.status, 204);
	ck_assert(span_eq(a.headers, SPAN("Allow: GET, HEAD, OPTIONS\r\n")));
	ck_assert_uint_eq(a.body.n, 0);
	ck_assert(ask("OPTIONS", "*", NULL, "0"));
	answer_make(&policy, &request, &ruling, &a);
	ck_assert_uint_eq(a.status, 204);
	ck_assert_uint_eq(a.headers.n, 0);
}
END_TEST

START_TEST(a_body_that_says_it_is_too_long_is_not_counted)
{
	ck_assert(ask("GET", "/public", NULL, "10"));
	ck_assert_uint_eq(n_takes, 1);
	ck_assert(!ask("GET", "/public", NULL, "11"));
	ck_assert_int_eq(ruling.decision.reason, REASON_BODY_TOO_LARGE);
	ck_assert_uint_eq(n_takes, 1);
}
END_TEST

START_TEST(a_refused_credential_is_not_counted)
{
	ck_assert(!ask("GET", "/limited", "wrong", "0"));
	ck_assert_uint_eq(n_takes, 0);
	ck_assert(ask("GET", "/limited", "key-alpha", "0"));
	ck_assert_uint_eq(n_takes, 1);
}
END_TEST

START_TEST(a_clock_behind_the_bundle_is_a_fault)
{
	sample.bundle.made_us = NOW_US + 60 * INT64_C(1000000);
	ck_assert(ask("GET", "/public", NULL, "0"));
	sample.bundle.made_us++;
	ck_assert(!ask("GET", "/public", NULL, "0"));
	ck_assert_int_eq(ruling.decision.reason, REASON_FAULT);
}
END_TEST

START_TEST(every_step_is_told)
{
	ck_assert(!ask("GET", "/or", "wrong", "0"));
	ck_assert_str_eq(trace,
	    "shape=- route=- authenticate#0=credential-missing "
	    "authenticate#1=key-invalid security=key-invalid ");
}
END_TEST

/* However little memory there is, no request slips through. */
START_TEST(without_memory_nothing_is_allowed)
{
	for (size_t room = 0; room < 600; room += 16) {
		struct answer a;

		arena_fini(&arena);
		arena_init(&arena, 16, room);
		if (ask("GET", "/key?key=a%20b", "wrong", "0"))
			ck_abort_msg("allowed");
		ck_assert(ruling.decision.reason == REASON_FAULT ||
		    ruling.decision.reason == REASON_KEY_INVALID);
		answer_make(&policy, &request, &ruling, &a);
		ck_assert_uint_eq(
		    a.status, reason_status(ruling.decision.reason));
		ck_assert_uint_gt(a.headers.n, 0);
		ck_assert_uint_gt(a.body.n, 0);
	}
}
END_TEST

/* One refusal and what its answer must say, and must not. */
static const struct {
	const char *method, *uri, *key;
	unsigned status;
	const char *has[4];
	const char *lacks[2];
} answers[] = {
	{ "GET", "/key", NULL, 401,
	    { "\r\nWWW-Authenticate: ApiKey realm=\"mgw\", in=\"header\", "
	      "name=\"X-API-Key\"\r\n" },
	    { "Bearer", "Allow" } },
	{ "GET", "/or", NULL, 401,
	    { "\r\nWWW-Authenticate: Bearer realm=\"mgw\"\r\n",
		"\r\nWWW-Authenticate: ApiKey " },
	    { "error", "scope" } },
	{ "GET", "/or", "wrong", 401,
	    { "\r\nWWW-Authenticate: Bearer realm=\"mgw\"\r\n" },
	    { "invalid_token", NULL } },
	{ "GET", "/two", NULL, 401,
	    { "in=\"header\"", "in=\"query\", name=\"key\"" }, { NULL } },
	{ "GET", "/scoped", "key-beta", 403, { "Cache-Control: no-store\r\n" },
	    { "WWW-Authenticate" } },
	{ "POST", "/key", NULL, 405, { "\r\nAllow: GET, HEAD, OPTIONS\r\n" },
	    { "WWW-Authenticate" } },
	{ "CONNECT", "/key", NULL, 405, { "\r\nAllow: \r\n" }, { NULL } },
	{ "GET", "/nowhere", NULL, 404,
	    { "X-Content-Type-Options: nosniff\r\n" }, { "Allow" } },
	{ "GET", "/lost-or-key", "key-alpha", 503, { "\r\nRetry-After: 5\r\n" },
	    { NULL } },
	{ "GET", "/nobody", NULL, 503, { "Content-Type: application/" },
	    { "Retry-After", "WWW-Authenticate" } },
};

/* "haystack" is no string. */
static bool
has(struct span haystack, const char *needle)
{
	return memmem(haystack.p, haystack.n, needle, strlen(needle)) != NULL;
}

/* A body is one JSON object of strict JSON. */
static void
check_json(struct span body)
{
	struct json_scan s;
	enum json_event e;

	json_scan_init(&s, body, 4, &arena);
	while ((e = json_scan_next(&s)) != JSON_END)
		ck_assert_msg(
		    e != JSON_ERROR, "%s: %.*s", s.error, SPAN_ARG(body));
}

START_TEST(an_answer_has_what_its_status_demands)
{
	struct answer a;

	ck_assert(
	    !ask(answers[_i].method, answers[_i].uri, answers[_i].key, "0"));
	answer_make(&policy, &request, &ruling, &a);
	ck_assert_uint_eq(a.status, answers[_i].status);
	for (int k = 0; k < 4 && answers[_i].has[k] != NULL; k++)
		ck_assert_msg(has(a.headers, answers[_i].has[k]),
		    "%s lacks %s in\n%.*s", answers[_i].uri, answers[_i].has[k],
		    SPAN_ARG(a.headers));
	for (int k = 0; k < 2 && answers[_i].lacks[k] != NULL; k++)
		ck_assert_msg(!has(a.headers, answers[_i].lacks[k]),
		    "%s has %s", answers[_i].uri, answers[_i].lacks[k]);
	check_json(a.body);
}
END_TEST

START_TEST(a_limit_says_when_to_come_again)
{
	struct answer a;

	take_refuses = true;
	ck_assert(!ask("GET", "/limited", "key-alpha", "0"));
	answer_make(&policy, &request, &ruling, &a);
	ck_assert_uint_eq(a.status, 429);
	ck_assert(has(a.headers, "\r\nRetry-After: 3\r\n"));
	/* The operation's limit is not this caller's alone. */
	ck_assert(!has(a.headers, "RateLimit"));
}
END_TEST

/* The challenge of a token that came, without a key to sign one. */
START_TEST(a_bearer_challenge_says_what_was_wrong)
{
	static const struct {
		enum reason reason;
		const char *challenge;
	} cases[] = {
		{ REASON_EXPIRED,
		    "Bearer realm=\"mgw\", error=\"invalid_token\", "
		    "error_description=\"Credential expired\"\r\n" },
		{ REASON_SCOPE_MISSING,
		    "Bearer realm=\"mgw\", error=\"insufficient_scope\", "
		    "error_description=\"Missing scope\", scope=\"read\"\r\n" },
		{ REASON_CREDENTIAL_MALFORMED, "Bearer realm=\"mgw\"\r\n" },
	};
	struct answer a;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ck_assert(!ask("GET", "/token", NULL, "0"));
		ck_assert_int_eq(
		    ruling.decision.reason, REASON_CREDENTIAL_MISSING);
		ck_assert_ptr_nonnull(ruling.decision.requirement);
		ruling.decision.reason = cases[i].reason;
		answer_make(&policy, &request, &ruling, &a);
		ck_assert_msg(has(a.headers, cases[i].challenge), "%.*s",
		    SPAN_ARG(a.headers));
	}
}
END_TEST

START_TEST(a_body_has_the_form_of_its_api)
{
	struct answer a;

	ck_assert(!ask("GET", "/key", NULL, "0"));
	ruling.decision.detail = SPAN("</script>\"");
	answer_make(&policy, &request, &ruling, &a);
	ck_assert(has(a.headers, "application/problem+json"));
	ck_assert_msg(
	    span_eq(a.body,
		SPAN("{\"type\":\"urn:mgw:reason:credential-missing\","
		     "\"status\":401,\"title\":\"Missing credentials\","
		     "\"detail\":\"\\u003c/script\\u003e\\\"\","
		     "\"instance\":\"00112233445566778899aabbccddeeff\","
		     "\"reason\":\"credential-missing\"}\n")),
	    "%.*s", SPAN_ARG(a.body));

	sample_free(&sample);
	arena_fini(&arena);
	key_file_free(keys);
	setup();
	sample_free(&sample);
	sample_begin(&sample);
	sample.api.errors = ERRORS_WSO2;
	add_schemes();
	add_operation("/key", "k");
	sample_end(&sample);
	ck_assert(!ask("GET", "/key", NULL, "0"));
	answer_make(&policy, &request, &ruling, &a);
	ck_assert(has(a.headers, "Content-Type: application/json\r\n"));
	ck_assert_msg(span_eq(a.body,
			  SPAN("{\"fault\":{\"code\":900902,"
			       "\"message\":\"Missing credentials\","
			       "\"description\":\"no credential was sent\"}}"
			       "\n")),
	    "%.*s", SPAN_ARG(a.body));
}
END_TEST

/* As import writes it for "max-body: none" below a limit for all. */
START_TEST(no_limit_of_its_own_is_no_limit)
{
	struct row_settings settings = { .max_body_bytes = 5 };
	struct row_api api = { .max_body_bytes = UINT64_MAX };
	struct row_operation op = { .max_body_bytes = UINT64_MAX };
	struct bundle b = { 0 };
	struct match m = { 0 };

	b.rows[SECTION_SETTINGS] =
	    (struct bundle_rows){ (const char *)&settings, 1 };
	ck_assert_uint_eq(decide_max_body(&b, &m), 5);
	m.api = &api;
	ck_assert_uint_eq(decide_max_body(&b, &m), UINT64_MAX);
	m.operation = &op;
	ck_assert_uint_eq(decide_max_body(&b, &m), UINT64_MAX);
	op.max_body_bytes = 7;
	ck_assert_uint_eq(decide_max_body(&b, &m), 7);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("decide");
	TCase *t = tcase_create("decide");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, a_request_is_allowed_for_a_reason, 0,
	    (int)(sizeof(rows) / sizeof(rows[0])));
	tcase_add_test(t, no_limit_of_its_own_is_no_limit);
	tcase_add_test(t, tier_is_that_of_the_first_credential_that_names_one);
	tcase_add_test(t, head_has_the_whole_policy_of_get);
	tcase_add_test(t, a_preflight_needs_no_credential_and_counts_nothing);
	tcase_add_test(t, a_body_that_says_it_is_too_long_is_not_counted);
	tcase_add_test(t, a_refused_credential_is_not_counted);
	tcase_add_test(t, a_clock_behind_the_bundle_is_a_fault);
	tcase_add_test(t, every_step_is_told);
	tcase_add_test(t, without_memory_nothing_is_allowed);
	tcase_add_loop_test(t, an_answer_has_what_its_status_demands, 0,
	    (int)(sizeof(answers) / sizeof(answers[0])));
	tcase_add_test(t, a_limit_says_when_to_come_again);
	tcase_add_test(t, a_bearer_challenge_says_what_was_wrong);
	tcase_add_test(t, a_body_has_the_form_of_its_api);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
