/*
 * openapi_in - what the parts of the reader of documents share.
 *
 * Private to openapi*.c.  Errors are for what mgw would have to guess,
 * and for what breaks a "must" on which a decision hangs; what is merely
 * untidy, or is not enforced, is a warning.
 */
#ifndef MGW_SPEC_OPENAPI_IN_H
#define MGW_SPEC_OPENAPI_IN_H

#include "spec/model.h"
#include "spec/table.h"

/* x-auth-type of an operation, judged when all extensions are known. */
struct auth_type {
	struct auth_type *next;
	struct spec_operation *operation;
	const struct node *node;
};

struct reader {
	struct diag *d;
	struct spec_document *doc;
	const struct node *root;
	unsigned minor;             /* of 3.x: 0, 1, 2 */
	struct table schemes;       /* by name: struct spec_scheme */
	struct table operation_ids; /* struct node, the first of the name */
	struct table paths;         /* by shape: struct spec_path */
	struct auth_type *auth_types;
};

/* openapi_util.c: checks of kind.  False after an error. */

/* NULL, with the error noted, when the arena is full. */
void *reader_alloc(struct reader *r, size_t bytes);

bool reader_is(
    struct reader *r, const struct node *n, const char *what, enum node_kind k);

/* A string; a number or a bool counts as its text when "loose". */
bool reader_text(struct reader *r, const struct node *n, const char *what,
    bool loose, struct spec_text *t);

/* Exactly true or false. */
bool reader_switch(struct reader *r, const struct node *n, const char *what,
    enum spec_switch *s);

/*
 * Keys that are neither known nor begin with x-: a warning, but an error
 * where "security" may have been meant (or stands where it means nothing,
 * as in a path item), since the gate would be left open.
 * "known" ends with NULL.
 */
void reader_keys(struct reader *r, const struct node *map, const char *what,
    const char *const *known);

/* openapi_path.c */

/* A base path: segments and escapes; no variables. */
bool path_check(struct reader *r, struct spec_text path, const char *what);

void read_paths(struct reader *r);

/* openapi_item.c: what one path item says. */
void read_item(struct reader *r, struct spec_path *p, struct node *n);

/* openapi_security.c */
void read_schemes(struct reader *r);
void read_security(
    struct reader *r, const struct node *n, struct spec_security *s);

/* openapi_server.c */
void read_servers(struct reader *r); /* of the document, any dialect */
struct spec_url *read_server_list(
    struct reader *r, const struct node *list, struct spec_text *base_path);
void set_base_path(
    struct reader *r, struct spec_text written, const char *what);

/* openapi_endpoint.c: ours, else WSO2's; NULL: neither. */
struct spec_url *read_backend(
    struct reader *r, const struct node *map, bool sandbox);

#define WSO2_PRODUCTION "x-wso2-production-endpoints"
#define WSO2_SANDBOX "x-wso2-sandbox-endpoints"
#define WSO2_TIER "x-wso2-throttling-tier"
#define WSO2_APP_SECURITY "x-wso2-application-security"
#define WSO2_MUTUAL_SSL "x-wso2-mutual-ssl"

/* openapi_ext.c */
void read_root_extensions(struct reader *r);
void read_operation_extensions(
    struct reader *r, const struct node *n, struct spec_operation *o);
void note_item_extensions(struct reader *r, const struct node *n);
void judge_auth_types(struct reader *r);

/* wso2.c: what is not enforced here, for link to judge. */
void read_wso2_root(struct reader *r);
void read_wso2_operation(
    struct reader *r, const struct node *n, struct spec_operation *o);
void read_wso2_item(struct reader *r, const struct node *n);

#endif
