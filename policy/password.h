/*
 * password - is this the password behind a stored hash?
 *
 *	$2y$10$...		bcrypt			by crypt_r
 *	$5$..., $6$...		SHA-crypt		by crypt_r
 *	$y$...			yescrypt		by crypt_r
 *	$apr1$SALT$...		Apache's MD5, 1000 rounds
 *	{SHA}BASE64		SHA-1 without salt
 *	40 lower case hex digits, @sha256:{HEX}, @sha512:{HEX}
 *				as WSO2 keeps them, without salt
 *
 * Text that is none of these (a password as it is, DES, a locked entry
 * with '*' or '!') is no stored password.  The door to libcrypt.
 */
#ifndef MGW_POLICY_PASSWORD_H
#define MGW_POLICY_PASSWORD_H

#include "base/span.h"

/* Longer names and passwords are refused; bcrypt looks at 72 bytes. */
#define PASSWORD_BYTES_MAX 256

/*
 * "stored" is one of these forms, whole, and does not ask for more work
 * than a request may cost.  False: "*why" is a static text.
 */
bool password_stored_ok(struct span stored, const char **why);

enum password_result {
	PASSWORD_RIGHT,
	PASSWORD_WRONG,
	PASSWORD_FAULT, /* it could not be computed */
};

/*
 * "stored" has passed password_stored_ok; "password" has at most
 * PASSWORD_BYTES_MAX bytes and no NUL.
 */
enum password_result password_check(struct span stored, struct span password);

/* Hashing takes long on purpose: to be done by few at once. */
bool password_is_slow(struct span stored);

/* apr1.c: "$apr1$SALT$" and 22 letters; false when MD5 may not be used. */
bool apr1_make(struct span password, struct span salt, char letters[static 22]);

#endif
