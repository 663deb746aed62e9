/*
 * emit_endpoint - see emit_endpoint.h.
 */
#include "spec/emit_endpoint.h"

#include "base/ascii.h"
#include "base/clock.h"
#include "policy/url.h"
#include "spec/emit_part.h"
#include "spec/tiers.h"

/* "X-API-Key" as CGI names it: "HTTP_X_API_KEY" (RFC 3875 4.1.18). */
static struct span
cgi_name(struct arena *a, struct span header)
{
	struct span name = arena_printf(a, "HTTP_%.*s", SPAN_ARG(header));
	char *p = arena_alloc(a, name.n + 1);

	if (name.p == NULL || p == NULL)
		return SPAN(""); /* no name: the check of the bundle fails */
	for (size_t i = 0; i < name.n; i++) {
		p[i] = name.p[i] == '-' ? '_' : ascii_upper(name.p[i]);
	}
	return span_of(p, name.n);
}

uint32_t
emit_name(
    struct build *b, struct arena *a, enum name_kind kind, struct span shown)
{
	struct span name = kind == NAME_HEADER ? cgi_name(a, shown) : shown;
	struct row_name row = { .kind = (uint32_t)kind };

	row.name = build_text(b, name);
	for (uint32_t i = 0; i < build_n(b, SECTION_NAME); i++) {
		const struct row_name *there = build_at(b, SECTION_NAME, i);

		/* Equal texts are stored once. */
		if (there->kind == row.kind && there->name.at == row.name.at)
			return i;
	}
	row.shown = build_text(b, shown);
	return BUILD_ROW(b, SECTION_NAME, &row);
}

static uint32_t
ms_or(uint64_t us, uint32_t otherwise)
{
	return us != UINT64_MAX ? (uint32_t)(us / US_PER_MS) : otherwise;
}

/* What was not said is 0, and so no limit is another number. */
static uint32_t
own_ms(uint64_t us)
{
	uint32_t ms = ms_or(us, 0);

	return us == 0 ? ROW_NONE : ms == 0 && us != UINT64_MAX ? 1 : ms;
}

void
emit_times(const struct spec_set *s, struct row_operation *row)
{
	if (s == NULL)
		return;
	row->connect_ms = own_ms(s->connect_us);
	row->first_byte_ms = own_ms(s->first_byte_us);
	row->idle_ms = own_ms(s->idle_us);
	row->total_ms = own_ms(s->total_us);
}

static struct range
emit_breaker(struct build *b, const struct spec_breaker *s)
{
	struct range r = { build_n(b, SECTION_BREAKER), 0 };
	struct row_breaker row;

	if (s == NULL)
		return r;
	row = (struct row_breaker){ .window_ms = ms_or(s->window_us, 0),
		.volume = (uint32_t)s->volume,
		.ratio_ppm = (uint32_t)s->ratio_ppm,
		.reset_ms = ms_or(s->reset_us, 0) };
	row.statuses = build_indices(b, s->statuses.list, s->statuses.n);
	(void)BUILD_ROW(b, SECTION_BREAKER, &row); /* r.first */
	r.n = 1;
	return r;
}

static struct range
emit_retry(struct build *b, const struct spec_retry *s)
{
	struct range r = { build_n(b, SECTION_RETRY), 0 };
	struct row_retry row;

	if (s == NULL)
		return r;
	row = (struct row_retry){ .count = (uint32_t)s->count,
		.interval_ms = ms_or(s->interval_us, 0),
		.factor_milli = (uint32_t)s->factor_milli,
		.max_interval_ms = ms_or(s->max_interval_us, 0),
		.budget_percent = (uint32_t)s->budget_percent };
	row.statuses = build_indices(b, s->statuses.list, s->statuses.n);
	(void)BUILD_ROW(b, SECTION_RETRY, &row); /* r.first */
	r.n = 1;
	return r;
}

struct range
emit_spike(struct build *b, const struct spec_tier *t, struct span name)
{
	struct range r = { build_n(b, SECTION_SPIKE), 0 };
	struct row_spike row;

	if (t == NULL)
		return r;
	row = (struct row_spike){ .tier = t->row };
	row.name = build_text(b, name);
	(void)BUILD_ROW(b, SECTION_SPIKE, &row); /* r.first */
	r.n = 1;
	return r;
}

static struct range
emit_health(struct build *b, const struct spec_health *s)
{
	struct range r = { build_n(b, SECTION_HEALTH), 0 };
	struct row_health row;

	if (s == NULL)
		return r;
	row = (struct row_health){ .period_ms = ms_or(s->period_us, 0),
		.timeout_ms = ms_or(s->timeout_us, 0),
		.healthy = (uint32_t)s->healthy,
		.unhealthy = (uint32_t)s->unhealthy };
	row.path = build_text(b, s->path.text);
	row.statuses = build_indices(b, s->statuses.list, s->statuses.n);
	(void)BUILD_ROW(b, SECTION_HEALTH, &row); /* r.first */
	r.n = 1;
	return r;
}

/* What the whole list may get, under the names of all in it. */
static struct range
emit_list_spike(struct build *b, struct arena *a, const struct spec_url *list)
{
	const struct spec_tier *t =
	    list->set != NULL ? list->set->limits : NULL;
	struct span name = list->url.text;

	for (list = list->next; t != NULL && list != NULL; list = list->next)
		name = arena_printf(
		    a, "%.*s %.*s", SPAN_ARG(name), SPAN_ARG(list->url.text));
	return emit_spike(b, t, name);
}

static void
emit_set(struct build *b, struct arena *a, const struct spec_set *s,
    struct row_endpoint *row)
{
	if (s == NULL)
		return;
	row->connect_ms = ms_or(s->connect_us, row->connect_ms);
	row->first_byte_ms = ms_or(s->first_byte_us, row->first_byte_ms);
	row->idle_ms = ms_or(s->idle_us, row->idle_ms);
	row->total_ms = ms_or(s->total_us, row->total_ms);
	row->set = build_text(b, s->name);
	row->breaker = emit_breaker(b, s->breaker);
	row->retry = emit_retry(b, s->retry);
	row->health = emit_health(b, s->health);
	row->balance = (uint32_t)s->balance;
	row->hash_by = (uint32_t)s->hash_by;
	if (s->hash_by == HASH_BY_FIELD)
		row->hash_name =
		    (struct range){ emit_name(b, a, s->hash_in, s->hash_field),
			    1 };
}

static struct row_endpoint
usual(const struct row_settings *s)
{
	return (struct row_endpoint){ .weight = 1,
		.connect_ms = s->connect_ms,
		.first_byte_ms = s->first_byte_ms,
		.idle_ms = s->idle_ms,
		.total_ms = s->total_ms };
}

struct range
emit_pattern(struct emit *e, const struct spec_document *doc)
{
	const struct row_endpoint before = usual(&e->spec->policy->settings);
	struct row_endpoint row = before;
	const struct spec_url none = { .url = { { NULL, 0 }, { NULL, 0, 0 } } };

	if (doc->backends != NULL && doc->sandbox != NULL)
		return (struct range){ 0, 0 };
	emit_reach(e, doc, &none, &row);
	if (memcmp(&row, &before, sizeof(row)) == 0)
		return (struct range){ 0, 0 };
	return (struct range){ BUILD_ROW(e->b, SECTION_ENDPOINT, &row), 1 };
}

struct range
emit_endpoints(struct emit *e, const struct spec_document *doc,
    const struct spec_url *list)
{
	const struct row_settings *s = &e->spec->policy->settings;
	struct build *b = e->b;
	struct range r = { build_n(b, SECTION_ENDPOINT), 0 };
	struct range spike = { 0, 0 };
	const char *why;
	struct url u;

	if (list != NULL)
		spike = emit_list_spike(b, e->arena, list);
	for (; list != NULL; list = list->next) {
		struct row_endpoint row = usual(s);

		row.weight = list->weight;
		row.spike = spike;
		emit_set(b, e->arena, list->set, &row);
		emit_reach(e, doc, list, &row);
		row.url = build_text(b, list->url.text);
		if (list->weight == 0)
			row.weight = 1;
		if (list->from_document)
			row.flags |= ENDPOINT_FROM_DOCUMENT;
		/* What cannot be read holds a reference: link has seen it. */
		if (url_parse(list->url.text, &u, &why)) {
			row.flags |= u.tls ? ENDPOINT_TLS : 0;
			row.host = build_text(b, u.host);
			row.port = u.port;
			row.path = build_text(b, u.path);
			row.query = build_text(b, u.query);
			row.unix_path = build_text(b, u.unix_path);
		}
		(void)BUILD_ROW(b, SECTION_ENDPOINT, &row);
		r.n++;
	}
	return r;
}
