/*
 * source - the objects behind SOURCE rows, from files, environment and the
 * bundle itself.
 *
 * What is loaded is immutable; the gate replaces the whole object when the
 * file changes, tools load it once.
 */
#ifndef MGW_POLICY_SOURCE_H
#define MGW_POLICY_SOURCE_H

#include "policy/application.h"
#include "policy/bundle.h"
#include "policy/keyfile.h"
#include "policy/keyset.h"
#include "policy/outside.h"
#include "policy/reference.h"
#include "policy/userfile.h"

struct source_object {
	struct source view; /* for struct outside; generation is set */
	struct file_identity identity; /* of SOURCE_FILE */
	struct key_set *keys;
	struct key_file *key_file;
	struct user_file *users;
	struct applications *applications;
	struct buf secret;
	struct sign_key *signer;
};

/* What reading a source takes from whoever reads it. */
struct source_reader {
	const struct bundle *bundle;
	reference_env *env; /* for ${env:NAME} and SOURCE_ENV */
	void *world;        /* passed to both functions */
	/* Names a content; NULL: a sum that anybody could make. */
	uint64_t (*generation)(void *world, struct span text);
	struct buf *notes; /* a line for each key skipped; may be NULL */
};

/*
 * Load row "row" from its file (FILE_TRUSTED), the environment or the
 * bundle.  False: "why" says what is wrong; nothing is held.  A SOURCE_URL
 * cannot be loaded so: fetch it, then source_parse.
 */
bool source_load(const struct source_reader *r, uint32_t row,
    struct source_object *o, char *why, size_t why_size);

/* Make the object of row "row" from "text"; "remote" as for key_set_new. */
bool source_parse(const struct source_reader *r, uint32_t row, struct span text,
    bool remote, struct source_object *o, char *why, size_t why_size);

void source_free(struct source_object *o);

/*
 * Where a SOURCE_FILE or SOURCE_URL is, its references replaced: the path
 * as it is if absolute, else beside the bundle; the URL if it is https, or
 * http to this machine.  In "a", NUL-terminated; p == NULL with "why".
 */
struct span source_place(const struct source_reader *r, uint32_t row,
    struct arena *a, char *why, size_t why_size);

#endif
