/*
 * change_name - fields and parameters that a change by declaration may not
 * touch.
 *
 * Refused are what frames a message or concerns one connection, what the
 * gate writes itself, what carries credentials, and what would command the
 * web server; also on the way back, where it would let a cache keep what is
 * one client's, or serve a local file.
 */
#ifndef MGW_POLICY_CHANGE_NAME_H
#define MGW_POLICY_CHANGE_NAME_H

#include "policy/bundle.h"

/*
 * A change of "kind" may do "how" to "name"; NULL, or a static text that
 * ends "'NAME' ...".  What depends on the API is not known here.
 */
const char *change_name_wrong(
    enum change_kind kind, enum change_how how, struct span name);

/*
 * A request's header that no value may be taken from, because it does not
 * reach the backend either: credentials, and what is the gate's to say.
 */
bool change_name_is_hidden(struct span header);

/* An answer's header that speaks for a whole origin, not for one API. */
bool change_name_is_wide(struct span header);

#endif
