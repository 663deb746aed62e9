/*
 * The event line: its keys, and that nothing makes it invalid or long.
 */
#include "policy/meter.h"

#include "base/clock.h"
#include "base/json.h"
#include "sample.h"

static struct sample sample;
static struct policy policy;
static struct arena arena;
static struct request request;
static struct ruling ruling;
static struct meter meter;
static struct buf buf;

static void
setup(void)
{
	struct sample_item *item;

	sample_begin(&sample);
	sample.api.base_path = build_text(sample.build, SPAN("/v1"));
	item = sample_item(&sample, "/v1/pets/{id}", "GET");
	sample_operation(item, "GET")->operation_id =
	    build_text(sample.build, SPAN("getPet"));
	sample_end(&sample);
	policy.bundle = &sample.bundle;
	arena_init(&arena, 4096, 1 << 20);
	request = (struct request){ .arena = &arena,
		.now_us = INT64_C(1800000000) * US_PER_S + 42 * US_PER_MS,
		.id = SPAN("00ff"),
		.method = SPAN("GET"),
		.target = SPAN("/v1/pets/7?token=secret"),
		.path = SPAN("/v1/pets/7"),
		.client = { .text = SPAN("192.0.2.1") },
		.host = SPAN("api.example"),
		.protocol = SPAN("HTTP/1.1") };
	ruling = (struct ruling){
		.match = { .api = bundle_api(&sample.bundle, 0),
		    .item = bundle_item(&sample.bundle, 0),
		    .operation = bundle_operation(&sample.bundle, 0) }
	};
	meter = (struct meter){ .start_us = clock_mono_us(), .status = 200 };
	buf_init(&buf, EVENT_BYTES_MAX + 10);
}

static void
teardown(void)
{
	buf_fini(&buf);
	arena_fini(&arena);
	sample_free(&sample);
}

/* The value of "key" in the event; the whole event is checked. */
static struct span
value_of(const char *key)
{
	struct span found = { NULL, 0 };
	struct json_scan s;
	enum json_event e;
	bool here = false;

	json_scan_init(&s, buf_span(&buf), 1, &arena);
	while ((e = json_scan_next(&s)) != JSON_END) {
		ck_assert_msg(e != JSON_ERROR, "%s", s.error);
		if (here)
			found = s.value;
		here = e == JSON_NAME && span_eq(s.value, span_str(key));
	}
	return found;
}

static void
write(void)
{
	buf_reset(&buf);
	meter_write(&policy, &request, &ruling, &meter, &buf);
	ck_assert(!buf.failed);
	ck_assert_uint_le(buf.n, EVENT_BYTES_MAX);
	ck_assert_int_eq(buf.p[buf.n - 1], '\n');
	ck_assert_ptr_eq(memchr(buf.p, '\n', buf.n), buf.p + buf.n - 1);
}

static void
check(const char *key, const char *value)
{
	ck_assert_msg(span_eq(value_of(key), span_str(value)),
	    "%s is %.*s, not %s", key, SPAN_ARG(value_of(key)), value);
}

START_TEST(an_event_tells_what_a_request_did)
{
	const char *absent[] = { "detail", "subject", "tier", "level",
		"backend", "upstream_status", "us_backend", "cache", "label" };

	write();
	check("v", "1");
	check("time", "2027-01-15T08:00:00.042Z");
	check("id", "00ff");
	check("api", "Pets");
	check("version", "1");
	check("base_path", "/v1");
	check("operation", "getPet");
	check("method", "GET");
	check("path", "/v1/pets/{id}");
	check("status", "200");
	check("reason", "-");
	check("address", "192.0.2.1");
	check("host", "api.example");
	check("protocol", "HTTP/1.1");
	check("bytes_in", "0");
	ck_assert_uint_eq(value_of("bundle").n, 16);
	for (size_t i = 0; i < sizeof(absent) / sizeof(absent[0]); i++)
		ck_assert_ptr_null(value_of(absent[i]).p);
	ck_assert_ptr_null(memmem(buf.p, buf.n, "secret", 6));
}
END_TEST

START_TEST(an_event_tells_who_asked_and_why_it_was_refused)
{
	ruling.who = (struct principal){ .scheme = SPAN("jwt"),
		.issuer = SPAN("https://id.example/"),
		.subject = SPAN("a\"b"),
		.application = SPAN("App"),
		.tier = SPAN("Gold") };
	ruling.decision.reason = REASON_SCOPE_MISSING;
	ruling.decision.detail = SPAN("write");
	meter.status = 403;
	meter.backend = SPAN("127.0.0.1:80");
	meter.backend_us = 7;
	meter.upstream_status = 201;
	write();
	check("status", "403");
	check("reason", "scope-missing");
	check("detail", "write");
	check("scheme", "jwt");
	check("issuer", "https://id.example/");
	check("subject", "a\"b");
	check("application", "App");
	check("tier", "Gold");
	check("backend", "127.0.0.1:80");
	check("us_backend", "7");
	check("upstream_status", "201");
}
END_TEST

START_TEST(an_event_names_the_tier_and_level_that_refused)
{
	struct row_tier tier = { .name = bundle_api(&sample.bundle, 0)->title };

	ruling.who.tier = SPAN("Gold");
	ruling.receipt.n = 1;
	ruling.receipt.takes[0].refused = true;
	ruling.receipt.tiers[0] = &tier;
	ruling.receipt.levels[0] = "operation";
	write();
	check("tier", "Pets");
	check("level", "operation");
	/* And where none refused, what had the least left. */
	ruling.receipt = (struct receipt){ .n = 2,
		.takes = { { .remaining = 7 }, { .remaining = 3 } },
		.tiers = { &tier, &tier },
		.levels = { "api", "subject" } };
	write();
	check("level", "subject");
}
END_TEST

START_TEST(values_of_any_length_and_bytes_give_a_valid_line)
{
	static const unsigned char fills[] = { 'a', '<', 1, 0x80, 0xc3, 0xff };
	static char text[10000];
	struct param agent = { SPAN("HTTP_USER_AGENT"),
		{ text, sizeof(text) } };

	request.params = &agent;
	request.n_params = 1;
	for (size_t i = 0; i < sizeof(fills); i++) {
		struct span s = { text, sizeof(text) };

		memset(text, fills[i], sizeof(text));
		request.method = request.host = request.protocol = s;
		request.client.text = meter.node = meter.label = meter.backend =
		    s;
		ruling.who = (struct principal){ .scheme = s,
			.issuer = s,
			.subject = s,
			.application = s,
			.application_owner = s,
			.key_id = s,
			.key_type = s,
			.tier = s,
			.scopes = s };
		ruling.decision =
		    (struct decision){ .reason = REASON_METHOD_NOT_ALLOWED,
			    .detail = s };
		meter.bytes_in = meter.bytes_out = UINT64_MAX;
		write();
		check("reason", "method-not-allowed");
		check("path", "/v1/pets/{id}");
	}
}
END_TEST

START_TEST(a_request_that_met_nothing_has_an_event_too)
{
	request = (struct request){ .arena = &arena, .id = SPAN("1") };
	ruling = (struct ruling){ .decision = { .reason = REASON_NO_ROUTE } };
	meter = (struct meter){ .status = 404 };
	write();
	check("reason", "no-route");
	ck_assert_ptr_null(value_of("method").p);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("meter");
	TCase *c = tcase_create("meter");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, an_event_tells_what_a_request_did);
	tcase_add_test(c, an_event_tells_who_asked_and_why_it_was_refused);
	tcase_add_test(c, an_event_names_the_tier_and_level_that_refused);
	tcase_add_test(c, values_of_any_length_and_bytes_give_a_valid_line);
	tcase_add_test(c, a_request_that_met_nothing_has_an_event_too);
	suite_add_tcase(s, c);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed > 0;
}
