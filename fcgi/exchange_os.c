/*
 * exchange_os - see exchange_os.h.
 *
 * Nothing is waited for without a bound, no byte goes in that was not
 * walked, and closing and accepting stay with us.
 */
#include "fcgi/exchange_os.h"

#include <errno.h>
#include <fcgios.h>

/* That of the exchange that libfcgi works for. */
static _Thread_local struct wire *current;

void
exchange_os_wire(struct wire *w)
{
	current = w;
}

static struct wire *
wire_of(int fd)
{
	if (current != NULL && !current->cgi && current->fd == fd)
		return current;
	errno = EBADF;
	return NULL;
}

int
OS_Read(int fd, char *to, size_t room)
{
	struct wire *w = wire_of(fd);

	return w != NULL ? (int)wire_read(w, to, room) : -1;
}

int
OS_Write(int fd, char *from, size_t n)
{
	(void)fd; /* everything that goes out is written by wire.c */
	(void)from;
	(void)n;
	errno = EBADF;
	return -1;
}

int
OS_IpcClose(int fd, int shut_down)
{
	(void)fd; /* closed by us, after */
	(void)shut_down;
	return 0;
}

int
OS_Accept(int fd, int fail_on_intr, const char *addresses)
{
	(void)fd; /* pool.c accepts */
	(void)fail_on_intr;
	(void)addresses;
	errno = EBADF;
	return -1;
}
