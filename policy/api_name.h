/*
 * api_name - what files that people edit call an API.
 *
 * "TITLE" for all its versions, or "TITLE/VERSION"; a title may have
 * slashes.
 */
#ifndef MGW_POLICY_API_NAME_H
#define MGW_POLICY_API_NAME_H

#include "policy/bundle.h"

enum api_name {
	API_NAME_OTHER,
	API_NAME_TITLE,   /* any version of it */
	API_NAME_VERSION, /* this one */
};

enum api_name api_name_match(
    struct span name, struct span title, struct span version);

/* In mgw.conf, where the base path is a name as well. */
bool api_name_in_config(
    struct span name, const struct bundle *b, const struct row_api *api);

#endif
