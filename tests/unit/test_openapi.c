/*
 * What is read from right OpenAPI documents.
 */
#include <check.h>
#include <stdlib.h>

#include "spec/model.h"

static struct arena arena;
static struct diag diag;
static struct buf out;

static void
setup(void)
{
	arena_init(&arena, 1 << 16, (size_t)1 << 29);
	diag = (struct diag){ .arena = &arena };
	buf_init(&out, 1 << 24);
}

static void
teardown(void)
{
	buf_fini(&out);
	arena_fini(&arena);
}

static const char *
messages(void)
{
	buf_reset(&out);
	diag_write(&diag, &out);
	buf_add_char(&out, '\0');
	return out.p;
}

static struct spec_document *
parse(const char *text)
{
	return openapi_parse(span_str(text), "t.yaml", &diag);
}

static struct spec_document *
parse_right(const char *text)
{
	struct spec_document *doc = parse(text);

	ck_assert_msg(doc != NULL && diag.n_errors == 0, "%s", messages());
	return doc;
}

#define V2 "swagger: '2.0'\ninfo: {title: T, version: 1.0}\n"
#define V30 "openapi: 3.0.3\ninfo: {title: T, version: '1'}\n"
#define V31 "openapi: 3.1.0\ninfo: {title: T, version: '1'}\n"
#define NO_PATHS "paths: {}\n"
#define SCHEMES                                                        \
	"components: {securitySchemes: {"                              \
	"key: {type: apiKey, in: header, name: X-Key}, "               \
	"oauth: {type: oauth2, flows: {}}, "                           \
	"jwt: {type: http, scheme: Bearer}, "                          \
	"pw: {type: http, scheme: basic}, "                            \
	"oidc: {type: openIdConnect, openIdConnectUrl: 'https://x'}, " \
	"tls: {type: mutualTLS}}}\n"

#define OP(item) "paths: {/a: {get: {" item "}}}\n"

static const struct {
	const char *text, *base_path, *server;
} places[] = {
	{ V30 NO_PATHS, "", NULL },
	{ V30 NO_PATHS "servers: [{url: /}]", "", NULL },
	{ V30 NO_PATHS "servers: [{url: /api/v3/}]", "/api/v3", NULL },
	{ V30 NO_PATHS "servers: [{url: v1}]", "/v1", NULL },
	{ V30 NO_PATHS "servers: [{url: 'https://h:8443/v1/'}]", "/v1",
	    "https://h:8443/v1/" },
	{ V30 NO_PATHS "servers: [{url: 'http://h'}]", "", "http://h" },
	{ V30 NO_PATHS "servers: [{url: 'https://{h}.x:{p}/{v}', variables: "
		       "{h: {default: a}, p: {default: 8443}, v: {default: "
		       "v2}}}]",
	    "/v2", "https://a.x:8443/v2" },
	{ V30 NO_PATHS "servers: [{url: 'http://127.0.0.1:1/v1'}]", "/v1",
	    "http://127.0.0.1:1/v1" },
	{ V30 NO_PATHS "x-mgw-base-path: /mine\n"
		       "servers: [{url: 'https://h/v1'}]",
	    "/mine", "https://h/v1" },
	{ V30 NO_PATHS "x-wso2-basePath: '/p/{version}'", "/p/1", NULL },
	{ V30 NO_PATHS "x-wso2-basePath: /a\nx-mgw-base-path: /b", "/b", NULL },
	{ V2 NO_PATHS "host: h\nbasePath: /v1\nschemes: [http]", "/v1",
	    "http://h/v1" },
	{ V2 NO_PATHS "host: h:8080\nbasePath: /\nschemes: [http, https]", "",
	    "https://h:8080" },
	{ V2 NO_PATHS "basePath: /v1/\nschemes: [http]", "/v1", NULL },
};

START_TEST(base_path_and_backend_come_from_servers_or_host)
{
	struct spec_document *doc = parse_right(places[_i].text);

	ck_assert_msg(
	    span_eq(doc->base_path.text, span_str(places[_i].base_path)),
	    "%.*s", SPAN_ARG(doc->base_path.text));
	if (places[_i].server == NULL) {
		ck_assert_ptr_null(doc->servers);
		return;
	}
	ck_assert_ptr_nonnull(doc->servers);
	ck_assert_ptr_null(doc->servers->next);
	ck_assert(doc->servers->from_document);
	ck_assert(span_eq(doc->servers->url.text, span_str(places[_i].server)));
}
END_TEST

/* "key&oauth:a,b|-" for the alternatives of a security list. */
static const char *
security_text(const struct spec_security *s)
{
	buf_reset(&out);
	for (struct spec_alternative *a = s->alternatives; a; a = a->next) {
		if (a->requirements == NULL)
			buf_add_char(&out, '-');
		for (struct spec_requirement *q = a->requirements; q;
		     q = q->next) {
			buf_add(&out, q->scheme.text);
			for (struct spec_word *w = q->scopes; w; w = w->next) {
				buf_add_char(&out, w == q->scopes ? ':' : ',');
				buf_add(&out, w->text.text);
			}
			buf_add_str(&out, q->next ? "&" : "");
		}
		buf_add_str(&out, a->next ? "|" : "");
	}
	buf_add_char(&out, '\0');
	return out.p;
}

static const struct {
	const char *list, *text;
} security[] = {
	{ "[]", "" }, { "[{}]", "-" }, { "[{key: []}]", "key" },
	{ "[{key: [], oauth: [a, b]}, {jwt: []}]", "key&oauth:a,b|jwt" },
	{ "[{oidc: [a]}, {}]", "oidc:a|-" },
	{ "[{key: [role]}]", "key:role" }, /* 3.1 */
};

START_TEST(security_is_or_of_and_in_document_order)
{
	struct span text = arena_printf(
	    &arena, V31 SCHEMES OP("security: %s"), security[_i].list);
	struct spec_document *doc = parse_right(text.p);
	struct spec_security *s = &doc->paths->operations->security;

	ck_assert(s->given);
	ck_assert(!doc->security.given);
	ck_assert_str_eq(security_text(s), security[_i].text);
}
END_TEST

START_TEST(schemes_have_their_types)
{
	static const enum spec_scheme_type types[] = { SPEC_SCHEME_API_KEY,
		SPEC_SCHEME_OAUTH2, SPEC_SCHEME_HTTP_BEARER,
		SPEC_SCHEME_HTTP_BASIC, SPEC_SCHEME_OPENID, SPEC_SCHEME_MTLS };
	struct spec_scheme *s = parse_right(V31 NO_PATHS SCHEMES)->schemes;

	ck_assert_int_eq(s->in, NAME_HEADER);
	ck_assert(span_eq(s->field, SPAN("X-Key")));
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		ck_assert_ptr_nonnull(s);
		ck_assert_int_eq(s->type, types[i]);
		s = s->next;
	}
	ck_assert_ptr_null(s);
}
END_TEST

START_TEST(a_path_item_reference_is_merged_and_its_own_members_win)
{
	struct spec_document *doc =
	    parse_right(V31 "paths:\n"
			    "  /a: {$ref: '#/components/pathItems/i', get: "
			    "{operationId: own}}\n"
			    "components:\n"
			    "  pathItems: {i: {get: {operationId: far}, "
			    "put: {operationId: far2}}}\n");
	struct spec_operation *o = doc->paths->operations;

	ck_assert(span_eq(o->method.text, SPAN("GET")));
	ck_assert(span_eq(o->operation_id.text, SPAN("own")));
	ck_assert(span_eq(o->next->method.text, SPAN("PUT")));
	ck_assert(span_eq(o->next->operation_id.text, SPAN("far2")));
	ck_assert_ptr_null(o->next->next);
}
END_TEST

START_TEST(wso2_extensions_are_read_as_wso2_writes_them)
{
	struct spec_document *doc = parse_right(V30
	    "x-wso2-basePath: /store/{version}\n"
	    "x-wso2-owner: admin\n"
	    "x-wso2-throttling-tier: 10kPerMin\n"
	    "x-wso2-disable-security: false\n"
	    "x-wso2-production-endpoints: '#/x-wso2-endpoints/e'\n"
	    "x-wso2-endpoints: [e: {urls: ['https://a/v2', 'https://b/v2'], "
	    "type: load_balance}]\n"
	    "paths:\n"
	    "  /a/*:\n"
	    "    get: {x-auth-type: None, x-throttling-tier: T1, "
	    "x-wso2-throttling-tier: T2}\n"
	    "    put: {x-auth-type: Application User, "
	    "x-wso2-production-endpoints: {urls: ['https://c']}}\n");
	struct spec_operation *get = doc->paths->operations, *put = get->next;

	ck_assert(doc->wso2);
	ck_assert(doc->paths->wildcard);
	ck_assert(span_eq(doc->base_path.text, SPAN("/store/1")));
	ck_assert(span_eq(doc->owner.text, SPAN("admin")));
	ck_assert(span_eq(doc->tier.text, SPAN("10kPerMin")));
	ck_assert_int_eq(doc->disable_security, SWITCH_FALSE);
	ck_assert(span_eq(doc->endpoints->url.text, SPAN("https://a/v2")));
	ck_assert(
	    span_eq(doc->endpoints->next->url.text, SPAN("https://b/v2")));
	ck_assert_int_eq(get->disable_security, SWITCH_TRUE);
	ck_assert(span_eq(get->tier.text, SPAN("T1")));
	ck_assert_int_eq(put->disable_security, SWITCH_UNSET);
	ck_assert(span_eq(put->endpoints->url.text, SPAN("https://c")));
}
END_TEST

START_TEST(our_extensions_stand_above_all_others)
{
	struct spec_document *doc = parse_right(
	    V30 "x-mgw-backend: https://mine/api\n"
		"x-wso2-production-endpoints: {urls: ['https://other']}\n"
		"servers: [{url: 'https://server/v1'}]\n"
		"x-mgw-tier: Gold\nx-mgw-max-body: 2MB\n"
		"paths:\n"
		"  /a:\n"
		"    servers: [{url: 'https://item'}]\n"
		"    get: {x-mgw-backend: ['https://x', 'https://y'], "
		"x-mgw-max-body: 10}\n"
		"    put: {}\n"
		"    post: {servers: [{url: 'https://own'}]}\n");
	struct spec_operation *get = doc->paths->operations;
	struct spec_operation *put = get->next, *post = put->next;

	ck_assert(span_eq(doc->endpoints->url.text, SPAN("https://mine/api")));
	ck_assert(span_eq(doc->tier.text, SPAN("Gold")));
	ck_assert(doc->max_body_given);
	ck_assert_uint_eq(doc->max_body_bytes, 2 << 20);
	ck_assert_uint_eq(get->max_body_bytes, 10);
	ck_assert_uint_eq(put->max_body_bytes, UINT64_MAX);
	ck_assert(span_eq(get->endpoints->next->url.text, SPAN("https://y")));
	ck_assert(span_eq(put->endpoints->url.text, SPAN("https://item")));
	ck_assert(span_eq(post->endpoints->url.text, SPAN("https://own")));
}
END_TEST

START_TEST(a_right_document_of_each_version_is_read_without_a_word)
{
	static const char *const right[] = {
		"swagger: 2.0\ninfo: {title: T, version: 1.0}\n"
		"paths: {'/{a}.json': {parameters: [{$ref: "
		"'#/parameters/a'}], get: {responses: {200: "
		"{description: x}}}}}\n"
		"parameters: {a: {name: a, in: path, required: true}}\n",
		V30 "paths: {'/a/{b}-{c}/': {x-own: 1, get: {parameters: "
		    "[{name: b, in: path}, {name: c, in: path}]}}, "
		    "x-own: 2}\n",
		V31 "paths: {/a: {get: {}}}\nwebhooks: {}\n",
		("openapi: 3.1\ninfo: {title: T, version: '1'}\n"
		 "paths: {/gr\xc3\xbc\xc3\x9f: {get: {}}}\n"),
	};

	(void)parse_right(right[_i]);
	ck_assert_msg(diag.n_warnings == 0, "%s", messages());
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("openapi");
	TCase *c = tcase_create("openapi");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_set_timeout(c, 30);
	tcase_add_loop_test(c, base_path_and_backend_come_from_servers_or_host,
	    0, sizeof(places) / sizeof(places[0]));
	tcase_add_loop_test(c, security_is_or_of_and_in_document_order, 0,
	    sizeof(security) / sizeof(security[0]));
	tcase_add_test(c, schemes_have_their_types);
	tcase_add_test(
	    c, a_path_item_reference_is_merged_and_its_own_members_win);
	tcase_add_test(c, wso2_extensions_are_read_as_wso2_writes_them);
	tcase_add_test(c, our_extensions_stand_above_all_others);
	tcase_add_loop_test(
	    c, a_right_document_of_each_version_is_read_without_a_word, 0, 4);
	suite_add_tcase(s, c);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed > 0;
}
