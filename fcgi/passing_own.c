/*
 * passing_own - what the gate itself tells a backend: who asks, and by
 * which way.  See passing.h.
 */
#include "fcgi/passing.h"

#include "fcgi/passing_way.h"

#include "policy/identity.h"
#include "policy/request_id.h"

void
passing_add_line(struct buf *b, struct span name, struct span value)
{
	buf_add(b, name);
	buf_add(b, SPAN(": "));
	buf_add(b, value);
	buf_add(b, SPAN("\r\n"));
}

bool
passing_begin(struct buf *b, struct arena *a, size_t bytes)
{
	*b = (struct buf){
		.p = arena_room(a, bytes), .size = bytes, .max = bytes
	};
	return b->p != NULL;
}

struct span
passing_end(const struct buf *b, struct arena *a)
{
	arena_trim(a, b->p, b->size, b->n);
	return buf_span(b);
}

/*
 * What came out of a credential, percent-encoded where a field value could
 * be read differently: controls, '%', bytes beyond ASCII, and blanks; but
 * not what is in "kept", and "split" in any case.
 */
static void
add_encoded(struct buf *b, struct span value, char kept, char split)
{
	static const char hex[] = "0123456789ABCDEF";

	for (size_t i = 0; i < value.n; i++) {
		unsigned char c = (unsigned char)value.p[i];

		if ((c > 0x20 && c < 0x7f && c != '%' && c != split) ||
		    (c == kept && c != '\0')) {
			buf_add_char(b, (char)c);
			continue;
		}
		buf_add_char(b, '%');
		buf_add_char(b, hex[c >> 4]);
		buf_add_char(b, hex[c & 15]);
	}
}

static void
add_identity(struct buf *b, struct span name, struct span value, bool scopes)
{
	if (value.p == NULL || value.n == 0 || name.n == 0)
		return;
	buf_add(b, name);
	buf_add(b, SPAN(": "));
	/* Between scopes blanks stay. */
	add_encoded(b, value, scopes ? ' ' : '\0', '\0');
	buf_add(b, SPAN("\r\n"));
}

/* With commas between them. */
static void
add_groups(struct buf *b, struct span name, const struct principal *who)
{
	if (who->n_groups == 0 || name.n == 0)
		return;
	buf_add(b, name);
	buf_add(b, SPAN(": "));
	for (size_t i = 0; i < who->n_groups; i++) {
		if (i > 0)
			buf_add_char(b, ',');
		add_encoded(b, who->groups[i], '\0', ',');
	}
	buf_add(b, SPAN("\r\n"));
}

static void
add_identities(
    const struct bundle *bundle, const struct principal *who, struct buf *b)
{
	for (unsigned i = 0; i < IDENTITY__MAX; i++)
		add_identity(b, identity_name(bundle, (enum identity)i),
		    identity_value(who, (enum identity)i),
		    i == IDENTITY_SCOPES);
	if (who->scheme.p != NULL)
		add_groups(b, identity_name(bundle, IDENTITY_GROUPS), who);
}

void
passing_own_fields(const struct upstream_call *c, struct buf *b)
{
	passing_way(c, b);
	passing_add_line(b, request_id_name(c->policy->bundle), c->request->id);
	add_identities(c->policy->bundle, &c->ruling->who, b);
}
