#!/bin/sh
# Lists of what is revoked that others keep: a file, and a feed.  What is no
# whole list, or is too old, never counts as an empty one.
. tests/e2e/lib.sh
start_backend
policy
start_issuer
ISS=https://id.example/
KM=https://km.example/
cat >>"$W/mgw.yaml" <<-END
revocation:
  - file: others.txt
    max-age: 1h
  - feed: $ISSUER/revokedjwt
    issuers: [$KM]
    user: gate
    password: \${env:FEED_PASSWORD}
    every: 1s
    max-age: 5s
    timeout: 1s
END
sed -i "s|^api-keys:|  - {issuer: $KM, keys: {file: keys.jwks.json}, audiences: [things], algorithms: [ES256, RS256]}\n&|; s|token: {jwt: .*|token: {jwt: [$ISS, $KM]}|" "$W/mgw.yaml"
import || fatal "$(cat "$W/import.out")"
echo 'env FEED_PASSWORD s3cret' >>"$W/mgw.conf"

# list ENTRY...: the file, put in place as a whole.
list() {
	n=0
	for e in "$@"; do
		printf '%s\n' "$e"
		n=$((n + 1))
	done >"$W/new"
	echo "end $n" >>"$W/new"
	mv "$W/new" "$W/others.txt"
}

# feed JSON
feed() {
	printf '%s' "$1" >"$W/issuer/new"
	mv "$W/issuer/new" "$W/issuer/revokedjwt"
}

later() {
	echo $((($(date +%s) + ${1:-600}) * 1000))
}

ask() {
	get /things/secret/x -H "$(bearer "$1")"
}

# soon STATUS TOKEN: within a second and a bit.
soon() {
	want=$1
	wait_for 16 got "$2"
	expect_status "$want"
}
got() {
	ask "$1"
	test "$STATUS" = "$want"
}

cgi() {
	env -i REQUEST_METHOD=GET REQUEST_URI=/things/secret/x \
	    SERVER_PROTOCOL=HTTP/1.1 HTTP_HOST=localhost \
	    REMOTE_ADDR=127.0.0.1 "HTTP_AUTHORIZATION=Bearer $1" \
	    "MGW_CONF=$W/mgw.conf" "$O/mgw" </dev/null >"$W/body" 2>>"$W/cgi.log"
}

list
feed '[]'
it 'mgw --check looks at a file before there is a state'
rm "$W/others.txt"
"$O/mgw" --config "$W/mgw.conf" --check >"$W/body" 2>&1 && wrong 'no file is fine'
expect_body "others.txt	wrong	"
printf 'jti id=a issuer=%s\nend 2\n' "$ISS" >"$W/others.txt"
"$O/mgw" --config "$W/mgw.conf" --check >"$W/body" 2>&1 && wrong 'half a file is fine'
expect_body "others.txt	wrong	line 2 "
list "jti id=a issuer=$ISS"
"$O/mgw" --config "$W/mgw.conf" --check >"$W/body" 2>&1 || wrong 'a whole one is not'
expect_body "others.txt	ok	1 entries"
test ! -e "$W/state" || wrong 'a state was made'
list
case_end

start_mgw
start_lighttpd
T=$(token '"jti":"a1","sub":"bob"')
M=$(token "\"iss\":\"$KM\",\"jti\":\"m1\"" RS256 rsa.pem)
E=$(token "\"iss\":\"$KM\",\"jti\":\"e1\"")

it 'what another program writes is in force within a second'
ask "$T"
expect_status 200
list 'jti id=a1 issuer=https://id.example/'
soon 401 "$T"
expect_reason revoked
cgi "$T"
expect_body '"reason":"revoked"'
printf 'subject id=bob issuer=%s\nend 1\n' "$KM" >"$W/others.txt"
soon 200 "$T"
printf 'subject id=bob issuer=%s\nend 1\n' "$ISS" >"$W/others.txt"
soon 401 "$T"
list
soon 200 "$T"

it 'half a file, garbage, none and an old one let no credential pass'
for bad in 'jti id=a1 issuer=https://id.example/' 'jti id=a1' '' '[]' \
    'end 1'; do
	printf '%s\n' "$bad" >"$W/others.txt"
	soon 503 "$T"
	expect_reason verifier-down
	cgi "$T"
	expect_body 'Status: 503'
	get /things/open/x
	expect_status 200
	list
	soon 200 "$T"
done
rm "$W/others.txt"
soon 503 "$T"
list
touch -d '2 hours ago' "$W/others.txt"
soon 503 "$T"
touch -d 'next week' "$W/others.txt"
soon 503 "$T"
list
chmod 666 "$W/others.txt"
soon 503 "$T"
chmod 600 "$W/others.txt"
soon 200 "$T"

it 'a feed is fetched with a password, and kept on disk'
grep -q "GET /revokedjwt - Basic $(printf gate:s3cret | base64)" \
    "$W/issuer/log" || wrong "$(head -n 2 "$W/issuer/log")"
ls "$W"/state/revoked.*.table >/dev/null || wrong 'no table'
grep -qr s3cret "$W/mgw.bundle" "$W/state" "$W/mgw.log" && wrong 'it is told'

it 'a token of the feed is refused by its id, until that ends'
ask "$M"
expect_status 200
feed "[{\"jwt_signature\":\"m1\",\"expiry_time\":$(later)},
    {\"jwt_signature\":\"e1\",\"expiry_time\":$(later -660)}]"
soon 401 "$M"
expect_reason revoked
expect_event 'revoked by jti'
cgi "$M"
expect_body '"reason":"revoked"'
ask "$E"
expect_status 200
ask "$(token "\"iss\":\"$ISS\",\"jti\":\"m1\"")"
expect_status 200

it 'and by its signature, one by ECDSA in either form'
feed "[{\"jwtSignature\":\"${E##*.}\",\"expiryTime\":\"$(later)\",\"x\":[{}]},
    {\"jwtSignature\":\"${M##*.}\",\"expiryTime\":$(later)}]"
soon 401 "$E"
expect_event 'revoked by signature'
ask "$(tests/e2e/jose.pl twin "$E")"
expect_status 401
expect_reason revoked
ask "$M"
expect_status 401

asked_again() {
	test "$(asked revokedjwt)" -gt "$n"
}

it 'what is no whole list changes nothing, while the last is young'
for bad in '[{"jwt_signature":"x"}]' \
    "[{\"jwt_signature\":\"x\",\"expiry_time\":1}"; do
	n=$(asked revokedjwt)
	feed "$bad"
	wait_for 25 asked_again
	sleep 0.1
	ask "$M"
	expect_status 401
done
grep -q 'feed not taken' "$W/mgw.log" || wrong 'nobody was told'

it 'one that hangs, is huge, moved or wrong keeps nobody else waiting'
feed "[{\"jwt_signature\":\"m1\",\"expiry_time\":$(later)}]"
soon 200 "$E"
head -c 3000000 /dev/zero | tr '\0' '[' >"$W/issuer/new"
mv "$W/issuer/new" "$W/issuer/revokedjwt"
echo 5 >"$W/issuer/revokedjwt.delay"
sleep 1.2
start=$(date +%s%N)
ask "$T"
expect_status 200
test $((($(date +%s%N) - start) / 1000000)) -lt 900 || wrong 'it waited'
ask "$M"
expect_status 401

it 'past its greatest age its issuers are refused, and no others'
want=503
wait_for 60 got "$E"
expect_status 503
expect_reason verifier-down
ask "$T"
expect_status 200
"$O/mgw" --config "$W/mgw.conf" --check >"$W/body" 2>&1
expect_body 'revokedjwt	wrong	it is too old'
expect_body 'others.txt	ok	0 entries'

it 'it comes back by itself'
rm "$W/issuer/revokedjwt.delay"
feed '[]'
want=200
wait_for 40 got "$E"
expect_status 200
ask "$M"
expect_status 200
"$O/mgw" --config "$W/mgw.conf" --check >"$W/body" 2>&1
expect_body 'revokedjwt	ok	0 entries'
"$O/mgw-status" --state "$W/state" >/dev/null || wrong 'mgw-status'

it 'CGI fetches what is old, and waits for none that hangs'
stop_lighttpd
stop_mgw
feed "[{\"jwt_signature\":\"m1\",\"expiry_time\":$(later)}]"
sleep 1.2
cgi "$M"
expect_body '"reason":"revoked"'
echo 20 >"$W/issuer/revokedjwt.delay"
sleep 1.2
start=$(date +%s%N)
cgi "$E"
expect_body 'Status: 200'
test $((($(date +%s%N) - start) / 1000000)) -lt 2500 || wrong 'it waited'
rm "$W"/state/revoked.*.table "$W/issuer/revokedjwt.delay"
sleep 1.2
cgi "$M"
expect_body '"reason":"revoked"'

it 'a feed is asked once for many processes'
n=$(asked revokedjwt)
sleep 1.2
waiters=''
for _ in 1 2 3 4 5 6 7 8 9 10 11 12; do
	(env -i REQUEST_METHOD=GET REQUEST_URI=/things/secret/x \
	    SERVER_PROTOCOL=HTTP/1.1 HTTP_HOST=localhost \
	    REMOTE_ADDR=127.0.0.1 "HTTP_AUTHORIZATION=Bearer $E" \
	    "MGW_CONF=$W/mgw.conf" "$O/mgw" </dev/null 2>>"$W/cgi.log" |
	    grep -q 'Status: 200') &
	waiters="$waiters $!"
done
for p in $waiters; do wait "$p" || wrong 'one was refused'; done
test $(($(asked revokedjwt) - n)) -le 2 || wrong "$(asked revokedjwt) - $n"
done_testing
