/*
 * buf - bytes that grow up to a maximum they were born with.
 *
 * Appending past the maximum, or without memory, sets "failed" and from
 * then on appends nothing: check once at the end.  Not locked.
 */
#ifndef MGW_BASE_BUF_H
#define MGW_BASE_BUF_H

#include "base/span.h"

struct buf {
	char *p;
	size_t n;
	size_t size;
	size_t max;
	bool failed;
};

void buf_init(struct buf *b, size_t max_bytes);
void buf_fini(struct buf *b);

/* Empty it and keep its memory; "failed" is cleared. */
void buf_reset(struct buf *b);

/*
 * Room for "n" more bytes at the end, or NULL; what was written there is
 * then counted by adding to b->n.
 */
char *buf_room(struct buf *b, size_t n);

/* Here and the next two, as a request is a few hundred of these calls. */
static inline char *
buf_room_fast(struct buf *b, size_t n)
{
	if (!b->failed && b->size - b->n >= n && b->p != NULL)
		return b->p + b->n;
	return buf_room(b, n);
}

static inline void
buf_add(struct buf *b, struct span s)
{
	char *room = buf_room_fast(b, s.n);

	if (room == NULL || s.n == 0)
		return;
	memcpy(room, s.p, s.n);
	b->n += s.n;
}

static inline void
buf_add_char(struct buf *b, char c)
{
	char *room = buf_room_fast(b, 1);

	if (room == NULL)
		return;
	*room = c;
	b->n++;
}

void buf_add_u64(struct buf *b, uint64_t v);

/* 16 hexadecimal digits. */
void buf_add_hex64(struct buf *b, uint64_t v);
void buf_printf(struct buf *b, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Here, so that the length of a literal is known when it is compiled. */
static inline void
buf_add_str(struct buf *b, const char *s)
{
	buf_add(b, span_str(s));
}

/* What is in it, as long as nothing is appended. */
struct span buf_span(const struct buf *b);

#endif
