/*
 * fuzz_revocation - lists of what is revoked: the file of another program,
 * what a feed tells, revoked.list as it is, and the same with right sums, so
 * that what is behind them is met.
 */
#include <stdlib.h>

#include "policy/revocation_feed.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void
judge(void *user, const struct revoked_entry *e)
{
	struct buf *b = user;
	struct revoked_entry again;
	char room[32];

	if (e->value.n == 0 || e->value.n > REVOKED_TEXT_MAX ||
	    e->kind >= REVOKED_SIGNATURE)
		abort();
	/* What was read can be written, and is read as the same. */
	buf_reset(b);
	revoked_entry_write(e, b);
	if (b->failed)
		return;
	if (revoked_entry_read(buf_span(b), room, &again) != NULL ||
	    again.kind != e->kind || !span_eq(again.value, e->value) ||
	    !span_eq(again.issuer, e->issuer))
		abort();
}

static void
judge_feed(void *user, const struct revoked_entry *e)
{
	(void)user;
	if (e->value.n == 0 || e->value.n > REVOKED_FEED_VALUE_MAX ||
	    e->expires_s <= 0 ||
	    (e->kind != REVOKED_JTI && e->kind != REVOKED_SIGNATURE))
		abort();
}

/* Lines are changed as they are read. */
static void
try(struct span text)
{
	struct revoked_origin end;
	const struct span issuer = SPAN("i");
	struct buf copy, room;
	unsigned line;

	buf_init(&room, 65536);
	buf_init(&copy, 1 << 21);
	buf_add(&copy, text);
	(void)revoked_text_walk(buf_span(&copy), judge, &room, &end, &line);
	buf_reset(&copy);
	buf_add(&copy, text);
	(void)revoked_file_walk(buf_span(&copy), judge, &room, &line);
	buf_fini(&copy);
	buf_fini(&room);
	(void)revoked_feed_walk(text, &issuer, 1, judge_feed, NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct span rest = span_of(bytes, n);
	struct hash128 sum = { 0, 0 };
	struct buf text;

	try(rest);
	buf_init(&text, 1 << 21);
	while (rest.p != NULL) {
		struct span line = span_cut(&rest, '\n');

		revoked_line_seal(line, &sum, &text);
	}
	try(buf_span(&text));
	buf_fini(&text);
	return 0;
}
