/*
 * template - see template.h.
 */
#include "spec/template.h"

struct reading {
	const struct spec_text *t;
	const char *what;
	const struct template_word *words;
	struct spec_part **end;
	unsigned n;
	struct diag *d;
};

static bool
wrong(const struct reading *r, const char *text)
{
	diag_error(r->d, r->t->place, "template", "%s %s", r->what, text);
	return false;
}

static bool
add_part(struct reading *r, const struct template_word *word, struct span text)
{
	struct spec_part *p;

	if (r->n++ == TEMPLATE_PARTS_MAX)
		return wrong(r, "has too many values");
	p = arena_alloc(r->d->arena, sizeof(*p));
	if (p == NULL) {
		r->d->failed = true;
		return false;
	}
	*p = (struct spec_part){ NULL, word, text };
	*r->end = p;
	r->end = &p->next;
	return true;
}

static bool
unknown(const struct reading *r, struct span name)
{
	struct diag_guess g = { .word = name };
	struct span known = SPAN(""), hint;

	for (const struct template_word *w = r->words; w->name != NULL; w++) {
		if (!span_eq(name, span_str(w->name)))
			diag_guess_try(&g, span_str(w->name));
		known = arena_printf(r->d->arena, "%.*s%s%s%s", SPAN_ARG(known),
		    known.n > 0 ? ", " : "", w->name, w->which ? ".NAME" : "");
	}
	hint = diag_guess_hint(&g, r->d->arena);
	diag_error(r->d, r->t->place, "template",
	    "there is no '${%.*s}'%.*s: known are %.*s", SPAN_ARG(name),
	    SPAN_ARG(hint), SPAN_ARG(known));
	return false;
}

/* What stands between "${" and "}". */
static bool
add_value(struct reading *r, struct span value)
{
	struct span which = value, name = span_cut(&which, '.');

	for (const struct template_word *w = r->words; w->name != NULL; w++) {
		if (!span_eq(name, span_str(w->name)) ||
		    w->which != (which.p != NULL))
			continue;
		if (w->which && (which.n == 0 || span_has_control(which)))
			return wrong(r, "has a value without a name");
		return add_part(r, w, which);
	}
	return unknown(r, value);
}

/* The text before the next "${", which is cut off; "$${" is none. */
static bool
add_text(struct reading *r, struct span *rest, bool *value)
{
	size_t n = 0;

	*value = false;
	while (n < rest->n) {
		struct span here = span_skip(*rest, n);

		if (span_starts(here, SPAN("$${"))) {
			/* One '$' is left, and the brace is text. */
			if (!add_part(r, NULL, span_of(rest->p, n + 1)) ||
			    !add_part(r, NULL, SPAN("{")))
				return false;
			*rest = span_skip(*rest, n + 3);
			n = 0;
		} else if (span_starts(here, SPAN("${"))) {
			*value = true;
			break;
		} else {
			n++;
		}
	}
	if (n > 0 && !add_part(r, NULL, span_of(rest->p, n)))
		return false;
	*rest = span_skip(*rest, *value ? n + 2 : n);
	return true;
}

bool
template_read(const struct spec_text *t, const char *what,
    const struct template_word *words, struct spec_part **parts, struct diag *d)
{
	struct reading r = {
		.t = t, .what = what, .words = words, .end = parts, .d = d
	};
	struct span rest = t->text;
	bool value = true;

	*parts = NULL;
	if (rest.n > TEMPLATE_BYTES_MAX)
		return wrong(&r, "is too long");
	while (value) {
		if (!add_text(&r, &rest, &value))
			return false;
		if (!value)
			break;
		if (!span_has(rest, '}'))
			return wrong(&r, "lacks a '}' behind '${'");
		if (!add_value(&r, span_cut(&rest, '}')))
			return false;
	}
	return true;
}

struct span
template_sample(
    const struct spec_part *parts, struct span value, struct arena *a)
{
	struct span s = { NULL, 0 };
	struct buf b;

	buf_init(&b, TEMPLATE_BYTES_MAX + TEMPLATE_PARTS_MAX * (value.n + 1));
	for (; parts != NULL; parts = parts->next)
		buf_add(&b, parts->word == NULL ? parts->text : value);
	if (!b.failed)
		s = arena_copy(a, buf_span(&b));
	buf_fini(&b);
	return s;
}
