/*
 * source - the objects behind SOURCE rows, from files, environment and the
 * bundle itself.
 *
 * What is loaded is immutable; the gate replaces the whole object when the
 * file changes, tools load it once.
 */
#ifndef MGW_POLICY_SOURCE_H
#define MGW_POLICY_SOURCE_H

#include "policy/bundle.h"
#include "policy/keyfile.h"
#include "policy/keyset.h"
#include "policy/outside.h"
#include "policy/reference.h"

struct source_object {
	struct source view; /* for struct outside; generation is set */
	struct file_identity identity; /* of SOURCE_FILE */
	struct key_set *keys;
	struct key_file *key_file;
	struct buf secret;
};

/*
 * Load row "row" of "b" from its file (FILE_TRUSTED), the environment or
 * the bundle.  False: "why" names the source's origin and what is wrong;
 * nothing is held.  A SOURCE_URL cannot be loaded so: fetch it, then
 * source_parse.
 */
bool source_load(const struct bundle *b, uint32_t row, reference_env *env,
    void *world, struct source_object *o, char *why, size_t why_size);

/* Make the object of row "row" from "text"; "remote" as for key_set_new. */
bool source_parse(const struct bundle *b, uint32_t row, struct span text,
    bool remote, struct source_object *o, char *why, size_t why_size);

void source_free(struct source_object *o);

/*
 * The path of a SOURCE_FILE, its references replaced: as it is if
 * absolute, else beside the bundle; in "a", NUL-terminated; p == NULL with
 * "why".
 */
struct span source_path(const struct bundle *b, uint32_t row,
    reference_env *env, void *world, struct arena *a, char *why,
    size_t why_size);

#endif
