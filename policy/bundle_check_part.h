/*
 * bundle_check_part - what the files of bundle_check share; for them alone.
 */
#ifndef MGW_POLICY_BUNDLE_CHECK_PART_H
#define MGW_POLICY_BUNDLE_CHECK_PART_H

#include "policy/bundle.h"

/* False, with "why" saying which row is damaged in what. */
bool bundle_bad_row(
    char *why, size_t why_size, enum section s, uint32_t row, const char *what);

/* bundle_check_rules.c; a text is absent, or lies in its section whole. */
bool bundle_check_text(const struct bundle *b, struct text t);
bool bundle_check_rules(const struct bundle *b, char *why, size_t why_size);
bool bundle_check_tree(const struct bundle *b, char *why, size_t why_size);
bool bundle_check_tokens(const struct bundle *b, char *why, size_t why_size);
bool bundle_check_backends(const struct bundle *b, char *why, size_t why_size);

#endif
