#!/bin/sh
# Fail when a file includes what its folder may not.  See README, "Layers".
set -eu
bad=0
deny() { # deny FOLDER PATTERN [FILES ALLOWED, a pattern]
	test -d "$1" || { echo "no folder $1" >&2; exit 1; }
	hits=$(grep -lE "^#[[:space:]]*include[[:space:]]*[<\"]($2)" "$1"/*.[ch] |
	    grep -vxE "${3:-none}" || true)
	test -z "$hits" || { echo "$1 must not include $2: $hits" >&2; bad=1; }
}
deny base   'policy/|spec/|fcgi/|fcgiapp|curl/|json-c/|yaml|openssl/|hiredis/'
deny policy 'spec/|fcgi/|fcgiapp|curl/|yaml|hiredis/'
deny policy 'json-c/'  'policy/json.c'
deny policy 'openssl/' 'policy/sign(_[a-z]+)?.[ch]'
deny base   'crypt.h'
deny policy 'crypt.h'   'policy/password.c'
deny spec   'crypt.h'
deny fcgi   'crypt.h'
deny spec   'fcgi/|fcgiapp|curl/|openssl/|json-c/'
deny spec   'yaml'     'spec/tree.c'
deny fcgi   'spec/|yaml|json-c/'
deny fcgi   'openssl/' 'fcgi/redis_(tls.c|library.h)'
deny fcgi   'hiredis/' 'fcgi/redis_library.h'
deny fcgi   'fcgiapp'  'fcgi/exchange.c'
deny fcgi   'curl/'    'fcgi/(connect|fetch|libcurl).[ch]'
test ! -d tools || deny tools  'fcgiapp|curl/|json-c/|yaml|openssl/'
exit $bad
