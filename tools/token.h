/*
 * token - what the parts of mgw-token share.
 */
#ifndef MGW_TOOLS_TOKEN_H
#define MGW_TOOLS_TOKEN_H

#include "base/args.h"
#include "policy/jwt.h"
#include "policy/revocation.h"

#define AUDIENCES_MAX 64

/* Of "revoke". */
struct revoke_options {
	const char *names[REVOKED_KIND__MAX];
	const char *api_key, *expires;
	bool list, remove;
};

struct call {
	const char *jwks, *alg, *type, *key, *claims, *kid;
	const char *state;
	struct revoke_options revoke;
	bool jws_only, json;
	struct jwt_rules rules;
	struct span audiences[AUDIENCES_MAX];
	int64_t now_s;
	unsigned used; /* bits of options given */
	char **operands;
	int n_operands;
	struct arena arena;
};

extern const struct args_program token_program;

/* Print a message; returns 2. */
int token_fail(const char *what, const char *why);

/* The commands that need private keys; each returns its exit code. */
int token_sign(struct call *c);
int token_jwks(struct call *c);

int token_revoke(struct call *c);

#endif
