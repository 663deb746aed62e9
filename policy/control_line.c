/*
 * control_line - see control_line.h.
 */
#include "policy/control_line.h"

#include "base/json.h"

#define SUM_DIGITS 32

static const struct span changes[] = {
	[CONTROL_DENY] = SPAN_INIT("deny"),
	[CONTROL_ALLOW] = SPAN_INIT("allow"),
	[CONTROL_TIER] = SPAN_INIT("tier"),
	[CONTROL_MAINTENANCE] = SPAN_INIT("maintenance"),
	[CONTROL_COMPACT] = SPAN_INIT("compact"),
};

static const struct {
	const char *name;
	size_t offset;
} texts[] = {
	{ "author", offsetof(struct control_rule, author) },
	{ "note", offsetof(struct control_rule, note) },
	{ "issuer", offsetof(struct control_rule, issuer) },
	{ "subject", offsetof(struct control_rule, subject) },
	{ "application", offsetof(struct control_rule, application) },
	{ "key", offsetof(struct control_rule, key) },
	{ "api", offsetof(struct control_rule, api) },
	{ "address", offsetof(struct control_rule, address) },
	{ "tier", offsetof(struct control_rule, tier) },
};

#define N_TEXTS (sizeof(texts) / sizeof(texts[0]))

const char *
control_word(enum control_change change)
{
	return changes[change].p;
}

struct span
control_text(const struct control_rule *r, size_t i, const char **name)
{
	*name = i < N_TEXTS ? texts[i].name : NULL;
	return i < N_TEXTS
	    ? *(const struct span *)(const void *)((const char *)r +
		  texts[i].offset)
	    : (struct span){ NULL, 0 };
}

static struct span *
text_of(struct control_rule *r, size_t i)
{
	return (struct span *)(void *)((char *)r + texts[i].offset);
}

struct hash128
control_line_sum(struct span json, struct hash128 before)
{
	const struct siphash_key none = { 0, 0 };
	struct siphash h;

	siphash_init(&h, &none);
	siphash_u64(&h, before.hi);
	siphash_u64(&h, before.lo);
	siphash_part(&h, json);
	return siphash_done(&h);
}

static bool
read_number(struct json_scan *s, uint64_t *v)
{
	return json_scan_next(s) == JSON_NUMBER &&
	    span_to_u64(s->value, INT64_MAX, v);
}

static bool
read_change(struct json_scan *s, struct control_rule *r)
{
	if (json_scan_next(s) != JSON_STRING)
		return false;
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		if (!span_eq(s->value, changes[i]))
			continue;
		r->change = (enum control_change)i;
		return true;
	}
	return false;
}

/* A name that is not known here could narrow the rule: it is no line. */
static bool
read_member(struct json_scan *s, struct control_rule *r)
{
	struct span name = s->value;
	uint64_t v = 0;

	for (size_t i = 0; i < N_TEXTS; i++) {
		if (!span_eq(name, span_str(texts[i].name)))
			continue;
		if (json_scan_next(s) != JSON_STRING)
			return false;
		*text_of(r, i) = s->value;
		return true;
	}
	if (span_eq(name, SPAN("change")))
		return read_change(s, r);
	if (!read_number(s, &v))
		return false;
	if (span_eq(name, SPAN("seq")))
		r->seq = v;
	else if (span_eq(name, SPAN("time")))
		r->time_s = (int64_t)v;
	else if (span_eq(name, SPAN("until")))
		r->until_s = (int64_t)v;
	else if (span_eq(name, SPAN("of")))
		r->of = v;
	else
		return false;
	return true;
}

const char *
control_check(struct control_rule *r)
{
	bool caller = r->issuer.p != NULL || r->subject.p != NULL ||
	    r->application.p != NULL || r->key.p != NULL ||
	    r->address.p != NULL;
	bool any = caller || r->api.p != NULL;

	for (size_t i = 0; i < N_TEXTS; i++) {
		struct span s = *text_of(r, i);

		if (s.n > CONTROL_TEXT_MAX)
			return "has a text that is too long";
		if (span_has_control(s) || !span_is_utf8(s))
			return "has control bytes, or is not UTF-8";
	}
	if (r->address.p != NULL && !network_parse(r->address, &r->network))
		return "has an address that is none";
	switch (r->change) {
	case CONTROL_DENY:
		return any ? NULL : "denies nobody in particular";
	case CONTROL_ALLOW:
	case CONTROL_COMPACT:
		return !any ? NULL : "takes back more than a rule";
	case CONTROL_TIER:
		return r->application.n > 0 && r->tier.p != NULL
		    ? NULL
		    : "sets no tier of an application";
	case CONTROL_MAINTENANCE:
		if (r->api.n == 0)
			return "needs the API that it closes: --api";
		return !caller ? NULL
			       : "closes an API for all, and names callers";
	}
	return "is no change";
}

static const char *
read_json(struct span json, struct arena *a, struct control_rule *r)
{
	enum json_event e;
	struct json_scan s;
	bool named = false;

	*r = (struct control_rule){ 0 };
	json_scan_init(&s, json, 2, a);
	if (json_scan_next(&s) != JSON_OBJECT)
		return "is no JSON object";
	while ((e = json_scan_next(&s)) == JSON_NAME) {
		named |= span_eq(s.value, SPAN("change"));
		if (!read_member(&s, r))
			return "has a member that is not known or is wrong";
	}
	if (e != JSON_OBJECT_END || json_scan_next(&s) != JSON_END)
		return "is no JSON object";
	return named ? control_check(r) : "is no change";
}

const char *
control_line_read(struct span line, struct hash128 *sum, struct arena *a,
    struct control_rule *r)
{
	char room[SUM_DIGITS];
	struct buf digits = {
		.p = room, .size = sizeof(room), .max = sizeof(room)
	};
	struct span json;

	if (line.n < SUM_DIGITS + 1 || line.n > CONTROL_LINE_MAX)
		return "has no sum";
	json = span_of(line.p, line.n - SUM_DIGITS - 1);
	*sum = control_line_sum(json, *sum);
	buf_add_hex64(&digits, sum->hi);
	buf_add_hex64(&digits, sum->lo);
	if (line.p[json.n] != ' ' ||
	    !span_eq(span_skip(line, json.n + 1), buf_span(&digits)))
		return "was changed, or one before it is missing";
	return read_json(json, a, r);
}

static void
write_number(struct buf *to, const char *name, uint64_t v)
{
	buf_add_str(to, name);
	buf_add_u64(to, v);
}

struct hash128
control_line_write(
    const struct control_rule *r, struct hash128 before, struct buf *to)
{
	struct control_rule copy = *r;
	size_t start = to->n;
	struct hash128 sum;

	write_number(to, "{\"seq\":", r->seq);
	write_number(to, ",\"time\":", (uint64_t)r->time_s);
	buf_add_str(to, ",\"change\":");
	json_write_string(to, changes[r->change]);
	for (size_t i = 0; i < N_TEXTS; i++) {
		struct span s = *text_of(&copy, i);

		if (s.p == NULL)
			continue;
		buf_add_char(to, ',');
		json_write_string(to, span_str(texts[i].name));
		buf_add_char(to, ':');
		json_write_string(to, s);
	}
	if (r->until_s != 0)
		write_number(to, ",\"until\":", (uint64_t)r->until_s);
	if (r->of != 0)
		write_number(to, ",\"of\":", r->of);
	buf_add_char(to, '}');
	if (to->failed)
		return before;
	sum = control_line_sum(span_of(to->p + start, to->n - start), before);
	buf_add_char(to, ' ');
	buf_add_hex64(to, sum.hi);
	buf_add_hex64(to, sum.lo);
	buf_add_char(to, '\n');
	return sum;
}
