/*
 * key_import - "import" of mgw-key: existing keys, a line each.
 */
#include <stdlib.h>

#include "base/file.h"
#include "base/shown.h"
#include "policy/sign.h"
#include "policy/words.h"
#include "tools/key.h"
#include "tools/show.h"

/* A shorter key can be guessed; no salt protects it in the file. */
#define KEY_BYTES_MIN 16

static bool
wrong(const char *what, const char *why)
{
	(void)key_fail(what, why); /* always 2 */
	return false;
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
	if (word.n < KEY_BYTES_MIN)
		return wrong("import", "a key is shorter than 16 characters");
	if (!sign_sha256(word, digest))
		return wrong("digest", "cannot be made");
	buf_init(&b, 128);
	for (size_t i = 0; i < sizeof(digest); i++)
		buf_printf(&b, "%02x", digest[i]);
	*hex = arena_copy(&c->arena, buf_span(&b));
	buf_fini(&b);
	return hex->n == 64 || wrong("memory", "none left");
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
	if (!digest_of(c, word, &hex) || !key_make_id(c, &id))
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
		return wrong("import", why);
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
	if (e->n_addresses > 0)
		c->used &= ~(1U << OPTION_ADDRESS);
	if (e->n_apis > 0)
		c->used &= ~(1U << OPTION_API);
	if (!key_apply(c, e))
		return wrong("memory", "none left");
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
		good = wrong("import",
		    "a line has no owner= or application=, and no "
		    "option names it");
	if (good) {
		key_entry_write(&e, to);
		(void)printf("%.*s\t", SPAN_ARG(e.id)); /* show_end tells */
		shown_print(stdout, e.owner);
		(void)putchar('\t'); /* likewise */
		shown_print(stdout, e.application);
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
	content = args_content(&key_program, "-");
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
	unsigned number = 0;
	struct span line;

	while (words_line(&text, &line, &number)) {
		if (import_line(c, line, to))
			continue;
		(void)fprintf(
		    stderr, "mgw-key: line %u: nothing was imported\n", number);
		return false;
	}
	return !to->failed;
}

int
key_import(struct call *c)
{
	struct buf text, lines;
	int rc = 2;

	if (!read_lines(c, &text))
		return 2;
	buf_init(&lines, KEY_FILE_BYTES_MAX);
	if (keys_open(&c->keys, c->file, true) &&
	    import_lines(c, buf_span(&text), &lines) &&
	    edited_replace(&c->keys.edited, 0, buf_span(&lines)) &&
	    keys_save(&c->keys))
		rc = 0;
	if (text.p != NULL)
		sign_wipe(text.p, text.n);
	buf_fini(&text);
	buf_fini(&lines);
	return rc;
}
