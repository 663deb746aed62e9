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

META=https://api.example/.well-known/oauth-protected-resource/v1/tokens
it 'a refusal names the metadata, once for each scheme, without an error'
get /tokens/either/x
expect_status 401
expect_reason credential-missing
test "$(header WWW-Authenticate)" = "Bearer realm=\"mgw\", resource_metadata=\"$META\"
Bearer realm=\"mgw\", resource_metadata=\"$META\"" ||
    wrong "$(header WWW-Authenticate)"
it 'a scope that is missing is told for each alternative that it would do in'
get /tokens/either/x -H "$(bearer "$(token \
    '"iss":"https://mapped.example/","roles":["read"]')")"
expect_status 403
expect_reason scope-missing
test "$(header WWW-Authenticate | sed 's/.*, \(scope="[^"]*"\).*/\1/')" = \
    'scope="read write"
scope="admin"' || wrong "$(header WWW-Authenticate)"
it 'two tokens are an invalid request'
get /tokens/mapped/x -H 'Authorization: Bearer a' -H 'Authorization: Bearer b'
expect_status 400
expect_header WWW-Authenticate 'Bearer *error="invalid_request"*'
it 'the metadata are served to anybody'
get /.well-known/oauth-protected-resource/v1/tokens
expect_status 200
expect_header Content-Type application/json
cat >"$W/expected" <<END
{"resource":"https://api.example/v1/tokens","resource_name":"Tokens",\
"authorization_servers":["https://strict.example/","https://mapped.example/"],\
"scopes_supported":["read","write","admin"],"bearer_methods_supported":["header"]}
END
cmp -s "$W/expected" "$W/body" || wrong "$(cat "$W/body")"
it 'explain shows them'
"$O"/mgw-spec explain "$W/mgw.bundle" GET \
    /.well-known/oauth-protected-resource/v1/tokens >"$W/body" || wrong refused
expect_body 'published'
expect_body '"resource":"https://api.example/v1/tokens"'
"$O"/mgw-spec explain --json "$W/mgw.bundle" GET \
    /.well-known/oauth-protected-resource/v1 >"$W/body" && wrong allowed
expect_body 'no-route'
it 'and nothing beside them, nor by another method'
get /.well-known/oauth-protected-resource/v1
expect_status 404
get /.well-known/oauth-protected-resource/v1/tokens -X DELETE
expect_status 404
stop_lighttpd
done_testing
