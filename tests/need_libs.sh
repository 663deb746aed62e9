#!/bin/sh
# Before compiling: name each library that is missing, with its package.
# need_libs.sh COMPILER
set -u
bad=0
need() { # need LIBRARY PACKAGE HEADER [FLAGS FROM PKG-CONFIG]
	flags=$(pkg-config --cflags "${4:-none}" 2>/dev/null)
	# shellcheck disable=SC2086 # flags and a compiler may be many words
	echo "#include <$3>" | $cc $flags -E -o /dev/null -xc - 2>/dev/null &&
		return
	echo "missing: $1; on Debian: apt-get install $2" >&2
	bad=1
}
cc=${1:-cc}
if ! echo 'int x;' | $cc -E -o /dev/null -xc - 2>/dev/null; then
	echo "missing: a C compiler ($cc); on Debian: apt-get install gcc" >&2
	exit 1
fi
need libc    libc6-dev stdio.h
need libcrypt libcrypt-dev crypt.h
need libfcgi libfcgi-dev fcgiapp.h
need libcurl libcurl4-openssl-dev curl/curl.h libcurl
need json-c  libjson-c-dev json-c/json.h
need OpenSSL libssl-dev openssl/evp.h libcrypto
need libyaml libyaml-dev yaml.h yaml-0.1
test $bad -eq 0 || echo 'or all of them: make deps' >&2
exit $bad
