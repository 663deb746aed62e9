#!/bin/sh
# An API that is closed for a while: by mgw.yaml, by mgw.conf, and while the
# gate runs; other APIs, preflights and the health path go on.
. tests/e2e/lib.sh
start_backend
policy
export MGW_STATE="$W/state"
T="$O/mgw-throttle"
sed -i 's|^apis:|&\
  shut.yaml: {endpoints: "'"$BACKEND"'/", maintenance: 2h, cors: {origins: [https://page.example]}}\
  shop.yaml: {endpoints: "'"$BACKEND"'/", errors: wso2}|' "$W/mgw.yaml"
for name in shut shop; do
	cat >"$W/$name.yaml" <<-END
	openapi: 3.0.3
	info: {title: Web $name, version: '1.0'}
	servers: [{url: '/$name'}]
	components:
	  securitySchemes: {token: {type: http, scheme: bearer}}
	paths:
	  /x:
	    get: {security: [{token: []}], responses: {'200': {description: fine}}}
	  /open:
	    get: {security: [], responses: {'200': {description: fine}}}
	END
done
import mgw.yaml things.yaml down.yaml shut.yaml shop.yaml ||
    fatal "$(cat "$W/import.out")"
start_mgw

# Before a server is there: the gate alone.
it 'a title that no running gate has is told, and none is an error'
"$T" maintenance --api 'Web shup' --until 1s >"$W/body" 2>&1 ||
    wrong 'it is refused'
expect_body "no gate that runs has the API 'Web shup'; known are "
"$T" maintenance --api 'Web shop/1.0' --until 1s >"$W/body" 2>&1 ||
    wrong 'the right one is refused'
test ! -s "$W/body" || wrong 'the right one is warned of'
"$T" maintenance >"$W/body" 2>&1 && wrong 'no API is taken'
expect_body 'needs the API that it closes: --api'
"$T" allow --api 'Web shop/1.0'
case_end

closed() {
	expect_status 503
	expect_event '"reason":"maintenance"'
	expect_header Cache-Control '*no-store*'
	expect_header Retry-After "$1"
}
for host in lighttpd apache; do
	start_$host
	: >"$W/backend.requests"
	it "mgw.yaml closes an API, whoever asks ($host)"
	get /shut/open
	closed 7200
	expect_reason maintenance
	get /shut/x -H 'Authorization: Bearer nonsense'
	closed 7200
	get /shut/x -H "$(bearer "$(token)")"
	closed 7200
	get /shut/nothing
	expect_status 404
	test ! -s "$W/backend.requests" || wrong 'the backend was asked'

	it "other APIs, preflights and the health path go on ($host)"
	get /things/open/x
	expect_status 200
	get /health
	expect_status 200
	get /shut/open -X OPTIONS -H 'Origin: https://page.example' \
	    -H 'Access-Control-Request-Method: GET'
	expect_status 204
	get /shut/open -H 'Origin: https://page.example'
	closed 7200
	expect_header Access-Control-Allow-Origin https://page.example

	it "mgw-throttle closes one with the next request ($host)"
	get /shop/open
	expect_status 200
	"$T" maintenance --api 'Web shop' --note moving >"$W/out" 2>&1 ||
	    wrong "$(cat "$W/out")"
	get /shop/open
	closed 60
	expect_body '"code":700700'
	expect_no_body moving
	get /things/open/x
	expect_status 200
	"$T" show >"$W/out" 2>&1
	grep -q 'maintenance api=Web shop' "$W/out" || wrong "$(cat "$W/out")"
	"$T" allow --api 'Web shop' >"$W/out" 2>&1 || wrong "$(cat "$W/out")"
	get /shop/open
	expect_status 200

	it "one version alone, and until a time ($host)"
	"$T" maintenance --api 'Web shop/2' >"$W/out" 2>&1 || wrong refused
	get /shop/open
	expect_status 200
	"$T" allow --api 'Web shop/2' >"$W/out" 2>&1
	"$T" maintenance --api 'Web shop/1.0' --until 2s >"$W/out" 2>&1
	get /shop/open
	closed '[12]'
	sleep 2.1
	get /shop/open
	expect_status 200
	stop_$host
done
stop_mgw

it 'who asks is not for maintenance to tell'
"$T" maintenance --api X --subject bob >"$W/out" 2>&1 && wrong 'taken'
"$T" maintenance >"$W/out" 2>&1 && wrong 'taken without an API'

it 'mgw.conf closes one, with a time of its own'
echo 'maintenance "Web shop" 10m' >>"$W/mgw.conf"
start_mgw
start_lighttpd
get /shop/open
closed 600
get /things/open/x
expect_status 200
stop_lighttpd
stop_mgw
"$O"/mgw --check --config "$W/mgw.conf" --allow-root >"$W/body" 2>&1
expect_body 'Web shop	ok	closed, Retry-After 600'
expect_body 'Web shut	ok	closed, Retry-After 7200'

it 'explain and show tell of it'
"$O/mgw-spec" explain "$W/mgw.bundle" GET /shut/open >"$W/body" 2>&1 &&
    wrong 'allowed'
expect_body 'maintenance'
"$O/mgw-spec" show "$W/mgw.bundle" >"$W/body"
expect_body '"maintenance_s": 7200'

it 'a line that names no API is refused'
echo 'maintenance Nobody' >>"$W/mgw.conf"
"$O"/mgw --check --config "$W/mgw.conf" --allow-root >"$W/body" 2>&1 &&
    wrong 'accepted'
expect_body 'no such API'
done_testing
