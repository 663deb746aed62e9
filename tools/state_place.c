/*
 * state_place - see state_place.h.
 */
#include "tools/state_place.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

const char *
state_place(char *room, size_t size)
{
	const struct passwd *me = getpwuid(getuid());
	const char *named = getenv("MGW_STATE");

	if (named != NULL && named[0] != '\0')
		return named;
	if (me != NULL &&
	    snprintf(room, size, "%s/.mgw/state", me->pw_dir) < (int)size &&
	    access(room, F_OK) == 0)
		return room;
	return STATE_PLACE_SYSTEM;
}
