/*
 * retry - when a request is sent again, and when an endpoint is spared.
 */
#include "base/clock.h"
#include "spec/endpoints.h"
#include "spec/fields.h"

#define TIME_MAX_US (UINT64_C(3600) * US_PER_S)
#define COUNT_MAX 10

/* A fraction such as 0.25 in parts of a million; false: it is none. */
static bool
parse_ratio(struct span s, uint64_t scale, uint64_t max, uint64_t *v)
{
	struct span rest = s, whole = span_cut(&rest, '.');
	uint64_t unit = scale, number;

	if (!span_to_u64(whole, max, &number))
		return false;
	*v = number * scale;
	for (size_t i = 0; i < rest.n; i++) {
		if (rest.p[i] < '0' || rest.p[i] > '9')
			return false;
		unit /= 10;
		*v += unit * (uint64_t)(rest.p[i] - '0');
	}
	return (rest.p == NULL || rest.n > 0) && *v <= max * scale;
}

static void
read_ratio(const struct node *map, const char *key, uint64_t scale,
    uint64_t min, uint64_t max, uint64_t *v, struct diag *d)
{
	const struct node *n = tree_get(map, key);
	uint64_t number = 0;

	if (n == NULL)
		return;
	if (n->kind != NODE_NUMBER ||
	    !parse_ratio(n->text, scale, max, &number) || number < min)
		diag_error(d, n->place, "value",
		    "%s must be a number up to %ju, such as 0.5", key,
		    (uintmax_t)max);
	else
		*v = number;
}

static void
read_statuses(const struct node *map, const char *key, struct spec_statuses *s,
    struct diag *d)
{
	const struct node *n = tree_get(map, key);

	if (n == NULL)
		return;
	if (n->kind != NODE_LIST || n->n > SPEC_STATUSES_MAX) {
		diag_error(d, n->place, "kind",
		    "%s must be a list of at most %d statuses", key,
		    SPEC_STATUSES_MAX);
		return;
	}
	for (n = n->first; n != NULL; n = n->next) {
		uint64_t status;

		if (!span_to_u64(n->text, 599, &status) || status < 400) {
			diag_error(d, n->place, "value",
			    "%s has statuses from 400 to 599", key);
			continue;
		}
		s->list[s->n++] = (uint32_t)status;
	}
}

static struct spec_retry *
new_retry(struct diag *d)
{
	struct spec_retry *r = arena_alloc(d->arena, sizeof(*r));

	if (r == NULL)
		d->failed = true;
	else
		*r = (struct spec_retry){ .count = 1,
			.interval_us = 100 * US_PER_MS,
			.factor_milli = 2000,
			.max_interval_us = US_PER_S,
			.budget_percent = 20 };
	return r;
}

struct spec_retry *
retry_read(const struct node *n, struct diag *d)
{
	static const char *const keys[] = { "count", "interval", "factor",
		"max-interval", "statuses", "budget", NULL };
	struct spec_retry *r = new_retry(d);

	if (r == NULL || !fields_check(n, "retry", keys, d))
		return NULL;
	field_number(n, "count", 0, COUNT_MAX, &r->count, d);
	field_duration(n, "interval", 0, TIME_MAX_US, &r->interval_us, d);
	read_ratio(n, "factor", 1000, 1000, 10, &r->factor_milli, d);
	field_duration(
	    n, "max-interval", 0, TIME_MAX_US, &r->max_interval_us, d);
	read_statuses(n, "statuses", &r->statuses, d);
	field_number(n, "budget", 0, 100, &r->budget_percent, d);
	return r;
}

/* A number of milliseconds, at least "min". */
static void
read_ms(const struct node *map, const char *key, uint64_t min, uint64_t *us,
    struct diag *d)
{
	uint64_t ms = *us / US_PER_MS;

	field_number(map, key, min, TIME_MAX_US / US_PER_MS, &ms, d);
	*us = ms * US_PER_MS;
}

/* What stands in WSO2's maps and means nothing here, by name. */
static void
warn_unread(const struct node *map, const char *const *known, struct diag *d)
{
	if (!tree_is(map, NODE_MAP))
		return;
	for (const struct node *m = map->first; m != NULL; m = m->next)
		if (!span_is_one_of(m->name, known))
			diag_warning(d, m->name_place, "wso2-unsupported",
			    "'%.*s' has no effect", SPAN_ARG(m->name));
}

struct spec_retry *
retry_read_wso2(const struct node *n, struct diag *d)
{
	static const char *const known[] = { "count", "intervalInMillis",
		"backOffFactor", "maxWaitIntervalInMillis", "statusCodes",
		NULL };
	struct spec_retry *r = new_retry(d);

	warn_unread(n, known, d);
	if (r == NULL || n->kind != NODE_MAP) {
		diag_error(d, n->place, "kind", "retryConfig must be a map");
		return NULL;
	}
	field_number(n, "count", 0, COUNT_MAX, &r->count, d);
	read_ms(n, "intervalInMillis", 0, &r->interval_us, d);
	read_ratio(n, "backOffFactor", 1000, 1000, 10, &r->factor_milli, d);
	r->max_interval_us = r->interval_us;
	read_ms(n, "maxWaitIntervalInMillis", 0, &r->max_interval_us, d);
	read_statuses(n, "statusCodes", &r->statuses, d);
	return r;
}

static struct spec_breaker *
new_breaker(struct diag *d)
{
	struct spec_breaker *b = arena_alloc(d->arena, sizeof(*b));

	if (b == NULL)
		d->failed = true;
	else
		*b = (struct spec_breaker){ .window_us = 60 * US_PER_S,
			.volume = 10,
			.ratio_ppm = 500000,
			.reset_us = 10 * US_PER_S };
	return b;
}

struct spec_breaker *
breaker_read(const struct node *n, struct diag *d)
{
	static const char *const keys[] = { "volume", "ratio", "window",
		"reset", "statuses", NULL };
	struct spec_breaker *b = new_breaker(d);

	if (b == NULL || !fields_check(n, "breaker", keys, d))
		return NULL;
	field_number(n, "volume", 1, 100000, &b->volume, d);
	read_ratio(n, "ratio", 1000000, 1, 1, &b->ratio_ppm, d);
	field_duration(n, "window", US_PER_S, TIME_MAX_US, &b->window_us, d);
	field_duration(
	    n, "reset", 100 * US_PER_MS, TIME_MAX_US, &b->reset_us, d);
	read_statuses(n, "statuses", &b->statuses, d);
	return b;
}

struct spec_breaker *
breaker_read_wso2(const struct node *n, struct diag *d)
{
	static const char *const known[] = { "rollingWindow",
		"failureThreshold", "resetTimeInMillis", "statusCodes", NULL };
	/* bucketSizeInMillis: the window moves by an eighth of itself. */
	static const char *const of_window[] = { "requestVolumeThreshold",
		"timeWindowInMillis", NULL };
	const struct node *window = tree_get(n, "rollingWindow");
	struct spec_breaker *b = new_breaker(d);

	if (b == NULL || n->kind != NODE_MAP) {
		diag_error(d, n->place, "kind", "circuitBreaker must be a map");
		return NULL;
	}
	warn_unread(n, known, d);
	warn_unread(window, of_window, d);
	field_number(
	    window, "requestVolumeThreshold", 1, 100000, &b->volume, d);
	read_ms(window, "timeWindowInMillis", 1000, &b->window_us, d);
	read_ratio(n, "failureThreshold", 1000000, 1, 1, &b->ratio_ppm, d);
	read_ms(n, "resetTimeInMillis", 100, &b->reset_us, d);
	read_statuses(n, "statusCodes", &b->statuses, d);
	return b;
}
