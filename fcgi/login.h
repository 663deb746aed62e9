/*
 * login - what the gate shows a backend to be let in, as this machine has
 * it: from the rows of the bundle, mgw.conf and the environment.
 */
#ifndef MGW_FCGI_LOGIN_H
#define MGW_FCGI_LOGIN_H

#include "fcgi/config.h"
#include "policy/override.h"

struct login_making {
	const struct override *override;
	const struct config *config;
	bool overrides; /* some variable may replace a name or password */
	struct arena *arena;
	char *why;
	size_t why_size;
};

/* Leave the proxy of a backend as it is to be used, or out. */
bool login_set_proxy(const struct login_making *m, struct backend *b);

/*
 * Fill user, password and token_url of a backend whose place and security
 * are known, and judge both together.  False: "why" names the place.
 */
bool login_set(const struct login_making *m, struct backend *b);

#endif
