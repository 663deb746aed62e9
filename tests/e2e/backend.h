/*
 * backend.h - what backend*.c share; see backend.c.
 */
#ifndef MGW_TESTS_BACKEND_H
#define MGW_TESTS_BACKEND_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>

struct client {
	int fd;
	SSL *tls; /* NULL: plain */
	unsigned long serial;
	unsigned long requests; /* this is number ... on the connection */
	bool doomed;            /* close instead of answering the next */
	char in[64 * 1024];
	size_t at, n;
	char head[64 * 1024];
	size_t head_n;
	char method[32];
	char target[8192];
	char body[4096]; /* its beginning */
	size_t body_n;
	unsigned long long body_bytes;
	unsigned long long fnv;
};

long client_read(struct client *c, void *to, size_t room);
bool client_write(struct client *c, const char *p, size_t n);

/* Wait so long; false if the client left meanwhile. */
bool client_wait(struct client *c, unsigned ms);

bool header(const struct client *c, const char *name, char *to, size_t room);
bool read_body(struct client *c);
void pause_ms(unsigned ms);
void log_line(const char *format, ...) __attribute__((format(printf, 1, 2)));

#define OK "HTTP/1.1 200 OK\r\n"
#define TEXT "Content-Type: text/plain\r\n"
#define STR(text) text, sizeof(text) - 1

/*
 * backend_bodies.c: N bytes with a length, of one letter or of pattern.h;
 * and the letter in chunks of 1000.
 */
bool body_bytes(struct client *c, unsigned long n);
bool body_pattern(struct client *c, unsigned long n);
bool body_chunked(struct client *c, unsigned long n);

/* Do what the request asks for; false: close the connection. */
bool answer(struct client *c);

#endif
