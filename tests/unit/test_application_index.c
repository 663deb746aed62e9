/*
 * A large file of applications that is looked into and not read: what is
 * found is what reading it finds, and nothing that is damaged is believed.
 */
#include <fcntl.h>
#include <sys/stat.h>

#include "policy/application_index.h"
#include "state_dir.h"

#define MANY 2000

static char path[96], index_path[256];

/* Write the file, its changes long ago. */
static void
write_file(const char *blocked)
{
	const struct timespec times[2] = { { 1000, 0 }, { 1000, 0 } };
	struct buf b;

	buf_init(&b, 1 << 20);
	for (unsigned i = 0; i < MANY; i++)
		buf_printf(&b,
		    "a%u %s name=n%u owner=o user=u%u client=\"https://"
		    "id.example/ c%u\"\n",
		    i, i == 7 ? blocked : "active", i, i, i);
	ck_assert(file_write(path, buf_span(&b), 0600, why, sizeof(why)));
	ck_assert_int_eq(utimensat(AT_FDCWD, path, times, 0), 0);
	buf_fini(&b);
}

static struct application_text
text(void)
{
	return (struct application_text){
		.state = state, .folder = dir, .path = path
	};
}

/*
 * As a process does that has read it.  The time of its last change cannot
 * be set, so that it is told to be older.
 */
static void
write_index(int64_t older_ns)
{
	struct application_text t = text();
	struct applications *f;
	struct buf b;

	ck_assert(file_read(path, FILE_TRUSTED, APPLICATIONS_BYTES_MAX, &b,
	    &t.id, why, sizeof(why)));
	f = applications_new(buf_span(&b), why, sizeof(why));
	ck_assert_msg(f != NULL, "%s", why);
	t.id.ctime_ns -= older_ns;
	application_index_write(f, &t);
	applications_free(f);
	buf_fini(&b);
}

static bool
index_is_there(void)
{
	struct stat st;
	char command[256];
	FILE *list;

	(void)snprintf(command, sizeof(command),
	    "ls %s/applications-*.idx 2>/dev/null", dir);
	list = popen(command, "r");
	index_path[0] = '\0';
	if (list == NULL || fgets(index_path, sizeof(index_path), list) == NULL)
		index_path[0] = '\0';
	(void)pclose(list);
	index_path[strcspn(index_path, "\n")] = '\0';
	return index_path[0] != '\0' && stat(index_path, &st) == 0;
}

static void
clean_up(void)
{
	if (index_is_there())
		unlink(index_path);
	unlink(path);
	teardown();
}

static void
begin(void)
{
	setup();
	(void)snprintf(path, sizeof(path), "%s/applications.db", dir);
}

static enum applications_result
find_client(struct applications *f, unsigned i, struct application *app)
{
	static struct arena a;
	struct application_key key = { .by = APPLICATION_BY_CLIENT,
		.first = SPAN("https://id.example/") };
	char id[32];

	if (a.max_bytes == 0)
		arena_init(&a, 4096, APPLICATION_ARENA_MAX);
	(void)snprintf(id, sizeof(id), "c%u", i);
	key.second = span_str(id);
	return applications_find(f, &key, &a, app);
}

/* The file changed long enough ago: here, when the test sleeps. */
static struct applications *
open_after_a_while(void)
{
	struct application_text t = text();

	sleep(3);
	write_index(0);
	ck_assert(index_is_there());
	return application_index_open(&t, why, sizeof(why));
}

START_TEST(what_the_index_finds_is_what_is_in_the_file)
{
	struct applications *f;
	struct application app;

	write_file("blocked");
	f = open_after_a_while();
	ck_assert_msg(f != NULL, "%s", why);
	ck_assert_uint_eq(applications_n(f), MANY);
	ck_assert_uint_eq(applications_n_blocked(f), 1);
	for (unsigned i = 0; i < MANY; i++) {
		ck_assert_int_eq(find_client(f, i, &app), APPLICATIONS_FOUND);
		ck_assert(app.blocked == (i == 7));
	}
	ck_assert_int_eq(find_client(f, MANY, &app), APPLICATIONS_NONE);
	applications_free(f);
}
END_TEST

START_TEST(a_file_that_was_changed_has_no_index_that_fits)
{
	struct application_text t = text();
	struct applications *f;

	write_file("active");
	f = open_after_a_while();
	ck_assert_ptr_nonnull(f);
	applications_free(f);
	write_file("blocked");
	ck_assert_ptr_null(application_index_open(&t, why, sizeof(why)));
	/* Nor has one that was changed just now an index at all. */
	unlink(index_path);
	write_index(0);
	ck_assert(!index_is_there());
	/* One that is of another state of the file does not fit either. */
	write_index(10 * INT64_C(1000000000));
	ck_assert(index_is_there());
	ck_assert_ptr_null(application_index_open(&t, why, sizeof(why)));
}
END_TEST

/* Change a byte of file "name" without its times telling. */
static void
damage(const char *name, long at)
{
	int fd = open(name, O_RDWR);
	char c;

	ck_assert_int_ne(fd, -1);
	ck_assert_int_eq(pread(fd, &c, 1, at), 1);
	c ^= 1;
	ck_assert_int_eq(pwrite(fd, &c, 1, at), 1);
	close(fd);
}

START_TEST(a_damaged_index_finds_nothing_and_goes)
{
	struct application_text t = text();
	struct applications *f;
	struct application app;
	unsigned n_faults = 0;

	write_file("blocked");
	f = open_after_a_while();
	ck_assert_ptr_nonnull(f);
	damage(index_path, 4096 + 100);
	for (unsigned i = 0; i < MANY; i++)
		n_faults +=
		    find_client(f, i, &app) == APPLICATIONS_FAULT ? 1 : 0;
	ck_assert_uint_gt(n_faults, 0);
	ck_assert_uint_lt(n_faults, MANY);
	ck_assert(!index_is_there());
	applications_free(f);
	write_index(0);
	ck_assert(index_is_there());
	damage(index_path, 30); /* its first page */
	ck_assert_ptr_null(application_index_open(&t, why, sizeof(why)));
}
END_TEST

START_TEST(a_line_that_changed_unnoticed_is_not_believed)
{
	struct applications *f;
	struct application app;

	write_file("blocked");
	f = open_after_a_while();
	ck_assert_ptr_nonnull(f);
	damage(path, 5); /* of a0 */
	ck_assert_int_eq(find_client(f, 0, &app), APPLICATIONS_FAULT);
	ck_assert_int_eq(find_client(f, 1, &app), APPLICATIONS_FOUND);
	applications_free(f);
}
END_TEST

START_TEST(a_file_that_others_may_write_is_not_looked_into)
{
	struct application_text t = text();
	struct applications *f;

	write_file("blocked");
	f = open_after_a_while();
	ck_assert_ptr_nonnull(f);
	applications_free(f);
	ck_assert_int_eq(chmod(path, 0666), 0);
	ck_assert_ptr_null(application_index_open(&t, why, sizeof(why)));
	ck_assert_msg(strstr(why, "writable by others") != NULL, "%s", why);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("application_index");
	TCase *t = tcase_create("application_index");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, begin, clean_up);
	tcase_add_test(t, what_the_index_finds_is_what_is_in_the_file);
	tcase_add_test(t, a_file_that_was_changed_has_no_index_that_fits);
	tcase_add_test(t, a_damaged_index_finds_nothing_and_goes);
	tcase_add_test(t, a_line_that_changed_unnoticed_is_not_believed);
	tcase_add_test(t, a_file_that_others_may_write_is_not_looked_into);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
