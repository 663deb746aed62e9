/*
 * Counters, verdicts and the shared file that keeps them.
 */
#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "policy/state_file.h"

#define S US_PER_S
#define NOON (INT64_C(1800000000) * S) /* a multiple of a minute */

static char dir[64];
static struct state *state;
static char why[256];
static const struct state_sizes small = { 64, 16 };

static struct state *
must_open(const struct state_sizes *sizes)
{
	struct state *s = state_open(dir, sizes, why, sizeof(why));

	ck_assert_msg(s != NULL, "%s", why);
	return s;
}

static void
setup(void)
{
	snprintf(dir, sizeof(dir), "/tmp/mgw-state-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	state = must_open(&small);
}

static const char *
shared(void)
{
	static char path[96];

	snprintf(path, sizeof(path), "%s/shared", dir);
	return path;
}

static void
teardown(void)
{
	state_close(state);
	unlink(shared());
	rmdir(dir);
}

static struct row_limit
window(uint64_t count, uint64_t period_s)
{
	return (struct row_limit){ .algorithm = LIMIT_WINDOW,
		.count = count,
		.period_us = period_s * S,
		.burst = 1,
		.unit_us = period_s * S };
}

static struct row_limit
bucket(uint64_t count, uint64_t period_s, uint64_t burst)
{
	return (struct row_limit){ .algorithm = LIMIT_TOKEN_BUCKET,
		.count = count,
		.period_us = period_s * S,
		.burst = burst };
}

static struct take
take_of(const struct row_limit *l, const char *level, const char *who)
{
	return (struct take){ .limit = l,
		.parts = { span_str(level), span_str(who) },
		.n_parts = 2 };
}

static enum take_result
take_one(const struct row_limit *l, const char *who, int64_t now_us)
{
	struct take t = take_of(l, "subject", who);

	return state_take(state, &t, 1, now_us);
}

/* How many of "n" takes at "now_us" pass. */
static int
flood(const struct row_limit *l, const char *who, int n, int64_t now_us)
{
	int passed = 0;

	for (int i = 0; i < n; i++)
		passed += take_one(l, who, now_us) == TAKE_ALLOWED;
	return passed;
}

START_TEST(a_window_allows_exactly_its_count_and_begins_on_the_clock)
{
	struct row_limit l = window(5, 60);
	struct take t = take_of(&l, "subject", "a");

	ck_assert_int_eq(flood(&l, "a", 9, NOON + 59 * S), 5);
	ck_assert_int_eq(flood(&l, "b", 9, NOON + 59 * S), 5);
	ck_assert_int_eq(state_take(state, &t, 1, NOON + 45 * S), TAKE_REFUSED);
	ck_assert_uint_eq(t.wait_us, 15 * S);
	ck_assert_uint_eq(t.remaining, 0);
	ck_assert_int_eq(state_take(state, &t, 1, NOON + 60 * S), TAKE_ALLOWED);
	ck_assert_uint_eq(t.remaining, 4);
	ck_assert_uint_eq(t.reset_us, 60 * S);
}
END_TEST

START_TEST(a_token_bucket_allows_its_burst_and_then_its_rate)
{
	struct row_limit l = bucket(60, 60, 3);
	struct take t = take_of(&l, "subject", "a");

	ck_assert_int_eq(flood(&l, "a", 9, NOON), 3);
	ck_assert_int_eq(state_take(state, &t, 1, NOON), TAKE_REFUSED);
	ck_assert_uint_eq(t.wait_us, 1 * S);
	ck_assert_int_eq(flood(&l, "a", 9, NOON + 1 * S - 1), 0);
	ck_assert_int_eq(flood(&l, "a", 9, NOON + 1 * S), 1);
	ck_assert_int_eq(flood(&l, "a", 9, NOON + 100 * S), 3);
}
END_TEST

START_TEST(what_is_refused_at_one_level_takes_nothing_from_the_others)
{
	struct row_limit wide = window(10, 60), narrow = bucket(2, 60, 2);
	struct take t[2];

	for (int i = 0; i < 5; i++) {
		t[0] = take_of(&wide, "api", "pets");
		t[1] = take_of(&narrow, "subject", "a");
		ck_assert_int_eq(state_take(state, t, 2, NOON),
		    i < 2 ? TAKE_ALLOWED : TAKE_REFUSED);
		ck_assert(t[1].refused == (i >= 2) && !t[0].refused);
		ck_assert_uint_eq(t[0].remaining, i < 2 ? 9 - i : 8);
	}
	t[0] = take_of(&wide, "api", "pets");
	ck_assert_int_eq(state_take(state, t, 1, NOON), TAKE_ALLOWED);
	ck_assert_uint_eq(t[0].remaining, 7);
}
END_TEST

START_TEST(what_is_given_back_can_be_taken_again)
{
	struct row_limit limits[] = { window(2, 60), bucket(2, 60, 2) };

	for (int i = 0; i < 2; i++) {
		struct take t = take_of(&limits[i], "subject", "a");

		ck_assert_int_eq(state_take(state, &t, 1, NOON), TAKE_ALLOWED);
		ck_assert_int_eq(flood(&limits[i], "a", 5, NOON), 1);
		state_give(state, &t, 1, NOON + 1 * S);
		state_give(state, &t, 1, NOON + 1 * S); /* once only */
		ck_assert_int_eq(flood(&limits[i], "a", 5, NOON), 1);
	}
}
END_TEST

START_TEST(a_late_give_of_what_time_gave_back_gives_nothing)
{
	struct row_limit l = bucket(60, 60, 2);
	struct take t = take_of(&l, "subject", "a");

	ck_assert_int_eq(state_take(state, &t, 1, NOON), TAKE_ALLOWED);
	ck_assert_int_eq(flood(&l, "a", 5, NOON + 10 * S + 77), 2);
	state_give(state, &t, 1, NOON + 10 * S + 77);
	ck_assert_int_eq(flood(&l, "a", 5, NOON + 10 * S + 77), 0);
}
END_TEST

START_TEST(pass_over_counts_and_never_refuses)
{
	struct row_limit limits[] = { window(2, 60), bucket(2, 60, 2) };

	for (int i = 0; i < 2; i++) {
		for (int k = 0; k < 5; k++) {
			struct take t = take_of(&limits[i], "subject", "a");

			t.pass_over = true;
			ck_assert_int_eq(
			    state_take(state, &t, 1, NOON), TAKE_ALLOWED);
			ck_assert(t.over == (k >= 2));
		}
	}
}
END_TEST

START_TEST(a_changed_limit_applies_to_what_was_used)
{
	struct row_limit w5 = window(5, 60), w3 = window(3, 60);
	struct row_limit b5 = bucket(5, 60, 5), b2 = bucket(2, 60, 2);
	struct row_limit fast = bucket(100, 1, 1);

	ck_assert_int_eq(flood(&w5, "a", 4, NOON), 4);
	ck_assert_int_eq(flood(&w3, "a", 4, NOON), 0);
	ck_assert_int_eq(flood(&w5, "a", 4, NOON), 1);
	ck_assert_int_eq(flood(&b5, "a", 9, NOON), 5);
	ck_assert_int_eq(flood(&b2, "a", 9, NOON), 0);
	/* And nobody waits a minute for a limit of a hundredth second. */
	ck_assert_int_eq(flood(&fast, "a", 9, NOON), 0);
	ck_assert_int_eq(flood(&fast, "a", 9, NOON + S / 100), 1);
}
END_TEST

START_TEST(counters_survive_closing_and_other_processes_see_them)
{
	struct row_limit l = window(5, 60);
	int status;
	pid_t pid;

	ck_assert_int_eq(flood(&l, "a", 2, NOON), 2);
	pid = fork();
	if (pid == 0) {
		struct state *s = state_open(dir, NULL, why, sizeof(why));
		struct take t = take_of(&l, "subject", "a");

		_exit(s != NULL && state_take(s, &t, 1, NOON) == TAKE_ALLOWED &&
			    t.remaining == 2
			? 0
			: 1);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	state_close(state);
	state = must_open(NULL);
	ck_assert_int_eq(flood(&l, "a", 9, NOON), 2);
}
END_TEST

START_TEST(a_clock_set_back_neither_locks_out_nor_frees)
{
	struct row_limit b = bucket(60, 60, 3), w = window(3, 60);

	ck_assert_int_eq(flood(&b, "a", 9, NOON + 3600 * S), 3);
	ck_assert_int_eq(flood(&b, "a", 9, NOON), 0);
	ck_assert_int_eq(flood(&b, "a", 9, NOON + 2 * S), 2);
	ck_assert_int_eq(flood(&w, "a", 9, NOON), 3);
	ck_assert_int_eq(flood(&w, "a", 9, NOON + 3600 * S), 3);
	ck_assert_int_eq(flood(&w, "a", 9, NOON), 0);
}
END_TEST

START_TEST(a_full_table_shares_one_counter_and_says_so)
{
	struct row_limit l = window(3, 3600);
	struct arena a;
	struct state_report r;
	int passed = 0;

	/* 64 buckets have room for 64 at most; the rest share 3. */
	for (int i = 0; i < 1000; i++) {
		char who[16];

		snprintf(who, sizeof(who), "key %d", i);
		passed += take_one(&l, who, NOON) == TAKE_ALLOWED;
	}
	ck_assert_int_le(passed, 64 + 3);
	ck_assert_int_ge(passed, 32 + 3);
	arena_init(&a, 4096, 1 << 20);
	ck_assert(state_report(state, NOON, &a, &r));
	ck_assert_uint_ge(r.totals[STATE_TAKE_SHARED], 900);
	ck_assert_uint_eq(r.fills[0].used, 64);
	arena_fini(&a);
	/* Those who were there keep their own, and the table empties. */
	ck_assert_int_eq(flood(&l, "key 0", 9, NOON), 2);
	ck_assert_int_eq(flood(&l, "new", 9, NOON + 3 * 3600 * S), 3);
}
END_TEST

START_TEST(an_impossible_limit_or_time_is_a_fault)
{
	struct row_limit none = window(0, 60), never = window(1, 0);
	struct row_limit later = window(1, 60), bytes = window(1, 60);
	struct row_limit good = window(1, 60);
	struct take many[STATE_TAKES_MAX + 1];

	later.algorithm = LIMIT_SLIDING;
	bytes.unit = LIMIT_BYTES;
	ck_assert_int_eq(take_one(&none, "a", NOON), TAKE_FAULT);
	ck_assert_int_eq(take_one(&never, "a", NOON), TAKE_FAULT);
	ck_assert_int_eq(take_one(&later, "a", NOON), TAKE_FAULT);
	ck_assert_int_eq(take_one(&bytes, "a", NOON), TAKE_FAULT);
	ck_assert_int_eq(take_one(&good, "a", 0), TAKE_FAULT);
	ck_assert_int_eq(take_one(&good, "a", -NOON), TAKE_FAULT);
	ck_assert_int_eq(take_one(&good, "a", INT64_MAX), TAKE_FAULT);
	for (unsigned i = 0; i <= STATE_TAKES_MAX; i++)
		many[i] = take_of(&good, "a", "b");
	ck_assert_int_eq(
	    state_take(state, many, STATE_TAKES_MAX + 1, NOON), TAKE_FAULT);
}
END_TEST

START_TEST(a_bucket_left_half_made_is_used_again)
{
	struct row_limit l = window(2, 60);

	/* As if every insertion had been killed in the middle. */
	for (unsigned i = 0; i < 64; i++) {
		atomic_store(&state->buckets.p[i].value, UINT64_MAX >> 8);
		atomic_store(&state->buckets.p[i].expires_us, INT64_MAX);
	}
	ck_assert_int_eq(flood(&l, "a", 9, NOON), 2);
}
END_TEST

START_TEST(random_takes_agree_with_a_slow_exact_counter)
{
	struct row_limit b = bucket(7, 10, 4), w = window(7, 10);
	/* In units of one spacing / 10^7 us: exact where the gauge rounds. */
	double full_at = 0;
	int64_t now = NOON, start = 0;
	int count = 0, b_model = 0, b_real = 0;

	srandom(1);
	for (int i = 0; i < 20000; i++) {
		double every = 10.0 * (double)S / 7, from;
		bool pass;

		now += random() % (3 * S);
		from = full_at > (double)now ? full_at : (double)now;
		pass = from + every <= (double)now + 4 * every;
		full_at = pass ? from + every : full_at;
		b_model += pass;
		b_real += take_one(&b, "a", now) == TAKE_ALLOWED;
		ck_assert_int_le(abs(b_model - b_real), 1);
		if (start != now - now % (10 * S)) {
			start = now - now % (10 * S);
			count = 0;
		}
		pass = count < 7;
		count += pass;
		ck_assert(pass == (take_one(&w, "a", now) == TAKE_ALLOWED));
	}
}
END_TEST

static const struct span token[] = { SPAN_INIT("head.body.sum"),
	SPAN_INIT("issuer") };

START_TEST(a_verdict_is_remembered_under_all_its_parts)
{
	struct verdict v = { SPAN("k1"), SPAN("{\"sub\":\"x\"}"),
		INT64_C(1) << 40 };
	struct verdict got;
	struct arena a;

	arena_init(&a, 4096, 1 << 16);
	ck_assert(!state_recall(state, token, 2, &a, &got));
	state_remember(state, token, 2, &v);
	ck_assert(state_recall(state, token, 2, &a, &got));
	ck_assert(span_eq(got.key_id, v.key_id));
	ck_assert(span_eq(got.payload, v.payload));
	ck_assert_int_eq(got.expires_s, v.expires_s);
	ck_assert(!state_recall(state, token, 1, &a, &got));
	/* Any changed byte is a miss. */
	for (uint32_t i = 0; i < state->n_verdicts; i++)
		state->verdicts[i].bytes[5] ^= 1;
	ck_assert(!state_recall(state, token, 2, &a, &got));
	arena_fini(&a);
}
END_TEST

START_TEST(a_verdict_too_long_is_not_remembered_and_a_full_set_forgets)
{
	static char payload[VERDICT_BYTES_MAX + 1];
	struct verdict v = { SPAN(""), { payload, sizeof(payload) },
		INT64_C(1) << 40 };
	struct verdict got;
	struct arena a;

	arena_init(&a, 4096, 1 << 20);
	state_remember(state, token, 2, &v);
	ck_assert(!state_recall(state, token, 2, &a, &got));
	v.payload.n--;
	for (uint32_t i = 0; i < 100; i++) {
		struct span part = span_of(&i, sizeof(i));

		state_remember(state, &part, 1, &v);
		ck_assert(state_recall(state, &part, 1, &a, &got));
		arena_reset(&a);
	}
	arena_fini(&a);
}
END_TEST

START_TEST(requests_are_counted_by_api_and_reason)
{
	struct state_report r;
	struct state *view;
	struct arena a;

	state_count(state, SPAN("Pets/1"), REASON_NONE, 10);
	state_count(state, SPAN("Pets/1"), REASON_NONE, 10);
	state_count(state, SPAN("Pets/1"), REASON_EXPIRED, 10);
	state_count(state, span_str(NULL), REASON_NO_ROUTE, 10);
	state_process_enter(state, SPAN("/etc/mgw/mgw.bundle"), 7, 64);
	state_process_update(state, 8, 5, 2);
	view = state_view(dir, why, sizeof(why));
	ck_assert_msg(view != NULL, "%s", why);
	arena_init(&a, 4096, 1 << 20);
	ck_assert(state_report(view, NOON, &a, &r));
	ck_assert_uint_eq(r.n_apis, 2);
	ck_assert(span_eq(r.apis[0].name, SPAN("-")));
	ck_assert_uint_eq(r.apis[0].counts[REASON_NO_ROUTE], 1);
	ck_assert_uint_eq(r.apis[1].counts[REASON_NONE], 2);
	ck_assert_uint_eq(r.apis[1].counts[REASON_EXPIRED], 1);
	ck_assert_uint_eq(r.apis[1].us, 30);
	ck_assert_uint_eq(r.n_processes, 1);
	ck_assert_int_eq(r.processes[0].pid, getpid());
	ck_assert_uint_eq(r.processes[0].busy, 2);
	ck_assert(span_eq(r.processes[0].bundle, SPAN("/etc/mgw/mgw.bundle")));
	state_process_leave(state);
	ck_assert(state_report(view, NOON, &a, &r));
	ck_assert_uint_eq(r.n_processes, 0);
	state_close(view);
	arena_fini(&a);
}
END_TEST

START_TEST(more_apis_than_places_are_counted_together)
{
	struct state_report r;
	struct arena a;
	uint64_t all = 0;

	for (int i = 0; i < 400; i++) {
		char name[16];

		snprintf(name, sizeof(name), "api %d", i);
		state_count(state, span_str(name), REASON_NONE, 1);
	}
	arena_init(&a, 4096, 1 << 20);
	ck_assert(state_report(state, NOON, &a, &r));
	ck_assert_uint_eq(r.n_apis, 256);
	for (unsigned i = 0; i < r.n_apis; i++)
		all += r.apis[i].counts[REASON_NONE];
	ck_assert_uint_eq(all, 400);
	ck_assert(span_eq(r.apis[0].name, SPAN("(others)")));
	arena_fini(&a);
}
END_TEST

static void
refused(const char *text)
{
	struct state *s = state_open(dir, NULL, why, sizeof(why));

	ck_assert_ptr_null(s);
	ck_assert_msg(strstr(why, text) != NULL, "%s", why);
}

static void
write_at(off_t at, const void *p, size_t n)
{
	int fd = open(shared(), O_WRONLY);

	ck_assert_int_eq(pwrite(fd, p, n, at), (ssize_t)n);
	close(fd);
}

START_TEST(a_damaged_truncated_foreign_or_newer_file_is_refused)
{
	struct state_header h = *state->header;
	int64_t other = h.made_us ^ 1;
	uint32_t two = 2;

	write_at(offsetof(struct state_header, made_us), &other, sizeof(other));
	refused("is damaged");
	write_at(0, &h, sizeof(h));
	write_at(offsetof(struct state_header, version), &two, sizeof(two));
	refused("newer");
	write_at(0, "ELF", 3);
	refused("no state of mgw");
	write_at(0, &h, sizeof(h));
	ck_assert_int_eq(truncate(shared(), (off_t)h.size - 4096), 0);
	refused("is truncated");
	ck_assert_int_eq(truncate(shared(), 10), 0);
	refused("is truncated");
	ck_assert_int_eq(unlink(shared()), 0);
	ck_assert_int_eq(mkfifo(shared(), 0600), 0);
	refused("no regular file");
	ck_assert_int_eq(unlink(shared()), 0);
	ck_assert_int_eq(symlink("/etc/passwd", shared()), 0);
	refused("shared: ");
}
END_TEST

START_TEST(a_folder_or_file_open_to_others_is_refused)
{
	ck_assert_int_eq(chmod(shared(), 0640), 0);
	refused("is open to others");
	ck_assert_int_eq(chmod(shared(), 0600), 0);
	ck_assert_int_eq(chmod(dir, 0755), 0);
	refused("is open to others; chmod 700");
	ck_assert_int_eq(chmod(dir, 0700), 0);
	if (geteuid() == 0) {
		ck_assert_int_eq(chown(shared(), 12345, 12345), 0);
		refused("belongs to somebody else");
		ck_assert_int_eq(chown(dir, 12345, 12345), 0);
		refused("belongs to somebody else");
	}
}
END_TEST

START_TEST(a_full_disk_is_found_when_the_file_is_made)
{
	/* A limit on file sizes stands for the disk. */
	struct rlimit few = { 100000, 100000 };

	state_close(state);
	ck_assert_int_eq(unlink(shared()), 0);
	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &few), 0);
	state = state_open(dir, NULL, why, sizeof(why));
	ck_assert_ptr_null(state);
	ck_assert_msg(strstr(why, "cannot be made") != NULL, "%s", why);
	/* Nothing is left of it. */
	ck_assert_int_eq(rmdir(dir), 0);
}
END_TEST

START_TEST(a_view_makes_nothing)
{
	ck_assert_ptr_null(
	    state_view("/tmp/mgw-no-such-state", why, sizeof(why)));
	ck_assert_int_eq(unlink(shared()), 0);
	ck_assert_ptr_null(state_view(dir, why, sizeof(why)));
	ck_assert_int_eq(access(shared(), F_OK), -1);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("state");
	TCase *c = tcase_create("state");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(
	    c, a_window_allows_exactly_its_count_and_begins_on_the_clock);
	tcase_add_test(c, a_token_bucket_allows_its_burst_and_then_its_rate);
	tcase_add_test(
	    c, what_is_refused_at_one_level_takes_nothing_from_the_others);
	tcase_add_test(c, what_is_given_back_can_be_taken_again);
	tcase_add_test(c, a_late_give_of_what_time_gave_back_gives_nothing);
	tcase_add_test(c, pass_over_counts_and_never_refuses);
	tcase_add_test(c, a_changed_limit_applies_to_what_was_used);
	tcase_add_test(
	    c, counters_survive_closing_and_other_processes_see_them);
	tcase_add_test(c, a_clock_set_back_neither_locks_out_nor_frees);
	tcase_add_test(c, a_full_table_shares_one_counter_and_says_so);
	tcase_add_test(c, an_impossible_limit_or_time_is_a_fault);
	tcase_add_test(c, a_bucket_left_half_made_is_used_again);
	tcase_add_test(c, random_takes_agree_with_a_slow_exact_counter);
	tcase_add_test(c, a_verdict_is_remembered_under_all_its_parts);
	tcase_add_test(
	    c, a_verdict_too_long_is_not_remembered_and_a_full_set_forgets);
	tcase_add_test(c, requests_are_counted_by_api_and_reason);
	tcase_add_test(c, more_apis_than_places_are_counted_together);
	tcase_add_test(c, a_damaged_truncated_foreign_or_newer_file_is_refused);
	tcase_add_test(c, a_folder_or_file_open_to_others_is_refused);
	tcase_add_test(c, a_full_disk_is_found_when_the_file_is_made);
	tcase_add_test(c, a_view_makes_nothing);
	suite_add_tcase(s, c);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed > 0;
}
