/*
 * store_set - see store_set.h.
 */
#include "fcgi/store_set.h"

#include <stdio.h>

#include "base/file.h"
#include "policy/reference.h"

#define PREFIX_DEFAULT "mgw"
#define TIMEOUT_DEFAULT_US 10000

static bool
wrong(char *why, size_t why_size, const char *what)
{
	(void)snprintf(why, why_size, "store: %s", what);
	return false;
}

static const struct row_store *
row_of(const struct bundle *b)
{
	return bundle_n(b, SECTION_STORE) > 0 ? bundle_store(b, 0) : NULL;
}

/* Where it is: mgw.conf, else the bundle; its parts end with a NUL. */
static bool
find_place(const struct bundle *b, const struct config *c, struct arena *a,
    struct store_place *p, struct span *shown, char *why, size_t why_size)
{
	const struct row_store *row = row_of(b);
	struct span url = c->store;
	const char *reason = "";

	if (url.p == NULL && row != NULL)
		url = bundle_text(b, row->url);
	if (url.p == NULL)
		return wrong(why, why_size,
		    "a tier is counted in it, and neither mgw.yaml nor "
		    "mgw.conf says where it is");
	url = reference_expand(url, b->path, config_lookup,
	    (void *)(uintptr_t)c, a, why, why_size);
	if (url.p == NULL)
		return false;
	if (!store_place_parse(url, p, &reason))
		return wrong(why, why_size, reason);
	*shown = url; /* which has no password, then */
	if (p->host.p != NULL)
		p->host = arena_copy(a, p->host);
	if (p->unix_path.p != NULL)
		p->unix_path = arena_copy(a, p->unix_path);
	if (row != NULL && row->password != ROW_NONE &&
	    !store_place_is_private(p))
		return wrong(why, why_size,
		    "a password needs rediss:// or a UNIX socket: others "
		    "could read it");
	if (row == NULL || (row->password == ROW_NONE && row->key == ROW_NONE))
		return wrong(why, why_size, "it has no key in mgw.yaml");
	return true;
}

struct reading {
	struct store_set *set;
	const struct row_store *row;
	store_secret *secret;
	void *world;
	char *why;
	size_t why_size;
};

static bool
make_key(const struct reading *r)
{
	const struct row_store *row = r->row;
	uint32_t from = row->key != ROW_NONE ? row->key : row->password;
	struct span secret;

	if (!r->secret(r->world, from, &secret, r->why, r->why_size))
		return false;
	if (secret.n < STORE_KEY_BYTES_MIN)
		return wrong(r->why, r->why_size,
		    row->key != ROW_NONE
			? "its key is shorter than 16 bytes"
			: "its password is shorter than 16 bytes: give it a "
			  "key, too");
	return store_key_make(secret, &r->set->names.key) ||
	    wrong(r->why, r->why_size, "no key can be made");
}

/* A copy: secrets may be read anew while connections are made. */
static bool
take_password(const struct reading *r)
{
	struct span password;

	if (r->row->password == ROW_NONE)
		return true;
	if (!r->secret(
		r->world, r->row->password, &password, r->why, r->why_size))
		return false;
	r->set->link.target.password = arena_copy(&r->set->arena, password);
	return true;
}

static void
take_texts(
    struct store_set *s, const struct bundle *b, const struct row_store *row)
{
	struct span ca = bundle_text(b, row->ca_file);

	if (ca.n > 0)
		s->link.target.ca_file = file_beside(ca, b->path, &s->arena).p;
	s->link.target.user = bundle_text(b, row->user);
	s->names.prefix = bundle_text(b, row->prefix);
	if (s->names.prefix.n == 0)
		s->names.prefix = SPAN(PREFIX_DEFAULT);
	s->link.timeout_us =
	    row->timeout_us > 0 ? row->timeout_us : TIMEOUT_DEFAULT_US;
}

bool
store_set_read(struct store_set *s, const struct bundle *b,
    const struct config *c, store_secret *secret, void *world, char *why,
    size_t why_size)
{
	const struct reading r = { s, row_of(b), secret, world, why, why_size };
	struct store_place p;

	*s = (struct store_set){ 0 };
	arena_init(&s->arena, 1024, 64 * 1024);
	if (!find_place(b, c, &s->arena, &p, &s->shown, why, why_size))
		return false;
	s->link.target = (struct redis_target){ .host = p.host.p,
		.port = p.port,
		.unix_path = p.unix_path.p,
		.tls = p.tls,
		.database = p.database };
	take_texts(s, b, r.row);
	if (!take_password(&r) || !make_key(&r))
		return false;
	if (s->arena.full)
		return wrong(why, why_size, "out of memory");
	/* Without hiredis nothing is asked, and the link says why. */
	return !redis_is_there(why, why_size) ||
	    store_call_script(s->names.script) ||
	    wrong(why, why_size, "no SHA-1");
}

void
store_set_fini(struct store_set *s)
{
	struct span password = s->link.target.password;

	/* Ours alone: it was copied. */
	if (password.p != NULL)
		explicit_bzero((void *)(uintptr_t)password.p, password.n);
	explicit_bzero(&s->names.key, sizeof(s->names.key));
	arena_fini(&s->arena);
}
