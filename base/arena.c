/*
 * arena - see arena.h.
 */
#include "base/arena.h"

#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>

struct arena_block {
	struct arena_block *older;
	size_t size;
	size_t used;
	alignas(max_align_t) char bytes[];
};

void
arena_init(struct arena *a, size_t first_bytes, size_t max_bytes)
{
	*a = (struct arena){ .first_bytes = first_bytes,
		.left_bytes = max_bytes,
		.max_bytes = max_bytes };
}

/* Release all blocks but the oldest. */
static void
drop_newer(struct arena *a)
{
	while (a->head != NULL && a->head->older != NULL) {
		struct arena_block *b = a->head;

		a->head = b->older;
		free(b);
	}
}

void
arena_reset(struct arena *a)
{
	drop_newer(a);
	a->left_bytes = a->max_bytes;
	a->full = false;
	if (a->head == NULL)
		return;
	a->left_bytes -= a->head->size;
	a->head->used = 0;
}

void
arena_fini(struct arena *a)
{
	drop_newer(a);
	free(a->head);
	*a = (struct arena){ 0 };
}

static struct arena_block *
add_block(struct arena *a, size_t bytes)
{
	size_t size = a->first_bytes;
	struct arena_block *b;

	if (a->head != NULL && a->head->size < SIZE_MAX / 4)
		size = a->head->size * 2;
	if (size > a->left_bytes)
		size = a->left_bytes;
	if (size < bytes)
		size = bytes;
	if (size > a->left_bytes)
		return NULL;
	b = malloc(sizeof(*b) + size);
	if (b == NULL)
		return NULL;
	b->older = a->head;
	b->size = size;
	b->used = 0;
	a->head = b;
	a->left_bytes -= size;
	return b;
}

/* Nothing, and remembered: who parsed with it must not call it bad input. */
static void *
refuse(struct arena *a)
{
	a->full = true;
	return NULL;
}

static size_t
aligned(size_t bytes)
{
	const size_t mask = alignof(max_align_t) - 1;

	return (bytes + mask) & ~mask;
}

void *
arena_room(struct arena *a, size_t bytes)
{
	struct arena_block *b = a->head;
	void *p;

	if (bytes > a->max_bytes)
		return refuse(a);
	bytes = aligned(bytes);
	if (b == NULL || b->size - b->used < bytes)
		b = add_block(a, bytes);
	if (b == NULL)
		return refuse(a);
	p = b->bytes + b->used;
	b->used += bytes;
	return p;
}

void
arena_trim(struct arena *a, const void *p, size_t had, size_t bytes)
{
	struct arena_block *b = a->head;

	if (b == NULL || bytes > had || aligned(had) > b->used ||
	    p != b->bytes + b->used - aligned(had))
		return;
	b->used -= aligned(had) - aligned(bytes);
}

void *
arena_alloc(struct arena *a, size_t bytes)
{
	void *p = arena_room(a, bytes);

	return p != NULL ? memset(p, 0, bytes) : NULL;
}

void *
arena_calloc(struct arena *a, size_t n, size_t bytes)
{
	if (bytes > 0 && n > a->max_bytes / bytes)
		return refuse(a);
	return arena_alloc(a, n * bytes);
}

struct span
arena_copy(struct arena *a, struct span s)
{
	char *p = s.n < SIZE_MAX ? arena_room(a, s.n + 1) : NULL;

	if (p == NULL)
		return (struct span){ NULL, 0 };
	if (s.n > 0)
		memcpy(p, s.p, s.n);
	p[s.n] = '\0';
	return span_of(p, s.n);
}

struct span
arena_printf(struct arena *a, const char *format, ...)
{
	struct span none = { NULL, 0 };
	char small[256], *p;
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(small, sizeof(small), format, args);
	va_end(args);
	if (n >= 0 && (size_t)n < sizeof(small))
		return arena_copy(a, span_of(small, (size_t)n));
	if (n < 0 || (p = arena_alloc(a, (size_t)n + 1)) == NULL)
		return none;
	va_start(args, format);
	n = vsnprintf(p, (size_t)n + 1, format, args);
	va_end(args);
	return n < 0 ? none : span_of(p, (size_t)n);
}
