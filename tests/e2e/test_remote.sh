#!/bin/sh
# Key sets from URLs: over https, with new keys, and from servers that are
# away, hang, or bring what is no key set.  Whatever they do, their tokens
# are not let in and nothing else suffers.
. tests/e2e/lib.sh
start_backend
policy
start_issuer
authority ours
authority theirs
cert trusted ours DNS:localhost
cert unknown theirs DNS:localhost
cert name ours DNS:other.example
# serve_https CERTIFICATE: the issuer's files, by a server of TLS alone.
serve_https() {
	PORT=$(free_port)
	(cd "$W/issuer" && exec openssl s_server -quiet -WWW -accept "$PORT" \
	    -cert "$W/$1.pem" -key "$W/$1.key") >>"$W/tls.log" 2>&1 &
	PIDS="$PIDS $!"
}
cp "$W/keys.jwks.json" "$W/issuer/rolling"
cp "$W/keys.jwks.json" "$W/issuer/secure"
echo 'no key set' >"$W/issuer/garbage"
tail -c 2000000 /dev/zero | tr '\0' ' ' | cat "$W/keys.jwks.json" - \
    >"$W/issuer/huge"
cp "$W/keys.jwks.json" "$W/issuer/hanging"
echo 30 >"$W/issuer/hanging.delay"
echo 302 >"$W/issuer/moved.status"
printf '@URL@/rolling' >"$W/issuer/moved.location"
echo 500 >"$W/issuer/broken.status"
cp "$W/keys.jwks.json" "$W/issuer/broken"

# The issuer https://NAME.example/ has its keys at URL.
issuer() {
	cat >>"$W/issuers" <<-END
	  - issuer: https://$1.example/
	    keys: {url: '$2'}
	    audiences: [things]
	    algorithms: [ES256]
	END
	names="$names${names:+, }https://$1.example/"
}
names=''
for n in rolling garbage huge hanging moved broken; do
	issuer $n "$ISSUER/$n"
done
for c in trusted unknown name; do
	serve_https $c
	issuer $c "https://localhost:$PORT/secure"
done
issuer away "http://127.0.0.1:$DOWN/keys"
{
	echo 'issuers:'
	cat "$W/issuers"
	echo 'schemes:'
	echo "  remote: {jwt: [$names]}"
	echo "apis: {remote.yaml: {endpoints: ['$BACKEND/']}}"
} >"$W/mgw-many.yaml"
import mgw-many.yaml remote.yaml || fatal "$(cat "$W/import.out")"
trusting=yes
start_mgw_trusting ours || trusting=no
test $trusting = yes || start_mgw
start_lighttpd

# ask ISSUER [KEY KID]
ask() {
	get /remote/x -H "$(bearer "$(token \
	    "\"iss\":\"https://$1.example/\"" ES256 "${2:-ec.pem}" \
	    "{\"alg\":\"ES256\",\"kid\":\"${3:-ec}\"}")")"
}

it 'keys come over https'
if [ $trusting = yes ]; then
	ask trusted
	expect_status 200
else
	skip 'may not mount'
fi
it 'no token is still the client to blame'
get /remote/x
expect_status 401
expect_reason credential-missing

for n in away garbage huge moved broken unknown name; do
	it "a token whose keys cannot be fetched is refused: $n"
	ask $n
	expect_status 503
	expect_reason verifier-down
	expect_header Retry-After '[0-9]*'
done
it 'and no redirect was followed'
ask rolling
expect_status 200
test "$(asked 'GET /rolling')" = 1 || wrong "$(cat "$W/issuer/log")"

it 'a server that hangs keeps nobody waiting for long'
get /remote/x -H "$(bearer "$(token '"iss":"https://hanging.example/"')")" \
    -w '%{http_code} %{time_total}'
case $STATUS in
503\ [012].*) ;;
*) wrong "$STATUS" ;;
esac
ask rolling
expect_status 200
# A fetch every minute at most: as if it had passed.
later() {
	touch -d '2 minutes ago' "$W"/state/jwks/*.tried
	start_mgw
	wait_for 30 answers "$URL/"
}
it 'nor the end of the process'
stop_mgw
later
pid=$MGW_PID
MGW_PID=''
kill "$pid"
gone "$pid" 25 || wrong 'still there after 2.5 s'
openssl ecparam -name prime256v1 -genkey -noout -out "$W/next.pem"
tests/e2e/jose.pl jwks ec="$W/ec.pem" next="$W/next.pem" \
    >"$W/issuer/rolling"

it 'a new key is fetched when a token names it'
later
ask rolling next.pem next
expect_status 200
test "$(asked 'GET /rolling')" = 2 || wrong "$(cat "$W/issuer/log")"
it 'and one that nobody knows is sought once'
for n in 1 2 3; do
	ask rolling next.pem none
	expect_status 401
	expect_reason key-unknown
done
test "$(asked 'GET /rolling')" -le 3 || wrong "$(cat "$W/issuer/log")"
stop_mgw

it 'what is no key set replaces none'
echo garbage >"$W/issuer/rolling"
later
ask rolling next.pem other
expect_status 503
expect_reason verifier-down
ask rolling next.pem next
expect_status 200
ask rolling
expect_status 200
stop_mgw

it 'a key that was taken away counts no more'
tests/e2e/jose.pl jwks next="$W/next.pem" >"$W/issuer/rolling"
later
ask rolling next.pem other
expect_status 401
ask rolling
expect_status 401
expect_reason key-unknown
ask rolling next.pem next
expect_status 200
stop_lighttpd
done_testing
