/*
 * fuzz_userfile - user files, whose entries can be looked up again.
 */
#include <stdlib.h>

#include "policy/password.h"
#include "policy/userfile.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct span text = span_of(bytes, n), name;
	char why[200];
	const char *reason;
	struct user_file *f;

	(void)password_stored_ok(text, &reason);
	f = user_file_new(text, why, sizeof(why));
	if (f == NULL)
		return 0;
	name = span_cut(&text, ':');
	if ((user_file_decoy(f, name) != NULL) != (user_file_n(f) > 0))
		abort();
	user_file_free(f);
	return 0;
}
