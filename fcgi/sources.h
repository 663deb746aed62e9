/*
 * sources - what stands behind the SOURCE rows of a bundle.
 *
 * A set does not change, but that newer key files and key sets from URLs
 * come into it while requests use it; what they replace stays until the
 * set goes.  The objects in it (key sets, key files, secrets) are counted
 * and shared with the set that follows when a source changes.
 */
#ifndef MGW_FCGI_SOURCES_H
#define MGW_FCGI_SOURCES_H

#include "fcgi/config.h"
#include "fcgi/remote.h"
#include "policy/bundle.h"
#include "policy/outside.h"
#include "policy/state.h"

struct sources;

/*
 * Read all sources of "b", which outlives the set.  NULL: "why" names the
 * one that cannot be read and where it is configured.  "lazy" reads key
 * sets and applications when they are asked for, and what is none then is
 * a fault: for a process of one request and one thread.
 */
struct sources *sources_open(const struct bundle *b, const struct config *c,
    struct state *state, struct remote *remote, bool lazy, char *why,
    size_t why_size);
void sources_free(struct sources *s);

/*
 * The set that follows "s" when a file or a fetched document has changed,
 * or NULL when none has.  What cannot be used any more is SOURCE_FAULT in
 * it: what somebody breaks never opens anything.
 */
struct sources *sources_renew(struct sources *s);

/*
 * What it gives lives as long as the set.  A key file is looked at each
 * time: what it says now counts.
 */
enum source_result sources_get(
    struct sources *s, uint32_t row, struct source *to);

/*
 * A token names key "kid", which source "row" lacks.  A URL is fetched
 * within the bounds of remote.h; after REFRESH_CHANGED, sources_get has it.
 */
enum refresh_result sources_refresh(
    struct sources *s, uint32_t row, struct span kid);

#endif
