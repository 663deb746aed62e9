/*
 * The shared file itself, and what lies in it beside counters.
 */
#include "state_dir.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

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
		state->verdicts[i].words[0] ^= UINT64_C(1) << 40;
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

/* As a build made it that knew only the first sections. */
static void
make_older(uint32_t n_sections)
{
	struct state_header h;
	int fd = open(shared(), O_RDWR);

	ck_assert_int_eq(pread(fd, &h, sizeof(h), 0), sizeof(h));
	ck_assert_uint_gt(h.n_sections, n_sections);
	h.n_sections = n_sections;
	h.sum = state_header_sum(&h);
	ck_assert_int_eq(pwrite(fd, &h, sizeof(h), 0), sizeof(h));
	close(fd);
}

/* What a process of our number had begun when it was killed. */
static void
leave_half(const char *folder, const char *name)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/%s.%ld", folder, name, (long)getpid());
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	ck_assert_int_eq(write(fd, "half", 4), 4);
	close(fd);
}

/* The first that was, and the one before failures had a section. */
static const uint32_t older[] = { 6, 14 };

START_TEST(a_file_of_an_older_build_keeps_what_it_has_counted)
{
	const struct row_limit l = {
		.algorithm = LIMIT_WINDOW, .count = 5, .period_us = 3600 * S
	};
	struct take t = { .limit = &l, .parts = { SPAN("a") }, .n_parts = 1 };

	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(state_take(state, &t, 1, NOON), TAKE_ALLOWED);
	state_process_enter(state, SPAN("b"), 1, 1);
	make_older(older[_i]);
	/* Another mgw still counts in it. */
	ck_assert_ptr_null(state_open(dir, NULL, why, sizeof(why)));
	ck_assert_msg(strstr(why, "still runs") != NULL, "%s", why);
	ck_assert_ptr_null(state_view(dir, why, sizeof(why)));
	ck_assert_msg(strstr(why, "older mgw") != NULL, "%s", why);
	state_close(state);
	leave_half(dir, "shared.old");
	state = must_open(NULL);
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(state_take(state, &t, 1, NOON), TAKE_ALLOWED);
	ck_assert_int_eq(state_take(state, &t, 1, NOON), TAKE_REFUSED);
	/* The size that it had. */
	ck_assert_uint_eq(state->tables[TABLE_BUCKETS].n_groups, 64 / GROUP);
	ck_assert_uint_gt(state->tables[TABLE_SLIDES].n_groups, 0);
	ck_assert_uint_gt(state->tables[TABLE_FAILURES].n_groups, 0);
}
END_TEST

/* Of "key" with each algorithm; how many of five pass. */
static int
five_of(const char *key, bool client)
{
	int passed = 0;

	for (int i = 0; i < 5; i++)
		for (int k = 0; k < 3; k++) {
			const struct row_limit l = { .count = 3,
				.burst = 3,
				.algorithm = (uint32_t)k,
				.period_us = 3600 * S };
			struct take t = { .limit = &l,
				.parts = { SPAN("a"), span_str(key) },
				.n_parts = 2,
				.client = client };

			passed +=
			    state_take(state, &t, 1, NOON) == TAKE_ALLOWED;
		}
	return passed;
}

START_TEST(a_small_file_is_made_larger_and_keeps_what_it_has_counted)
{
	const struct state_sizes more = { .n_buckets = 4096,
		.n_client_buckets = 256,
		.n_slides = 1024,
		.n_failures = 256 };
	const struct state_sizes odd = { .n_slides = 1025 };
	const struct state_sizes less = { .n_buckets = 16 };
	char key[16];

	for (int i = 0; i < 12; i++) {
		snprintf(key, sizeof(key), "k%d", i);
		ck_assert_int_eq(five_of(key, i % 3 == 0), 9);
	}
	ck_assert(state_is_smaller(state, &more));
	ck_assert(!state_is_smaller(state, &less));
	/* Not under the feet of who serves from it. */
	state_process_enter(state, SPAN("b"), 1, 1);
	state_close(must_open(&more));
	ck_assert(state_is_smaller(state, &more));
	state_close(state);
	state = must_open(&more);
	ck_assert(!state_is_smaller(state, &more));
	ck_assert_uint_eq(state->tables[TABLE_BUCKETS].n_groups, 4096 / GROUP);
	ck_assert_uint_eq(
	    state->tables[TABLE_CLIENT_SLIDES].n_groups, 256 / GROUP);
	for (int i = 0; i < 12; i++) {
		snprintf(key, sizeof(key), "k%d", i);
		ck_assert_int_eq(five_of(key, i % 3 == 0), 0);
	}
	for (int i = 0; i < 200; i++) {
		snprintf(key, sizeof(key), "n%d", i);
		ck_assert_int_eq(five_of(key, false), 9);
	}
	/* A size that is no power of two is rounded once and for all. */
	state_close(state);
	state = must_open(&odd);
	ck_assert(!state_is_smaller(state, &odd));
	state_close(must_open(&odd));
	ck_assert_uint_eq(
	    state->tables[TABLE_CLIENT_SLIDES].n_groups, 512 / GROUP);
	/* It never becomes smaller again. */
	state_close(state);
	state = must_open(&less);
	ck_assert_uint_eq(state->tables[TABLE_BUCKETS].n_groups, 4096 / GROUP);
}
END_TEST

static struct take
take_of(const struct row_limit *l)
{
	return (
	    struct take){ .limit = l, .parts = { SPAN("a") }, .n_parts = 1 };
}

static struct row_limit
five_a_day(enum limit_algorithm algorithm)
{
	return (struct row_limit){ .algorithm = algorithm,
		.count = 5,
		.period_us = 86400 * S,
		.burst = 5 };
}

static void
use_one(const struct row_limit *l)
{
	struct take t = take_of(l);

	ck_assert_int_eq(
	    state_take(state, &t, 1, clock_wall_us()), TAKE_ALLOWED);
}

/* How many more pass. */
static int
left(const struct row_limit *l)
{
	struct take t = take_of(l);

	if (state_take(state, &t, 1, clock_wall_us()) != TAKE_ALLOWED)
		return 0;
	state_give(state, &t, 1, clock_wall_us());
	return 1 + (int)t.remaining;
}

START_TEST(a_state_in_memory_is_on_disk_as_it_was_when_last_copied)
{
	struct row_limit l = five_a_day((enum limit_algorithm)_i);
	char memory[80], there[100], link[100];
	struct stat st;

	snprintf(memory, sizeof(memory), "%s/fast", dir);
	snprintf(there, sizeof(there), "%s/shared", memory);
	snprintf(link, sizeof(link), "%s/memory", dir);
	use_one(&l);
	/* While somebody serves from it, it stays where it is. */
	state_process_enter(state, SPAN("b"), 1, 1);
	ck_assert(!state_set_memory(dir, memory, why, sizeof(why)));
	ck_assert_msg(strstr(why, "is used") != NULL, "%s", why);
	state_close(state);
	ck_assert_msg(
	    state_set_memory(dir, memory, why, sizeof(why)), "%s", why);
	ck_assert(state_set_memory(dir, memory, why, sizeof(why)));
	state = must_open(NULL);
	ck_assert_int_eq(stat(there, &st), 0);
	ck_assert_int_eq(left(&l), 4);
	use_one(&l);
	ck_assert_msg(state_snapshot(state, 0, why, sizeof(why)), "%s", why);
	use_one(&l);
	/* The copy is young. */
	ck_assert(state_snapshot(state, 60 * S, why, sizeof(why)));
	ck_assert_int_eq(left(&l), 2);
	/* The power fails. */
	state_close(state);
	ck_assert_int_eq(unlink(there), 0);
	leave_half(memory, "shared.new");
	state = must_open(NULL);
	ck_assert_int_eq(left(&l), 3);
	use_one(&l);
	state_close(state);
	/* Back to the disk. */
	ck_assert_msg(state_set_memory(dir, NULL, why, sizeof(why)), "%s", why);
	ck_assert_int_ne(stat(link, &st), 0);
	unlink(there);
	rmdir(memory);
	state = must_open(NULL);
	ck_assert_int_eq(left(&l), 2);
}
END_TEST

START_TEST(a_damaged_or_foreign_name_of_the_memory_is_refused)
{
	static const struct span bad[] = { SPAN_INIT("relative\n"),
		SPAN_INIT("/no/newline"), SPAN_INIT("\n"),
		SPAN_INIT("/nul\0here\n"), SPAN_INIT("") };
	char link[100];

	snprintf(link, sizeof(link), "%s/memory", dir);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		int fd = open(link, O_WRONLY | O_CREAT | O_TRUNC, 0600);

		ck_assert_int_eq(write(fd, bad[i].p, bad[i].n), bad[i].n);
		close(fd);
		ck_assert_ptr_null(state_open(dir, NULL, why, sizeof(why)));
		ck_assert_msg(strstr(why, "damaged") != NULL, "%s", why);
		ck_assert_ptr_null(state_view(dir, why, sizeof(why)));
	}
	ck_assert_int_eq(unlink(link), 0);
	ck_assert_int_eq(symlink("/etc/passwd", link), 0);
	ck_assert_ptr_null(state_open(dir, NULL, why, sizeof(why)));
	ck_assert_int_eq(unlink(link), 0);
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
	    state_view("/nonexistent/mgw-state", why, sizeof(why)));
	ck_assert_int_eq(unlink(shared()), 0);
	ck_assert_ptr_null(state_view(dir, why, sizeof(why)));
	ck_assert_int_eq(access(shared(), F_OK), -1);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("state file");
	TCase *c = tcase_create("state file");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, a_verdict_is_remembered_under_all_its_parts);
	tcase_add_test(
	    c, a_verdict_too_long_is_not_remembered_and_a_full_set_forgets);
	tcase_add_test(c, requests_are_counted_by_api_and_reason);
	tcase_add_test(
	    c, a_small_file_is_made_larger_and_keeps_what_it_has_counted);
	tcase_add_loop_test(c,
	    a_file_of_an_older_build_keeps_what_it_has_counted, 0,
	    sizeof(older) / sizeof(older[0]));
	tcase_add_loop_test(c,
	    a_state_in_memory_is_on_disk_as_it_was_when_last_copied, 0,
	    LIMIT_ALGORITHM__MAX);
	tcase_add_test(c, a_damaged_or_foreign_name_of_the_memory_is_refused);
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
