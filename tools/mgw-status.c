/*
 * mgw-status - what the state directory tells about running gates.
 *
 * Looks and changes nothing.  Texts from the state may have come from
 * documents; as JSON they are escaped, as text their control bytes are.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/args.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/shown.h"
#include "policy/control.h"
#include "policy/revocation_set.h"
#include "policy/state_health.h"
#include "tools/state_place.h"

/* 256 APIs with all their counts, and room to spare. */
#define REPORT_BYTES_MAX (4 << 20)
#define WATCH_S 1

static const struct args_option options[] = {
	{ 's', "state", "DIR", "the state directory" },
	{ 'j', "json", NULL, "print one JSON object" },
	{ 'w', "watch", NULL, "print again every second" },
	{ 0 },
};

static const struct args_program program = {
	.name = "mgw-status",
	.usage = "[--state DIR] [--json] [--watch]",
	.about = "Show the processes that serve from a state directory, the "
		 "requests they\nanswered by API and reason, and how full "
		 "each section of the state is.\nDIR is MGW_STATE, else "
		 "~/.mgw/state, else " STATE_PLACE_SYSTEM ".\n\n"
		 "Exit: 0 done, 2 wrong use or cannot read.",
	.options = options,
};

static const char *const totals[STATE_TOTAL__MAX] = {
	[STATE_TAKE_SHARED] = "takes_shared",
	[STATE_TAKE_FAULT] = "takes_failed",
	[STATE_VERDICT_HIT] = "verdict_hits",
	[STATE_VERDICT_MISS] = "verdict_misses",
	[STATE_EVENT_LOST] = "events_lost",
	[STATE_STORE_ASKED] = "store_asked",
	[STATE_STORE_FAILED] = "store_failed",
	[STATE_STORE_LOCAL] = "store_local",
	[STATE_STORE_ALLOWED] = "store_allowed",
	[STATE_STORE_REFUSED] = "store_refused",
	[STATE_FAILURE_FORGOTTEN] = "failures_forgotten",
};

static uint64_t
seconds_since(int64_t then_us, int64_t now_us)
{
	return now_us > then_us ? (uint64_t)((now_us - then_us) / US_PER_S) : 0;
}

/* What mgw-throttle has set. */
struct rules {
	bool had; /* else "why" */
	uint64_t deny, tiers, closed;
	unsigned percent; /* of the room for them */
	char why[512];
};

static void
count_rules(
    const char *dir, const struct state *s, int64_t now_us, struct rules *r)
{
	const struct control_rule *rule;
	struct control *c;
	size_t at = 0;

	*r = (struct rules){ .had = false };
	c = control_load(dir, state_rules_seq(s), NULL, r->why, sizeof(r->why));
	if (c == NULL)
		return;
	r->had = true;
	while ((rule = control_next(c, now_us / US_PER_S, &at)) != NULL) {
		r->deny += rule->change == CONTROL_DENY;
		r->tiers += rule->change == CONTROL_TIER;
		r->closed += rule->change == CONTROL_MAINTENANCE;
	}
	r->percent = control_percent(c);
	control_free(c);
}

static void
write_rules(const struct rules *r, bool json, struct buf *to)
{
	if (json && r->had)
		buf_printf(to,
		    ",\"rules\":{\"deny\":%" PRIu64 ",\"tiers\":%" PRIu64
		    ",\"maintenance\":%" PRIu64 ",\"percent\":%u}",
		    r->deny, r->tiers, r->closed, r->percent);
	else if (json) {
		buf_add_str(to, ",\"rules\":{\"damaged\":");
		json_write_string(to, span_str(r->why));
		buf_add_char(to, '}');
	} else if (r->had) {
		buf_printf(to,
		    "rules: %" PRIu64 " deny, %" PRIu64
		    " tiers of applications, %" PRIu64 " of maintenance%s\n",
		    r->deny, r->tiers, r->closed,
		    r->percent >= CONTROL_FULL_PERCENT
			? "; little room is left for more"
			: "");
	} else {
		buf_add_str(to, "rules: requests are refused: ");
		shown_ascii(to, span_str(r->why));
		buf_add_char(to, '\n');
	}
}

/* What mgw-token has revoked. */
struct revoked {
	bool had; /* else "why" */
	uint64_t entries;
	char why[512];
};

static void
count_revoked(
    const char *dir, struct state *s, int64_t now_us, struct revoked *r)
{
	struct revoked_list list;
	struct revoked_set set;

	*r = (struct revoked){ .had = false };
	if (revoked_set_init(
		&set, NULL, dir, s, true, NULL, NULL, r->why, sizeof(r->why))) {
		revoked_list_load(&set.sources[0], &list, now_us);
		r->had = !list.lost;
		r->entries = revoked_list_entries(&list);
		(void)snprintf(r->why, sizeof(r->why), "%s", list.why);
		revoked_list_fini(&list);
	}
	revoked_set_fini(&set);
}

static void
write_revoked(const struct revoked *r, bool json, struct buf *to)
{
	buf_add_str(to, json ? ",\"revoked\":" : "revoked: ");
	if (r->had)
		buf_add_u64(to, r->entries);
	else if (json)
		json_write_string(to, span_str(r->why));
	else
		shown_ascii(to, span_str(r->why));
	buf_add_str(to, json ? "" : "\n");
}

static const char *const verdicts[] = {
	[HEALTH_NOT_KNOWN] = "not checked",
	[HEALTH_UP] = "up",
	[HEALTH_DOWN] = "down",
};

static void
write_endpoint_text(
    const struct state_endpoint *e, int64_t now_us, struct buf *to)
{
	buf_add_str(to, "endpoint ");
	shown_ascii(to, e->url);
	buf_printf(to, ": %s", verdicts[e->verdict]);
	if (e->verdict != HEALTH_NOT_KNOWN)
		buf_printf(to, " for %" PRIu64 " s, last status %u",
		    seconds_since(e->changed_us, now_us), e->status);
	buf_add_str(to, e->aside ? ", set aside\n" : "\n");
}

static void
write_endpoint(const struct state_endpoint *e, int64_t now_us, struct buf *to)
{
	buf_add_str(to, "{\"url\":");
	json_write_string(to, e->url);
	buf_printf(to,
	    ",\"verdict\":\"%s\",\"seconds\":%" PRIu64
	    ",\"status\":%u,\"set_aside\":%s}",
	    verdicts[e->verdict], seconds_since(e->changed_us, now_us),
	    e->status, e->aside ? "true" : "false");
}

static void
write_text(const struct state_report *r, const struct rules *rules,
    const struct revoked *revoked, int64_t now_us, struct buf *to)
{
	for (unsigned i = 0; i < r->n_processes; i++) {
		const struct state_process *p = &r->processes[i];

		buf_printf(to,
		    "process %" PRId64 ": up %" PRIu64 " s, workers %" PRIu32
		    " busy of %" PRIu32 " (most %" PRIu32
		    "), policy %016" PRIx64 ", bundle ",
		    p->pid, seconds_since(p->started_us, now_us), p->busy,
		    p->workers, p->workers_max, p->policy);
		shown_ascii(to, p->bundle);
		buf_add_char(to, '\n');
	}
	if (r->n_processes == 0)
		buf_add_str(to, "no process serves from this state\n");
	for (unsigned i = 0; i < r->n_apis; i++) {
		for (int k = 0; k < REASON__MAX; k++) {
			if (r->apis[i].counts[k] == 0)
				continue;
			buf_add_str(to, "requests ");
			shown_ascii(to, r->apis[i].name);
			buf_printf(to, " %s: %" PRIu64 "\n",
			    k == REASON_NONE ? "allowed"
					     : reason_word((enum reason)k),
			    r->apis[i].counts[k]);
		}
	}
	for (unsigned i = 0; i < r->n_endpoints; i++)
		write_endpoint_text(&r->endpoints[i], now_us, to);
	write_rules(rules, false, to);
	write_revoked(revoked, false, to);
	for (unsigned i = 0; i < r->n_fills; i++)
		buf_printf(to, "%s: %" PRIu64 " of %" PRIu64 " used\n",
		    r->fills[i].section, r->fills[i].used, r->fills[i].count);
	for (int i = 0; i < STATE_TOTAL__MAX; i++)
		buf_printf(to, "%s: %" PRIu64 "\n", totals[i], r->totals[i]);
	if (r->store_down)
		buf_add_str(to, "store: does not answer\n");
	else if (r->totals[STATE_STORE_ASKED] > 0)
		buf_add_str(to, "store: answers\n");
}

static void
write_api(const struct state_api *api, struct buf *to)
{
	bool first = true;

	buf_add_str(to, "{\"api\":");
	json_write_string(to, api->name);
	buf_printf(to, ",\"us\":%" PRIu64 ",\"requests\":{", api->us);
	for (int k = 0; k < REASON__MAX; k++) {
		if (api->counts[k] == 0)
			continue;
		buf_printf(to, "%s\"%s\":%" PRIu64, first ? "" : ",",
		    k == REASON_NONE ? "allowed" : reason_word((enum reason)k),
		    api->counts[k]);
		first = false;
	}
	buf_add_str(to, "}}");
}

static void
write_process(const struct state_process *p, int64_t now_us, struct buf *to)
{
	buf_printf(to,
	    "{\"pid\":%" PRId64 ",\"uptime\":%" PRIu64 ",\"workers\":%" PRIu32
	    ",\"busy\":%" PRIu32 ",\"workers_max\":%" PRIu32
	    ",\"policy\":\"%016" PRIx64 "\",\"bundle\":",
	    p->pid, seconds_since(p->started_us, now_us), p->workers, p->busy,
	    p->workers_max, p->policy);
	json_write_string(to, p->bundle);
	buf_add_char(to, '}');
}

static void
write_json(const struct state_report *r, const struct rules *rules,
    const struct revoked *revoked, int64_t now_us, struct buf *to)
{
	buf_add_str(to, "{\"processes\":[");
	for (unsigned i = 0; i < r->n_processes; i++) {
		if (i > 0)
			buf_add_char(to, ',');
		write_process(&r->processes[i], now_us, to);
	}
	buf_add_str(to, "],\"apis\":[");
	for (unsigned i = 0; i < r->n_apis; i++) {
		if (i > 0)
			buf_add_char(to, ',');
		write_api(&r->apis[i], to);
	}
	buf_add_str(to, "],\"endpoints\":[");
	for (unsigned i = 0; i < r->n_endpoints; i++) {
		if (i > 0)
			buf_add_char(to, ',');
		write_endpoint(&r->endpoints[i], now_us, to);
	}
	buf_add_char(to, ']');
	write_rules(rules, true, to);
	write_revoked(revoked, true, to);
	buf_add_str(to, ",\"sections\":{");
	for (unsigned i = 0; i < r->n_fills; i++)
		buf_printf(to,
		    "%s\"%s\":{\"used\":%" PRIu64 ",\"count\":%" PRIu64 "}",
		    i > 0 ? "," : "", r->fills[i].section, r->fills[i].used,
		    r->fills[i].count);
	buf_add_str(to, "},\"totals\":{");
	for (int i = 0; i < STATE_TOTAL__MAX; i++)
		buf_printf(to, "%s\"%s\":%" PRIu64, i > 0 ? "," : "", totals[i],
		    r->totals[i]);
	buf_printf(
	    to, "},\"store_down\":%s}\n", r->store_down ? "true" : "false");
}

/* Print once; exit code. */
static int
print(const char *dir, struct state *s, bool json)
{
	int64_t now_us = clock_wall_us();
	struct state_report r;
	struct revoked revoked;
	struct rules rules;
	struct arena a;
	struct buf out;
	bool good;

	arena_init(&a, 65536, REPORT_BYTES_MAX);
	buf_init(&out, REPORT_BYTES_MAX);
	count_rules(dir, s, now_us, &rules);
	count_revoked(dir, s, now_us, &revoked);
	good = state_report(s, now_us, &a, &r);
	if (good && json)
		write_json(&r, &rules, &revoked, now_us, &out);
	else if (good)
		write_text(&r, &rules, &revoked, now_us, &out);
	good = good && !out.failed &&
	    fwrite(buf_span(&out).p, 1, out.n, stdout) == out.n &&
	    fflush(stdout) == 0;
	buf_fini(&out);
	arena_fini(&a);
	if (!good)
		fprintf(stderr, "mgw-status: cannot write the report\n");
	return good ? 0 : 2;
}

static int
run(const char *dir, bool json, bool watch)
{
	char why[512];
	struct state *s = state_view(dir, why, sizeof(why));
	int code;

	if (s == NULL) {
		fprintf(stderr, "mgw-status: %s\n", why);
		return 2;
	}
	while ((code = print(dir, s, json)) == 0 && watch) {
		sleep(WATCH_S);
		if (!json)
			putchar('\n');
	}
	state_close(s);
	return code;
}

int
main(int argc, char **argv)
{
	bool json = false, watch = false;
	const char *dir = NULL;
	char room[4096];
	struct args a;

	args_init(&a, &program, argc, argv);
	for (int o; (o = args_next(&a)) != ARGS_END;) {
		switch (o) {
		case 0:
			dir = a.value;
			break;
		case 1:
			json = true;
			break;
		case 2:
			watch = true;
			break;
		case ARGS_OPERAND:
			return args_wrong(
			    &program, "\"%s\" is too much", a.value);
		case ARGS_DONE:
			return 0;
		default:
			return 2;
		}
	}
	if (dir == NULL)
		dir = state_place(room, sizeof(room));
	return run(dir, json, watch);
}
