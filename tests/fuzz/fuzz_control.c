/*
 * fuzz_control - files of rules: lines with their right sums, so that what
 * is behind the sums is met, and the bytes as they are.
 */
#include <stdlib.h>

#include "policy/control_line.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

/* What stands for it can be read, and in its place. */
static void
try_shorter(const struct control *c)
{
	struct control *shorter;
	struct buf text;
	char why[512];

	buf_init(&text, 1 << 20);
	if (control_last(c) < INT64_MAX &&
	    control_compact(c, SPAN("eve"), 1000, &text)) {
		shorter = control_new(
		    buf_span(&text), control_last(c) + 1, why, sizeof(why));
		if (shorter == NULL)
			abort();
		control_free(shorter);
	}
	buf_fini(&text);
}

static void
try(struct span text)
{
	struct network address = { .bits = 128, .bytes = { [15] = 1 } };
	struct client client = { .at = address, .known = true };
	struct principal who = { .scheme = SPAN("s"),
		.subject = SPAN("bob"),
		.application = SPAN("desk") };
	struct control_query q = { .client = &client, .now_s = 1000 };
	char why[512];
	struct control *c = control_new(text, 0, why, sizeof(why));
	const struct control_rule *r;
	size_t at = 0;

	if (c == NULL)
		return;
	(void)control_deny(c, &q);
	q.who = &who;
	(void)control_deny(c, &q);
	(void)control_tier(c, &who, 1000);
	while ((r = control_next(c, 0, &at)) != NULL)
		if (r->author.n > CONTROL_TEXT_MAX)
			abort();
	try_shorter(c);
	control_free(c);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct span rest = span_of(bytes, n);
	struct hash128 sum = { 0, 0 };
	struct buf text;

	try(rest);
	buf_init(&text, 1 << 20);
	while (rest.p != NULL) {
		struct span line = span_cut(&rest, '\n');

		sum = control_line_sum(line, sum);
		buf_add(&text, line);
		buf_add_char(&text, ' ');
		buf_add_hex64(&text, sum.hi);
		buf_add_hex64(&text, sum.lo);
		buf_add_char(&text, '\n');
	}
	try(buf_span(&text));
	buf_fini(&text);
	return 0;
}
