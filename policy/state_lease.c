/*
 * state_lease - who of all processes does a thing that one should do.
 *
 * An open-file-description lock on a byte far behind the end of the
 * shared file, one for each name: it needs no room and no time that could
 * be wrong, and the kernel frees it with its owner.
 */
#include <fcntl.h>

#include "policy/state_file.h"

/* So many names that two hardly ever share a byte; then they take turns. */
#define NAMES (UINT64_C(1) << 48)

static off_t
byte_of(const struct state *s, struct span name)
{
	struct siphash h;

	siphash_init(&h, &s->key);
	siphash_u64(&h, SPACE_LEASE);
	siphash_raw(&h, name);
	return LOCK_LEASES + (off_t)(siphash_done(&h).lo % NAMES);
}

bool
state_lease(struct state *s, struct span name)
{
	short type = F_WRLCK;

	return state_byte_lock(s->fd, F_OFD_SETLK, byte_of(s, name), &type);
}

void
state_lease_end(struct state *s, struct span name)
{
	short type = F_UNLCK;

	/* Of a lock that is ours, on an open file: it cannot fail. */
	(void)state_byte_lock(s->fd, F_OFD_SETLK, byte_of(s, name), &type);
}
