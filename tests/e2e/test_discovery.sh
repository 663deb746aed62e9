#!/bin/sh
# Keys by way of the issuer's metadata; new keys, and an issuer that goes.
. tests/e2e/lib.sh
start_backend
policy
mkdir -p "$W/issuer/.well-known/oauth-authorization-server"
start_issuer
sed -i "s|@ISSUER@|$ISSUER|g" "$W/mgw-discovery.yaml"
cp "$W/keys.jwks.json" "$W/issuer/keys"
echo '{"issuer":"@URL@","jwks_uri":"@URL@/keys"}' \
    >"$W/issuer/.well-known/openid-configuration"
echo '{"issuer":"https://other.example","jwks_uri":"@URL@/keys"}' \
    >"$W/issuer/.well-known/oauth-authorization-server/tenant"
import mgw-discovery.yaml remote.yaml || fatal "$(cat "$W/import.out")"
start_mgw
start_lighttpd

# ask ISSUER [KEY KID]
ask() {
	get /remote/x -H "$(bearer "$(token "\"iss\":\"$1\"" ES256 \
	    "${2:-ec.pem}" "{\"alg\":\"ES256\",\"kid\":\"${3:-ec}\"}")")"
}

it 'keys are found by the metadata of OpenID'
ask "$ISSUER"
expect_status 200
it 'metadata of another issuer lead to no keys'
ask "$ISSUER/tenant"
expect_status 503
expect_reason verifier-down

it 'one process fetches for all'
"$O"/mgw --config "$W/mgw.conf" --listen "unix:$W/second.sock" \
    2>>"$W/mgw.log" &
SECOND=$!
PIDS="$PIDS $SECOND"
wait_for 100 test -S "$W/second.sock" || wrong 'no second process'
ask "$ISSUER"
expect_status 200
test "$(asked 'GET /keys')" = 1 ||
    wrong "the keys were fetched $(asked 'GET /keys') times"
stop "$SECOND"

it 'names of keys without end cost all processes one fetch at most'
n=0
while [ $n -lt 10 ]; do
	n=$((n + 1))
	ask "$ISSUER" ec.pem "pool$n"
	expect_status 401
	env -i PATH="$PATH" MGW_CONF="$W/mgw.conf" REQUEST_METHOD=GET \
	    REQUEST_URI=/remote/x SERVER_PROTOCOL=HTTP/1.1 HTTP_HOST=a \
	    REMOTE_ADDR=127.0.0.1 GATEWAY_INTERFACE=CGI/1.1 SERVER_NAME=a \
	    HTTP_AUTHORIZATION="Bearer $(token "\"iss\":\"$ISSUER\"" ES256 \
		ec.pem "{\"alg\":\"ES256\",\"kid\":\"cgi$n\"}")" \
	    "$O/mgw" </dev/null >"$W/body" 2>>"$W/mgw.log"
	expect_body 'Status: 401'
done
test "$(asked 'GET /keys')" -le 2 ||
    wrong "the keys were fetched $(asked 'GET /keys') times"

it 'a restart starts with what was kept, also without the issuer'
stop "$ISSUER_PID"
stop_mgw
start_mgw
wait_for 30 answers "$URL/"
ask "$ISSUER"
expect_status 200
stop_lighttpd
done_testing
