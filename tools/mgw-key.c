/*
 * mgw-key - give out API keys, look at them, change and revoke them.
 *
 * The key itself is printed once, by "new"; the file keeps its SHA-256.
 */
#include <stdlib.h>
#include <time.h>

#include "base/args.h"
#include "base/base64url.h"
#include "base/clock.h"
#include "base/file.h"
#include "policy/json.h"
#include "policy/sign.h"
#include "tools/keys.h"
#include "tools/show.h"

#define LIST_MAX 256
#define ID_BYTES 8
/* A shorter key can be guessed; no salt protects it in the file. */
#define KEY_BYTES_MIN 16

enum option {
	OPTION_FILE,
	OPTION_OWNER,
	OPTION_APPLICATION,
	OPTION_API,
	OPTION_TIER,
	OPTION_SCOPE,
	OPTION_EXPIRES,
	OPTION_JSON,
};

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
	{ 0, "json", NULL, "list, show: print JSON" },
	{ 0, NULL, NULL, NULL },
};

static const struct args_program program = {
	"mgw-key",
	"new|list|show|set|revoke|verify|import --file FILE [OPTION]... "
	"[ID|FILE]",
	"new          make a key for --owner and --application, print it once\n"
	"list         a line a key: id, state, owner, application, APIs,\n"
	"             scopes, tier, expiry\n"
	"show ID      all about one key\n"
	"set ID       change what the options name; an empty --api, --tier or\n"
	"             --scope takes it away\n"
	"revoke ID    the key is refused from the next request on\n"
	"verify       read a key on standard input, print \"ok\" and its id,\n"
	"             or why it would be refused\n"
	"import FILE  add existing keys, a line each: the key, or "
	"sha256:DIGEST,\n"
	"             then any of owner= application= api= scope= tier= "
	"expires=\n"
	"             (the options are used where a line lacks them), or "
	"whole\n"
	"             lines of a key file; - is standard input\n"
	"\n"
	"Exit: 0 done, 1 refused or not found, 2 wrong use or cannot read.",
	options,
};

struct call {
	const char *file, *operand;
	struct span owner, application, tier;
	struct span apis[LIST_MAX], scopes[LIST_MAX];
	size_t n_apis, n_scopes;
	int64_t expires_s, now_s;
	bool json;
	unsigned used; /* bits of options given */
	struct keys keys;
	struct arena arena;
};

static bool
used(const struct call *c, enum option o)
{
	return (c->used >> o & 1) != 0;
}

static int
fail(const char *what, const char *why)
{
	(void)fprintf(stderr, "mgw-key: %s: %s\n", what, why);
	return 2;
}

static const char *
state_of(const struct key_entry *e, int64_t now_s)
{
	if (e->revoked)
		return "revoked";
	return e->expires_s != 0 && now_s >= e->expires_s ? "expired"
							  : "active";
}

static const struct key_entry *
find(const struct call *c)
{
	const struct key_entry *e =
	    key_file_by_id(c->keys.file, span_str(c->operand));

	if (e == NULL) {
		(void)fprintf(stderr, "mgw-key: no key with id ");
		show_text(stderr, span_str(c->operand));
		(void)fprintf(stderr, "\n");
	}
	return e;
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

/* Write what the options name over "e". */
static bool
apply(struct call *c, struct key_entry *e)
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
	return !used(c, OPTION_SCOPE) || e->scopes.p != NULL;
}

/* Put the entry in place of its line, or at the end, and save. */
static bool
store(struct call *c, const struct key_entry *e)
{
	struct buf line;
	bool good;

	buf_init(&line, 65536);
	key_entry_write(e, &line);
	good = !line.failed &&
	    keys_replace(&c->keys, e->line, buf_span(&line)) &&
	    keys_save(&c->keys);
	buf_fini(&line);
	return good;
}

/* Eight letters and digits: easy to type, and never like an option. */
static bool
make_id(struct call *c, struct span *id)
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

static int
new_key(struct call *c)
{
	struct key_entry e = { 0 };
	unsigned char random[32];
	struct buf key;
	int rc = 2;

	if (c->owner.n == 0 || c->application.n == 0)
		return args_wrong(
		    &program, "new needs --owner and --application");
	if (!keys_open(&c->keys, c->file, true))
		return 2;
	buf_init(&key, 128);
	buf_add_str(&key, "mgw_");
	if (!make_id(c, &e.id) || !sign_random(random, sizeof(random))) {
		(void)fail("random bytes", "there are none");
		goto out;
	}
	buf_add(&key, e.id);
	buf_add_char(&key, '_');
	base64url_encode(&key, span_of(random, sizeof(random)));
	if (key.failed || !sign_sha256(buf_span(&key), e.sha256)) {
		(void)fail("digest", "cannot be made");
		goto out;
	}
	if (apply(c, &e) && store(c, &e) &&
	    printf("%.*s\n", SPAN_ARG(buf_span(&key))) > 0)
		rc = 0;
out:
	sign_wipe(random, sizeof(random));
	if (key.p != NULL)
		sign_wipe(key.p, key.n);
	buf_fini(&key);
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
		return (struct span){ NULL, 0 };
	return arena_copy(&c->arena, span_str(text));
}

static struct span
joined_apis(struct call *c, const struct key_entry *e)
{
	struct span all = SPAN("");

	for (size_t i = 0; i < e->n_apis; i++)
		all = arena_printf(&c->arena, "%.*s%s%.*s", SPAN_ARG(all),
		    i > 0 ? "," : "", SPAN_ARG(e->apis[i]));
	return all;
}

/* What "list" and "show" print, in this order. */
#define FIELDS 8
static const char *const field_names[FIELDS] = { "id", "state", "owner",
	"application", "apis", "scopes", "tier", "expires" };

static void
fields_of(struct call *c, const struct key_entry *e,
    struct span fields[static FIELDS])
{
	fields[0] = e->id;
	fields[1] = span_str(state_of(e, c->now_s));
	fields[2] = e->owner;
	fields[3] = e->application;
	fields[4] = joined_apis(c, e);
	fields[5] = e->scopes;
	fields[6] = e->tier;
	fields[7] = time_text(c, e->expires_s);
}

static struct json_object *
json_of(struct call *c, const struct key_entry *e)
{
	struct json_object *o = json_new_object(), *apis = json_new_array();
	struct json_object *scopes = json_new_array();
	struct span fields[FIELDS], rest = e->scopes;

	fields_of(c, e, fields);
	for (size_t i = 0; i < e->n_apis; i++)
		(void)json_append(apis, json_new_string(e->apis[i]));
	while (rest.n > 0)
		(void)json_append(
		    scopes, json_new_string(span_cut(&rest, ' ')));
	for (int i = 0; i < FIELDS; i++) {
		/* Without memory a member is missing, which show tells. */
		if (i == 4)
			(void)json_put(o, field_names[i], apis);
		else if (i == 5)
			(void)json_put(o, field_names[i], scopes);
		else if (fields[i].n > 0)
			(void)json_put(
			    o, field_names[i], json_new_string(fields[i]));
	}
	return o;
}

static int
list(struct call *c)
{
	struct json_object *all = json_new_array();
	const struct key_entry *entries;
	struct span fields[FIELDS];
	size_t n;
	bool good = true;

	if (!keys_open(&c->keys, c->file, false)) {
		json_free(all);
		return 2;
	}
	entries = key_file_entries(c->keys.file, &n);
	for (size_t i = 0; i < n; i++) {
		if (c->json) {
			good &= json_append(all, json_of(c, &entries[i]));
			arena_reset(&c->arena);
			continue;
		}
		fields_of(c, &entries[i], fields);
		for (int f = 0; f < FIELDS; f++) {
			if (f > 0)
				(void)putchar('\t'); /* show_end tells */
			show_text(
			    stdout, fields[f].n > 0 ? fields[f] : SPAN("-"));
		}
		(void)putchar('\n'); /* likewise */
		arena_reset(&c->arena);
	}
	if (c->json)
		good = good && show_json(stdout, all);
	json_free(all);
	return good ? 0 : 2;
}

static int
show(struct call *c)
{
	const struct key_entry *e;
	struct span fields[FIELDS];
	struct json_object *o;
	bool good = true;

	if (!keys_open(&c->keys, c->file, false))
		return 2;
	e = find(c);
	if (e == NULL)
		return 1;
	if (c->json) {
		o = json_of(c, e);
		good = show_json(stdout, o);
		json_free(o);
		return good ? 0 : 2;
	}
	fields_of(c, e, fields);
	for (int i = 0; i < FIELDS; i++) {
		(void)printf("%s: ", field_names[i]); /* show_end tells */
		show_text(stdout, fields[i].n > 0 ? fields[i] : SPAN("-"));
		(void)putchar('\n'); /* likewise */
	}
	return 0;
}

static int
change(struct call *c, bool revoke)
{
	const struct key_entry *old;
	struct key_entry e;

	if (!keys_open(&c->keys, c->file, true))
		return 2;
	old = find(c);
	if (old == NULL)
		return 1;
	e = *old;
	if (revoke)
		e.revoked = true;
	else if (!apply(c, &e))
		return fail("memory", "none left");
	return store(c, &e) ? 0 : 2;
}

static int
set(struct call *c)
{
	if ((c->used & ~(1U << OPTION_FILE)) == 0)
		return args_wrong(&program, "set needs something to set");
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
	key = args_content(&program, "-");
	if (key == NULL)
		return 2;
	found = key_file_lookup(c->keys.file, span_str(key), &e);
	sign_wipe(key, strlen(key));
	free(key);
	if (found == KEY_FILE_FAULT)
		return fail("digest", "cannot be made");
	state = e != NULL ? state_of(e, c->now_s) : "key-invalid";
	if (strcmp(state, "active") == 0) {
		(void)printf("ok\t%.*s\n", SPAN_ARG(e->id)); /* as above */
		return 0;
	}
	(void)puts(state); /* likewise */
	return 1;
}

/* "sha256:HEX", or the digest of the word itself, as hexadecimal text. */
static bool
digest_of(struct call *c, struct span word, struct span *hex)
{
	unsigned char digest[SHA256_BYTES];
	struct buf b;

	if (span_starts(word, SPAN("sha256:"))) {
		*hex = span_skip(word, 7);
		return true;
	}
	if (word.n < KEY_BYTES_MIN) {
		(void)fail("import", "a key is shorter than 16 characters");
		return false;
	}
	if (!sign_sha256(word, digest))
		return fail("digest", "cannot be made") == 0;
	buf_init(&b, 128);
	for (size_t i = 0; i < sizeof(digest); i++)
		buf_printf(&b, "%02x", digest[i]);
	*hex = arena_copy(&c->arena, buf_span(&b));
	buf_fini(&b);
	return hex->n == 64 || fail("memory", "none left") == 0;
}

/* A line of a key file: its second word is a state. */
static bool
is_whole_line(struct span line)
{
	struct span rest = line, state;

	(void)span_cut(&rest, ' ');
	rest = span_trim(rest);
	state = span_cut(&rest, ' ');
	return span_eq(state, SPAN("active")) ||
	    span_eq(state, SPAN("revoked"));
}

/* One entry from "line", which is not a whole one, with its defaults. */
static bool
read_import(struct call *c, struct span line, struct key_entry *e,
    struct key_file **held)
{
	struct span rest = line, word, hex, id, text;
	size_t n = 0;
	char why[200];
	unsigned given = c->used;

	for (; n < rest.n && rest.p[n] != ' ' && rest.p[n] != '\t'; n++)
		continue;
	word = span_of(rest.p, n);
	rest = span_skip(rest, n);
	if (!digest_of(c, word, &hex) || !make_id(c, &id))
		return false;
	/* The reader wants both; the options stand in where they lack. */
	text = arena_printf(&c->arena, "%.*s active %.*s%.*s%s%s", SPAN_ARG(id),
	    SPAN_ARG(hex), SPAN_ARG(rest),
	    memmem(rest.p, rest.n, " owner=", 7) == NULL ? " owner=-" : "",
	    memmem(rest.p, rest.n, " application=", 13) == NULL
		? " application=-"
		: "");
	*held = key_file_new(text, why, sizeof(why));
	if (*held == NULL)
		return fail("import", why) == 0;
	*e = key_file_entries(*held, &n)[0];
	e->line = 0;
	if (!span_eq(e->owner, SPAN("-")))
		c->used &= ~(1U << OPTION_OWNER);
	if (!span_eq(e->application, SPAN("-")))
		c->used &= ~(1U << OPTION_APPLICATION);
	if (e->tier.p != NULL)
		c->used &= ~(1U << OPTION_TIER);
	if (e->expires_s != 0)
		c->used &= ~(1U << OPTION_EXPIRES);
	if (e->scopes.n > 0)
		c->used &= ~(1U << OPTION_SCOPE);
	if (e->n_apis > 0)
		c->used &= ~(1U << OPTION_API);
	if (!apply(c, e))
		return fail("memory", "none left") == 0;
	c->used = given;
	return true;
}

/* Add one line of the file to "to"; false after a message. */
static bool
import_line(struct call *c, struct span line, struct buf *to)
{
	struct key_file *held = NULL;
	struct key_entry e;
	bool good;

	if (is_whole_line(line)) {
		buf_add(to, line);
		buf_add_char(to, '\n');
		return true;
	}
	good = read_import(c, line, &e, &held);
	if (good &&
	    (span_eq(e.owner, SPAN("-")) || span_eq(e.application, SPAN("-"))))
		good = fail("import",
			   "a line has no owner= or application=, and no "
			   "option names it") == 0;
	if (good) {
		key_entry_write(&e, to);
		(void)printf("%.*s\t", SPAN_ARG(e.id)); /* show_end tells */
		show_text(stdout, e.owner);
		(void)putchar('\t'); /* likewise */
		show_text(stdout, e.application);
		(void)putchar('\n'); /* likewise */
	}
	key_file_free(held);
	arena_reset(&c->arena);
	return good;
}

/* The lines to import, into "text"; false after a message. */
static bool
read_lines(const struct call *c, struct buf *text)
{
	char why[400], *content;

	buf_init(text, KEY_FILE_BYTES_MAX);
	if (strcmp(c->operand, "-") != 0) {
		if (file_read(c->operand, FILE_ANY, KEY_FILE_BYTES_MAX, text,
			NULL, why, sizeof(why)))
			return true;
		(void)fprintf(stderr, "mgw-key: %s\n", why);
		return false;
	}
	content = args_content(&program, "-");
	if (content == NULL)
		return false;
	buf_add_str(text, content);
	sign_wipe(content, strlen(content));
	free(content);
	return !text->failed;
}

static bool
import_lines(struct call *c, struct span text, struct buf *to)
{
	for (unsigned number = 1; text.p != NULL && text.n > 0; number++) {
		struct span line = span_cut(&text, '\n');

		if (span_ends(line, SPAN("\r")))
			line.n--;
		line = span_trim(line);
		if (line.n == 0 || line.p[0] == '#')
			continue;
		if (import_line(c, line, to))
			continue;
		(void)fprintf(
		    stderr, "mgw-key: line %u: nothing was imported\n", number);
		return false;
	}
	return !to->failed;
}

static int
import(struct call *c)
{
	struct buf text, lines;
	int rc = 2;

	if (!read_lines(c, &text))
		return 2;
	buf_init(&lines, KEY_FILE_BYTES_MAX);
	if (keys_open(&c->keys, c->file, true) &&
	    import_lines(c, buf_span(&text), &lines) &&
	    keys_replace(&c->keys, 0, buf_span(&lines)) && keys_save(&c->keys))
		rc = 0;
	if (text.p != NULL)
		sign_wipe(text.p, text.n);
	buf_fini(&text);
	buf_fini(&lines);
	return rc;
}

#define BIT(option) (1U << OPTION_##option)
#define FIELD_BITS                                                           \
	(BIT(OWNER) | BIT(APPLICATION) | BIT(API) | BIT(TIER) | BIT(SCOPE) | \
	    BIT(EXPIRES))

static const struct {
	const char *name;
	int (*run)(struct call *c);
	const char *operand; /* NULL: none */
	unsigned options;
} commands[] = {
	{ "new", new_key, NULL, FIELD_BITS },
	{ "list", list, NULL, BIT(JSON) },
	{ "show", show, "an ID", BIT(JSON) },
	{ "set", set, "an ID", FIELD_BITS },
	{ "revoke", revoke, "an ID", 0 },
	{ "verify", verify, NULL, 0 },
	{ "import", import, "a FILE", FIELD_BITS },
};

/* A text that goes into a line of the file. */
static bool
set_text(struct span *to, const char *value)
{
	*to = span_str(value);
	if (!span_has_control(*to) && span_is_utf8(*to))
		return true;
	(void)fail("option", "control bytes, or not UTF-8");
	return false;
}

static bool
add_text(struct span *list_of, size_t *n, const char *value)
{
	if (*n == LIST_MAX)
		return fail("option", "comes too often") == 0;
	return set_text(&list_of[(*n)++], value);
}

/* False after a message. */
static bool
set_option(struct call *c, int option, const char *value)
{
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
		    fail("--expires", "is no time") == 0;
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
			return args_wrong(&program,
			    "an option does not belong to \"%s\"", command);
		if (n_operands != (wants != NULL))
			return args_wrong(&program, "\"%s\" takes %s", command,
			    wants != NULL ? wants : "no operand");
		if (c->file == NULL)
			return args_wrong(&program, "--file is needed");
		rc = commands[i].run(c);
		keys_close(&c->keys);
		return show_end(program.name) ? rc : 2;
	}
	return args_wrong(
	    &program, "which of new, list, show, set, revoke, verify, import?");
}

int
main(int argc, char **argv)
{
	static struct call c;
	const char *command = NULL;
	int option, rc = 2, n = 0;
	struct args a;

	c.keys.lock = -1;
	c.now_s = clock_wall_us() / US_PER_S;
	arena_init(&c.arena, 65536, 16 << 20);
	args_init(&a, &program, argc, argv);
	while ((option = args_next(&a)) >= 0 || option == ARGS_OPERAND) {
		if (option >= 0 && !set_option(&c, option, a.value))
			goto out;
		if (option != ARGS_OPERAND)
			continue;
		if (command == NULL)
			command = a.value;
		else if (n++ == 0)
			c.operand = a.value;
	}
	if (option == ARGS_DONE)
		rc = 0;
	else if (option == ARGS_END)
		rc = run(&c, command, n);
out:
	arena_fini(&c.arena);
	return rc;
}
