/*
 * buf - see buf.h.
 */
#include "base/buf.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* Growth starts here, so that small buffers are not grown byte by byte. */
#define BUF_FIRST 256

void
buf_init(struct buf *b, size_t max_bytes)
{
	*b = (struct buf){ .max = max_bytes };
}

void
buf_fini(struct buf *b)
{
	free(b->p);
	*b = (struct buf){ 0 };
}

void
buf_reset(struct buf *b)
{
	b->n = 0;
	b->failed = false;
}

char *
buf_room(struct buf *b, size_t n)
{
	size_t size = b->size > 0 ? b->size : BUF_FIRST;
	char *p;

	if (!b->failed && b->p != NULL && b->size - b->n >= n)
		return b->p + b->n;
	if (b->failed || n > b->max - b->n) {
		b->failed = true;
		return NULL;
	}
	while (size - b->n < n)
		size = size > b->max / 2 ? b->max : size * 2;
	if (size > b->max)
		size = b->max;
	p = realloc(b->p, size > 0 ? size : 1);
	if (p == NULL) {
		b->failed = true;
		return NULL;
	}
	b->p = p;
	b->size = size;
	return b->p + b->n;
}

void
buf_add_u64(struct buf *b, uint64_t v)
{
	char digits[20];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + v % 10);
		v /= 10;
	} while (v > 0);
	buf_add(b, span_of(digits + at, sizeof(digits) - at));
}

void
buf_add_hex64(struct buf *b, uint64_t v)
{
	static const char hex[] = "0123456789abcdef";
	char digits[16];

	for (int i = 15; i >= 0; i--) {
		digits[i] = hex[v & 15];
		v >>= 4;
	}
	buf_add(b, span_of(digits, sizeof(digits)));
}

void
buf_printf(struct buf *b, const char *format, ...)
{
	char small[256], *room;
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(small, sizeof(small), format, args);
	va_end(args);
	if (n >= 0 && (size_t)n < sizeof(small)) {
		buf_add(b, span_of(small, (size_t)n));
		return;
	}
	if (n < 0) {
		b->failed = true;
		return;
	}
	room = buf_room(b, (size_t)n + 1);
	if (room == NULL)
		return;
	va_start(args, format);
	n = vsnprintf(room, (size_t)n + 1, format, args);
	va_end(args);
	if (n > 0)
		b->n += (size_t)n;
}

struct span
buf_span(const struct buf *b)
{
	return span_of(b->p != NULL ? b->p : "", b->n);
}
