/*
 * fields - see fields.h.
 */
#include "spec/fields.h"

#include "policy/reference.h"

struct unit {
	const char *name;
	uint64_t factor;
};

/* Longer lists are for the manual. */
#define KNOWN_MAX 12

static struct span
join_words(const char *const *words, struct arena *a)
{
	struct span all = SPAN("");

	for (; *words != NULL && all.p != NULL; words++)
		all = arena_printf(a, "%.*s%s%s", SPAN_ARG(all),
		    all.n > 0 ? ", " : "", *words);
	return all.p != NULL ? all : SPAN("");
}

static struct span
known_hint(struct span name, const char *const *known, struct arena *a)
{
	struct span hint = diag_hint(name, known, a);
	size_t n = 0;

	while (known[n] != NULL)
		n++;
	if (hint.n > 0 || n > KNOWN_MAX)
		return hint;
	hint =
	    arena_printf(a, ": known are %.*s", SPAN_ARG(join_words(known, a)));
	return hint.p != NULL ? hint : SPAN("");
}

bool
fields_check(const struct node *n, const char *what, const char *const *known,
    struct diag *d)
{
	if (n->kind != NODE_MAP) {
		diag_error(d, n->place, "kind", "%s must be a map, not %s",
		    what, tree_kind_name(n->kind));
		return false;
	}
	for (const struct node *m = n->first; m != NULL; m = m->next) {
		struct span hint;

		if (span_is_one_of(m->name, known))
			continue;
		hint = known_hint(m->name, known, d->arena);
		diag_error(d, m->name_place, "unknown-key",
		    "unknown key '%.*s' in %s%.*s", SPAN_ARG(m->name), what,
		    SPAN_ARG(hint));
	}
	return true;
}

static void
wrong_kind(
    const struct node *n, const char *what, const char *wanted, struct diag *d)
{
	diag_error(d, n->place, "kind", "%s must be %s, not %s", what, wanted,
	    tree_kind_name(n->kind));
}

bool
node_text(const struct node *n, const char *what, bool references,
    struct spec_text *t, struct diag *d)
{
	struct span rest = n->text;
	struct reference r;
	const char *why;

	if (n->kind != NODE_STRING) {
		wrong_kind(n, what, "a string", d);
		return false;
	}
	if (reference_in(n->text) && !references) {
		diag_error(d, n->place, "reference",
		    "${...} is not allowed in %s", what);
		return false;
	}
	while (references && rest.p != NULL) {
		if (!reference_next(&rest, &r, &why)) {
			diag_error(d, n->place, "reference", "'%.*s': %s",
			    SPAN_ARG(n->text), why);
			return false;
		}
	}
	if (n->text.n == 0) {
		diag_error(d, n->place, "empty", "%s is empty", what);
		return false;
	}
	*t = (struct spec_text){ n->text, n->place };
	return true;
}

void
field_text(const struct node *map, const char *key, struct spec_text *t,
    struct diag *d)
{
	const struct node *n = tree_get(map, key);

	if (n != NULL)
		(void)node_text(n, key, false, t, d); /* it has reported */
}

void
field_reference(const struct node *map, const char *key, struct spec_text *t,
    struct diag *d)
{
	const struct node *n = tree_get(map, key);

	if (n != NULL)
		(void)node_text(n, key, true, t, d); /* it has reported */
}

void
node_words(const struct node *n, const char *key, struct spec_word **words,
    struct diag *d)
{
	struct spec_word **end = words;
	struct spec_word *w;

	if (n->kind != NODE_STRING && n->kind != NODE_LIST) {
		wrong_kind(n, key, "a list of strings", d);
		return;
	}
	if (n->kind == NODE_LIST && n->first == NULL)
		diag_error(d, n->place, "empty", "%s is empty", key);
	for (const struct node *m = n->kind == NODE_LIST ? n->first : n;
	     m != NULL; m = n->kind == NODE_LIST ? m->next : NULL) {
		w = arena_alloc(d->arena, sizeof(*w));
		if (w == NULL) {
			d->failed = true;
			return;
		}
		if (!node_text(m, key, false, &w->text, d))
			continue;
		*end = w;
		end = &w->next;
	}
}

void
field_words(const struct node *map, const char *key, struct spec_word **words,
    struct diag *d)
{
	const struct node *n = tree_get(map, key);

	if (n != NULL)
		node_words(n, key, words, d);
}

void
field_switch(const struct node *map, const char *key, enum spec_switch *s,
    struct diag *d)
{
	const struct node *n = tree_get(map, key);

	if (n == NULL)
		return;
	if (n->kind == NODE_BOOL)
		*s =
		    span_eq(n->text, SPAN("true")) ? SWITCH_TRUE : SWITCH_FALSE;
	else
		diag_error(d, n->place, "kind",
		    "%s must be exactly true or false", key);
}

void
field_choice(const struct node *map, const char *key, const char *const *words,
    int *choice, struct diag *d)
{
	const struct node *n = tree_get(map, key);
	struct spec_text t;

	if (n == NULL || !node_text(n, key, false, &t, d))
		return;
	for (int i = 0; words[i] != NULL; i++)
		if (span_eq(t.text, span_str(words[i]))) {
			*choice = i;
			return;
		}
	diag_error(d, n->place, "value", "%s cannot be '%.*s': known are %.*s",
	    key, SPAN_ARG(t.text), SPAN_ARG(join_words(words, d->arena)));
}

void
field_number(const struct node *map, const char *key, uint64_t min,
    uint64_t max, uint64_t *v, struct diag *d)
{
	const struct node *n = tree_get(map, key);
	uint64_t number;

	if (n == NULL)
		return;
	if (n->kind != NODE_NUMBER || !span_to_u64(n->text, max, &number) ||
	    number < min)
		diag_error(d, n->place, "value",
		    "%s must be a whole number from %ju to %ju", key,
		    (uintmax_t)min, (uintmax_t)max);
	else
		*v = number;
}

/* Digits and one of "units"; false for anything else, and above "max". */
static bool
parse_unit(struct span s, const struct unit *units, uint64_t max, uint64_t *v)
{
	size_t digits = 0;
	struct span name;
	uint64_t number;

	while (digits < s.n && s.p[digits] >= '0' && s.p[digits] <= '9')
		digits++;
	name = span_skip(s, digits);
	for (; units->name != NULL; units++) {
		if (!span_eq(name, span_str(units->name)))
			continue;
		if (!span_to_u64(
			span_of(s.p, digits), max / units->factor, &number))
			return false;
		*v = number * units->factor;
		return true;
	}
	return false;
}

static const struct unit times[] = { { "ms", 1000 }, { "s", 1000000 },
	{ "m", UINT64_C(60000000) }, { "h", UINT64_C(3600000000) },
	{ "d", UINT64_C(86400000000) }, { NULL, 0 } };

/* As one would write it in the file. */
static struct span
time_text(uint64_t us, struct arena *a)
{
	const struct unit *u = times;

	for (size_t i = 1; times[i].name != NULL; i++)
		if (us % times[i].factor == 0)
			u = &times[i];
	return arena_printf(
	    a, "%llu%s", (unsigned long long)(us / u->factor), u->name);
}

static void
wrong_duration(const struct node *n, const char *key, uint64_t min_us,
    uint64_t max_us, struct diag *d)
{
	struct span min = SPAN("at most");

	if (min_us >= times[0].factor)
		min = arena_printf(d->arena, "from %.*s to",
		    SPAN_ARG(time_text(min_us, d->arena)));
	else if (min_us > 0)
		min = SPAN("above 0, at most");
	diag_error(d, n->place, "value",
	    "%s must be a duration such as 500ms, 5s, 1m, 1h or 1d, "
	    "%.*s %.*s",
	    key, SPAN_ARG(min), SPAN_ARG(time_text(max_us, d->arena)));
}

void
field_duration(const struct node *map, const char *key, uint64_t min_us,
    uint64_t max_us, uint64_t *us, struct diag *d)
{
	const struct node *n = tree_get(map, key);
	uint64_t v;

	if (n == NULL)
		return;
	if ((n->kind != NODE_STRING && n->kind != NODE_NUMBER) ||
	    !parse_unit(n->text, times, max_us, &v) || v < min_us)
		wrong_duration(n, key, min_us, max_us, d);
	else
		*us = v;
}

void
field_size(const struct node *map, const char *key, uint64_t min, uint64_t max,
    uint64_t *bytes, struct diag *d)
{
	static const struct unit units[] = { { "", 1 }, { "B", 1 },
		{ "KB", 1024 }, { "MB", 1 << 20 }, { "GB", 1 << 30 },
		{ NULL, 0 } };
	const struct node *n = tree_get(map, key);
	uint64_t v;

	if (n == NULL)
		return;
	if (n->kind == NODE_STRING && span_eq(n->text, SPAN("none")) &&
	    max >= INT64_MAX)
		*bytes = UINT64_MAX;
	else if ((n->kind == NODE_STRING || n->kind == NODE_NUMBER) &&
	    parse_unit(n->text, units, max, &v) && v >= min)
		*bytes = v;
	else
		diag_error(d, n->place, "value",
		    "%s must be a size such as 64KB or 10MB", key);
}
