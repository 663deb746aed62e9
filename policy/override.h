/*
 * override - the names by which one machine replaces an endpoint.
 *
 * Each endpoint of a bundle has names that can be told from the documents
 * alone:
 *
 *	MGW_ENDPOINT_PETS_0			the API "Pets"
 *	MGW_ENDPOINT_PETS_1_0_0			where several are named so
 *	MGW_ENDPOINT_PETS_GETPET_0		its operation getPet
 *	MGW_ENDPOINT_STORE_0			x-wso2-endpoints/store
 *	MGW_SANDBOX_PETS_0			of the sandbox
 *	store_prod_endpoint_0			WSO2 3.x: reference, or
 *	getPet_sand_endpoint_0			operation, or
 *	api_35e4...5c4_prod_endpoint_0		SHA-256 of "title:version"
 *	Pets.1.0.0.prod.endpoint.0		WSO2 2.x
 *
 * and each list of them the same for who we are there:
 *
 *	MGW_ENDPOINT_PETS_USER			and _PASSWORD
 *	store_prod_basic_username		and _password
 *	Pets.1.0.0.prod.basic.username		and .password
 *	Pets.1.0.0.basic.username		and .password, of both lists
 */
#ifndef MGW_POLICY_OVERRIDE_H
#define MGW_POLICY_OVERRIDE_H

#include "policy/bundle.h"

/* Whose endpoint: of an API, or of one of its operations. */
struct override {
	const struct bundle *bundle;
	const struct row_api *api;
	const struct row_operation *operation; /* NULL: of the API */
	struct range list;                     /* ENDPOINT, may be empty */
	bool sandbox;
};

#define OVERRIDE_NAMES_MAX 4

/*
 * The names of endpoint "index", in "a", the readable one first; how many.
 * 0: it has none (an operation without an id), or the arena is full.
 */
unsigned override_names(const struct override *o, unsigned index,
    struct arena *a, struct span names[OVERRIDE_NAMES_MAX]);

enum override_login {
	OVERRIDE_USER,
	OVERRIDE_PASSWORD
};

#define OVERRIDE_LOGINS_MAX 4

/* The same for user or password of "o"'s list. */
unsigned override_logins(const struct override *o, enum override_login which,
    struct arena *a, struct span names[OVERRIDE_LOGINS_MAX]);

#endif
