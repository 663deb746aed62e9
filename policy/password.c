/*
 * password - see password.h.
 */
#include "policy/password.h"

#include <crypt.h>
#include <stdlib.h>

#include "base/ascii.h"
#include "base/base64.h"
#include "policy/sign.h"

/*
 * What one guess may cost: bcrypt of cost 14 is about a second, as are a
 * million rounds of SHA-crypt; yescrypt up to 2^14 blocks takes 64 MB.
 */
#define BCRYPT_COST_MAX 14
#define ROUNDS_MAX 1000000

#define BCRYPT_BYTES 60
#define APR1_LETTERS 22
#define STORED_BYTES_MAX 200 /* of any form; the longest is 137 */

enum form {
	FORM_NONE,
	FORM_CRYPT,
	FORM_APR1,
	FORM_SHA, /* {SHA}BASE64 */
	FORM_HEX, /* WSO2 */
};

static enum form
form_of(struct span s)
{
	if (span_starts(s, SPAN("$apr1$")))
		return FORM_APR1;
	if (span_starts(s, SPAN("$2a$")) || span_starts(s, SPAN("$2b$")) ||
	    span_starts(s, SPAN("$2y$")) || span_starts(s, SPAN("$5$")) ||
	    span_starts(s, SPAN("$6$")) || span_starts(s, SPAN("$y$")))
		return FORM_CRYPT;
	if (span_starts(s, SPAN("{SHA}")))
		return FORM_SHA;
	if (span_starts(s, SPAN("@sha")) || s.n == 40)
		return FORM_HEX;
	return FORM_NONE;
}

/* The letters of crypt: "./0-9A-Za-z", in the order of their values. */
static int
letter_value(char c)
{
	if (c == '.' || c == '/')
		return c - '.';
	if (ascii_is_digit(c))
		return c - '0' + 2;
	if (c >= 'A' && c <= 'Z')
		return c - 'A' + 12;
	return c >= 'a' && c <= 'z' ? c - 'a' + 38 : -1;
}

static bool
is_letters(struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (letter_value(s.p[i]) < 0)
			return false;
	}
	return s.n > 0;
}

static bool
bcrypt_ok(struct span s, const char **why)
{
	uint64_t cost;

	*why = "not a whole bcrypt hash";
	if (s.n != BCRYPT_BYTES || s.p[6] != '$' ||
	    !span_to_u64(span_of(s.p + 4, 2), 31, &cost) ||
	    !is_letters(span_skip(s, 7)))
		return false;
	*why = "a bcrypt cost outside 4 to 14";
	return cost >= 4 && cost <= BCRYPT_COST_MAX;
}

/* $5$[rounds=N$]SALT$HASH */
static bool
sha_crypt_ok(struct span s, const char **why)
{
	size_t n = s.p[1] == '5' ? 43 : 86;
	struct span rest = span_skip(s, 3), salt, part;
	uint64_t rounds;

	*why = "more than a million rounds, or fewer than a thousand";
	if (span_starts(rest, SPAN("rounds="))) {
		part = span_skip(span_cut(&rest, '$'), 7);
		if (!span_to_u64(part, ROUNDS_MAX, &rounds) || rounds < 1000)
			return false;
	}
	*why = "not a whole SHA-crypt hash";
	salt = span_cut(&rest, '$');
	return salt.n <= 16 && is_letters(salt) && rest.n == n &&
	    is_letters(rest);
}

/* $y$PARAMETERS$SALT$HASH; parameters are j, log2(N) - 1, r - 1, more. */
static bool
yescrypt_ok(struct span s, const char **why)
{
	struct span rest = span_skip(s, 3), parameters, salt;

	*why = "not a whole yescrypt hash";
	parameters = span_cut(&rest, '$');
	salt = span_cut(&rest, '$');
	if (!is_letters(salt) || rest.n != 43 || !is_letters(rest))
		return false;
	*why = "yescrypt parameters that cost too much";
	return parameters.n == 3 && parameters.p[0] == 'j' &&
	    letter_value(parameters.p[1]) >= 0 &&
	    letter_value(parameters.p[1]) <= letter_value('B') &&
	    letter_value(parameters.p[2]) >= 0 &&
	    letter_value(parameters.p[2]) <= letter_value('T');
}

static bool
crypt_ok(struct span s, const char **why)
{
	char setting[STORED_BYTES_MAX + 1];

	if (s.p[1] == '2'       ? !bcrypt_ok(s, why)
		: s.p[1] == 'y' ? !yescrypt_ok(s, why)
				: !sha_crypt_ok(s, why))
		return false;
	memcpy(setting, s.p, s.n);
	setting[s.n] = '\0';
	*why = "a kind of hash that this system's libcrypt lacks";
	return crypt_checksalt(setting) != CRYPT_SALT_INVALID &&
	    crypt_checksalt(setting) != CRYPT_SALT_METHOD_DISABLED;
}

/* "$apr1$SALT$LETTERS": its salt, and in "*rest" the letters. */
static struct span
apr1_salt(struct span stored, struct span *rest)
{
	*rest = span_skip(stored, 6);
	return span_cut(rest, '$');
}

/* The digits and which digest; n == 0: neither of WSO2's forms. */
static struct span
hex_of(struct span s, enum digest *d)
{
	struct span none = { NULL, 0 };

	*d = DIGEST_SHA1;
	if (span_starts(s, SPAN("@sha256:")))
		*d = DIGEST_SHA256;
	else if (span_starts(s, SPAN("@sha512:")))
		*d = DIGEST_SHA512;
	if (*d != DIGEST_SHA1)
		s = span_skip(s, 8);
	if (*d != DIGEST_SHA1 && s.n > 2 && s.p[0] == '{' &&
	    s.p[s.n - 1] == '}')
		s = span_of(s.p + 1, s.n - 2);
	if (s.n != 2 * sign_digest_bytes(*d))
		return none;
	for (size_t i = 0; i < s.n; i++) {
		if (ascii_hex(s.p[i]) < 0 || ascii_lower(s.p[i]) != s.p[i])
			return none;
	}
	return s;
}

/* The 20 bytes of {SHA}; false: not these. */
static bool
sha_of(struct span stored, char to[static 20])
{
	struct arena a;
	struct span bytes;
	bool good;

	arena_init(&a, 256, 1024);
	good = base64_decode(span_skip(stored, 5), &a, &bytes) && bytes.n == 20;
	if (good)
		memcpy(to, bytes.p, 20);
	arena_fini(&a);
	return good;
}

bool
password_stored_ok(struct span stored, const char **why)
{
	enum digest d;
	struct span rest, salt;
	char bytes[20];

	*why = "too long";
	if (stored.n > STORED_BYTES_MAX)
		return false;
	*why = "not a hash of a kind that is accepted (a password as it is, "
	       "DES, MD5 without apr1)";
	switch (form_of(stored)) {
	case FORM_CRYPT:
		return crypt_ok(stored, why);
	case FORM_APR1:
		*why = "not a whole apr1 hash";
		salt = apr1_salt(stored, &rest);
		return salt.n <= 8 && is_letters(salt) &&
		    rest.n == APR1_LETTERS && is_letters(rest);
	case FORM_SHA:
		*why = "not 20 bytes of SHA-1 in base64";
		return sha_of(stored, bytes);
	case FORM_HEX:
		*why = "not lower case hexadecimal digits of SHA-1, "
		       "@sha256:{...} or @sha512:{...}";
		return hex_of(stored, &d).n > 0;
	default:
		return false;
	}
}

bool
password_is_slow(struct span stored)
{
	enum form f = form_of(stored);

	return f == FORM_CRYPT || f == FORM_APR1;
}

static enum password_result
result(bool computed, bool equal)
{
	if (!computed)
		return PASSWORD_FAULT;
	return equal ? PASSWORD_RIGHT : PASSWORD_WRONG;
}

static enum password_result
check_crypt(struct span stored, struct span password)
{
	struct crypt_data *room = calloc(1, sizeof(*room));
	char setting[STORED_BYTES_MAX + 1], text[PASSWORD_BYTES_MAX + 1];
	const char *made = NULL;
	bool equal;

	if (room == NULL)
		return PASSWORD_FAULT;
	memcpy(setting, stored.p, stored.n);
	setting[stored.n] = '\0';
	if (password.n > 0)
		memcpy(text, password.p, password.n);
	text[password.n] = '\0';
	made = crypt_r(text, setting, room);
	/* A failure is told by a text that begins with a star. */
	if (made != NULL && made[0] == '*')
		made = NULL;
	equal = made != NULL && strlen(made) == stored.n &&
	    sign_equal(made, stored.p, stored.n);
	sign_wipe(text, sizeof(text));
	sign_wipe(room, sizeof(*room));
	free(room);
	return result(made != NULL, equal);
}

static enum password_result
check_apr1(struct span stored, struct span password)
{
	struct span rest, salt = apr1_salt(stored, &rest);
	char letters[APR1_LETTERS];
	bool computed = apr1_make(password, salt, letters);

	return result(
	    computed, computed && sign_equal(letters, rest.p, sizeof(letters)));
}

static enum password_result
check_sha(struct span stored, struct span password)
{
	unsigned char made[DIGEST_BYTES_MAX];
	char bytes[20];
	bool computed = sha_of(stored, bytes) &&
	    sign_digest(DIGEST_SHA1, &password, 1, made);

	return result(computed, computed && sign_equal(made, bytes, 20));
}

static enum password_result
check_hex(struct span stored, struct span password)
{
	static const char digits[] = "0123456789abcdef";
	unsigned char made[DIGEST_BYTES_MAX];
	char text[2 * DIGEST_BYTES_MAX];
	enum digest d;
	struct span hex = hex_of(stored, &d);

	if (hex.n == 0 || !sign_digest(d, &password, 1, made))
		return PASSWORD_FAULT;
	for (size_t i = 0; i < hex.n; i++)
		text[i] =
		    digits[i % 2 == 0 ? made[i / 2] >> 4 : made[i / 2] & 15];
	return result(true, sign_equal(text, hex.p, hex.n));
}

enum password_result
password_check(struct span stored, struct span password)
{
	const char *why;

	/* Both are copied into rooms of these sizes. */
	if (password.n > PASSWORD_BYTES_MAX ||
	    (password.n > 0 && span_has(password, '\0')) ||
	    !password_stored_ok(stored, &why))
		return PASSWORD_FAULT;
	switch (form_of(stored)) {
	case FORM_CRYPT:
		return check_crypt(stored, password);
	case FORM_APR1:
		return check_apr1(stored, password);
	case FORM_SHA:
		return check_sha(stored, password);
	default:
		return check_hex(stored, password);
	}
}
