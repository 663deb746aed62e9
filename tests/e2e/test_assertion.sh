#!/bin/sh
# What backends are told of the caller in a JWT of the gate's own.
. tests/e2e/lib.sh
start_backend
policy
chmod 600 "$W/rsa.pem"
tests/e2e/jose.pl jwks gate="$W/rsa.pem" >"$W/gate.jwks.json"
sed -i 's/strict/token/g; s/mapped/token/g' "$W/tokens.yaml"
awk '/^    token:/ && seen++ { skip = 1; next }
    skip && /^      / { next } { skip = 0; print }' "$W/tokens.yaml" |
    sed '/\/either/,$d; /scopes: {read/d' |
    awk '/^  \/token/ && seen++ { exit } { print }' >"$W/t.yaml"
mv "$W/t.yaml" "$W/tokens.yaml"
import mgw-assertion.yaml things.yaml down.yaml tokens.yaml ||
    fatal "$(cat "$W/import.out")"
start_mgw
start_lighttpd

seen() {
	grep -oi "\[\"$1\",\"[^\"]*\"\]" "$W/body" | cut -d'"' -f4
}
# part N: of the assertion that the backend saw, decoded.
part() {
	seen X-JWT-Assertion | cut -d. -f"$1" | tr '_-' '/+' |
	    awk '{ while (length($0) % 4) $0 = $0 "="; print }' | base64 -d
}
expect_claim() {
	part 2 | grep -qF -- "$1" || wrong "no $1 in $(part 2)"
}
ask() {
	get "$1" -H "$(bearer "$TOKEN")"
}
TOKEN=$(token '"scope":"read","email":"ada@example","groups":["a",{"b":1}],"secret":"x","application":{"id":7,"name":"desk","owner":"eve"},"http://wso2.org/claims/tier":"forged"')

it 'the backend gets a JWT that the published key verifies'
ask /things/secret/echo
expect_status 200
FIRST=$(seen X-JWT-Assertion)
part 1 | grep -q '"alg":"RS256","typ":"backend+jwt","kid":"' ||
    wrong "$(part 1)"
seen X-JWT-Assertion | cut -d. -f1-2 | tr -d '\n' >"$W/text"
part 3 >"$W/signature"
openssl rsa -in "$W/rsa.pem" -pubout -out "$W/pub.pem" 2>/dev/null
openssl dgst -sha256 -verify "$W/pub.pem" -signature "$W/signature" \
    "$W/text" >/dev/null || wrong 'the signature is wrong'
it 'it says who asks and for whom it is'
for c in '"iss":"https://gate.example/"' '"aud":"things"' '"sub":"ada"' \
    '"scope":"read"' '"jti":"' '"http://wso2.org/claims/enduser":"ada"' \
    '"http://wso2.org/claims/applicationname":"desk"' \
    '"http://wso2.org/claims/applicationid":"7"' \
    '"http://wso2.org/claims/subscriber":"eve"' \
    '"http://wso2.org/claims/apiname":"Things"' \
    '"email":"ada@example"' '"groups":["a",{"b":1}]'; do
	expect_claim "$c"
done
part 2 | grep -qE 'forged|secret' && wrong "$(part 2)"
part 2 | perl -ne '/"iat":(\d+),"exp":(\d+)/ && exit($2 - $1 != 30); exit 1' ||
    wrong "its life: $(part 2)"
it 'it is used again for the same caller'
ask /things/secret/echo
test "$(seen X-JWT-Assertion)" = "$FIRST" || wrong 'another one was made'
it 'another API gets another one, for its endpoint'
ask /tokens/token/echo
expect_claim "\"aud\":\"$BACKEND\""
expect_claim '"http://wso2.org/claims/apiname":"Tokens"'
it 'another caller gets another one'
KEPT=$(part 2)
get /things/keyed/echo -H "X-API-Key: $KEY"
expect_status 200
expect_claim '"sub":"ada"'
test "$(part 2)" != "$KEPT" || wrong 'the same'
it 'who brings no credential has none, whatever he sends'
get /things/open/echo -H 'X-JWT-Assertion: a.b.c'
expect_status 200
test -z "$(seen X-JWT-Assertion)" || wrong "$(seen X-JWT-Assertion)"
it 'a credential stops here unless it is to be kept'
ask /things/secret/echo
test -z "$(seen Authorization)" || wrong 'it was passed on'
ask /tokens/token/echo
test "$(seen Authorization)" = "Bearer $TOKEN" || wrong 'it was not kept'
it 'fields go by the names they are given, and nobody else sends them'
get /things/secret/echo -H "$(bearer "$(token '"azp":"app"')")" \
    -H 'X-User: root' -H 'X-Client: root' -H 'X_Client: root'
test "$(seen X-User)" = ada || wrong "X-User: $(seen X-User)"
test "$(seen X-Client)" = app || wrong "X-Client: $(seen X-Client)"
test -z "$(seen X-Mgw-Issuer)$(seen X-Mgw-Subject)" || wrong 'off is sent'
test "$(seen X-Mgw-Application)" = app || wrong 'no application'
get /things/open/echo -H 'X-User: root' -H 'X-Client: root'
expect_no_body root
it 'no gate takes it for a token'
ask /things/secret/echo
OWN=$(seen X-JWT-Assertion)
get /things/secret/x -H "$(bearer "$OWN")"
expect_status 401
expect_reason wrong-issuer
it 'not even under the name of an issuer with the same key'
get /things/secret/x -H "$(bearer "$(token '"iss":"https://gate.example"' \
    RS256 rsa.pem '{"alg":"RS256","typ":"backend+jwt","kid":"gate"}')")"
expect_status 401
expect_reason wrong-type
it 'the public key is served, and no private number'
get /.well-known/gate.json
expect_status 200
expect_body '"kty":"RSA"'
expect_no_body '"d":'
expect_no_body '"p":'
part 1 >/dev/null
it 'explain shows it, too'
"$O"/mgw-spec explain "$W/mgw.bundle" GET /.well-known/gate.json \
    >"$W/body" || wrong refused
expect_body '"kty":"RSA"'
expect_no_body '"d":'
stop_lighttpd

it 'a public key to sign with is refused at the start'
cp "$W/pub.pem" "$W/rsa.pem"
"$O"/mgw --config "$W/mgw.conf" --listen "unix:$W/other.sock" \
    >"$W/body" 2>&1 && wrong 'it starts'
expect_body 'is not private'
done_testing
