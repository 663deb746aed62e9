/*
 * redis_none - redis.h without hiredis: every attempt fails, and says so.
 *
 * Compiled in the place of redis.c and redis_tls.c.
 */
#include <stdio.h>

#include "fcgi/redis.h"

bool
redis_is_there(char *why, size_t why_size)
{
	(void)snprintf(why, why_size, "this mgw was built without hiredis");
	return false;
}

bool
redis_resolve(struct redis_target *t, char *why, size_t why_size)
{
	(void)t;
	(void)snprintf(why, why_size, "this mgw was built without hiredis");
	return false;
}

void
redis_target_fini(struct redis_target *t)
{
	(void)t;
}

struct redis *
redis_open(
    const struct redis_target *t, int64_t until_us, char *why, size_t why_size)
{
	(void)t;
	(void)until_us;
	(void)snprintf(why, why_size, "this mgw was built without hiredis");
	return NULL;
}

void
redis_close(struct redis *r)
{
	(void)r;
}

bool
redis_is_stale(const struct redis *r)
{
	(void)r;
	return true;
}

enum redis_result
redis_call(struct redis *r, const struct span *words, unsigned n,
    int64_t until_us, struct redis_answer *a)
{
	(void)r;
	(void)words;
	(void)n;
	(void)until_us;
	*a = (struct redis_answer){ 0 };
	return REDIS_BROKEN;
}

bool
redis_script_name(struct span script, char hex[static REDIS_SCRIPT_NAME])
{
	(void)script;
	hex[0] = '\0';
	return false;
}

const char *
redis_result_text(enum redis_result result)
{
	(void)result;
	return "this mgw was built without hiredis";
}
