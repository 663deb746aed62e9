/*
 * json - a strict reader of JSON text (RFC 8259), and its string writer.
 *
 * The reader is a pull scanner: each call gives one event, in document
 * order, with its position.  Refused are: anything RFC 8259 does not
 * allow, a name that comes twice in one object, \u0000 and raw NUL, lone
 * surrogates, ill-formed UTF-8, a byte order mark, bytes behind the value
 * and depth beyond the caller's maximum.  Numbers stay text, so that
 * nothing is rounded.  Every byte of JSON that mgw reads comes through
 * here.
 */
#ifndef MGW_BASE_JSON_H
#define MGW_BASE_JSON_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/span.h"

/* Deep enough for any document of ours, shallow enough for any stack. */
#define JSON_DEPTH_MAX 64

enum json_event {
	JSON_ERROR, /* see "error"; stays so */
	JSON_END,   /* the one value is complete, and nothing follows */
	JSON_OBJECT,
	JSON_OBJECT_END,
	JSON_ARRAY,
	JSON_ARRAY_END,
	JSON_NAME,
	JSON_STRING,
	JSON_NUMBER,
	JSON_TRUE,
	JSON_FALSE,
	JSON_NULL,
};

struct json_names; /* names seen in the objects that are open */

struct json_scan {
	/* After an event: */
	struct span value; /* name or string, unescaped; number as written */
	size_t offset;     /* where the event's text begins, in bytes */
	unsigned line;     /* the same place, from 1 */
	unsigned column;   /* in bytes, from 1 */
	unsigned depth;    /* containers that are open */
	const char *error; /* of JSON_ERROR: what is wrong, for a person */

	/* Private. */
	struct span text;
	size_t at;
	size_t line_start;
	unsigned at_line;
	unsigned max_depth;
	unsigned state;
	uint64_t in_object; /* a bit for each open container */
	struct arena *arena;
	struct json_names *names[JSON_DEPTH_MAX + 1];
};

/*
 * Read "text", at most "max_depth" (up to JSON_DEPTH_MAX) containers deep.
 * "text" is borrowed while scanning; values point into it or, where they
 * had escapes, into "arena", which also holds the names of open objects.
 * A full arena is JSON_ERROR with error "out of memory".
 */
void json_scan_init(struct json_scan *s, struct span text, unsigned max_depth,
    struct arena *arena);
enum json_event json_scan_next(struct json_scan *s);

/*
 * Read over the value that the last event began (a whole container after
 * JSON_OBJECT or JSON_ARRAY, a member's value after JSON_NAME, nothing
 * after a scalar).  False on error.
 */
bool json_scan_skip(struct json_scan *s);

/*
 * Append "s" as a JSON string with its quotes.  '<', '>', '&', DEL and the
 * C1 controls are written as \u escapes too, so that the text is inert
 * inside HTML and on a terminal; bytes that are not UTF-8 become U+FFFD.
 */
void json_write_string(struct buf *b, struct span s);

#endif
