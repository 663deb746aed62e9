/*
 * reference - ${env:NAME} and ${file:PATH} in texts of the operator.
 *
 * They stand for a value that is looked up when the gate starts, so that
 * neither secrets nor addresses of one machine get into a bundle.  A NAME
 * that a web server sets for each request (CGI variables, HTTP_*) is
 * refused: a client could have chosen its value.
 */
#ifndef MGW_POLICY_REFERENCE_H
#define MGW_POLICY_REFERENCE_H

#include "base/arena.h"

enum reference_kind {
	REFERENCE_NONE, /* "literal" is all that was left */
	REFERENCE_ENV,
	REFERENCE_FILE,
};

struct reference {
	struct span literal; /* what stands before it */
	enum reference_kind kind;
	struct span name; /* NAME or PATH */
};

/* There is a "${" in it. */
bool reference_in(struct span text);

/*
 * Cut the next literal and reference off "*rest", which becomes absent at
 * the end; a loop runs while rest->p != NULL.  False: "*why" is a static
 * text about what is wrong.
 */
bool reference_next(struct span *rest, struct reference *r, const char **why);

/* A variable's name that may be asked for. */
bool reference_name_ok(struct span name);

/* What ${env:NAME} stands for; p == NULL or n == 0: it is missing. */
typedef struct span reference_env(void *world, struct span name);

/*
 * "text" with each reference replaced by its value, in "a" and followed by
 * a NUL; "text" itself when it has none.  Files are trusted files beside
 * "beside", and a newline at their end is cut.  p == NULL with "why": a
 * value is missing, empty, too long or has control bytes.
 */
struct span reference_expand(struct span text, struct span beside,
    reference_env *env, void *world, struct arena *a, char *why,
    size_t why_size);

#endif
