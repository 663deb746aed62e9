/*
 * redis_tls - see redis_tls.h.
 */
#include "fcgi/redis_tls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "fcgi/redis.h"

struct redis_tls {
	SSL_CTX *context;
	SSL *ssl;
};

static bool
fail(char *why, size_t why_size, const char *what)
{
	(void)snprintf(why, why_size, "TLS: %s", what);
	ERR_clear_error();
	return false;
}

static bool
trust(SSL_CTX *context, const char *ca_file)
{
	return ca_file != NULL
	    ? SSL_CTX_load_verify_locations(context, ca_file, NULL) == 1
	    : SSL_CTX_set_default_verify_paths(context) == 1;
}

/* A certificate names an address in another place than a name. */
static bool
expect_host(SSL *ssl, const char *host)
{
	X509_VERIFY_PARAM *p = SSL_get0_param(ssl);
	unsigned char address[16];

	if (inet_pton(AF_INET, host, address) == 1 ||
	    inet_pton(AF_INET6, host, address) == 1)
		return X509_VERIFY_PARAM_set1_ip_asc(p, host) == 1;
	SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	return SSL_set1_host(ssl, host) == 1 &&
	    SSL_set_tlsext_host_name(ssl, host) == 1;
}

static bool
set_up(struct redis_tls *t, int fd, const char *host, const char *ca_file,
    char *why, size_t why_size)
{
	t->context = SSL_CTX_new(TLS_client_method());
	if (t->context == NULL ||
	    SSL_CTX_set_min_proto_version(t->context, TLS1_2_VERSION) != 1)
		return fail(why, why_size, "cannot begin");
	SSL_CTX_set_verify(t->context, SSL_VERIFY_PEER, NULL);
	if (!trust(t->context, ca_file))
		return fail(why, why_size, "cannot read the file of CAs");
	t->ssl = SSL_new(t->context);
	if (t->ssl == NULL || !expect_host(t->ssl, host) ||
	    SSL_set_fd(t->ssl, fd) != 1)
		return fail(why, why_size, "cannot begin");
	/* What is left of a command is sent from where it lies then. */
	SSL_set_mode(t->ssl,
	    SSL_MODE_ENABLE_PARTIAL_WRITE |
		SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	return true;
}

struct redis_tls *
redis_tls_new(
    int fd, const char *host, const char *ca_file, char *why, size_t why_size)
{
	struct redis_tls *t = calloc(1, sizeof(*t));

	if (t == NULL)
		(void)fail(why, why_size, "out of memory");
	else if (set_up(t, fd, host, ca_file, why, why_size))
		return t;
	redis_tls_free(t);
	return NULL;
}

void
redis_tls_free(struct redis_tls *t)
{
	if (t == NULL)
		return;
	SSL_free(t->ssl);
	SSL_CTX_free(t->context);
	free(t);
}

/* True: it is only to be waited for. */
static bool
must_wait(const struct redis_tls *t, int rc, short *events)
{
	int error = SSL_get_error(t->ssl, rc);

	*events = error == SSL_ERROR_WANT_WRITE ? POLLOUT : POLLIN;
	return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE;
}

int
redis_tls_shake(struct redis_tls *t, short *events, char *why, size_t why_size)
{
	long verdict;
	int rc;

	ERR_clear_error();
	rc = SSL_connect(t->ssl);
	if (rc == 1)
		return 1;
	if (must_wait(t, rc, events))
		return 0;
	verdict = SSL_get_verify_result(t->ssl);
	(void)fail(why, why_size,
	    verdict != X509_V_OK ? X509_verify_cert_error_string(verdict)
				 : "the other side does not shake hands");
	return -1;
}

ssize_t
redis_tls_read(struct redis_tls *t, void *to, size_t room, short *events)
{
	int rc;

	ERR_clear_error();
	rc = SSL_read(t->ssl, to, room < INT32_MAX ? (int)room : INT32_MAX);
	if (rc > 0)
		return rc;
	errno = must_wait(t, rc, events) ? EAGAIN : EPROTO;
	return SSL_get_error(t->ssl, rc) == SSL_ERROR_ZERO_RETURN ? 0 : -1;
}

ssize_t
redis_tls_write(struct redis_tls *t, struct span bytes, short *events)
{
	int rc;

	ERR_clear_error();
	rc = SSL_write(
	    t->ssl, bytes.p, bytes.n < INT32_MAX ? (int)bytes.n : INT32_MAX);
	if (rc > 0)
		return rc;
	errno = must_wait(t, rc, events) ? EAGAIN : EPIPE;
	return -1;
}

bool
redis_script_name(struct span text, char hex[static REDIS_SCRIPT_NAME])
{
	static const char digits[] = "0123456789abcdef";
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	if (EVP_Digest(text.p, text.n, digest, &n, EVP_sha1(), NULL) != 1 ||
	    n != 20)
		return false;
	for (unsigned i = 0; i < n; i++) {
		hex[2 * i] = digits[digest[i] >> 4];
		hex[2 * i + 1] = digits[digest[i] & 15];
	}
	hex[40] = '\0';
	return true;
}
