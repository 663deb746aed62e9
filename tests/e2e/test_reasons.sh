#!/bin/sh
# Every reason word, produced through a real server, with what the client
# is told and what the event line says.
. tests/e2e/lib.sh
start_backend
policy
start_mgw
good=$(token '"scope":"read write"')

# refused WHAT STATUS REASON PATH [CURL OPTIONS...]
refused() {
	it "$1 is refused: $3 ($host)"
	status=$2 reason=$3
	shift 3
	get "$@"
	expect_status "$status"
	expect_reason "$reason"
}

# token_refused WHAT REASON TOKEN: 401 with a challenge of RFC 6750.
token_refused() {
	refused "$1" 401 "$2" /things/secret/x -H "$(bearer "$3")"
	expect_header WWW-Authenticate '*Bearer*error="invalid_token"*'
	expect_no_body "$3"
}

for host in lighttpd apache; do
	start_$host
	now=$(date +%s)

	it "a public operation is answered ($host)"
	get /things/open/x
	expect_status 200
	expect_body '"target":"/open/x"'
	expect_event '"status":200'

	refused 'an unknown path' 404 no-route /nowhere
	refused 'an unknown path of an API' 404 no-route /things/nothing
	refused 'a method that the path lacks' 405 method-not-allowed \
	    /things/file/a.json -X DELETE
	expect_header Allow '*GET*'
	refused 'a path with %2F' 400 path-ambiguous /things/open/a%2Fb
	refused 'a path with ..' 400 path-ambiguous /things/open/../secret/x
	refused 'a path with an empty segment' 400 path-ambiguous \
	    /things//open/x
	refused 'a long URI' 414 uri-too-long \
	    "/things/open/$(head -c 5000 /dev/zero | tr '\0' a)"
	refused 'much in the headers' 431 headers-too-large /things/open/x \
	    -H "X-A: $(head -c 3000 /dev/zero | tr '\0' a)" \
	    -H "X-B: $(head -c 3000 /dev/zero | tr '\0' b)"

	refused 'no credential' 401 credential-missing /things/secret/x
	expect_header WWW-Authenticate '*Bearer*'
	refused 'a credential of another scheme' 401 credential-malformed \
	    /things/secret/x -u ada:secret
	refused 'a Bearer without a token' 401 credential-malformed \
	    /things/secret/x -H 'Authorization: Bearer !!'
	token_refused 'a token that is none' token-malformed a.b.c
	token_refused 'alg none' alg-not-allowed \
	    "$(token '' ES256 ec.pem '{"alg":"none"}')"
	token_refused 'alg none without a signature' token-malformed \
	    "$(token '' none ec.pem '{"alg":"none"}')"
	token_refused 'an algorithm that the issuer does not use' \
	    alg-not-allowed "$(token '' RS512 rsa.pem)"
	token_refused 'HMAC with the public key' alg-not-allowed \
	    "$(token '' HS256 keys.jwks.json)"
	token_refused 'a key that nobody knows' key-unknown \
	    "$(token '' RS256 stranger.pem)"
	token_refused 'a signature by another key' bad-signature \
	    "$(token '' RS256 stranger.pem '{"alg":"RS256","kid":"rsa"}')"
	token_refused 'a token with a changed body' bad-signature \
	    "${good%.*.*}.$(token '"scope":"all"' | cut -d. -f2).${good##*.}"
	token_refused 'an old token' expired "$(token "\"exp\":$((now - 60))")"
	token_refused 'a token for later' not-yet-valid \
	    "$(token "\"nbf\":$((now + 300))")"
	token_refused 'a token of another issuer' wrong-issuer \
	    "$(token '"iss":"https://evil.example/"')"
	token_refused 'a token for another audience' wrong-audience \
	    "$(token '"aud":"elsewhere"')"
	token_refused 'an ID token' wrong-type "$(token '"nonce":"n"' ES256 \
	    ec.pem '{"alg":"ES256","kid":"ec","typ":"id_token+jwt"}')"
	refused 'a token without the scope' 403 scope-missing \
	    /things/scoped/x -H "$(bearer "$(token '"scope":"read"')")"
	expect_header WWW-Authenticate '*error="insufficient_scope"*'
	expect_header WWW-Authenticate '*scope="read write"*'
	refused 'two credentials' 400 credential-duplicate /things/secret/x \
	    -H "$(bearer "$good")" -H 'Authorization: Bearer other'
	refused 'no API key' 401 credential-missing /things/keyed/x
	refused 'a wrong API key' 401 key-invalid /things/keyed/x \
	    -H "X-API-Key: ${KEY%?????}AAAAA"
	refused 'a token where a key is needed too' 401 credential-missing \
	    /things/both/x -H "$(bearer "$good")"
	refused 'a scheme that nothing verifies' 503 no-verifier \
	    /things/digest/x -H 'Authorization: Digest a="b"'

	it "the right token, key, both are allowed ($host)"
	get /things/scoped/x -H "$(bearer "$good")"
	expect_status 200
	get /things/keyed/x -H "X-API-Key: $KEY"
	expect_status 200
	get "/things/keyed/x?key=$KEY"
	expect_status 200
	get /things/keyed/x -b "key=$KEY"
	expect_status 200
	get /things/both/x -H "$(bearer "$good")" -H "X-API-Key: $KEY"
	expect_status 200

	it "a credential does not reach the backend ($host)"
	get "/things/both/x?a=1" -H "$(bearer "$good")" -H "X-API-Key: $KEY"
	expect_no_body "$good"
	expect_no_body "$KEY"

	head -c 2000 /dev/zero >"$W/2000"
	refused 'a body over its limit' 413 body-too-large /things/little/x \
	    --data-binary @"$W/2000"
	refused 'a backend that is not there' 502 upstream-connect /down/x
	refused 'a broken answer' 502 upstream-broken /things/open/two-lengths
	refused 'a slow backend' 504 upstream-timeout /things/open/slow/4000
	stop_$host
done

# Counters are shared, so each limit is spent by one host only.
host=lighttpd
start_lighttpd
for n in 1 2; do
	it "request $n of two is within the limits"
	get /things/rated/x
	expect_status 200
	expect_header RateLimit '?*'
	expect_header RateLimit-Policy '?*'
	get /things/quota/x
	expect_status 200
done
refused 'a third request' 429 rate-exceeded /things/rated/x
expect_header Retry-After '[0-9]*'
refused 'a third request in the window' 429 quota-exceeded /things/quota/x
expect_header Retry-After '[0-9]*'

it 'a spent limit outlives a restart'
stop_mgw
start_mgw
get /things/quota/x
expect_status 429

it 'a spent limit outlives a new bundle'
import
kill -HUP "$MGW_PID"
sleep 1
get /things/quota/x
expect_status 429

it 'a larger limit holds at once'
sed -i 's/TwoAnHour: {limit: 2/TwoAnHour: {limit: 9/' "$W/mgw.yaml"
import || wrong "$(cat "$W/import.out")"
kill -HUP "$MGW_PID"
wait_for 30 sh -c "curl -sf $URL/things/quota/x" || wrong 'still refused'
get /things/quota/x
expect_status 200

it 'a key is good from its addresses alone'
sed -i 's/$/ address=192.0.2.0\/24/' "$W/keys.db"
get /things/keyed/x -H "X-API-Key: $KEY" -H 'X-Forwarded-For: 192.0.2.1'
expect_status 403
expect_reason address-refused
sed -i 's/$/ address=127.0.0.0\/8/' "$W/keys.db"
get /things/keyed/x -H "X-API-Key: $KEY"
expect_status 200
sed -i 's/ address=[^ ]*//g' "$W/keys.db"

it 'a revoked key is refused at the next request'
for n in 1 2 3 4 5; do
	sed -i 's/ active / revoked /' "$W/keys.db"
	get /things/keyed/x -H "X-API-Key: $KEY"
	expect_status 401
	expect_reason revoked
	sed -i 's/ revoked / active /' "$W/keys.db"
	get /things/keyed/x -H "X-API-Key: $KEY"
	expect_status 200
done
stop_lighttpd
done_testing
