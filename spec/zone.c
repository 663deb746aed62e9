/*
 * zone - the changes of a time zone, from the system's own database.
 *
 * They go into the bundle, so that the gate needs no database, all
 * machines agree, and equal databases give equal bundles: all changes from
 * FIRST on and, by the zone's present rule, up to LAST.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "spec/fields.h"
#include "spec/tiers.h"

#define ZONE_FOLDER "/usr/share/zoneinfo/"

#define FIRST_S INT64_C(1577836800) /* 2020-01-01 */
#define LAST_S INT64_C(4102444800)  /* 2100-01-01 */
#define STEP_S INT64_C(43200)       /* no zone changes twice within it */
#define SHIFTS_MAX 1024

/* A name of the database, and not a way out of its folder. */
static bool
is_name(struct span s)
{
	if (s.n == 0 || s.n > 64 || s.p[0] == '/' || s.p[s.n - 1] == '/')
		return false;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			(c >= '0' && c <= '9') || c == '/' || c == '_' ||
			c == '-' || c == '+'))
			return false;
	}
	return true;
}

/* The C library takes what it does not know for UTC. */
static bool
is_known(struct span name, struct arena *a)
{
	struct span path = arena_printf(a, ZONE_FOLDER "%.*s", SPAN_ARG(name));
	char magic[4] = "";
	struct stat st;
	bool good;
	int fd;

	fd = path.p != NULL
	    ? open(path.p, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)
	    : -1;
	if (fd == -1)
		return false;
	good = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    read(fd, magic, sizeof(magic)) == (ssize_t)sizeof(magic) &&
	    memcmp(magic, "TZif", sizeof(magic)) == 0;
	close(fd);
	return good;
}

static bool
offset_at(int64_t at_s, int32_t *offset_s)
{
	time_t t = (time_t)at_s;
	struct tm tm;

	if (localtime_r(&t, &tm) == NULL)
		return false;
	*offset_s = (int32_t)tm.tm_gmtoff;
	return true;
}

static bool
add_shift(struct spec_zone *z, int64_t from_s, int32_t offset_s)
{
	if (z->n_shifts == SHIFTS_MAX)
		return false;
	z->shifts[z->n_shifts++] =
	    (struct row_shift){ .from_s = from_s, .offset_s = offset_s };
	return true;
}

/* With TZ set. */
static bool
read_shifts(struct spec_zone *z)
{
	int32_t last, next, middle;

	if (!offset_at(FIRST_S, &last) || !add_shift(z, FIRST_S, last))
		return false;
	for (int64_t at = FIRST_S; at < LAST_S; at += STEP_S, last = next) {
		int64_t low = at, high = at + STEP_S;

		if (!offset_at(high, &next))
			return false;
		if (next == last)
			continue;
		while (high - low > 1) {
			if (!offset_at(low + (high - low) / 2, &middle))
				return false;
			if (middle == last)
				low += (high - low) / 2;
			else
				high = low + (high - low) / 2;
		}
		if (!add_shift(z, high, next))
			return false;
	}
	return true;
}

static bool
read_zone(struct spec_zone *z, struct arena *a)
{
	const char *before = getenv("TZ");
	struct span tz = arena_printf(a, ":%.*s", SPAN_ARG(z->name));
	struct span kept = { NULL, 0 };
	bool good;

	if (before != NULL)
		kept = arena_printf(a, "%s", before);
	z->shifts = arena_calloc(a, SHIFTS_MAX, sizeof(*z->shifts));
	if (tz.p == NULL || z->shifts == NULL || setenv("TZ", tz.p, 1) != 0)
		return false;
	tzset();
	good = read_shifts(z);
	if (kept.p != NULL)
		good = setenv("TZ", kept.p, 1) == 0 && good;
	else
		good = unsetenv("TZ") == 0 && good;
	tzset();
	return good;
}

struct spec_zone *
zone_read(struct spec_tier *list, const struct node *n, struct diag *d)
{
	struct spec_zone *z;
	struct spec_text t;

	if (!node_text(n, "timezone", false, &t, d))
		return NULL;
	for (; list != NULL; list = list->next)
		for (uint32_t i = 0; i < list->n_limits; i++)
			if (list->zones[i] != NULL &&
			    span_eq(list->zones[i]->name, t.text))
				return list->zones[i];
	z = arena_alloc(d->arena, sizeof(*z));
	if (z == NULL) {
		d->failed = true;
		return NULL;
	}
	z->name = t.text;
	if (span_eq(t.text, SPAN("UTC")))
		return NULL;
	if (!is_name(t.text) || !is_known(t.text, d->arena))
		diag_error(d, t.place, "timezone",
		    "'%.*s' is no time zone that this machine knows; such as "
		    "Europe/Berlin",
		    SPAN_ARG(t.text));
	else if (!read_zone(z, d->arena))
		diag_error(d, t.place, "timezone",
		    "time zone '%.*s' cannot be read", SPAN_ARG(t.text));
	else
		return z;
	return NULL;
}
