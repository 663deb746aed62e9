/*
 * errors - the form of refusals, of one API or of all.
 *
 *	errors: problem                     or wso2
 *	errors:
 *	  format: wso2                      of what has no body here
 *	  bodies:
 *	    rate-exceeded: {body: '{"error": "${reason}", "at": ${status}}'}
 *	    404: {type: text/html, file: missing.html}
 *	    default: {type: text/plain, body: "${title} (${request-id})"}
 *
 * A body is for a reason, for a status, or for all others.  The file is
 * read at import, beside mgw.yaml.
 */
#ifndef MGW_SPEC_ERRORS_H
#define MGW_SPEC_ERRORS_H

#include "spec/template.h"

struct spec_error_body {
	struct spec_error_body *next;
	struct span reason; /* absent: any */
	uint32_t status;    /* 0: any */
	enum error_escape escape;
	struct spec_text type;
	struct spec_part *parts;
};

/*
 * Read "errors" of "map", in the mgw.yaml that is named "file".  "*format"
 * and "*bodies" are left as they were where it does not say.
 */
void errors_read(const struct node *map, const char *file, int *format,
    struct spec_error_body **bodies, struct diag *d);

#endif
