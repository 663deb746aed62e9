#!/bin/sh
# API keys that are JWTs, as WSO2 makes them: what they are for is heeded
# always, and none of them passes for a token, nor a token for one.
. tests/e2e/lib.sh
start_backend
policy
echo "ada:{SHA}$(printf secret | openssl sha1 -binary | base64)" \
    >"$W/users.htpasswd"
import mgw-wso2keys.yaml wso2keys.yaml || fatal "$(cat "$W/import.out")"
start_mgw
start_lighttpd

API='"allowedAPIs":[{"name":"Other","version":"1"},{"name":"Keys","version":"1.0"}]'
ISSUER=https://localhost:9095/apikey
# key CLAIMS [ALG KEY HEADER]: one of ours.  A claim "-x" is left out.
key() {
	now=$(date +%s)
	claims=${1:-}
	for usual in "\"iss\":\"$ISSUER\"" '"sub":"ada"' \
	    '"jti":"17b6"' "\"iat\":$now" '"keytype":"PRODUCTION"' \
	    "\"exp\":$((now + 600))" "$API"; do
		case $claims in
		*"${usual%%:*}:"* | *"\"-$(echo "$usual" | cut -d'"' -f2)\":"*) ;;
		*) claims=$usual${claims:+,$claims} ;;
		esac
	done
	tests/e2e/jose.pl sign "${2:-RS256}" "$W/${3:-rsa.pem}" "{$claims}" \
	    "${4:-{\"alg\":\"RS256\",\"typ\":\"jwt\",\"kid\":\"rsa\"\}}"
}
# with KEY [PATH]
with() {
	printf 'apikey: %s\n' "$1" >"$W/field"
	get "${2:-/keys/key/x}" -H "@$W/field"
}
# refuses NAME STATUS REASON CLAIMS...
refuses() {
	it "$1"
	status=$2 reason=$3
	shift 3
	with "$(key "$@")"
	expect_status "$status"
	expect_reason "$reason"
}

it 'a key is let in, and says who it is'
GOOD=$(key)
with "$GOOD"
expect_status 200
expect_event '"subject":"ada"'
expect_event "\"issuer\":\"$ISSUER\""
expect_no_body "$GOOD"
it 'any version of an API will do where the key says so'
with "$(key '"allowedAPIs":[{"name":"Keys","version":"*"}]')"
expect_status 200
it 'and the list that an API Manager writes'
with "$(key '"-allowedAPIs":0,"subscribedAPIs":[{"name":"Keys","version":"1.0","subscriptionTier":"Gold"}]')"
expect_status 200
it 'a key in the query is let in and not passed on'
get "/keys/query/x?apikey=$GOOD&a=1"
expect_status 200
expect_body '"target":"/query/x?a=1"'

it 'without one it is asked for'
get /keys/key/x
expect_status 401
expect_reason credential-missing
expect_header WWW-Authenticate 'ApiKey*'
refuses 'a key for another API' 403 claim-refused \
    '"allowedAPIs":[{"name":"Other","version":"1.0"}]'
refuses 'for another version' 403 claim-refused \
    '"allowedAPIs":[{"name":"Keys","version":"2.0"}]'
refuses 'for no API' 403 claim-refused '"allowedAPIs":[]'
refuses 'that does not say for which' 403 claim-refused '"-allowedAPIs":0'
refuses 'whose list is none' 403 claim-refused '"allowedAPIs":"Keys"'
refuses 'whose list has texts' 403 claim-refused '"allowedAPIs":["Keys"]'
refuses 'whose list names it twice' 401 token-malformed \
    '"allowedAPIs":[{"name":"Other","name":"Keys","version":"1.0"}]'
refuses 'that is over' 401 expired '"exp":1000'
refuses 'that never ends' 401 token-malformed '"-exp":0'
refuses 'that has not begun' 401 not-yet-valid '"nbf":4000000000'
refuses 'of another issuer of keys' 401 wrong-issuer \
    '"iss":"https://trusted.example/apikey"'
refuses 'meant for somebody else' 401 wrong-audience '"aud":"gate"'
refuses 'of a stranger' 401 bad-signature '' RS256 stranger.pem
refuses 'of another algorithm' 401 alg-not-allowed '' ES256 ec.pem \
    '{"alg":"ES256","typ":"jwt","kid":"ec"}'
refuses 'of another type' 401 wrong-type '' RS256 rsa.pem \
    '{"alg":"RS256","typ":"backend+jwt","kid":"rsa"}'
refuses 'of an unknown key' 401 key-unknown '' RS256 rsa.pem \
    '{"alg":"RS256","kid":"../rsa"}'
refuses 'with a list twice' 401 token-malformed "$API,$API"
refuses 'for another address' 403 address-refused '"permittedIP":"10.0.0.0/8"'
refuses 'for an address that is none' 403 address-refused '"permittedIP":"x"'
refuses 'for addresses in a list' 403 address-refused '"permittedIP":[]'
refuses 'for some pages' 403 claim-refused '"permittedReferer":"*.example/*"'
it 'a key for this address, and for all pages, is let in'
with "$(key '"permittedIP":"10.0.0.0/8, 127.0.0.1","permittedReferer":""')"
expect_status 200
it 'what is no JWT is refused'
for k in x a.b "$GOOD." "$GOOD.x" "${GOOD%?}" "${GOOD%.*}." "Bearer $GOOD"; do
	with "$k"
	test "$STATUS" = 401 || wrong "$k: $STATUS"
done
it 'and two keys'
printf 'apikey: %s\napikey: %s\n' "$GOOD" "$GOOD" >"$W/field"
get /keys/key/x -H "@$W/field"
expect_status 400
expect_reason credential-duplicate

it 'a key is no token'
get /keys/token/x -H "$(bearer "$GOOD")"
expect_status 401
expect_reason wrong-issuer
get /keys/either/x -H "$(bearer "$GOOD")"
expect_status 401
it 'nor when it has an audience that tokens have'
get /keys/token/x -H "$(bearer "$(key '"aud":"things"')")"
expect_status 401
expect_reason wrong-issuer
it 'a token is no key, even one that lists APIs'
with "$(token "$API" RS256 rsa.pem '{"alg":"RS256","kid":"rsa"}')"
expect_status 401
expect_reason wrong-issuer

it 'scopes are checked'
with "$(key)" /keys/scope/x
expect_status 403
expect_reason scope-missing
with "$(key '"scope":"write read"')" /keys/scope/x
expect_status 200

it 'claims of an issuer that is not trusted decide nothing'
with "$(key '"keytype":"SANDBOX","tier":"Gold"')"
expect_status 200
expect_body '"target":"/key/x"'

ISSUER=https://trusted.example/apikey
it 'those of one that is choose the endpoint and the tier'
SAND=$(key '"aud":["gate"],"keytype":"SANDBOX","tier":"Gold","application":{"name":"till","owner":"bob","tier":"Gold","id":3}')
for n in 1 2 3; do
	get "/keys/query/x?apikey=$SAND"
	expect_status 200
done
expect_body '"target":"/sandbox/query/x"'
expect_event '"application":"till"'
get "/keys/query/x?apikey=$SAND"
expect_status 429
it 'a key that may last forever does'
get "/keys/query/x?apikey=$(key '"-exp":0,"aud":"gate"')"
expect_status 200
get "/keys/query/x?apikey=$(key '"-exp":0,"aud":"gate"' RS256 stranger.pem)"
expect_status 401
expect_reason bad-signature

ISSUER=https://users.example/apikey
it 'a key ends when its user is removed'
OF=$(key)
get /keys/user/x -H "X-User-Key: $OF"
expect_status 200
get /keys/user/x -H "X-User-Key: $(key '"sub":"eve"')"
expect_status 401
expect_reason revoked
get /keys/user/x -H "X-User-Key: $(key '"-sub":0')"
expect_status 401
sed -i s/ada/bob/ "$W/users.htpasswd"
ended() {
	get /keys/user/x -H "X-User-Key: $OF"
	test "$STATUS" = 401
}
wait_for 30 ended || wrong "$STATUS"
expect_reason revoked

it 'explain, show and --check know it'
"$O"/mgw-spec show "$W/mgw.bundle" >"$W/body"
expect_body '"verifier": "wso2-key"'
expect_body '"of_api_keys": true'
"$O"/mgw-spec explain -H "apikey: $GOOD" "$W/mgw.bundle" GET /keys/key/x \
    >"$W/body" || wrong 'refused'
"$O"/mgw-spec explain -H "apikey: x$GOOD" "$W/mgw.bundle" GET /keys/key/x \
    >"$W/body" && wrong 'allowed'
expect_body token-malformed
"$O"/mgw --config "$W/mgw.conf" --check >"$W/body" 2>&1 || wrong 'not ok'

it 'the same by CGI'
env -i PATH="$PATH" MGW_CONF="$W/mgw.conf" REQUEST_METHOD=GET \
    REQUEST_URI=/keys/key/x SERVER_PROTOCOL=HTTP/1.1 REMOTE_ADDR=127.0.0.1 \
    HTTP_HOST=a GATEWAY_INTERFACE=CGI/1.1 SERVER_NAME=a \
    HTTP_APIKEY="$GOOD" "$O/mgw" </dev/null >"$W/body" 2>>"$W/mgw.log"
expect_body 'Status: 200'

# refused RULE TEXT: the import, with that line of sed.
refused() {
	sed "$2" "$W/mgw-wso2keys.yaml" >"$W/wrong.yaml"
	import wrong.yaml wso2keys.yaml && wrong "it was imported: $2"
	grep -q "\[$1\]" "$W/import.out" || wrong "$(cat "$W/import.out")"
}
it 'a policy that would mix them is not imported'
refused issuer-duplicate 's|https://localhost:9095/apikey|https://id.example/|'
refused scheme-verifier 's|^  token: .*|  token: {jwt: [https://users.example/apikey]}|'
refused scheme-verifier 's|^  user: .*|  user: {wso2-key: [https://id.example/]}|'
refused scheme-verifier 's|^  token: .*|  token: {wso2-key: [https://users.example/apikey]}|'
refused missing-key '/^users:/d'
refused issuer-needed '/^  key: /d'
refused issuer-unknown 's|^  user: .*|  user: {wso2-key: [nobody]}|'
done_testing
