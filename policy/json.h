/*
 * json - objects from JSON text, by json-c behind base/json.h.
 *
 * The strict scanner passes the bytes first; json-c only builds and
 * prints.  A tree belongs to one thread: json-c counts references
 * without atomics.
 */
#ifndef MGW_POLICY_JSON_H
#define MGW_POLICY_JSON_H

#include "base/arena.h"
#include "base/buf.h"

struct json_object; /* json-c's own */

/*
 * NULL: "*error" is a static text.  Integers that do not fit 64 bits are
 * an error, so that nothing is clipped.  Release with json_free.
 */
struct json_object *json_read(struct span text, const char **error);
void json_free(struct json_object *o);

/* A member of an object; NULL if it is absent or "o" is no object. */
struct json_object *json_get(const struct json_object *o, const char *name);

/* The same by a dotted path, "realm_access.roles". */
struct json_object *json_path(const struct json_object *o, struct span path);

bool json_is_string(const struct json_object *o, struct span *s);
bool json_is_array(const struct json_object *o, size_t *n);
bool json_is_object(const struct json_object *o);
struct json_object *json_at(const struct json_object *array, size_t i);

/* Building, for tools.  Each takes ownership of "v"; NULL on no memory. */
struct json_object *json_new_object(void);
struct json_object *json_new_array(void);
struct json_object *json_new_string(struct span s);
struct json_object *json_new_int(int64_t v);
struct json_object *json_new_bool(bool v);
bool json_put(struct json_object *o, const char *name, struct json_object *v);
bool json_append(struct json_object *array, struct json_object *v);

/* Append as text, indented by two or on one line. */
void json_write(const struct json_object *o, bool pretty, struct buf *to);

#endif
