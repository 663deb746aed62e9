/*
 * source - see source.h.
 */
#include "policy/source.h"

#include <stdio.h>

#define SECRET_BYTES_MAX (16 * 1024)
#define PATH_ARENA_BYTES (16 * 1024)

/* No two contents have the same number, but for one chance in 2^64. */
static uint64_t
generation_of(struct span text)
{
	static const struct siphash_key key = { 0, 0 };
	uint64_t sum = siphash_64(&key, text);

	return sum != 0 ? sum : 1;
}

static bool
keep_secret(
    struct source_object *o, struct span text, char *why, size_t why_size)
{
	if (text.n > 0 && text.p[text.n - 1] == '\n')
		text.n--;
	if (text.n == 0) {
		snprintf(why, why_size, "the secret is empty");
		return false;
	}
	buf_init(&o->secret, SECRET_BYTES_MAX);
	buf_add(&o->secret, text);
	o->view.secret = buf_span(&o->secret);
	if (o->secret.failed)
		snprintf(why, why_size, "the secret is too long");
	return !o->secret.failed;
}

bool
source_parse(const struct bundle *b, uint32_t row, struct span text,
    bool remote, struct source_object *o, char *why, size_t why_size)
{
	bool ok = false;

	*o = (struct source_object){ .view.generation = generation_of(text) };
	switch (bundle_source(b, row)->kind) {
	case SOURCE_KEY_SET:
		o->keys = key_set_new(text, remote, NULL, why, why_size);
		o->view.keys = o->keys;
		ok = o->keys != NULL;
		break;
	case SOURCE_KEY_FILE:
		o->key_file = key_file_new(text, why, why_size);
		o->view.key_file = o->key_file;
		ok = o->key_file != NULL;
		break;
	case SOURCE_SECRET:
		ok = keep_secret(o, text, why, why_size);
		break;
	default:
		snprintf(why, why_size, "a source of a later version");
		break;
	}
	if (!ok)
		source_free(o);
	return ok;
}

struct span
source_path(const struct bundle *b, uint32_t row, reference_env *env,
    void *world, struct arena *a, char *why, size_t why_size)
{
	struct span value = bundle_text(b, bundle_source(b, row)->value);

	value = reference_expand(value, b->path, env, world, a, why, why_size);
	if (value.p == NULL)
		return value;
	value = file_beside(value, b->path, a);
	if (value.p == NULL)
		snprintf(why, why_size, "out of memory");
	return value;
}

static bool
load_file(const struct bundle *b, uint32_t row, struct span path,
    struct source_object *o, char *why, size_t why_size)
{
	uint32_t kind = bundle_source(b, row)->kind;
	struct file_identity id;
	struct buf text = { 0 };
	bool ok;

	if (!file_read(path.p,
		kind == SOURCE_SECRET ? FILE_SECRET : FILE_TRUSTED,
		kind == SOURCE_KEY_FILE ? KEY_FILE_BYTES_MAX
					: KEY_SET_BYTES_MAX,
		&text, &id, why, why_size))
		return false;
	ok = source_parse(b, row, buf_span(&text), false, o, why, why_size);
	if (ok)
		o->identity = id;
	if (text.p != NULL)
		explicit_bzero(text.p, text.size);
	buf_fini(&text);
	return ok;
}

bool
source_load(const struct bundle *b, uint32_t row, reference_env *env,
    void *world, struct source_object *o, char *why, size_t why_size)
{
	const struct row_source *s = bundle_source(b, row);
	struct span value = bundle_text(b, s->value), text;
	struct span origin = bundle_text(b, s->origin);
	char detail[512] = "";
	struct arena a;
	bool ok = false;

	*o = (struct source_object){ 0 };
	arena_init(&a, 1024, PATH_ARENA_BYTES);
	if (s->how == SOURCE_FILE) {
		text =
		    source_path(b, row, env, world, &a, detail, sizeof(detail));
		ok = text.p != NULL &&
		    load_file(b, row, text, o, detail, sizeof(detail));
	} else if (s->how == SOURCE_INLINE) {
		ok = source_parse(
		    b, row, value, false, o, detail, sizeof(detail));
	} else if (s->how == SOURCE_ENV) {
		text = env(world, value);
		if (text.n == 0)
			snprintf(detail, sizeof(detail),
			    "the variable %.*s is missing or empty",
			    SPAN_ARG(value));
		else
			ok = source_parse(
			    b, row, text, false, o, detail, sizeof(detail));
	} else {
		snprintf(detail, sizeof(detail), "%.*s is not a file",
		    SPAN_ARG(value));
	}
	arena_fini(&a);
	if (!ok)
		snprintf(why, why_size, "%.*s: %s", SPAN_ARG(origin), detail);
	return ok;
}

void
source_free(struct source_object *o)
{
	key_set_free(o->keys);
	key_file_free(o->key_file);
	if (o->secret.p != NULL)
		explicit_bzero(o->secret.p, o->secret.size);
	buf_fini(&o->secret);
	*o = (struct source_object){ 0 };
}
