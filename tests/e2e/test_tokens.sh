#!/bin/sh
# Tokens whose claims decide: required ones, subscriptions, other names.
. tests/e2e/lib.sh
start_backend
policy
import mgw-tokens.yaml tokens.yaml || fatal "$(cat "$W/import.out")"
start_mgw
start_lighttpd

TYPE='{"alg":"ES256","typ":"at+jwt","kid":"ec"}'
API='"subscribedAPIs":[{"name":"Tokens","version":"1"}]'

# strict CLAIMS [HEADER]: ask with a token of the strict issuer.
strict() {
	get /tokens/strict/x -H "$(bearer "$(token \
	    "\"iss\":\"https://strict.example/\",$1" ES256 ec.pem \
	    "${2:-$TYPE}")")"
}

it 'a token with every claim it needs is let in'
strict "\"team\":\"green\",\"org\":{\"member\":true},$API"
expect_status 200
it 'one of several audiences is enough'
strict "\"aud\":[\"x\",\"others\"],\"team\":[\"red\",\"blue\"],\"org\":{\"member\":true},$API"
expect_status 200
it 'the type that is required must be there'
strict "\"team\":\"green\",\"org\":{\"member\":true},$API" \
    '{"alg":"ES256","typ":"JWT","kid":"ec"}'
expect_status 401
expect_reason wrong-type
it 'a claim with another value is refused'
strict "\"team\":\"red\",\"org\":{\"member\":true},$API"
expect_status 403
expect_reason claim-refused
it 'a claim that is missing is refused'
strict "\"team\":\"blue\",\"org\":{},$API"
expect_status 403
expect_reason claim-refused
it 'a subscription to another version is refused'
strict '"team":"blue","org":{"member":true},"subscribedAPIs":[{"name":"Tokens","version":"2"}]'
expect_status 403
expect_reason claim-refused
it 'no subscription is refused'
strict '"team":"blue","org":{"member":true}'
expect_status 403
expect_reason claim-refused
it 'a token of the other issuer is not for this scheme'
get /tokens/strict/x -H "$(bearer "$(token '"iss":"https://mapped.example/"')")"
expect_status 401
expect_reason wrong-issuer

it 'a claim that goes by another name counts'
get /tokens/mapped/x -H "$(bearer "$(token \
    '"iss":"https://mapped.example/","roles":["read"],"user":"bob"')")"
expect_status 200
expect_event '"subject":"bob"'
it 'what has that name itself does not'
get /tokens/mapped/x -H "$(bearer "$(token \
    '"iss":"https://mapped.example/","scope":"read","user":"bob"')")"
expect_status 403
expect_reason scope-missing
stop_lighttpd
done_testing
