/*
 * revocation_line - see revocation_line.h.
 */
#include "policy/revocation_line.h"

#include "base/ascii.h"
#include "policy/keyfile.h"
#include "policy/words.h"

#define DIGEST_BYTES 32

/* How an entry of a kind is written. */
static const struct {
	struct span word;
	bool issuer; /* it must have one */
	bool digest;
} kinds[REVOKED_KIND__MAX] = {
	[REVOKED_JTI] = { SPAN_INIT("jti"), true, false },
	[REVOKED_TOKEN] = { SPAN_INIT("token"), false, true },
	[REVOKED_SUBJECT] = { SPAN_INIT("subject"), true, false },
	[REVOKED_CLIENT] = { SPAN_INIT("client"), true, false },
	[REVOKED_APPLICATION] = { SPAN_INIT("application"), true, false },
	[REVOKED_KEY] = { SPAN_INIT("kid"), true, false },
	[REVOKED_CERTIFICATE] = { SPAN_INIT("certificate"), false, true },
	[REVOKED_SIGNATURE] = { SPAN_INIT("signature"), true, false },
};

const char *
revoked_kind_word(enum revoked_kind kind)
{
	return kinds[kind].word.p;
}

bool
revoked_digest_parse(struct span hex, char bytes[static 32])
{
	if (hex.n != 2 * DIGEST_BYTES)
		return false;
	for (size_t i = 0; i < DIGEST_BYTES; i++) {
		int high = ascii_hex(hex.p[2 * i]);
		int low = ascii_hex(hex.p[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		bytes[i] = (char)(high << 4 | low);
	}
	return true;
}

const char *
revoked_entry_check(const struct revoked_entry *e)
{
	if (e->value.n == 0)
		return "names nothing";
	if (e->value.n > REVOKED_TEXT_MAX || e->issuer.n > REVOKED_TEXT_MAX)
		return "has a text that is too long";
	if (kinds[e->kind].digest)
		return e->issuer.n == 0 && e->value.n == DIGEST_BYTES
		    ? NULL
		    : "is no digest alone";
	if (span_has_control(e->value) || !span_is_utf8(e->value) ||
	    span_has_control(e->issuer) || !span_is_utf8(e->issuer))
		return "has control bytes, or is not UTF-8";
	/* Ids of API keys are the only ones that no issuer made. */
	if (e->issuer.n == 0 && e->kind != REVOKED_KEY)
		return "needs an issuer";
	return NULL;
}

/* "key" is a kid that no issuer has. */
static bool
find_kind(struct span word, enum revoked_kind *kind, bool *issuer)
{
	*issuer = false;
	*kind = REVOKED_KEY;
	if (span_eq(word, SPAN("key")))
		return true;
	for (int i = 0; i < REVOKED_SIGNATURE; i++) {
		if (!span_eq(word, kinds[i].word))
			continue;
		*kind = (enum revoked_kind)i;
		*issuer = kinds[i].issuer;
		return true;
	}
	return false;
}

static bool
read_time(struct span value, int64_t *unix_s)
{
	uint64_t v;

	if (span_to_u64(value, INT64_MAX, &v))
		*unix_s = (int64_t)v;
	else if (!key_time_parse(value, unix_s))
		return false;
	return *unix_s > 0;
}

/* False: the field is not known, is there already, or is wrong. */
static bool
read_field(struct span name, struct span value, char room[static 32],
    struct revoked_entry *e)
{
	bool digest = kinds[e->kind].digest;

	if (span_eq(name, digest ? SPAN("sha256") : SPAN("id"))) {
		if (e->value.p != NULL)
			return false;
		e->value = value;
		if (digest)
			e->value = span_of(room, DIGEST_BYTES);
		return !digest || revoked_digest_parse(value, room);
	}
	if (span_eq(name, SPAN("issuer")) && e->issuer.p == NULL) {
		e->issuer = value;
		return true;
	}
	if (span_eq(name, SPAN("expires")) && e->expires_s == 0)
		return read_time(value, &e->expires_s);
	if (span_eq(name, SPAN("time")) && e->time_s == 0)
		return read_time(value, &e->time_s);
	if (span_eq(name, SPAN("by")) && e->author.p == NULL) {
		e->author = value;
		return true;
	}
	return false;
}

static const char *
read_entry(struct words *w, char room[static 32], struct revoked_entry *e)
{
	struct span name, value;
	bool issuer;

	if (!words_next(w, &value))
		return w->why;
	if (value.p == NULL || !find_kind(value, &e->kind, &issuer))
		return "is of no kind that is known";
	for (;;) {
		if (!words_field(w, &name, &value))
			return w->why;
		if (name.p == NULL)
			break;
		if (!read_field(name, value, room, e))
			return "has a field that is not known or is wrong";
	}
	if (issuer != (e->issuer.n > 0))
		return issuer ? "needs an issuer" : "has an issuer";
	return revoked_entry_check(e);
}

const char *
revoked_entry_read(
    struct span line, char room[static 32], struct revoked_entry *e)
{
	struct words w = { .rest = line };

	*e = (struct revoked_entry){ 0 };
	return read_entry(&w, room, e);
}

static void
write_digest(struct buf *to, struct span bytes)
{
	static const char hex[] = "0123456789abcdef";

	buf_add_str(to, " sha256=");
	for (size_t i = 0; i < bytes.n; i++) {
		buf_add_char(to, hex[(unsigned char)bytes.p[i] >> 4]);
		buf_add_char(to, hex[(unsigned char)bytes.p[i] & 15]);
	}
}

void
revoked_entry_write(const struct revoked_entry *e, struct buf *to)
{
	buf_add(to,
	    e->kind == REVOKED_KEY && e->issuer.n == 0 ? SPAN("key")
						       : kinds[e->kind].word);
	if (kinds[e->kind].digest)
		write_digest(to, e->value);
	else
		words_write(to, "id", e->value);
	if (e->issuer.n > 0)
		words_write(to, "issuer", e->issuer);
	if (e->expires_s != 0) {
		buf_add_str(to, " expires=");
		buf_add_u64(to, (uint64_t)e->expires_s);
	}
}

static struct hash128
line_sum(struct span text, struct hash128 before)
{
	const struct siphash_key none = { 0, 0 };
	struct siphash h;

	siphash_init(&h, &none);
	siphash_u64(&h, before.hi);
	siphash_u64(&h, before.lo);
	siphash_part(&h, text);
	return siphash_done(&h);
}

const char *
revoked_line_sum(struct span *line, struct hash128 *sum, uint64_t *seq)
{
	char room[REVOKED_SUM_DIGITS];
	struct buf digits = {
		.p = room, .size = sizeof(room), .max = sizeof(room)
	};
	struct span text, rest;

	if (line->n < REVOKED_SUM_DIGITS + 1)
		return "has no sum";
	text = span_of(line->p, line->n - REVOKED_SUM_DIGITS - 1);
	*sum = line_sum(text, *sum);
	buf_add_hex64(&digits, sum->hi);
	buf_add_hex64(&digits, sum->lo);
	if (line->p[text.n] != ' ' ||
	    !span_eq(span_skip(*line, text.n + 1), buf_span(&digits)))
		return "was changed, or one before it is missing";
	rest = text;
	if (!span_to_u64(span_cut(&rest, ' '), INT64_MAX, seq))
		return "has no number";
	*line = text;
	return NULL;
}

const char *
revoked_line_read(
    struct span line, char room[static 32], struct revoked_entry *e)
{
	struct span rest = line, number = span_cut(&rest, ' ');
	struct words w = { .rest = rest };
	struct span verb;

	*e = (struct revoked_entry){ 0 };
	if (!span_to_u64(number, INT64_MAX, &e->seq) || rest.p == NULL)
		return "has no number";
	if (!words_next(&w, &verb))
		return w.why;
	e->restored = span_eq(verb, SPAN("restore"));
	if (!e->restored && !span_eq(verb, SPAN("revoke")))
		return "neither revokes nor restores";
	return read_entry(&w, room, e);
}

/* The sum and the end of a line of this text. */
static void
seal(struct span text, struct hash128 *sum, struct buf *to)
{
	*sum = line_sum(text, *sum);
	buf_add_char(to, ' ');
	buf_add_hex64(to, sum->hi);
	buf_add_hex64(to, sum->lo);
	buf_add_char(to, '\n');
}

void
revoked_line_write(
    const struct revoked_entry *e, struct hash128 *sum, struct buf *to)
{
	size_t start = to->n;

	buf_add_u64(to, e->seq);
	buf_add_str(to, e->restored ? " restore " : " revoke ");
	revoked_entry_write(e, to);
	if (e->time_s > 0) {
		buf_add_str(to, " time=");
		buf_add_u64(to, (uint64_t)e->time_s);
	}
	if (e->author.n > 0)
		words_write(to, "by", e->author);
	if (!to->failed)
		seal(span_of(to->p + start, to->n - start), sum, to);
}

void
revoked_line_seal(struct span text, struct hash128 *sum, struct buf *to)
{
	buf_add(to, text);
	seal(text, sum, to);
}
