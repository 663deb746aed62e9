/*
 * redis_tls - TLS on a socket that does not block; private to redis.c.
 *
 * TLS 1.2 or later.  The server's certificate must be good for its name,
 * or for its address where it is named by one.
 */
#ifndef MGW_FCGI_REDIS_TLS_H
#define MGW_FCGI_REDIS_TLS_H

#include <sys/types.h>

#include "base/span.h"

struct redis_tls;

/* "ca_file" NULL: the system's.  NULL with "why". */
struct redis_tls *redis_tls_new(
    int fd, const char *host, const char *ca_file, char *why, size_t why_size);
void redis_tls_free(struct redis_tls *t);

/*
 * 1 done, 0 when "*events" of poll(2) must come first, -1 with "why".
 */
int redis_tls_shake(
    struct redis_tls *t, short *events, char *why, size_t why_size);

/* As read(2) and write(2); -1 with EAGAIN and the events to wait for. */
ssize_t redis_tls_read(
    struct redis_tls *t, void *to, size_t room, short *events);
ssize_t redis_tls_write(struct redis_tls *t, struct span bytes, short *events);

#endif
