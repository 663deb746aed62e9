/*
 * log - one line per event, for the person who runs the gate.
 *
 * "TIME LEVEL text", where the text is key=value words.  Control bytes
 * and bytes above 0x7e are written as \xNN, so that nothing from outside
 * can forge a line or talk to a terminal.  Secrets never come here.
 * A line is one write(2); safe from every thread.
 */
#ifndef MGW_BASE_LOG_H
#define MGW_BASE_LOG_H

#include "base/span.h"

enum log_level {
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARN,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG,
	LOG_LEVEL__MAX,
};

/* "error", "warn", "info", "debug"; false for anything else. */
bool log_level_parse(struct span name, enum log_level *level);

/* Lines below "level" are dropped.  The start is LOG_LEVEL_INFO. */
void log_set_level(enum log_level level);

/* Whether a line of this level would be written. */
bool log_is_on(enum log_level level);

/*
 * Append to this file from now on (opened O_APPEND, 0640).  NULL is
 * standard error, as at the start.  Calling it again with the same name
 * reopens it.  False leaves the old place in force; errno says why.
 */
bool log_open(const char *path);

void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* As log_error, then exit(2).  Only before the first request is served. */
void log_fatal(const char *format, ...)
    __attribute__((format(printf, 1, 2), noreturn));

#endif
