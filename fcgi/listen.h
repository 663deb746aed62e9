/*
 * listen - where web servers connect, and which may.
 *
 * A UNIX socket of our own is made beside its name with mode 0660 and its
 * group, and renamed into place, so that there is no moment at which it is
 * open to others.  TCP is loopback only and needs MGW_PEER_SECRET, since a
 * port cannot tell who connects.
 */
#ifndef MGW_FCGI_LISTEN_H
#define MGW_FCGI_LISTEN_H

#include <sys/types.h>

#include "fcgi/config.h"

#define LISTENERS_MAX 16

struct listener {
	int fd;
	bool tcp;
	const char *path; /* of a socket that we made; NULL: inherited */
	dev_t device;     /* of that socket */
	ino_t inode;
};

struct listeners {
	struct listener list[LISTENERS_MAX];
	unsigned n;
	uid_t own;        /* may connect, as may root */
	uid_t web_server; /* and this one; or -1 */
};

/*
 * The sockets that the configuration names; else those that systemd
 * passed; else descriptor 0 if it is one.  True with n == 0: there are
 * none.  False: "why" says what is wrong.
 */
bool listen_open(
    struct listeners *l, const struct config *c, char *why, size_t why_size);

/*
 * What can be said of address "i" of the configuration, and of its
 * web-server-user, without opening anything.
 */
bool listen_check(
    const struct config *c, unsigned i, char *why, size_t why_size);
bool listen_check_user(const struct config *c, char *why, size_t why_size);

/* Close all, and remove what we made. */
void listen_close(struct listeners *l);

/* The process that made connection "fd" may speak to us. */
bool listen_may_speak(
    const struct listeners *l, const struct listener *from, int fd);

#endif
