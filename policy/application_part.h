/*
 * application_part - what the files of application share; for them alone.
 */
#ifndef MGW_POLICY_APPLICATION_PART_H
#define MGW_POLICY_APPLICATION_PART_H

#include "base/siphash.h"
#include "policy/application.h"

struct application_index; /* application_index.c */

/* As applications_find(). */
enum applications_result application_index_find(
    const struct application_index *x, const struct application_key *key,
    struct arena *a, struct application *to);
void application_index_close(struct application_index *x);

/* Applications that are found by "x", which it takes; NULL: no memory. */
struct applications *applications_of_index(
    struct application_index *x, size_t n, size_t n_blocked);

/* The text, and how many keys lead into it. */
struct span applications_text(const struct applications *f);
size_t applications_n_keys(const struct applications *f);

/* The name of a key under a key of hashes. */
uint64_t application_hash(
    const struct siphash_key *secret, const struct application_key *key);

/* Every key that leads to "app"; "*n" counts, call until false. */
bool application_keys(const struct application *app,
    const struct application_credential **at, unsigned *n,
    struct application_key *key);

/* "key" leads to "app". */
bool application_has(
    const struct application *app, const struct application_key *key);

#endif
