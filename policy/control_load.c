/*
 * control_load - the file of rules, while others write to it.
 */
#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "policy/control.h"

#define LOAD_TRIES 3
#define LOAD_PAUSE_NS 5000000

static struct control *
load_once(const char *path, uint64_t last, struct file_identity *id, char *why,
    size_t why_size)
{
	struct control *c;
	struct buf text;

	errno = 0;
	if (!file_identify(path, id) && errno == ENOENT) {
		*id = (struct file_identity){ 0 };
		return control_new(SPAN(""), last, why, why_size);
	}
	if (!file_read(path, FILE_TRUSTED, CONTROL_BYTES_MAX, &text, id, why,
		why_size))
		return NULL;
	c = control_new(buf_span(&text), last, why, why_size);
	buf_fini(&text);
	return c;
}

struct control *
control_load(const char *dir, uint64_t last, struct file_identity *id,
    char *why, size_t why_size)
{
	const struct timespec pause = { 0, LOAD_PAUSE_NS };
	struct file_identity unused;
	struct control *c = NULL;
	char path[4096];

	if (snprintf(path, sizeof(path), "%s/%s", dir, CONTROL_FILE) >=
	    (int)sizeof(path)) {
		(void)snprintf(why, why_size, "%s: path too long", dir);
		return NULL;
	}
	/* Somebody may be writing to it just now. */
	for (int i = 0; i < LOAD_TRIES && c == NULL; i++) {
		if (i > 0)
			(void)nanosleep(&pause, NULL); /* or a little less */
		c = load_once(
		    path, last, id != NULL ? id : &unused, why, why_size);
	}
	return c;
}
