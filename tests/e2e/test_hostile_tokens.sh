#!/bin/sh
# A table of tokens that lie, each refused with the reason that it should
# have; and, where there is one, its honest twin let in.
. tests/e2e/lib.sh
start_backend
policy
start_mgw
start_lighttpd

S=/things/secret/x
now=$(date +%s)
good=$(token)
head=${good%%.*}
rest=${good#*.}
payload=${rest%%.*}
sig=${good##*.}
b64() {
	base64 -w0 | tr '+/' '-_' | tr -d =
}
# hex TEXT: as bytes, in base64url.
hex() {
	printf %s "$1" | perl -ne 'print pack("H*", $_)' | b64
}
# The order of the group of P-256, and numbers about it.
ORDER=ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551
ABOVE=ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632552
ZERO=0000000000000000000000000000000000000000000000000000000000000000
ONE=0000000000000000000000000000000000000000000000000000000000000001
FULL=ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff
SIGHEX=$(printf '%s==' "$sig" | tr -- '-_' '+/' | base64 -d 2>/dev/null |
    od -An -v -tx1 | tr -d ' \n')
R=$(printf %s "$SIGHEX" | cut -c1-64)
SS=$(printf %s "$SIGHEX" | cut -c65-128)
der() { # R S, each without a sign
	perl -e '
	    my @n = map { my $b = pack("H*", $_); $b =~ s/^\0+(?=.)//s;
	        $b = "\0$b" if ord($b) > 127; "\2" . chr(length $b) . $b } @ARGV;
	    my $all = join "", @n; print "\x30" . chr(length $all) . $all' \
	    "$1" "$2" | b64
}
# A secret made of the public key, as somebody who has only that could.
openssl ec -in "$W/ec.pem" -pubout -out "$W/public.pem" 2>/dev/null
hmac() { # FILE: of the secret
	h=$(printf '{"alg":"HS256","kid":"%s"}' "$2" | b64)
	printf '%s.%s.%s' "$h" "$payload" "$(printf '%s.%s' "$h" "$payload" |
	    openssl dgst -sha256 -mac HMAC -macopt "hexkey:$(od -An -v -tx1 \
		"$1" | tr -d ' \n')" -binary | b64)"
}

COUNT=0
# lies REASON NAME TOKEN
lies() {
	it "$2"
	COUNT=$((COUNT + 1))
	get $S -H "$(bearer "$3")"
	expect_reason "$1"
	case $1 in
	credential-duplicate) expect_status 400 ;;
	*) expect_status 401 ;;
	esac
}
# made REASON NAME HEADER [CLAIMS]: signed rightly by the issuer's key.
made() {
	lies "$1" "$2" "$(token "${4:-}" ES256 ec.pem "$3")"
}
# claims REASON NAME CLAIMS
claims() {
	lies "$1" "$2" "$(token "$3")"
}

it 'the honest one is let in'
get $S -H "$(bearer "$good")"
expect_status 200

# Algorithms and keys.
lies alg-not-allowed 'no algorithm, no signature' \
    "$(printf '{"alg":"none"}' | b64).$payload.AA"
lies token-malformed 'no algorithm and nothing behind it' \
    "$(printf '{"alg":"none"}' | b64).$payload."
made alg-not-allowed 'none in other letters' '{"alg":"nOnE","kid":"ec"}'
made alg-not-allowed 'an algorithm in other letters' '{"alg":"es256","kid":"ec"}'
made alg-not-allowed 'an algorithm with a blank' '{"alg":"ES256 ","kid":"ec"}'
made alg-not-allowed 'an empty algorithm' '{"alg":"","kid":"ec"}'
made alg-not-allowed 'an algorithm the issuer does not have' \
    '{"alg":"ES384","kid":"ec"}'
made alg-not-allowed 'an algorithm for encryption' '{"alg":"RSA-OAEP","kid":"ec"}'
lies alg-not-allowed 'the public key as a secret' "$(hmac "$W/public.pem" ec)"
lies alg-not-allowed 'the key set as a secret' "$(hmac "$W/keys.jwks.json" ec)"
made key-unknown 'a key of another kind' '{"alg":"RS256","kid":"ec"}'
made key-unknown 'and the other way round' '{"alg":"ES256","kid":"rsa"}'
lies bad-signature "a stranger's key under our name" \
    "$(token '' RS256 stranger.pem '{"alg":"RS256","kid":"rsa"}')"
lies bad-signature "a stranger's key under no name" \
    "$(token '' RS256 stranger.pem '{"alg":"RS256"}')"
for m in '"jku":"https://evil.example/k"' '"x5u":"https://evil.example/c"' \
    '"x5c":["AAAA"]' '"jwk":{"kty":"RSA","n":"AQAB","e":"AQAB"}'; do
	lies key-unknown "a key of its own by ${m%%:*}" "$(token '' RS256 \
	    stranger.pem "{\"alg\":\"RS256\",\"kid\":\"mine\",$m}")"
done
lies bad-signature 'a key of its own under the name of ours' "$(token '' RS256 \
    stranger.pem '{"alg":"RS256","kid":"rsa","jwk":{"kty":"RSA"}}')"

# Names of keys.
made key-unknown 'a kid that is a path' '{"alg":"ES256","kid":"../../etc/passwd"}'
made key-unknown 'a kid that is a device' '{"alg":"ES256","kid":"/dev/null"}'
made key-unknown 'a kid that is a query' \
    "{\"alg\":\"ES256\",\"kid\":\"x' OR '1'='1\"}"
made key-unknown 'a kid that is a pattern' '{"alg":"ES256","kid":"*"}'
made key-unknown 'a kid in other letters' '{"alg":"ES256","kid":"EC"}'
made key-unknown 'a kid with a blank' '{"alg":"ES256","kid":"ec "}'
made token-malformed 'a kid with a NUL' '{"alg":"ES256","kid":"ec\u0000"}'
made token-malformed 'a kid that is a number' '{"alg":"ES256","kid":7}'
made token-malformed 'a kid without end' \
    "{\"alg\":\"ES256\",\"kid\":\"$(head -c 300 /dev/zero | tr '\0' a)\"}"

# Signatures.
lies bad-signature 'zeros' "$head.$payload.$(hex $ZERO$ZERO)"
lies bad-signature 'r is zero' "$head.$payload.$(hex "$ZERO$SS")"
lies bad-signature 's is zero' "$head.$payload.$(hex "$R$ZERO")"
lies bad-signature 'r is the order' "$head.$payload.$(hex "$ORDER$SS")"
lies bad-signature 's is the order' "$head.$payload.$(hex "$R$ORDER")"
lies bad-signature 'r and s above the order' \
    "$head.$payload.$(hex $ABOVE$ABOVE)"
lies bad-signature 'r and s are one' "$head.$payload.$(hex $ONE$ONE)"
lies bad-signature 'all bits' "$head.$payload.$(hex $FULL$FULL)"
lies bad-signature 'r and s changed over' "$head.$payload.$(hex "$SS$R")"
lies bad-signature 'DER in place of raw' "$head.$payload.$(der "$R" "$SS")"
lies bad-signature 'half of it' "$head.$payload.$(hex "$R")"
lies bad-signature 'a byte less' "$head.$payload.$(hex "${SIGHEX%??}")"
lies bad-signature 'a byte more' "$head.$payload.$(hex "${SIGHEX}00")"
lies bad-signature 'a byte more before it' "$head.$payload.$(hex "00$SIGHEX")"
lies bad-signature "another token's" \
    "$head.$payload.$(token '"sub":"bob"' | sed 's/.*\.//')"
lies bad-signature 'other claims under it' "$head.$(printf \
    '{"iss":"https://id.example/","aud":"things","sub":"root","exp":%s}' \
    $((now + 600)) | b64).$sig"
lies token-malformed 'no base64url' "$head.$payload.$(printf %s "$sig" |
    cut -c2-)+"
lies credential-malformed 'padding' "$head.$payload.$sig=.="
lies token-malformed 'padding at its end' "$good=="

# Form.
lies token-malformed 'two parts' "$head.$payload"
lies token-malformed 'four parts' "$good.$sig"
lies token-malformed 'five parts, as of an encrypted one' "$good.$sig.$sig"
lies token-malformed 'no signature' "$head.$payload."
lies token-malformed 'no header' ".$payload.$sig"
lies token-malformed 'no claims' "$head..$sig"
lies token-malformed 'only dots' '..'
lies token-malformed 'cut short in its claims' \
    "$head.$(printf %s "$payload" | cut -c1-40).$sig"
lies token-malformed 'base64 with a rest of one' "$head.${payload}A.$sig"
made token-malformed 'a header with alg twice' \
    '{"alg":"ES256","alg":"none","kid":"ec"}'
made token-malformed 'and once more in disguise' \
    '{"alg":"ES256","kid":"ec","\u0061lg":"none"}'
made token-malformed 'a header that is a list' '["ES256"]'
made token-malformed 'something behind the header' '{"alg":"ES256","kid":"ec"}x'
made token-malformed 'a header without an algorithm' '{"kid":"ec"}'
made token-malformed 'an algorithm that is a list' '{"alg":["ES256"],"kid":"ec"}'
made token-malformed 'what must be understood and is not' \
    '{"alg":"ES256","kid":"ec","crit":["x"],"x":1}'
made token-malformed 'a payload that is not encoded' \
    '{"alg":"ES256","kid":"ec","b64":false,"crit":["b64"]}'
made token-malformed 'a payload that is compressed' \
    '{"alg":"ES256","kid":"ec","zip":"DEF"}'
made wrong-type 'a token for a purpose of its own' \
    '{"alg":"ES256","kid":"ec","typ":"logout+jwt"}'
made wrong-type "the gate's own to its backends" \
    '{"alg":"ES256","kid":"ec","typ":"backend+jwt"}'
made wrong-type 'a proof of possession' \
    '{"alg":"ES256","kid":"ec","typ":"dpop+jwt"}'
claims wrong-type 'an ID token' '"nonce":"x"'

# Claims.
claims wrong-issuer 'another issuer' '"iss":"https://evil.example/"'
claims wrong-issuer 'an issuer in other letters' '"iss":"HTTPS://id.example/"'
claims wrong-issuer 'an issuer without its slash' '"iss":"https://id.example"'
claims wrong-issuer 'an issuer with more behind it' \
    '"iss":"https://id.example/x"'
claims token-malformed 'an issuer that is a list' '"iss":["https://id.example/"]'
claims token-malformed 'an issuer with a NUL' '"iss":"https://id.example/\u0000"'
claims wrong-audience 'another audience' '"aud":"other"'
claims wrong-audience 'no audience in a list' '"aud":[]'
claims wrong-audience 'an audience in other letters' '"aud":"Things"'
claims wrong-audience 'two audiences in one text' '"aud":"things other"'
claims token-malformed 'an audience that is a number' '"aud":7'
claims token-malformed 'an audience in two lists' '"aud":[["things"]]'
claims token-malformed 'two audiences' '"aud":"things","aud":"x"'
claims expired 'one that is over' "\"exp\":$((now - 100))"
claims expired 'one that was over before all' '"exp":0'
claims expired 'one that was over before that' '"exp":-1'
claims token-malformed 'an end as a text' '"exp":"9999999999"'
claims token-malformed 'an end without end' '"exp":1e300'
claims token-malformed 'an end past all numbers' \
    '"exp":99999999999999999999999999'
claims token-malformed 'an end that is no number' '"exp":NaN'
claims token-malformed 'two ends' '"exp":1,"exp":9999999999'
claims not-yet-valid 'one that has not begun' "\"nbf\":$((now + 600))"
claims token-malformed 'a begin as a text' '"nbf":"0"'
claims token-malformed 'a begin without end' '"nbf":1e300'
claims token-malformed 'two subjects' '"sub":"ada","sub":"root"'
claims token-malformed 'a subject that is a list' '"sub":["root"]'
claims token-malformed 'half a character' '"sub":"a\ud800"'
claims token-malformed 'a subject over two lines' '"sub":"a\nb"'
claims token-malformed 'a scope that is a number' '"scope":7'
claims token-malformed 'a comment' '"sub":"ada"/**/'
claims token-malformed 'deep lists' "\"x\":$(head -c 900 /dev/zero |
    tr '\0' '[')$(head -c 900 /dev/zero | tr '\0' ']')"
claims wrong-type 'one bound to what is not known here' \
    '"cnf":{"kid":"x"}'
lies token-malformed 'claims that are a list' "$(tests/e2e/jose.pl sign \
    ES256 "$W/ec.pem" '["x"]' '{"alg":"ES256","kid":"ec"}')"
lies token-malformed 'claims that are a text' "$(tests/e2e/jose.pl sign \
    ES256 "$W/ec.pem" '"x"' '{"alg":"ES256","kid":"ec"}')"
lies token-malformed 'claims without an end' "$(tests/e2e/jose.pl sign \
    ES256 "$W/ec.pem" \
    '{"iss":"https://id.example/","aud":"things","sub":"ada"}' \
    '{"alg":"ES256","kid":"ec"}')"

it 'there are more than sixty, and none was shown'
test "$COUNT" -ge 100 || wrong "$COUNT"
! grep -q eyJ "$W/state/events.log" "$W/mgw.log" || wrong 'one is in a log'
it 'the honest one still is let in'
get $S -H "$(bearer "$good")"
expect_status 200
stop_lighttpd
done_testing
