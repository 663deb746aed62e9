/*
 * introspect - servers that are asked about opaque tokens (RFC 7662).
 *
 * One question at a time about a token, of all threads and processes: the
 * first one asks, under a lease of the state, the others wait for the
 * verdict that it leaves there.  Only so many ask and wait at once, and of
 * those who ask each client address has a share, so that random tokens
 * cannot take all workers; who comes on top is told so at once.
 *
 * Locked inside.
 */
#ifndef MGW_FCGI_INTROSPECT_H
#define MGW_FCGI_INTROSPECT_H

#include "fcgi/sources.h"

/* Questions in progress; one for the whole gate. */
struct questions;

/* Of "workers" a quarter may ask, and half may wait.  NULL: no memory. */
struct questions *questions_new(struct state *state, unsigned workers);
void questions_free(struct questions *q);

/* The servers of a bundle, their URLs looked up. */
struct introspect;

/* NULL: "why" says which one cannot be asked, and where it is named. */
struct introspect *introspect_open(
    const struct bundle *b, const struct config *c, char *why, size_t why_size);
void introspect_free(struct introspect *i);

/* For struct outside. */
enum introspect_result introspect_ask(const struct introspect *servers,
    struct questions *q, struct sources *sources, const struct introspection *i,
    struct verdict *v);

#endif
