/*
 * state - make a state directory of a chosen size.
 *
 *	state DIR BUCKETS
 *
 * So that a test need not fill one of the usual size.
 */
#include <stdio.h>
#include <stdlib.h>

#include "policy/state.h"

int
main(int argc, char **argv)
{
	struct state_sizes sizes = { 0 };
	char why[512] = "";
	struct state *s;

	if (argc != 3) {
		fprintf(stderr, "usage: state DIR BUCKETS\n");
		return 2;
	}
	sizes.n_buckets = (uint32_t)strtoul(argv[2], NULL, 10);
	s = state_open(argv[1], &sizes, why, sizeof(why));
	if (s == NULL) {
		fprintf(stderr, "state: %s\n", why);
		return 1;
	}
	state_close(s);
	return 0;
}
