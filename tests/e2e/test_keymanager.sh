#!/bin/sh
# The key manager behind the gate: its four paths, the client's own
# credential, limits on what it refuses, and nothing of it in any log.
. tests/e2e/lib.sh
start_backend
policy
cat >>"$W/mgw.yaml" <<END
key-manager:
  endpoints: $BACKEND/oauth2
  failures: {limit: 3, per: 1m}
  max-body: 1KB
END
sed -i 's/^failures: off/failures: {limit: 1000}/' "$W/mgw.yaml"
import || fatal "$(cat "$W/import.out")"
echo 'log-level debug' >>"$W/mgw.conf"

ask() {
	get "$1" -u client:hush-secret --data-urlencode 'code=hush-code' \
	    -H 'X-Mgw-Subject: root'
}
for host in lighttpd apache; do
	start_mgw
	start_$host
	it "its paths go to it with the client's own credential ($host)"
	for path in /token /revoke /authorize /userinfo; do
		ask $path
		expect_status 200
		expect_body "\"target\":\"/oauth2$path\""
		expect_body '"method":"POST"'
		expect_body '["Authorization","Basic Y2xpZW50Omh1c2gtc2VjcmV0"]'
		expect_body '"body":"code=hush-code"'
		expect_no_body '"X-Mgw-Subject"'
		expect_event '"api":"Key Manager"'
	done
	get '/authorize?client_id=a&redirect_uri=https://app.example/' \
	    -H 'Cookie: session=1'
	expect_status 200
	expect_body '"target":"/oauth2/authorize?client_id=a'
	expect_body '"session=1"'
	get /userinfo -H 'Authorization: Bearer token-of-client'
	expect_body '"Bearer token-of-client"'

	it "its redirects go back to the client ($host)"
	get '/authorize?do=redirect'
	expect_status 302
	expect_header Location 'http://127.0.0.1:1/secret'

	it "nothing else goes there ($host)"
	for path in /token/x /Token /introspect /oauth2/token /; do
		get $path
		expect_status 404
	done
	get /token
	expect_status 405
	get /things/open/x
	expect_body '"target":"/open/x"'
	head -c 2000 /dev/zero >"$W/2kB"
	get /token --data-binary "@$W/2kB"
	expect_status 413

	it "an address that is refused too often waits ($host)"
	for n in 1 2 3; do
		ask '/token?do=status/401'
		expect_status 401
	done
	: >"$W/backend.requests"
	ask '/token?do=status/401'
	expect_status 429
	expect_reason rate-exceeded
	expect_header Retry-After '[1-9]*'
	expect_event '"level":"attempts"'
	ask /userinfo
	expect_status 429
	test ! -s "$W/backend.requests" || wrong 'the backend was asked'
	get /things/open/x
	expect_status 200

	it "nothing of it is in any log ($host)"
	! grep -r hush "$W/mgw.log" "$W/state" || wrong 'it is'
	! grep -r 'client_id=a' "$W/mgw.log" "$W/state" || wrong 'a query is'
	stop_$host
	stop_mgw
	"$O/mgw-throttle" reset --state "$W/state" --all
done

it 'what it is can be seen'
"$O/mgw-spec" routes "$W/mgw.bundle" >"$W/body"
expect_body '	/token	-	-'
"$O/mgw-spec" env "$W/mgw.bundle" >"$W/body"
expect_body MGW_ENDPOINT_KEY_MANAGER_0
"$O/mgw-spec" explain "$W/mgw.bundle" POST /token >"$W/body" ||
    wrong 'refused'
expect_body attempts
"$O/mgw-spec" show "$W/mgw.bundle" >"$W/body"
expect_body '"refusals_per_address"'

it 'another machine is asked over https, and no API lies above'
sed -i 's|endpoints: .*/oauth2|endpoints: http://id.example/oauth2|' \
    "$W/mgw.yaml"
import && wrong 'imported'
grep -q '\[key-url\]' "$W/import.out" || wrong "$(cat "$W/import.out")"
# shellcheck disable=SC2016 # mgw's references, not the shell's
sed -i 's|endpoints: http://id.*|endpoints: {urls: "https://id.example", credential: {basic: {user: u, password: "${env:P}"}}}|' \
    "$W/mgw.yaml"
import && wrong 'imported with a credential of the gate'
grep -q 'no credential of the gate' "$W/import.out" ||
    wrong "$(cat "$W/import.out")"
sed -i 's|endpoints: {urls: "https://id.*|endpoints: https://id.example/|' \
    "$W/mgw.yaml"
sed 's|url: ./things.|url: "/token/v1"|' "$W/things.yaml" >"$W/x.yaml"
grep -q token/v1 "$W/x.yaml" || sed -i 's|^servers:.*|servers: [{url: /token/v1}]|' "$W/x.yaml"
sed -i 's|  things.yaml:|  x.yaml:|' "$W/mgw.yaml"
import mgw.yaml x.yaml down.yaml && wrong 'imported'
grep -q '\[base-path-overlap\]' "$W/import.out" ||
    wrong "$(cat "$W/import.out")"
done_testing
