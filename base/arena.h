/*
 * arena - memory that is given back all at once.
 *
 * A request allocates from its arena and never frees; arena_reset at the
 * end of the request makes the memory ready for the next.  The first
 * block is kept between requests, what was needed beyond it goes back to
 * the heap, so that one large request does not make a large worker.
 *
 * An arena is born with its maximum.  Past it every call returns NULL,
 * which the gate answers with "fault" and an import with a message.
 * Not locked: one owner.
 */
#ifndef MGW_BASE_ARENA_H
#define MGW_BASE_ARENA_H

#include <stdarg.h>

#include "base/span.h"

struct arena_block;

struct arena {
	struct arena_block *head; /* newest first; the oldest is kept */
	size_t first_bytes;       /* size of the block that is kept */
	size_t left_bytes;        /* what may still be taken from the heap */
	size_t max_bytes;
	bool full; /* some call since the last reset got NULL */
};

/* Nothing is taken from the heap until the first allocation. */
void arena_init(struct arena *a, size_t first_bytes, size_t max_bytes);
void arena_reset(struct arena *a);
void arena_fini(struct arena *a);

/* Zeroed and aligned for any type, or NULL. */
void *arena_alloc(struct arena *a, size_t bytes);
void *arena_calloc(struct arena *a, size_t n, size_t bytes);

/* As arena_alloc, but with whatever was there before. */
void *arena_room(struct arena *a, size_t bytes);

/* Of the newest piece, "p" with "had" bytes, only "bytes" are needed. */
void arena_trim(struct arena *a, const void *p, size_t had, size_t bytes);

/* A copy with a NUL behind it (not counted); p == NULL if it is full. */
struct span arena_copy(struct arena *a, struct span s);

/* printf into the arena; p == NULL if it is full. */
struct span arena_printf(struct arena *a, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
