/*
 * mgw-key - give out API keys, look at them, change and revoke them.
 *
 * The key itself is printed once, by "new"; the file keeps its SHA-256.
 */
#include <stdlib.h>

#include "base/base64url.h"
#include "base/clock.h"
#include "base/shown.h"
#include "policy/sign.h"
#include "tools/key.h"
#include "tools/show.h"

#define ID_BYTES 8

static const struct args_option options[] = {
	{ 'f', "file", "FILE", "the key file; \"new\" and \"import\" make it" },
	{ 'o', "owner", "TEXT", "who answers for the key" },
	{ 'a', "application", "TEXT", "what uses it" },
	{ 0, "api", "TITLE[/VERSION]",
	    "an API it is for; may come again; without: all" },
	{ 't', "tier", "TIER", "its throttling tier" },
	{ 's', "scope", "SCOPE", "a scope it has; may come again" },
	{ 'e', "expires", "WHEN",
	    "RFC 3339 time, date, 30d, 12h, or \"never\"" },
	{ 0, "address", "ADDRESS[/BITS]",
	    "where it may be used from; may come again; without: everywhere" },
	{ 0, "overlap", "TIME", "rotate: how long the old key stays good" },
	{ 0, "json", NULL, "list, show: print JSON" },
	{ 0, NULL, NULL, NULL },
};

const struct args_program key_program = {
	"mgw-key",
	"new|list|show|set|rotate|revoke|verify|import --file FILE [OPTION]... "
	"[ID|FILE]",
	"new          make a key for --owner and --application, print it once\n"
	"list         a line a key: id, state, owner, application, APIs,\n"
	"             scopes, tier, expiry, addresses\n"
	"show ID      all about one key\n"
	"set ID       change what the options name; an empty --api, --tier,\n"
	"             --scope or --address takes it away\n"
	"rotate ID    make a key like this one, which ends now or after\n"
	"             --overlap, and print it once\n"
	"revoke ID    the key is refused from the next request on\n"
	"verify       read a key on standard input, print \"ok\" and its id,\n"
	"             or why it would be refused\n"
	"import FILE  add existing keys, a line each: the key, or "
	"sha256:DIGEST,\n"
	"             then any of owner= application= api= scope= tier= "
	"address= expires=\n"
	"             (the options are used where a line lacks them), or "
	"whole\n"
	"             lines of a key file; - is standard input\n"
	"\n"
	"Exit: 0 done, 1 refused or not found, 2 wrong use or cannot read.",
	options,
};

int
key_fail(const char *what, const char *why)
{
	(void)fprintf(stderr, "mgw-key: ");
	shown_print(stderr, span_str(what));
	(void)fprintf(stderr, ": %s\n", why);
	return 2;
}

static bool
used(const struct call *c, enum option o)
{
	return (c->used >> o & 1) != 0;
}

/* Scopes of the options with single spaces; absent without memory. */
static struct span
joined_scopes(struct call *c)
{
	struct span all = SPAN("");

	for (size_t i = 0; i < c->n_scopes && all.p != NULL; i++) {
		if (c->scopes[i].n > 0)
			all =
			    arena_printf(&c->arena, "%.*s%s%.*s", SPAN_ARG(all),
				all.n > 0 ? " " : "", SPAN_ARG(c->scopes[i]));
	}
	return all;
}

bool
key_apply(struct call *c, struct key_entry *e)
{
	if (used(c, OPTION_OWNER))
		e->owner = c->owner;
	if (used(c, OPTION_APPLICATION))
		e->application = c->application;
	if (used(c, OPTION_TIER))
		e->tier = c->tier;
	if (used(c, OPTION_EXPIRES))
		e->expires_s = c->expires_s;
	if (used(c, OPTION_SCOPE))
		e->scopes = joined_scopes(c);
	if (used(c, OPTION_API)) {
		e->apis = c->apis;
		e->n_apis = c->n_apis;
		if (c->n_apis == 1 && c->apis[0].n == 0)
			e->n_apis = 0;
	}
	if (used(c, OPTION_ADDRESS)) {
		e->addresses = c->addresses;
		e->n_addresses = c->n_addresses;
		if (c->n_addresses == 1 && c->addresses[0].n == 0)
			e->n_addresses = 0;
	}
	return !used(c, OPTION_SCOPE) || e->scopes.p != NULL;
}

/* Eight letters and digits: easy to type, and never like an option. */
bool
key_make_id(struct call *c, struct span *id)
{
	for (;;) {
		unsigned char random[ID_BYTES / 4 * 3];
		struct buf b;

		if (!sign_random(random, sizeof(random)))
			return false;
		buf_init(&b, 64);
		base64url_encode(&b, span_of(random, sizeof(random)));
		*id = arena_copy(&c->arena, buf_span(&b));
		buf_fini(&b);
		if (id->n != ID_BYTES)
			return false;
		if (!span_has(*id, '-') && !span_has(*id, '_') &&
		    (c->keys.file == NULL ||
			key_file_by_id(c->keys.file, *id) == NULL))
			return true;
	}
}

/* Put the entry in place of its line, or at the end. */
static bool
place(struct call *c, const struct key_entry *e)
{
	struct buf line;
	bool good;

	buf_init(&line, 65536);
	key_entry_write(e, &line);
	good = !line.failed &&
	    edited_replace(&c->keys.edited, e->line, buf_span(&line));
	buf_fini(&line);
	return good;
}

/*
 * Give "e" an id and a digest, write its line behind all others, save, and
 * print the key, which nobody sees again.
 */
static int
issue(struct call *c, struct key_entry *e)
{
	unsigned char random[32];
	struct buf key;
	int rc = 2;

	buf_init(&key, 128);
	buf_add_str(&key, "mgw_");
	if (!key_make_id(c, &e->id) || !sign_random(random, sizeof(random))) {
		(void)key_fail("random bytes", "there are none");
		goto out;
	}
	buf_add(&key, e->id);
	buf_add_char(&key, '_');
	base64url_encode(&key, span_of(random, sizeof(random)));
	if (key.failed || !sign_sha256(buf_span(&key), e->sha256)) {
		(void)key_fail("digest", "cannot be made");
		goto out;
	}
	e->line = 0;
	if (place(c, e) && keys_save(&c->keys) &&
	    printf("%.*s\n", SPAN_ARG(buf_span(&key))) > 0)
		rc = 0;
out:
	sign_wipe(random, sizeof(random));
	if (key.p != NULL)
		sign_wipe(key.p, key.n);
	buf_fini(&key);
	return rc;
}

static int
new_key(struct call *c)
{
	struct key_entry e = { 0 };

	if (c->owner.n == 0 || c->application.n == 0)
		return args_wrong(
		    &key_program, "new needs --owner and --application");
	if (!keys_open(&c->keys, c->file, true))
		return 2;
	return key_apply(c, &e) ? issue(c, &e)
				: key_fail("memory", "none left");
}

/* The old key goes when the new one is there: one change of the file. */
static int
rotate(struct call *c)
{
	const struct key_entry *found;
	struct key_entry old, e;

	if (!keys_open(&c->keys, c->file, true))
		return 2;
	found = key_find(c);
	if (found == NULL)
		return 1;
	old = e = *found;
	if (strcmp(key_state(&old, c->now_s), "active") != 0) {
		(void)key_fail(c->operand, "is no active key");
		return 1;
	}
	if (!used(c, OPTION_OVERLAP))
		old.revoked = true;
	else if (old.expires_s == 0 || old.expires_s > c->overlap_s)
		old.expires_s = c->overlap_s;
	if (!key_apply(c, &e))
		return key_fail("memory", "none left");
	return place(c, &old) ? issue(c, &e) : 2;
}

static int
change(struct call *c, bool revoke)
{
	const struct key_entry *old;
	struct key_entry e;

	if (!keys_open(&c->keys, c->file, true))
		return 2;
	old = key_find(c);
	if (old == NULL)
		return 1;
	e = *old;
	if (revoke)
		e.revoked = true;
	else if (!key_apply(c, &e))
		return key_fail("memory", "none left");
	return place(c, &e) && keys_save(&c->keys) ? 0 : 2;
}

static int
set(struct call *c)
{
	if ((c->used & ~(1U << OPTION_FILE)) == 0)
		return args_wrong(&key_program, "set needs something to set");
	return change(c, false);
}

static int
revoke(struct call *c)
{
	return change(c, true);
}

static int
verify(struct call *c)
{
	const struct key_entry *e;
	enum key_file_result found;
	const char *state;
	char *key;

	if (!keys_open(&c->keys, c->file, false))
		return 2;
	key = args_content(&key_program, "-");
	if (key == NULL)
		return 2;
	found = key_file_lookup(c->keys.file, span_str(key), &e);
	sign_wipe(key, strlen(key));
	free(key);
	if (found == KEY_FILE_FAULT)
		return key_fail("digest", "cannot be made");
	state = e != NULL ? key_state(e, c->now_s) : "key-invalid";
	if (strcmp(state, "active") == 0) {
		(void)printf("ok\t%.*s\n", SPAN_ARG(e->id)); /* as above */
		return 0;
	}
	(void)puts(state); /* likewise */
	return 1;
}

#define BIT(option) (1U << OPTION_##option)
#define FIELD_BITS                                                           \
	(BIT(OWNER) | BIT(APPLICATION) | BIT(API) | BIT(TIER) | BIT(SCOPE) | \
	    BIT(EXPIRES) | BIT(ADDRESS))

static const struct {
	const char *name;
	int (*run)(struct call *c);
	const char *operand; /* NULL: none */
	unsigned options;
} commands[] = {
	{ "new", new_key, NULL, FIELD_BITS },
	{ "list", key_list, NULL, BIT(JSON) },
	{ "show", key_show, "an ID", BIT(JSON) },
	{ "set", set, "an ID", FIELD_BITS },
	{ "rotate", rotate, "an ID", FIELD_BITS | BIT(OVERLAP) },
	{ "revoke", revoke, "an ID", 0 },
	{ "verify", verify, NULL, 0 },
	{ "import", key_import, "a FILE", FIELD_BITS },
};

/* A text that goes into a line of the file. */
static bool
set_text(struct span *to, const char *value)
{
	*to = span_str(value);
	if (!span_has_control(*to) && span_is_utf8(*to))
		return true;
	(void)key_fail("option", "control bytes, or not UTF-8");
	return false;
}

static bool
add_text(struct span *list_of, size_t *n, const char *value)
{
	if (*n == LIST_MAX)
		return key_fail("option", "comes too often") == 0;
	return set_text(&list_of[(*n)++], value);
}

/* False after a message. */
static bool
set_option(void *arg, int option, const char *value)
{
	struct call *c = arg;
	c->used |= 1U << option;
	switch ((enum option)option) {
	case OPTION_FILE:
		c->file = value;
		return true;
	case OPTION_OWNER:
		return set_text(&c->owner, value);
	case OPTION_APPLICATION:
		return set_text(&c->application, value);
	case OPTION_API:
		return add_text(c->apis, &c->n_apis, value);
	case OPTION_TIER:
		return set_text(&c->tier, value);
	case OPTION_SCOPE:
		return add_text(c->scopes, &c->n_scopes, value);
	case OPTION_EXPIRES:
		return keys_when(span_str(value), c->now_s, &c->expires_s) ||
		    key_fail("--expires",
			"must be an RFC 3339 time, a date, 30d, 12h or "
			"never") == 0;
	case OPTION_ADDRESS:
		return add_text(c->addresses, &c->n_addresses, value);
	case OPTION_OVERLAP:
		return (keys_when(span_str(value), c->now_s, &c->overlap_s) &&
			   c->overlap_s > c->now_s) ||
		    key_fail("--overlap",
			"must be a time ahead, such as 12h or 7d") == 0;
	case OPTION_JSON:
		c->json = true;
	}
	return true;
}

static int
run(struct call *c, const char *command, int n_operands)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		const char *wants = commands[i].operand;
		int rc;

		if (command == NULL || strcmp(command, commands[i].name) != 0)
			continue;
		if ((c->used & ~(commands[i].options | BIT(FILE))) != 0)
			return args_wrong(&key_program,
			    "an option does not belong to \"%s\"", command);
		if (n_operands != (wants != NULL))
			return args_wrong(&key_program, "\"%s\" takes %s",
			    command, wants != NULL ? wants : "no operand");
		if (c->file == NULL)
			return args_wrong(&key_program, "--file is needed");
		rc = commands[i].run(c);
		keys_close(&c->keys);
		return show_end(key_program.name) ? rc : 2;
	}
	return args_wrong(&key_program,
	    "which of new, list, show, set, rotate, revoke, verify, import?");
}

int
main(int argc, char **argv)
{
	static struct call c;
	struct args_command line;
	int rc;

	c.keys.edited.lock = -1;
	c.now_s = clock_wall_us() / US_PER_S;
	arena_init(&c.arena, 65536, 16 << 20);
	if (args_read_command(
		&key_program, argc, argv, set_option, &c, &line, &rc)) {
		c.operand = line.operand;
		rc = run(&c, line.name, line.n_operands);
	}
	arena_fini(&c.arena);
	return rc;
}
