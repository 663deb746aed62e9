/*
 * ref_file - the files of a set and one step along a $ref.
 *
 * Private to ref*.c.
 */
#ifndef MGW_SPEC_REF_FILE_H
#define MGW_SPEC_REF_FILE_H

#include "spec/ref.h"

struct ref_file {
	struct ref_file *next;
	const char *real;  /* path without links */
	const char *shown; /* and as "place.file" of its nodes */
	struct node *tree; /* NULL: it could not be read */
};

struct ref_look {
	struct ref_set *set;
	struct node *ref; /* the string */
	bool needed;      /* what is not to be read is an error, too */
};

/* What the reference means, one step; NULL, with a message, if nothing. */
struct node *ref_look(struct ref_look *l);

#endif
