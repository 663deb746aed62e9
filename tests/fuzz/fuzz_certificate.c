/*
 * Any bytes as a field that tells of a certificate, in both forms; what is
 * read of it is read as a certificate.
 */
#include <stdlib.h>

#include "policy/certificate_field.h"
#include "policy/sign.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct arena a;

	arena_init(&a, 4096, 1 << 20);
	for (int form = 0; form < CERTIFICATE_FORM__MAX; form++) {
		struct certificate c;
		const char *why = NULL;
		struct span der;

		if (!certificate_field_read(span_of(p, n),
			(enum certificate_form)form, &a, &der, &why)) {
			if (why == NULL)
				abort();
			continue;
		}
		if (der.n > n)
			abort();
		if (sign_certificate_der(der, &a, &c, &why) &&
		    (c.thumbprint.n != 43 || c.subject.p == NULL))
			abort();
	}
	arena_fini(&a);
	return 0;
}
