/*
 * remote_file - see remote_file.h.
 */
#include "fcgi/remote_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "policy/keyset.h"

#define HEAD_BYTES_MAX 4096
#define SUM_DIGITS 32

/* What the keyed sum of a kept document covers. */
static struct hash128
sum_of(const struct state *state, struct span url, struct span times,
    struct span body)
{
	struct hash128 h = { 0, 0 };
	struct buf b;

	buf_init(&b, KEY_SET_BYTES_MAX + HEAD_BYTES_MAX);
	buf_printf(&b, "remote %zu ", url.n);
	buf_add(&b, url);
	buf_add(&b, times);
	buf_add_char(&b, '\n');
	buf_add(&b, body);
	if (!b.failed)
		h = state_sum(state, buf_span(&b));
	buf_fini(&b);
	return h;
}

static bool
name_file(const char *folder, struct span url, const char *suffix, char *to)
{
	static const struct siphash_key none;
	struct hash128 h = siphash_128(&none, url);
	int n = snprintf(to, PATH_MAX, "%s/jwks/%016llx%016llx%s", folder,
	    (unsigned long long)h.hi, (unsigned long long)h.lo, suffix);

	return n > 0 && n < PATH_MAX;
}

static bool
parse_times(struct span times, struct remote_kept *kept)
{
	int64_t now_us = clock_wall_us();
	uint64_t fetched, due;

	if (!span_to_u64(span_cut(&times, ' '), INT64_MAX, &fetched) ||
	    !span_to_u64(times, INT64_MAX, &due))
		return false;
	/* A clock that was set back makes nothing younger than now. */
	kept->fetched_us =
	    (int64_t)fetched < now_us ? (int64_t)fetched : now_us;
	kept->left_us = (int64_t)due > now_us ? (int64_t)due - now_us : 0;
	return now_us - kept->fetched_us <= REMOTE_STALE_S * US_PER_S;
}

bool
remote_file_read(const char *folder, const struct state *state, struct span url,
    struct buf *body, struct remote_kept *kept)
{
	char path[PATH_MAX], why[256], hex[SUM_DIGITS + 1];
	struct span rest, times, sum;
	struct buf b = { 0 };
	struct hash128 h;
	bool ok = false;

	if (!name_file(folder, url, ".json", path) ||
	    !file_read(path, FILE_TRUSTED, KEY_SET_BYTES_MAX + HEAD_BYTES_MAX,
		&b, NULL, why, sizeof(why)))
		return false;
	rest = buf_span(&b);
	times = span_cut(&rest, '\n');
	sum = span_cut(&times, ' ');
	if (rest.p != NULL && times.p != NULL) {
		h = sum_of(state, url, times, rest);
		(void)snprintf(hex, sizeof(hex), "%016llx%016llx",
		    (unsigned long long)h.hi, (unsigned long long)h.lo);
		ok = (h.hi | h.lo) != 0 && span_eq(sum, span_str(hex)) &&
		    parse_times(times, kept);
	}
	if (ok) {
		buf_add(body, rest);
		ok = !body->failed;
	}
	if (!ok)
		buf_reset(body);
	buf_fini(&b);
	return ok;
}

static bool
make_folder(const char *folder)
{
	char path[PATH_MAX];
	int n = snprintf(path, sizeof(path), "%s/jwks", folder);

	if (n < 0 || (size_t)n >= sizeof(path))
		return false;
	if (mkdir(path, 0700) == 0 || errno == EEXIST)
		return true;
	log_warn("%s errno=%d", path, errno);
	return false;
}

void
remote_file_write(const char *folder, const struct state *state,
    struct span url, struct span body, int64_t life_us)
{
	int64_t now_us = clock_wall_us();
	char path[PATH_MAX], why[256], times[64];
	struct hash128 h;
	struct buf b;

	if (!name_file(folder, url, ".json", path) || !make_folder(folder))
		return;
	(void)snprintf(times, sizeof(times), "%lld %lld", (long long)now_us,
	    (long long)(now_us + life_us));
	h = sum_of(state, url, span_str(times), body);
	buf_init(&b, KEY_SET_BYTES_MAX + HEAD_BYTES_MAX);
	buf_printf(&b, "%016llx%016llx %s\n", (unsigned long long)h.hi,
	    (unsigned long long)h.lo, times);
	buf_add(&b, body);
	if (!b.failed &&
	    !file_write(path, buf_span(&b), 0600, why, sizeof(why)))
		log_warn("key set not kept on disk: %s", why);
	buf_fini(&b);
}

bool
remote_file_identify(
    const char *folder, struct span url, struct file_identity *id)
{
	char path[PATH_MAX];

	return name_file(folder, url, ".json", path) && file_identify(path, id);
}

bool
remote_file_try(const char *folder, struct span url, int64_t pause_us)
{
	char path[PATH_MAX];
	struct stat st;
	int64_t age_us;
	int fd;

	/* Where nothing can be noted, nothing holds the next one back. */
	if (!name_file(folder, url, ".tried", path) || !make_folder(folder))
		return false;
	fd = open(
	    path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd != -1) {
		close(fd);
		return true;
	}
	if (errno != EEXIST || lstat(path, &st) != 0)
		return false;
	age_us = clock_wall_us() - st.st_mtim.tv_sec * US_PER_S -
	    st.st_mtim.tv_nsec / 1000;
	if (age_us >= 0 && age_us < pause_us)
		return false;
	return utimensat(AT_FDCWD, path, NULL, AT_SYMLINK_NOFOLLOW) == 0;
}
