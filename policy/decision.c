/*
 * decision - see decision.h.
 */
#include "policy/decision.h"

static const struct {
	const char *word;
	unsigned status;
	unsigned code;
	const char *title;
} reasons[REASON__MAX] = {
#define REASON_ROW(name, word, status, code, title) \
	[REASON_##name] = { word, status, code, title },
	REASONS(REASON_ROW)
#undef REASON_ROW
};

const char *
reason_word(enum reason r)
{
	return reasons[r].word;
}

unsigned
reason_status(enum reason r)
{
	return reasons[r].status;
}

unsigned
reason_wso2_code(enum reason r)
{
	return reasons[r].code;
}

const char *
reason_title(enum reason r)
{
	return reasons[r].title;
}

bool
refuse(struct decision *d, enum reason r, struct span detail)
{
	*d = (struct decision){ .reason = r, .detail = detail };
	return false;
}
