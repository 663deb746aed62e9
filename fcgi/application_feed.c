/*
 * application_feed - see application_feed.h.
 *
 * The kept file begins with a comment, "# SUM FETCHED" (Unix
 * microseconds), so that the rest of it is a file of applications.
 */
#include "fcgi/application_feed.h"

#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "fcgi/fetch.h"
#include "fcgi/remote_file.h"
#include "policy/application.h"
#include "policy/application_wso2.h"

#define DOCUMENT_BYTES_MAX (32 * 1024 * 1024)
#define HEAD_BYTES_MAX 128
#define SUM_DIGITS 32
/* Between two attempts of all processes, when the last one failed. */
#define PAUSE_US (5 * US_PER_S)

struct application_feed {
	atomic_uint n_users; /* the owner, and a thread that fetches */
	const char *folder;
	struct state *state;
	struct arena arena;
	struct span name; /* of its lease, its attempts and its sum */
	struct span url, user, password;
	struct application_issuer *issuers;
	size_t n_issuers;
	int64_t every_us, max_age_us;
	unsigned timeout_ms;
	const char *path;
	atomic_bool running; /* a thread of this process */
};

/* Threads that are under way, of all feeds. */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t ended;
	unsigned n;
} threads = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0 };

static bool
copy_settings(
    struct application_feed *f, const struct application_feed_settings *s)
{
	const struct bundle *b = s->bundle;
	const struct row_applications *row = bundle_applications(b, 0);
	struct arena *a = &f->arena;

	f->folder = s->folder;
	f->state = s->state;
	f->url = arena_copy(a, s->url);
	f->user = arena_copy(a, bundle_text(b, row->user));
	f->password = arena_copy(a, s->password);
	f->n_issuers = row->issuers.n / 2;
	f->issuers = arena_calloc(a, f->n_issuers + 1, sizeof(*f->issuers));
	f->every_us = row->every_s * US_PER_S;
	f->max_age_us = row->max_age_s * US_PER_S;
	f->timeout_ms = row->timeout_ms;
	if (f->every_us == 0) /* once: again before it is too old */
		f->every_us = f->max_age_us / 2;
	f->name = arena_printf(
	    a, "applications %.*s %.*s", SPAN_ARG(f->user), SPAN_ARG(f->url));
	for (size_t i = 0; f->issuers != NULL && i < f->n_issuers; i++) {
		uint32_t at = row->issuers.first + (uint32_t)i * 2;

		f->issuers[i].manager = arena_copy(a, bundle_string(b, at));
		f->issuers[i].issuer = arena_copy(a, bundle_string(b, at + 1));
		/* Other issuers make another document of it. */
		f->name = arena_printf(a, "%.*s %.*s=%.*s", SPAN_ARG(f->name),
		    SPAN_ARG(f->issuers[i].manager),
		    SPAN_ARG(f->issuers[i].issuer));
	}
	return !a->full;
}

struct application_feed *
application_feed_new(const struct application_feed_settings *s)
{
	static const struct siphash_key none;
	struct application_feed *f = calloc(1, sizeof(*f));
	struct hash128 h;

	if (f == NULL)
		return NULL;
	atomic_init(&f->n_users, 1);
	arena_init(&f->arena, 4096, 1 << 20);
	if (copy_settings(f, s)) {
		h = siphash_128(&none, f->name);
		f->path = arena_printf(&f->arena, "%s/applications-%016llx.db",
		    f->folder, (unsigned long long)h.lo)
			      .p;
	}
	if (f->path == NULL) {
		application_feed_put(f);
		return NULL;
	}
	return f;
}

void
application_feed_put(struct application_feed *f)
{
	if (f == NULL || atomic_fetch_sub(&f->n_users, 1) != 1)
		return;
	if (f->password.n > 0)
		explicit_bzero((char *)(uintptr_t)f->password.p, f->password.n);
	arena_fini(&f->arena);
	free(f);
}

const char *
application_feed_path(const struct application_feed *f)
{
	return f->path;
}

static struct hash128
sum_of(const struct application_feed *f, struct span fetched, struct span text)
{
	struct hash128 h = { 0, 0 };
	struct buf b;

	buf_init(&b, f->name.n + APPLICATIONS_BYTES_MAX + HEAD_BYTES_MAX);
	buf_printf(&b, "applications %zu ", f->name.n);
	buf_add(&b, f->name);
	buf_add(&b, fetched);
	buf_add_char(&b, '\n');
	buf_add(&b, text);
	if (!b.failed)
		h = state_sum(f->state, buf_span(&b));
	buf_fini(&b);
	return h;
}

/* Cut "# SUM FETCHED" off. */
static bool
cut_head(struct span *text, struct span *sum, struct span *fetched,
    int64_t *fetched_us)
{
	struct span line = span_cut(text, '\n');
	int64_t now_us = clock_wall_us();
	uint64_t us;

	if (!span_starts(line, SPAN("# ")))
		return false;
	line = span_skip(line, 2);
	*sum = span_cut(&line, ' ');
	*fetched = line;
	if (sum->n != SUM_DIGITS || line.p == NULL ||
	    !span_to_u64(line, INT64_MAX, &us))
		return false;
	/* A clock that was set back makes nothing younger than now. */
	*fetched_us = (int64_t)us < now_us ? (int64_t)us : now_us;
	return true;
}

bool
application_feed_read(const struct application_feed *f, struct buf *text,
    struct file_identity *id, int64_t *fetched_us, char *why, size_t why_size)
{
	struct span rest, sum, fetched;
	struct buf b = { 0 };
	char hex[SUM_DIGITS + 1];
	struct hash128 h;
	bool ok;

	if (!file_read(f->path, FILE_TRUSTED,
		APPLICATIONS_BYTES_MAX + HEAD_BYTES_MAX, &b, id, why, why_size))
		return false;
	rest = buf_span(&b);
	ok = cut_head(&rest, &sum, &fetched, fetched_us);
	if (ok) {
		if (rest.p == NULL)
			rest = SPAN("");
		h = sum_of(f, fetched, rest);
		(void)snprintf(hex, sizeof(hex), "%016llx%016llx",
		    (unsigned long long)h.hi, (unsigned long long)h.lo);
		ok = (h.hi | h.lo) != 0 && span_eq(sum, span_str(hex));
	}
	if (ok) {
		buf_add(text, rest);
		ok = !text->failed;
	}
	if (!ok)
		(void)snprintf(why, why_size, "%s: damaged", f->path);
	buf_fini(&b);
	return ok;
}

bool
application_feed_is_stale(const struct application_feed *f, int64_t fetched_us)
{
	return clock_wall_us() - fetched_us > f->max_age_us;
}

/* When what is kept was fetched; 0: nothing is. */
static int64_t
kept_us(const struct application_feed *f)
{
	char head[HEAD_BYTES_MAX];
	struct span text, sum, fetched;
	int64_t us = 0;
	FILE *file = fopen(f->path, "re");
	size_t n;

	if (file == NULL)
		return 0;
	n = fread(head, 1, sizeof(head), file);
	(void)fclose(file); /* it was read only */
	text = span_of(head, n);
	return cut_head(&text, &sum, &fetched, &us) ? us : 0;
}

static bool
is_due(const struct application_feed *f)
{
	return clock_wall_us() - kept_us(f) >= f->every_us;
}

static bool
keep(const struct application_feed *f, struct span text, char *why,
    size_t why_size)
{
	struct applications *checked = applications_new(text, why, why_size);
	char fetched[32];
	struct hash128 h;
	struct buf b;
	bool ok;

	if (checked == NULL)
		return false;
	applications_free(checked);
	(void)snprintf(
	    fetched, sizeof(fetched), "%lld", (long long)clock_wall_us());
	h = sum_of(f, span_str(fetched), text);
	buf_init(&b, APPLICATIONS_BYTES_MAX + HEAD_BYTES_MAX);
	buf_printf(&b, "# %016llx%016llx %s\n", (unsigned long long)h.hi,
	    (unsigned long long)h.lo, fetched);
	buf_add(&b, text);
	ok = !b.failed && (h.hi | h.lo) != 0;
	if (!ok)
		(void)snprintf(why, why_size, "out of memory");
	ok = ok && file_write(f->path, buf_span(&b), 0600, why, why_size);
	buf_fini(&b);
	return ok;
}

/* All four, within the time for all of them. */
static bool
get_documents(const struct application_feed *f, struct buf *documents,
    unsigned limit_ms, char *why, size_t why_size)
{
	const struct fetch_form login = { .user = f->user,
		.secret = f->password };
	int64_t end_us = clock_mono_us() + limit_ms * US_PER_MS;
	char url[2048], reason[256];

	for (int i = 0; i < APPLICATION_WSO2__MAX; i++) {
		const char *name = application_wso2_names[i];
		int64_t left_us = end_us - clock_mono_us();
		int n = snprintf(url, sizeof(url), "%.*s%s%s", SPAN_ARG(f->url),
		    span_ends(f->url, SPAN("/")) ? "" : "/", name);

		(void)snprintf(reason, sizeof(reason), "too slow");
		if (n < 0 || (size_t)n >= sizeof(url) || left_us < US_PER_MS ||
		    fetch_is_stopped() ||
		    !fetch_post(span_str(url), &login, DOCUMENT_BYTES_MAX,
			(unsigned)(left_us / US_PER_MS), &documents[i], reason,
			sizeof(reason))) {
			(void)snprintf(why, why_size, "%s: %s", name, reason);
			return false;
		}
	}
	return true;
}

static bool
bring(const struct application_feed *f, unsigned limit_ms, char *why,
    size_t why_size)
{
	struct span texts[APPLICATION_WSO2__MAX];
	struct buf documents[APPLICATION_WSO2__MAX], text;
	unsigned n_left_out = 0;
	bool ok;

	buf_init(&text, APPLICATIONS_BYTES_MAX);
	for (int i = 0; i < APPLICATION_WSO2__MAX; i++)
		buf_init(&documents[i], DOCUMENT_BYTES_MAX);
	ok = get_documents(f, documents, limit_ms, why, why_size);
	for (int i = 0; i < APPLICATION_WSO2__MAX; i++)
		texts[i] = buf_span(&documents[i]);
	ok = ok &&
	    application_wso2_join(texts, f->issuers, f->n_issuers, &text,
		&n_left_out, why, why_size) &&
	    keep(f, buf_span(&text), why, why_size);
	if (ok && n_left_out > 0)
		log_warn("applications: %u keys or subscriptions left out, of "
			 "managers or APIs that are not known or of "
			 "applications with too many",
		    n_left_out);
	for (int i = 0; i < APPLICATION_WSO2__MAX; i++)
		buf_fini(&documents[i]);
	buf_fini(&text);
	return ok;
}

void
application_feed_fetch(struct application_feed *f, unsigned limit_ms)
{
	int64_t pause_us = f->every_us < PAUSE_US ? f->every_us : PAUSE_US;
	char why[512] = "";

	if (limit_ms > f->timeout_ms)
		limit_ms = f->timeout_ms;
	if (!is_due(f) || !state_lease(f->state, f->name))
		return;
	/* Who had the lease before may have brought it. */
	if (is_due(f) && remote_file_try(f->folder, f->name, pause_us) &&
	    !bring(f, limit_ms, why, sizeof(why)))
		log_warn("applications not taken url=%.*s: %s",
		    SPAN_ARG(f->url), why);
	state_lease_end(f->state, f->name);
}

static void
end_thread(struct application_feed *f)
{
	atomic_store(&f->running, false);
	application_feed_put(f);
	pthread_mutex_lock(&threads.lock);
	threads.n--;
	pthread_cond_broadcast(&threads.ended);
	pthread_mutex_unlock(&threads.lock);
}

static void *
run(void *arg)
{
	application_feed_fetch(arg, UINT_MAX);
	end_thread(arg);
	return NULL;
}

void
application_feed_drop(const struct application_feed *f)
{
	(void)unlink(f->path); /* else it is old some time */
}

void
application_feed_poll(struct application_feed *f)
{
	pthread_t thread;

	if (!is_due(f) || atomic_exchange(&f->running, true))
		return;
	pthread_mutex_lock(&threads.lock);
	threads.n++;
	pthread_mutex_unlock(&threads.lock);
	atomic_fetch_add(&f->n_users, 1);
	if (pthread_create(&thread, NULL, run, f) == 0)
		pthread_detach(thread);
	else
		end_thread(f); /* it is due the next time, too */
}

void
application_feed_wait(void)
{
	pthread_mutex_lock(&threads.lock);
	while (threads.n > 0)
		pthread_cond_wait(&threads.ended, &threads.lock);
	pthread_mutex_unlock(&threads.lock);
}
