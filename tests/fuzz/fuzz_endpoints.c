/*
 * Any bytes as a list of endpoints with its retries, breaker and checks: of
 * mgw.yaml, of WSO2's extension, or of the key manager, by the first byte.
 * What is imported without an error is a bundle from which the gate makes
 * backends, and none of its numbers is beyond what the rows allow.
 */
#include <stdio.h>
#include <stdlib.h>

#include "fcgi/backends.h"
#include "spec/emit.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

#define BYTES_MAX (64 * 1024)

static const char head[] = "openapi: 3.0.3\n"
			   "info: {title: Shop, version: '1'}\n"
			   "servers: [{url: /s}]\n"
			   "paths: {/a: {get: {security: [], "
			   "responses: {'200': {description: a}}}}}\n";

static void
die(const char *why)
{
	fprintf(stderr, "%s\n", why);
	abort();
}

static void
check_backend(const struct backend *b)
{
	if (b->retry != NULL &&
	    (b->retry->count > 10 || b->retry->factor_milli < 1000 ||
		b->retry->budget_percent > 100))
		die("a retry");
	if (b->breaker != NULL &&
	    (b->breaker->volume == 0 || b->breaker->window_ms < 8 ||
		b->breaker->ratio_ppm > 1000000))
		die("a breaker");
	if (b->weight == 0 || b->weight > 1000)
		die("a weight");
}

static void
serve(struct span bytes)
{
	struct config c = { .file = NULL };
	struct backends l = { .bundle = NULL };
	struct bundle b;
	char why[256];

	if (!bundle_from(&b, bytes, why, sizeof(why)))
		die(why);
	/* What refers to the environment may be missing there. */
	if (backends_open(&l, &b, &c, why, sizeof(why)))
		for (uint32_t i = 0; i < bundle_n(&b, SECTION_ENDPOINT); i++) {
			const struct balance_set *s = l.by_row[i];

			for (unsigned k = 0; s != NULL && k < s->n; k++)
				check_backend(&s->list[k]);
		}
	backends_close(&l);
	bundle_close(&b);
}

static void
import(struct span policy, struct span document, struct arena *a)
{
	struct diag d = { .arena = a };
	struct spec s = { .diag = &d };
	struct buf bytes, text;

	s.documents = openapi_parse(document, "shop.yaml", &d);
	s.policy = policyfile_parse(policy, "mgw.yaml", NULL, &d);
	if (s.policy == NULL)
		return;
	link_spec(&s);
	buf_init(&bytes, BUNDLE_BYTES_MAX);
	buf_init(&text, 1024 * 1024);
	diag_write(&d, &text);
	if (d.n_errors == 0 && !d.failed && emit_bundle(&s, &bytes))
		serve(buf_span(&bytes));
	buf_fini(&text);
	buf_fini(&bytes);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct span map = span_of(p, n), policy = SPAN("{}"), document;
	char kind = n > 0 ? map.p[0] : '\0';
	struct arena a;

	/* These would name files of the disk. */
	if (n < 2 || n > BYTES_MAX || memmem(p, n, "${", 2) != NULL)
		return 0;
	map = span_skip(map, 1);
	arena_init(&a, 64 * 1024, 64 * 1024 * 1024);
	document = span_str(head);
	if (kind == 'w')
		document =
		    arena_printf(&a, "%sx-wso2-production-endpoints: %.*s\n",
			head, SPAN_ARG(map));
	else if (kind == 'k')
		policy = arena_printf(&a, "key-manager: %.*s\n", SPAN_ARG(map));
	else
		policy = arena_printf(&a,
		    "apis: {shop.yaml: {endpoints: %.*s}}\n", SPAN_ARG(map));
	if (policy.p != NULL && document.p != NULL)
		import(policy, document, &a);
	arena_fini(&a);
	return 0;
}
