/*
 * version - of all programs together.
 */
#ifndef MGW_BASE_VERSION_H
#define MGW_BASE_VERSION_H

#define MGW_VERSION "0.1.0"

#endif
