#!/bin/sh
# A real authorization server, oidc-provider (see tests/oidc.sh): tokens of
# its own making, asked about, revoked, with new keys, and the server
# stopped and gone.
. tests/e2e/lib.sh
SERVER=$O/oidc
if ! test -f "$SERVER/oidc.mjs"; then
	it 'a real authorization server'
	skip 'oidc-provider cannot be had from npm here'
	done_testing
fi

# start_server KEY...: on $PORT_OF, which stays the same.
start_server() {
	: >"$W/server.out"
	node "$SERVER/oidc.mjs" "$PORT_OF" "$@" >"$W/server.out" \
	    2>>"$W/server.log" &
	SERVER_PID=$!
	PIDS="$PIDS $SERVER_PID"
	wait_for 100 grep -q ready "$W/server.out" ||
	    fatal "the server does not start"
}
# obtain [MORE]: a token by client credentials.
obtain() {
	curl -s --max-time 5 -u app:app-secret-that-is-long-enough \
	    -d "grant_type=client_credentials$1" "$ISSUER/token" |
	    sed -n 's/.*"access_token":"\([^"]*\)".*/\1/p'
}
ask() {
	get "$1" -H "$(bearer "$2")"
}

start_backend
policy
PORT_OF=$(free_port)
ISSUER=http://127.0.0.1:$PORT_OF
for k in k1 k2; do
	openssl ecparam -name prime256v1 -genkey -noout -out "$W/$k.pem"
done
start_server "$W/k1.pem"
sed -i "s|@ISSUER@|$ISSUER|g" "$W/mgw-oauth.yaml"
import mgw-oauth.yaml opaque.yaml || fatal "$(cat "$W/import.out")"
echo 'env CLIENT_SECRET gate-secret-that-is-long-enough' >>"$W/mgw.conf"
start_mgw
start_lighttpd

it 'an opaque token is asked about, and its scope counts'
OPAQUE=$(obtain '&scope=read')
ask /opaque/scoped/x "$OPAQUE"
expect_status 200
expect_event '"application":"app"'
ask /opaque/scoped/x "$(obtain '&scope=write')"
expect_status 403
expect_reason scope-missing
it 'a JWT is verified with the keys that discovery leads to'
JWT=$(obtain '&scope=read&resource=urn:things')
ask /opaque/both/x "$JWT"
expect_status 200
expect_event '"subject":"app"'
it 'one scheme takes both'
ask /opaque/mixed/x "$JWT"
expect_status 200
ask /opaque/mixed/x "$OPAQUE"
expect_status 200
it 'a token that it never made is inactive'
ask /opaque/one/x "${OPAQUE%???}abc"
expect_status 401
expect_reason inactive
it 'a revoked token is refused once its answer is old'
curl -s -u app:app-secret-that-is-long-enough -d "token=$OPAQUE" \
    "$ISSUER/token/revocation" >/dev/null
sleep 2.1
ask /opaque/scoped/x "$OPAQUE"
expect_status 401
expect_reason inactive

it 'a server that is stopped costs its timeout, known tokens nothing'
FRESH=$(obtain '&scope=read')
KNOWN=$(obtain '&scope=read')
ask /opaque/one/x "$KNOWN"
kill -STOP "$SERVER_PID"
ask /opaque/one/x "$FRESH"
expect_status 503
expect_reason verifier-down
ask /opaque/both/x "$JWT"
expect_status 200
kill -CONT "$SERVER_PID"
it 'and works again when the server does'
ask /opaque/one/x "$FRESH"
expect_status 200

it 'no key is looked for right after the last time, also over a restart'
stop "$SERVER_PID"
start_server "$W/k2.pem" "$W/k1.pem"
NEW=$(obtain '&resource=urn:things')
stop_mgw
start_mgw
wait_for 30 answers "$URL/"
ask /opaque/both/x "$NEW"
expect_status 401
expect_reason key-unknown
ask /opaque/both/x "$JWT"
expect_status 200
it 'later new keys are fetched when a token names one'
stop_mgw
rm "$W"/state/jwks/*.tried
start_mgw
wait_for 30 answers "$URL/"
ask /opaque/both/x "$NEW"
expect_status 200
ask /opaque/both/x "$JWT"
expect_status 200

it 'without the server its JWTs are still verified'
stop "$SERVER_PID"
ask /opaque/both/x "$JWT"
expect_status 200
ask /opaque/one/x "$(printf %s "$OPAQUE" | rev)"
expect_status 503
expect_reason verifier-down
stop_lighttpd
done_testing
