/*
 * revocation_own - see revocation_own.h and revocation_list.h.
 *
 * Only a last line without its end is taken as never written: its author
 * was not told that it was.  One that the shared state knows of is missed.
 */
#include "policy/revocation_own.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

#define TRIES 3
#define PAUSE_NS 5000000
#define PATH_SIZE 4096

/* Walks on from "*end", which is at the beginning of "text". */
static const char *
walk_on(struct span text, revoked_each *each, void *user,
    struct revoked_origin *end, unsigned *number)
{
	struct revoked_entry e;
	struct span rest = text;
	uint64_t seq, start = end->bytes;
	char room[32];
	const char *why;

	while (rest.n > 0) {
		struct span line = span_cut(&rest, '\n');

		if (rest.p == NULL) /* without its end: never written */
			break;
		++*number;
		why = revoked_line_sum(&line, &end->sum, &seq);
		if (why == NULL && seq != end->seq + 1 && end->lines > 0)
			why = "is not the line that comes next";
		if (why == NULL && each != NULL)
			why = revoked_line_read(line, room, &e);
		if (why != NULL)
			return why;
		if (each != NULL)
			each(user, &e);
		end->seq = seq;
		end->lines++;
		end->bytes = start + (uint64_t)(rest.p - text.p);
	}
	return NULL;
}

const char *
revoked_text_walk(struct span text, revoked_each *each, void *user,
    struct revoked_origin *end, unsigned *number)
{
	*end = (struct revoked_origin){ 0 };
	*number = 0;
	return walk_on(text, each, user, end, number);
}

static uint64_t
identity_word(const struct revoked_source *s, const struct file_identity *id)
{
	return siphash_64(&s->keys.names, span_of(id, sizeof(*id))) | 1;
}

void
revoked_own_changed(const struct revoked_source *s, uint64_t seq,
    const struct file_identity *id)
{
	state_revoked_set(s->state, STATE_REVOKED_KNOWN, identity_word(s, id));
	state_revoked_raise(s->state, STATE_REVOKED_SEQ, seq);
}

/* All bytes of the file from "at" on. */
static bool
read_from(int fd, uint64_t at, uint64_t size, struct buf *b)
{
	size_t n = (size_t)(size - at);
	char *p;

	buf_init(b, n + 1);
	p = buf_room(b, n + 1);
	while (p != NULL && b->n < n) {
		ssize_t got = pread(fd, p + b->n, n - b->n, (off_t)(at + b->n));

		if (got == -1 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		b->n += (size_t)got;
	}
	return p != NULL;
}

struct reading {
	const struct revoked_source *s;
	struct revoked_list *l;
	int fd;
	struct stat st;
	bool known;    /* it is as it was when it was last read whole */
	uint64_t last; /* the line that the state knows of */
	int64_t now_us;
};

static bool
wrong(struct reading *r, unsigned line, const char *what)
{
	(void)snprintf(r->l->why, sizeof(r->l->why),
	    REVOKED_FILE " is damaged: line %u %s", line, what);
	r->l->damaged = true;
	return false;
}

static bool
cannot(struct reading *r, const char *what)
{
	(void)snprintf(
	    r->l->why, sizeof(r->l->why), "%s: %s", r->s->path, what);
	return false;
}

/* The whole text into a table, kept for all when it is worth it. */
static bool
make_table(struct reading *r)
{
	struct revoked_making m = { .keys = &r->s->keys };
	struct revoked_origin *end = &r->l->end;
	unsigned line = 0;
	const char *why;
	struct buf text;

	if (!read_from(r->fd, 0, (uint64_t)r->st.st_size, &text)) {
		buf_fini(&text);
		return cannot(r, "cannot be read");
	}
	why = revoked_text_walk(
	    buf_span(&text), revoked_making_add, &m, end, &line);
	buf_fini(&text);
	if (why == NULL)
		return revoked_list_make(r->s, r->l, &m, end, r->now_us);
	revoked_build_fini(&m.build);
	return wrong(r, line, why);
}

/* The lines behind the table. */
static bool
read_newer(struct reading *r, struct span text, unsigned line)
{
	struct revoked_making m = { .keys = &r->s->keys };
	struct revoked_list *l = r->l;
	const char *why = walk_on(text, revoked_making_add, &m, &l->end, &line);
	bool ok = why == NULL;

	if (ok && m.build.n > 0) {
		ok = revoked_build_done(&m.build, &r->s->keys, &l->end,
			 r->now_us, true, &l->newer_bytes) &&
		    revoked_table_from(
			&l->newer, buf_span(&l->newer_bytes), &r->s->keys);
		if (!ok)
			(void)cannot(r, "out of memory");
	}
	revoked_build_fini(&m.build);
	return why == NULL ? ok : wrong(r, line, why);
}

/* The lines that are in the table are as they were when it was made. */
static const char *
check_covered(
    struct span text, const struct revoked_origin *covered, unsigned *line)
{
	struct revoked_origin end = { 0 };
	const char *why = walk_on(
	    span_of(text.p, (size_t)covered->bytes), NULL, NULL, &end, line);

	if (why != NULL)
		return why;
	return end.bytes == covered->bytes && end.seq == covered->seq &&
		hash128_eq(end.sum, covered->sum)
	    ? NULL
	    : "is not that of the table";
}

/* With the table, if there is one. */
static bool
read_text(struct reading *r)
{
	struct revoked_list *l = r->l;
	uint64_t size = (uint64_t)r->st.st_size;
	const char *why = NULL;
	unsigned line = 0;
	struct buf text;
	bool ok;

	if (l->base.p != NULL)
		l->end = l->base.header.origin;
	if (l->end.bytes > size)
		return wrong(r, 0, "is not that of the table");
	if (!read_from(r->fd, r->known ? l->end.bytes : 0, size, &text)) {
		buf_fini(&text);
		return cannot(r, "cannot be read");
	}
	if (!r->known)
		why = check_covered(buf_span(&text), &l->end, &line);
	line = (unsigned)l->end.lines;
	ok = why == NULL &&
	    read_newer(r,
		span_skip(buf_span(&text), r->known ? 0 : (size_t)l->end.bytes),
		line);
	buf_fini(&text);
	if (why != NULL)
		return wrong(r, line, why);
	if (ok && l->end.seq < r->last)
		return wrong(r, (unsigned)l->end.lines,
		    "is the last, but more were written");
	return ok;
}

/* Where that fails the table may be of another text: then without it. */
static bool
read_all(struct reading *r)
{
	struct revoked_list *l = r->l;
	char path[PATH_SIZE];

	if (!revoked_table_place(r->s, path, sizeof(path)))
		return cannot(r, "the path is too long");
	if (revoked_table_open(&l->base, path, &r->s->keys, NULL) &&
	    l->base.header.origin.list != revoked_list_name(r->s))
		revoked_table_close(&l->base);
	if (read_text(r))
		return true;
	if (l->base.p == NULL)
		return false;
	revoked_table_close(&l->base);
	revoked_table_close(&l->newer);
	buf_fini(&l->newer_bytes);
	l->end = (struct revoked_origin){ 0 };
	l->damaged = false;
	r->known = false;
	return read_text(r);
}

/* Whoever finds many lines behind the table makes a new one. */
static bool
renew_table(struct reading *r)
{
	const struct revoked_source *s = r->s;
	struct revoked_list *l = r->l;
	uint64_t max = s->writer ? REVOKED_LINES_MAX : 2 * REVOKED_LINES_MAX;
	uint64_t covered = l->base.p != NULL ? l->base.header.origin.lines : 0;
	bool ok;

	if (s->look_only || l->end.lines - covered <= max ||
	    !state_lease(s->state, SPAN(REVOKED_FILE)))
		return true;
	ok = make_table(r);
	if (ok) {
		revoked_table_close(&l->newer);
		buf_fini(&l->newer_bytes);
	}
	state_lease_end(s->state, SPAN(REVOKED_FILE));
	return ok;
}

static bool
is_trusted(const struct stat *st)
{
	return S_ISREG(st->st_mode) && (st->st_mode & 022) == 0 &&
	    (st->st_uid == 0 || st->st_uid == geteuid());
}

static bool
load(struct reading *r)
{
	const struct revoked_source *s = r->s;
	struct revoked_list *l = r->l;
	struct stat after;

	if (fstat(r->fd, &r->st) != 0 || !is_trusted(&r->st))
		return cannot(r, "is no file of ours alone");
	file_identity_of(&r->st, &l->id);
	if (l->id.size > REVOKED_BYTES_MAX)
		return cannot(r, "is too large");
	/* Nobody reads it again and again. */
	if (!s->look_only &&
	    state_revoked_get(s->state, STATE_REVOKED_WRONG) ==
		identity_word(s, &l->id))
		return cannot(r, "is damaged");
	r->known = state_revoked_get(s->state, STATE_REVOKED_KNOWN) ==
	    identity_word(s, &l->id);
	if (!read_all(r) || !renew_table(r))
		return false;
	if (s->look_only)
		return true;
	/* One that grew meanwhile is looked at again. */
	if (!r->known && l->end.bytes == l->id.size &&
	    fstat(r->fd, &after) == 0 && after.st_size == r->st.st_size)
		state_revoked_set(
		    s->state, STATE_REVOKED_KNOWN, identity_word(s, &l->id));
	state_revoked_raise(s->state, STATE_REVOKED_SEQ, l->end.seq);
	return true;
}

static bool
load_once(
    const struct revoked_source *s, struct revoked_list *l, int64_t now_us)
{
	uint64_t last = state_revoked_get(s->state, STATE_REVOKED_SEQ);
	struct reading r = { .s = s, .l = l, .now_us = now_us, .last = last };
	bool ok;

	l->seq = last;
	r.fd = open(s->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (r.fd == -1) {
		l->id = (struct file_identity){ 0 };
		return (errno == ENOENT && last == 0) ||
		    cannot(&r, strerror(errno));
	}
	ok = load(&r);
	if (ok && l->end.seq > last)
		l->seq = l->end.seq;
	(void)close(r.fd); /* opened for reading */
	return ok;
}

void
revoked_own_load(
    const struct revoked_source *s, struct revoked_list *l, int64_t now_us)
{
	const struct timespec pause = { 0, PAUSE_NS };

	l->lost = true;
	/* Somebody may be writing to it just now. */
	for (int i = 0; i < TRIES && l->lost; i++) {
		if (i > 0) {
			(void)nanosleep(&pause, NULL); /* or a little less */
			revoked_list_fini(l);
			*l = (struct revoked_list){ .id = l->id };
		}
		l->lost = !load_once(s, l, now_us);
	}
	if (l->lost && l->damaged)
		state_revoked_set(
		    s->state, STATE_REVOKED_WRONG, identity_word(s, &l->id));
}
