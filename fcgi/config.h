/*
 * config - what differs per machine: mgw.conf, MGW_*, and options.
 *
 * Options win over MGW_* in the process environment, which wins over
 * mgw.conf.  FastCGI and CGI parameters never count.  mgw.conf(5) lists
 * every key.
 */
#ifndef MGW_FCGI_CONFIG_H
#define MGW_FCGI_CONFIG_H

#include "base/arena.h"
#include "base/log.h"
#include "fcgi/upstream.h"
#include "policy/certificate_field.h"
#include "policy/client.h"

struct config_endpoint {
	struct config_endpoint *next;
	struct span api; /* title, title/version, base path, operationId */
			 /* or the name of a list of endpoints */
	unsigned index;
	bool sandbox;
	struct span url;
	const char *origin; /* FILE:LINE or the variable's name */
};

/* An API that is closed on this machine. */
struct config_closed {
	struct config_closed *next;
	struct span api; /* title, title/version or base path */
	uint32_t retry_s;
	const char *origin; /* as of an endpoint */
};

struct config_pair {
	struct config_pair *next;
	struct span name;
	struct span value;
};

struct config {
	struct arena arena;
	const char *file;   /* mgw.conf that was read, or NULL */
	const char *bundle; /* absolute paths from here on */
	const char *state;
	const char *events;    /* path, "syslog", "stderr" or "off" */
	const char *error_log; /* path, or NULL for standard error */
	enum log_level log_level;
	const char *listen[8]; /* "unix:PATH", "tcp:ADDR:PORT" */
	unsigned n_listen;
	const char *listen_group;
	unsigned threads;
	unsigned queue_time_ms;
	unsigned state_counters, state_slides; /* 0: as it is */
	const char *state_memory;              /* NULL: on disk */
	unsigned state_snapshot_s; /* how old the copy on disk may be */
	const char *health_path;   /* NULL: off */
	struct span strip_prefix;
	struct network *trusted_proxies; /* whose X-Forwarded-* count */
	unsigned n_trusted_proxies;
	enum client_header proxy_header;      /* which of theirs */
	struct certificate_rules certificate; /* what a proxy tells of one */
	const char *certificate_origin; /* FILE:LINE that names it, or NULL */
	const char *web_server_user;
	struct config_endpoint *endpoints;
	struct config_closed *closed;
	struct span store; /* where it is; p == NULL: as mgw.yaml */
	struct config_pair *environment; /* "env NAME VALUE" and -e */
	struct span peer_secret;         /* MGW_PEER_SECRET; p == NULL: none */
	bool allow_root;
	bool check_only;
	bool check_json; /* in JSON */
	int exit_code;   /* see config_load */
};

/*
 * From the command line, the environment and mgw.conf.  False: "why" has
 * FILE:LINE and what to do; or, when it is empty, all was said already
 * (--help, wrong use) and the process ends with c->exit_code.
 * When REQUEST_METHOD is in "environment" this is for one CGI request:
 * then no path may lie below DOCUMENT_ROOT.
 */
bool config_load(struct config *c, int argc, char **argv, char **environment,
    char *why, size_t why_size);
void config_fini(struct config *c);

/*
 * The value of NAME for a secret or a URL: "env" of mgw.conf, else the
 * process environment; p == NULL when it is missing, empty, or a name that
 * a web server or its client sets (HTTP_*, CGI variables).
 */
struct span config_env(const struct config *c, struct span name);

/* The same as a reference_env of policy/reference.h. */
struct span config_lookup(void *config, struct span name);

/* The same for MGW_NAME, which mgw.conf and -e may call NAME. */
struct span config_override(const struct config *c, struct span name);

/* There may be a variable for an endpoint, or for who we are there. */
bool config_may_override(const struct config *c);

#endif
