/*
 * token - what the parts of mgw-token share.
 */
#ifndef MGW_TOOLS_TOKEN_H
#define MGW_TOOLS_TOKEN_H

#include "base/args.h"
#include "policy/jwt.h"

#define AUDIENCES_MAX 64

struct call {
	const char *jwks, *alg, *type, *key, *claims, *kid;
	bool jws_only;
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

#endif
