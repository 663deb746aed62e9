/*
 * fcgi_client - see fcgi_client.h.
 */
#include "tests/fcgi_client.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

void
fcgi_record(struct buf *b, unsigned type, unsigned id, struct span content)
{
	size_t pad = -content.n % 8;
	char head[8] = { 1, (char)type, (char)(id >> 8), (char)id,
		(char)(content.n >> 8), (char)content.n, (char)pad, 0 };

	buf_add(b, span_of(head, sizeof(head)));
	buf_add(b, content);
	buf_add(b, span_of("\0\0\0\0\0\0\0", pad));
}

void
fcgi_begin(struct buf *b, unsigned id, unsigned role, bool keep)
{
	char body[8] = { (char)(role >> 8), (char)role, keep };

	fcgi_record(b, FCGI_BEGIN, id, span_of(body, sizeof(body)));
}

static void
add_length(struct buf *b, size_t n)
{
	char four[4] = { (char)(n >> 24 | 0x80), (char)(n >> 16),
		(char)(n >> 8), (char)n };

	if (n < 128)
		buf_add_char(b, (char)n);
	else
		buf_add(b, span_of(four, sizeof(four)));
}

void
fcgi_pair(struct buf *b, struct span name, struct span value)
{
	add_length(b, name.n);
	add_length(b, value.n);
	buf_add(b, name);
	buf_add(b, value);
}

static void
add_stream(struct buf *b, unsigned type, unsigned id, struct span s)
{
	while (s.n > 0) {
		size_t n = s.n < 8000 ? s.n : 8000;

		fcgi_record(b, type, id, span_of(s.p, n));
		s = span_skip(s, n);
	}
	fcgi_record(b, type, id, SPAN(""));
}

void
fcgi_params(struct buf *b, unsigned id, struct span pairs)
{
	add_stream(b, FCGI_PARAMS, id, pairs);
}

void
fcgi_stdin(struct buf *b, unsigned id, struct span body)
{
	add_stream(b, FCGI_STDIN, id, body);
}

void
fcgi_request(struct buf *b, bool keep, const char *lines, struct span body)
{
	struct span rest = span_str(lines);
	struct buf pairs, length;

	buf_init(&pairs, 1 << 20);
	buf_init(&length, 32);
	while (rest.p != NULL) {
		struct span value = span_cut(&rest, '\n');
		struct span name;

		if (value.n == 0)
			continue;
		name = span_cut(&value, '=');
		fcgi_pair(&pairs, name, value);
	}
	if (body.p != NULL) {
		buf_add_u64(&length, body.n);
		fcgi_pair(&pairs, SPAN("CONTENT_LENGTH"), buf_span(&length));
	}
	fcgi_begin(b, 1, 1, keep);
	fcgi_params(b, 1, buf_span(&pairs));
	fcgi_stdin(b, 1, body);
	buf_fini(&pairs);
	buf_fini(&length);
}

bool
fcgi_send(int fd, struct span s)
{
	while (s.n > 0) {
		ssize_t n = send(fd, s.p, s.n, MSG_NOSIGNAL);

		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		s = span_skip(s, (size_t)n);
	}
	return true;
}

static bool
receive(int fd, char *to, size_t n)
{
	while (n > 0) {
		ssize_t got = recv(fd, to, n, 0);

		if (got == -1 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		to += got;
		n -= (size_t)got;
	}
	return true;
}

void
fcgi_receive(int fd, struct fcgi_reply *r)
{
	static _Thread_local char content[65536 + 256];
	unsigned char head[8];

	*r = (struct fcgi_reply){ 0 };
	buf_init(&r->out, 64 << 20);
	while (!r->ended) {
		size_t n;

		if (!receive(fd, (char *)head, sizeof(head)))
			break;
		n = (size_t)head[4] << 8 | head[5];
		if (!receive(fd, content, n + head[6]))
			break;
		if (head[1] == FCGI_STDOUT) {
			buf_add(&r->out, span_of(content, n));
			if (r->first_n == 0)
				r->first_n = n;
		} else if (head[1] == FCGI_END) {
			r->ended = true;
		} else {
			r->n_unexpected++;
		}
	}
	r->closed = !r->ended;
}

void
fcgi_reply_fini(struct fcgi_reply *r)
{
	buf_fini(&r->out);
}

int
fcgi_connect(const char *unix_path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	size_t n = strlen(unix_path);
	int fd;

	if (n >= sizeof(a.sun_path))
		return -1;
	memcpy(a.sun_path, unix_path, n);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return -1;
	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0)
		return fd;
	close(fd);
	return -1;
}
