/*
 * token_revoke - mgw-token revoke.
 *
 * What is revoked is appended to a file of the state directory, see
 * policy/revocation_list.h, and is in force with the next request of every
 * process.
 */
#include <pwd.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/shown.h"
#include "policy/json.h"
#include "policy/revocation_set.h"
#include "policy/sign.h"
#include "tools/keys.h"
#include "tools/running.h"
#include "tools/show.h"
#include "tools/state_place.h"
#include "tools/token_revoke.h"

/* So long after its end the leeway of no issuer lets a token in. */
#define LEEWAY_S_MAX 86400

/* Who is at the keyboard, as far as it is known. */
static struct span
author(void)
{
	const struct passwd *me = getpwuid(getuid());
	const char *name = getuid() == 0 ? getenv("SUDO_USER") : NULL;

	if (name == NULL && me != NULL)
		name = me->pw_name;
	return span_str(name != NULL ? name : "unknown");
}

static int
wrong(const char *what)
{
	return args_wrong(&token_program, "revoke: %s", what);
}

/* A JWT by what was signed, any other token by itself. */
static bool
take_token(struct call *c, struct span token, struct revoked_entry *e)
{
	struct principal who = { .opaque = token };
	struct claims claims;
	const char *why;
	char *digest = arena_alloc(&c->arena, SHA256_BYTES);
	struct jwt t;

	if (jwt_split(token, &c->arena, &t, &why)) {
		who.signed_text = t.signed_text;
		if (c->revoke.expires == NULL &&
		    claims_read(t.payload, (struct span){ NULL, 0 }, &c->arena,
			&claims, &why) &&
		    claims.has_expiry && claims.expires_s > 0)
			e->expires_s = claims.expires_s + LEEWAY_S_MAX;
	}
	e->kind = REVOKED_TOKEN;
	if (token.n == 0 || span_has_control(token) || digest == NULL ||
	    !revoked_digest(&who, digest))
		return token_fail("token", "is none") == 0;
	e->value = span_of(digest, SHA256_BYTES);
	return true;
}

/* What the options name; false after a message. */
static bool
take_names(struct call *c, struct revoked_entry *e)
{
	const struct revoke_options *o = &c->revoke;
	char *digest = arena_alloc(&c->arena, SHA256_BYTES);
	const char *why;
	int n = 0;

	for (int i = 0; i < REVOKED_KIND__MAX; i++) {
		if (o->names[i] == NULL)
			continue;
		e->kind = (enum revoked_kind)i;
		e->value = span_str(o->names[i]);
		n++;
	}
	if (o->api_key != NULL) {
		e->kind = REVOKED_KEY;
		e->value = span_str(o->api_key);
		n++;
	}
	if (n != 1)
		return wrong("name one thing, or a token") == 0;
	if (e->kind == REVOKED_CERTIFICATE) {
		if (digest == NULL || !revoked_digest_parse(e->value, digest))
			return wrong("--certificate takes 64 hexadecimal "
				     "digits, the SHA-256") == 0;
		e->value = span_of(digest, SHA256_BYTES);
	}
	if (e->kind != REVOKED_CERTIFICATE && o->api_key == NULL) {
		e->issuer = c->rules.issuer;
		if (e->issuer.n == 0)
			return wrong("--issuer is missing") == 0;
	} else if (c->rules.issuer.p != NULL) {
		return wrong("this has no issuer") == 0;
	}
	why = revoked_entry_check(e);
	return why == NULL || token_fail("the name", why) == 0;
}

static bool
names_anything(const struct call *c)
{
	bool any = c->revoke.api_key != NULL;

	for (int i = 0; i < REVOKED_KIND__MAX; i++)
		any |= c->revoke.names[i] != NULL;
	return any;
}

/* A token, or what the options name; "*text" is to be freed. */
static bool
take_entry(struct call *c, struct revoked_entry *e, char **text)
{
	*text = NULL;
	if (c->revoke.expires != NULL &&
	    !keys_when(span_str(c->revoke.expires), clock_wall_us() / US_PER_S,
		&e->expires_s))
		return wrong("--expires takes an RFC 3339 time, a date, 30d, "
			     "12h, 15m or never") == 0;
	if (names_anything(c))
		return c->n_operands == 0
		    ? take_names(c, e)
		    : wrong("a token or names, not both") == 0;
	if (c->n_operands > 1)
		return wrong("more than one token") == 0;
	*text = args_content(
	    &token_program, c->n_operands == 1 ? c->operands[0] : "-");
	return *text != NULL && take_token(c, span_str(*text), e);
}

static int
change(const struct revoked_source *s, struct call *c, struct revoked_entry *e)
{
	int64_t now_us = clock_wall_us();
	struct revoked_open f;
	enum revoked_found found;
	int rc = 2;

	if (!revoked_open_locked(s, &f, now_us))
		return 2;
	found = revoked_list_find(&f.list, e->kind,
	    revoked_id(&s->keys, e->kind, e->issuer, e->value),
	    now_us / US_PER_S);
	if (found == REVOKED_DAMAGED) {
		(void)token_fail(REVOKED_TABLE, "is damaged; remove it");
	} else if (c->revoke.remove && found != REVOKED_FOUND) {
		(void)fprintf(stderr, "mgw-token: nothing such is revoked\n");
		rc = 1;
	} else {
		e->restored = c->revoke.remove;
		e->time_s = now_us / US_PER_S;
		e->author = author();
		if (revoked_open_append(&f, e) && revoked_open_tidy(&f, now_us))
			rc = 0;
	}
	revoked_open_close(&f);
	return rc;
}

static struct span
time_text(struct call *c, int64_t unix_s)
{
	time_t t = (time_t)unix_s;
	char text[32];
	struct tm tm;

	if (unix_s == 0 || gmtime_r(&t, &tm) == NULL ||
	    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		return SPAN("never");
	return arena_copy(&c->arena, span_str(text));
}

struct listing {
	struct call *call;
	struct json_object *array; /* or NULL: as lines */
};

static struct span
value_text(struct call *c, const struct revoked_entry *e)
{
	char room[64];
	struct buf b = { .p = room, .size = sizeof(room), .max = sizeof(room) };
	static const char hex[] = "0123456789abcdef";

	if (e->kind != REVOKED_TOKEN && e->kind != REVOKED_CERTIFICATE)
		return e->value;
	for (size_t i = 0; i < e->value.n; i++) {
		buf_add_char(&b, hex[(unsigned char)e->value.p[i] >> 4]);
		buf_add_char(&b, hex[(unsigned char)e->value.p[i] & 15]);
	}
	return arena_copy(&c->arena, buf_span(&b));
}

static const char *
kind_text(const struct revoked_entry *e)
{
	return e->kind == REVOKED_KEY && e->issuer.n == 0
	    ? "key"
	    : revoked_kind_word(e->kind);
}

static void
list_entry(void *user, const struct revoked_entry *e)
{
	struct listing *l = user;
	struct call *c = l->call;
	struct span value = value_text(c, e);
	struct span until = time_text(c, e->expires_s);
	struct json_object *o;

	if (l->array == NULL) {
		(void)printf("%s\t", kind_text(e)); /* show_end tells */
		shown_print(stdout, value);
		(void)putchar('\t');
		shown_print(stdout, e->issuer.n > 0 ? e->issuer : SPAN("-"));
		(void)printf("\t%.*s\t", SPAN_ARG(until));
		shown_print(stdout, e->author);
		(void)printf("\t%.*s\n", SPAN_ARG(time_text(c, e->time_s)));
		arena_reset(&c->arena);
		return;
	}
	o = json_new_object();
	(void)json_put(o, "kind", json_new_string(span_str(kind_text(e))));
	(void)json_put(o, "id", json_new_string(value));
	if (e->issuer.n > 0)
		(void)json_put(o, "issuer", json_new_string(e->issuer));
	if (e->expires_s != 0)
		(void)json_put(o, "expires", json_new_string(until));
	(void)json_put(o, "by", json_new_string(e->author));
	(void)json_put(o, "time", json_new_string(time_text(c, e->time_s)));
	(void)json_append(l->array, o);
	arena_reset(&c->arena);
}

static int
list(const struct revoked_source *s, struct call *c)
{
	struct listing l = { c, c->json ? json_new_array() : NULL };
	unsigned line = 0;
	struct revoked_list loaded;
	struct buf text = { 0 };
	const char *wrong_line = NULL;
	char why[512] = "";
	int rc = 0;

	revoked_list_load(s, &loaded, clock_wall_us());
	if (loaded.lost)
		rc = token_fail(REVOKED_FILE, loaded.why);
	else if (loaded.end.lines > 0 &&
	    !file_read(s->path, FILE_TRUSTED, REVOKED_BYTES_MAX, &text, NULL,
		why, sizeof(why)))
		rc = token_fail("list", why);
	if (rc == 0)
		wrong_line = revoked_text_live(&s->keys, buf_span(&text),
		    clock_wall_us() / US_PER_S, list_entry, &l, &line);
	if (wrong_line != NULL)
		rc = token_fail(REVOKED_FILE, wrong_line);
	if (rc == 0 && l.array != NULL && !show_json(stdout, l.array))
		rc = 2;
	json_free(l.array);
	buf_fini(&text);
	revoked_list_fini(&loaded);
	return rc;
}

int
token_revoke(struct call *c)
{
	struct revoked_entry e = { .issuer = { "", 0 } };
	char room[4096], why[512];
	struct revoked_set set;
	struct state *state;
	char *text = NULL;
	int rc = 2;

	if (c->revoke.list &&
	    (names_anything(c) || c->revoke.remove || c->n_operands > 0 ||
		c->revoke.expires != NULL || c->rules.issuer.p != NULL))
		return wrong("--list stands alone");
	if (c->json && !c->revoke.list)
		return wrong("--json belongs to --list");
	if (c->revoke.remove && c->revoke.expires != NULL)
		return wrong("--remove has no --expires");
	if (c->state == NULL)
		c->state = state_place(room, sizeof(room));
	if (!c->revoke.list && !take_entry(c, &e, &text))
		goto out;
	if (!c->revoke.list)
		running_warn_new(token_program.name, c->state);
	state = c->revoke.list ? state_view(c->state, why, sizeof(why))
			       : state_open(c->state, NULL, why, sizeof(why));
	if (state == NULL) {
		(void)token_fail("state", why);
		goto out;
	}
	if (!revoked_set_init(&set, NULL, c->state, state, c->revoke.list, NULL,
		NULL, why, sizeof(why)))
		(void)token_fail("list", why);
	else if (c->revoke.list)
		rc = list(&set.sources[0], c);
	else
		rc = change(&set.sources[0], c, &e);
	if (rc == 0 && !c->revoke.remove && e.issuer.n > 0)
		running_warn_issuer(
		    token_program.name, state, &c->arena, e.issuer);
	revoked_set_fini(&set);
	state_close(state);
out:
	free(text);
	return rc;
}
