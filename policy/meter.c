/*
 * meter - see meter.h.
 *
 * An event is written whole, and when it came out too long it is written
 * again with its texts cut shorter; so it is valid JSON at any length.
 */
#include "policy/meter.h"

#include <time.h>

#include "base/clock.h"
#include "base/json.h"

/* What a text may have, from plenty down to what always fits. */
static const size_t cuts[] = { 1024, 256, 96, 32, 12 };

struct event {
	struct buf *to;
	size_t cut;
};

/* Names here are never escaped; values follow. */
static void
name(struct event *e, const char *key)
{
	size_t n = strlen(key);
	char *p = buf_room_fast(e->to, n + 4);

	if (p == NULL)
		return;
	p[0] = ',';
	p[1] = '"';
	memcpy(p + 2, key, n);
	p[n + 2] = '"';
	p[n + 3] = ':';
	e->to->n += n + 4;
}

static void
text(struct event *e, const char *key, struct span s)
{
	if (s.p == NULL || s.n == 0)
		return;
	if (s.n > e->cut) {
		s.n = e->cut;
		/* Not in the middle of a letter. */
		while (s.n > 0 && ((unsigned char)s.p[s.n] & 0xc0) == 0x80)
			s.n--;
	}
	name(e, key);
	json_write_string(e->to, s);
}

static void
number(struct event *e, const char *key, uint64_t v)
{
	name(e, key);
	buf_add_u64(e->to, v);
}

static void
duration(struct event *e, const char *key, int64_t us)
{
	number(e, key, us > 0 ? (uint64_t)us : 0);
}

/* The last "n" digits of "v", and what stands behind them. */
static void
digits(struct buf *to, int v, unsigned n, char behind)
{
	char text[5];

	text[n] = behind;
	for (unsigned i = n; i-- > 0; v /= 10)
		text[i] = (char)('0' + v % 10);
	buf_add(to, span_of(text, n + 1));
}

/* RFC 3339, in UTC: 2026-03-01T12:00:00.123Z */
static void
instant(struct event *e, const char *key, int64_t us)
{
	time_t s = (time_t)(us / US_PER_S);
	struct tm t;

	if (us < 0 || gmtime_r(&s, &t) == NULL)
		return;
	name(e, key);
	buf_add_char(e->to, '"');
	digits(e->to, t.tm_year + 1900, 4, '-');
	digits(e->to, t.tm_mon + 1, 2, '-');
	digits(e->to, t.tm_mday, 2, 'T');
	digits(e->to, t.tm_hour, 2, ':');
	digits(e->to, t.tm_min, 2, ':');
	digits(e->to, t.tm_sec, 2, '.');
	digits(e->to, (int)(us % US_PER_S / US_PER_MS), 3, 'Z');
	buf_add_char(e->to, '"');
}

static void
write_route(struct event *e, const struct bundle *b, const struct match *m)
{
	if (m->api != NULL) {
		text(e, "api", bundle_text(b, m->api->title));
		text(e, "version", bundle_text(b, m->api->version));
		text(e, "base_path", bundle_text(b, m->api->base_path));
	}
	if (m->operation != NULL)
		text(
		    e, "operation", bundle_text(b, m->operation->operation_id));
}

static void
write_outcome(struct event *e, const struct ruling *v, const struct meter *m)
{
	number(e, "status", m->status);
	text(e, "reason", span_str(reason_word(v->decision.reason)));
	if (v->decision.reason != REASON_NONE)
		text(e, "detail", v->decision.detail);
}

/* The limit that refused, else the one with the least left; -1: none. */
static int
limit_to_tell(const struct receipt *receipt)
{
	int found = throttle_culprit(receipt);

	/* Of backends only what they refuse. */
	if (found != -1 || receipt->n == receipt->n_spikes)
		return found;
	found = (int)receipt->n_spikes;
	for (unsigned i = receipt->n_spikes + 1; i < receipt->n; i++) {
		if (receipt->takes[i].remaining <
		    receipt->takes[found].remaining)
			found = (int)i;
	}
	return found;
}

static void
write_caller(struct event *e, const struct bundle *b, const struct ruling *v)
{
	const struct principal *who = &v->who;
	int limit = limit_to_tell(&v->receipt);

	text(e, "application", who->application);
	text(e, "application_owner", who->application_owner);
	text(e, "subject", who->subject);
	text(e, "scheme", who->scheme);
	text(e, "issuer", who->issuer);
	text(e, "key_type", who->key_type);
	if (v->decision.level != NULL)
		text(e, "level", span_str(v->decision.level));
	if (v->decision.level != NULL || limit == -1) {
		text(e, "tier", who->tier);
		return;
	}
	text(e, "tier", bundle_text(b, v->receipt.tiers[limit]->name));
	text(e, "level", span_str(v->receipt.levels[limit]));
	if (v->receipt.takes[limit].over) {
		name(e, "over_quota");
		buf_add_str(e->to, "true");
	}
}

static void
write_client(struct event *e, const struct request *r)
{
	text(e, "address", r->client.text);
	text(e, "user_agent", request_param(r, SPAN("HTTP_USER_AGENT")));
	text(e, "host", r->host);
	text(e, "protocol", r->protocol);
}

static void
write_work(struct event *e, const struct meter *m)
{
	number(e, "bytes_in", m->bytes_in);
	number(e, "bytes_out", m->bytes_out);
	duration(e, "us", clock_mono_us() - m->start_us);
	duration(e, "us_policy", m->policy_us);
	if (m->backend.p == NULL)
		return;
	duration(e, "us_backend", m->backend_us);
	text(e, "backend", m->backend);
	if (m->upstream_status != 0)
		number(e, "upstream_status", m->upstream_status);
}

static void
write_event(struct event *e, const struct policy *p, const struct request *r,
    const struct ruling *v, const struct meter *m)
{
	const struct bundle *b = p->bundle;

	buf_add_str(e->to, "{\"v\":1");
	instant(e, "time", r->now_us);
	text(e, "id", r->id);
	write_route(e, b, &v->match);
	text(e, "method", r->method);
	if (v->match.item != NULL)
		text(e, "path", bundle_text(b, v->match.item->path));
	write_outcome(e, v, m);
	write_caller(e, b, v);
	write_client(e, r);
	write_work(e, m);
	name(e, "bundle");
	buf_add_char(e->to, '"');
	buf_add_hex64(e->to, b->policy);
	buf_add_char(e->to, '"');
	text(e, "node", m->node);
	text(e, "label", m->label);
	buf_add_str(e->to, "}\n");
}

void
meter_write(const struct policy *p, const struct request *r,
    const struct ruling *v, const struct meter *m, struct buf *to)
{
	size_t start = to->n;

	if (to->failed)
		return;
	for (size_t i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++) {
		struct event e = { to, cuts[i] };

		/* A buffer of the exact size may fail until it fits. */
		to->n = start;
		to->failed = false;
		write_event(&e, p, r, v, m);
		if (!to->failed && to->n - start <= EVENT_BYTES_MAX)
			return;
	}
}
