/*
 * emit - the rows of a bundle from a model without errors.
 *
 * Equal models give equal bytes: rows follow the order of the files, and
 * nothing of the time or place of the import goes in.
 */
#ifndef MGW_SPEC_EMIT_H
#define MGW_SPEC_EMIT_H

#include "spec/link.h"

/* The bundle for a linked "s"; false: out of memory, or too large. */
bool emit_bundle(const struct spec *s, struct buf *bytes);

#endif
