/*
 * app - what the parts of mgw-app share; each command is a function.
 */
#ifndef MGW_TOOLS_APP_H
#define MGW_TOOLS_APP_H

#include "base/args.h"
#include "policy/application.h"
#include "tools/edited.h"

#define VALUES_MAX 256

/* Those up to the first that is no field stand in a line by this name. */
enum option {
	OPTION_NAME,
	OPTION_OWNER,
	OPTION_UUID,
	OPTION_TIER,
	OPTION_TYPE,
	OPTION_GROUP,
	OPTION_SUBSCRIPTION,
	OPTION_CLIENT,
	OPTION_SANDBOX_CLIENT,
	OPTION_USER,
	OPTION_HOST_USER,
	OPTION_CERTIFICATE,
	OPTION__FIELDS,
	OPTION_FILE = OPTION__FIELDS,
	OPTION_API,
	OPTION_JSON,
};

/* A field that an option gives. */
struct app_value {
	enum option option;
	struct span text; /* empty: none of this kind */
};

struct call {
	const char *file, *operand;
	struct app_value values[VALUES_MAX];
	size_t n_values;
	struct span api, tier;
	bool json;
	unsigned used; /* bits of options given */
	struct edited edited;
	struct applications *apps;
	struct arena arena;
};

extern const struct args_program app_program;

/* What application.h calls a field. */
extern const char *const app_field_names[OPTION__FIELDS];

/* Read the file; false after a message. */
bool app_open(struct call *c, bool change);

/* The application that is the operand; false after a message. */
bool app_find(struct call *c, struct application *app);

/*
 * app_drop.c: subscriptions to "api" (absent: all), or its blocks, and all
 * of the kinds that options give anew.
 */
void app_drop_subscriptions(
    struct application *app, struct span api, bool blocked);
void app_drop_replaced(const struct call *c, struct application *app);

/* app_show.c: commands; each returns its exit code. */
int app_list(struct call *c);
int app_show(struct call *c);

#endif
