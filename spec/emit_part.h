/*
 * emit_part - what the files of emit share; for emit*.c alone.
 */
#ifndef MGW_SPEC_EMIT_PART_H
#define MGW_SPEC_EMIT_PART_H

#include "policy/build.h"
#include "spec/emit.h"

struct emit {
	const struct spec *spec;
	struct build *b;
	struct arena *arena;
	bool failed;

	/* The list whose rows were written last: most operations share it. */
	const struct spec_alternative *last;
	struct range last_range;
	const struct spec_changed *last_changed;
	struct range last_changes;

	uint32_t key_file, users; /* SOURCE, or ROW_NONE */
};

/* emit_changes.c: what is changed of a request, and bodies of refusals. */
struct range emit_changes(struct emit *e, const struct spec_changed *list);
struct range emit_error_bodies(
    struct emit *e, const struct spec_error_body *list);

struct range emit_words(struct emit *e, const struct spec_word *words);
uint32_t emit_source(struct emit *e, const struct spec_source *s);

/* emit_tokens.c: servers first, as issuers may refer to them. */
void emit_introspects(struct emit *e);
struct range emit_identities(struct emit *e);
void emit_assertion(struct emit *e);

/* How keys of "i" are made at API row "api". */
void emit_issue(struct emit *e, const struct spec_issuer *i, uint32_t api);
void emit_issuers(struct emit *e);
void emit_hosts(struct emit *e);
void emit_applications(struct emit *e);
struct range emit_introspect_list(
    struct emit *e, const struct spec_word *words);

/* How an endpoint is reached (emit_reach.c). */
void emit_reach(struct emit *e, const struct spec_document *doc,
    const struct spec_url *url, struct row_endpoint *row);

/* emit_revocation.c. */
void emit_revocations(struct emit *e);

/* The LIMIT rows of failures (emit_throttle.c). */
struct range emit_failures(struct emit *e);

/* Once all tiers have rows: CONDITION rows, in settings and tiers. */
void emit_conditions(struct emit *e);

/* The row of a zone, which all that go by it share; plus one. */
uint32_t emit_zone(struct emit *e, struct spec_zone *z);

#endif
