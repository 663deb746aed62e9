#!/bin/sh
# mgw-token: every command, and the reason word for each wrong token.
set -u
# shellcheck source=tests/tools_lib.sh
. "$(dirname "$0")/tools_lib.sh"

gen() {
	openssl genpkey "$@" 2>/dev/null
}
gen -algorithm RSA -pkeyopt rsa_keygen_bits:2048 >rsa.pem
gen -algorithm EC -pkeyopt ec_paramgen_curve:P-256 >ec.pem
gen -algorithm ED25519 >ed.pem
gen -algorithm RSA -pkeyopt rsa_keygen_bits:2048 >other.pem

# jwks: public parts only.
run 0 mgw-token jwks rsa.pem ec.pem ed.pem
cp out set.json
for private in '"d"' '"p"' '"q"' '"dp"' '"dq"' '"qi"' PRIVATE; do
	lacks set.json "$private"
done
test "$(grep -c '"kid"' set.json)" -eq 3 || bad 'not three keys with names'
run 2 mgw-token jwks
run 2 mgw-token jwks set.json
run 2 mgw-token jwks nowhere.pem

# sign, and verify by standard input, argument and file.
claims='{"iss":"https://id.example/","aud":"shop","sub":"ann","exp":2000000000,"nbf":1000000000}'
for key in rsa ec ed; do
	run 0 mgw-token sign --key $key.pem --claims "$claims"
	cp out $key.jwt
	in=$(cat $key.jwt)
	run 0 mgw-token verify --jwks set.json --issuer https://id.example/ \
	    --audience shop --at 1999999999
	line ok
	in=
	run 0 mgw-token verify @$key.jwt --at 1999999999 --jwks set.json
	line ok
done
token=$(cat rsa.jwt)
run 0 mgw-token verify --jwks set.json --at 1999999999 "$token"
run 0 mgw-token verify "$token" --at 1999999999 -k set.json
in=$claims
run 0 mgw-token sign --claims - --key @ec.pem --alg ES256 --type at+jwt --kid k1
cp out k1.jwt
in=
printf %s "$claims" >claims.json
run 0 mgw-token sign -c @claims.json --key rsa.pem --alg PS384
run 0 mgw-token decode @k1.jwt
has out '"typ": "at+jwt"'
has out '"kid": "k1"'
has out '"sub": "ann"'
in='x.y'
run 1 mgw-token decode
in=

# refused WORD OPTION...: the token is $token, the time before its end.
refused() {
	word=$1
	shift
	run 1 mgw-token verify --jwks set.json "$@" "$token"
	line "$word"
	test "$(wc -l <out)" -eq 1 || bad "more than a word: $(cat out)"
	lacks err "$token"
}
refused expired --at 2000000000
refused not-yet-valid --at 999999999
run 0 mgw-token verify --jwks set.json --leeway 5 --at 2000000004 "$token"
run 0 mgw-token verify --jwks set.json --leeway 1 --at 999999999 "$token"
refused expired --leeway 5 --at 2000000005
refused wrong-issuer --at 1999999999 --issuer https://id.example
refused wrong-audience --at 1999999999 --audience shops
run 0 mgw-token verify --jwks set.json --at 1999999999 --audience x \
    --audience shop "$token"
refused wrong-type --at 1999999999 --type at+jwt
refused alg-not-allowed --at 1999999999 --alg ES256,PS256
run 0 mgw-token verify --jwks set.json --at 1999999999 --alg RS256 "$token"
good=$token
token=$(cat k1.jwt)
refused key-unknown --at 1999999999
token=${good%?????}AAAAA
refused bad-signature --at 1999999999
token=a.b
refused token-malformed
token=$good.x
refused token-malformed
in=$claims
run 0 mgw-token sign --claims - --key other.pem --kid "$(
	mgw-token decode "$good" | sed -n 's/.*"kid": "\(.*\)".*/\1/p')"
token=$(cat out)
in=
refused bad-signature --at 1999999999
run 0 mgw-token sign --key rsa.pem --claims '{"nonce":"n","exp":2000000000}'
token=$(cat out)
refused wrong-type --at 1999999999
run 0 mgw-token sign --key rsa.pem --claims '{"sub":"ann"}'
token=$(cat out)
refused token-malformed --at 1999999999
# Without claims only the signature counts.
run 0 mgw-token verify --jwks set.json --jws-only "$token"
line ok

# PEM serves as a key set, and a private one does not.
openssl pkey -in rsa.pem -pubout >public.pem 2>/dev/null
run 0 mgw-token verify --jwks public.pem --at 1999999999 "$good"
run 2 mgw-token verify --jwks rsa.pem --at 1999999999 "$good"

# Wrong use; what is secret stays unsaid.
run 2 mgw-token
run 2 mgw-token frobnicate
run 2 mgw-token verify "$good"
run 2 mgw-token verify --jwks nowhere.json "$good"
run 2 mgw-token verify --jwks set.json "$good" "$good"
run 2 mgw-token verify --jwks set.json --alg RS257 "$good"
run 2 mgw-token verify --jwks set.json --at now "$good"
run 2 mgw-token verify --jwks set.json @nowhere.jwt
run 2 mgw-token decode --jwks set.json "$good"
run 2 mgw-token sign --key rsa.pem
run 2 mgw-token sign --key rsa.pem --claims 'no json'
run 2 mgw-token sign --key rsa.pem --claims '[]'
run 2 mgw-token sign --key rsa.pem --claims "$claims" --alg ES256
run 2 mgw-token sign --key public.pem --claims "$claims"
silent out
secret='{"kty":"oct","k":"c2VjcmV0"}'
in=$secret
run 2 mgw-token sign --key - --claims "$claims"
lacks err c2VjcmV0
in=
run 0 mgw-token --help
run 0 mgw-token --version
exit $failed
