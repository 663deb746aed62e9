/*
 * template - text with values that are filled in: "/v2/${path.id}".
 *
 * "${NAME}" and "${NAME.WHICH}" are values; "$${" stands for "${" itself.
 * Which names there are depends on the place.
 */
#ifndef MGW_SPEC_TEMPLATE_H
#define MGW_SPEC_TEMPLATE_H

#include "spec/model.h"

/* Longer texts are refused; so are those with more values. */
#define TEMPLATE_BYTES_MAX (16 * 1024)
#define TEMPLATE_PARTS_MAX 64

struct template_word {
	const char *name;     /* NULL ends a list */
	uint32_t value;       /* enum change_value, or enum identity */
	bool which;           /* it has a part behind a dot */
	enum name_kind field; /* of VALUE_FIELD */
};

struct spec_part {
	struct spec_part *next;
	const struct template_word *word; /* NULL: text as it stands */
	struct span text;                 /* that, or what is behind the dot */
};

/*
 * Read "t", which "what" names in messages.  False after an error with the
 * rule "template".
 */
bool template_read(const struct spec_text *t, const char *what,
    const struct template_word *words, struct spec_part **parts,
    struct diag *d);

/* With "value" for each value; for checks.  p == NULL: the arena is full. */
struct span template_sample(
    const struct spec_part *parts, struct span value, struct arena *a);

#endif
