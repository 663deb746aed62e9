#!/bin/sh
# shellcheck disable=SC2016 # references are for mgw
# Who may read what goes to a store: passwords, TLS, names of servers; and
# processes that live for one request.
. tests/e2e/lib.sh
. tests/e2e/store.sh
store_or_skip
start_backend
start_redis
export STORE_PASSWORD=a-password-that-is-long

# secure URL LINES...: mgw-store.yaml with these lines in its store.
secure() {
	url=$1
	shift
	sed "s|^  url:.*|  url: '$url'|" "$W/mgw-store.yaml" >"$W/store.yaml"
	for line; do sed -i "s|^  timeout:.*|&\n  $line|" "$W/store.yaml"; done
	import store.yaml shared.yaml
}
policy

it 'a password in the clear is an error of import'
secure redis://127.0.0.1:6379 'password: ${env:STORE_PASSWORD}' &&
    wrong 'it was imported'
grep -q 'store-password' "$W/import.out" || wrong "$(cat "$W/import.out")"

it 'and so is a secret in the file, and a store without a key'
secure "unix:$W/redis.sock" 'password: in-the-clear' && wrong 'it was imported'
grep -q 'secret-inline' "$W/import.out" || wrong "$(cat "$W/import.out")"
sed -i '/^  key:/d' "$W/mgw-store.yaml"
secure "unix:$W/redis.sock" && wrong 'it was imported without a key'
grep -q 'store-key' "$W/import.out" || wrong "$(cat "$W/import.out")"

it 'mgw.conf cannot make it go in the clear either'
secure "unix:$W/redis.sock" 'password: ${env:STORE_PASSWORD}' ||
    wrong "$(cat "$W/import.out")"
printf 'store redis://127.0.0.1:6379\n' >>"$W/mgw.conf"
"$O"/mgw --config "$W/mgw.conf" --listen "unix:$W/x.sock" 2>"$W/why" &&
    wrong 'it started'
grep -q 'a password needs' "$W/why" || wrong "$(cat "$W/why")"
sed -i '/^store/d' "$W/mgw.conf"

# --check says whether the store can be used, and why not.
check() {
	"$O"/mgw --config "$W/mgw.conf" --check | grep "^store	" >"$W/check"
	grep -q "$1" "$W/check" || wrong "$(cat "$W/check")"
}

it 'a server that wants a password gets it'
redis CONFIG SET requirepass "$STORE_PASSWORD" >/dev/null
REDIS_AUTH=$STORE_PASSWORD
check 'ok'
start_mgw
start_lighttpd
for n in 1 2 3; do get /shared/a/three; done
expect_status 200
get /shared/a/three
expect_status 429
test "$(redis DBSIZE)" = 1 || wrong "the server has $(redis DBSIZE)"

it 'and no other'
STORE_PASSWORD=another-password-of-mine
check 'wrong.*AUTH'
! grep -q another "$W/check" || wrong 'the password is shown'
STORE_PASSWORD=a-password-that-is-long
! grep -q "$STORE_PASSWORD" "$W/mgw.log" || wrong 'the password is logged'
stop_lighttpd
stop_mgw

# cert FILE NAME: one signed by ca.pem for this name.
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=ca \
    -keyout "$W/ca.key" -out "$W/ca.pem" 2>/dev/null
cert() {
	openssl req -newkey rsa:2048 -nodes -subj "/CN=$1" \
	    -keyout "$W/$1.key" -out "$W/$1.csr" 2>/dev/null
	printf 'subjectAltName=%s\n' "$2" >"$W/ext"
	openssl x509 -req -in "$W/$1.csr" -CA "$W/ca.pem" -CAkey "$W/ca.key" \
	    -CAcreateserial -days 2 -extfile "$W/ext" -out "$W/$1.pem" \
	    2>/dev/null
}
# tls NAME: a server with that certificate, at $TLS_PORT.
tls() {
	test -z "${TLS_PID:-}" || stop "$TLS_PID"
	# Or the last one's line is taken for this one's.
	rm -f "$W/tls.log"
	redis-server --port 0 --tls-port "$TLS_PORT" --bind 127.0.0.1 \
	    --tls-cert-file "$W/$1.pem" --tls-key-file "$W/$1.key" \
	    --tls-ca-cert-file "$W/ca.pem" --tls-auth-clients no --save '' \
	    --dir "$W" --requirepass "$STORE_PASSWORD" >"$W/tls.log" 2>&1 &
	TLS_PID=$!
	PIDS="$PIDS $TLS_PID"
	wait_for 50 grep -qi 'ready to accept' "$W/tls.log"
}
TLS_PORT=$(free_port)
cert here DNS:localhost
cert other DNS:elsewhere.example
cert address IP:127.0.0.1

it 'over TLS the name of the server is checked'
if ! tls here; then
	skip 'this redis-server has no TLS'
else
	secure "rediss://localhost:$TLS_PORT" 'ca: ca.pem' \
	    'password: ${env:STORE_PASSWORD}' || wrong "$(cat "$W/import.out")"
	check ok
	tls other
	check 'wrong.*[Hh]ostname'
	secure "rediss://127.0.0.1:$TLS_PORT" 'ca: ca.pem' \
	    'password: ${env:STORE_PASSWORD}'
	check 'wrong.*IP address'
	tls address
	check ok
	secure "rediss://127.0.0.1:$TLS_PORT" \
	    'password: ${env:STORE_PASSWORD}'
	check 'wrong.*certificate'
fi

it 'two gates over TLS are exact, too'
if ! running "${TLS_PID:-0}"; then
	skip 'this redis-server has no TLS'
else
	secure "rediss://127.0.0.1:$TLS_PORT" 'ca: ca.pem' \
	    'password: ${env:STORE_PASSWORD}'
	start_mgw
	start_lighttpd
	flood 600 /shared/a/bucket "$URL"
	expect_flood '200:50 429:550 '
	test "$(total store_failed)" = 0 ||
	    wrong "$(total store_failed) were not answered"
	stop_lighttpd
	stop_mgw
	stop "$TLS_PID"
fi

# One request, as a web server starts it by CGI.
cgi() {
	env -i PATH="$PATH" MGW_CONF="$W/mgw.conf" REQUEST_METHOD=GET \
	    STORE_PASSWORD="$STORE_PASSWORD" \
	    REQUEST_URI="$1" SERVER_PROTOCOL=HTTP/1.1 \
	    REMOTE_ADDR=127.0.0.1 HTTP_HOST=a GATEWAY_INTERFACE=CGI/1.1 \
	    SERVER_NAME=a "$O/mgw" </dev/null >"$W/body" 2>>"$W/mgw.log"
	sed -n '1s/^Status: \([0-9]*\).*/\1/p' "$W/body" >>"$W/cgi"
}

it 'processes of one request share the server, and its breaker'
secure "unix:$W/redis.sock" 'password: ${env:STORE_PASSWORD}'
sed -i "s|^  timeout:.*|  timeout: 400ms|" "$W/store.yaml"
import store.yaml shared.yaml
redis FLUSHALL >/dev/null
: >"$W/cgi"
for n in 1 2 3 4; do cgi /shared/a/three; done
test "$(tr '\n' ' ' <"$W/cgi")" = '200 200 200 429 ' ||
    wrong "answers $(tr '\n' ' ' <"$W/cgi")"
kill -STOP "$REDIS_PID"
t=$(ms)
for n in 1 2 3 4; do cgi /shared/a/month; done
t=$(($(ms) - t))
kill -CONT "$REDIS_PID"
test $t -ge 400 || wrong "nobody waited: $t ms"
test $t -lt 1500 || wrong "four requests took $t ms"
done_testing
