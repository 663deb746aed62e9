#!/bin/sh
# Opaque tokens: what their server says, how it is asked, and when it is
# slow, wrong or gone.
. tests/e2e/lib.sh
start_backend
policy
start_issuer
import mgw-opaque.yaml opaque.yaml || fatal "$(cat "$W/import.out")"
printf 'env ISSUER %s\nenv CLIENT_SECRET s3cr:et &\n' "$ISSUER" >>"$W/mgw.conf"
start_mgw
start_lighttpd
NOW=$(date +%s)

# says TOKEN MEMBERS: an active token.
says() {
	printf '{"active":true,"aud":"things"%s}' "$2" >"$W/issuer/token-$1"
}
ask() {
	get "$1" -H "Authorization: Bearer $2"
}

it 'an active token is let in, and who it says is told'
says good ',"sub":"ada","client_id":"app","scope":"read"'
ask /opaque/one/x good
expect_status 200
expect_event '"subject":"ada"'
expect_event '"issuer":"https://id.example/"'
expect_event '"application":"app"'
it 'the client says who it is, its secret encoded as in a form'
grep -q "Basic $(printf 'a%%20gate:s3cr%%3Aet%%20%%26' | base64)" \
    "$W/issuer/log" || wrong "$(tail -n 1 "$W/issuer/log")"
it 'what was answered is remembered'
for _ in 1 2 3; do ask /opaque/one/x good; done
expect_status 200
test "$(asked ' good ')" = 1 || wrong "asked $(asked ' good ') times"
it 'a scope is judged at each use'
ask /opaque/scoped/x good
expect_status 200
says poor ',"scope":"reads write"'
ask /opaque/scoped/x poor
expect_status 403
expect_reason scope-missing
expect_header WWW-Authenticate '*insufficient_scope*scope="read"*'

it 'a token that is not active is refused'
ask /opaque/one/x gone
expect_status 401
expect_reason inactive
expect_header WWW-Authenticate '*error="invalid_token"*'
it 'only the boolean true is active'
for t in '"true"' 1 '[true]' '{}' null false; do
	echo "{\"active\":$t,\"aud\":\"things\"}" >"$W/issuer/token-odd$t"
	ask /opaque/one/x "odd$(printf %s "$t" | tr -dc 'a-z0-9')"
	expect_status 401
done
rm -f "$W"/issuer/token-odd*

it 'its times, audience and issuer count'
says old ",\"exp\":$((NOW - 60))"
ask /opaque/one/x old
expect_reason expired
says early ",\"nbf\":$((NOW + 600))"
ask /opaque/one/x early
expect_reason not-yet-valid
echo '{"active":true,"aud":["others"]}' >"$W/issuer/token-aud"
ask /opaque/one/x aud
expect_reason wrong-audience
says iss ',"iss":"https://id.example"'
ask /opaque/one/x iss
expect_reason wrong-issuer
it 'never is not a time'
says never ',"nbf":9223372036854775807,"exp":9223372036854775807'
ask /opaque/one/x never
expect_status 200

it 'the prefix chooses the server, and its way to be asked'
says p_1 ''
ask /opaque/two/x p_1
expect_status 200
expect_event '"issuer":"https://post.example/"'
tail -n 1 "$W/issuer/log" |
    grep -q -- ' - .*client_id=gate&client_secret=s3cr%3Aet%20%26$' ||
    wrong "$(tail -n 1 "$W/issuer/log")"
says b_1 ''
ask /opaque/two/x b_1
expect_status 200
tail -n 1 "$W/issuer/log" | grep -q 'Bearer s3cr:et &' ||
    wrong "$(tail -n 1 "$W/issuer/log")"
it 'a token of no server is shown to none'
ask /opaque/two/x x_1
expect_status 401
expect_reason wrong-issuer
test "$(asked ' x_1 ')" = 0 || wrong 'it was shown'

it 'beside JWTs, what has no dot is asked about'
ask /opaque/mixed/x p_1
expect_status 200
JWT=$(token '"sub":"bob"')
it 'a JWT is asked about only with a good signature'
n=$(asked POST)
ask /opaque/both/x "${JWT%?????}AAAAA"
expect_status 401
test "$(asked POST)" = "$n" || wrong 'it was shown'
it 'a JWT that its issuer has ended is refused'
ask /opaque/both/x "$JWT"
expect_status 401
expect_reason inactive
it 'one that it has not is let in'
echo '{"active":true}' >"$W/issuer/token-$(printf %s "$JWT" | tail -c 40)"
wait_for 30 sh -c "test \"\$(curl -s -o /dev/null -w '%{http_code}' \
    -H 'Authorization: Bearer $JWT' '$URL/opaque/both/x')\" = 200" ||
    wrong 'it is still refused'

it 'an answer that is none is verifier-down, not the token'
for bad in '[]' '{"active":true' 'true' '{"active":true,"active":true}' ''; do
	printf '%s' "$bad" >"$W/issuer/token-bad"
	ask /opaque/one/x bad
	expect_status 503
	expect_reason verifier-down
	expect_header Retry-After '[0-9]*'
done
{ printf '{"active":true,"x":"'; head -c 70000 /dev/zero | tr '\0' a; echo '"}'; } \
    >"$W/issuer/token-long"
ask /opaque/one/x long
expect_reason verifier-down
for s in 302 401 500; do
	echo $s >"$W/issuer/status"
	ask /opaque/one/x "s$s"
	expect_reason verifier-down
done
rm "$W/issuer/status"
it 'an answer too long to be kept whole is still kept'
says wide ",\"sub\":\"eve\",\"junk\":\"$(head -c 4000 /dev/zero | tr '\0' x)\""
ask /opaque/one/x wide
ask /opaque/one/x wide
expect_status 200
expect_event '"subject":"eve"'
test "$(asked ' wide ')" = 1 || wrong "asked $(asked ' wide ') times"

it 'many at once with one new token ask once'
says crowd ''
echo 0.3 >"$W/issuer/delay"
seq 24 | xargs -P 24 -I{} curl -s -o /dev/null -w '%{http_code}\n' \
    -H 'Authorization: Bearer crowd' "$URL/opaque/one/x" >"$W/codes"
test "$(grep -c 200 "$W/codes")" = 24 || wrong "$(sort "$W/codes" | uniq -c)"
test "$(asked ' crowd ')" = 1 || wrong "asked $(asked ' crowd ') times"
it 'random tokens meet a bound, and known ones go on'
seq 40 | xargs -P 40 -I{} curl -s -o /dev/null -w '%{http_code}\n' \
    -H 'Authorization: Bearer rand{}' "$URL/opaque/one/x" >"$W/codes" &
FLOOD=$!
sleep 0.15
ask /opaque/one/x good
expect_status 200
wait $FLOOD
grep -q 503 "$W/codes" || wrong "no bound: $(sort "$W/codes" | uniq -c)"
grep -q 401 "$W/codes" || wrong "none was asked: $(sort "$W/codes" | uniq -c)"
it 'a server that does not answer in time is verifier-down'
echo 3 >"$W/issuer/delay"
ask /opaque/one/x slow
expect_status 503
expect_reason verifier-down
rm "$W/issuer/delay"

it 'without its server a known token is let in, and a new one is not'
stop "$ISSUER_PID"
ask /opaque/one/x good
expect_status 200
ask /opaque/one/x new
expect_status 503
expect_reason verifier-down
it 'no token and no secret is in a log'
! grep -rqE 's3cr|crowd|p_1' "$W/mgw.log" "$W/state/events.log" ||
    wrong "$(grep -rhE 's3cr|crowd|p_1' "$W/mgw.log" "$W/state/events.log" |
	head -n 3)"
it 'explain takes the answer from a file'
echo '{"active":true,"aud":"things","scope":"read"}' >"$W/answer.json"
(cd "$W" && env "ISSUER=$ISSUER" CLIENT_SECRET=x \
    "$O"/mgw-spec explain mgw.bundle GET /opaque/scoped/x -H 'Authorization: Bearer any' \
    --keys "$ISSUER/introspect=answer.json") >"$W/body" 2>&1 ||
    wrong 'it is refused'
expect_body 'allowed: sent to the backend'
stop_lighttpd
done_testing
