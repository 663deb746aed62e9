/*
 * test_state_held - requests in progress, counted over processes that end
 * as they should and that do not.
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

#include "tests/unit/state_dir.h"

static struct row_limit
at_once(uint64_t count)
{
	return (struct row_limit){ .algorithm = LIMIT_WINDOW,
		.unit = LIMIT_CONCURRENT,
		.count = count };
}

static struct take
take_of(const struct row_limit *l, const char *key)
{
	return (struct take){ .parts = { SPAN("subject"), span_str(key) },
		.n_parts = 2,
		.limit = l };
}

static enum take_result
take_in(struct state *s, const struct row_limit *l, const char *key)
{
	struct take t = take_of(l, key);

	return state_take(s, &t, 1, NOON);
}

START_TEST(as_many_pass_as_the_limit_says_until_one_ends)
{
	struct row_limit l = at_once(2);
	struct take t[3] = { take_of(&l, "a"), take_of(&l, "a"),
		take_of(&l, "a") };

	ck_assert_int_eq(state_take(state, &t[0], 1, NOON), TAKE_ALLOWED);
	ck_assert_uint_eq(t[0].remaining, 1);
	ck_assert_int_eq(state_take(state, &t[1], 1, NOON), TAKE_ALLOWED);
	ck_assert_uint_eq(t[1].remaining, 0);
	ck_assert_int_eq(state_take(state, &t[2], 1, NOON), TAKE_REFUSED);
	ck_assert(t[2].refused);
	ck_assert_uint_gt(t[2].wait_us, 0);
	ck_assert_int_eq(take_in(state, &l, "b"), TAKE_ALLOWED);
	state_give(state, &t[0], 1, NOON);
	state_give(state, &t[0], 1, NOON); /* a second time is nothing */
	ck_assert_int_eq(state_take(state, &t[2], 1, NOON), TAKE_ALLOWED);
	ck_assert_int_eq(take_in(state, &l, "a"), TAKE_REFUSED);
}
END_TEST

START_TEST(what_is_over_the_quota_may_pass)
{
	struct row_limit l = at_once(1);
	struct take t = take_of(&l, "a");

	ck_assert_int_eq(take_in(state, &l, "a"), TAKE_ALLOWED);
	t.pass_over = true;
	ck_assert_int_eq(state_take(state, &t, 1, NOON), TAKE_ALLOWED);
	ck_assert(t.over && !t.refused);
	state_give(state, &t, 1, NOON);
	ck_assert_int_eq(take_in(state, &l, "a"), TAKE_REFUSED);
}
END_TEST

static bool
is_locked(struct state *s, off_t byte)
{
	short type = F_WRLCK;

	ck_assert(state_byte_lock(s->fd, F_OFD_GETLK, byte, &type));
	return type != F_UNLCK;
}

/* All locks of a process are of one open file. */
START_TEST(what_else_is_locked_and_freed_leaves_an_owner_as_he_is)
{
	struct state *other = must_open(NULL);
	short type = F_WRLCK;
	int place;

	for (int i = 0; i < HASH_PLACES; i++)
		ck_assert(state_byte_lock(
		    state->fd, F_OFD_SETLK, LOCK_OWNERS + i, &type));
	ck_assert(state_byte_lock(state->fd, F_OFD_SETLK, LOCK_HELD, &type));
	/* An owner takes no place of hashing, */
	ck_assert(state_hash_begin(other, 0, 0, &place));
	state_hash_end(other, place);
	/* and is not gone when it has hashed, or copied. */
	ck_assert(state_hash_begin(state, 0, 0, &place));
	state_hash_end(state, place);
	ck_assert(is_locked(other, LOCK_OWNERS + place));
	type = F_UNLCK;
	ck_assert(
	    state_byte_lock(state->fd, F_OFD_SETLK, LOCK_SNAPSHOT, &type));
	ck_assert(state_byte_lock(state->fd, F_OFD_SETLK, LOCK_MIGRATE, &type));
	ck_assert(is_locked(other, LOCK_HELD));
	ck_assert(is_locked(other, LOCK_OWNERS));
	state_close(other);
}
END_TEST

START_TEST(a_request_that_another_limit_refuses_holds_nothing)
{
	struct row_limit l = at_once(5);
	struct row_limit w = {
		.algorithm = LIMIT_WINDOW, .count = 1, .period_us = 60 * S
	};
	struct take t[2];

	for (int i = 0; i < 9; i++) {
		t[0] = take_of(&l, "a");
		t[1] = take_of(&w, "w");
		ck_assert_int_eq(state_take(state, t, 2, NOON),
		    i == 0 ? TAKE_ALLOWED : TAKE_REFUSED);
		ck_assert_uint_eq(t[0].remaining, 4);
	}
	/* And the other way: what is in progress takes no request. */
	l = at_once(1);
	w.count = 3;
	t[0] = take_of(&l, "a");
	t[1] = take_of(&w, "w");
	ck_assert_int_eq(state_take(state, t, 2, NOON), TAKE_REFUSED);
	ck_assert(t[0].refused && !t[1].refused);
	ck_assert_uint_eq(t[1].remaining, 2);
}
END_TEST

/* A process that takes "n" of "key", says so, and waits to be killed. */
static pid_t
hold(const struct row_limit *l, const char *key, unsigned n)
{
	int done[2];
	pid_t pid;
	char c;

	ck_assert_int_eq(pipe(done), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		struct state *s = must_open(&small);

		while (n-- > 0)
			if (take_in(s, l, key) != TAKE_ALLOWED)
				_exit(1);
		(void)!write(done[1], "x", 1);
		for (;;)
			pause();
	}
	close(done[1]);
	ck_assert_int_eq(read(done[0], &c, 1), 1);
	close(done[0]);
	return pid;
}

static void
end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

START_TEST(what_a_killed_process_held_is_free_at_once)
{
	struct row_limit l = at_once(4);
	pid_t one, two;

	for (int round = 0; round < 20; round++) {
		one = hold(&l, "a", 3);
		two = hold(&l, "a", 1);
		ck_assert_int_eq(take_in(state, &l, "a"), TAKE_REFUSED);
		end(one);
		end(hold(&l, "a", 3));
		end(two);
	}
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(take_in(state, &l, "a"), TAKE_ALLOWED);
	ck_assert_int_eq(take_in(state, &l, "a"), TAKE_REFUSED);
}
END_TEST

START_TEST(a_place_of_a_dead_owner_counts_for_nobody_who_follows)
{
	struct row_limit l = at_once(3);
	struct take t = take_of(&l, "a");

	end(hold(&l, "a", 3));
	/* All places become ours, one after the other. */
	for (unsigned i = 0; i < HELD_OWNERS; i++) {
		struct state *s = must_open(&small);

		ck_assert_int_eq(state_take(s, &t, 1, NOON), TAKE_ALLOWED);
		ck_assert_uint_eq(t.remaining, 2);
		state_give(s, &t, 1, NOON);
		state_close(s);
	}
}
END_TEST

START_TEST(more_keys_than_places_share_one_and_none_is_free)
{
	struct row_limit l = at_once(7);
	char key[32];
	unsigned passed = 0;

	for (int i = 0; i < 2000; i++) {
		snprintf(key, sizeof(key), "key %d", i);
		passed += take_in(state, &l, key) == TAKE_ALLOWED;
	}
	ck_assert_uint_le(passed, state->n_held - GROUP + 7);
	ck_assert_uint_ge(passed, (state->n_held - GROUP) / 2);
	ck_assert_int_eq(take_in(state, &l, "another"), TAKE_REFUSED);
	/* Who was there keeps his own. */
	ck_assert_int_eq(take_in(state, &l, "key 0"), TAKE_ALLOWED);
}
END_TEST

#define THREADS 8
#define ROUNDS 3000

static atomic_int inside, most, allowed;
static const struct row_limit crowd = {
	.algorithm = LIMIT_WINDOW, .unit = LIMIT_CONCURRENT, .count = 3
};

static void *
rush(void *arg)
{
	(void)arg;
	for (int i = 0; i < ROUNDS; i++) {
		struct take t = take_of(&crowd, "a");
		int now, seen;

		if (state_take(state, &t, 1, NOON) != TAKE_ALLOWED)
			continue;
		now = atomic_fetch_add(&inside, 1) + 1;
		seen = atomic_load(&most);
		while (now > seen &&
		    !atomic_compare_exchange_weak(&most, &seen, now))
			;
		atomic_fetch_add(&allowed, 1);
		if (i % 16 == 0)
			sched_yield();
		atomic_fetch_sub(&inside, 1);
		state_give(state, &t, 1, NOON);
	}
	return NULL;
}

START_TEST(never_more_are_inside_however_many_rush)
{
	pthread_t threads[THREADS];

	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, rush, NULL);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	ck_assert_int_le(atomic_load(&most), 3);
	/* Who is put to sleep inside keeps others out for as long. */
	ck_assert_int_ge(atomic_load(&allowed), ROUNDS / 10);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(take_in(state, &crowd, "a"), TAKE_ALLOWED);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("state_held");
	TCase *c = tcase_create("held");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_set_timeout(c, 60);
	tcase_add_test(c, as_many_pass_as_the_limit_says_until_one_ends);
	tcase_add_test(c, what_is_over_the_quota_may_pass);
	tcase_add_test(
	    c, what_else_is_locked_and_freed_leaves_an_owner_as_he_is);
	tcase_add_test(c, a_request_that_another_limit_refuses_holds_nothing);
	tcase_add_test(c, what_a_killed_process_held_is_free_at_once);
	tcase_add_test(
	    c, a_place_of_a_dead_owner_counts_for_nobody_who_follows);
	tcase_add_test(c, more_keys_than_places_share_one_and_none_is_free);
	tcase_add_test(c, never_more_are_inside_however_many_rush);
	suite_add_tcase(s, c);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
