/*
 * store_call - see store_call.h.
 */
#include "fcgi/store_call.h"

#include <stdio.h>

#include "base/clock.h"
#include "policy/gauge.h"

/* Times may lie ahead by so much, and are taken for true; see below. */
#define STEP_US (10 * US_PER_S)

/* More in one request counts as so many. */
#define BYTES_MAX (UINT64_C(1) << 52)

/*
 * ARGV has five words for each key: the algorithm's letter; how it is asked
 * (below); and three numbers:
 *
 *	b	spacing, lead, the farthest that it may lie ahead (in ticks)
 *	w	count, period, 0
 *	c	count, start, end; as the asking machine sees its calendar
 *	s	count, length of a slot, number of slots
 *
 *	0 1	charge one request; over the limit refuse it, pass it
 *	2 3	of bytes: see whether any are left; if not refuse, pass
 *	4	charge bytes: the first number is how many, of a bucket ticks
 *
 * What is computed stays below 2^53, where Lua's numbers are exact; times
 * are compared as differences, as ticks since 1970 would not.  The answer:
 * 1 if any refuses, the time, and for each key what its counter held and,
 * of a sliding one that is full, for how long.
 *
 * Times that lie ahead, when a replica with another clock took over, are
 * treated as policy/gauge.c does: 10 seconds are nothing, and more is
 * taken for a bucket that was emptied, and requests that passed, just now,
 * which is kept even when nothing is charged: else it were so each time.
 */
static const char script[] =
    "local t = redis.call('TIME')\n"
    "local now = t[1] * 1000000 + t[2]\n"
    "local all = redis.call('MGET', unpack(KEYS))\n"
    "local out, save = {0, now}, {}\n"
    "local function put(i, text, us, mended)\n"
    "  if us < 0 then us = 0 end\n"
    "  us = string.format('%.0f', math.ceil(us / 1000) + 10000)\n"
    "  if mended then redis.call('SET', KEYS[i], text, 'PX', us)\n"
    "  else save[#save + 1] = {KEYS[i], text, us} end\n"
    "end\n"
    "local function two(p, q)\n"
    "  return string.format('%.0f %.0f', p, q)\n"
    "end\n"
    "local function fill(i, to, mended)\n"
    "  put(i, two(now + math.floor(to / 16), to % 16), to / 16, mended)\n"
    "end\n"
    "local function bucket(i, held, how, x, y, z)\n"
    "  local p, q = string.match(held, '^(%d+) (%d+)$')\n"
    "  local ahead = p and (p - now) * 16 + q or 0\n"
    "  if ahead < 0 then ahead = 0 end\n"
    "  if ahead > z + 160000000 then\n"
    "    ahead = y\n"
    "    fill(i, ahead, true)\n"
    "  end\n"
    "  local to = ahead + x\n"
    "  if how == 4 then fill(i, math.max(ahead, math.min(to, z)))\n"
    "  elseif to <= y and how < 2 then fill(i, to) end\n"
    "  return to > y, ahead, 0\n"
    "end\n"
    "local function window(i, held, how, x, start, stop)\n"
    "  local p, q = string.match(held, '^(%d+) (%d+)$')\n"
    "  p, q = tonumber(p), tonumber(q)\n"
    "  if p and p > start and p - now <= 10000000 then\n"
    "    start, stop = p, p + stop - start\n"
    "  end\n"
    "  if p ~= start then q = 0 end\n"
    "  q = math.min(q, 4503599627370496)\n"
    "  if how < 2 or how == 4 then\n"
    "    put(i, two(start, q + (how == 4 and x or 1)), stop - now)\n"
    "  end\n"
    "  return q >= x, q, 0\n"
    "end\n"
    "local function spread(i, kept, us, mended)\n"
    "  local texts = {}\n"
    "  for k, v in ipairs(kept) do\n"
    "    texts[k] = string.format('%.0f:%.0f', v[1], v[2])\n"
    "  end\n"
    "  put(i, table.concat(texts, ' '), us, mended)\n"
    "end\n"
    "local function slide(i, held, how, x, y, n)\n"
    "  local slot, passed, kept, wait = math.floor(now / y), 0, {}, 0\n"
    "  local lost, more = 0, how == 4 and x or how < 2 and 1 or 0\n"
    "  for s, c in string.gmatch(held, '(%d+):(%d+)') do\n"
    "    s, c = tonumber(s), math.min(tonumber(c), 4294967294)\n"
    "    if s > slot and s * y - now <= 10000000 then slot = s end\n"
    "    if s <= slot then kept[#kept + 1] = {s, c}\n"
    "    else lost = math.min(lost + c, 4294967294) end\n"
    "  end\n"
    "  while kept[1] and kept[1][1] < slot - n do\n"
    "    table.remove(kept, 1)\n"
    "  end\n"
    "  local last = kept[#kept]\n"
    "  if not last or last[1] ~= slot then\n"
    "    last = {slot, 0}\n"
    "    kept[#kept + 1] = last\n"
    "  end\n"
    "  last[2] = last[2] + lost\n"
    "  for _, k in ipairs(kept) do passed = passed + k[2] end\n"
    "  local left = passed\n"
    "  for _, k in ipairs(kept) do\n"
    "    if left < x then break end\n"
    "    left, wait = left - k[2], (k[1] + n + 1) * y - now\n"
    "  end\n"
    "  if lost > 0 then spread(i, kept, (n + 2) * y, true) end\n"
    "  last[2] = math.min(last[2] + more, 4294967294)\n"
    "  if more > 0 then spread(i, kept, (n + 2) * y) end\n"
    "  return passed >= x, passed, wait\n"
    "end\n"
    "for i = 1, #KEYS do\n"
    "  local a = 5 * i - 4\n"
    "  local kind, how = ARGV[a], tonumber(ARGV[a + 1])\n"
    "  local x, y = tonumber(ARGV[a + 2]), tonumber(ARGV[a + 3])\n"
    "  local z, held = tonumber(ARGV[a + 4]), all[i] or ''\n"
    "  local full, used, wait\n"
    "  if kind == 'b' then\n"
    "    full, used, wait = bucket(i, held, how, x, y, z)\n"
    "  elseif kind == 's' then\n"
    "    full, used, wait = slide(i, held, how, x, y, z)\n"
    "  elseif kind == 'c' then\n"
    "    full, used, wait = window(i, held, how, x, y, z)\n"
    "  else\n"
    "    local start = now - now % y\n"
    "    full, used, wait = window(i, held, how, x, start, start + y)\n"
    "  end\n"
    "  out[2 * i + 1], out[2 * i + 2] = used, wait\n"
    "  if full and (how == 0 or how == 2) then out[1] = 1 end\n"
    "end\n"
    "if out[1] == 0 then\n"
    "  for _, s in ipairs(save) do\n"
    "    redis.call('SET', s[1], s[2], 'PX', s[3])\n"
    "  end\n"
    "end\n"
    "return out\n";

bool
store_call_script(char name[static REDIS_SCRIPT_NAME])
{
	return redis_script_name(span_of(script, sizeof(script) - 1), name);
}

/* The next word of "c", written by "b" since "*at". */
static void
add_word(struct store_call *c, const struct buf *b, size_t *at)
{
	c->words[c->n++] = span_of(c->room + *at, b->n - *at);
	*at = b->n;
}

static void
add_number(struct store_call *c, struct buf *b, size_t *at, uint64_t v)
{
	buf_add_u64(b, v);
	add_word(c, b, at);
}

/* The time of the take as the gauge may have it: within its window. */
static int64_t
time_of(const struct take *t, int64_t now_us)
{
	if (t->limit->calendar == CALENDAR_NONE)
		return now_us;
	if (now_us >= t->until_us)
		return t->until_us - 1;
	return now_us < t->from_us ? t->from_us : now_us;
}

/* How a counter is asked; see the script. */
static char
how_of(const struct take *t, uint64_t bytes)
{
	if (bytes > 0)
		return '4';
	if (t->limit->unit == LIMIT_BYTES)
		return t->pass_over ? '3' : '2';
	return t->pass_over ? '1' : '0';
}

/* "bytes" 0: ask whether it may pass. */
static bool
add_limit(struct store_call *c, struct buf *b, size_t *at, const struct take *t,
    uint64_t bytes)
{
	bool calendar = t->limit->calendar != CALENDAR_NONE;
	struct gauge g;

	/* What is asked of it here is the same at any time. */
	if (!store_can_hold(t->limit) ||
	    !gauge_init(&g, t, time_of(t, INT64_C(1) << 50)))
		return false;
	if (bytes > BYTES_MAX)
		bytes = BYTES_MAX;
	buf_add_char(b,
	    g.algorithm == LIMIT_TOKEN_BUCKET  ? 'b'
		: g.algorithm == LIMIT_SLIDING ? 's'
		: calendar                     ? 'c'
					       : 'w');
	add_word(c, b, at);
	buf_add_char(b, how_of(t, bytes));
	add_word(c, b, at);
	switch (g.algorithm) {
	case LIMIT_TOKEN_BUCKET:
		add_number(
		    c, b, at, bytes > 0 ? gauge_ticks(&g, bytes) : g.spacing);
		add_number(c, b, at, g.lead);
		add_number(c, b, at, gauge_ahead_max(&g));
		return true;
	case LIMIT_SLIDING:
		add_number(c, b, at, bytes > 0 ? bytes : g.count);
		add_number(c, b, at, g.slot_us);
		add_number(c, b, at, SLIDE_SLOTS);
		return true;
	default:
		add_number(c, b, at, bytes > 0 ? bytes : g.count);
		add_number(c, b, at, calendar ? g.start : t->limit->period_us);
		add_number(c, b, at, calendar ? g.end : 0);
		return true;
	}
}

static bool
make(struct store_call *c, const struct store_names *names,
    const struct take *takes, unsigned n, uint64_t bytes)
{
	struct buf b = {
		.p = c->room, .size = sizeof(c->room), .max = sizeof(c->room)
	};
	size_t at = 0;

	c->n = 2;
	c->words[0] = SPAN("EVALSHA");
	c->words[1] = span_str(names->script);
	if (n == 0 || n > STORE_TAKES_MAX || names->prefix.n > STORE_PREFIX_MAX)
		return false;
	buf_add_u64(&b, n);
	add_word(c, &b, &at);
	for (unsigned i = 0; i < n; i++) {
		buf_add(&b, names->prefix);
		buf_add_char(&b, ':');
		store_name_write(&b, &names->key, &takes[i]);
		add_word(c, &b, &at);
	}
	for (unsigned i = 0; i < n; i++)
		if (!add_limit(c, &b, &at, &takes[i], bytes))
			return false;
	return !b.failed;
}

bool
store_call_take(struct store_call *c, const struct store_names *names,
    const struct take *takes, unsigned n)
{
	return make(c, names, takes, n, 0);
}

bool
store_call_charge(struct store_call *c, const struct store_names *names,
    const struct take *takes, unsigned n, uint64_t bytes)
{
	for (unsigned i = 0; i < n; i++)
		if (takes[i].limit->unit != LIMIT_BYTES)
			return false;
	return bytes > 0 && make(c, names, takes, n, bytes);
}

void
store_call_spell_out(struct store_call *c)
{
	c->words[0] = SPAN("EVAL");
	c->words[1] = span_of(script, sizeof(script) - 1);
}

/* What passed in a period, and how long it is too much. */
static bool
read_slide(
    const struct gauge *g, uint64_t passed, uint64_t wait, struct take *t)
{
	uint64_t longest = (SLIDE_SLOTS + 2) * g->slot_us;
	bool full = passed >= g->count;

	t->over = full && t->pass_over;
	t->refused = full && !t->pass_over;
	t->wait_us = t->refused ? wait : 0;
	t->remaining = full ? 0 : g->count - passed - (g->bytes ? 0 : 1);
	t->reset_us = (SLIDE_SLOTS + 1) * g->slot_us - g->now % g->slot_us;
	return full == (wait > 0) && wait <= longest + STEP_US;
}

/* What one counter held, as the gauge has it. */
static bool
read_one(const int64_t *numbers, int64_t now_us, struct take *t)
{
	uint64_t held = (uint64_t)numbers[0], next;
	struct gauge g;

	if (numbers[0] < 0 || numbers[1] < 0 || now_us <= 0 ||
	    held > GAUGE_PAYLOAD_MAX / 2 ||
	    !gauge_init(&g, t, time_of(t, now_us)))
		return false;
	if (g.algorithm == LIMIT_SLIDING)
		return read_slide(&g, held, (uint64_t)numbers[1], t);
	if (g.algorithm == LIMIT_TOKEN_BUCKET)
		held += g.now;
	/* The script has mended it: nothing is left to mend. */
	if (held > GAUGE_PAYLOAD_MAX || gauge_mend(&g, held) != held)
		return false;
	(void)gauge_admit(&g, t, held, &next);
	return true;
}

bool
store_call_read(
    const struct redis_answer *a, struct take *takes, unsigned n, bool *refused)
{
	bool any = false;

	if (a->error || a->n != 2 + 2 * n || a->numbers[0] < 0 ||
	    a->numbers[0] > 1)
		return false;
	for (unsigned i = 0; i < n; i++) {
		if (!read_one(&a->numbers[2 + 2 * i], a->numbers[1], &takes[i]))
			return false;
		any = any || takes[i].refused;
	}
	/* Two computations of one decision. */
	*refused = a->numbers[0] == 1;
	if (any != *refused)
		return false;
	for (unsigned i = 0; i < n && any; i++)
		if (!takes[i].refused && !takes[i].over &&
		    takes[i].limit->unit != LIMIT_BYTES)
			takes[i].remaining++;
	return true;
}

bool
store_call_charged(const struct redis_answer *a, unsigned n)
{
	return !a->error && a->n == 2 + 2 * n && a->numbers[0] == 0;
}
