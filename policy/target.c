/*
 * target - see target.h.
 */
#include "policy/target.h"

#include "base/ascii.h"
#include "policy/credential_fields.h"

static void
write_path(const struct target *t, struct buf *to)
{
	struct span front = t->path, rest = t->change->path;

	if (rest.p == NULL)
		rest = change_behind(t->request->path,
		    bundle_text(t->bundle, t->api->base_path));
	if (front.n > 0 && front.p[front.n - 1] == '/' && rest.n > 0)
		front.n--;
	if (front.n + rest.n == 0)
		rest = SPAN("/");
	buf_add(to, front);
	buf_add(to, rest);
}

/* A query name as an application would read it; "to" has name.n bytes. */
static struct span
decode_name(struct span name, char *to)
{
	size_t n = 0;

	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];

		if (c == '%' && name.n - i > 2 &&
		    ascii_hex(name.p[i + 1]) >= 0 &&
		    ascii_hex(name.p[i + 2]) >= 0) {
			c = (char)(ascii_hex(name.p[i + 1]) << 4 |
			    ascii_hex(name.p[i + 2]));
			i += 2;
		} else if (c == '+') {
			c = ' ';
		}
		to[n++] = c;
	}
	return span_of(to, n);
}

/* Some parameter may have to go. */
static bool
may_drop(const struct target *t)
{
	for (uint32_t i = 0; i < t->change->rows.n; i++)
		if (bundle_change(t->bundle, t->change->rows.first + i)->kind ==
		    CHANGE_QUERY)
			return true;
	return credential_has(t->bundle, t->api, NAME_QUERY);
}

/* What is left of the client's; "*first" is what goes before a pair. */
static bool
write_client_query(const struct target *t, char *first, struct buf *to)
{
	struct span rest = t->request->query;
	char *room;

	if (rest.p == NULL)
		return true;
	if (!may_drop(t)) {
		buf_add_char(to, *first);
		buf_add(to, rest);
		*first = '&';
		return true;
	}
	room = arena_alloc(t->request->arena, rest.n + 1);
	if (room == NULL)
		return false;
	while (rest.p != NULL) {
		struct span pair = span_cut(&rest, '&'), after = pair;
		struct span name = decode_name(span_cut(&after, '='), room);

		if (credential_goes(t->bundle, t->api, NAME_QUERY, name) ||
		    change_drops(t->bundle, t->change, CHANGE_QUERY, name))
			continue;
		buf_add_char(to, *first);
		buf_add(to, pair);
		*first = '&';
	}
	return true;
}

size_t
target_bytes_max(const struct target *t)
{
	const struct request *r = t->request;

	return t->path.n + t->query.n + r->path.n + r->query.n +
	    t->change->path.n + t->change->query.n + sizeof("/?&&");
}

bool
target_write(const struct target *t, struct buf *to)
{
	char first = '?';

	write_path(t, to);
	if (t->query.n > 0) {
		buf_add_char(to, first);
		buf_add(to, t->query);
		first = '&';
	}
	if (!write_client_query(t, &first, to))
		return false;
	if (t->change->query.n > 0) {
		buf_add_char(to, first);
		buf_add(to, t->change->query);
	}
	return true;
}
