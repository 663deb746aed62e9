/*
 * redis_tls - see redis_tls.h.
 */
#include "fcgi/redis_tls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "fcgi/redis.h"
#include "fcgi/redis_library.h"

struct redis_tls {
	const struct redis_ssl *library;
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
trust(const struct redis_tls *t, const char *ca_file)
{
	return ca_file != NULL
	    ? t->library->CTX_load_verify_locations(
		  t->context, ca_file, NULL) == 1
	    : t->library->CTX_set_default_verify_paths(t->context) == 1;
}

/* A certificate names an address in another place than a name. */
static bool
expect_host(const struct redis_tls *t, const char *host)
{
	X509_VERIFY_PARAM *p = t->library->get0_param(t->ssl);
	unsigned char address[16];

	if (inet_pton(AF_INET, host, address) == 1 ||
	    inet_pton(AF_INET6, host, address) == 1)
		return X509_VERIFY_PARAM_set1_ip_asc(p, host) == 1;
	t->library->set_hostflags(t->ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	/* SSL_set_tlsext_host_name is a macro for this, as others below. */
	return t->library->set1_host(t->ssl, host) == 1 &&
	    t->library->ctrl(t->ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME,
		TLSEXT_NAMETYPE_host_name, (void *)(uintptr_t)host) == 1;
}

static bool
set_up(struct redis_tls *t, int fd, const char *host, const char *ca_file,
    char *why, size_t why_size)
{
	const struct redis_ssl *ssl = t->library;

	t->context = ssl->CTX_new(ssl->client_method());
	if (t->context == NULL ||
	    ssl->CTX_ctrl(t->context, SSL_CTRL_SET_MIN_PROTO_VERSION,
		TLS1_2_VERSION, NULL) != 1)
		return fail(why, why_size, "cannot begin");
	ssl->CTX_set_verify(t->context, SSL_VERIFY_PEER, NULL);
	if (!trust(t, ca_file))
		return fail(why, why_size, "cannot read the file of CAs");
	t->ssl = ssl->new (t->context);
	if (t->ssl == NULL || !expect_host(t, host) ||
	    ssl->set_fd(t->ssl, fd) != 1)
		return fail(why, why_size, "cannot begin");
	/* What is left of a command is sent from where it lies then. */
	ssl->ctrl(t->ssl, SSL_CTRL_MODE,
	    SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER,
	    NULL);
	return true;
}

struct redis_tls *
redis_tls_new(
    int fd, const char *host, const char *ca_file, char *why, size_t why_size)
{
	struct redis_tls *t = calloc(1, sizeof(*t));

	if (t == NULL)
		(void)fail(why, why_size, "out of memory");
	else if ((t->library = redis_ssl_get(why, why_size)) != NULL &&
	    set_up(t, fd, host, ca_file, why, why_size))
		return t;
	redis_tls_free(t);
	return NULL;
}

void
redis_tls_free(struct redis_tls *t)
{
	if (t == NULL)
		return;
	if (t->library != NULL) {
		t->library->free(t->ssl);
		t->library->CTX_free(t->context);
	}
	free(t);
}

/* True: it is only to be waited for. */
static bool
must_wait(const struct redis_tls *t, int rc, short *events)
{
	int error = t->library->get_error(t->ssl, rc);

	*events = error == SSL_ERROR_WANT_WRITE ? POLLOUT : POLLIN;
	return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE;
}

int
redis_tls_shake(struct redis_tls *t, short *events, char *why, size_t why_size)
{
	long verdict;
	int rc;

	ERR_clear_error();
	rc = t->library->connect(t->ssl);
	if (rc == 1)
		return 1;
	if (must_wait(t, rc, events))
		return 0;
	verdict = t->library->get_verify_result(t->ssl);
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
	rc = t->library->read(
	    t->ssl, to, room < INT32_MAX ? (int)room : INT32_MAX);
	if (rc > 0)
		return rc;
	errno = must_wait(t, rc, events) ? EAGAIN : EPROTO;
	return t->library->get_error(t->ssl, rc) == SSL_ERROR_ZERO_RETURN ? 0
									  : -1;
}

ssize_t
redis_tls_write(struct redis_tls *t, struct span bytes, short *events)
{
	int rc;

	ERR_clear_error();
	rc = t->library->write(
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
