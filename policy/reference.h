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

#include "base/span.h"

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

#endif
