#!/bin/sh
# Tokens that are good only with a proof of their key (RFC 9449), behind a
# real server and as CGI, and what a thief of a token can send.
. tests/e2e/lib.sh
start_backend
policy
start_issuer
for k in ada eve; do
	openssl ecparam -name prime256v1 -genkey -noout -out "$W/$k.pem"
done
openssl genrsa -out "$W/big.pem" 2048 2>/dev/null

# jwk NAME: the public key, as the header of a proof has it.
jwk() {
	cat "$W/$1.jwk"
}
for k in ada eve big; do
	tests/e2e/jose.pl jwks k="$W/$k.pem" |
	    sed 's/^{"keys":\[\(.*\)\]}$/\1/; s/"kid":"k",//' >"$W/$k.jwk"
done
member() {
	jwk "$1" | sed "s/.*\"$2\":\"\([^\"]*\)\".*/\1/"
}
base64url() {
	base64 -w0 | tr '+/' -_ | tr -d '='
}
# RFC 7638, by other means than mgw's.
thumbprint() {
	case $1 in
	big) printf '{"e":"%s","kty":"RSA","n":"%s"}' "$(member big e)" \
	    "$(member big n)" ;;
	*) printf '{"crv":"P-256","kty":"EC","x":"%s","y":"%s"}' \
	    "$(member "$1" x)" "$(member "$1" y)" ;;
	esac | openssl sha256 -binary | base64url
}
# A token that is bound to the key of NAME.
bound() {
	token "\"cnf\":{\"jkt\":\"$(thumbprint "$1")\"}${2:+,$2}"
}

# proof [CLAIMS] [ALG KEY HEADER]: for $TOKEN, $METHOD and $HTU, of ada;
# CLAIMS are added, and stand in the place of the usual ones.
N=0
proof() {
	N=$(cat "$W/n" 2>/dev/null || echo 0)
	echo $((N + 1)) >"$W/n"
	claims=${1:-}
	for usual in "\"jti\":\"$$-$N\"" "\"htm\":\"${METHOD:-GET}\"" \
	    "\"htu\":\"$HTU\"" "\"iat\":$(date +%s)" \
	    "\"ath\":\"$(printf %s "$TOKEN" | openssl sha256 -binary |
	    base64url)\""; do
		case $claims in
		*"${usual%%:*}:"*) ;;
		*) claims=$usual${claims:+,$claims} ;;
		esac
	done
	tests/e2e/jose.pl sign "${2:-ES256}" "$W/${3:-ada.pem}" "{$claims}" \
	    "${4:-$(signed_by "${2:-ES256}" "${3:-ada.pem}")}"
}
signed_by() {
	printf '{"typ":"dpop+jwt","alg":"%s","jwk":%s}' "$1" "$(jwk "${2%.pem}")"
}
# with PROOF [SCHEME]: an option for curl.
with() {
	printf 'Authorization: %s %s\nDPoP: %s\n' "${2:-DPoP}" "$TOKEN" "$1" \
	    >"$W/with"
	echo "@$W/with"
}

cat >"$W/dpop.yaml" <<-END
openapi: 3.1.0
info: {title: proofs, version: '1'}
servers: [{url: https://x.example/dpop}]
components:
  securitySchemes:
    only: {type: http, scheme: DPoP}
    either: {type: oauth2, flows: {}}
    plain: {type: http, scheme: bearer}
    opaque: {type: http, scheme: bearer}
paths:
  /only/{do}:
    get: {security: [{only: []}], responses: {'200': {description: fine}}}
    post: {security: [{only: []}], responses: {'200': {description: fine}}}
  /either/{do}:
    get: {security: [{either: []}], responses: {'200': {description: fine}}}
  /scoped/{do}:
    get:
      security: [{either: [admin]}, {either: [read]}]
      responses: {'200': {description: fine}}
  /plain/{do}:
    get: {security: [{plain: []}], responses: {'200': {description: fine}}}
  /opaque/{do}:
    get: {security: [{opaque: []}], responses: {'200': {description: fine}}}
END
cat >"$W/proofs.yaml" <<-END
issuers:
  - issuer: https://id.example/
    keys: {file: keys.jwks.json}
    audiences: [things]
introspection:
  - name: idp
    url: \${env:ISSUER}/introspect
    issuer: https://opaque.example/
    client-id: gate
    client-secret: \${env:SECRET}
dpop: {algorithms: [ES256, PS256], window: 20s, leeway: 5s, per-key: 10}
schemes:
  only: {jwt: [https://id.example/]}
  either: {jwt: [https://id.example/], dpop: allowed}
  plain: {jwt: [https://id.example/]}
  opaque: {introspect: [idp], dpop: required}
failures: off
cors: {origins: ['https://page.example']}
apis:
  dpop.yaml:
    endpoints: ['$BACKEND/']
    public-url: https://api.example/v1/dpop
    resource-metadata: true
END
sed 's/per-key: 10/per-key: 5000/' "$W/proofs.yaml" >"$W/many.yaml"

it 'what may not be said of proofs is refused'
cp "$W/mgw.bundle" "$W/kept"
bad() { # bad SED-EXPRESSION MESSAGE
	sed "$1" "$W/proofs.yaml" >"$W/bad.yaml"
	! import bad.yaml dpop.yaml || wrong "taken: $1"
	cp "$W/import.out" "$W/body"
	expect_body "$2"
}
bad '/public-url/d; /resource-meta/d' 'needs public-url'
bad 's/ES256, PS256/HS256/' 'no algorithm for proofs'
bad 's/ES256, PS256/none/' 'no algorithm for proofs'
bad 's/window: 20s/window: 11m/' 'window must be'
bad 's/window: 20s/window: 0s/' 'window must be'
bad 's/per-key: 10/per-key: 0/' 'per-key must be'
bad 's/dpop: allowed/dpop: maybe/' 'known are off, allowed, required'
bad 's|only: {jwt: \[https://id.example/\]}|only: {jwt: [https://id.example/], dpop: allowed}|' \
    'it is required'
bad 's/either: {jwt.*/either: {dpop: allowed}/' 'needs one verifier'
cmp -s "$W/kept" "$W/mgw.bundle" || wrong 'the bundle changed'
printf 'env ISSUER %s\nenv SECRET s3cret\n' "$ISSUER" >>"$W/mgw.conf"
import many.yaml dpop.yaml || fatal "$(cat "$W/import.out")"

it 'show and --check tell of proofs'
"$O"/mgw-spec show "$W/mgw.bundle" >"$W/body"
expect_body '"dpop": "required"'
expect_body '"dpop": "allowed"'
expect_body '"window_s": 20'
"$O"/mgw --check -c "$W/mgw.conf" >"$W/body"
expect_body 'required, of the last 20s, for https://api.example/v1/dpop'

start_mgw
start_lighttpd
HTU=https://api.example/v1/dpop/only/x
TOKEN=$(bound ada '"scope":"read"')

it 'a token with a proof of its key is let in, and only the once'
p=$(proof)
get /dpop/only/x -H "$(with "$p")"
expect_status 200
expect_event '"subject":"ada"'
expect_no_body "$p"
expect_no_body 'authorization'
get /dpop/only/x -H "$(with "$p")"
expect_status 401
expect_reason proof-replayed
expect_header WWW-Authenticate \
    'DPoP realm="mgw", algs="PS256 ES256", error="invalid_dpop_proof"*'

it 'a proof that was used is used for CGI as well, and the other way'
cgi() { # cgi PROOF: what the gate answers as CGI
	env - PATH="$PATH" MGW_CONF="$W/mgw.conf" REQUEST_METHOD=GET \
	    REQUEST_URI=/dpop/only/x SERVER_PROTOCOL=HTTP/1.1 \
	    REMOTE_ADDR=127.0.0.1 HTTP_HOST=evil.example \
	    HTTP_AUTHORIZATION="DPoP $TOKEN" HTTP_DPOP="$1" \
	    "$O"/mgw >"$W/body" 2>>"$W/cgi.log"
}
cgi "$p"
expect_body 'Status: 401'
expect_body proof-replayed
p=$(proof)
cgi "$p"
expect_body 'Status: 200'
cgi "$p"
expect_body proof-replayed
get /dpop/only/x -H "$(with "$p")"
expect_status 401
expect_reason proof-replayed

it 'an RSA key, spellings of the URL, times at the edge'
TOKEN=$(bound big)
get /dpop/only/x -H "$(with "$(proof '' PS256 big.pem)")"
expect_status 200
TOKEN=$(bound ada '"scope":"read"')
for htu in HTTPS://API.example:443/v1/dpop/only/x "$HTU?a=b" "$HTU#f" \
    https://api.example/v1/%64pop/only/%78; do
	get '/dpop/only/x?a=c' -H "$(with "$(proof "\"htu\":\"$htu\"")")"
	expect_status 200
done
now=$(date +%s)
for iat in $((now - 17)) $((now + 3)) "$now.5"; do
	get /dpop/only/x -H "$(with "$(proof "\"iat\":$iat")")" \
	    -H 'Host: anything.example'
	expect_status 200
done
METHOD=POST
get /dpop/only/x -X POST -d x -H "$(with "$(proof)")"
expect_status 200
METHOD=GET

# refused REASON ERROR WHAT PROOF [CURL OPTIONS...]
refused() {
	it "$3: $1"
	reason=$1 error=$2 p=$4
	shift 4
	get "${WHERE:-/dpop/only/x}" -H "$(with "$p" "${SCHEME:-DPoP}")" "$@"
	expect_status 401
	expect_body "\"reason\":\"$reason\""
	expect_header WWW-Authenticate "*DPoP realm=*error=\"$error\"*"
}
invalid() {
	what=$1
	shift
	refused proof-invalid invalid_dpop_proof "$what" "$@"
}
invalid 'another method' "$(proof '"htm":"POST"')"
invalid 'the method in lower case' "$(proof '"htm":"get"')"
for htu in https://evil.example/v1/dpop/only/x \
    http://api.example/v1/dpop/only/x https://api.example/dpop/only/x \
    https://api.example:8443/v1/dpop/only/x \
    https://api.example/v1/dpop/only/y https://api.example/v1/dpop/only/x/ \
    https://api.example/v1/dpop/other/../only/x \
    https://api.example/v1/dpop//only/x /v1/dpop/only/x '' \
    https://api.example.evil.example/v1/dpop/only/x \
    https://api.example@evil.example/v1/dpop/only/x; do
	invalid "htu '$htu'" "$(proof "\"htu\":\"$htu\"")" \
	    -H 'Host: evil.example' -H 'X-Forwarded-Host: evil.example'
done
for iat in $(($(date +%s) - 40)) $(($(date +%s) + 60)) 0 -1 1e9 '"1"' null; do
	invalid "iat $iat" "$(proof "\"iat\":$iat")"
done
for c in '"jti":""' '"jti":7' '"jti":null' '"ath":""' '"ath":"AAAA"' \
    '"htu":["x"]'; do
	invalid "claim $c" "$(proof "$c")"
done
old=$TOKEN
TOKEN=$(bound ada '"x":1')
p=$(proof)
TOKEN=$old
invalid 'made for another token' "$p"
for h in '{"alg":"ES256","jwk":'"$(jwk ada)"'}' \
    '{"typ":"JWT","alg":"ES256","jwk":'"$(jwk ada)"'}' \
    '{"typ":"dpop+jwt","alg":"ES256"}' \
    '{"typ":"dpop+jwt","alg":"ES256","kid":"ec"}' \
    '{"typ":"dpop+jwt","alg":"ES256","jwk":{"kty":"EC","crv":"P-256"}}' \
    '{"typ":"dpop+jwt","alg":"none","jwk":'"$(jwk ada)"'}' \
    '{"typ":"dpop+jwt","alg":"ES384","jwk":'"$(jwk ada)"'}' \
    '{"typ":"dpop+jwt","alg":"ES256","crit":["b64"],"jwk":'"$(jwk ada)"'}'; do
	invalid "header $(echo "$h" | cut -c1-50)" "$(proof '' ES256 ada.pem "$h")"
done
private=$(jwk ada | sed 's/}$/,"d":"AAAA"}/')
invalid 'a private key in it' "$(proof '' ES256 ada.pem \
    "{\"typ\":\"dpop+jwt\",\"alg\":\"ES256\",\"jwk\":$private}")"
invalid 'not signed' "$(proof '' none ada.pem "$(signed_by none ada.pem)")"
invalid 'signed with the public key as a secret' "$(proof '' HS256 ada.pem \
    '{"typ":"dpop+jwt","alg":"HS256","jwk":{"kty":"oct","k":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}}')"
invalid "signed by another under ada's key" \
    "$(proof '' ES256 eve.pem "$(signed_by ES256 ada.pem)")"
invalid 'an algorithm that is not allowed' "$(proof '' RS256 big.pem)"
invalid 'no JWT' x.y.z
invalid 'the token itself' "$TOKEN"
invalid 'two proofs in one' "$(proof), $(proof)"
invalid 'two fields' "$(proof)" -H "DPoP: $(proof)"
refused proof-mismatch invalid_token 'a key of the thief' \
    "$(proof '' ES256 eve.pem)"
it 'no proof: proof-missing'
get /dpop/only/x -H "Authorization: DPoP $TOKEN"
expect_status 401
expect_reason proof-missing
expect_header WWW-Authenticate '*error="invalid_dpop_proof"*'

it 'a token that is bound is no bearer token'
get /dpop/only/x -H "$(with "$(proof)" Bearer)"
expect_status 401
expect_reason credential-malformed
expect_header WWW-Authenticate 'DPoP realm="mgw", algs="PS256 ES256", res*'
HTU=https://api.example/v1/dpop/either/x
get /dpop/either/x -H "$(with "$(proof)" Bearer)"
expect_status 401
expect_reason wrong-type
expect_header WWW-Authenticate '*Bearer*error="invalid_token"*DPoP*'
get /dpop/plain/x -H "$(with "$(proof)" Bearer)"
expect_status 401
expect_reason wrong-type
get /dpop/plain/x -H "$(with "$(proof)")"
expect_status 401
expect_reason credential-malformed

it 'nor is one that is not bound any better for a proof'
TOKEN=$(token)
get /dpop/either/x -H "$(with "$(proof)")"
expect_status 401
expect_reason wrong-type
get /dpop/either/x -H "Authorization: Bearer $TOKEN"
expect_status 200
get /dpop/plain/x -H "Authorization: Bearer $TOKEN" -H 'DPoP: mine'
expect_status 200
expect_no_body '"mine"'

it 'without a credential both ways are told, and no error'
get /dpop/either/x
expect_status 401
expect_reason credential-missing
expect_header WWW-Authenticate 'Bearer realm="mgw"*DPoP realm="mgw", algs=*'
! header WWW-Authenticate | grep -q error= || wrong 'an error'

it 'alternatives look at the proof once, and scopes are told'
TOKEN=$(bound ada '"scope":"read"')
HTU=https://api.example/v1/dpop/scoped/x
get /dpop/scoped/x -H "$(with "$(proof)")"
expect_status 200
TOKEN=$(bound ada '"scope":"none"')
get /dpop/scoped/x -H "$(with "$(proof)")"
expect_status 403
expect_reason scope-missing
expect_header WWW-Authenticate '*DPoP*error="insufficient_scope"*scope="admin"*'

it 'an opaque token is bound by what its server says'
printf '{"active":true,"sub":"ada","cnf":{"jkt":"%s"}}' "$(thumbprint ada)" \
    >"$W/issuer/token-opaque1"
TOKEN=opaque1 HTU=https://api.example/v1/dpop/opaque/x
get /dpop/opaque/x -H "$(with "$(proof)")"
expect_status 200
get /dpop/opaque/x -H "$(with "$(proof '' ES256 eve.pem)")"
expect_status 401
expect_reason proof-mismatch
get /dpop/opaque/x -H "$(with "$(proof)" Bearer)"
expect_status 401

it 'pages of other origins may send proofs, and all can read what is taken'
get /dpop/only/x -X OPTIONS -H 'Origin: https://page.example' \
    -H 'Access-Control-Request-Method: GET' \
    -H 'Access-Control-Request-Headers: authorization,dpop'
expect_status 204
expect_header Access-Control-Allow-Headers '*DPoP*'
get /.well-known/oauth-protected-resource/v1/dpop
expect_status 200
expect_body '"dpop_signing_alg_values_supported":["PS256","ES256"]'
expect_body '"dpop_bound_access_tokens_required":false'

it 'explain decides as the gate, and uses nothing up'
TOKEN=$(bound ada) HTU=https://api.example/v1/dpop/only/x
p=$(proof)
for _ in 1 2; do
	"$O"/mgw-spec explain -H "Authorization: DPoP $TOKEN" -H "DPoP: $p" \
	    "$W/mgw.bundle" GET https://evil.example/dpop/only/x \
	    >"$W/body" 2>&1 || wrong 'refused'
done
! "$O"/mgw-spec explain -H "Authorization: DPoP $TOKEN" -H "DPoP: $p" \
    "$W/mgw.bundle" POST https://evil.example/dpop/only/x >"$W/body" 2>&1 ||
    wrong 'allowed'
expect_body 'proof was made for another method'
get /dpop/only/x -H "$(with "$p")"
expect_status 200

it 'one key has a share of the memory'
stop_mgw
import proofs.yaml dpop.yaml || wrong "$(cat "$W/import.out")"
start_mgw
TOKEN=$(bound eve)
now=$(date +%s)
hash=$(printf %s "$TOKEN" | openssl sha256 -binary | base64url)
by_eve=$(signed_by ES256 eve.pem)
# Some places come free meanwhile.
for i in $(seq 30); do
	p=$(tests/e2e/jose.pl sign ES256 "$W/eve.pem" "{\"jti\":\"share-$i\",
	    \"htm\":\"GET\",\"htu\":\"$HTU\",\"iat\":$now,
	    \"ath\":\"$hash\"}" "$by_eve")
	get /dpop/only/x -H "$(with "$p")"
	test "$STATUS" = 200 || break
done
test "$i" -gt 10 || wrong "refused at $i"
expect_status 429
expect_reason rate-exceeded
expect_header Retry-After '?*'
TOKEN=$(bound ada)
get /dpop/only/x -H "$(with "$(proof)")"
expect_status 200

it 'a proof that comes again takes nothing of its key'
TOKEN=$(bound big)
p=$(proof '' PS256 big.pem)
get /dpop/only/x -H "$(with "$p")"
expect_status 200
for i in $(seq 15); do
	get /dpop/only/x -H "$(with "$p")"
	expect_reason proof-replayed
done
get /dpop/only/x -H "$(with "$(proof '' PS256 big.pem)")"
expect_status 200

it 'no token and no proof is in a log'
! grep -rqF "$TOKEN" "$W/state/events.log" "$W/mgw.log" || wrong 'a token'
! grep -qF "$p" "$W/state/events.log" "$W/mgw.log" || wrong 'a proof'
stop_lighttpd
done_testing
