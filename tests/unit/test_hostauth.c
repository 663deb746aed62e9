/*
 * Users whom the web server has authenticated, and what is none of that.
 */
#include <check.h>

#include "policy/credential.h"
#include "sample.h"

#define GROUPS "OIDC_GROUPS"

static struct sample sample;
static struct arena arena;

static void
add_rows(uint32_t flags)
{
	static const struct span hosts[] = { SPAN_INIT("api.example"),
		SPAN_INIT("second.example") };
	static const struct span types[] = { SPAN_INIT("Basic"),
		SPAN_INIT("openid-connect") };
	static const struct span scopes[] = { SPAN_INIT("admins"),
		SPAN_INIT("read write"), SPAN_INIT("staff"),
		SPAN_INIT("read") };
	struct row_scheme scheme = { .kind = SCHEME_HOST,
		.field = ROW_NONE,
		.source = ROW_NONE,
		.host = 1 };
	struct row_host_auth h = { .flags = flags };

	scheme.name = build_text(sample.build, SPAN("ldap"));
	h.name = build_text(sample.build, SPAN("staff"));
	h.hosts = build_strings(sample.build, hosts, 2);
	if (flags == 0)
		h.types = build_strings(sample.build, types, 2);
	h.prefix = build_text(sample.build, SPAN("/gate/staff"));
	h.mark = build_text(sample.build, SPAN("m1"));
	h.groups = build_text(sample.build, SPAN(GROUPS));
	h.separator = build_text(sample.build, SPAN(";"));
	h.group_scopes = build_strings(sample.build, scopes, 4);
	(void)BUILD_ROW(sample.build, SECTION_HOST_AUTH, &h);
	(void)BUILD_ROW(sample.build, SECTION_SCHEME, &scheme);
	sample_operation(sample_item(&sample, "/x", "GET"), "GET");
}

static void
setup(void)
{
	arena_init(&arena, 4096, 1 << 20);
	sample_begin(&sample);
	add_rows(0);
	sample_end(&sample);
}

static void
teardown(void)
{
	sample_free(&sample);
	arena_fini(&arena);
}

#define PARAMS_MAX 16

/* A request as it is right, and what a case changes: NULL takes it away. */
struct change {
	const char *name, *value;
};

static enum reason
ask(const struct change *changes, size_t n, struct span mount, struct span path,
    struct principal *who)
{
	static const struct change right[] = { { "SERVER_NAME", "api.example" },
		{ "REMOTE_USER", "ada" }, { "AUTH_TYPE", "Basic" },
		{ "MGW_HOST_AUTH", "m1" }, { GROUPS, "staff; admins" } };
	struct param params[PARAMS_MAX];
	struct request r = {
		.params = params, .arena = &arena, .mount = mount, .path = path
	};
	struct credential_call call = { .bundle = &sample.bundle,
		.request = &r,
		.scheme = bundle_scheme(&sample.bundle, 0) };
	struct decision d = { .reason = REASON_NONE };

	for (size_t i = 0; i < sizeof(right) / sizeof(right[0]); i++) {
		bool changed = false;

		for (size_t k = 0; k < n; k++)
			changed |= changes[k].name != NULL &&
			    strcmp(changes[k].name, right[i].name) == 0;
		if (!changed)
			params[r.n_params++] =
			    (struct param){ span_str(right[i].name),
				    span_str(right[i].value) };
	}
	for (size_t k = 0; k < n; k++)
		if (changes[k].value != NULL)
			params[r.n_params++] =
			    (struct param){ span_str(changes[k].name),
				    span_str(changes[k].value) };
	*who = (struct principal){ 0 };
	return host_check(&call, who, &d) ? REASON_NONE : d.reason;
}

static const struct {
	struct change changes[3];
	enum reason reason;
} rows[] = {
	{ { { NULL, NULL } }, REASON_NONE },
	{ { { "SERVER_NAME", "API.example" } }, REASON_NONE },
	{ { { "SERVER_NAME", "second.example" } }, REASON_NONE },
	{ { { "AUTH_TYPE", "OpenID-Connect" } }, REASON_NONE },
	{ { { GROUPS, NULL } }, REASON_NONE },
	{ { { "REMOTE_USER", "ada" }, { "REMOTE_USER", "ada" } }, REASON_NONE },
	/* Nobody. */
	{ { { "REMOTE_USER", NULL } }, REASON_CREDENTIAL_MISSING },
	{ { { "REMOTE_USER", "" } }, REASON_CREDENTIAL_MISSING },
	/* What a client can send. */
	{ { { "REMOTE_USER", NULL }, { "HTTP_REMOTE_USER", "ada" } },
	    REASON_CREDENTIAL_MISSING },
	{ { { "REMOTE_USER", NULL }, { "HTTP_PROXY_REMOTE_USER", "ada" } },
	    REASON_CREDENTIAL_MISSING },
	{ { { "REMOTE_USER", NULL }, { "REDIRECT_REMOTE_USER", "ada" } },
	    REASON_CREDENTIAL_MISSING },
	{ { { "AUTH_TYPE", NULL }, { "HTTP_AUTH_TYPE", "Basic" } },
	    REASON_CREDENTIAL_MISSING },
	{ { { "SERVER_NAME", NULL }, { "HTTP_HOST", "api.example" } },
	    REASON_CREDENTIAL_MISSING },
	{ { { "MGW_HOST_AUTH", NULL }, { "HTTP_MGW_HOST_AUTH", "m1" } },
	    REASON_CREDENTIAL_MISSING },
	/* Another place, another way. */
	{ { { "SERVER_NAME", "other.example" } }, REASON_CREDENTIAL_MISSING },
	{ { { "SERVER_NAME", "api.example.evil" } },
	    REASON_CREDENTIAL_MISSING },
	{ { { "SERVER_NAME", "" } }, REASON_CREDENTIAL_MISSING },
	{ { { "AUTH_TYPE", "Guest" } }, REASON_CREDENTIAL_MISSING },
	{ { { "AUTH_TYPE", "" } }, REASON_CREDENTIAL_MISSING },
	{ { { "AUTH_TYPE", NULL } }, REASON_CREDENTIAL_MISSING },
	{ { { "MGW_HOST_AUTH", "m" } }, REASON_CREDENTIAL_MISSING },
	{ { { "MGW_HOST_AUTH", "M1" } }, REASON_CREDENTIAL_MISSING },
	/* Two meanings. */
	{ { { "REMOTE_USER", "ada" }, { "REMOTE_USER", "eve" } },
	    REASON_BAD_REQUEST },
	{ { { "AUTH_TYPE", "Basic" }, { "AUTH_TYPE", "Guest" } },
	    REASON_BAD_REQUEST },
	{ { { "SERVER_NAME", "api.example" }, { "SERVER_NAME", "x" } },
	    REASON_BAD_REQUEST },
	{ { { GROUPS, "a" }, { GROUPS, "admins" } }, REASON_BAD_REQUEST },
	/* No names. */
	{ { { "REMOTE_USER", "a\tb" } }, REASON_CREDENTIAL_MALFORMED },
	{ { { "REMOTE_USER", "a\nb" } }, REASON_CREDENTIAL_MALFORMED },
	{ { { "REMOTE_USER", "a\xff" } }, REASON_CREDENTIAL_MALFORMED },
	{ { { GROUPS, "a\nadmins" } }, REASON_CREDENTIAL_MALFORMED },
};

START_TEST(only_the_web_servers_own_word_counts)
{
	size_t n = 0;
	struct principal who;
	enum reason reason;

	while (n < 3 && rows[_i].changes[n].name != NULL)
		n++;
	reason =
	    ask(rows[_i].changes, n, SPAN(""), SPAN("/gate/staff/x"), &who);
	ck_assert_str_eq(reason_word(reason), reason_word(rows[_i].reason));
	if (reason != REASON_NONE)
		return;
	ck_assert(span_eq(who.subject, SPAN("ada")));
	ck_assert(span_eq(who.issuer, SPAN("host:staff")));
	ck_assert(span_eq(who.scheme, SPAN("ldap")));
}
END_TEST

static const struct {
	const char *mount, *path;
	bool good;
} places[] = {
	{ "", "/gate/staff", true },
	{ "", "/gate/staff/", true },
	{ "", "/gate/staff/x/y", true },
	{ "/gate", "/staff/x", true },
	{ "/gate/", "/staff/x", false }, /* request_read cuts the slash */
	{ "/gate/staff", "/x", true },
	{ "/gate/staff/deep", "/x", true },
	{ "/gate/staffing", "/x", false },
	{ "", "/gate/staffing", false },
	{ "", "/gate/staff%2Fx", false },
	{ "", "/gate/Staff/x", false },
	{ "", "/staff/x", false },
	{ "", "/gate", false },
	{ "", "/", false },
	{ "/other", "/gate/staff/x", false },
	{ "/gate", "/gate/staff/x", false },
};

START_TEST(the_path_is_below_the_prefix_segment_by_segment)
{
	struct principal who;
	enum reason reason = ask(NULL, 0, span_str(places[_i].mount),
	    span_str(places[_i].path), &who);

	ck_assert_str_eq(reason_word(reason),
	    reason_word(
		places[_i].good ? REASON_NONE : REASON_CREDENTIAL_MISSING));
}
END_TEST

static const struct {
	const char *groups, *scopes;
	size_t n;
} lists[] = {
	{ "", "", 0 },
	{ ";;", "", 0 },
	{ "staff", "read", 1 },
	{ "staff;admins", "read write read", 2 },
	{ " admins ; guests ", "read write", 2 },
	{ "Admins", "", 1 },
	{ "admins,staff", "", 1 },
};

START_TEST(groups_are_names_and_bring_scopes)
{
	const struct change change = { GROUPS, lists[_i].groups };
	struct principal who;

	ck_assert_int_eq(ask(&change, 1, SPAN(""), SPAN("/gate/staff/x"), &who),
	    REASON_NONE);
	ck_assert_uint_eq(who.n_groups, lists[_i].n);
	ck_assert(span_eq(who.scopes, span_str(lists[_i].scopes)));
}
END_TEST

START_TEST(long_names_and_many_groups_are_refused)
{
	static char name[258], groups[8194], many[2 * 257 + 1];
	struct change change = { "REMOTE_USER", name };
	struct principal who;

	memset(name, 'a', 257);
	ck_assert_int_eq(ask(&change, 1, SPAN(""), SPAN("/gate/staff/x"), &who),
	    REASON_CREDENTIAL_MALFORMED);
	name[256] = '\0';
	ck_assert_int_eq(ask(&change, 1, SPAN(""), SPAN("/gate/staff/x"), &who),
	    REASON_NONE);
	memset(groups, 'a', 8193);
	change = (struct change){ GROUPS, groups };
	ck_assert_int_eq(ask(&change, 1, SPAN(""), SPAN("/gate/staff/x"), &who),
	    REASON_CREDENTIAL_MALFORMED);
	for (size_t i = 0; i < 257; i++)
		memcpy(many + 2 * i, "a;", 2);
	change.value = many;
	ck_assert_int_eq(ask(&change, 1, SPAN(""), SPAN("/gate/staff/x"), &who),
	    REASON_CREDENTIAL_MALFORMED);
	many[2 * 256] = '\0';
	ck_assert_int_eq(ask(&change, 1, SPAN(""), SPAN("/gate/staff/x"), &who),
	    REASON_NONE);
}
END_TEST

/* What a bundle may say of it. */
static bool
loads(void (*spoil)(struct build *, struct row_host_auth *, uint32_t *))
{
	static const struct span host = SPAN_INIT("a.example");
	struct row_scheme scheme = { .kind = SCHEME_HOST,
		.field = ROW_NONE,
		.source = ROW_NONE,
		.host = 1 };
	struct row_host_auth h = { .flags = HOST_AUTH_TYPE_ANY };
	struct sample s;
	char why[200];
	bool ok;

	sample_begin(&s);
	h.name = build_text(s.build, SPAN("staff"));
	h.hosts = build_strings(s.build, &host, 1);
	if (spoil != NULL)
		spoil(s.build, &h, &scheme.host);
	(void)BUILD_ROW(s.build, SECTION_HOST_AUTH, &h);
	(void)BUILD_ROW(s.build, SECTION_SCHEME, &scheme);
	sample_operation(sample_item(&s, "/x", "GET"), "GET");
	sample_write(&s);
	ok = bundle_from(&s.bundle, buf_span(&s.bytes), why, sizeof(why));
	sample_free(&s);
	return ok;
}

static void
no_host(struct build *b, struct row_host_auth *h, uint32_t *scheme)
{
	(void)b;
	(void)scheme;
	h->hosts.n = 0;
}

static void
no_type(struct build *b, struct row_host_auth *h, uint32_t *scheme)
{
	(void)b;
	(void)scheme;
	h->flags = 0;
}

static void
header_groups(struct build *b, struct row_host_auth *h, uint32_t *scheme)
{
	(void)scheme;
	h->groups = build_text(b, SPAN("HTTP_GROUPS"));
	h->separator = build_text(b, SPAN(","));
}

static void
no_separator(struct build *b, struct row_host_auth *h, uint32_t *scheme)
{
	(void)scheme;
	h->groups = build_text(b, SPAN("GROUPS"));
}

static void
no_row(struct build *b, struct row_host_auth *h, uint32_t *scheme)
{
	(void)b;
	(void)h;
	*scheme = 2;
}

static void
no_reference(struct build *b, struct row_host_auth *h, uint32_t *scheme)
{
	(void)b;
	(void)h;
	*scheme = 0;
}

START_TEST(a_bundle_pins_a_host_and_a_type)
{
	ck_assert(loads(NULL));
	ck_assert(!loads(no_host));
	ck_assert(!loads(no_type));
	ck_assert(!loads(header_groups));
	ck_assert(!loads(no_separator));
	ck_assert(!loads(no_row));
	ck_assert(!loads(no_reference));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("hostauth");
	TCase *t = tcase_create("hostauth");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, only_the_web_servers_own_word_counts, 0,
	    (int)(sizeof(rows) / sizeof(rows[0])));
	tcase_add_loop_test(t, the_path_is_below_the_prefix_segment_by_segment,
	    0, (int)(sizeof(places) / sizeof(places[0])));
	tcase_add_loop_test(t, groups_are_names_and_bring_scopes, 0,
	    (int)(sizeof(lists) / sizeof(lists[0])));
	tcase_add_test(t, long_names_and_many_groups_are_refused);
	tcase_add_test(t, a_bundle_pins_a_host_and_a_type);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
