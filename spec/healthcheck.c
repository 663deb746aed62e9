/*
 * healthcheck - how an endpoint is asked whether it is well.
 */
#include "base/clock.h"
#include "spec/endpoints.h"
#include "spec/fields.h"

#define PATH_BYTES_MAX 1024

static void
check_path(const struct spec_text *t, struct diag *d)
{
	bool ok = span_starts(t->text, SPAN("/")) &&
	    t->text.n <= PATH_BYTES_MAX && !span_has(t->text, '#');

	for (size_t i = 0; ok && i < t->text.n; i++)
		ok = t->text.p[i] > ' ' && t->text.p[i] <= '~';
	if (!ok)
		diag_error(d, t->place, "value",
		    "path must begin with '/' and be plain ASCII without "
		    "blanks and '#'");
}

static void
read_statuses(const struct node *n, struct spec_statuses *s, struct diag *d)
{
	if (n == NULL)
		return;
	if (n->kind != NODE_LIST || n->n == 0 || n->n > SPEC_STATUSES_MAX) {
		diag_error(d, n->place, "kind",
		    "statuses must be a list of at most %d statuses",
		    SPEC_STATUSES_MAX);
		return;
	}
	for (n = n->first; n != NULL; n = n->next) {
		uint64_t status;

		if (span_to_u64(n->text, 599, &status) && status >= 200)
			s->list[s->n++] = (uint32_t)status;
		else
			diag_error(d, n->place, "value",
			    "statuses are from 200 to 599");
	}
}

static void
read_map(struct spec_health *h, const struct node *n, struct diag *d)
{
	static const char *const keys[] = { "path", "period", "timeout",
		"healthy", "unhealthy", "statuses", NULL };

	if (!fields_check(n, "health-check", keys, d))
		return;
	field_text(n, "path", &h->path, d);
	if (h->path.text.p == NULL)
		diag_error(d, n->place, "missing-key",
		    "path is missing in health-check");
	field_duration(n, "period", HEALTH_PERIOD_MS_MIN * US_PER_MS,
	    HEALTH_PERIOD_MS_MAX * US_PER_MS, &h->period_us, d);
	field_duration(n, "timeout", 100 * US_PER_MS,
	    HEALTH_TIMEOUT_MS_MAX * US_PER_MS, &h->timeout_us, d);
	field_number(n, "healthy", 1, HEALTH_COUNT_MAX, &h->healthy, d);
	field_number(n, "unhealthy", 1, HEALTH_COUNT_MAX, &h->unhealthy, d);
	read_statuses(tree_get(n, "statuses"), &h->statuses, d);
}

struct spec_health *
healthcheck_read(const struct node *n, struct diag *d)
{
	struct spec_health *h = arena_alloc(d->arena, sizeof(*h));

	if (h == NULL) {
		d->failed = true;
		return NULL;
	}
	*h = (struct spec_health){ .period_us = 10 * US_PER_S,
		.timeout_us = 2 * US_PER_S,
		.healthy = 2,
		.unhealthy = 3 };
	if (n->kind == NODE_MAP)
		read_map(h, n, d);
	else if (!node_text(n, "health-check", false, &h->path, d))
		return NULL;
	if (h->path.text.p != NULL)
		check_path(&h->path, d);
	return h;
}
