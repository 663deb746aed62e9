/*
 * backend_bodies - large answers of the test backend.
 */
#include <stdio.h>
#include <string.h>

#include "tests/e2e/backend.h"
#include "tests/e2e/pattern.h"

bool
body_bytes(struct client *c, unsigned long n)
{
	char block[65536], head[128];
	int h = snprintf(
	    head, sizeof(head), OK TEXT "Content-Length: %lu\r\n\r\n", n);

	memset(block, 'x', sizeof(block));
	if (!client_write(c, head, (size_t)h))
		return false;
	if (strcmp(c->method, "HEAD") == 0)
		return true;
	while (n > 0) {
		size_t part = n < sizeof(block) ? n : sizeof(block);

		if (!client_write(c, block, part)) {
			log_line("gone %s", c->target);
			return false;
		}
		n -= part;
	}
	return true;
}

bool
body_chunked(struct client *c, unsigned long n)
{
	static const char head[] = OK TEXT "Transfer-Encoding: chunked\r\n\r\n";
	char block[1100];

	if (!client_write(c, STR(head)))
		return false;
	while (n > 0) {
		size_t part = n < 1000 ? n : 1000;
		int at = snprintf(block, sizeof(block), "%zx\r\n", part);

		memset(block + at, 'x', part);
		memcpy(block + at + part, "\r\n", 2);
		if (!client_write(c, block, (size_t)at + part + 2))
			return false;
		n -= part;
	}
	return client_write(c, STR("0\r\n\r\n"));
}

bool
body_pattern(struct client *c, unsigned long n)
{
	char block[65536], head[128];
	int h = snprintf(
	    head, sizeof(head), OK TEXT "Content-Length: %lu\r\n\r\n", n);

	if (!client_write(c, head, (size_t)h))
		return false;
	for (unsigned long at = 0; at < n; at += sizeof(block)) {
		size_t part = n - at < sizeof(block) ? n - at : sizeof(block);

		pattern_fill(block, sizeof(block), at);
		if (!client_write(c, block, part)) {
			log_line("gone %s", c->target);
			return false;
		}
	}
	return true;
}
