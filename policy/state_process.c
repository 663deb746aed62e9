/*
 * state_process - which processes serve from this state, and how busy.
 *
 * A slot belongs to whoever holds the lock on its byte.  The kernel frees
 * it when the process ends, however that happens, so a slot whose byte
 * nobody holds is free.
 */
#include <fcntl.h>
#include <unistd.h>

#include "base/clock.h"
#include "policy/state_file.h"

void
state_process_enter(struct state *s, struct span bundle_path, uint64_t policy,
    unsigned workers_max)
{
	struct process_slot *slot;
	size_t n = bundle_path.n;

	assert(s->process == -1);
	for (uint32_t i = 0; i < s->n_processes && s->process == -1; i++) {
		short type = F_WRLCK;

		if (state_byte_lock(
			s->fd, F_OFD_SETLK, LOCK_PROCESSES + i, &type))
			s->process = (int)i;
	}
	if (s->process == -1)
		return; /* more than the table holds: not shown, no harm */

	slot = &s->processes[s->process];
	if (n > sizeof(slot->bundle) - 1)
		n = sizeof(slot->bundle) - 1;
	memset(slot->bundle, 0, sizeof(slot->bundle));
	if (n > 0)
		memcpy(slot->bundle, bundle_path.p, n);
	atomic_store(&slot->pid, getpid());
	atomic_store(&slot->started_us, clock_wall_us());
	atomic_store(&slot->workers_max, workers_max);
	state_process_update(s, policy, 0, 0);
}

void
state_process_update(
    struct state *s, uint64_t policy, unsigned workers, unsigned busy)
{
	struct process_slot *slot;

	if (s->process == -1)
		return;
	slot = &s->processes[s->process];
	atomic_store_explicit(&slot->policy, policy, memory_order_relaxed);
	atomic_store_explicit(&slot->workers, workers, memory_order_relaxed);
	atomic_store_explicit(&slot->busy, busy, memory_order_relaxed);
}

void
state_process_leave(struct state *s)
{
	short type = F_UNLCK;

	if (s->process == -1)
		return;
	atomic_store(&s->processes[s->process].pid, 0);
	(void)state_byte_lock(
	    s->fd, F_OFD_SETLK, LOCK_PROCESSES + s->process, &type);
	s->process = -1;
}

/* Somebody holds the lock on slot "i": we do, or another. */
static bool
is_alive(const struct state *s, uint32_t i)
{
	short type = F_WRLCK;

	return s->process == (int)i ||
	    (state_byte_lock(s->fd, F_OFD_GETLK, LOCK_PROCESSES + i, &type) &&
		type != F_UNLCK);
}

bool
state_in_use(const struct state *s)
{
	for (uint32_t i = 0; i < s->n_processes; i++)
		if (is_alive(s, i))
			return true;
	return false;
}

bool
state_report_processes(
    const struct state *s, struct arena *a, struct state_report *r)
{
	r->processes = arena_calloc(a, s->n_processes, sizeof(*r->processes));
	if (r->processes == NULL)
		return false;
	for (uint32_t i = 0; i < s->n_processes; i++) {
		const struct process_slot *slot = &s->processes[i];
		struct state_process *to = &r->processes[r->n_processes];

		if (atomic_load(&slot->pid) == 0 || !is_alive(s, i))
			continue;
		to->bundle = arena_copy(a,
		    span_of(slot->bundle,
			strnlen(slot->bundle, sizeof(slot->bundle))));
		if (to->bundle.p == NULL)
			return false;
		to->pid = atomic_load(&slot->pid);
		to->started_us = atomic_load(&slot->started_us);
		to->policy = atomic_load(&slot->policy);
		to->workers_max = atomic_load(&slot->workers_max);
		to->workers = atomic_load(&slot->workers);
		to->busy = atomic_load(&slot->busy);
		r->n_processes++;
	}
	return true;
}
