/*
 * fields - values of a map, checked one by one as they are taken.
 *
 * For the files that mgw itself defines: every key is known or an error,
 * every value has its kind, and a message says where and what instead.
 * A getter leaves its result as it was when the key is absent or wrong.
 */
#ifndef MGW_SPEC_FIELDS_H
#define MGW_SPEC_FIELDS_H

#include "spec/model.h"

/*
 * Report keys of "n" that are not in "known", a list that ends with NULL;
 * "what" names it in messages.  False only when "n" is no map.
 */
bool fields_check(const struct node *n, const char *what,
    const char *const *known, struct diag *d);

/* A string without ${...}, or with the ones that reference.h allows. */
void field_text(const struct node *map, const char *key, struct spec_text *t,
    struct diag *d);
void field_reference(const struct node *map, const char *key,
    struct spec_text *t, struct diag *d);

/* The same for a node that was found already; false after an error. */
bool node_text(const struct node *n, const char *what, bool references,
    struct spec_text *t, struct diag *d);

/* A list of strings, or one string. */
void field_words(const struct node *map, const char *key,
    struct spec_word **words, struct diag *d);

/* The same for a node that was found already. */
void node_words(const struct node *n, const char *what,
    struct spec_word **words, struct diag *d);

void field_switch(const struct node *map, const char *key, enum spec_switch *s,
    struct diag *d);

/* The number of one of "words", which end with NULL. */
void field_choice(const struct node *map, const char *key,
    const char *const *words, int *choice, struct diag *d);

/* A whole number from "min" to "max". */
void field_number(const struct node *map, const char *key, uint64_t min,
    uint64_t max, uint64_t *v, struct diag *d);

/* "500ms", "5s", "1m", "1h", "1d", in microseconds; at least "min_us". */
void field_duration(const struct node *map, const char *key, uint64_t min_us,
    uint64_t max_us, uint64_t *us, struct diag *d);

/* "64KB", "10MB", "1GB" (of 1024), or bytes; "none" is UINT64_MAX. */
void field_size(const struct node *map, const char *key, uint64_t min,
    uint64_t max, uint64_t *bytes, struct diag *d);

#endif
