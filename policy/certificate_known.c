/*
 * certificate_known - see certificate_known.h.
 *
 * The texts stand one behind the other, each with its length before it.
 */
#include "policy/certificate_known.h"

#include "policy/verdict.h"

#define PARTS 3
#define TEXTS 4 /* besides the names */

struct record {
	unsigned char sha256[SHA256_BYTES];
	int64_t not_before_s, not_after_s;
	uint64_t n_names;
};

static void
name_it(unsigned form, struct span bytes, char room[static 1],
    struct span parts[PARTS])
{
	room[0] = (char)form;
	parts[0] = SPAN("certificate");
	parts[1] = span_of(room, 1);
	parts[2] = bytes;
}

static void
put_text(struct buf *to, struct span s)
{
	uint32_t n = (uint32_t)s.n;

	buf_add(to, span_of(&n, sizeof(n)));
	buf_add(to, s);
}

static bool
cut_text(struct span *rest, struct span *text)
{
	uint32_t n;

	if (rest->n < sizeof(n))
		return false;
	memcpy(&n, rest->p, sizeof(n));
	*rest = span_skip(*rest, sizeof(n));
	if (rest->n < n)
		return false;
	*text = span_of(rest->p, n);
	*rest = span_skip(*rest, n);
	return true;
}

static bool
read_record(struct span payload, struct arena *a, struct certificate *c)
{
	struct span *names, rest = payload;
	struct span *texts[TEXTS] = { &c->thumbprint, &c->subject, &c->issuer,
		&c->serial };
	struct record r;

	*c = (struct certificate){ 0 };
	if (rest.n < sizeof(r))
		return false;
	memcpy(&r, rest.p, sizeof(r));
	rest = span_skip(rest, sizeof(r));
	for (int i = 0; i < TEXTS; i++)
		if (!cut_text(&rest, texts[i]))
			return false;
	if (r.n_names > rest.n)
		return false;
	names = arena_calloc(a, (size_t)r.n_names + 1, sizeof(*names));
	for (uint64_t i = 0; names != NULL && i < r.n_names; i++)
		if (!cut_text(&rest, &names[i]))
			return false;
	memcpy(c->sha256, r.sha256, sizeof(c->sha256));
	c->not_before_s = r.not_before_s;
	c->not_after_s = r.not_after_s;
	c->names = names;
	c->n_names = (size_t)r.n_names;
	return names != NULL && rest.n == 0;
}

bool
certificate_recall(const struct outside *world, unsigned form,
    struct span bytes, struct arena *a, struct certificate *c)
{
	struct span parts[PARTS];
	struct verdict v;
	char room[1];

	if (world == NULL || world->recall == NULL)
		return false;
	name_it(form, bytes, room, parts);
	return world->recall(world->world, parts, PARTS, a, &v) &&
	    read_record(v.payload, a, c);
}

void
certificate_remember(const struct outside *world, unsigned form,
    struct span bytes, const struct certificate *c)
{
	struct record r = { .not_before_s = c->not_before_s,
		.not_after_s = c->not_after_s,
		.n_names = c->n_names };
	struct verdict v = { .key_id = { "", 0 } };
	struct span parts[PARTS];
	char room[1], text[VERDICT_BYTES_MAX];
	struct buf to = {
		.p = text, .size = sizeof(text), .max = sizeof(text)
	};

	if (world == NULL || world->remember == NULL)
		return;
	memcpy(r.sha256, c->sha256, sizeof(r.sha256));
	buf_add(&to, span_of(&r, sizeof(r)));
	put_text(&to, c->thumbprint);
	put_text(&to, c->subject);
	put_text(&to, c->issuer);
	put_text(&to, c->serial);
	for (size_t i = 0; i < c->n_names; i++)
		put_text(&to, c->names[i]);
	if (to.failed)
		return;
	v.payload = buf_span(&to);
	v.expires_s = c->not_after_s + 1;
	name_it(form, bytes, room, parts);
	world->remember(world->world, parts, PARTS, &v);
}
