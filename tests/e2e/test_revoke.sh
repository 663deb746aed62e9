#!/bin/sh
# mgw-token revoke ends a credential while gates run: in every process, at
# once, whatever they have remembered of it.  A list that cannot be trusted
# lets nobody pass whom it could name.
. tests/e2e/lib.sh
start_backend
policy
LIST=$W/state/revoked.list
export MGW_STATE="$W/state"
ISS=https://id.example/

revoke() {
	"$O/mgw-token" revoke "$@" >"$W/out" 2>&1 ||
	    wrong "mgw-token revoke $*: $(cat "$W/out")"
}

# ask TOKEN: with a token; the verdict on it is remembered then.
ask() {
	get /things/secret/x -H "$(bearer "$1")"
}

expect_revoked() {
	expect_status 401
	expect_reason revoked
	expect_header WWW-Authenticate '*error="invalid_token"*'
	expect_event "\"detail\":\"revoked by $1\""
}

# cgi VARIABLE=VALUE...: one request as CGI would make it; the answer in
# $W/body.
cgi() {
	env -i REQUEST_METHOD=GET REQUEST_URI=/things/secret/x \
	    SERVER_PROTOCOL=HTTP/1.1 HTTP_HOST=localhost \
	    REMOTE_ADDR=127.0.0.1 "$@" "MGW_CONF=$W/mgw.conf" "$O/mgw" \
	    </dev/null >"$W/body" 2>>"$W/cgi.log"
}

# A second pool on the same state.
start_mgw
SECOND=$MGW_PID
mv "$SOCKET" "$W/first.sock"
start_mgw
start_lighttpd
URL_TWO=$URL
SOCKET=$W/first.sock
start_lighttpd
URL_ONE=$URL

it 'an issuer that no running gate has is told, and a state that is new'
revoke --issuer "${ISS%/}" --jti far
grep -qF "no gate that runs has the issuer '${ISS%/}'; known are $ISS" \
    "$W/out" || wrong "not told: $(cat "$W/out")"
revoke --issuer "${ISS%/}" --jti far --remove
revoke --issuer $ISS --jti far
revoke --issuer basic --subject far
test ! -s "$W/out" || wrong "warned: $(cat "$W/out")"
revoke --issuer $ISS --jti far --remove
revoke --issuer basic --subject far --remove
revoke --state "$W/wrong" --api-key far
grep -qF "$W/wrong had no state" "$W/out" || wrong 'a new state is not told'

it 'a remembered token is refused with the next request, everywhere'
T=$(token '"jti":"one"')
for URL in "$URL_ONE" "$URL_TWO"; do
	ask "$T"
	expect_status 200
done
cgi "HTTP_AUTHORIZATION=Bearer $T"
expect_body 'Status: 200'
revoke --issuer $ISS --jti one
for URL in "$URL_ONE" "$URL_TWO"; do
	ask "$T"
	expect_revoked jti
done
cgi "HTTP_AUTHORIZATION=Bearer $T"
expect_body '"reason":"revoked"'

it 'another issuer of that name, and other tokens, are not meant'
revoke --issuer https://other.example/ --jti two
ask "$(token '"jti":"two"')"
expect_status 200
ask "$(token '"jti":"on"')"
expect_status 200
ask "$(token '')"
expect_status 200

it 'it is taken back'
revoke --issuer $ISS --jti one --remove
ask "$T"
expect_status 200
"$O/mgw-token" revoke --issuer $ISS --jti one --remove >/dev/null 2>&1
test $? = 1 || wrong 'nothing was there to be taken back'

it 'a token by itself: argument, file and standard input'
for how in argument file input; do
	T=$(token "\"n\":\"$how\"")
	ask "$T"
	expect_status 200
	printf '%s\n' "$T" >"$W/the.token"
	case $how in
	argument) revoke "$T" ;;
	file) revoke "@$W/the.token" ;;
	input) revoke <"$W/the.token" ;;
	esac
	ask "$T"
	expect_revoked token
	expect_no_body "$T"
done
! grep -qF "$T" "$LIST" || wrong 'the token stands in the list'

it 'the other form of an ECDSA signature is the same token'
U=$(tests/e2e/jose.pl twin "$T")
test "$U" != "$T" || wrong 'no other form'
ask "$U"
expect_revoked token

it 'a subject, a client, an application, a signing key'
T=$(token '"sub":"mallory","azp":"app"')
for names in 'subject mallory' 'client app' 'application app'; do
	# shellcheck disable=SC2086 # words
	set -- $names
	ask "$T"
	expect_status 200
	revoke --issuer $ISS "--$1" "$2"
	ask "$T"
	expect_revoked "$1"
	revoke --issuer $ISS "--$1" "$2" --remove
done
revoke --issuer $ISS --kid ec
ask "$T"
expect_revoked kid
ask "$(token '' RS256 rsa.pem)"
expect_status 200
# A thief of the key would not name it.
ask "$(token '' ES256 ec.pem '{"alg":"ES256"}')"
expect_revoked kid
revoke --issuer $ISS --kid ec --remove

it 'an API key, in every process'
get /things/keyed/x -H "X-API-Key: $KEY"
expect_status 200
revoke --api-key e2etests
get /things/keyed/x -H "X-API-Key: $KEY"
expect_status 401
expect_reason revoked
revoke --api-key e2etests --remove
get /things/keyed/x -H "X-API-Key: $KEY"
expect_status 200

it 'what is revoked ends by itself'
T=$(token '"jti":"short"')
revoke --issuer $ISS --jti short --expires 1s
ask "$T"
expect_revoked jti
sleep 1.1
ask "$T"
expect_status 200

it 'explain and --list tell it'
T=$(token '"jti":"told"')
revoke --issuer $ISS --jti told --expires 2h
"$O/mgw-spec" explain --state "$W/state" -H "Authorization: Bearer $T" \
    "$W/mgw.bundle" GET /things/secret/x >"$W/body" && wrong 'allowed'
expect_body 'revoked, revoked by jti'
"$O/mgw-token" revoke --list >"$W/body"
expect_body "jti	told	$ISS	"
expect_no_body short
expect_no_body mallory
"$O/mgw-token" revoke --list --json >"$W/body"
expect_body '"id": "told"'
"$O/mgw" --config "$W/mgw.conf" --check >"$W/body" 2>&1
expect_body 'revoked.list	ok	'
"$O/mgw-status" >"$W/body"
expect_body 'revoked: '

it 'wrong use changes nothing'
cp "$LIST" "$W/before"
for args in '--jti x' "--issuer $ISS" "--issuer $ISS --jti a --subject b" \
    '--certificate xyz' '--list --jti x' "--issuer $ISS --jti x token" \
    "--issuer $ISS --api-key x" "--issuer $ISS --jti x --expires soon" \
    '--remove --list' '--json --api-key x' '--state /nonexistent/x --api-key x'; do
	# shellcheck disable=SC2086 # words
	"$O/mgw-token" revoke $args </dev/null >/dev/null 2>&1 &&
	    wrong "$args: done"
done
cmp -s "$LIST" "$W/before" || wrong 'the file was changed'

it 'what is damaged, cut, gone or put back lets no credential pass'
T=$(token '"jti":"fine"')
cp "$LIST" "$W/good"
# shellcheck disable=SC2016 # $d is for sed
for how in 's/told/tolx/' '$d' '1d'; do
	sed "$how" "$W/good" >"$LIST"
	cmp -s "$W/good" "$LIST" && wrong "$how changes nothing"
	sleep 0.5
	for URL in "$URL_ONE" "$URL_TWO"; do
		ask "$T"
		expect_status 503
		expect_reason verifier-down
		expect_header Retry-After '*'
	done
	cgi "HTTP_AUTHORIZATION=Bearer $T"
	expect_body 'Status: 503'
	get /things/open/x
	expect_status 200
	get /things/secret/x
	expect_status 401
done
"$O/mgw-token" revoke --list >/dev/null 2>&1 && wrong '--list reads it'
"$O/mgw-token" revoke --api-key x >/dev/null 2>&1 && wrong 'it is added to'
"$O/mgw" --config "$W/mgw.conf" --check >"$W/body" 2>&1
expect_body 'revoked.list	wrong	'
rm "$LIST"
sleep 0.5
ask "$T"
expect_status 503
"$O/mgw-token" revoke --api-key x >/dev/null 2>&1 && wrong 'it is made anew'
: >"$LIST"
sleep 0.5
ask "$T"
expect_status 503
cp "$W/good" "$LIST"
chmod 666 "$LIST"
sleep 0.5
ask "$T"
expect_status 503
chmod 600 "$LIST"
sleep 0.5
ask "$T"
expect_status 200

it 'many at once are all written, and go into a table'
before=$(wc -l <"$LIST")
adders=''
for i in 1 2 3 4 5 6 7; do
	(n=0; while [ $n -lt 40 ]; do
		n=$((n + 1))
		"$O/mgw-token" revoke --issuer $ISS --jti "many.$i.$n" || exit 1
	done) &
	adders="$adders $!"
done
refused=0
for i in 1 2 3 4 5 6 7 8 9 10; do
	ask "$T"
	test "$STATUS" = 200 || refused=$((refused + 1))
done
for p in $adders; do wait "$p" || wrong "an adder failed"; done
test $(($(wc -l <"$LIST") - before)) = 280 || wrong "$(wc -l <"$LIST") lines"
test $refused = 0 || wrong "$refused were refused meanwhile"
for URL in "$URL_ONE" "$URL_TWO"; do
	for n in 1 40; do
		ask "$(token "\"jti\":\"many.7.$n\"")"
		expect_revoked jti
	done
	ask "$T"
	expect_status 200
done
test -s "$W/state/revoked.table" || wrong 'no table'
ls "$W"/state/.revoked* >/dev/null 2>&1 && wrong 'litter is left'

it 'a damaged table is made again'
printf 'damage' | dd of="$W/state/revoked.table" bs=1 seek=9000 conv=notrunc \
    2>/dev/null
cgi "HTTP_AUTHORIZATION=Bearer $(token '"jti":"many.3.3"')"
expect_body '"reason":"revoked"'
: >"$W/state/revoked.table"
cgi "HTTP_AUTHORIZATION=Bearer $(token '"jti":"many.3.3"')"
expect_body '"reason":"revoked"'
cgi "HTTP_AUTHORIZATION=Bearer $T"
expect_body 'Status: 200'

it 'it outlives the gate, the table and the shared state'
URL=$URL_TWO
stop "$SECOND"
stop_mgw
rm "$W/state/shared" "$W/state/revoked.table"
MOUNT=/ start_mgw
ask "$(token '"jti":"many.1.1"')"
expect_revoked jti
ask "$T"
expect_status 200
done_testing
