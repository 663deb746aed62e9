/*
 * test_revocations - lists that change while many threads ask for them.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "fcgi/revocations.h"
#include "sample.h"
#include "tests/unit/state_dir.h"

#define THREADS 4
#define ROUNDS 100

static struct sample sample;
static struct config config;
static struct revocations *lists;
static char own_path[128], file_path[128];
static atomic_bool ending;

static void
write_file(const char *name, struct span bytes)
{
	ck_assert_msg(
	    file_write(name, bytes, 0600, why, sizeof(why)), "%s", why);
}

/* "key id=kN" alone, as another program writes it. */
static void
write_others(unsigned n)
{
	char text[64];

	snprintf(text, sizeof(text), "key id=k%u\nend 1\n", n);
	write_file(file_path, span_str(text));
}

static void
setup_lists(void)
{
	struct row_revocation row = { .password = ROW_NONE };

	setup();
	snprintf(own_path, sizeof(own_path), "%s/" REVOKED_FILE, dir);
	snprintf(file_path, sizeof(file_path), "%s/others", dir);
	sample_begin(&sample);
	(void)sample_operation(sample_item(&sample, "/a", "GET"), "GET");
	row.file = build_text(sample.build, span_str(file_path));
	(void)BUILD_ROW(sample.build, SECTION_REVOCATION, &row);
	sample_end(&sample);
	write_others(0);
	config = (struct config){ .state = dir, .threads = 8 };
	lists = revocations_open(
	    &sample.bundle, &config, NULL, state, false, why, sizeof(why));
	ck_assert_msg(lists != NULL, "%s", why);
}

static void
teardown_lists(void)
{
	char command[256];

	revocations_close(lists);
	sample_free(&sample);
	snprintf(
	    command, sizeof(command), "rm -f %s/revoked.* %s", dir, file_path);
	ck_assert_int_eq(system(command), 0);
	teardown();
}

static enum revoked_result
ask(const char *key)
{
	struct principal who = {
		.scheme = SPAN("s"), .issuer = SPAN(""), .key_id = span_str(key)
	};
	struct revoked_query q = { .who = &who, .now_us = clock_wall_us() };

	return revocations_check(lists, &q);
}

/* Never refused by name, never let pass when it is on the list. */
static void *
ask_on(void *arg)
{
	unsigned *wrong = arg;

	while (!atomic_load(&ending)) {
		*wrong += ask("nobody") != REVOKED_NO;
		*wrong += ask("always") != REVOKED_YES;
	}
	return NULL;
}

/* Append to revoked.list as mgw-token does. */
static void
append(struct buf *text, struct hash128 *sum, uint64_t seq, const char *id)
{
	struct revoked_entry e = { .kind = REVOKED_KEY,
		.issuer = SPAN(""),
		.value = span_str(id),
		.seq = seq };

	revoked_line_write(&e, sum, text);
	write_file(own_path, buf_span(text));
	state_revoked_raise(state, STATE_REVOKED_SEQ, seq);
}

START_TEST(a_change_is_in_force_with_the_next_question)
{
	struct hash128 sum = { 0, 0 };
	unsigned wrong[THREADS] = { 0 };
	pthread_t threads[THREADS];
	struct buf text;
	char id[16];

	buf_init(&text, 1 << 20);
	ck_assert_int_eq(ask("always"), REVOKED_NO);
	append(&text, &sum, 1, "always");
	for (int i = 0; i < THREADS; i++)
		ck_assert_int_eq(
		    pthread_create(&threads[i], NULL, ask_on, &wrong[i]), 0);
	/* Past the length at which a table is made. */
	for (unsigned i = 2; i < 2 * REVOKED_LINES_MAX + ROUNDS; i++) {
		snprintf(id, sizeof(id), "t%u", i);
		if (i % 37 == 0)
			ck_assert_int_eq(ask(id), REVOKED_NO);
		append(&text, &sum, i, id);
		if (i % 37 == 0)
			ck_assert_int_eq(ask(id), REVOKED_YES);
	}
	atomic_store(&ending, true);
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		ck_assert_uint_eq(wrong[i], 0);
	}
	buf_fini(&text);
}
END_TEST

START_TEST(a_file_is_in_force_within_a_second)
{
	char key[16];

	for (unsigned i = 1; i < 4; i++) {
		snprintf(key, sizeof(key), "k%u", i);
		ck_assert_int_eq(ask(key), REVOKED_NO);
		write_others(i);
		for (int k = 0; k < 100 && ask(key) != REVOKED_YES; k++)
			usleep(10000);
		ck_assert_int_eq(ask(key), REVOKED_YES);
	}
	write_file(file_path, SPAN("key id=k9\n"));
	for (int k = 0; k < 100 && ask("k1") != REVOKED_UNKNOWN; k++)
		usleep(10000);
	ck_assert_int_eq(ask("k1"), REVOKED_UNKNOWN);
}
END_TEST

/* A byte of a bucket: whoever meets it has the table made again. */
START_TEST(a_table_that_is_damaged_while_it_is_used_is_made_again)
{
	char command[320];

	ck_assert_int_eq(ask("k0"), REVOKED_YES);
	snprintf(command, sizeof(command),
	    "for t in %s/revoked.*.table; do printf x | dd of=$t bs=1 "
	    "seek=%d conv=notrunc 2>/dev/null; done",
	    dir, REVOKED_HEADER_BYTES + 9);
	ck_assert_int_eq(system(command), 0);
	ck_assert_int_eq(ask("k0"), REVOKED_YES);
	ck_assert_int_eq(ask("k1"), REVOKED_NO);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("revocations");
	TCase *t = tcase_create("lists");
	SRunner *runner = srunner_create(suite);
	int failed;

	log_set_level(LOG_LEVEL_ERROR);
	tcase_add_checked_fixture(t, setup_lists, teardown_lists);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, a_change_is_in_force_with_the_next_question);
	tcase_add_test(t, a_file_is_in_force_within_a_second);
	tcase_add_test(
	    t, a_table_that_is_damaged_while_it_is_used_is_made_again);
	suite_add_tcase(suite, t);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
