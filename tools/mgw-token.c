/*
 * mgw-token - look at, verify and make tokens at the command line.
 *
 * Verifying runs the code of the gate: the same parts, the same order.
 */
#include <stdlib.h>

#include "base/base64url.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/shown.h"
#include "policy/json.h"
#include "policy/keyset.h"
#include "policy/sign.h"
#include "tools/show.h"
#include "tools/token.h"

#define ARENA_BYTES_MAX (4 << 20)

enum option {
	OPTION_JWKS,
	OPTION_JWS_ONLY,
	OPTION_ISSUER,
	OPTION_AUDIENCE,
	OPTION_ALG,
	OPTION_TYPE,
	OPTION_LEEWAY,
	OPTION_AT,
	OPTION_KEY,
	OPTION_CLAIMS,
	OPTION_KID,
	OPTION_JSON,
	OPTION_STATE,
	OPTION_JTI,
	OPTION_SUBJECT,
	OPTION_CLIENT,
	OPTION_APPLICATION,
	OPTION_API_KEY,
	OPTION_CERTIFICATE,
	OPTION_EXPIRES,
	OPTION_REMOVE,
	OPTION_LIST,
};

static const struct args_option options[] = {
	{ 'k', "jwks", "FILE",
	    "verify: JWK set, or PEM public keys and certificates" },
	{ 0, "jws-only", NULL,
	    "verify: the signature of any payload, no claims" },
	{ 'i', "issuer", "TEXT",
	    "verify: what \"iss\" must be; revoke: whose names" },
	{ 'a', "audience", "TEXT", "verify: \"aud\" must name one of these" },
	{ 0, "alg", "LIST",
	    "verify: algorithms allowed, with commas; sign: the one to use" },
	{ 0, "type", "TYPE", "verify: \"typ\" required; sign: to be written" },
	{ 0, "leeway", "SECONDS", "verify: tolerance of times (default 0)" },
	{ 0, "at", "UNIXTIME", "verify: as if it were this time" },
	{ 0, "key", "KEY",
	    "sign: private key as PEM or JWK; a file, @FILE or -" },
	{ 'c', "claims", "JSON", "sign: the payload; text, @FILE or -" },
	{ 0, "kid", "TEXT",
	    "sign: key id, instead of the key's own; revoke: what this key "
	    "signed" },
	{ 0, "json", NULL,
	    "decode, jwks: print JSON (they always do); revoke: with --list" },
	{ 's', "state", "DIR", "revoke: the state directory" },
	{ 0, "jti", "TEXT", "revoke: the token of this id" },
	{ 0, "subject", "TEXT", "revoke: tokens of this subject" },
	{ 0, "client", "TEXT", "revoke: tokens of this client id" },
	{ 0, "application", "NAME", "revoke: tokens of this application" },
	{ 0, "api-key", "ID", "revoke: the API key of this id" },
	{ 0, "certificate", "SHA256",
	    "revoke: a client's certificate, and tokens bound to it" },
	{ 'e', "expires", "WHEN",
	    "revoke: until then; RFC 3339 time, date, 30d, 12h, \"never\"" },
	{ 0, "remove", NULL, "revoke: take it back" },
	{ 'l', "list", NULL, "revoke: print what is revoked" },
	{ 0, NULL, NULL, NULL },
};

const struct args_program token_program = {
	"mgw-token",
	"decode|verify|sign|jwks|revoke [OPTION]... [TOKEN|PEM]...",
	"decode [TOKEN]   print header and claims; nothing is verified\n"
	"verify [TOKEN]   print \"ok\", or why the gate would refuse it\n"
	"sign             print a token made of --claims with --key\n"
	"jwks PEM...      print the public parts of keys as a JWK set\n"
	"revoke [TOKEN]   refuse a token, or all that --issuer and a name "
	"tell, from\n"
	"                 the next request on\n"
	"\n"
	"TOKEN is text, @FILE, or - for standard input, which is the "
	"default.\n"
	"Exit: 0 done, 1 refused, 2 wrong use or cannot read.",
	options,
};

int
token_fail(const char *what, const char *why)
{
	(void)fprintf(stderr, "mgw-token: ");
	shown_print(stderr, span_str(what));
	(void)fprintf(stderr, ": %s\n", why);
	return 2;
}

/* The token of the first operand, checked to be one; NULL: 2. */
static char *
read_token(struct call *c)
{
	if (c->n_operands > 1) {
		(void)args_wrong(&token_program, "more than one token");
		return NULL;
	}
	return args_content(
	    &token_program, c->n_operands == 1 ? c->operands[0] : "-");
}

static int
refused(enum reason r, struct span detail)
{
	(void)puts(reason_word(r)); /* show_end tells */
	(void)fprintf(stderr, "mgw-token: %.*s\n", SPAN_ARG(detail));
	return 1;
}

static int
decode(struct call *c)
{
	char *text = read_token(c);
	struct span rest, header, payload;
	struct json_object *o = json_new_object();
	const char *error = "not three parts of base64url";
	int rc = 1;

	if (text == NULL) {
		json_free(o);
		return 2;
	}
	rest = span_str(text);
	header = span_cut(&rest, '.');
	payload = span_cut(&rest, '.');
	if (rest.p != NULL && !span_has(rest, '.') &&
	    base64url_decode(header, &c->arena, &header) &&
	    base64url_decode(payload, &c->arena, &payload) &&
	    json_put(o, "header", json_read(header, &error)) &&
	    json_put(o, "claims", json_read(payload, &error)))
		rc = show_json(stdout, o) ? 0 : 2;
	else
		(void)fprintf(stderr, "mgw-token: %s\n", error);
	json_free(o);
	free(text);
	return rc;
}

/* "RS256,ES256" as bits; 0 for an unknown name. */
static uint32_t
parse_algorithms(const char *list)
{
	struct span rest = span_str(list);
	uint32_t bits = 0;

	while (rest.p != NULL) {
		enum algorithm alg;

		if (!algorithm_parse(span_trim(span_cut(&rest, ',')), &alg))
			return 0;
		bits |= UINT32_C(1) << alg;
	}
	return bits;
}

static struct key_set *
read_key_set(const char *path)
{
	struct key_set *set = NULL;
	struct buf text, notes;
	char why[400];

	buf_init(&notes, 65536);
	if (!file_read(path, FILE_ANY, KEY_SET_BYTES_MAX, &text, NULL, why,
		sizeof(why))) {
		(void)fprintf(stderr, "mgw-token: %s\n", why);
		return NULL;
	}
	set = key_set_new(buf_span(&text), false, &notes, why, sizeof(why));
	if (notes.n > 0)
		(void)fprintf(stderr, "%.*s", SPAN_ARG(buf_span(&notes)));
	if (set == NULL)
		(void)token_fail(path, why);
	sign_wipe(text.p, text.n);
	buf_fini(&text);
	buf_fini(&notes);
	return set;
}

static int
verify_with(struct call *c, const struct key_set *set, struct span token,
    uint32_t allowed)
{
	struct decision d = { 0 };
	struct claims claims;
	const char *why;
	enum algorithm alg;
	struct jwt t;

	if (!jwt_split(token, &c->arena, &t, &why))
		return refused(REASON_TOKEN_MALFORMED, span_str(why));
	if (!base64url_decode(t.signature, &c->arena, &t.signature))
		return refused(REASON_TOKEN_MALFORMED, SPAN("not base64url"));
	if (!algorithm_parse(t.header.alg, &alg) || (allowed >> alg & 1) == 0)
		return refused(REASON_ALG_NOT_ALLOWED,
		    SPAN("this algorithm is not allowed"));
	switch (key_set_verify(
	    set, alg, t.header.kid, t.signed_text, t.signature)) {
	case KEY_GOOD:
		break;
	case KEY_BAD_SIGNATURE:
		return refused(
		    REASON_BAD_SIGNATURE, SPAN("the signature is wrong"));
	case KEY_UNKNOWN:
		return refused(REASON_KEY_UNKNOWN, SPAN("no such key"));
	case KEY_FAULT:
		return token_fail("keys", "cannot be used");
	}
	if (!c->jws_only) {
		if (!claims_read(
			t.payload, SPAN("scope"), &c->arena, &claims, &why))
			return refused(REASON_TOKEN_MALFORMED, span_str(why));
		if (!jwt_claims_check(&t, &claims, &c->rules, &d))
			return refused(d.reason, d.detail);
	}
	(void)puts("ok"); /* show_end tells */
	return 0;
}

static int
verify(struct call *c)
{
	uint32_t allowed = UINT32_MAX;
	struct key_set *set;
	char *token;
	int rc = 2;

	if (c->jwks == NULL)
		return args_wrong(&token_program, "verify needs --jwks");
	if (c->alg != NULL && (allowed = parse_algorithms(c->alg)) == 0)
		return args_wrong(&token_program, "unknown algorithm in --alg");
	c->rules.any_issuer = c->rules.issuer.p == NULL;
	c->rules.any_audience = c->rules.n_audiences == 0;
	c->rules.audiences = c->audiences;
	set = read_key_set(c->jwks);
	if (set == NULL)
		return 2;
	token = read_token(c);
	if (token != NULL)
		rc = verify_with(c, set, span_str(token), allowed);
	free(token);
	key_set_free(set);
	return rc;
}

#define BIT(option) (1U << OPTION_##option)

static const struct {
	const char *name;
	int (*run)(struct call *c);
	unsigned options;
} commands[] = {
	{ "decode", decode, BIT(JSON) },
	{ "verify", verify,
	    BIT(JWKS) | BIT(JWS_ONLY) | BIT(ISSUER) | BIT(AUDIENCE) | BIT(ALG) |
		BIT(TYPE) | BIT(LEEWAY) | BIT(AT) },
	{ "sign", token_sign,
	    BIT(KEY) | BIT(CLAIMS) | BIT(ALG) | BIT(TYPE) | BIT(KID) },
	{ "jwks", token_jwks, BIT(JSON) },
	{ "revoke", token_revoke,
	    BIT(STATE) | BIT(ISSUER) | BIT(JTI) | BIT(SUBJECT) | BIT(CLIENT) |
		BIT(APPLICATION) | BIT(KID) | BIT(API_KEY) | BIT(CERTIFICATE) |
		BIT(EXPIRES) | BIT(REMOVE) | BIT(LIST) | BIT(JSON) },
};

static bool
set_number(const char *text, int64_t *v)
{
	uint64_t u;

	if (!span_to_u64(span_str(text), UINT64_C(1) << 52, &u))
		return false;
	*v = (int64_t)u;
	return true;
}

static void
set_revoke(struct call *c, enum option option, const char *value)
{
	struct revoke_options *o = &c->revoke;

	if (option == OPTION_STATE)
		c->state = value;
	else if (option == OPTION_JTI)
		o->names[REVOKED_JTI] = value;
	else if (option == OPTION_SUBJECT)
		o->names[REVOKED_SUBJECT] = value;
	else if (option == OPTION_CLIENT)
		o->names[REVOKED_CLIENT] = value;
	else if (option == OPTION_APPLICATION)
		o->names[REVOKED_APPLICATION] = value;
	else if (option == OPTION_API_KEY)
		o->api_key = value;
	else if (option == OPTION_CERTIFICATE)
		o->names[REVOKED_CERTIFICATE] = value;
	else if (option == OPTION_EXPIRES)
		o->expires = value;
	else if (option == OPTION_REMOVE)
		o->remove = true;
	else if (option == OPTION_LIST)
		o->list = true;
}

/* False after a message. */
static bool
set_option(struct call *c, int option, const char *value)
{
	c->used |= 1U << option;
	switch ((enum option)option) {
	case OPTION_JWKS:
		c->jwks = value;
		break;
	case OPTION_JWS_ONLY:
		c->jws_only = true;
		break;
	case OPTION_ISSUER:
		c->rules.issuer = span_str(value);
		break;
	case OPTION_AUDIENCE:
		if (c->rules.n_audiences == AUDIENCES_MAX)
			return args_wrong(
				   &token_program, "too many audiences") == 0;
		c->audiences[c->rules.n_audiences++] = span_str(value);
		break;
	case OPTION_ALG:
		c->alg = value;
		break;
	case OPTION_TYPE:
		c->type = value;
		c->rules.type = span_str(value);
		break;
	case OPTION_LEEWAY:
		if (!set_number(value, &c->rules.leeway_s))
			return args_wrong(
				   &token_program, "--leeway: no number") == 0;
		break;
	case OPTION_AT:
		if (!set_number(value, &c->rules.now_s))
			return args_wrong(&token_program, "--at: no number") ==
			    0;
		break;
	case OPTION_KEY:
		c->key = value;
		break;
	case OPTION_CLAIMS:
		c->claims = value;
		break;
	case OPTION_KID:
		c->kid = value;
		c->revoke.names[REVOKED_KEY] = value;
		break;
	case OPTION_JSON:
		c->json = true;
		break;
	default:
		set_revoke(c, (enum option)option, value);
		break;
	}
	return true;
}

static int
run(struct call *c)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		int rc;

		if (c->n_operands == 0 ||
		    strcmp(c->operands[0], commands[i].name) != 0)
			continue;
		if ((c->used & ~commands[i].options) != 0)
			return args_wrong(&token_program,
			    "an option does not belong to \"%s\"",
			    commands[i].name);
		c->operands++;
		c->n_operands--;
		rc = commands[i].run(c);
		return show_end(token_program.name) ? rc : 2;
	}
	return args_wrong(
	    &token_program, "which of decode, verify, sign, jwks, revoke?");
}

int
main(int argc, char **argv)
{
	char **operands = calloc((size_t)argc + 1, sizeof(*operands));
	struct call c = { .operands = operands };
	struct args a;
	int option, rc = 2;

	if (operands == NULL)
		return token_fail("memory", "none left");
	c.rules.now_s = clock_wall_us() / US_PER_S;
	arena_init(&c.arena, 65536, ARENA_BYTES_MAX);
	args_init(&a, &token_program, argc, argv);
	while ((option = args_next(&a)) >= 0 || option == ARGS_OPERAND) {
		if (option == ARGS_OPERAND)
			operands[c.n_operands++] = (char *)(uintptr_t)a.value;
		else if (!set_option(&c, option, a.value))
			goto out;
	}
	if (option == ARGS_DONE)
		rc = 0;
	else if (option == ARGS_END)
		rc = run(&c);
out:
	arena_fini(&c.arena);
	free(operands);
	return rc;
}
