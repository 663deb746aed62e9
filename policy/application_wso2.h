/*
 * application_wso2 - applications as WSO2's API Manager has them.
 *
 * Its internal data API answers in four documents: the APIs, the
 * applications, which consumer keys are whose, and the subscriptions.
 * Put together they become the text of a file of applications
 * (application.h), which is read as any other.
 */
#ifndef MGW_POLICY_APPLICATION_WSO2_H
#define MGW_POLICY_APPLICATION_WSO2_H

#include "base/buf.h"

enum application_wso2 {
	APPLICATION_WSO2_APIS,
	APPLICATION_WSO2_APPLICATIONS,
	APPLICATION_WSO2_KEYS,
	APPLICATION_WSO2_SUBSCRIPTIONS,
	APPLICATION_WSO2__MAX,
};

/* Last parts of their URLs. */
extern const char *const application_wso2_names[APPLICATION_WSO2__MAX];

/* Whose tokens the keys of a key manager are in. */
struct application_issuer {
	struct span manager, issuer;
};

/*
 * Append to "to" the lines of what the documents say.  Keys of a manager
 * that "issuers" lacks are left out, and counted in "*n_left_out", as are
 * subscriptions to APIs that are not there.  False: "why" says which
 * document is not whole, or not of this kind.
 */
bool application_wso2_join(const struct span *documents,
    const struct application_issuer *issuers, size_t n_issuers, struct buf *to,
    unsigned *n_left_out, char *why, size_t why_size);

#endif
