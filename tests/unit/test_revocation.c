/*
 * test_revocation - lists of what is revoked: their lines, their tables,
 * and what becomes of both when somebody is killed or damages them.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include "policy/revocation_feed.h"
#include "policy/revocation_set.h"
#include "tests/unit/guard.h"
#include "tests/unit/state_dir.h"

#define HEX64                              \
	"00112233445566778899aabbccddeeff" \
	"00112233445566778899aabbccddeeff"

static struct revoked_keys keys;
static struct revoked_source own, file;
static char own_path[128], file_path[128], table_path[128];
static char path[256];

static void
setup_lists(void)
{
	setup();
	snprintf(own_path, sizeof(own_path), "%s/" REVOKED_FILE, dir);
	snprintf(file_path, sizeof(file_path), "%s/others", dir);
	snprintf(table_path, sizeof(table_path), "%s/" REVOKED_TABLE, dir);
	revoked_keys_of(state, &keys);
	own = (struct revoked_source){ .how = REVOKED_OWN,
		.dir = dir,
		.state = state,
		.keys = keys,
		.path = own_path };
	file = own;
	file.how = REVOKED_FILE_OF_OTHERS;
	file.path = file_path;
}

static void
teardown_lists(void)
{
	unlink(own_path);
	unlink(file_path);
	unlink(table_path);
	if (revoked_table_place(&file, path, sizeof(path)))
		unlink(path);
	teardown();
}

static void
write_file(const char *name, struct span bytes)
{
	ck_assert_msg(
	    file_write(name, bytes, 0600, why, sizeof(why)), "%s", why);
}

static struct hash128
jti(const char *id)
{
	return revoked_id(
	    &keys, REVOKED_JTI, SPAN("https://id/"), span_str(id));
}

/* Append lines "first" to "last" to "to". */
static void
add_lines(struct buf *to, struct hash128 *sum, unsigned first, unsigned last)
{
	for (unsigned i = first; i <= last; i++) {
		char id[16];
		struct revoked_entry e = { .kind = REVOKED_JTI,
			.issuer = SPAN("https://id/"),
			.seq = i,
			.time_s = 1,
			.author = SPAN("ada l") };

		snprintf(id, sizeof(id), "t%u", i);
		e.value = span_str(id);
		revoked_line_write(&e, sum, to);
	}
	ck_assert(!to->failed);
}

static const struct {
	const char *line;
	const char *wrong; /* NULL: it is right, and written so again */
} entries[] = {
	{ "jti id=a issuer=https://id/", NULL },
	{ "jti id=\"a b\" issuer=https://id/ expires=1900000000", NULL },
	{ "subject id=\"\\\"\" issuer=x", NULL },
	{ "client id=c issuer=i", NULL },
	{ "application id=a issuer=i", NULL },
	{ "kid id=k issuer=i", NULL },
	{ "key id=k", NULL },
	{ "token sha256=" HEX64, NULL },
	{ "certificate sha256=" HEX64 " expires=1", NULL },
	{ "", "is of no kind" },
	{ "jti", "needs an issuer" },
	{ "jti id=a", "needs an issuer" },
	{ "jti issuer=i", "names nothing" },
	{ "jti id= issuer=i", "names nothing" },
	{ "jti id=a issuer=", "needs an issuer" },
	{ "jti id=a id=b issuer=i", "has a field" },
	{ "jti id=a issuer=i issuer=j", "has a field" },
	{ "jti id=a issuer=i expires=0", "has a field" },
	{ "jti id=a issuer=i expires=-1", "has a field" },
	{ "jti id=a issuer=i expires=tomorrow", "has a field" },
	{ "jti id=a issuer=i expires=99999999999999999999", "has a field" },
	{ "jti id=a issuer=i until=1", "has a field" },
	{ "jti id=a issuer=i sha256=" HEX64, "has a field" },
	{ "jti id=a\x01 issuer=i", "control" },
	{ "jti id=a\xff issuer=i", "control" },
	{ "JTI id=a issuer=i", "is of no kind" },
	{ "signature id=a issuer=i", "is of no kind" },
	{ "key id=k issuer=i", "has an issuer" },
	{ "token id=a", "has a field" },
	{ "token sha256=00", "has a field" },
	{ "token sha256=" HEX64 "00", "has a field" },
	{ "token sha256=" HEX64 " issuer=i", "has an issuer" },
	{ "jti id=\"a issuer=i", "a quote" },
};

START_TEST(an_entry_is_read_and_written)
{
	struct span line = guard_new(span_str(entries[_i].line)).text;
	struct revoked_entry e;
	const char *said;
	char room[32];
	struct buf b;

	said = revoked_entry_read(line, room, &e);
	if (entries[_i].wrong != NULL) {
		ck_assert_ptr_nonnull(said);
		ck_assert_msg(
		    strstr(said, entries[_i].wrong) != NULL, "%s", said);
		return;
	}
	ck_assert_msg(said == NULL, "%s", said);
	buf_init(&b, 4096);
	revoked_entry_write(&e, &b);
	ck_assert(span_eq(buf_span(&b), span_str(entries[_i].line)));
	buf_fini(&b);
}
END_TEST

static const struct {
	const char *text;
	const char *wrong; /* NULL: it is a list */
} files[] = {
	{ "end 0\n", NULL },
	{ "# nothing\n\nend 0\n# more\n", NULL },
	{ "key id=a\nend 1\n", NULL },
	{ "key id=a\r\nend 1\r\n", NULL },
	{ "", "is not \"end\"" },
	{ "key id=a\n", "is not \"end\"" },
	{ "key id=a\nend 2\n", "another number" },
	{ "key id=a\nend 0\n", "another number" },
	{ "key id=a\nend x\n", "another number" },
	{ "key id=a\nend 1", "cut off" },
	{ "key id=a\nend 1\nkey id=b\n", "behind the end" },
	{ "key id=a\nkey\nend 2\n", "names nothing" },
	{ "[]\n", "no kind" },
};

static void
count(void *user, const struct revoked_entry *e)
{
	(void)e;
	++*(unsigned *)user;
}

START_TEST(a_file_is_whole_or_no_list)
{
	unsigned n = 0, line;
	const char *said = revoked_file_walk(
	    guard_new(span_str(files[_i].text)).text, count, &n, &line);

	if (files[_i].wrong == NULL) {
		ck_assert_msg(said == NULL, "%s", said);
		return;
	}
	ck_assert_ptr_nonnull(said);
	ck_assert_msg(strstr(said, files[_i].wrong) != NULL, "%s", said);
}
END_TEST

static const struct {
	const char *json;
	const char *wrong; /* NULL: it is a list of "n" entries */
	unsigned n;
} feeds[] = {
	{ "[]", NULL, 0 },
	{ " [ {\"jwt_signature\":\"a\",\"expiry_time\":1593187742001} ] ", NULL,
	    2 },
	{ "[{\"expiryTime\":\"1\",\"x\":[1,{}],\"jwtSignature\":\"a\"}]", NULL,
	    2 },
	{ "[{\"jwt_signature\":\"\\u0061\",\"expiry_time\":0}]", NULL, 2 },
	/* A signature of 64 bytes, and its other form. */
	{ "[{\"jwt_signature\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	  "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\","
	  "\"expiry_time\":1}]",
	    NULL, 6 },
	/* It is no number modulo the order. */
	{ "[{\"jwt_signature\":\"________________________________________"
	  "_____________________________________________w\","
	  "\"expiry_time\":1}]",
	    NULL, 4 },
	{ "", "no list", 0 },
	{ "{}", "no list", 0 },
	{ "[1]", "no list of objects", 0 },
	{ "[[]]", "no list of objects", 0 },
	{ "[{}]", "no signature", 0 },
	{ "[{\"jwt_signature\":\"a\"}]", "no signature", 0 },
	{ "[{\"expiry_time\":1}]", "no signature", 0 },
	{ "[{\"jwt_signature\":\"\",\"expiry_time\":1}]", "no signature", 0 },
	{ "[{\"jwt_signature\":1,\"expiry_time\":1}]", "no text", 0 },
	{ "[{\"jwt_signature\":\"a\",\"jwtSignature\":\"b\"}]", "no text", 0 },
	{ "[{\"jwt_signature\":\"a\",\"expiry_time\":-1}]", "no number", 0 },
	{ "[{\"jwt_signature\":\"a\",\"expiry_time\":1.5}]", "no number", 0 },
	{ "[{\"jwt_signature\":\"a\",\"expiry_time\":1e9}]", "no number", 0 },
	{ "[{\"expiryTime\":1,\"expiry_time\":1}]", "no number", 0 },
	{ "[{\"jwt_signature\":\"a\",\"expiry_time\":1}", "no list", 0 },
	{ "[{\"jwt_signature\":\"a\",\"expiry_time\":1},]", "no list", 0 },
	{ "[{\"jwt_signature\":\"a\",\"expiry_time\":1", "no JSON", 0 },
	{ "[]]", "no JSON", 0 },
	{ "[] []", "no JSON", 0 },
	{ "[{\"x\":[[[[[]]]]]}]", "no JSON", 0 },
};

START_TEST(a_feed_is_whole_or_no_list)
{
	static const struct span issuers[] = { SPAN_INIT("a"), SPAN_INIT("b") };
	unsigned n = 0;
	const char *said = revoked_feed_walk(
	    guard_new(span_str(feeds[_i].json)).text, issuers, 2, count, &n);

	if (feeds[_i].wrong == NULL) {
		ck_assert_msg(said == NULL, "%s", said);
		ck_assert_uint_eq(n, feeds[_i].n);
		return;
	}
	ck_assert_ptr_nonnull(said);
	ck_assert_msg(strstr(said, feeds[_i].wrong) != NULL, "%s", said);
}
END_TEST

/* A table of t0 to t"n - 1", each to end a second after the one before. */
static void
make_table(unsigned n, struct buf *bytes)
{
	struct revoked_origin origin = { .list = 7 };
	struct revoked_build b = { 0 };
	char id[16];

	for (unsigned i = 0; i < n; i++) {
		snprintf(id, sizeof(id), "t%u", i);
		revoked_build_add(&b, REVOKED_JTI, jti(id), 1000 + i, false);
	}
	ck_assert(revoked_build_done(
	    &b, &keys, &origin, 1000 * US_PER_S, false, bytes));
	revoked_build_fini(&b);
}

START_TEST(a_table_has_what_was_put_in_and_nothing_else)
{
	struct revoked_table t;
	struct buf bytes;
	char id[16];

	make_table(20000, &bytes);
	ck_assert(revoked_table_from(&t, buf_span(&bytes), &keys));
	/* What had ended is not there. */
	ck_assert_uint_eq(t.header.n_entries, 19999);
	for (unsigned i = 0; i < 40000; i++) {
		enum revoked_found found;

		snprintf(id, sizeof(id), "t%u", i);
		found = revoked_table_find(&t, REVOKED_JTI, jti(id), 5000);
		ck_assert_int_eq(found,
		    i == 0 || i >= 20000 ? REVOKED_NOT_FOUND
			: i <= 4000      ? REVOKED_RESTORED
					 : REVOKED_FOUND);
	}
	ck_assert(!revoked_table_has(&t, REVOKED_SUBJECT));
	buf_fini(&bytes);
}
END_TEST

START_TEST(the_last_word_on_a_name_counts)
{
	struct revoked_origin origin = { .list = 7 };
	struct revoked_build b = { 0 };
	struct revoked_table t;
	struct buf bytes;

	revoked_build_add(&b, REVOKED_JTI, jti("a"), 0, false);
	revoked_build_add(&b, REVOKED_JTI, jti("a"), 0, true);
	revoked_build_add(&b, REVOKED_JTI, jti("b"), 0, true);
	revoked_build_add(&b, REVOKED_JTI, jti("b"), 0, false);
	revoked_build_add(&b, REVOKED_JTI, jti("c"), 0, false);
	revoked_build_add(&b, REVOKED_JTI, jti("c"), 500, false);
	revoked_build_add(&b, REVOKED_JTI, jti("d"), 500, false);
	revoked_build_add(&b, REVOKED_JTI, jti("d"), INT64_MAX, false);
	ck_assert(revoked_build_done(
	    &b, &keys, &origin, 1000 * US_PER_S, _i == 1, &bytes));
	revoked_build_fini(&b);
	ck_assert(revoked_table_from(&t, buf_span(&bytes), &keys));
	ck_assert_int_eq(revoked_table_find(&t, REVOKED_JTI, jti("a"), 1000),
	    _i == 1 ? REVOKED_RESTORED : REVOKED_NOT_FOUND);
	ck_assert_int_eq(
	    revoked_table_find(&t, REVOKED_JTI, jti("b"), INT64_MAX / 2),
	    REVOKED_FOUND);
	ck_assert_int_eq(revoked_table_find(&t, REVOKED_JTI, jti("c"), 1000),
	    _i == 1 ? REVOKED_RESTORED : REVOKED_NOT_FOUND);
	ck_assert_int_eq(
	    revoked_table_find(&t, REVOKED_JTI, jti("d"), 1000), REVOKED_FOUND);
	buf_fini(&bytes);
}
END_TEST

/* Every byte but those that nothing is read from. */
START_TEST(a_damaged_byte_of_a_table_misleads_nobody)
{
	struct buf bytes;
	struct revoked_table t;
	unsigned refused = 0, found = 0;

	make_table(30, &bytes);
	for (size_t i = 0; i < bytes.n; i++) {
		bytes.p[i] ^= 0x20;
		if (!revoked_table_from(&t, buf_span(&bytes), &keys)) {
			refused++;
		} else {
			for (unsigned k = 1; k < 60; k++) {
				char id[16];
				enum revoked_found f;

				snprintf(id, sizeof(id), "t%u", k);
				f = revoked_table_find(
				    &t, REVOKED_JTI, jti(id), 1000);
				found += f == REVOKED_DAMAGED;
				ck_assert(f == REVOKED_DAMAGED ||
				    f ==
					(k < 30 ? REVOKED_FOUND
						: REVOKED_NOT_FOUND));
			}
		}
		bytes.p[i] ^= 0x20;
	}
	ck_assert_uint_ge(refused, offsetof(struct revoked_header, sum));
	ck_assert_uint_ge(found, bytes.n - REVOKED_HEADER_BYTES);
	for (size_t n = 0; n < bytes.n; n++)
		ck_assert(!revoked_table_from(&t, span_of(bytes.p, n), &keys));
	buf_fini(&bytes);
}
END_TEST

START_TEST(a_table_of_another_state_or_place_is_none)
{
	struct revoked_keys others = keys;
	struct revoked_table t;
	struct buf bytes, more;

	make_table(300, &bytes);
	make_table(300, &more);
	others.sums.k0 ^= 1;
	ck_assert(!revoked_table_from(&t, buf_span(&bytes), &others));
	/* Buckets of one in another. */
	memcpy(bytes.p + REVOKED_HEADER_BYTES, more.p + REVOKED_HEADER_BYTES,
	    bytes.n - REVOKED_HEADER_BYTES);
	ck_assert(revoked_table_from(&t, buf_span(&bytes), &keys));
	ck_assert_int_eq(
	    revoked_table_find(&t, REVOKED_JTI, jti("t9"), 0), REVOKED_DAMAGED);
	buf_fini(&bytes);
	buf_fini(&more);
}
END_TEST

/* What is known of "id" by a list that is loaded now; -1: it is lost. */
static int
ask(const struct revoked_source *s, const char *id)
{
	struct revoked_list l;
	int found;

	revoked_list_load(s, &l, NOON);
	found = l.lost
	    ? -1
	    : (int)revoked_list_find(&l, REVOKED_JTI, jti(id), NOON / S);
	snprintf(why, sizeof(why), "%s", l.why);
	revoked_list_fini(&l);
	return found;
}

START_TEST(a_list_cut_at_any_byte_is_missed)
{
	struct hash128 sum = { 0, 0 };
	struct buf text;
	size_t last;

	ck_assert_int_eq(ask(&own, "t1"), REVOKED_NOT_FOUND);
	buf_init(&text, 1 << 20);
	add_lines(&text, &sum, 1, 2);
	last = text.n;
	add_lines(&text, &sum, 3, 3);
	write_file(own_path, buf_span(&text));
	ck_assert_int_eq(ask(&own, "t3"), REVOKED_FOUND);
	ck_assert_uint_eq(state_revoked_get(state, STATE_REVOKED_SEQ), 3);
	for (size_t n = 0; n < text.n; n++) {
		write_file(own_path, span_of(text.p, n));
		ck_assert_int_eq(ask(&own, "t1"), -1);
	}
	unlink(own_path);
	ck_assert_int_eq(ask(&own, "t1"), -1);
	/* Nobody was told of a line that nobody knows. */
	state_revoked_set(state, STATE_REVOKED_SEQ, 2);
	for (size_t n = last; n < text.n; n++) {
		write_file(own_path, span_of(text.p, n));
		ck_assert_int_eq(ask(&own, "t2"), REVOKED_FOUND);
		ck_assert_int_eq(ask(&own, "t3"), REVOKED_NOT_FOUND);
	}
	buf_fini(&text);
}
END_TEST

START_TEST(a_changed_byte_of_a_list_is_found)
{
	struct hash128 sum = { 0, 0 };
	struct buf text;

	buf_init(&text, 1 << 20);
	add_lines(&text, &sum, 1, 3);
	for (size_t i = 0; i < text.n; i++) {
		int found;

		text.p[i] ^= 1;
		write_file(own_path, buf_span(&text));
		found = ask(&own, "t1");
		/* The last one's end makes it one that was never written. */
		ck_assert(found == -1 || i + 1 == text.n);
		text.p[i] ^= 1;
	}
	buf_fini(&text);
}
END_TEST

START_TEST(lines_behind_a_table_are_read_with_it)
{
	struct hash128 sum = { 0, 0 };
	struct revoked_list l;
	struct buf text;

	buf_init(&text, 1 << 20);
	add_lines(&text, &sum, 1, 1000);
	write_file(own_path, buf_span(&text));
	ck_assert_int_eq(ask(&own, "t1000"), REVOKED_FOUND);
	ck_assert_int_eq(access(table_path, F_OK), 0);
	add_lines(&text, &sum, 1001, 1002);
	write_file(own_path, buf_span(&text));
	revoked_list_load(&own, &l, NOON);
	ck_assert_msg(!l.lost, "%s", l.why);
	ck_assert_uint_eq(l.base.header.origin.lines, 1000);
	ck_assert_uint_eq(l.end.lines, 1002);
	ck_assert_uint_eq(revoked_list_entries(&l), 1002);
	revoked_list_fini(&l);
	ck_assert_int_eq(ask(&own, "t1002"), REVOKED_FOUND);
	ck_assert_int_eq(ask(&own, "t1003"), REVOKED_NOT_FOUND);
	/* The text is not that of the table. */
	text.p[text.n / 2] ^= 1;
	write_file(own_path, buf_span(&text));
	ck_assert_int_eq(ask(&own, "t1"), -1);
	buf_fini(&text);
}
END_TEST

START_TEST(a_list_that_was_tidied_goes_on)
{
	struct hash128 sum = { 0, 0 };
	struct buf text;

	buf_init(&text, 1 << 20);
	add_lines(&text, &sum, 1, 1000);
	write_file(own_path, buf_span(&text));
	ck_assert_int_eq(ask(&own, "t7"), REVOKED_FOUND);
	buf_reset(&text);
	sum = (struct hash128){ 0, 0 };
	add_lines(&text, &sum, 1001, 1003);
	write_file(own_path, buf_span(&text));
	ck_assert_int_eq(ask(&own, "t7"), REVOKED_NOT_FOUND);
	ck_assert_int_eq(ask(&own, "t1002"), REVOKED_FOUND);
	buf_fini(&text);
}
END_TEST

/* Also when its state is known, and it is as long as what was before. */
START_TEST(a_table_of_a_text_that_was_before_is_left_aside)
{
	struct file_identity id;
	struct hash128 sum = { 0, 0 };
	size_t covered;
	struct buf text;

	buf_init(&text, 1 << 20);
	add_lines(&text, &sum, 1, 600);
	write_file(own_path, buf_span(&text));
	ck_assert_int_eq(ask(&own, "t7"), REVOKED_FOUND);
	covered = text.n;
	for (int longer = 0; longer < 3; longer++) {
		unsigned n = 1001;

		buf_reset(&text);
		sum = (struct hash128){ 0, 0 };
		for (; text.n < covered + (size_t)longer * 60; n++)
			add_lines(&text, &sum, n, n);
		write_file(own_path, buf_span(&text));
		ck_assert(file_identify(own_path, &id));
		revoked_own_changed(&own, n - 1, &id);
		ck_assert_msg(ask(&own, "t1001") == REVOKED_FOUND, "%s", why);
		ck_assert_int_eq(ask(&own, "t7"), REVOKED_NOT_FOUND);
	}
	buf_fini(&text);
}
END_TEST

START_TEST(the_file_of_another_program_is_read_when_it_changed)
{
	unlink(own_path);
	ck_assert_int_eq(ask(&file, "a"), -1);
	write_file(file_path, SPAN("jti id=a issuer=https://id/\nend 1\n"));
	ck_assert_int_eq(ask(&file, "a"), REVOKED_FOUND);
	ck_assert_int_eq(ask(&file, "a"), REVOKED_FOUND);
	write_file(file_path, SPAN("jti id=b issuer=https://id/\nend 1\n"));
	ck_assert_int_eq(ask(&file, "a"), REVOKED_NOT_FOUND);
	ck_assert_int_eq(ask(&file, "b"), REVOKED_FOUND);
	write_file(file_path, SPAN("jti id=b issuer=https://id/\n"));
	ck_assert_int_eq(ask(&file, "b"), -1);
	ck_assert_ptr_nonnull(strstr(why, "line 1 is not"));
	/* Not read again. */
	ck_assert_int_eq(ask(&file, "b"), -1);
	ck_assert_ptr_nonnull(strstr(why, "is no list"));
	write_file(file_path, SPAN("end 0\n"));
	ck_assert_int_eq(ask(&file, "b"), REVOKED_NOT_FOUND);
	chmod(file_path, 0666);
	ck_assert_int_eq(ask(&file, "b"), -1);
}
END_TEST

START_TEST(a_feed_is_kept_until_a_whole_one_comes)
{
	struct revoked_source s = file;
	struct revoked_making m = { .keys = &keys };
	struct hash128 one = { 1, 1 }, two = { 2, 2 };
	const struct span issuer = SPAN("https://id/");
	struct revoked_list l;

	s.how = REVOKED_FEED;
	ck_assert_int_eq(ask(&s, "a"), -1);
	ck_assert(!revoked_feed_renew(&s, one, NOON));
	ck_assert_ptr_null(
	    revoked_feed_walk(SPAN("[{\"jwt_signature\":\"a\",\"expiry_time\":"
				   "9000000000000}]"),
		&issuer, 1, revoked_making_add, &m));
	ck_assert(revoked_feed_keep(&s, &m, one, NOON, why, sizeof(why)));
	ck_assert_int_eq(ask(&s, "a"), REVOKED_FOUND);
	ck_assert_int_eq(ask(&s, "b"), REVOKED_NOT_FOUND);
	revoked_list_load(&s, &l, NOON);
	ck_assert_int_eq(l.written_us, NOON);
	ck_assert(!revoked_list_changed(&s, &l));
	ck_assert(!revoked_feed_renew(&s, two, NOON + S));
	ck_assert(revoked_feed_renew(&s, one, NOON + S));
	ck_assert(revoked_list_changed(&s, &l));
	revoked_list_fini(&l);
	revoked_list_load(&s, &l, NOON);
	ck_assert_int_eq(l.written_us, NOON + S);
	ck_assert_int_eq(revoked_list_find(&l, REVOKED_JTI, jti("a"), NOON / S),
	    REVOKED_FOUND);
	revoked_list_fini(&l);
}
END_TEST

START_TEST(a_feed_holds_a_token_back_while_leeway_lets_it_in)
{
	struct revoked_source s = file;
	struct revoked_making m = { .keys = &keys };
	const struct hash128 one = { 1, 1 };
	const struct span issuer = SPAN("https://id/");
	char text[200];

	s.how = REVOKED_FEED;
	(void)snprintf(text, sizeof(text),
	    "[{\"jwt_signature\":\"a\",\"expiry_time\":%lld},"
	    "{\"jwt_signature\":\"b\",\"expiry_time\":%lld}]",
	    (long long)(NOON / 1000 - 599 * 1000),
	    (long long)(NOON / 1000 - 601 * 1000));
	ck_assert_ptr_null(revoked_feed_walk(
	    span_str(text), &issuer, 1, revoked_making_add, &m));
	ck_assert(revoked_feed_keep(&s, &m, one, NOON, why, sizeof(why)));
	ck_assert_int_eq(ask(&s, "a"), REVOKED_FOUND);
	ck_assert_int_eq(ask(&s, "b"), REVOKED_NOT_FOUND);
}
END_TEST

/* Only in revoked.list an entry takes back what one before it says. */
START_TEST(of_a_name_that_comes_twice_the_longest_counts)
{
	char text[400];

	for (int i = 0; i < 2; i++) {
		const char *never = "jti id=a issuer=https://id/\n";

		(void)snprintf(text, sizeof(text),
		    "%sjti id=a issuer=https://id/ expires=%lld\n%send 2\n",
		    i == 0 ? never : "", (long long)(NOON / S - 1),
		    i == 1 ? never : "");
		write_file(file.path, span_str(text));
		ck_assert_int_eq(ask(&file, "a"), REVOKED_FOUND);
	}
}
END_TEST

START_TEST(an_old_list_is_of_no_use)
{
	struct revoked_source s = file;
	struct revoked_list l = { .written_us = NOON };

	ck_assert_ptr_null(revoked_list_trouble(&s, &l, NOON + 99 * S));
	s.max_age_us = 10 * S;
	ck_assert_ptr_null(revoked_list_trouble(&s, &l, NOON + 10 * S));
	ck_assert_ptr_nonnull(revoked_list_trouble(&s, &l, NOON + 11 * S));
	ck_assert_ptr_null(revoked_list_trouble(&s, &l, NOON - 60 * S));
	ck_assert_ptr_nonnull(revoked_list_trouble(&s, &l, NOON - 600 * S));
	l.lost = true;
	ck_assert_ptr_nonnull(revoked_list_trouble(&s, &l, NOON));
}
END_TEST

/* Processes that make the table at once, some of which are killed. */
START_TEST(who_is_killed_while_he_makes_a_table_disturbs_nobody)
{
	struct hash128 sum = { 0, 0 };
	struct buf text;

	buf_init(&text, 1 << 24);
	add_lines(&text, &sum, 1, 5000);
	write_file(own_path, buf_span(&text));
	for (int round = 0; round < 20; round++) {
		pid_t pids[3];

		unlink(table_path);
		for (int i = 0; i < 3; i++) {
			pids[i] = fork();
			if (pids[i] == 0) {
				own.state = must_open(&small);
				for (;;) {
					if (ask(&own, "t4999") != REVOKED_FOUND)
						_exit(1);
					unlink(table_path);
				}
			}
		}
		usleep((useconds_t)(2000 + round * 700));
		for (int i = 0; i < 3; i++) {
			int status;

			kill(pids[i], SIGKILL);
			waitpid(pids[i], &status, 0);
			ck_assert(WIFSIGNALED(status));
		}
		ck_assert_int_eq(ask(&own, "t1"), REVOKED_FOUND);
		ck_assert_int_eq(ask(&own, "u1"), REVOKED_NOT_FOUND);
	}
	/* The next one who makes a table sweeps. */
	unlink(table_path);
	ck_assert_int_eq(ask(&own, "t1"), REVOKED_FOUND);
	snprintf(
	    path, sizeof(path), "ls %s/.revoked.table.* >/dev/null 2>&1", dir);
	ck_assert_int_ne(system(path), 0);
	buf_fini(&text);
}
END_TEST

START_TEST(names_count_with_their_issuer_alone)
{
	static const struct {
		const char *line;
		enum revoked_result result;
	} cases[] = {
		{ "jti id=j issuer=https://id/", REVOKED_YES },
		{ "jti id=j issuer=https://other/", REVOKED_NO },
		{ "jti id=s issuer=https://id/", REVOKED_NO },
		{ "subject id=s issuer=https://id/", REVOKED_YES },
		{ "client id=c issuer=https://id/", REVOKED_YES },
		{ "application id=a issuer=https://id/", REVOKED_YES },
		{ "kid id=k issuer=https://id/", REVOKED_YES },
		{ "key id=k", REVOKED_NO },
		/* SHA-256 of "h.p" */
		{ "token sha256="
		  "6e3be26a4d5da9e9cd2a29d1e0ea9ef3"
		  "00000000000000000000000000000000",
		    REVOKED_NO },
		{ "certificate sha256=" HEX64, REVOKED_YES },
	};
	struct principal who = { .scheme = SPAN("s"),
		.issuer = SPAN("https://id/"),
		.token_id = SPAN("j"),
		.subject = SPAN("s"),
		.client_id = SPAN("c"),
		.application = SPAN("a"),
		.key_id = SPAN("k"),
		.signed_text = SPAN("h.p"),
		.certificate =
		    SPAN("ABEiM0RVZneImaq7zN3u_wARIjNEVWZ3iJmqu8zd7v8") };

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct revoked_query q = { .who = &who, .now_us = NOON };
		struct revoked_set set;
		char text[256];

		ck_assert(revoked_set_init(&set, NULL, dir, state, false, NULL,
		    NULL, why, sizeof(why)));
		snprintf(text, sizeof(text), "%s\nend 1\n", cases[i].line);
		write_file(file_path, span_str(text));
		set.sources[0] = file;
		revoked_set_load(&set, 0, NOON);
		ck_assert_msg(revoked_set_check(&set, &q) == cases[i].result,
		    "%s", cases[i].line);
		revoked_set_fini(&set);
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("revocation");
	TCase *lines = tcase_create("lines"), *lists = tcase_create("lists");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_loop_test(lines, an_entry_is_read_and_written, 0,
	    sizeof(entries) / sizeof(entries[0]));
	tcase_add_loop_test(lines, a_file_is_whole_or_no_list, 0,
	    sizeof(files) / sizeof(files[0]));
	tcase_add_loop_test(lines, a_feed_is_whole_or_no_list, 0,
	    sizeof(feeds) / sizeof(feeds[0]));
	suite_add_tcase(suite, lines);
	tcase_add_checked_fixture(lists, setup_lists, teardown_lists);
	tcase_set_timeout(lists, 60);
	tcase_add_test(lists, a_table_has_what_was_put_in_and_nothing_else);
	tcase_add_loop_test(lists, the_last_word_on_a_name_counts, 0, 2);
	tcase_add_test(lists, a_damaged_byte_of_a_table_misleads_nobody);
	tcase_add_test(lists, a_table_of_another_state_or_place_is_none);
	tcase_add_test(lists, a_list_cut_at_any_byte_is_missed);
	tcase_add_test(lists, a_changed_byte_of_a_list_is_found);
	tcase_add_test(lists, lines_behind_a_table_are_read_with_it);
	tcase_add_test(lists, a_list_that_was_tidied_goes_on);
	tcase_add_test(lists, a_table_of_a_text_that_was_before_is_left_aside);
	tcase_add_test(
	    lists, the_file_of_another_program_is_read_when_it_changed);
	tcase_add_test(lists, a_feed_is_kept_until_a_whole_one_comes);
	tcase_add_test(lists, of_a_name_that_comes_twice_the_longest_counts);
	tcase_add_test(
	    lists, a_feed_holds_a_token_back_while_leeway_lets_it_in);
	tcase_add_test(lists, an_old_list_is_of_no_use);
	tcase_add_test(
	    lists, who_is_killed_while_he_makes_a_table_disturbs_nobody);
	tcase_add_test(lists, names_count_with_their_issuer_alone);
	suite_add_tcase(suite, lists);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
