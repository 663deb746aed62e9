/*
 * application_part - what the files of application share; for them alone.
 */
#ifndef MGW_POLICY_APPLICATION_PART_H
#define MGW_POLICY_APPLICATION_PART_H

#include "base/siphash.h"
#include "policy/application.h"

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
