/*
 * state_hash - how many passwords are hashed at once, over all processes.
 *
 * As many places as there are processors; each is a mutex of this process
 * and a byte of the state file that other processes see locked, and that
 * the kernel frees when its owner dies.
 */
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include "policy/state_file.h"

#define NAP_MS 5

static unsigned
places(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	return n < 1 ? 1 : n > HASH_PLACES ? HASH_PLACES : (unsigned)n;
}

static int
take_place(struct state *s)
{
	for (unsigned i = 0; i < places(); i++) {
		short type = F_WRLCK;

		if (pthread_mutex_trylock(&s->hashing[i]) != 0)
			continue;
		if (state_byte_lock(
			s->fd, F_OFD_SETLK, LOCK_HASHES + (off_t)i, &type))
			return (int)i;
		pthread_mutex_unlock(&s->hashing[i]);
	}
	return -1;
}

bool
state_hash_begin(
    struct state *s, unsigned max_waiting, unsigned wait_ms, int *place)
{
	const struct timespec nap = { 0, NAP_MS * 1000000L };

	*place = take_place(s);
	if (*place >= 0)
		return true;
	if (atomic_fetch_add(&s->n_hash_waiting, 1) >= max_waiting)
		wait_ms = 0;
	for (unsigned ms = 0; ms < wait_ms && *place < 0; ms += NAP_MS) {
		(void)nanosleep(&nap, NULL);
		*place = take_place(s);
	}
	atomic_fetch_sub(&s->n_hash_waiting, 1);
	return *place >= 0;
}

void
state_hash_end(struct state *s, int place)
{
	short type = F_UNLCK;

	(void)state_byte_lock(
	    s->fd, F_OFD_SETLK, LOCK_HASHES + (off_t)place, &type);
	pthread_mutex_unlock(&s->hashing[place]);
}
