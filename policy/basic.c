/*
 * basic - user name and password (RFC 7617), against a user file.
 *
 * Passwords are hashed slowly, so a pair that was right is remembered for
 * a minute: under a key that only this process has, so that the state
 * file is of no use to guess passwords, and together with the stored
 * hash, so that a change counts at once.
 */
#include "base/base64.h"
#include "policy/failure.h"
#include "policy/password.h"
#include "policy/sign.h"
#include "policy/userfile.h"
#include "policy/verdict.h"

#define REMEMBERED_S 60

/*
 * For longer it is remembered that a pair was right once: it is hashed
 * again, also where its address fails too often (failure.h).
 */
#define KNOWN_S 86400

/* Base64 of a name, a colon and a password, each as long as allowed. */
#define ENCODED_BYTES_MAX ((2 * PASSWORD_BYTES_MAX + 1 + 2) / 3 * 4)

struct pair {
	struct span name, password;
};

static bool
malformed(struct decision *d, struct span detail)
{
	return refuse(d, REASON_CREDENTIAL_MALFORMED, detail);
}

/* "to_wipe" is the decoded text, to be cleared after use. */
static bool
read_pair(const struct credential_call *c, struct pair *p, struct span *to_wipe,
    struct decision *d)
{
	struct arena *a = c->request->arena;
	struct span value, scheme, text;

	if (!credential_find(c, false, &value, d))
		return false;
	scheme = span_cut(&value, ' ');
	if (value.p == NULL || !span_eq_nocase(scheme, SPAN("Basic")))
		return malformed(d, SPAN("not of the form \"Basic PAIR\""));
	value = span_trim(value);
	if (value.n > ENCODED_BYTES_MAX)
		return malformed(d, SPAN("the pair is too long"));
	if (!base64_decode(value, a, &text))
		return a->full ? refuse(d, REASON_FAULT, SPAN("out of memory"))
			       : malformed(d, SPAN("the pair is not base64"));
	*to_wipe = text;
	p->password = text;
	p->name = span_cut(&p->password, ':');
	if (p->password.p == NULL)
		return malformed(d, SPAN("the pair has no colon"));
	if (p->name.n > PASSWORD_BYTES_MAX ||
	    p->password.n > PASSWORD_BYTES_MAX)
		return malformed(d, SPAN("the pair is too long"));
	/* RFC 7617 section 2; a NUL would cut it short for crypt. */
	if (span_has_control(text))
		return malformed(d, SPAN("the pair has control bytes"));
	return true;
}

/* Names a pair that was right, to who knows the key. */
static struct hash128
name_pair(const struct siphash_key *key, const struct pair *p,
    const struct user_entry *e)
{
	struct siphash h;

	siphash_init(&h, key);
	siphash_part(&h, p->name);
	siphash_part(&h, p->password);
	siphash_part(&h, e->stored);
	return siphash_done(&h);
}

static void
remember(const struct credential_call *c, const struct span parts[2],
    int64_t seconds)
{
	struct verdict v = { .key_id = SPAN(""),
		.payload = SPAN(""),
		.expires_s = c->request->now_us / 1000000 + seconds };

	if (c->world->remember != NULL)
		c->world->remember(c->world->world, parts, 2, &v);
}

static bool
is_remembered(const struct credential_call *c, const struct span parts[2])
{
	const struct outside *world = c->world;
	struct verdict v;

	return world->recall != NULL &&
	    world->recall(world->world, parts, 2, c->request->arena, &v) &&
	    v.expires_s > c->request->now_us / 1000000;
}

static bool
hash(const struct credential_call *c, const struct user_entry *e,
    struct span password, enum password_result *result, struct decision *d)
{
	const struct outside *world = c->world;
	bool counted = world->hash_begin != NULL && password_is_slow(e->stored);
	int place = 0;

	if (counted && !world->hash_begin(world->world, &place)) {
		(void)refuse(d, REASON_OVERLOADED,
		    SPAN("too many passwords are being checked"));
		d->retry_after_s = 1;
		return false;
	}
	*result = password_check(e->stored, password);
	if (counted)
		world->hash_end(world->world, place);
	return *result != PASSWORD_FAULT ||
	    refuse(d, REASON_FAULT, SPAN("the password cannot be checked"));
}

static bool
wrong(struct decision *d)
{
	return refuse(
	    d, REASON_PASSWORD_WRONG, SPAN("wrong user name or password"));
}

static bool
pair_holds(const struct credential_call *c, const struct user_file *f,
    const struct pair *p, const struct user_entry **found, struct decision *d)
{
	const struct outside *world = c->world;
	const struct user_entry *e = user_file_find(f, p->name);
	const struct user_entry *costs =
	    e != NULL ? e : user_file_decoy(f, p->name);
	enum password_result result = PASSWORD_WRONG;
	struct hash128 id = { 0, 0 };
	const struct span parts[2] = { SPAN("basic"),
		span_of(&id, sizeof(id)) };
	const struct span known[2] = { SPAN("basic-known"), parts[1] };
	bool keep = e != NULL && world->secret != NULL;

	if (costs == NULL)
		return wrong(d);
	if (keep)
		id = name_pair(world->secret, p, e);
	*found = e;
	if (keep && is_remembered(c, parts))
		return true;
	if (!(keep && is_remembered(c, known)) && !failure_guard(c, p->name, d))
		return false;
	if (!hash(c, costs, p->password, &result, d))
		return false;
	/* A stranger never gets in, whatever the hash of another says. */
	if (e == NULL || result != PASSWORD_RIGHT)
		return wrong(d);
	if (keep) {
		remember(c, parts, REMEMBERED_S);
		remember(c, known, KNOWN_S);
	}
	return true;
}

static bool
user_file_of(const struct credential_call *c, const struct user_file **f,
    struct decision *d)
{
	struct source source = { 0 };
	enum source_result result =
	    c->world->source(c->world->world, c->scheme->source, &source);

	*f = source.users;
	if (result == SOURCE_DOWN)
		return refuse(d, REASON_VERIFIER_DOWN,
		    SPAN("the user file is not there"));
	return (result == SOURCE_OK && source.users != NULL) ||
	    refuse(d, REASON_FAULT, SPAN("the user file cannot be used"));
}

bool
basic_check(
    const struct credential_call *c, struct principal *who, struct decision *d)
{
	const struct user_entry *e = NULL;
	const struct user_file *f;
	struct span text = { NULL, 0 };
	struct pair p = { .name = { NULL, 0 } };
	bool ok = read_pair(c, &p, &text, d) && user_file_of(c, &f, d) &&
	    pair_holds(c, f, &p, &e, d);

	if (!ok) /* the text is wiped */
		d->claimed = arena_copy(c->request->arena, p.name);
	if (text.n > 0)
		sign_wipe((char *)(uintptr_t)text.p, text.n);
	if (!ok)
		return false;
	who->scheme = bundle_text(c->bundle, c->scheme->name);
	who->issuer = SPAN("basic"); /* users are not the owners of keys */
	who->subject = e->name;
	who->application = e->application;
	who->tier = e->tier;
	who->scopes = e->scopes;
	who->groups = e->groups;
	who->n_groups = e->n_groups;
	return true;
}
