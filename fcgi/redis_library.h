/*
 * redis_library - hiredis and libssl, loaded when a store is first used;
 * private to redis.c and redis_tls.c.
 *
 * Linking them would cost every CGI request that has no store to ask.
 */
#ifndef MGW_FCGI_REDIS_LIBRARY_H
#define MGW_FCGI_REDIS_LIBRARY_H

#include <hiredis/hiredis.h>
#include <openssl/ssl.h>
#include <stdbool.h>

#define REDIS_HIREDIS_FUNCTIONS(FUNCTION)          \
	FUNCTION(redis, FormatCommandArgv)         \
	FUNCTION(redis, ReaderCreateWithFunctions) \
	FUNCTION(redis, ReaderFeed)                \
	FUNCTION(redis, ReaderFree)                \
	FUNCTION(redis, ReaderGetReply)

#define REDIS_SSL_FUNCTIONS(FUNCTION)                \
	FUNCTION(SSL_, CTX_ctrl)                     \
	FUNCTION(SSL_, CTX_free)                     \
	FUNCTION(SSL_, CTX_load_verify_locations)    \
	FUNCTION(SSL_, CTX_new)                      \
	FUNCTION(SSL_, CTX_set_default_verify_paths) \
	FUNCTION(SSL_, CTX_set_verify)               \
	FUNCTION(SSL_, connect)                      \
	FUNCTION(SSL_, ctrl)                         \
	FUNCTION(SSL_, free)                         \
	FUNCTION(SSL_, get0_param)                   \
	FUNCTION(SSL_, get_error)                    \
	FUNCTION(SSL_, get_verify_result)            \
	FUNCTION(SSL_, new)                          \
	FUNCTION(SSL_, read)                         \
	FUNCTION(SSL_, set1_host)                    \
	FUNCTION(SSL_, set_fd)                       \
	FUNCTION(SSL_, set_hostflags)                \
	FUNCTION(SSL_, write)                        \
	FUNCTION(TLS_, client_method)

#define REDIS_MEMBER(prefix, word) __typeof__(prefix##word) *word;
struct redis_hiredis {
	REDIS_HIREDIS_FUNCTIONS(REDIS_MEMBER)
};
struct redis_ssl {
	REDIS_SSL_FUNCTIONS(REDIS_MEMBER)
};
#undef REDIS_MEMBER

/*
 * Loaded once; safe from every thread.  NULL: "why" says what is missing.
 */
const struct redis_hiredis *redis_hiredis_get(char *why, size_t why_size);
const struct redis_ssl *redis_ssl_get(char *why, size_t why_size);

#endif
