/*
 * state_place - where the state directory is when nobody says.
 */
#ifndef MGW_TOOLS_STATE_PLACE_H
#define MGW_TOOLS_STATE_PLACE_H

#include <stddef.h>

/* MGW_STATE, else ~/.mgw/state, else the system's; may be in "room". */
const char *state_place(char *room, size_t size);

#define STATE_PLACE_SYSTEM "/var/lib/mgw"

#endif
