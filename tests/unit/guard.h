/*
 * guard - test input that ends right before an unreadable page.
 *
 * A parser that reads one byte too many then ends the test.
 */
#ifndef MGW_TESTS_GUARD_H
#define MGW_TESTS_GUARD_H

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/span.h"

struct guard {
	struct span text; /* the copy */
	void *map;
	size_t map_bytes;
};

static inline struct guard
guard_new(struct span s)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t room = (s.n + page - 1) / page * page;
	char *map = mmap(NULL, room + page, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (map == MAP_FAILED || mprotect(map + room, page, PROT_NONE) != 0)
		abort();
	if (s.n > 0)
		memcpy(map + room - s.n, s.p, s.n);
	return (
	    struct guard){ span_of(map + room - s.n, s.n), map, room + page };
}

static inline void
guard_free(struct guard *g)
{
	munmap(g->map, g->map_bytes);
}

#endif
