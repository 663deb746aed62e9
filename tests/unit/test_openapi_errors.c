/*
 * What is said about OpenAPI documents that are wrong or doubtful.
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

/* Part of what is said. */
static const struct {
	const char *text, *message;
} said[] = {
	/* Versions. */
	{ "a: b\n", "t.yaml:1:1: error: not an OpenAPI document" },
	{ "[]", "t.yaml:1:1: error: an OpenAPI document must be a map" },
	{ "openapi: 4.0.0", "1:10: error: version '4.0.0' is not known: Op" },
	{ "openapi: 3.3.0", "1:10: error: version '3.3.0'" },
	{ "openapi: 3.x", "1:10: error: version '3.x'" },
	{ "openapi: 3", "1:10: error: version '3'" },
	{ "swagger: '1.2'", "1:10: error: version '1.2' is not known" },
	{ "openapi: 3.0.0\nswagger: '2.0'", "2:1: error: both" },
	{ "openapi: 3.2.0\ninfo: {title: T, version: '1'}\npaths: {}",
	    "1:10: warning: OpenAPI 3.2 is read as 3.1" },
	{ "openapi: 3.0.0\npaths: {}", "1:1: error: 'info' with title" },
	{ "openapi: 3.0.0\ninfo: {version: 1}\npaths: {}",
	    "2:7: error: info.title is missing" },
	{ "openapi: 3.0.0\ninfo: {title: [], version: 1}\npaths: {}",
	    "2:15: error: title must be a string, not a list" },
	{ V30, "1:1: error: 'paths' is missing" },
	{ V31, "1:1: warning: no path is described" },
	/* Keys. */
	{ V30 NO_PATHS "server: []",
	    "4:1: warning: 'server' is no key of "
	    "an OpenAPI document and is ignored"
	    ", did you mean 'servers'? [unknown" },
	{ V30 NO_PATHS "securty: []", "4:1: error: 'securty' is no key" },
	{ V30 OP("Security: []"), "3:20: error: 'Security' is no key of an" },
	{ V30 "paths: {/a: {GET: {}}}",
	    "3:14: warning: 'GET' is no key of a path item and is ignored"
	    ", did you mean 'get'?" },
	{ V30 "paths: {/a: {security: []}}",
	    "3:14: error: 'security' is no key of a path item [unknown" },
	{ V2 NO_PATHS "securityDefinition: {}",
	    "4:1: error: 'securityDefinition' is no key of" },
	{ V30 "paths: {/a: {trace: {}}}", "3:14: warning: the method trace" },
	{ V30 "paths: {/a: {get: []}}", "3:19: error: an operation must be" },
	{ V30 "paths: {/a: []}", "3:13: error: a path item must be a map" },
	{ V30 "paths: []", "3:8: error: paths must be a map, not a list" },
	{ V30 OP("deprecated: 'yes'"), "error: deprecated must be exactly" },
	{ V30 "paths: {/a: {get: {operationId: x}, put: {operationId: x}}}",
	    "warning: operationId 'x' is already used in line 3" },
	/* Paths. */
	{ V30 "paths: {a: {}}", "3:9: error: path 'a' must begin with" },
	{ V30 "paths: {'/a?x=1': {}}", "3:9: error: path '/a?x=1' has a q" },
	{ V30 "paths: {'/a#x': {}}", "error: path '/a#x' has a query or" },
	{ V30 "paths: {/a//b: {}}", "has an empty segment" },
	{ V30 "paths: {/a/../b: {}}", "has a dot segment" },
	{ V30 "paths: {/a/%2E%2e/b: {}}", "has a dot segment" },
	{ V30 "paths: {/a/%2Fb: {}}", "has a bad percent escape" },
	{ V30 "paths: {/a/%zz: {}}", "has a bad percent escape" },
	{ V30 "paths: {/a/%2: {}}", "has a bad percent escape" },
	{ V30 "paths: {/a/%ff: {}}", "is not UTF-8" },
	{ V30 "paths: {'/a/\\': {}}", "has a backslash" },
	{ V30 "paths: {'/{a': {}}", "lacks a '}'" },
	{ V30 "paths: {'/{a/b}': {}}", "lacks a '}'" },
	{ V30 "paths: {'/a}': {}}", "has a '}' too many" },
	{ V30 "paths: {'/{}': {}}", "has a variable without a name" },
	{ V30 "paths: {'/{a{b}}': {}}", "has a variable without a name" },
	{ V30 "paths: {'/{a}{b}': {}}", "two variables with nothing between" },
	{ V30 "paths: {'/{a}/{a}': {}}", "has one variable twice" },
	{ V30 "paths:\n  /p/{a}: {}\n  /p/{b}: {}\n",
	    "5:3: error: '/p/{b}' matches the same paths as '/p/{a}' in "
	    "line 4 [path-duplicate]" },
	{ V30 "paths:\n  /p/a: {}\n  /p/%61: {}\n", "5:3: error: '/p/%61'" },
	{ V30 "paths: {'/{p+}': {}}", "warning: {p+} means one segment" },
	{ V30 "paths: {'/a/*': {}}", "warning: '/a/*' is read as every" },
	{ V30 "paths: {'/{a}': {get: {}}}",
	    "3:18: warning: the variable {a} of '/{a}' is no parameter" },
	{ V30 "paths: {/a: {get: {parameters: [{name: b, in: path}]}}}",
	    "warning: '/a' has no variable {b}" },
	/* Security. */
	{ V30 NO_PATHS "security: null", "4:11: error: security must be a li" },
	{ V30 NO_PATHS "security: {}", "4:11: error: security must be a list" },
	{ V30 NO_PATHS "security: [key]", "error: a security requirement mus" },
	{ V30 NO_PATHS SCHEMES "security: [{key: }]",
	    "error: scopes of a requirement must be a list, not null" },
	{ V30 NO_PATHS SCHEMES "security: [{oauth: [1]}]",
	    "error: a scope must be a string" },
	{ V30 NO_PATHS SCHEMES "security: [{oauth: ['a b']}]",
	    "error: 'a b' cannot be a scope" },
	{ V30 NO_PATHS SCHEMES "security: [{key: [role]}]",
	    "5:18: error: 'key' is neither oauth2 nor openIdConnect" },
	{ V30 NO_PATHS "components: {securitySchemes: {a: {type: apikey}}}",
	    "4:42: error: 'apikey' is no type of security scheme in OpenAPI "
	    "3, did you mean 'apiKey'?" },
	{ V30 NO_PATHS "components: {securitySchemes: {a: {type: apiKey, "
		       "in: body, name: x}}}",
	    "error: an API key is in 'header', 'query' or 'cookie'" },
	{ V30 NO_PATHS "components: {securitySchemes: {a: {type: apiKey, "
		       "in: header, name: 'a b'}}}",
	    "error: 'a b' cannot be the name of a header" },
	{ V30 NO_PATHS "components: {securitySchemes: {a: {}}}",
	    "error: 'type' is missing" },
	{ V30 NO_PATHS "components: {securitySchemes: {a: {$ref: '#/x'}}}",
	    "error: '#/x' leads nowhere [ref-dangling]" },
	{ V2 NO_PATHS "securityDefinitions: {a: {type: http}}",
	    "error: 'http' is no type of security scheme in OpenAPI 2.0" },
	{ V2 NO_PATHS "securityDefinitions: {a: {type: apiKey, in: cookie, "
		      "name: x}}",
	    "error: an API key is in 'header' or 'query', not in" },
	/* Servers. */
	{ V30 NO_PATHS "servers: [{}]", "error: 'url' is missing" },
	{ V30 NO_PATHS "servers: [{url: 'https://{h}/x'}]",
	    "4:17: error: the server variable {h} has no entry" },
	{ V30 NO_PATHS "servers: [{url: 'https://{h}/x', variables: {h: {}}}]",
	    "error: the server variable {h} has no default" },
	{ V30 NO_PATHS "servers: [{url: 'https://h/x?y'}]",
	    "error: 'https://h/x?y': a server URL has no query" },
	{ V30 NO_PATHS "servers: [{url: 'https://u:p@h/x'}]", "[server-url]" },
	{ V30 NO_PATHS "servers: [{url: 'ftp://h/x'}]", "[server-url]" },
	{ V30 NO_PATHS "servers: [{url: 'wss://h/x'}]", "warning: a WebSock" },
	{ V30 NO_PATHS "servers: [{url: '/a/../b'}]", "has a dot segment" },
	{ V30 NO_PATHS "servers: [{url: 'https://a/1'}, {url: 'https://b/2'}]",
	    "4:39: warning: left out: its path is not that of the first" },
	{ V30 NO_PATHS "servers: [{url: 'https://a/1'}, {url: 'https://b/1'}]",
	    "4:10: warning: only the first of these servers" },
	{ V30 NO_PATHS "servers: [{url: 'http://a/1'}, {url: 'https://a/1'}]",
	    "4:17: warning: left out: the same host is named with https" },
	{ V2 NO_PATHS "host: 'http://h'", "error: host is a name or address" },
	{ V2 NO_PATHS "host: h", "1:1: warning: 'schemes' is missing" },
	{ V2 NO_PATHS "host: h\nschemes: [ws]", "error: neither http nor" },
	{ V2 NO_PATHS "basePath: v1", "error: basePath 'v1' must begin" },
	/* Extensions. */
	{ V30 NO_PATHS "x-mgw-teir: Gold",
	    "4:1: error: 'x-mgw-teir' means nothing in an OpenAPI document"
	    ", did you mean 'x-mgw-tier'? [extension-unknown]" },
	{ V30 "paths: {/a: {x-mgw-tier: Gold}}",
	    "error: 'x-mgw-tier' means nothing in a path item" },
	{ V30 OP("x-mgw-base-path: /x"), "error: 'x-mgw-base-path' means n" },
	{ V30 OP("x-mgw-max-body: 1XB"), "error: x-mgw-max-body must be a si" },
	{ V30 OP("x-scope: admin"), "error: 'x-scope' is not read" },
	{ V30 NO_PATHS "x-mgw-base-path: x", "error: base path 'x' must beg" },
	{ V30 NO_PATHS "x-mgw-base-path: '/{v}'", "'/{v}' has a variable" },
	{ V30 NO_PATHS "x-mgw-backend: []", "error: x-mgw-backend is empty" },
	{ V30 NO_PATHS "x-mgw-backend: '${env:B}'", "[server-url]" },
	{ V30 NO_PATHS "x-wso2-label: []", "4:1: warning: 'x-wso2-label' has" },
	{ V30 OP("x-wso2-disable-security: 'true'"),
	    "error: x-wso2-disable-security must be exactly true or false" },
	{ V30 OP("x-auth-type: None"), "warning: x-auth-type is read only" },
	{ V30 NO_PATHS "x-wso2-production-endpoints: https://h",
	    "error: x-wso2-production-endpoints must be a map" },
	{ V30 NO_PATHS "x-wso2-production-endpoints: {}",
	    "error: 'urls' with at least one URL is needed" },
	{ V30 NO_PATHS "x-wso2-production-endpoints: '#/x-wso2-endpoints/a'",
	    "error: 'a' is not in x-wso2-endpoints" },
	{ V30 NO_PATHS "x-wso2-production-endpoints: {urls: ['etcd(a,b)']}",
	    "error: endpoints from etcd are not supported" },
	/* References. */
	{ V30 "paths: {/a: {$ref: '#/x'}}", "leads nowhere [ref-dangling]" },
	{ V30 "paths: {/a: {$ref: 'https://h/x'}}", "error: 'https://h/x'" },
	{ V30 "paths: {/a: {$ref: 'x.yaml'}}", "error: 'x.yaml' lies outs" },
	{ V30 OP("responses: {'200': {$ref: '#/x'}}"), "error: '#/x' leads" },
	{ V30 OP("responses: {'200': {$ref: 'https://h/x'}}"),
	    "warning: 'https://h/x' is a URL and is not read [ref-url]" },
};

START_TEST(what_is_wrong_is_said_with_its_place)
{
	(void)parse(said[_i].text);
	ck_assert_msg(strstr(messages(), said[_i].message) != NULL,
	    "%s\n--- said: %s", said[_i].text, messages());
	if (strstr(said[_i].message, "error:") != NULL)
		ck_assert_uint_ge(diag.n_errors, 1);
	if (strstr(said[_i].message, "warning:") != NULL)
		ck_assert_uint_eq(diag.n_errors, 0);
}
END_TEST

START_TEST(all_problems_come_in_one_run)
{
	(void)parse("openapi: 3.0.0\ninfo: {title: T}\n"
		    "security: null\nx-mgw-none: 1\n"
		    "paths: {a: {get: {security: [{no: []}], "
		    "x-mgw-max-body: x}}}\n");
	ck_assert_uint_eq(diag.n_errors, 5);
}
END_TEST

START_TEST(ten_thousand_paths_take_no_quadratic_time)
{
	struct buf b;

	buf_init(&b, 1 << 24);
	buf_add_str(&b, V30 SCHEMES "paths:\n");
	for (int i = 0; i < 10000; i++)
		buf_printf(&b,
		    "  /p%d/{id}:\n    get:\n      operationId: op%d\n"
		    "      security: [{key: []}]\n      parameters: "
		    "[{name: id, in: path}]\n      responses: {'200': "
		    "{$ref: '#/components/responses/r%d'}}\n",
		    i, i, i);
	buf_add_str(&b, "  /end: {}\n");
	buf_add_char(&b, '\0');
	(void)parse(b.p);
	ck_assert_uint_eq(diag.n_errors, 10000); /* the dangling $ref */
	buf_fini(&b);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("openapi_errors");
	TCase *c = tcase_create("openapi_errors");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_set_timeout(c, 30);
	tcase_add_loop_test(c, what_is_wrong_is_said_with_its_place, 0,
	    sizeof(said) / sizeof(said[0]));
	tcase_add_test(c, all_problems_come_in_one_run);
	tcase_add_test(c, ten_thousand_paths_take_no_quadratic_time);
	suite_add_tcase(s, c);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed > 0;
}
