/*
 * json_part - what the scanner in json.c is made of; private to json*.c.
 */
#ifndef MGW_BASE_JSON_PART_H
#define MGW_BASE_JSON_PART_H

#include "base/arena.h"
#include "base/span.h"

struct json_names {
	struct span *names;
	uint32_t *table; /* index + 1, 0 is free; "size" * 2 places */
	uint32_t n;
	uint32_t size; /* a power of two */
};

/* Add a name to the set of an open object; an error text, or NULL. */
const char *json_names_add(
    struct json_names *set, struct span name, struct arena *a);

/*
 * The text of a string whose bytes "raw" have escapes and end before its
 * quote.  NULL, or an error text and in "*at" where in "raw" it is.
 */
const char *json_unescape(
    struct span raw, struct arena *a, struct span *value, size_t *at);

#endif
