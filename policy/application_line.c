/*
 * application_line - one line of the file of applications, read and
 * written; see application.h.
 */
#include "policy/application.h"

#include "policy/words.h"

/* More groups than a caller could have use for. */
#define GROUPS_MAX 256
#define DIGEST_DIGITS 64

/* A line being read. */
struct line {
	struct words words;
	struct arena *arena;
	struct application *to;
	struct span groups[GROUPS_MAX];
	struct application_subscription **last_subscription;
	struct application_credential **last_credential;
};

static bool
wrong(struct line *l, const char *why)
{
	l->words.why = why;
	return false;
}

static bool
set_once(struct line *l, struct span *to, struct span value)
{
	if (to->p != NULL)
		return wrong(l, "a field comes twice");
	if (value.n == 0)
		return wrong(l, "a field is empty");
	*to = value;
	return true;
}

static bool
set_type(struct line *l, struct span value)
{
	if (!span_eq(value, SPAN("PRODUCTION")) &&
	    !span_eq(value, SPAN("SANDBOX")))
		return wrong(l, "type is neither PRODUCTION nor SANDBOX");
	return set_once(l, &l->to->key_type, value);
}

static bool
add_group(struct line *l, struct span value)
{
	struct application *to = l->to;

	if (value.n == 0)
		return wrong(l, "a group is empty");
	if (to->n_groups == GROUPS_MAX)
		return wrong(l, "too many groups");
	l->groups[to->n_groups++] = value;
	return true;
}

/*
 * "TITLE[/VERSION][:TIER]": what is behind the last colon is the tier, so
 * that a title that has one is written with another at its end.
 */
static void
split_tier(struct span *api, struct span *tier)
{
	const char *colon = api->n > 0 ? memrchr(api->p, ':', api->n) : NULL;
	size_t at = colon != NULL ? (size_t)(colon - api->p) : 0;

	*tier = (struct span){ NULL, 0 };
	if (colon == NULL)
		return;
	if (at + 1 < api->n)
		*tier = span_skip(*api, at + 1);
	api->n = at;
}

static bool
add_subscription(struct line *l, struct span value, bool blocked)
{
	struct application_subscription *s = arena_alloc(l->arena, sizeof(*s));

	if (s == NULL)
		return wrong(l, "out of memory");
	s->api = value;
	s->blocked = blocked;
	if (!blocked)
		split_tier(&s->api, &s->tier);
	if (s->api.n == 0)
		return wrong(l, "an API is empty");
	*l->last_subscription = s;
	l->last_subscription = &s->next;
	return true;
}

static bool
add_credential(struct line *l, struct application_key key, bool sandbox)
{
	struct application_credential *c = arena_alloc(l->arena, sizeof(*c));

	if (c == NULL)
		return wrong(l, "out of memory");
	c->key = key;
	c->sandbox = sandbox;
	*l->last_credential = c;
	l->last_credential = &c->next;
	return true;
}

/* "ISSUER ID"; an issuer has no blank, a client id may. */
static bool
add_pair(struct line *l, enum application_by by, struct span value,
    bool sandbox, const char *why)
{
	struct application_key key = { .by = by, .second = value };

	key.first = span_cut(&key.second, ' ');
	if (key.first.n == 0 || key.second.p == NULL || key.second.n == 0)
		return wrong(l, why);
	return add_credential(l, key, sandbox);
}

static bool
add_client(struct line *l, struct span value, bool sandbox)
{
	return add_pair(l, APPLICATION_BY_CLIENT, value, sandbox,
	    "a client is not \"ISSUER ID\"");
}

static bool
add_user(struct line *l, struct span value)
{
	struct application_key key = { .by = APPLICATION_BY_USER,
		.first = value };

	return value.n > 0 ? add_credential(l, key, false)
			   : wrong(l, "a user is empty");
}

static bool
add_certificate(struct line *l, struct span value)
{
	struct application_key key = { .by = APPLICATION_BY_CERTIFICATE };
	char *hex = (char *)(uintptr_t)value.p; /* the line is ours to change */
	bool good = value.n == DIGEST_DIGITS;

	for (size_t i = 0; good && i < value.n; i++) {
		if (hex[i] >= 'A' && hex[i] <= 'F')
			hex[i] = (char)(hex[i] - 'A' + 'a');
		good = (hex[i] >= '0' && hex[i] <= '9') ||
		    (hex[i] >= 'a' && hex[i] <= 'f');
	}
	if (!good)
		return wrong(
		    l, "certificate is no SHA-256 of 64 hexadecimal digits");
	key.first = value;
	return add_credential(l, key, false);
}

static bool
read_field(struct line *l, struct span name, struct span value)
{
	struct application *to = l->to;

	if (span_eq(name, SPAN("name")))
		return set_once(l, &to->name, value);
	if (span_eq(name, SPAN("owner")))
		return set_once(l, &to->owner, value);
	if (span_eq(name, SPAN("uuid")))
		return set_once(l, &to->uuid, value);
	if (span_eq(name, SPAN("tier")))
		return set_once(l, &to->tier, value);
	if (span_eq(name, SPAN("type")))
		return set_type(l, value);
	if (span_eq(name, SPAN("group")))
		return add_group(l, value);
	if (span_eq(name, SPAN("subscription")))
		return add_subscription(l, value, false);
	if (span_eq(name, SPAN("blocked-api")))
		return add_subscription(l, value, true);
	if (span_eq(name, SPAN("client")))
		return add_client(l, value, false);
	if (span_eq(name, SPAN("sandbox-client")))
		return add_client(l, value, true);
	if (span_eq(name, SPAN("user")))
		return add_user(l, value);
	if (span_eq(name, SPAN("host-user")))
		return add_pair(l, APPLICATION_BY_HOST_USER, value, false,
		    "a host-user is not \"HOST-AUTH NAME\"");
	if (span_eq(name, SPAN("certificate")))
		return add_certificate(l, value);
	return wrong(l, "an unknown field");
}

static bool
read_words(struct line *l)
{
	struct application *to = l->to;
	struct span state, name, value;

	if (!words_next(&l->words, &to->id) || !words_next(&l->words, &state))
		return false;
	if (!words_is_id(to->id))
		return wrong(l, "not an id of letters, digits, '-', '_', '.'");
	if (span_eq(state, SPAN("blocked")))
		to->blocked = true;
	else if (!span_eq(state, SPAN("active")))
		return wrong(l, "the state is not \"active\" or \"blocked\"");
	do {
		if (!words_field(&l->words, &name, &value))
			return false;
		if (name.p != NULL && !read_field(l, name, value))
			return false;
	} while (name.p != NULL);
	return (to->name.p != NULL && to->owner.p != NULL) ||
	    wrong(l, "name or owner is missing");
}

static bool
keep_groups(struct line *l)
{
	struct span *groups;

	if (l->to->n_groups == 0)
		return true;
	groups = arena_calloc(l->arena, l->to->n_groups, sizeof(*groups));
	if (groups == NULL)
		return wrong(l, "out of memory");
	memcpy(groups, l->groups, l->to->n_groups * sizeof(*groups));
	l->to->groups = groups;
	return true;
}

const char *
application_read(struct span line, struct arena *a, struct application *to)
{
	struct line l;

	/* Not the groups: most of them are never used. */
	l.words = (struct words){ line, NULL };
	l.arena = a;
	l.to = to;
	l.last_subscription = &to->subscriptions;
	l.last_credential = &to->credentials;
	*to = (struct application){ .id = { NULL, 0 } };
	if (line.n > APPLICATION_LINE_MAX)
		return "the line is too long";
	return read_words(&l) && keep_groups(&l) ? NULL : l.words.why;
}

static void
write_credential(const struct application_credential *c, struct buf *b)
{
	static const char *const names[APPLICATION_BY__MAX] = {
		[APPLICATION_BY_CLIENT] = "client",
		[APPLICATION_BY_USER] = "user",
		[APPLICATION_BY_HOST_USER] = "host-user",
		[APPLICATION_BY_CERTIFICATE] = "certificate",
	};
	const char *name = c->sandbox ? "sandbox-client" : names[c->key.by];
	struct buf pair;

	if (c->key.second.p == NULL) {
		words_write(b, name, c->key.first);
		return;
	}
	buf_init(&pair, APPLICATION_LINE_MAX);
	buf_add(&pair, c->key.first);
	buf_add_char(&pair, ' ');
	buf_add(&pair, c->key.second);
	words_write(b, name, buf_span(&pair));
	b->failed |= pair.failed;
	buf_fini(&pair);
}

static void
write_subscription(const struct application_subscription *s, struct buf *b)
{
	struct buf value;

	if (s->blocked) {
		words_write(b, "blocked-api", s->api);
		return;
	}
	buf_init(&value, APPLICATION_LINE_MAX);
	buf_add(&value, s->api);
	if (s->tier.n > 0 || span_has(s->api, ':'))
		buf_add_char(&value, ':');
	buf_add(&value, s->tier);
	words_write(b, "subscription", buf_span(&value));
	b->failed |= value.failed;
	buf_fini(&value);
}

void
application_write(const struct application *app, struct buf *b)
{
	buf_add(b, app->id);
	buf_add_str(b, app->blocked ? " blocked" : " active");
	words_write(b, "name", app->name);
	words_write(b, "owner", app->owner);
	if (app->uuid.n > 0)
		words_write(b, "uuid", app->uuid);
	if (app->tier.n > 0)
		words_write(b, "tier", app->tier);
	if (app->key_type.n > 0)
		words_write(b, "type", app->key_type);
	for (size_t i = 0; i < app->n_groups; i++)
		words_write(b, "group", app->groups[i]);
	for (const struct application_subscription *s = app->subscriptions;
	     s != NULL; s = s->next)
		write_subscription(s, b);
	for (const struct application_credential *c = app->credentials;
	     c != NULL; c = c->next)
		write_credential(c, b);
	buf_add_char(b, '\n');
}
