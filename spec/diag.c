/*
 * diag - see diag.h.
 */
#include "spec/diag.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/ascii.h"
#include "base/shown.h"

#define WORD_MAX 64 /* longer words are nobody's misspelling */

struct diag_entry {
	struct diag_entry *next;
	struct place at;
	enum severity severity;
	const char *rule;
	struct span text;
};

static struct span print_text(struct arena *a, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));
static void add(struct diag *d, struct diag_entry e, const char *format,
    va_list args) __attribute__((format(printf, 3, 0)));

static struct span
print_text(struct arena *a, const char *format, va_list args)
{
	va_list again;
	char *p = NULL;
	int n;

	va_copy(again, args);
	n = vsnprintf(NULL, 0, format, again);
	va_end(again);
	if (n >= 0)
		p = arena_alloc(a, (size_t)n + 1);
	if (p == NULL || vsnprintf(p, (size_t)n + 1, format, args) != n)
		return span_str(NULL);
	return span_of(p, (size_t)n);
}

static void
add(struct diag *d, struct diag_entry e, const char *format, va_list args)
{
	struct diag_entry *kept = arena_alloc(d->arena, sizeof(*kept));

	if (e.severity == SEVERITY_ERROR)
		d->n_errors++;
	else
		d->n_warnings++;
	if (kept != NULL)
		e.text = print_text(d->arena, format, args);
	if (kept == NULL || e.text.p == NULL) {
		d->n_errors += d->failed ? 0 : 1;
		d->failed = true;
		return;
	}
	e.next = d->entries;
	*kept = e;
	d->entries = kept;
}

void
diag_error(
    struct diag *d, struct place at, const char *rule, const char *format, ...)
{
	struct diag_entry e = {
		.at = at, .severity = SEVERITY_ERROR, .rule = rule
	};
	va_list args;

	va_start(args, format);
	add(d, e, format, args);
	va_end(args);
}

void
diag_warning(
    struct diag *d, struct place at, const char *rule, const char *format, ...)
{
	struct diag_entry e = {
		.at = at, .severity = SEVERITY_WARNING, .rule = rule
	};
	va_list args;

	va_start(args, format);
	add(d, e, format, args);
	va_end(args);
}

/*
 * Length of the character at the start of "s" that could forge a line or
 * steer a terminal (C0, DEL, C1, line separators, text direction), or 0.
 */
static size_t
unsafe_length(struct span s)
{
	const unsigned char *p = (const unsigned char *)s.p;
	size_t n = shown_control(s);

	if (n > 0 || s.n < 3 || p[0] != 0xe2)
		return n;
	if (p[1] == 0x80 && p[2] >= 0xa8 && p[2] <= 0xae)
		return 3;
	return p[1] == 0x81 && p[2] >= 0xa6 && p[2] <= 0xa9 ? 3 : 0;
}

static void
write_text(struct buf *to, struct span s)
{
	bool utf8 = span_is_utf8(s);

	while (s.n > 0) {
		size_t bad = unsafe_length(s);

		if (bad == 0 && !utf8 && (unsigned char)s.p[0] >= 0x80)
			bad = 1;
		for (size_t i = 0; i < bad; i++)
			buf_printf(to, "\\x%02x", (unsigned char)s.p[i]);
		if (bad == 0)
			buf_add_char(to, s.p[0]);
		s = span_skip(s, bad > 0 ? bad : 1);
	}
}

static void
write_entry(struct buf *to, const struct diag_entry *e)
{
	if (e->at.file != NULL) {
		write_text(to, span_str(e->at.file));
		if (e->at.line > 0)
			buf_printf(to, ":%u:%u", e->at.line, e->at.column);
		buf_add_str(to, ": ");
	}
	buf_add_str(
	    to, e->severity == SEVERITY_ERROR ? "error: " : "warning: ");
	write_text(to, e->text);
	buf_printf(to, " [%s]\n", e->rule);
}

static int
compare(const void *left, const void *right)
{
	const struct diag_entry *a = *(struct diag_entry *const *)left;
	const struct diag_entry *b = *(struct diag_entry *const *)right;
	int order;

	order = span_cmp(span_str(a->at.file), span_str(b->at.file));
	if (order == 0)
		order = (a->at.line > b->at.line) - (a->at.line < b->at.line);
	if (order == 0)
		order = (a->at.column > b->at.column) -
		    (a->at.column < b->at.column);
	if (order == 0)
		order = (int)b->severity - (int)a->severity;
	if (order == 0)
		order = span_cmp(span_str(a->rule), span_str(b->rule));
	return order != 0 ? order : span_cmp(a->text, b->text);
}

void
diag_write(const struct diag *d, struct buf *to)
{
	struct diag_entry **sorted;
	size_t n = 0, i = 0;

	for (struct diag_entry *e = d->entries; e != NULL; e = e->next)
		n++;
	sorted = calloc(n + 1, sizeof(*sorted));
	if (sorted == NULL) {
		buf_add_str(to, "error: out of memory [memory]\n");
		return;
	}
	for (struct diag_entry *e = d->entries; e != NULL; e = e->next)
		sorted[i++] = e;
	qsort(sorted, n, sizeof(struct diag_entry *), compare);
	for (i = 0; i < n; i++)
		if (i == 0 || compare(&sorted[i - 1], &sorted[i]) != 0)
			write_entry(to, sorted[i]);
	free(sorted);
	if (d->failed)
		buf_add_str(to, "error: out of memory [memory]\n");
}

static unsigned
least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/*
 * Insertions, deletions, changes and swaps of neighbours, each once per
 * place (optimal string alignment), without regard to case.
 */
static unsigned
distance(struct span a, struct span b)
{
	unsigned rows[3][WORD_MAX + 1];
	unsigned *older = rows[0], *old = rows[1], *now = rows[2];

	for (unsigned j = 0; j <= b.n; j++)
		old[j] = j;
	for (unsigned i = 1; i <= a.n; i++) {
		char x = ascii_lower(a.p[i - 1]);
		unsigned *spare = older;

		now[0] = i;
		for (unsigned j = 1; j <= b.n; j++) {
			char y = ascii_lower(b.p[j - 1]);

			now[j] = least(least(old[j], now[j - 1]) + 1,
			    old[j - 1] + (x != y));
			if (i > 1 && j > 1 && x == ascii_lower(b.p[j - 2]) &&
			    y == ascii_lower(a.p[i - 2]))
				now[j] = least(now[j], older[j - 2] + 1);
		}
		older = old;
		old = now;
		now = spare;
	}
	return old[b.n];
}

void
diag_guess_try(struct diag_guess *g, struct span known)
{
	size_t longer = g->word.n > known.n ? g->word.n : known.n;
	unsigned far;

	if (g->word.n == 0 || longer > WORD_MAX)
		return;
	far = distance(g->word, known);
	/* A third of the word wrong is another word. */
	if (far > longer / 3 || (g->best.p != NULL && far >= g->distance))
		return;
	g->best = known;
	g->distance = far;
}

struct span
diag_guess_hint(const struct diag_guess *g, struct arena *a)
{
	struct span hint = { NULL, 0 };

	if (g->best.p != NULL)
		hint = arena_printf(
		    a, ", did you mean '%.*s'?", SPAN_ARG(g->best));
	return hint.p != NULL ? hint : SPAN("");
}

struct span
diag_hint(struct span word, const char *const *known, struct arena *a)
{
	struct diag_guess g = { .word = word };

	for (; *known != NULL; known++)
		diag_guess_try(&g, span_str(*known));
	return diag_guess_hint(&g, a);
}
