/*
 * application_wso2 - see application_wso2.h.
 *
 * Each document is read into rows, which are sorted by the application
 * they are of and written in step.  Names come from people who register
 * applications themselves: control bytes in them are replaced, and names
 * stay apart, so that none of them can keep the document of all from being
 * taken.
 */
#include "policy/application_wso2.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "policy/application.h"
#include "policy/words.h"

#define DEPTH_MAX 16
#define MEMBERS_MAX 5
/* So that no field is longer than one in the file can be. */
#define NAME_BYTES_MAX 200
#define TIER_BYTES_MAX 128
#define API_BYTES_MAX 300    /* title and version */
#define CLIENT_BYTES_MAX 480 /* issuer and id */

const char *const application_wso2_names[APPLICATION_WSO2__MAX] = { "apis",
	"applications", "application-key-mappings", "subscriptions" };

/* The members of each that are read; the first of them there must be. */
static const struct {
	const char *names[MEMBERS_MAX];
	unsigned n, n_needed;
} members[APPLICATION_WSO2__MAX] = {
	{ { "apiId", "name", "version" }, 3, 3 },
	{ { "id", "name", "subName", "policy", "uuid" }, 5, 3 },
	{ { "applicationId", "consumerKey", "keyType", "keyManager" }, 4, 3 },
	{ { "appId", "apiId", "subscriptionState", "policyId" }, 4, 3 },
};

struct row {
	struct span values[MEMBERS_MAX];
	size_t place; /* in its document */
};

struct rows {
	struct row *list;
	size_t n, size;
};

struct joining {
	struct rows rows[APPLICATION_WSO2__MAX];
	const struct application_issuer *issuers;
	size_t n_issuers;
	struct arena arena; /* for values, to the end */
	unsigned n_left_out;
	const char *why;
};

static bool
fail(struct joining *j, const char *why)
{
	j->why = why;
	return false;
}

static bool
add_row(struct joining *j, struct rows *rows, const struct row *row)
{
	size_t size = rows->size > 0 ? rows->size * 2 : 64;
	struct row *more;

	if (rows->n == rows->size) {
		more = reallocarray(rows->list, size, sizeof(*more));
		if (more == NULL)
			return fail(j, "out of memory");
		rows->list = more;
		rows->size = size;
	}
	rows->list[rows->n] = *row;
	rows->list[rows->n].place = rows->n;
	rows->n++;
	return true;
}

/* An object of the list, which has been opened; its rest is read over. */
static bool
read_object(struct joining *j, struct json_scan *s, enum application_wso2 kind)
{
	struct row row = { .place = 0 };
	enum json_event e;

	while ((e = json_scan_next(s)) == JSON_NAME) {
		struct span name = s->value, *to = NULL;
		enum json_event value;

		for (unsigned i = 0; i < members[kind].n; i++) {
			if (span_eq(name, span_str(members[kind].names[i])))
				to = &row.values[i];
		}
		value = json_scan_next(s);
		if (to != NULL &&
		    (value == JSON_STRING || value == JSON_NUMBER))
			*to = s->value;
		if (!json_scan_skip(s))
			return fail(j, "no strict JSON");
	}
	if (e != JSON_OBJECT_END)
		return fail(j, "no strict JSON");
	for (unsigned i = 0; i < members[kind].n_needed; i++) {
		if (row.values[i].n == 0)
			return fail(j, "an entry lacks a member");
	}
	return add_row(j, &j->rows[kind], &row);
}

static bool
read_array(struct joining *j, struct json_scan *s, enum application_wso2 kind)
{
	enum json_event e;

	while ((e = json_scan_next(s)) == JSON_OBJECT) {
		if (!read_object(j, s, kind))
			return false;
	}
	return e == JSON_ARRAY_END || fail(j, "no list of objects");
}

/* {"count": N, "list": [...]}; a list that is cut is not all of them. */
static bool
read_list(struct joining *j, struct json_scan *s, enum application_wso2 kind)
{
	uint64_t count = 0;
	bool counted = false, listed = false;
	enum json_event e;

	while ((e = json_scan_next(s)) == JSON_NAME) {
		struct span name = s->value;
		enum json_event value = json_scan_next(s);

		if (span_eq(name, SPAN("list")) && value == JSON_ARRAY) {
			listed = true;
			if (!read_array(j, s, kind))
				return false;
			continue;
		}
		if (span_eq(name, SPAN("count")) && value == JSON_NUMBER)
			counted = span_to_u64(s->value, UINT32_MAX, &count);
		if (!json_scan_skip(s))
			return fail(j, "no strict JSON");
	}
	if (e != JSON_OBJECT_END || !listed)
		return fail(j, "no object with a list");
	return !counted || count == j->rows[kind].n ||
	    fail(j, "the list is not as long as its count");
}

static bool
read_document(struct joining *j, struct span text, enum application_wso2 kind)
{
	struct json_scan s;
	enum json_event e;
	bool ok;

	json_scan_init(&s, text, DEPTH_MAX, &j->arena);
	e = json_scan_next(&s);
	if (e == JSON_OBJECT)
		ok = read_list(j, &s, kind);
	else if (e == JSON_ARRAY)
		ok = read_array(j, &s, kind);
	else
		ok = fail(j, "no object with a list");
	return ok &&
	    (json_scan_next(&s) == JSON_END || fail(j, "no strict JSON"));
}

static int
by_first(const void *left, const void *right)
{
	const struct row *a = left, *b = right;
	int c = span_cmp(a->values[0], b->values[0]);

	if (c != 0)
		return c;
	return a->place < b->place ? -1 : a->place > b->place;
}

static const struct row *
find_api(const struct joining *j, struct span id)
{
	const struct rows *apis = &j->rows[APPLICATION_WSO2_APIS];
	size_t low = 0, high = apis->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (span_cmp(apis->list[middle].values[0], id) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < apis->n && span_eq(apis->list[low].values[0], id)
	    ? &apis->list[low]
	    : NULL;
}

/* "... [#ID]", which only what was changed may end with. */
static bool
has_mark(struct span s)
{
	return s.n > 0 && s.p[s.n - 1] == ']' &&
	    memmem(s.p, s.n, " [#", 3) != NULL;
}

/* As it can stand in the file; with the id, where it was changed. */
static struct span
clean(struct joining *j, struct span s, struct span id)
{
	bool changed =
	    s.n > NAME_BYTES_MAX || span_has_control(s) || has_mark(s);
	char *p = arena_alloc(&j->arena, s.n + 1);

	if (p == NULL || !changed)
		return p != NULL ? s : (struct span){ NULL, 0 };
	if (s.n > NAME_BYTES_MAX) {
		s.n = NAME_BYTES_MAX;
		/* Not in the middle of a letter. */
		while (s.n > 0 && ((unsigned char)s.p[s.n] & 0xc0) == 0x80)
			s.n--;
	}
	for (size_t i = 0; i < s.n; i++)
		p[i] = (unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f ? '_'
								      : s.p[i];
	return arena_printf(
	    &j->arena, "%.*s [#%.*s]", SPAN_ARG(span_of(p, s.n)), SPAN_ARG(id));
}

/* A tier, or absent. */
static struct span
tier_of(struct span name)
{
	return name.n == 0 || name.n > TIER_BYTES_MAX || span_has_control(name)
	    ? (struct span){ NULL, 0 }
	    : name;
}

static bool
add_subscription(struct joining *j, const struct row *row,
    struct application_subscription ***end)
{
	static const char *const good[] = { "UNBLOCKED", "TIER_UPDATE_PENDING",
		NULL };
	static const char *const blocked[] = { "BLOCKED", "PROD_ONLY_BLOCKED",
		NULL };
	const struct row *api = find_api(j, row->values[1]);
	bool is_blocked = span_is_one_of(row->values[2], blocked);
	struct application_subscription *s;

	/* On hold, rejected: not subscribed. */
	if (!is_blocked && !span_is_one_of(row->values[2], good))
		return true;
	if (api == NULL ||
	    api->values[1].n + api->values[2].n > API_BYTES_MAX ||
	    span_has_control(api->values[1]) ||
	    span_has_control(api->values[2])) {
		j->n_left_out++;
		return true;
	}
	s = arena_alloc(&j->arena, sizeof(*s));
	if (s == NULL)
		return fail(j, "out of memory");
	s->api = arena_printf(&j->arena, "%.*s/%.*s", SPAN_ARG(api->values[1]),
	    SPAN_ARG(api->values[2]));
	s->tier = tier_of(row->values[3]);
	s->blocked = is_blocked;
	**end = s;
	*end = &s->next;
	return s->api.p != NULL || fail(j, "out of memory");
}

static bool
add_key(struct joining *j, const struct row *row,
    struct application_credential ***end)
{
	struct span client = row->values[1], issuer = { NULL, 0 };
	bool sandbox = span_eq(row->values[2], SPAN("SANDBOX"));
	struct application_credential *c;

	for (size_t i = 0; i < j->n_issuers; i++) {
		if (span_eq(j->issuers[i].manager,
			row->values[3].n > 0 ? row->values[3]
					     : SPAN("Default")))
			issuer = j->issuers[i].issuer;
	}
	if (issuer.n == 0 || issuer.n + client.n > CLIENT_BYTES_MAX ||
	    span_has_control(client) ||
	    (!sandbox && !span_eq(row->values[2], SPAN("PRODUCTION")))) {
		j->n_left_out++;
		return true;
	}
	c = arena_alloc(&j->arena, sizeof(*c));
	if (c == NULL)
		return fail(j, "out of memory");
	c->key =
	    (struct application_key){ APPLICATION_BY_CLIENT, issuer, client };
	c->sandbox = sandbox;
	**end = c;
	*end = &c->next;
	return true;
}

/*
 * Whoever subscribes to very much makes a line that is too long to be read:
 * the application is known then, and blocked.
 */
static void
write_line(struct joining *j, struct application *app, struct buf *to)
{
	size_t start = to->n;

	application_write(app, to);
	if (to->failed || to->n - start <= APPLICATION_LINE_MAX)
		return;
	to->n = start;
	app->subscriptions = NULL;
	app->blocked = true;
	application_write(app, to);
	j->n_left_out++;
}

/* Its line, with the rows of the others that are next and its own. */
static bool
write_application(struct joining *j, const struct row *row, size_t *key,
    size_t *subscription, struct buf *to)
{
	const struct rows *keys = &j->rows[APPLICATION_WSO2_KEYS];
	const struct rows *subs = &j->rows[APPLICATION_WSO2_SUBSCRIPTIONS];
	struct span id = row->values[0];
	struct application app = { .id = id };
	struct application_subscription **last = &app.subscriptions;
	struct application_credential **last_key = &app.credentials;

	if (!words_is_id(id))
		return fail(j, "an id is none");
	for (; *key < keys->n && span_cmp(keys->list[*key].values[0], id) <= 0;
	     ++*key) {
		if (span_eq(keys->list[*key].values[0], id) &&
		    !add_key(j, &keys->list[*key], &last_key))
			return false;
	}
	for (; *subscription < subs->n &&
	     span_cmp(subs->list[*subscription].values[0], id) <= 0;
	     ++*subscription) {
		if (span_eq(subs->list[*subscription].values[0], id) &&
		    !add_subscription(j, &subs->list[*subscription], &last))
			return false;
	}
	app.name = clean(j, row->values[1], id);
	app.owner = clean(j, row->values[2], id);
	app.tier = tier_of(row->values[3]);
	app.uuid = tier_of(row->values[4]);
	if (app.name.p == NULL || app.owner.p == NULL)
		return fail(j, "out of memory");
	write_line(j, &app, to);
	return !to->failed || fail(j, "too large");
}

static bool
write_all(struct joining *j, struct buf *to)
{
	const struct rows *apps = &j->rows[APPLICATION_WSO2_APPLICATIONS];
	size_t key = 0, subscription = 0;

	for (int i = 0; i < APPLICATION_WSO2__MAX; i++) {
		if (j->rows[i].n > 0)
			qsort(j->rows[i].list, j->rows[i].n,
			    sizeof(*j->rows[i].list), by_first);
	}
	for (size_t i = 0; i < apps->n; i++) {
		if (!write_application(
			j, &apps->list[i], &key, &subscription, to))
			return false;
	}
	return true;
}

bool
application_wso2_join(const struct span *documents,
    const struct application_issuer *issuers, size_t n_issuers, struct buf *to,
    unsigned *n_left_out, char *why, size_t why_size)
{
	struct joining j = { .issuers = issuers, .n_issuers = n_issuers };
	const char *where = "all of them together";
	size_t bytes = 0;
	bool ok = true;

	for (int i = 0; i < APPLICATION_WSO2__MAX; i++)
		bytes += documents[i].n;
	arena_init(&j.arena, 64 * 1024, 8 * bytes + (1 << 20));
	for (int i = 0; i < APPLICATION_WSO2__MAX && ok; i++) {
		ok = read_document(&j, documents[i], (enum application_wso2)i);
		if (!ok)
			where = application_wso2_names[i];
	}
	ok = ok && write_all(&j, to);
	if (!ok)
		(void)snprintf(why, why_size, "%s: %s", where, j.why);
	*n_left_out = j.n_left_out;
	for (int i = 0; i < APPLICATION_WSO2__MAX; i++)
		free(j.rows[i].list);
	arena_fini(&j.arena);
	return ok;
}
