/*
 * client - see client.h.
 */
#include "policy/client.h"

#include "policy/request.h"

/* "[2001:db8::1]:4711", "192.0.2.1:80", "fe80::1%eth0": the address. */
static bool
read_address(struct span s, struct client *c)
{
	struct span rest;
	struct network at;

	s = span_trim(s);
	if (s.n > 0 && s.p[0] == '[') {
		rest = span_skip(s, 1);
		s = span_cut(&rest, ']');
		if (rest.p == NULL || (rest.n > 0 && rest.p[0] != ':'))
			return false;
	} else {
		rest = s;
		(void)span_cut(&rest, ':'); /* only to look behind it */
		if (rest.p != NULL && !span_has(rest, ':'))
			s.n -= rest.n + 1;
	}
	rest = s;
	s = span_cut(&rest, '%');
	if (!network_parse_address(s, &at))
		return false;
	c->at = at;
	c->text = s;
	c->known = true;
	return true;
}

/* Cut the last element of a list off that commas separate. */
static struct span
cut_last(struct span *list)
{
	size_t at = list->n;
	struct span last;

	while (at > 0 && list->p[at - 1] != ',')
		at--;
	last = span_skip(*list, at);
	*list = at > 0 ? span_of(list->p, at - 1) : (struct span){ NULL, 0 };
	return last;
}

/*
 * "for" of one element of Forwarded: a token, or a quoted string, in which
 * an address needs no backslash.  A quoted comma or semicolon is in no
 * address: what was cut there is none, and ends the walk.
 */
static struct span
forwarded_for(struct span element)
{
	struct span found = { NULL, 0 };

	while (element.p != NULL) {
		struct span value = span_trim(span_cut(&element, ';'));
		struct span name = span_trim(span_cut(&value, '='));

		if (!span_eq_nocase(name, SPAN("for")))
			continue;
		if (found.p != NULL) /* twice is a guess */
			return SPAN("");
		found = value.p != NULL ? span_trim(value) : SPAN("");
		if (found.n >= 2 && found.p[0] == '"' &&
		    found.p[found.n - 1] == '"')
			found = span_of(found.p + 1, found.n - 2);
	}
	return found.p != NULL ? found : SPAN("");
}

/* From the one that connected to the one that nobody trusted saw. */
static void
walk(struct span list, bool forwarded, const struct client_rules *rules,
    struct client *c)
{
	while (list.p != NULL &&
	    network_covers(rules->trusted, rules->n_trusted, &c->at)) {
		struct span last = cut_last(&list);

		if (!read_address(forwarded ? forwarded_for(last) : last, c))
			return;
	}
}

/* Empty is as if it had not come. */
static struct span
list_of(const struct request *r, struct span name)
{
	struct span list = span_trim(request_param(r, name));

	return list.n > 0 ? list : (struct span){ NULL, 0 };
}

static bool
same(const struct client *a, const struct client *b)
{
	return memcmp(a->at.bytes, b->at.bytes, sizeof(a->at.bytes)) == 0;
}

void
client_find(
    const struct request *r, const struct client_rules *rules, struct client *c)
{
	struct span address = request_param(r, SPAN("REMOTE_ADDR"));
	struct span x, forwarded;
	struct client by_x;

	*c = (struct client){ .text = address };
	if (!read_address(address, c) ||
	    !network_covers(rules->trusted, rules->n_trusted, &c->at))
		return;
	c->proxied = true;
	x = list_of(r, SPAN("HTTP_X_FORWARDED_FOR"));
	forwarded = list_of(r, SPAN("HTTP_FORWARDED"));
	by_x = *c;
	if (rules->header != CLIENT_HEADER_FORWARDED)
		walk(x, false, rules, &by_x);
	if (rules->header != CLIENT_HEADER_X_FORWARDED_FOR)
		walk(forwarded, true, rules, c);
	if (rules->header == CLIENT_HEADER_AUTO)
		c->disagree =
		    x.p != NULL && forwarded.p != NULL && !same(c, &by_x);
	if (x.p != NULL && rules->header != CLIENT_HEADER_FORWARDED) {
		by_x.disagree = c->disagree;
		*c = by_x;
	}
}

struct span
client_key(const struct client *c, unsigned v6_bits, struct arena *a)
{
	char room[NETWORK_TEXT_MAX];
	struct network cut = c->at;

	if (!c->known)
		return SPAN("unknown");
	if (!network_is_v4(&cut))
		cut.bits = v6_bits;
	else if (!span_has(c->text, ':')) /* it has one spelling only */
		return c->text;
	return arena_copy(a, span_of(room, network_write(&cut, room)));
}
