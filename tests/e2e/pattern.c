/*
 * pattern - the large body of tests, written, compared and summed up.
 *
 *	pattern write N		N bytes to standard output
 *	pattern compare N	standard input is these N bytes, all of them
 *	pattern sum N		their sum as the backend tells it
 */
#include "tests/e2e/pattern.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char block[1 << 16], got[1 << 16];

static size_t
part_at(uint64_t at, uint64_t n)
{
	return n - at < sizeof(block) ? (size_t)(n - at) : sizeof(block);
}

static int
put(uint64_t n)
{
	for (uint64_t at = 0; at < n; at += sizeof(block)) {
		pattern_fill(block, sizeof(block), at);
		if (fwrite(block, 1, part_at(at, n), stdout) != part_at(at, n))
			return 1;
	}
	return fflush(stdout) == 0 ? 0 : 1;
}

static int
compare(uint64_t n)
{
	for (uint64_t at = 0; at < n; at += sizeof(block)) {
		size_t part = part_at(at, n);

		pattern_fill(block, sizeof(block), at);
		if (fread(got, 1, part, stdin) != part) {
			printf("cut behind %llu\n", (unsigned long long)at);
			return 1;
		}
		if (memcmp(got, block, part) != 0) {
			printf("differs behind %llu\n", (unsigned long long)at);
			return 1;
		}
	}
	if (fread(got, 1, 1, stdin) != 0) {
		printf("longer than %llu\n", (unsigned long long)n);
		return 1;
	}
	printf("equal\n");
	return 0;
}

static int
sum(uint64_t n)
{
	unsigned long long fnv = 0xcbf29ce484222325ULL;

	for (uint64_t at = 0; at < n; at += sizeof(block)) {
		size_t part = part_at(at, n);

		pattern_fill(block, sizeof(block), at);
		for (size_t i = 0; i < part; i++)
			fnv =
			    (fnv ^ (unsigned char)block[i]) * 0x100000001b3ULL;
	}
	printf("%016llx\n", fnv);
	return 0;
}

int
main(int argc, char **argv)
{
	uint64_t n = argc == 3 ? strtoull(argv[2], NULL, 10) : 0;

	if (argc == 3 && strcmp(argv[1], "write") == 0)
		return put(n);
	if (argc == 3 && strcmp(argv[1], "compare") == 0)
		return compare(n);
	if (argc == 3 && strcmp(argv[1], "sum") == 0)
		return sum(n);
	fprintf(stderr, "usage: pattern write|compare|sum N\n");
	return 2;
}
