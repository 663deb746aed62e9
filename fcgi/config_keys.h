/*
 * config_keys - the keys of mgw.conf and what each does to the config.
 *
 * Private to config.c.
 */
#ifndef MGW_FCGI_CONFIG_KEYS_H
#define MGW_FCGI_CONFIG_KEYS_H

#include "fcgi/config.h"

/* Where a value is written, for messages, and what it is relative to. */
struct origin {
	struct config *config;
	const char *place;  /* "mgw.conf:12", "MGW_THREADS" */
	struct span beside; /* file that names it, or "": current folder */
	char *why;
	size_t why_size;
};

struct config_key {
	const char *name;
	bool (*set)(struct origin *o, struct span value);
};

const struct config_key *config_key_find(struct span name);

/* "env NAME VALUE". */
bool config_add_env(struct origin *o, struct span name, struct span value);

/* config_cert.c */
bool set_client_cert_header(struct origin *o, struct span value);
bool set_client_cert_secret(struct origin *o, struct span value);
bool set_client_cert_pass(struct origin *o, struct span value);

/* Both of them and a trusted proxy, or none; the secret is looked up. */
bool config_cert_finish(struct origin *o);

/* Fill "why" with the place and the message; returns false. */
bool origin_wrong(struct origin *o, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* A copy in the config's arena, or NULL with "why". */
const char *origin_text(struct origin *o, struct span value);

#endif
