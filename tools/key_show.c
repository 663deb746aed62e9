/*
 * key_show - "list" and "show" of mgw-key.
 */
#include <time.h>

#include "base/shown.h"
#include "policy/json.h"
#include "tools/key.h"
#include "tools/show.h"

const char *
key_state(const struct key_entry *e, int64_t now_s)
{
	if (e->revoked)
		return "revoked";
	return e->expires_s != 0 && now_s >= e->expires_s ? "expired"
							  : "active";
}

const struct key_entry *
key_find(const struct call *c)
{
	const struct key_entry *e =
	    key_file_by_id(c->keys.file, span_str(c->operand));

	if (e == NULL) {
		(void)fprintf(stderr, "mgw-key: no key with id ");
		shown_print(stderr, span_str(c->operand));
		(void)fprintf(stderr, "\n");
	}
	return e;
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
joined(struct call *c, const struct span *list, size_t n)
{
	struct span all = SPAN("");

	for (size_t i = 0; i < n; i++)
		all = arena_printf(&c->arena, "%.*s%s%.*s", SPAN_ARG(all),
		    i > 0 ? "," : "", SPAN_ARG(list[i]));
	return all;
}

/* What "list" and "show" print, in this order. */
#define FIELDS 9
static const char *const field_names[FIELDS] = { "id", "state", "owner",
	"application", "apis", "scopes", "tier", "expires", "addresses" };

static void
fields_of(struct call *c, const struct key_entry *e,
    struct span fields[static FIELDS])
{
	fields[0] = e->id;
	fields[1] = span_str(key_state(e, c->now_s));
	fields[2] = e->owner;
	fields[3] = e->application;
	fields[4] = joined(c, e->apis, e->n_apis);
	fields[5] = e->scopes;
	fields[6] = e->tier;
	fields[7] = time_text(c, e->expires_s);
	fields[8] = joined(c, e->addresses, e->n_addresses);
}

static struct json_object *
json_of(struct call *c, const struct key_entry *e)
{
	struct json_object *o = json_new_object(), *apis = json_new_array();
	struct json_object *scopes = json_new_array();
	struct json_object *addresses = json_new_array();
	struct span fields[FIELDS], rest = e->scopes;

	fields_of(c, e, fields);
	for (size_t i = 0; i < e->n_apis; i++)
		(void)json_append(apis, json_new_string(e->apis[i]));
	for (size_t i = 0; i < e->n_addresses; i++)
		(void)json_append(addresses, json_new_string(e->addresses[i]));
	while (rest.n > 0)
		(void)json_append(
		    scopes, json_new_string(span_cut(&rest, ' ')));
	for (int i = 0; i < FIELDS; i++) {
		/* Without memory a member is missing, which show tells. */
		if (i == 4)
			(void)json_put(o, field_names[i], apis);
		else if (i == 5)
			(void)json_put(o, field_names[i], scopes);
		else if (i == 8)
			(void)json_put(o, field_names[i], addresses);
		else if (fields[i].n > 0)
			(void)json_put(
			    o, field_names[i], json_new_string(fields[i]));
	}
	return o;
}

int
key_list(struct call *c)
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
			shown_print(
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

int
key_show(struct call *c)
{
	const struct key_entry *e;
	struct span fields[FIELDS];
	struct json_object *o;
	bool good = true;

	if (!keys_open(&c->keys, c->file, false))
		return 2;
	e = key_find(c);
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
		shown_print(stdout, fields[i].n > 0 ? fields[i] : SPAN("-"));
		(void)putchar('\n'); /* likewise */
	}
	return 0;
}
