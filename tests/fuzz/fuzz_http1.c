/*
 * fuzz_http1 - any answer, parsed whole and a byte at a time: both must
 * end the same way and bring the same body.
 */
#include <stdlib.h>

#include "fcgi/http1.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

struct outcome {
	bool good;
	bool done;
	bool reusable;
	size_t used;
	uint64_t sum; /* of the body's bytes, in order */
};

/* As a caller reads: "step" more bytes each time more are needed. */
static struct outcome
read_all(struct span all, size_t step, bool head_request)
{
	struct outcome o = { 0 };
	struct http1_head head = { 0 };
	struct http1_body body;
	struct arena a;
	const char *why = "";
	size_t have = step < all.n ? step : all.n;
	long n;

	arena_init(&a, 4096, 1 << 20);
	while ((n = http1_parse_head(span_of(all.p, have), &a, &head, &why)) ==
		HTTP1_MORE &&
	    have < all.n)
		have = all.n - have > step ? have + step : all.n;
	if (n <= 0 || head.status < 200 ||
	    !http1_body_begin(&head, head_request, &body, &why))
		goto out;
	o.used = (size_t)n;
	while (!body.done) {
		struct span piece;

		n = http1_body_take(&body,
		    span_of(all.p + o.used, have - o.used), &piece, &why);
		if (n < 0)
			goto out;
		o.used += (size_t)n;
		for (size_t i = 0; i < piece.n; i++)
			o.sum = o.sum * 31 + (unsigned char)piece.p[i];
		if (n == HTTP1_MORE && !body.done) {
			if (have == all.n) {
				http1_body_close(&body);
				break;
			}
			have = all.n - have > step ? have + step : all.n;
		}
	}
	o.good = true;
	o.done = body.done;
	o.reusable = body.done && body.reusable;
out:
	arena_fini(&a);
	return o;
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct span all = span_of(bytes, n);

	if (n > 16384)
		return 0;
	for (int head = 0; head < 2; head++) {
		struct outcome a = read_all(all, n + 1, head == 1);
		struct outcome b = read_all(all, 1, head == 1);

		if (a.good != b.good)
			abort();
		if (a.good &&
		    (a.done != b.done || a.reusable != b.reusable ||
			a.used != b.used || a.sum != b.sum))
			abort();
	}
	return 0;
}
