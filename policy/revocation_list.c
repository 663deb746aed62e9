/*
 * revocation_list - see revocation_list.h.  revoked.list: revocation_own.c.
 */
#include "policy/revocation_list.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "policy/revocation_own.h"
#include "policy/words.h"

/* How far apart the clocks of two machines may be. */
#define FUTURE_US (300 * US_PER_S)

/* How long to wait for another process that makes the table. */
#define WAITS 500
#define WAIT_NS 10000000

#define PATH_SIZE 4096

uint64_t
revoked_list_name(const struct revoked_source *s)
{
	return s->how == REVOKED_OWN
	    ? 0
	    : siphash_64(&s->keys.names, span_str(s->path)) | 1;
}

bool
revoked_table_place(const struct revoked_source *s, char *to, size_t size)
{
	int n = s->how == REVOKED_OWN
	    ? snprintf(to, size, "%s/" REVOKED_TABLE, s->dir)
	    : snprintf(to, size, "%s/revoked.%016llx.table", s->dir,
		  (unsigned long long)revoked_list_name(s));

	return n > 0 && (size_t)n < size;
}

void
revoked_making_add(void *user, const struct revoked_entry *e)
{
	struct revoked_making *m = user;

	revoked_build_add(&m->build, e->kind,
	    revoked_id(m->keys, e->kind, e->issuer, e->value), e->expires_s,
	    e->restored);
}

/* What a process left that was killed while it wrote; under the lease. */
static void
sweep(const char *dir, const char *table)
{
	const char *name = strrchr(table, '/') + 1;
	DIR *d = opendir(dir);
	struct dirent *e;
	char prefix[64];

	(void)snprintf(prefix, sizeof(prefix), ".%s.", name);
	while (d != NULL && (e = readdir(d)) != NULL)
		if (strncmp(e->d_name, prefix, strlen(prefix)) == 0)
			/* If it stays, it is only litter. */
			(void)unlinkat(dirfd(d), e->d_name, 0);
	if (d != NULL)
		(void)closedir(d); /* opened for reading */
}

bool
revoked_list_make(const struct revoked_source *s, struct revoked_list *l,
    struct revoked_making *m, struct revoked_origin *origin, int64_t now_us)
{
	char path[PATH_SIZE], why[256];
	struct span bytes;
	bool ok;

	origin->list = revoked_list_name(s);
	revoked_table_close(&l->base);
	buf_fini(&l->base_bytes);
	ok = revoked_table_place(s, path, sizeof(path)) &&
	    revoked_build_done(
		&m->build, &s->keys, origin, now_us, false, &l->base_bytes);
	revoked_build_fini(&m->build);
	if (!ok) {
		(void)snprintf(l->why, sizeof(l->why), "out of memory");
		return false;
	}
	bytes = buf_span(&l->base_bytes);
	if (!s->look_only) {
		sweep(s->dir, path);
		if (!file_write(path, bytes, 0600, why, sizeof(why)))
			log_warn("revocation: no table is kept: %s", why);
		else if (revoked_table_open(&l->base, path, &s->keys, NULL) &&
		    l->base.header.nonce ==
			((const struct revoked_header *)(const void *)bytes.p)
			    ->nonce) {
			buf_fini(&l->base_bytes);
			return true;
		}
		revoked_table_close(&l->base);
	}
	return revoked_table_from(&l->base, bytes, &s->keys);
}

const char *
revoked_file_walk(
    struct span text, revoked_each *each, void *user, unsigned *number)
{
	struct revoked_entry e;
	struct span line;
	uint64_t n = 0, told;
	char room[32];
	const char *why;

	*number = 0;
	while (words_line(&text, &line, number)) {
		if (text.p == NULL)
			return "is cut off";
		if (span_starts(line, SPAN("end "))) {
			if (!span_to_u64(
				span_skip(line, 4), UINT32_MAX, &told) ||
			    told != n)
				return "tells another number of entries";
			return words_line(&text, &line, number)
			    ? "comes behind the end"
			    : NULL;
		}
		why = revoked_entry_read(line, room, &e);
		if (why != NULL)
			return why;
		each(user, &e);
		n++;
	}
	return "is not \"end\" and the number of entries";
}

/* True: the table is there, and of the file as it is. */
static bool
open_table(const struct revoked_source *s, struct revoked_list *l,
    const struct file_identity *source)
{
	char path[PATH_SIZE];

	revoked_table_close(&l->base);
	if (!revoked_table_place(s, path, sizeof(path)) ||
	    !revoked_table_open(&l->base, path, &s->keys, NULL))
		return false;
	if (l->base.header.origin.list == revoked_list_name(s) &&
	    file_identity_eq(&l->base.header.origin.source, source))
		return true;
	revoked_table_close(&l->base);
	return false;
}

static uint64_t
identity_word(const struct revoked_source *s, const struct file_identity *id)
{
	return siphash_64(&s->keys.names, span_of(id, sizeof(*id))) | 1;
}

static bool
read_file(const struct revoked_source *s, struct revoked_list *l,
    struct revoked_origin *origin, int64_t now_us)
{
	struct revoked_making m = { .keys = &s->keys, .build.is_set = true };
	unsigned line = 0;
	const char *wrong;
	struct buf text;

	if (!file_read(s->path, FILE_TRUSTED, REVOKED_BYTES_MAX, &text,
		&origin->source, l->why, sizeof(l->why)))
		return false;
	wrong =
	    revoked_file_walk(buf_span(&text), revoked_making_add, &m, &line);
	buf_fini(&text);
	if (wrong == NULL)
		return revoked_list_make(s, l, &m, origin, now_us);
	revoked_build_fini(&m.build);
	(void)snprintf(
	    l->why, sizeof(l->why), "%s: line %u %s", s->path, line, wrong);
	l->damaged = true;
	return false;
}

/* Be the one who reads it; or have what another one made of it. */
static bool
lease(const struct revoked_source *s, struct revoked_list *l,
    const struct file_identity *id, bool *made)
{
	const struct timespec pause = { 0, WAIT_NS };

	*made = false;
	for (int i = 0; i < WAITS && !*made; i++) {
		if (i > 0)
			(void)nanosleep(&pause, NULL); /* or a little less */
		if (s->look_only || state_lease(s->state, span_str(s->path)))
			return true;
		*made = open_table(s, l, id);
	}
	return false;
}

static void
load_file(
    const struct revoked_source *s, struct revoked_list *l, int64_t now_us)
{
	unsigned bad = STATE_REVOKED_BAD + s->number;
	struct revoked_origin origin = { 0 };
	bool made = false, ours;

	l->lost = true;
	if (!file_identify(s->path, &l->id)) {
		l->id = (struct file_identity){ 0 };
		(void)snprintf(
		    l->why, sizeof(l->why), "%s: %s", s->path, strerror(errno));
		return;
	}
	l->written_us = l->id.mtime_ns / 1000;
	l->lost = !open_table(s, l, &l->id);
	if (!l->lost)
		return;
	/* Nobody reads it again and again. */
	if (!s->look_only &&
	    state_revoked_get(s->state, bad) == identity_word(s, &l->id)) {
		(void)snprintf(
		    l->why, sizeof(l->why), "%s: is no list", s->path);
		return;
	}
	ours = lease(s, l, &l->id, &made);
	if (!made && !ours)
		(void)snprintf(l->why, sizeof(l->why),
		    "%s: another process reads it, and is not done", s->path);
	/* It may have been done while we waited. */
	if (ours && !(made = open_table(s, l, &l->id))) {
		made = read_file(s, l, &origin, now_us);
		if (!made && l->damaged)
			state_revoked_set(
			    s->state, bad, identity_word(s, &l->id));
	}
	if (ours && !s->look_only)
		state_lease_end(s->state, span_str(s->path));
	l->lost = !made;
}

/* Its first page may be written just now. */
static void
load_feed(const struct revoked_source *s, struct revoked_list *l)
{
	const struct timespec pause = { 0, WAIT_NS / 10 };
	char path[PATH_SIZE];

	l->lost = true;
	(void)snprintf(l->why, sizeof(l->why), "%s: was not fetched", s->path);
	if (!revoked_table_place(s, path, sizeof(path)))
		return;
	if (!file_identify(path, &l->id))
		l->id = (struct file_identity){ 0 };
	for (int i = 0; i < 3 && l->lost; i++) {
		if (i > 0)
			(void)nanosleep(&pause, NULL); /* or a little less */
		l->lost = !revoked_table_open(&l->base, path, &s->keys, &l->id);
		if (l->lost && errno == ENOENT)
			break;
	}
	if (!l->lost && l->base.header.origin.list != revoked_list_name(s)) {
		revoked_table_close(&l->base);
		l->lost = true;
	}
	if (!l->lost)
		l->written_us = l->base.header.origin.fetched_us;
}

bool
revoked_feed_keep(const struct revoked_source *s, struct revoked_making *m,
    struct hash128 content, int64_t fetched_us, char *why, size_t why_size)
{
	struct revoked_origin origin = { .content = content,
		.fetched_us = fetched_us };
	struct revoked_list l = { .lost = true };
	bool ok = revoked_list_make(s, &l, m, &origin, fetched_us);

	/* One that is not kept is of no use to others, nor found again. */
	if (!ok || !l.base.mapped)
		(void)snprintf(why, why_size, "%s",
		    ok ? "its table cannot be kept" : l.why);
	ok = ok && l.base.mapped;
	revoked_list_fini(&l);
	return ok;
}

bool
revoked_feed_renew(
    const struct revoked_source *s, struct hash128 content, int64_t fetched_us)
{
	struct revoked_table t;
	char path[PATH_SIZE];
	bool same;

	if (!revoked_table_place(s, path, sizeof(path)) ||
	    !revoked_table_open(&t, path, &s->keys, NULL))
		return false;
	same = t.header.origin.list == revoked_list_name(s) &&
	    hash128_eq(t.header.origin.content, content);
	revoked_table_close(&t);
	return same && revoked_table_renew(path, &s->keys, fetched_us);
}

void
revoked_list_load(
    const struct revoked_source *s, struct revoked_list *l, int64_t now_us)
{
	*l = (struct revoked_list){ 0 };
	switch (s->how) {
	case REVOKED_OWN:
		revoked_own_load(s, l, now_us);
		break;
	case REVOKED_FILE_OF_OTHERS:
		load_file(s, l, now_us);
		break;
	case REVOKED_FEED:
		load_feed(s, l);
		break;
	}
	if (!l->lost)
		return;
	revoked_table_close(&l->base);
	revoked_table_close(&l->newer);
}

void
revoked_list_fini(struct revoked_list *l)
{
	revoked_table_close(&l->base);
	revoked_table_close(&l->newer);
	buf_fini(&l->base_bytes);
	buf_fini(&l->newer_bytes);
}

bool
revoked_list_changed(
    const struct revoked_source *s, const struct revoked_list *l)
{
	struct file_identity now;
	char path[PATH_SIZE];

	/* It may have been for want of memory, or of a file that came. */
	if (l->lost && !l->damaged)
		return true;
	if (s->how == REVOKED_OWN &&
	    state_revoked_get(s->state, STATE_REVOKED_SEQ) != l->seq)
		return true;
	if (s->how == REVOKED_FEED &&
	    !revoked_table_place(s, path, sizeof(path)))
		return false;
	if (!file_identify(s->how == REVOKED_FEED ? path : s->path, &now))
		now = (struct file_identity){ 0 };
	return !file_identity_eq(&now, &l->id);
}

const char *
revoked_list_trouble(const struct revoked_source *s,
    const struct revoked_list *l, int64_t now_us)
{
	if (l->lost)
		return l->why;
	if (s->max_age_us == 0)
		return NULL;
	if (l->written_us > now_us + FUTURE_US)
		return "it is of the future";
	return now_us - l->written_us > s->max_age_us ? "it is too old" : NULL;
}

uint64_t
revoked_list_entries(const struct revoked_list *l)
{
	return (l->base.p != NULL ? l->base.header.n_entries : 0) +
	    (l->newer.p != NULL ? l->newer.header.n_entries : 0);
}

bool
revoked_list_has(const struct revoked_list *l, enum revoked_kind kind)
{
	return revoked_table_has(&l->base, kind) ||
	    revoked_table_has(&l->newer, kind);
}

void
revoked_list_prefetch(
    const struct revoked_list *l, enum revoked_kind kind, struct hash128 id)
{
	if (revoked_table_has(&l->base, kind))
		revoked_table_prefetch(&l->base, kind, id);
}

enum revoked_found
revoked_list_find(const struct revoked_list *l, enum revoked_kind kind,
    struct hash128 id, int64_t now_s)
{
	enum revoked_found found = REVOKED_NOT_FOUND;

	if (revoked_table_has(&l->newer, kind))
		found = revoked_table_find(&l->newer, kind, id, now_s);
	if (found == REVOKED_NOT_FOUND && revoked_table_has(&l->base, kind))
		found = revoked_table_find(&l->base, kind, id, now_s);
	return found;
}
