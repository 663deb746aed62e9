#!/bin/sh
# Tokens that lie, and verdicts that are used for what they do not prove.
. tests/e2e/lib.sh
start_backend
policy

# A second API of the same issuer for another audience, and one of another
# issuer that has the same key.
cat >"$W/other.yaml" <<'END'
openapi: 3.0.3
info: {title: Other, version: '1'}
servers: [{url: https://things.example/other}]
components:
  securitySchemes:
    audience: {type: http, scheme: bearer}
    issuer: {type: http, scheme: bearer}
    typed: {type: http, scheme: bearer}
    rsa: {type: http, scheme: bearer}
paths:
  /audience/{do}: {get: {security: [{audience: []}], responses: {'200': {description: fine}}}}
  /issuer/{do}: {get: {security: [{issuer: []}], responses: {'200': {description: fine}}}}
  /any/{do}: {get: {security: [{audience: []}, {issuer: []}], responses: {'200': {description: fine}}}}
END
sed -i '/typed:\|rsa:/d' "$W/other.yaml"
awk '/^api-keys/ {
    print "  - issuer: https://two.example/"
    print "    keys: {file: keys.jwks.json}"
    print "    audiences: [two]"
    print "    algorithms: [ES256]"
    print "    type: at+jwt"
}
{ print }' "$W/mgw.yaml" >"$W/new" && mv "$W/new" "$W/mgw.yaml"
sed -i "s|^  token: .*|&\n  audience: {jwt: [https://id.example/, https://two.example/]}\n  issuer: {jwt: [https://two.example/]}|; s|^  down.yaml.*|&\n  other.yaml: {endpoints: ['$BACKEND/']}|" "$W/mgw.yaml"
all='mgw.yaml things.yaml down.yaml other.yaml'
# shellcheck disable=SC2086 # one word each
import $all || fatal "$(cat "$W/import.out")"
start_mgw
start_lighttpd

# ask PATH TOKEN STATUS [REASON]
ask() {
	get "$1" -H "$(bearer "$2")"
	expect_status "$3"
	test -z "${4:-}" || expect_reason "$4"
}

good=$(token)
now=$(date +%s)
S=/things/secret/x

it 'a token that has a verdict is still checked for everything else'
for n in 1 2 3; do ask $S "$good" 200; done
ask /things/scoped/x "$good" 403 scope-missing
ask /other/issuer/x "$good" 401 wrong-issuer
ask /other/audience/x "$good" 200
ask /things/both/x "$good" 401 credential-missing

it 'a verdict under one issuer is none under another'
two=$(token '"iss":"https://two.example/","aud":"two"' ES256 ec.pem \
    '{"alg":"ES256","kid":"ec","typ":"at+jwt"}')
for n in 1 2; do ask /other/issuer/x "$two" 200; done
ask $S "$two" 401 wrong-issuer
ask /other/audience/x "$two" 200
plain=$(token '"iss":"https://two.example/","aud":"two"')
ask /other/issuer/x "$plain" 401 wrong-type
wrong=$(token '"iss":"https://two.example/","aud":"things"' ES256 ec.pem \
    '{"alg":"ES256","kid":"ec","typ":"at+jwt"}')
ask /other/issuer/x "$wrong" 401 wrong-audience
ask /other/audience/x "$wrong" 401 wrong-audience
swapped=$(token '"iss":"https://id.example/","aud":"two"')
ask /other/audience/x "$swapped" 401 wrong-audience

it 'a verdict ends with its token'
short=$(token "\"exp\":$(($(date +%s) - 3))")
ask $S "$short" 200
ask $S "$short" 200
sleep 3
ask $S "$short" 401 expired

it 'a changed byte is another token'
for n in 10 60 200; do
	char=$(printf %s "$good" | cut -c$n)
	bad=$(printf %s "$good" | cut -c-$((n - 1)))$(test "$char" = A &&
	    echo B || echo A)$(printf %s "$good" | cut -c$((n + 1))-)
	get $S -H "$(bearer "$bad")"
	expect_status 401
done

it 'the last character has one spelling'
# 64 bytes leave four bits of the last character unused.
sig=${good##*.}
last=$(printf %s "$sig" | tail -c 1)
for c in A B C D E F G H I J K L M N O P Q R S T U V W X Y Z; do
	test "$c" = "$last" && continue
	get $S -H "$(bearer "${good%?}$c")"
	expect_status 401
done
for more in = == '%3D' . .. '.x' ' x' A; do
	get $S -H "Authorization: Bearer $good$more"
	test "$STATUS" = 401 || test "$STATUS" = 400 || wrong "$more: $STATUS"
done

made() { # HEADER CLAIMS..., signed rightly by the issuer's key
	token "${2:-}" ES256 ec.pem "$1"
}
it 'a header that a reader could take in two ways is refused'
for h in '{"alg":"ES256","alg":"none","kid":"ec"}' \
    '{"alg":"none","alg":"ES256","kid":"ec"}' \
    '{"alg":"ES256","kid":"ec","kid":"rsa"}' \
    '{"alg":"ES256","kid":"ec","\u0061lg":"none"}' \
    '{"alg":"ES256","kid":"ec","crit":[]}' \
    '{"alg":"ES256","kid":"ec","crit":["exp"],"exp":1}' \
    '{"alg":"ES256","kid":"ec","b64":false}' \
    '{"alg":"ES256","kid":"ec","zip":"DEF"}' \
    '{"alg":"ES256","kid":7}' '{"alg":["ES256"],"kid":"ec"}' \
    '{"kid":"ec"}' '{"alg":null,"kid":"ec"}' '["ES256"]' '"ES256"' \
    '{"alg":"ES256","kid":"ec"}x' '{"alg":"ES256","kid":"ec"' \
    "$(printf '\357\273\277')"'{"alg":"ES256","kid":"ec"}'; do
	ask $S "$(made "$h")" 401 token-malformed
done

it 'no algorithm but those of the issuer, in their own case'
for alg in none None NONE nOnE es256 Es256 HS256 ES384 EdDSA PS256 '' \
    'ES256 ' 'ES256\u0000'; do
	get $S -H "$(bearer "$(made "{\"alg\":\"$alg\",\"kid\":\"ec\"}")")"
	expect_status 401
done

it 'a token brings no key and no place of one'
for h in '"jku":"http://127.0.0.1:1/k"' '"x5u":"http://127.0.0.1:1/c"' \
    '"jwk":{"kty":"oct","k":"AAAA"}' '"x5c":["AAAA"]'; do
	ask $S "$(token '' RS256 stranger.pem \
	    "{\"alg\":\"RS256\",\"kid\":\"me\",$h}")" 401 key-unknown
done

it 'a kid is a name and nothing else'
for kid in ../../etc/passwd /dev/null "x' OR 1=1" '%2e%2e' '*' '' \
    'ec\u0000' 'EC' 'ec '; do
	get $S -H "$(bearer "$(made "{\"alg\":\"ES256\",\"kid\":\"$kid\"}")")"
	expect_status 401
done
ask $S "$(made "{\"alg\":\"ES256\",\"kid\":\"$(head -c 300 /dev/zero |
    tr '\0' a)\"}")" 401 token-malformed
ask $S "$(made '{"alg":"ES256","kid":"rsa"}')" 401

it 'a key of one kind verifies no algorithm of another'
ask $S "$(token '' RS256 rsa.pem '{"alg":"ES256","kid":"rsa"}')" 401
ask $S "$(token '' ES256 ec.pem '{"alg":"RS256","kid":"ec"}')" 401

it 'a signature of zeros is none'
zeros=$(head -c 64 /dev/zero | base64 -w0 | tr '+/' -_ | tr -d =)
ask $S "${good%.*}.$zeros" 401 bad-signature
ask $S "${good%.*}." 401 token-malformed
ask $S "${good%.*}" 401 token-malformed

it 'claims that a reader could take in two ways are refused'
for c in '"exp":"9999999999"' '"exp":1e300' '"exp":1e400' '"exp":-1' \
    '"exp":null' '"exp":[9999999999]' '"exp":0x7fffffff' '"exp":Infinity' \
    '"exp":NaN' '"exp":99999999999999999999999999' \
    '"exp":9999999999,"exp":1' '"exp":1,"exp":9999999999' \
    '"sub":"ada","sub":"root"' '"sub":["root"]' '"sub":{"a":1}' \
    '"aud":"things","aud":"two"' '"aud":7' '"aud":[["things"]]' '"aud":null' \
    '"aud":[]' '"aud":""' '"aud":"things "' '"aud":"Things"' \
    '"aud":"things,two"' '"aud":"things two"' '"aud":"things\u0000"' \
    '"iss":["https://id.example/"]' '"iss":"https://id.example"' \
    '"iss":"https://id.example/\u0000"' '"iss":"HTTPS://id.example/"' \
    '"nbf":"0"' '"nbf":1e300' '"nbf":null' '"scope":7' \
    '"\u0065xp":9999999999' '"sub":"a\ud800"'; do
	get $S -H "$(bearer "$(token "$c")")"
	expect_status 401
	test "$STATUS" = 401 || wrong "$c"
done
ask $S "$(tests/e2e/jose.pl sign ES256 "$W/ec.pem" '{"aud":"things"}')" 401
ask $S "$(tests/e2e/jose.pl sign ES256 "$W/ec.pem" \
    '{"iss":"https://id.example/","aud":"things","sub":"ada"}')" 401
ask $S "$(tests/e2e/jose.pl sign ES256 "$W/ec.pem" \
    "{\"iss\":\"https://id.example/\",\"exp\":$((now + 99))}")" 401 \
    wrong-audience

it 'a scope is a whole word'
for c in '"read":true,"scope":"readwrite"' '"scope":"read,write"' \
    '"scope":"READ WRITE"' '"scope":"read write2"' '"scope":["read write"]' \
    '"scp":"read write"' '"scope":"xread write"' '"scope":"read\twrite"'; do
	get /things/scoped/x -H "$(bearer "$(token "$c")")"
	test "$STATUS" = 403 || test "$STATUS" = 401 || wrong "$c: $STATUS"
done

it 'deep and large JSON is refused without harm'
deep=$(head -c 900 /dev/zero | tr '\0' '[')$(head -c 900 /dev/zero |
    tr '\0' ']')
ask $S "$(token "\"x\":$deep")" 401 token-malformed
ask $S "$(token "\"x\":\"$(head -c 1500 /dev/zero | tr '\0' a)\"")" 200
get $S -H "$(bearer "$(token "\"x\":\"$(head -c 9000 /dev/zero |
    tr '\0' a)\"")")"
expect_status 431

it 'a token is taken from one place'
get "$S?access_token=$good"
expect_status 401
get $S -b "token=$good; Authorization=Bearer $good"
expect_status 401
get $S -H "X-Authorization: Bearer $good" -H "Proxy-Authorization: Bearer $good"
expect_status 401
get $S -d "access_token=$good"
expect_status 401
get $S -H "Authorization: Bearer $good, Bearer $good"
expect_status 400
get $S -H "Authorization: Bearer $good" -H "Authorization: Bearer $good"
expect_status 400
get $S -H "Authorization: $good"
expect_status 401
get $S -H "Authorization: BearerX $good"
expect_status 401
get $S -H "Authorization: Basic $good"
expect_status 401
get $S -H "Authorization: bEARER $good"
expect_status 200

it 'a key that is taken out of the set ends its tokens, verdict or not'
rsa=$(token '' RS256 rsa.pem)
ask $S "$rsa" 200
ask $S "$rsa" 200
tests/e2e/jose.pl jwks ec="$W/ec.pem" >"$W/new" &&
    mv "$W/new" "$W/keys.jwks.json"
wait_for 30 sh -c "! curl -sf -H @$W/bearer $URL$S" || wrong 'still allowed'
ask $S "$rsa" 401 key-unknown
ask $S "$good" 200

it 'a key under the name of another ends its tokens'
openssl ecparam -name prime256v1 -genkey -noout -out "$W/second.pem"
tests/e2e/jose.pl jwks ec="$W/second.pem" >"$W/new" &&
    mv "$W/new" "$W/keys.jwks.json"
bearer "$good" >/dev/null
wait_for 30 sh -c "! curl -sf -H @$W/bearer $URL$S" || wrong 'still allowed'
ask $S "$good" 401 bad-signature
next=$(token '' ES256 second.pem '{"alg":"ES256","kid":"ec"}')
ask $S "$next" 200

it 'a restart makes no old verdict good'
stop_mgw
start_mgw
ask $S "$good" 401 bad-signature
ask $S "$rsa" 401 key-unknown
ask $S "$next" 200

it 'a new policy holds for tokens that have a verdict'
sed -i 's/audiences: \[things\]/audiences: [changed]/' "$W/mgw.yaml"
# shellcheck disable=SC2086 # one word each
import $all || wrong "$(cat "$W/import.out")"
kill -HUP "$MGW_PID"
bearer "$next" >/dev/null
wait_for 30 sh -c "! curl -sf -H @$W/bearer $URL$S" || wrong 'still allowed'
ask $S "$next" 401 wrong-audience

it 'a key set that is gone, broken or not ours opens nothing'
cp "$W/keys.jwks.json" "$W/keys.good"
for what in rm empty text link others fifo folder; do
	rm -rf "$W/keys.jwks.json"
	case $what in
	empty) : >"$W/keys.jwks.json" ;;
	text) echo '{"keys":' >"$W/keys.jwks.json" ;;
	link) ln -s keys.good "$W/keys.jwks.json" ;;
	others) cp "$W/keys.good" "$W/keys.jwks.json"
		chmod 666 "$W/keys.jwks.json" ;;
	fifo) mkfifo "$W/keys.jwks.json" ;;
	folder) mkdir "$W/keys.jwks.json" ;;
	esac
	sleep 1.2
	get /other/issuer/x -H "$(bearer "$(token \
	    '"iss":"https://two.example/","aud":"two"' ES256 second.pem \
	    '{"alg":"ES256","kid":"ec","typ":"at+jwt"}')")"
	expect_status 500
	get /things/open/x
	expect_status 200
done
rm -rf "$W/keys.jwks.json"
cp "$W/keys.good" "$W/keys.jwks.json"
wait_for 30 sh -c "curl -sf -H @$W/bearer $URL/other/issuer/x" ||
    wrong 'does not come back'

it 'no token is in a log'
! grep -q eyJ "$W/state/events.log" "$W/mgw.log" || wrong 'a token is'
stop_lighttpd
done_testing
