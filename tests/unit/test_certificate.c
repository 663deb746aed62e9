/*
 * The client's certificate as variables tell of it, and tokens bound to one.
 */
#include <check.h>
#include <stdlib.h>

#include "base/base64.h"
#include "guard.h"
#include "policy/certificate.h"
#include "policy/certificate_known.h"
#include "policy/verdict.h"
#include "sample.h"
#include "test_pem.h"

static const char pem[] = TEST_PEM;

#define THUMBPRINT "eUK7PkKvtsza1pMPX1SP9cdKPTPx_hUcebCD4mq4rY0"
#define NOT_BEFORE_S INT64_C(1795242124)
#define NOT_AFTER_S INT64_C(4948842124)

static struct arena arena;

static void
setup(void)
{
	arena_init(&arena, 4096, 1 << 20);
}

static void
teardown(void)
{
	arena_fini(&arena);
}

START_TEST(a_certificate_says_what_it_is)
{
	struct certificate c;
	const char *why = "";

	ck_assert_msg(
	    sign_certificate(span_str(pem), &arena, &c, &why), "%s", why);
	ck_assert(span_eq(c.thumbprint, SPAN(THUMBPRINT)));
	ck_assert(span_eq(c.subject, SPAN("CN=client,O=Test\\, Inc")));
	ck_assert(span_eq(c.issuer, c.subject));
	ck_assert(span_eq(c.serial, SPAN("a1b2c")));
	ck_assert_uint_eq(c.n_names, 3);
	ck_assert(span_eq(c.names[0], SPAN("dns:client.example")));
	ck_assert(span_eq(c.names[1], SPAN("email:c@client.example")));
	ck_assert(span_eq(c.names[2], SPAN("uri:urn:client")));
	ck_assert_int_eq(c.not_before_s, NOT_BEFORE_S);
	ck_assert_int_eq(c.not_after_s, NOT_AFTER_S);
}
END_TEST

START_TEST(every_cut_of_a_certificate_is_refused)
{
	struct certificate c;
	const char *why;

	for (size_t n = 0; n + 2 < sizeof(pem) - 1; n += 7) {
		char *cut = malloc(n + 1); /* for the sanitizer's eyes */

		memcpy(cut, pem, n);
		ck_assert(!sign_certificate(span_of(cut, n), &arena, &c, &why));
		free(cut);
	}
}
END_TEST

/* A world that remembers one verdict, and how often it was asked. */
static char kept_bytes[VERDICT_BYTES_MAX];
static struct verdict kept;
static struct span kept_name;
static unsigned n_kept;

static bool
recall(void *world, const struct span *parts, unsigned n, struct arena *a,
    struct verdict *v)
{
	(void)world;
	(void)a;
	if (n_kept == 0 || !span_eq(parts[n - 1], kept_name))
		return false;
	*v = kept;
	return true;
}

static void
remember(
    void *world, const struct span *parts, unsigned n, const struct verdict *v)
{
	(void)world;
	kept = *v;
	memcpy(kept_bytes, v->payload.p, v->payload.n);
	kept.payload.p = kept_bytes;
	kept_name = parts[n - 1];
	n_kept++;
}

START_TEST(a_certificate_is_read_once)
{
	const struct outside world = { .recall = recall, .remember = remember };
	struct certificate first, second;
	size_t whole;
	const char *why;

	ck_assert(sign_certificate(span_str(pem), &arena, &first, &why));
	ck_assert(
	    !certificate_recall(&world, 0, span_str(pem), &arena, &second));
	certificate_remember(&world, 0, span_str(pem), &first);
	ck_assert_uint_eq(n_kept, 1);
	ck_assert(
	    certificate_recall(&world, 0, span_str(pem), &arena, &second));
	ck_assert_mem_eq(first.sha256, second.sha256, SHA256_BYTES);
	ck_assert(span_eq(first.thumbprint, second.thumbprint));
	ck_assert(span_eq(first.subject, second.subject));
	ck_assert(span_eq(first.issuer, second.issuer));
	ck_assert(span_eq(first.serial, second.serial));
	ck_assert_uint_eq(first.n_names, second.n_names);
	for (size_t i = 0; i < first.n_names; i++)
		ck_assert(span_eq(first.names[i], second.names[i]));
	ck_assert_int_eq(second.not_before_s, NOT_BEFORE_S);
	ck_assert_int_eq(second.not_after_s, NOT_AFTER_S);
	ck_assert_int_gt(kept.expires_s, NOT_AFTER_S);
	ck_assert(!certificate_recall(
	    &world, 0, span_of(pem, sizeof(pem) - 2), &arena, &second));
	/* What was written wrong is read again. */
	whole = kept.payload.n;
	for (kept.payload.n = 0; kept.payload.n < whole; kept.payload.n++)
		ck_assert(!certificate_recall(
		    &world, 0, span_str(pem), &arena, &second));
	memset(kept_bytes, 0xff, sizeof(kept_bytes));
	ck_assert(
	    !certificate_recall(&world, 0, span_str(pem), &arena, &second));
}
END_TEST

START_TEST(one_with_too_many_names_is_read_each_time)
{
	const struct outside world = { .recall = recall, .remember = remember };
	struct certificate c;
	struct span names[200];
	const char *why;

	ck_assert(sign_certificate(span_str(pem), &arena, &c, &why));
	for (size_t i = 0; i < 200; i++)
		names[i] = SPAN("dns:client.example");
	c.names = names;
	c.n_names = 200;
	certificate_remember(&world, 0, span_str(pem), &c);
	ck_assert_uint_eq(n_kept, 0);
	certificate_remember(NULL, 0, span_str(pem), &c);
	ck_assert(!certificate_recall(NULL, 0, span_str(pem), &arena, &c));
}
END_TEST

static enum reason
ask(const struct param *params, size_t n, int64_t now_s,
    const struct principal *who)
{
	struct request r = { .params = params,
		.n_params = n,
		.arena = &arena,
		.now_us = now_s * 1000000 };
	struct decision d = { .reason = REASON_NONE };
	bool ok = certificate_binding(NULL, &r, who, &d);

	ck_assert(ok == (d.reason == REASON_NONE));
	return d.reason;
}

static const struct {
	const char *verify, *cert; /* "+": the one above */
	const char *bound;         /* x5t#S256; NULL: something else */
	int64_t now_s;
	enum reason reason;
} rows[] = {
	{ "SUCCESS", "+", THUMBPRINT, NOT_BEFORE_S, REASON_NONE },
	{ "SUCCESS", "+", THUMBPRINT, NOT_AFTER_S, REASON_NONE },
	{ "SUCCESS", "+", THUMBPRINT, NOT_BEFORE_S - 1,
	    REASON_CERTIFICATE_UNTRUSTED },
	{ "SUCCESS", "+", THUMBPRINT, NOT_AFTER_S + 1,
	    REASON_CERTIFICATE_UNTRUSTED },
	{ "SUCCESS", "+", THUMBPRINT "=", NOT_BEFORE_S,
	    REASON_CERTIFICATE_MISMATCH },
	{ "SUCCESS", "+", "", NOT_BEFORE_S, REASON_CERTIFICATE_MISMATCH },
	{ "SUCCESS", "+", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
	    NOT_BEFORE_S, REASON_CERTIFICATE_MISMATCH },
	{ "SUCCESS", "+", NULL, NOT_BEFORE_S, REASON_WRONG_TYPE },
	{ "success", "+", THUMBPRINT, NOT_BEFORE_S,
	    REASON_CERTIFICATE_UNTRUSTED },
	{ "SUCCESS ", "+", THUMBPRINT, NOT_BEFORE_S,
	    REASON_CERTIFICATE_UNTRUSTED },
	{ "GENEROUS", "+", THUMBPRINT, NOT_BEFORE_S,
	    REASON_CERTIFICATE_UNTRUSTED },
	{ "FAILED:expired", "+", THUMBPRINT, NOT_BEFORE_S,
	    REASON_CERTIFICATE_UNTRUSTED },
	{ "NONE", "+", THUMBPRINT, NOT_BEFORE_S, REASON_CERTIFICATE_MISSING },
	{ "", "+", THUMBPRINT, NOT_BEFORE_S, REASON_CERTIFICATE_MISSING },
	{ NULL, "+", THUMBPRINT, NOT_BEFORE_S, REASON_CERTIFICATE_MISSING },
	{ "SUCCESS", NULL, THUMBPRINT, NOT_BEFORE_S,
	    REASON_CERTIFICATE_UNTRUSTED },
	{ "SUCCESS", "x", THUMBPRINT, NOT_BEFORE_S,
	    REASON_CERTIFICATE_UNTRUSTED },
};

START_TEST(a_bound_token_wants_its_certificate)
{
	struct param params[2];
	size_t n = 0;
	struct principal who = { .bound = true };

	if (rows[_i].verify != NULL)
		params[n++] = (struct param){ SPAN("SSL_CLIENT_VERIFY"),
			span_str(rows[_i].verify) };
	if (rows[_i].cert != NULL)
		params[n++] = (struct param){ SPAN("SSL_CLIENT_CERT"),
			span_str(
			    rows[_i].cert[0] == '+' ? pem : rows[_i].cert) };
	who.certificate = span_str(rows[_i].bound);
	ck_assert_str_eq(reason_word(ask(params, n, rows[_i].now_s, &who)),
	    reason_word(rows[_i].reason));
	who.bound = false;
	ck_assert_int_eq(ask(params, n, rows[_i].now_s, &who), REASON_NONE);
}
END_TEST

START_TEST(headers_and_second_variables_are_not_believed)
{
	static const struct principal who = { .bound = true,
		.certificate = SPAN_INIT(THUMBPRINT) };
	const struct param headers[] = {
		{ SPAN("HTTP_SSL_CLIENT_VERIFY"), SPAN("SUCCESS") },
		{ SPAN("HTTP_SSL_CLIENT_CERT"), span_str(pem) },
		{ SPAN("SSL_CLIENT_CERT"), span_str(pem) },
	};
	const struct param twice[] = {
		{ SPAN("SSL_CLIENT_VERIFY"), SPAN("SUCCESS") },
		{ SPAN("SSL_CLIENT_CERT"), span_str(pem) },
		{ SPAN("SSL_CLIENT_VERIFY"), SPAN("NONE") },
	};

	ck_assert_int_eq(
	    ask(headers, 3, NOT_BEFORE_S, &who), REASON_CERTIFICATE_MISSING);
	ck_assert_int_eq(ask(twice, 3, NOT_BEFORE_S, &who), REASON_BAD_REQUEST);
}
END_TEST

/* A bundle with one scheme of client certificates. */
static bool
loads(uint32_t flags, const struct row_certificate *c, char *why, size_t n)
{
	struct sample sample;
	struct row_scheme scheme = { .kind = SCHEME_MTLS,
		.field = ROW_NONE,
		.source = ROW_NONE,
		.flags = flags };
	struct row_certificate row;
	bool ok;

	sample_begin(&sample);
	scheme.name = build_text(sample.build, SPAN("cert"));
	if (c != NULL) {
		row = *c;
		row.value = build_text(sample.build, SPAN("a1"));
		scheme.certificates = (struct range){
			BUILD_ROW(sample.build, SECTION_CERTIFICATE, &row), 1
		};
	}
	(void)BUILD_ROW(sample.build, SECTION_SCHEME, &scheme);
	sample_operation(sample_item(&sample, "/x", "GET"), "GET");
	sample_write(&sample);
	ok = bundle_from(&sample.bundle, buf_span(&sample.bytes), why, n);
	sample_free(&sample);
	return ok;
}

START_TEST(a_bundle_says_whose_certificates_and_nothing_half)
{
	static const struct row_certificate subject = {
		.rule = CERTIFICATE_SUBJECT
	};
	static const struct row_certificate serial = { .rule =
							   CERTIFICATE_SERIAL };
	static const struct row_certificate unknown = {
		.rule = CERTIFICATE_RULE__MAX
	};
	char why[200] = "";

	ck_assert_msg(loads(0, &subject, why, sizeof(why)), "%s", why);
	ck_assert(loads(SCHEME_CERTIFICATE_ANY, NULL, why, sizeof(why)));
	ck_assert(!loads(0, NULL, why, sizeof(why)));
	ck_assert(!loads(SCHEME_CERTIFICATE_ANY, &subject, why, sizeof(why)));
	ck_assert(!loads(2, &subject, why, sizeof(why)));
	ck_assert(!loads(0, &serial, why, sizeof(why)));
	ck_assert(!loads(0, &unknown, why, sizeof(why)));
}
END_TEST

/* The certificate above in every form that a field can have. */
static struct span
base64_of_pem(void)
{
	struct span s = span_str(pem), line;
	char *to = arena_alloc(&arena, s.n);
	size_t n = 0;

	while (s.p != NULL) {
		line = span_cut(&s, '\n');
		if (line.n == 0 || line.p[0] == '-')
			continue;
		memcpy(to + n, line.p, line.n);
		n += line.n;
	}
	return span_of(to, n);
}

static struct span
escaped(struct span s, const char *also)
{
	char *to = arena_alloc(&arena, 3 * s.n + 1);
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++) {
		if (strchr(also, s.p[i]) == NULL) {
			to[n++] = s.p[i];
			continue;
		}
		to[n++] = '%';
		to[n++] = "0123456789ABCDEF"[s.p[i] >> 4];
		to[n++] = "0123456789abcdef"[s.p[i] & 15];
	}
	return span_of(to, n);
}

static struct span
with_blanks(struct span s)
{
	char *to = arena_alloc(&arena, s.n);

	for (size_t i = 0; i < s.n; i++)
		to[i] = s.p[i] == '\n' ? ' ' : s.p[i];
	return span_of(to, s.n);
}

static struct span
base64_of(struct span s)
{
	struct span text;
	struct buf b;

	buf_init(&b, 1 << 16);
	base64_encode(&b, s);
	text = arena_copy(&arena, buf_span(&b));
	buf_fini(&b);
	return text;
}

/* What each row makes of the certificate. */
static struct span
make(const char *how)
{
	struct span p = span_str(pem), b = base64_of_pem();

	if (strcmp(how, "sequence") == 0)
		return arena_printf(&arena, ":%.*s:", SPAN_ARG(b));
	if (strcmp(how, "sequence;p") == 0)
		return arena_printf(&arena, ":%.*s:;a=1", SPAN_ARG(b));
	if (strcmp(how, "two sequences") == 0)
		return arena_printf(
		    &arena, ":%.*s:, :%.*s:", SPAN_ARG(b), SPAN_ARG(b));
	if (strcmp(how, "sequence of pem") == 0)
		return arena_printf(&arena, ":%.*s:", SPAN_ARG(base64_of(p)));
	if (strcmp(how, "sequence of more") == 0)
		return arena_printf(
		    &arena, ":%.*s%.*s:", SPAN_ARG(b), SPAN_ARG(SPAN("AAAA")));
	if (strcmp(how, "sequence with blank") == 0)
		return arena_printf(
		    &arena, ":%.*s %.*s:", 8, b.p, (int)b.n - 8, b.p + 8);
	if (strcmp(how, "base64") == 0)
		return b;
	if (strcmp(how, "base64 of pem") == 0)
		return base64_of(p);
	if (strcmp(how, "pem") == 0)
		return p;
	if (strcmp(how, "pem with blanks") == 0)
		return with_blanks(p);
	if (strcmp(how, "pem escaped") == 0)
		return escaped(p, " \n+/=");
	if (strcmp(how, "pem twice") == 0)
		return arena_printf(&arena, "%s%s", pem, pem);
	if (strcmp(how, "pem and more") == 0)
		return arena_printf(&arena, "%sx", pem);
	if (strcmp(how, "pem without end") == 0)
		return span_of(p.p, p.n - 30);
	if (strcmp(how, "base64 twice") == 0)
		return arena_printf(
		    &arena, "%.*s,%.*s", SPAN_ARG(b), SPAN_ARG(b));
	if (strcmp(how, "bad escape") == 0)
		return arena_printf(&arena, "%s%%4", pem);
	if (strcmp(how, "long") == 0)
		return span_of(
		    arena_calloc(&arena, 1, 48 * 1024 + 1), 48 * 1024 + 1);
	return span_str(how);
}

static const struct {
	enum certificate_form form;
	const char *how;
	bool good;
} forms[] = {
	{ CERTIFICATE_RFC9440, "sequence", true },
	{ CERTIFICATE_RFC9440, "sequence;p", false },
	{ CERTIFICATE_RFC9440, "two sequences", false },
	{ CERTIFICATE_RFC9440, "sequence of pem", false },
	{ CERTIFICATE_RFC9440, "sequence of more", false },
	{ CERTIFICATE_RFC9440, "sequence with blank", false },
	{ CERTIFICATE_RFC9440, "base64", false },
	{ CERTIFICATE_RFC9440, "pem", false },
	{ CERTIFICATE_RFC9440, "pem escaped", false },
	{ CERTIFICATE_RFC9440, "", false },
	{ CERTIFICATE_RFC9440, ":", false },
	{ CERTIFICATE_RFC9440, "::", false },
	{ CERTIFICATE_RFC9440, ":AAAA:", false },
	{ CERTIFICATE_RFC9440, "long", false },
	{ CERTIFICATE_PEM, "base64", true },
	{ CERTIFICATE_PEM, "base64 of pem", true },
	{ CERTIFICATE_PEM, "pem", true },
	{ CERTIFICATE_PEM, "pem with blanks", true },
	{ CERTIFICATE_PEM, "pem escaped", true },
	{ CERTIFICATE_PEM, "sequence", false },
	{ CERTIFICATE_PEM, "pem twice", false },
	{ CERTIFICATE_PEM, "pem and more", false },
	{ CERTIFICATE_PEM, "pem without end", false },
	{ CERTIFICATE_PEM, "base64 twice", false },
	{ CERTIFICATE_PEM, "bad escape", false },
	{ CERTIFICATE_PEM, "", false },
	{ CERTIFICATE_PEM, "(null)", false },
	{ CERTIFICATE_PEM, "long", false },
};

START_TEST(a_field_tells_of_one_certificate_in_its_form)
{
	struct span der;
	struct certificate c;
	struct guard g;
	const char *why = "";
	bool good;

	g = guard_new(make(forms[_i].how));
	good = certificate_field_read(
		   g.text, forms[_i].form, &arena, &der, &why) &&
	    sign_certificate_der(der, &arena, &c, &why);
	ck_assert_msg(good == forms[_i].good, "%s: %s", forms[_i].how, why);
	if (good)
		ck_assert(span_eq(c.thumbprint, SPAN(THUMBPRINT)));
	else
		ck_assert_uint_gt(strlen(why), 0);
	guard_free(&g);
}
END_TEST

#define FIELD "HTTP_CLIENT_CERT"
#define SECRET "0123456789abcdef"

static const struct {
	const char *fields; /* c: certificate, s: secret, S: a wrong one, */
			    /* v: variables of the web server, x: no value */
	bool proxied;
	enum reason reason;
} proxies[] = {
	{ "cs", true, REASON_NONE },
	{ "c", true, REASON_CERTIFICATE_UNTRUSTED },
	{ "cS", true, REASON_CERTIFICATE_UNTRUSTED },
	{ "css", true, REASON_CERTIFICATE_UNTRUSTED },
	{ "csS", true, REASON_CERTIFICATE_UNTRUSTED },
	{ "s", true, REASON_CERTIFICATE_MISSING },
	{ "xs", true, REASON_CERTIFICATE_MISSING },
	{ "ccs", true, REASON_BAD_REQUEST },
	{ "xcs", true, REASON_BAD_REQUEST },
	/* The proxy's own certificate is not its client's. */
	{ "v", true, REASON_CERTIFICATE_MISSING },
	{ "vs", true, REASON_CERTIFICATE_MISSING },
	{ "vcS", true, REASON_CERTIFICATE_UNTRUSTED },
	/* From anybody else the field is no word at all. */
	{ "cs", false, REASON_CERTIFICATE_MISSING },
	{ "ccs", false, REASON_CERTIFICATE_MISSING },
	{ "v", false, REASON_NONE },
	{ "vcs", false, REASON_NONE },
};

START_TEST(a_field_counts_from_a_proxy_that_shows_its_secret)
{
	static const struct principal who = { .bound = true,
		.certificate = SPAN_INIT(THUMBPRINT) };
	const struct certificate_rules rules = { .header = SPAN(FIELD),
		.secret_header = SPAN("HTTP_X_SECRET"),
		.secret = SPAN(SECRET) };
	struct param params[8];
	struct sample sample;
	struct network trusted;
	struct request_rules all = { .strip_prefix = SPAN(""),
		.client = { .trusted = &trusted,
		    .n_trusted = proxies[_i].proxied ? 1 : 0 },
		.certificate = rules };
	struct request r = { .params = params,
		.arena = &arena,
		.now_us = NOT_BEFORE_S * 1000000 };
	struct decision d = { .reason = REASON_NONE };
	size_t n = 0;

	ck_assert(network_parse(SPAN("10.0.0.1"), &trusted));
	params[n++] = (struct param){ SPAN("REMOTE_ADDR"), SPAN("10.0.0.1") };
	params[n++] = (struct param){ SPAN("REQUEST_METHOD"), SPAN("GET") };
	params[n++] = (struct param){ SPAN("REQUEST_URI"), SPAN("/x") };
	for (const char *p = proxies[_i].fields; *p != '\0'; p++) {
		if (*p == 'v')
			params[n++] = (struct param){ SPAN("SSL_CLIENT_VERIFY"),
				SPAN("SUCCESS") };
		params[n++] = *p == 'c'
		    ? (struct param){ SPAN(FIELD), make("sequence") }
		    : *p == 'x' ? (struct param){ SPAN(FIELD), SPAN("") }
		    : *p == 's'
		    ? (struct param){ SPAN("HTTP_X_SECRET"), SPAN(SECRET) }
		    : *p == 'S'
		    ? (struct param){ SPAN("HTTP_X_SECRET"),
			      SPAN("0123456789abcdeF") }
		    : (struct param){ SPAN("SSL_CLIENT_CERT"), span_str(pem) };
	}
	r.n_params = n;
	sample_begin(&sample);
	sample_operation(sample_item(&sample, "/x", "GET"), "GET");
	sample_end(&sample);
	ck_assert(request_read(&r, &sample.bundle, &all, &d));
	(void)certificate_binding(NULL, &r, &who, &d);
	ck_assert_str_eq(
	    reason_word(d.reason), reason_word(proxies[_i].reason));
	sample_free(&sample);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("certificate");
	TCase *t = tcase_create("certificate");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, a_certificate_says_what_it_is);
	tcase_add_test(t, every_cut_of_a_certificate_is_refused);
	tcase_add_test(t, a_certificate_is_read_once);
	tcase_add_test(t, one_with_too_many_names_is_read_each_time);
	tcase_add_loop_test(t, a_bound_token_wants_its_certificate, 0,
	    (int)(sizeof(rows) / sizeof(rows[0])));
	tcase_add_test(t, headers_and_second_variables_are_not_believed);
	tcase_add_test(t, a_bundle_says_whose_certificates_and_nothing_half);
	tcase_add_loop_test(t, a_field_tells_of_one_certificate_in_its_form, 0,
	    (int)(sizeof(forms) / sizeof(forms[0])));
	tcase_add_loop_test(t,
	    a_field_counts_from_a_proxy_that_shows_its_secret, 0,
	    (int)(sizeof(proxies) / sizeof(proxies[0])));
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
