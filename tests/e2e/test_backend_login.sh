#!/bin/sh
# What the gate shows a backend to be let in: a password, a header, a token
# that it fetches itself; and that nobody else gets to see it.
. tests/e2e/lib.sh

start_issuer
token_is() {
	echo "{\"access_token\":\"$1\",\"token_type\":\"Bearer\",\"expires_in\":${2:-60}}" \
	    >"$W/issuer/token"
}
token_is first-token
start_backend
policy
SECOND=$(free_port)

# endpoint NAME TEXT [MORE]: an API of that name, whose endpoints are TEXT.
ALL=''
endpoint() {
	cat >"$W/$1.yaml" <<-END
	openapi: 3.0.3
	info: {title: $1, version: '1'}
	servers: [{url: 'https://things.example/$1'}]
	paths:
	  /{do}: &all
	    get: {security: [], responses: {'200': {description: fine}}}
	    post: {security: [], responses: {'200': {description: fine}}}
	  /{do}/{n}: *all
	END
	sed -i "s#^apis:#&\n  $1.yaml: {endpoints: $2${3:-}}#" "$W/mgw.yaml"
	ALL="$ALL $1.yaml"
}
basic="basic: {user: gate, password: '\${env:TEST_PASSWORD}'}"
header="header: {name: X-Backend-Key, value: '\${file:key.txt}'}"
oauth="oauth2: {token-url: $ISSUER/token, client-id: 'ga te', client-secret: '\${env:TEST_SECRET}', scopes: [read, write], resource: 'https://r.example/'}"
endpoint basic "{urls: ['$BACKEND/'], credential: {$basic}}"
endpoint header "{urls: ['$BACKEND/'], credential: {$header}}"
endpoint kept "{urls: ['$BACKEND/'], credential: {$header}}" ', keep-credential: true'
endpoint oauth "{urls: ['$BACKEND/'], credential: {$oauth}}"
endpoint post "{urls: ['$BACKEND/'], credential: {$(echo "$oauth" | sed 's/resource/auth: post, resource/')}}"
endpoint downtoken "{urls: ['$BACKEND/'], credential: {$(echo "$oauth" | sed 's#/token#/none#')}}"
endpoint two "{balance: failover, urls: [{url: 'http://127.0.0.1:$SECOND/', credential: {$basic}}, {url: '$BACKEND/', credential: {$header}}]}"
# WSO2's: the name is the document's, the password the environment's.
cat >"$W/wso2.yaml" <<END
openapi: 3.0.3
info: {title: Old Shop, version: 1.0.0}
x-wso2-basePath: /wso2
x-wso2-disable-security: true
x-wso2-production-endpoints:
  urls: ['https://shop.invalid/']
  securityConfig: {type: basic, username: svc}
paths:
  /{do}:
    get: {responses: {'200': {description: fine}}}
END
echo 'key-from-a-file' >"$W/key.txt"
export TEST_PASSWORD=pass:word TEST_SECRET='se cret'
# shellcheck disable=SC2086 # words are files
import mgw.yaml things.yaml down.yaml $ALL wso2.yaml ||
    fatal "$(cat "$W/import.out")"

it 'what is told of them, and what is not'
"$O"/mgw-spec show "$W/mgw.bundle" >"$W/body"
expect_body '"credential": "oauth2"'
expect_body '"user": "gate"'
expect_no_body key-from-a-file
"$O"/mgw-spec env "$W/mgw.bundle" >"$W/body"
expect_body "TEST_PASSWORD	named by"
expect_body 'MGW_ENDPOINT_OLD_SHOP_PASSWORD	password at the backend of Old Shop 1.0.0	unset'
expect_body 'Old Shop.1.0.0.basic.password'
! grep -q 'pass:word\|key-from-a-file\|se cret' "$W/mgw.bundle" ||
    wrong 'a secret is in the bundle'

it 'a password that nobody has set'
! "$O"/mgw --config "$W/mgw.conf" --check >"$W/body" 2>&1 ||
    wrong 'is no mistake'
expect_body 'no password for it: set MGW_ENDPOINT_OLD_SHOP_PASSWORD'

set -- -e "MGW_ENDPOINT_OLD_SHOP_0=$BACKEND/" \
    -e 'Old Shop.1.0.0.prod.basic.password=from-2.x'
it 'what is checked'
"$O"/mgw --config "$W/mgw.conf" --check "$@" >"$W/body" 2>&1 ||
    wrong 'the check fails'
expect_body 'with user and password'
expect_body 'with a token of our own'
expect_no_body 'pass:word'

start_mgw "$@"
b64() { printf %s "$1" | base64; }
# sent NAME VALUE: the backend got this header.
sent() { expect_body "[\"$1\",\"$2\"]"; }
for host in lighttpd apache; do
	start_$host
	it "a password, in place of the client's own ($host)"
	get /basic/x -H 'Authorization: Bearer of-the-client' \
	    -H 'Cookie: a=1'
	expect_status 200
	sent Authorization "Basic $(b64 gate:pass:word)"
	expect_no_body of-the-client
	get /wso2/x
	sent Authorization "Basic $(b64 svc:from-2.x)"

	it "a header, and no other spelling of it ($host)"
	get /header/x -H 'X-Backend-Key: mine' -H 'x.backend.key: mine' \
	    -H 'Authorization: Basic mine'
	expect_status 200
	sent X-Backend-Key 'key-from-a-file'
	expect_no_body mine
	get /kept/x -H 'Authorization: Basic theirs'
	sent X-Backend-Key 'key-from-a-file'
	sent Authorization 'Basic theirs'

	it "two backends in turn have each its own ($host)"
	get /two/x
	expect_status 200
	sent X-Backend-Key 'key-from-a-file'
	expect_no_body 'Authorization'

	it "others get nothing ($host)"
	get /things/open/x -H 'Authorization: Bearer of-the-client'
	expect_status 200
	expect_no_body 'X-Backend-Key'
	expect_no_body 'Basic'

	it "a token is fetched once for all ($host)"
	for i in 1 2 3 4 5 6 7 8; do
		curl -s "$URL/oauth/x" >"$W/o.$i" &
		eval "J$i=$!"
	done
	wait "$J1" "$J2" "$J3" "$J4" "$J5" "$J6" "$J7" "$J8"
	for i in 1 2 3 4 5 6 7 8; do
		grep -qF 'Bearer first-token' "$W/o.$i" ||
		    wrong "no token in $(cat "$W/o.$i")"
	done
	test "$(asked '^POST /token')" = 1 ||
	    wrong "fetched $(asked '^POST /token') times"
	get /post/x
	sent Authorization 'Bearer first-token'
	rm -f "$W/issuer/log.seen"
	cp "$W/issuer/log" "$W/issuer/log.seen"
	stop_$host
	test $host = apache || {
		stop_mgw
		: >"$W/issuer/log"
		start_mgw "$@"
	}
done

it 'the client of the token server is who it is said to be'
# RFC 6749 section 2.3.1: encoded as in a form, then Basic.
grep -qF "Basic $(b64 'ga%20te:se%20cret')" "$W/issuer/log" ||
    wrong "$(cat "$W/issuer/log")"
grep -qF 'grant_type=client_credentials&scope=read%20write&resource=https%3A%2F%2Fr.example%2F' \
    "$W/issuer/log" || wrong "$(cat "$W/issuer/log")"
grep -qF 'client_id=ga%20te&client_secret=se%20cret' "$W/issuer/log" ||
    wrong "$(cat "$W/issuer/log")"

start_lighttpd
it 'without a token nothing is sent'
get /downtoken/sent
expect_status 502
expect_reason upstream-connect
expect_body 'no token for the backend'
! grep -q sent "$W/backend.requests" || wrong 'it was sent'

it 'a server that has failed is not asked for each request'
: >"$W/issuer/log"
for i in 1 2 3 4 5 6; do get /downtoken/x; done
test "$(asked '^POST /none')" -le 2 || wrong 'it is'

it 'a token that the backend refuses is replaced, and the request repeated'
token_is second-token
sleep 2.1
get /oauth/only-second
expect_status 200
sent Authorization 'Bearer second-token'

it 'but not one that was fetched a moment ago, and not by a POST'
token_is third-token
: >"$W/issuer/log"
get /oauth/only-third
expect_status 401
sleep 2.1
get /oauth/only-third -d body
expect_status 401
test "$(asked '^POST /token')" = 0 || wrong 'it was fetched'
get /oauth/only-third
expect_status 200

it 'one refusal costs nobody else the token while there is no other'
get /oauth/x
sent Authorization 'Bearer third-token'
sleep 2.1
echo 500 >"$W/issuer/token.status"
get /oauth/status/401
expect_status 401
get /oauth/x
expect_status 200
sent Authorization 'Bearer third-token'
rm "$W/issuer/token.status"

it 'a token is fetched ahead, while the old one serves'
stop_mgw
token_is short-token 5
start_mgw "$@"
get /oauth/x
expect_body 'Bearer short-token'
token_is long-token 60
ahead() {
	get /oauth/x
	test "$STATUS" = 200 || return 0
	grep -qF 'Bearer long-token' "$W/body"
}
wait_for 60 ahead
expect_status 200
expect_body 'Bearer long-token'

it 'what is no token is none'
for bad in 'a b' 'a\\r\\nX-Evil: 1' ''; do
	stop_mgw
	token_is "$bad"
	start_mgw "$@"
	get /oauth/x
	expect_status 502
done
stop_mgw
echo '{"access_token":"x","token_type":"DPoP"}' >"$W/issuer/token"
start_mgw "$@"
get /oauth/x
expect_status 502

it 'a token that is good for no time is not fetched for each request'
stop_mgw
token_is spent-token 0
start_mgw "$@"
: >"$W/issuer/log"
for i in 1 2 3 4 5 6; do get /oauth/x; done
expect_status 502
test "$(asked '^POST /token')" -le 2 ||
    wrong "fetched $(asked '^POST /token') times"

it 'no secret is in a log'
! grep -q 'pass:word\|key-from-a-file\|se cret\|-token\|from-2.x' \
    "$W"/*.log "$W/state/events.log" || wrong 'there is one'
stop_lighttpd

it 'a process of one request keeps its token for the next'
stop_mgw
token_is cgi-token
: >"$W/issuer/log"
cgi() {
	env -i PATH="$PATH" TEST_PASSWORD=p TEST_SECRET=s MGW_CONF="$W/mgw.conf" \
	    "MGW_ENDPOINT_OLD_SHOP_0=$BACKEND/" \
	    MGW_ENDPOINT_OLD_SHOP_PASSWORD=p \
	    REQUEST_METHOD=GET REQUEST_URI=/oauth/x SERVER_PROTOCOL=HTTP/1.1 \
	    REMOTE_ADDR=127.0.0.1 HTTP_HOST=x SCRIPT_NAME='' \
	    "$O"/mgw >"$W/body" 2>>"$W/mgw.log"
}
cgi
expect_body 'Bearer cgi-token'
cgi
expect_body 'Bearer cgi-token'
test "$(asked '^POST /token')" = 1 ||
    wrong "fetched $(asked '^POST /token') times"
test "$(find "$W/state/jwks" -type f -perm /077 | wc -l)" = 0 ||
    wrong 'others can read the state'

# refuse NAME TEXT MESSAGE [MORE]: a policy that is not imported.
refuse() {
	it "refused: $1"
	cp "$W/mgw.yaml" "$W/try.yaml"
	sed -i "s#^  basic.yaml:.*#  basic.yaml: {endpoints: $2${4:-}}#" "$W/try.yaml"
	# shellcheck disable=SC2086 # words are files
	! import try.yaml things.yaml down.yaml $ALL || wrong 'it is imported'
	cp "$W/import.out" "$W/body"
	expect_body "$3"
}
refuse 'a credential in the clear' \
    "{urls: ['http://backend.example/'], credential: {$basic}}" \
    'backend-credential'
refuse 'a password in the policy' \
    "{urls: ['$BACKEND/'], credential: {basic: {user: a, password: b}}}" \
    'secret-inline'
refuse 'two at once' "{urls: ['$BACKEND/'], credential: {$basic, $header}}" \
    'one of basic, header and oauth2'
refuse 'a header that carries the message' \
    "{urls: ['$BACKEND/'], credential: {header: {name: Content-Length, value: '\${env:X}'}}}" \
    'cannot carry it'
refuse 'a token over plain HTTP' \
    "{urls: ['$BACKEND/'], credential: {$(echo "$oauth" | sed "s#$ISSUER#http://id.example#")}}" \
    'key-url'
refuse 'a credential for whatever a document names' "['$BACKEND/']" \
    'backend-credential' ", backends: {credential: {$basic}}"
it 'refused: a credential in a document'
sed -i '/^info:/a x-mgw-backend: {urls: ["https://a.example/"], credential: {basic: {user: a, password: b}}}' \
    "$W/basic.yaml"
# shellcheck disable=SC2086 # words are files
! import mgw.yaml things.yaml down.yaml $ALL || wrong 'it is imported'
cp "$W/import.out" "$W/body"
expect_body 'may stand in mgw.yaml only'

it 'a name that leads elsewhere gets no credential in the clear'
set -- -e 'MGW_ENDPOINT_OLD_SHOP_PASSWORD=p' \
    -e 'MGW_ENDPOINT_OLD_SHOP_0=http://backend.example/'
! "$O"/mgw --config "$W/mgw.conf" --check "$@" >"$W/body" 2>&1 ||
    wrong 'it would be sent'
expect_body 'its credential needs https, or a backend on this machine'
done_testing
