/*
 * log - see log.h.
 */
#include "base/log.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* A longer line is cut: PIPE_BUF, what one write keeps whole on a pipe. */
#define LINE_MAX_BYTES 4096

static const char *const names[LOG_LEVEL__MAX] = { "error", "warn", "info",
	"debug" };

static atomic_int threshold = LOG_LEVEL_INFO;
static atomic_int out_fd = STDERR_FILENO;

bool
log_level_parse(struct span name, enum log_level *level)
{
	for (int i = 0; i < LOG_LEVEL__MAX; i++) {
		if (span_eq(name, span_str(names[i]))) {
			*level = (enum log_level)i;
			return true;
		}
	}
	return false;
}

void
log_set_level(enum log_level level)
{
	atomic_store(&threshold, (int)level);
}

bool
log_is_on(enum log_level level)
{
	return (int)level <= atomic_load(&threshold);
}

bool
log_open(const char *path)
{
	int fd = STDERR_FILENO, old;

	if (path != NULL) {
		fd = open(path,
		    O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0640);
		if (fd == -1)
			return false;
	}
	old = atomic_load(&out_fd);
	if (old != STDERR_FILENO && fd != STDERR_FILENO) {
		/* Its number stays: no thread writes to a closed one. */
		int rc = dup3(fd, old, O_CLOEXEC);

		close(fd);
		return rc != -1;
	}
	atomic_store(&out_fd, fd);
	return true;
}

/* Copy "from" to "to" with unprintable bytes as \xNN; the length used. */
static size_t
escape(char *to, size_t room, const char *from)
{
	static const char hex[] = "0123456789abcdef";
	size_t n = 0;

	for (; *from != '\0'; from++) {
		unsigned char c = (unsigned char)*from;

		if (c >= 0x20 && c < 0x7f) {
			if (n + 1 > room)
				break;
			to[n++] = (char)c;
			continue;
		}
		if (n + 4 > room)
			break;
		to[n++] = '\\';
		to[n++] = 'x';
		to[n++] = hex[c >> 4];
		to[n++] = hex[c & 15];
	}
	return n;
}

__attribute__((format(printf, 2, 0))) static void
write_line(enum log_level level, const char *format, va_list args)
{
	char text[LINE_MAX_BYTES / 2], line[LINE_MAX_BYTES];
	time_t now = time(NULL);
	struct tm tm;
	size_t n;

	if (!log_is_on(level))
		return;
	if (vsnprintf(text, sizeof(text), format, args) < 0)
		return;
	if (gmtime_r(&now, &tm) == NULL)
		return;
	n = strftime(line, sizeof(line), "%Y-%m-%dT%H:%M:%SZ ", &tm);
	n += (size_t)snprintf(line + n, sizeof(line) - n, "%s ", names[level]);
	n += escape(line + n, sizeof(line) - n - 1, text);
	line[n++] = '\n';
	/* Nothing can be done about a log that does not take a line. */
	if (write(atomic_load(&out_fd), line, n) == -1)
		return;
}

#define LOG_AT(level)                            \
	do {                                     \
		va_list args;                    \
		va_start(args, format);          \
		write_line(level, format, args); \
		va_end(args);                    \
	} while (0)

void
log_error(const char *format, ...)
{
	LOG_AT(LOG_LEVEL_ERROR);
}

void
log_warn(const char *format, ...)
{
	LOG_AT(LOG_LEVEL_WARN);
}

void
log_info(const char *format, ...)
{
	LOG_AT(LOG_LEVEL_INFO);
}

void
log_debug(const char *format, ...)
{
	LOG_AT(LOG_LEVEL_DEBUG);
}

void
log_fatal(const char *format, ...)
{
	LOG_AT(LOG_LEVEL_ERROR);
	exit(2);
}
