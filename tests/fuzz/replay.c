/*
 * replay - run a fuzz target over files, for compilers without libFuzzer.
 *
 * Each file's bytes are placed right before an unreadable page, so that a
 * read of one byte too many ends the program.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static int
replay(const char *path)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), n, room;
	static uint8_t bytes[1 << 20];
	FILE *f = fopen(path, "rb");
	uint8_t *map;

	if (f == NULL) {
		perror(path);
		return 1;
	}
	n = fread(bytes, 1, sizeof(bytes), f);
	fclose(f);
	room = (n + page - 1) / page * page;
	map = mmap(NULL, room + page, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (map == MAP_FAILED || mprotect(map + room, page, PROT_NONE) != 0) {
		perror("guard page");
		return 1;
	}
	memcpy(map + room - n, bytes, n);
	LLVMFuzzerTestOneInput(map + room - n, n);
	munmap(map, room + page);
	return 0;
}

int
main(int argc, char **argv)
{
	int bad = argc < 2;

	for (int i = 1; i < argc; i++)
		bad |= replay(argv[i]);
	return bad;
}
