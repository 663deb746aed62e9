/*
 * emit_revocation - rows of "revocation" of mgw.yaml.
 */
#include "base/clock.h"
#include "spec/emit_part.h"
#include "spec/revocation.h"

void
emit_revocations(struct emit *e)
{
	const struct spec_revocation *s = e->spec->policy->revocations;

	for (; s != NULL; s = s->next) {
		struct row_revocation row = { .password = ROW_NONE,
			.every_s = (uint32_t)(s->every_us / US_PER_S),
			.max_age_s = (uint32_t)(s->max_age_us / US_PER_S),
			.timeout_ms = (uint32_t)(s->timeout_us / US_PER_MS) };
		struct span origin = arena_printf(
		    e->arena, "%s:%u", s->place.file, s->place.line);

		e->failed |= origin.p == NULL;
		row.file = build_text(e->b, s->file.text);
		row.feed = build_text(e->b, s->feed.text);
		row.user = build_text(e->b, s->user.text);
		row.origin = build_text(e->b, origin);
		row.issuers = emit_words(e, s->issuers);
		if (s->password != NULL)
			row.password = emit_source(e, s->password);
		(void)BUILD_ROW(e->b, SECTION_REVOCATION, &row);
	}
}
