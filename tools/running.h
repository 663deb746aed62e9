/*
 * running - what the gates that run on a state know, for tools that change
 * it: a name that none of them has is likely a mistake, which nobody would
 * notice until a rule does not hold.
 */
#ifndef MGW_TOOLS_RUNNING_H
#define MGW_TOOLS_RUNNING_H

#include "policy/state.h"

/*
 * Warn on standard error of an API (TITLE or TITLE/VERSION), or of an
 * issuer of tokens, that no running gate's bundle has.  Says nothing where
 * no gate runs, as a bundle may come later.
 */
void running_warn_api(
    const char *program, struct state *s, struct arena *a, struct span api);
void running_warn_issuer(
    const char *program, struct state *s, struct arena *a, struct span issuer);

/* Warn that "dir" has no state yet, so that no gate can be using it. */
void running_warn_new(const char *program, const char *dir);

#endif
