/*
 * store_set - what a bundle, mgw.conf and the secrets say of a store.
 */
#ifndef MGW_FCGI_STORE_SET_H
#define MGW_FCGI_STORE_SET_H

#include "fcgi/config.h"
#include "fcgi/store_link.h"
#include "policy/bundle.h"

struct store_set {
	struct arena arena; /* of all texts */
	struct store_link_settings link;
	struct store_names names;
	struct span shown; /* where it is, for people */
};

/* Some tier of "b" is counted in a store. */
bool store_is_needed(const struct bundle *b);

/* The secret of SOURCE row "row", borrowed; false with "why". */
typedef bool store_secret(
    void *world, uint32_t row, struct span *secret, char *why, size_t why_size);

/*
 * False: "why" says what does not fit together; nothing is held but what
 * store_set_fini lets go.
 */
bool store_set_read(struct store_set *s, const struct bundle *b,
    const struct config *c, store_secret *secret, void *world, char *why,
    size_t why_size);
void store_set_fini(struct store_set *s);

#endif
