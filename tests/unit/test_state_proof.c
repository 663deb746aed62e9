/*
 * Proofs that are remembered by all threads and processes.
 */
#include <check.h>
#include <pthread.h>
#include <stdatomic.h>

#include "state_dir.h"

#define NOON_S (NOON / S)

static enum replay_result
replay(struct state *s, const char *key, const char *id, int64_t until_s,
    int64_t now_s)
{
	const struct span parts[] = { span_str(key), span_str(id) };

	return state_replay(s, parts, 2, until_s, now_s);
}

static bool
was_replayed(const char *key, const char *id, int64_t now_s)
{
	const struct span parts[] = { span_str(key), span_str(id) };

	return state_replayed(state, parts, 2, now_s);
}

START_TEST(a_proof_is_new_once_until_it_could_not_come_again)
{
	struct state *other = must_open(&small);

	ck_assert_int_eq(
	    replay(state, "k", "1", NOON_S + 60, NOON_S), REPLAY_NEW);
	ck_assert_int_eq(
	    replay(state, "k", "1", NOON_S + 60, NOON_S), REPLAY_SEEN);
	ck_assert_int_eq(
	    replay(other, "k", "1", NOON_S + 60, NOON_S + 60), REPLAY_SEEN);
	ck_assert_int_eq(
	    replay(other, "k", "1", NOON_S + 60, NOON_S + 61), REPLAY_LATE);
	/* Names are pairs: no other key, no other id, no other cut. */
	ck_assert_int_eq(
	    replay(other, "l", "1", NOON_S + 60, NOON_S), REPLAY_NEW);
	ck_assert_int_eq(
	    replay(other, "k", "2", NOON_S + 60, NOON_S), REPLAY_NEW);
	ck_assert_int_eq(
	    replay(other, "k1", "", NOON_S + 60, NOON_S), REPLAY_NEW);
	ck_assert_int_eq(
	    replay(other, "", "k1", NOON_S + 60, NOON_S), REPLAY_NEW);
	ck_assert_uint_eq(state_proofs_used(state, NOON_S), 5);
	ck_assert(was_replayed("k", "1", NOON_S + 60));
	ck_assert(!was_replayed("k", "1", NOON_S + 66));
	ck_assert(!was_replayed("k", "3", NOON_S));
	ck_assert(!was_replayed("k", "1", -1));
	ck_assert_uint_eq(state_proofs_used(state, NOON_S), 5);
	ck_assert_uint_eq(state_proofs_used(state, NOON_S + 66), 0);
	ck_assert_int_eq(
	    replay(other, "k", "1", NOON_S + 126, NOON_S + 66), REPLAY_NEW);
	state_close(other);
	/* A restart forgets nothing. */
	state_close(state);
	state = must_open(&small);
	ck_assert_int_eq(
	    replay(state, "k", "1", NOON_S + 126, NOON_S + 66), REPLAY_SEEN);
}
END_TEST

START_TEST(times_that_cannot_be_are_a_fault)
{
	ck_assert_int_eq(
	    replay(state, "k", "1", NOON_S - 1, NOON_S), REPLAY_LATE);
	ck_assert_int_eq(
	    replay(state, "k", "1", NOON_S + 3601, NOON_S), REPLAY_FAULT);
	ck_assert_int_eq(replay(state, "k", "1", 0, -1), REPLAY_FAULT);
	ck_assert_int_eq(replay(state, "k", "1", (INT64_C(1) << 32) + 1,
			     (INT64_C(1) << 32) - 1),
	    REPLAY_FAULT);
	/* What a clock that was far ahead has left takes no place. */
	ck_assert_int_eq(
	    replay(state, "k", "1", NOON_S + 86460, NOON_S + 86400),
	    REPLAY_NEW);
	ck_assert_uint_eq(state_proofs_used(state, NOON_S), 0);
	ck_assert_int_eq(
	    replay(state, "k", "1", NOON_S + 60, NOON_S), REPLAY_NEW);
}
END_TEST

START_TEST(what_finds_no_place_is_refused_and_forgets_nothing)
{
	unsigned n = 0, full = 0, alike = 0;
	char id[24];

	/* The last groups are full long before as many have come. */
	for (; n < 2 * state->n_proofs; n++) {
		enum replay_result r;

		snprintf(id, sizeof(id), "%u", n);
		r = replay(state, "k", id, NOON_S + 60, NOON_S);
		/* A name is half of a word: some look alike, by chance. */
		alike += r == REPLAY_SEEN;
		ck_assert_uint_le(alike, 4);
		/* Not one of the first third is turned away. */
		ck_assert(r != REPLAY_FULL || n > state->n_proofs / 3);
		full += r == REPLAY_FULL;
	}
	ck_assert_uint_ge(full + alike, state->n_proofs);
	ck_assert_uint_eq(state_proofs_used(state, NOON_S), n - full - alike);
	for (n = 0; n < state->n_proofs / 3; n += 1000) {
		snprintf(id, sizeof(id), "%u", n);
		ck_assert_int_eq(
		    replay(state, "k", id, NOON_S + 60, NOON_S), REPLAY_SEEN);
	}
	ck_assert_int_eq(
	    replay(state, "k", "new", NOON_S + 126, NOON_S + 66), REPLAY_NEW);
}
END_TEST

#define THREADS 4
#define ROUNDS 4000
/* Lives now; no name that a round has. */
#define FILLER (UINT64_C(0xdeadbeef) << 32 | (uint32_t)(NOON_S + 1))

static pthread_barrier_t barrier;
static atomic_uint news;
static atomic_bool over;

/* Everybody brings the same proof at once. */
static void *
run(void *arg)
{
	char id[24];

	(void)arg;
	for (int i = 0; i < ROUNDS; i++) {
		snprintf(id, sizeof(id), "%d", i);
		pthread_barrier_wait(&barrier);
		if (replay(state, "k", id, NOON_S + 2, NOON_S) == REPLAY_NEW)
			atomic_fetch_add(&news, 1);
		pthread_barrier_wait(&barrier);
	}
	return NULL;
}

/* Places come free and are taken meanwhile, as those of others would. */
static void *
churn(void *arg)
{
	(void)arg;
	for (unsigned i = 0; !atomic_load(&over); i++) {
		_Atomic uint64_t *at =
		    &state->proofs[i * 7 % (STATE_PROOF_GROUP / 2)];
		uint64_t free = 0, filler = FILLER;

		if (!atomic_compare_exchange_strong(at, &filler, 0))
			atomic_compare_exchange_strong(at, &free, FILLER);
	}
	return NULL;
}

START_TEST(of_many_at_once_one_at_most_is_new)
{
	pthread_t threads[THREADS], churner;
	unsigned once = 0;

	/* One group for all, so that they are in each other's way. */
	state->n_proofs = STATE_PROOF_GROUP;
	pthread_barrier_init(&barrier, NULL, THREADS + 1);
	ck_assert_int_eq(pthread_create(&churner, NULL, churn, NULL), 0);
	for (int i = 0; i < THREADS; i++)
		ck_assert_int_eq(
		    pthread_create(&threads[i], NULL, run, NULL), 0);
	for (int i = 0; i < ROUNDS; i++) {
		atomic_store(&news, 0);
		pthread_barrier_wait(&barrier);
		pthread_barrier_wait(&barrier);
		ck_assert_uint_le(atomic_load(&news), 1);
		once += atomic_load(&news);
		for (int k = 0; k < STATE_PROOF_GROUP; k++)
			atomic_store(&state->proofs[k], 0);
	}
	ck_assert_uint_gt(once, ROUNDS / 2);
	atomic_store(&over, true);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	pthread_join(churner, NULL);
	pthread_barrier_destroy(&barrier);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("state_proof");
	TCase *t = tcase_create("state_proof");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, a_proof_is_new_once_until_it_could_not_come_again);
	tcase_add_test(t, times_that_cannot_be_are_a_fault);
	tcase_add_test(t, what_finds_no_place_is_refused_and_forgets_nothing);
	tcase_add_test(t, of_many_at_once_one_at_most_is_new);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
