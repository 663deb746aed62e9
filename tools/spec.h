/*
 * spec - the subcommands of mgw-spec, a file for each group of them.
 *
 * Each takes argv from its own name on and returns the exit code: 0 done,
 * 1 refused or found wrong, 2 wrong use or cannot read or write.
 */
#ifndef MGW_TOOLS_SPEC_H
#define MGW_TOOLS_SPEC_H

#include <stdio.h>

#include "policy/bundle.h"
#include "policy/json.h"

#define EXIT_REFUSED 1
#define EXIT_TROUBLE 2

int spec_import(int argc, char **argv); /* spec_import.c */
int spec_check(int argc, char **argv);
int spec_routes(int argc, char **argv); /* spec_show.c */
int spec_show(int argc, char **argv);
int spec_dump(int argc, char **argv);
int spec_explain(int argc, char **argv); /* spec_explain.c */
int spec_serve(int argc, char **argv);   /* spec_serve.c */
int spec_host(int argc, char **argv);    /* spec_host.c */
int spec_env(int argc, char **argv);     /* spec_env.c */

/*
 * Whether the places of the bundle can stand in a web server's configuration,
 * as themselves; else they are told on standard error.
 */
bool spec_host_can_say(
    const struct bundle *b, bool apache, const char *program_name);

/* Append what lighttpd needs to reach an mgw that listens at "socket". */
void spec_host_lighttpd(
    const struct bundle *b, const char *socket, struct buf *to);

/*
 * Open the bundle at "path" as a tool does: any file that can be read.
 * False after a message that begins with "name".
 */
bool spec_open(struct bundle *b, const char *path, const char *name);

/* All of a bundle; NULL without memory. */
struct json_object *spec_bundle_json(const struct bundle *b);

/* An API with the tiers and issuers that it uses, to be compared. */
struct json_object *spec_api_whole_json(const struct bundle *b, uint32_t api);

/* Rules of a tier, or deny rules, in a list. */
struct json_object *spec_conditions_json(
    const struct bundle *b, struct range rules);

/* One alternative, "key+mtls". */
void spec_write_alternative(
    const struct bundle *b, uint32_t row, struct buf *to);

#endif
