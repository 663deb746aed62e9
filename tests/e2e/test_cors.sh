#!/bin/sh
# Pages of other origins: preflights, and who may read which answer,
# refusals included.
. tests/e2e/lib.sh
start_backend
policy
cat >>"$W/mgw.yaml" <<-END
	cors: {origins: 'https://default.example'}
END
sed -i 's/^tiers:/&\n  Three: {limit: 3, per: 1h}/
    s|^apis:|&\
  pages.yaml:\
    endpoints: ["'"$BACKEND"'/"]\
    cors:\
      origins: [https://app.example, "https://*.site.example"]\
      credentials: true\
      expose: [X-Total, RateLimit]\
  few.yaml:\
    endpoints: ["'"$BACKEND"'/"]\
    cors: {origins: "*", headers: "*", preflight-tier: Three}\
  plain.yaml: {endpoints: ["'"$BACKEND"'/"], cors: off}|' "$W/mgw.yaml"
for name in pages few plain; do
	cat >"$W/$name.yaml" <<-END
	openapi: 3.0.3
	info: {title: $name, version: '1'}
	servers: [{url: 'https://things.example/$name'}]
	components:
	  securitySchemes:
	    key: {type: apiKey, in: header, name: X-API-Key}
	paths:
	  /{do}:
	    get: {security: [], responses: {'200': {description: fine}}}
	    put: {security: [{key: []}], responses: {'200': {description: fine}}}
	  /own/{do}:
	    options: {security: [{key: []}], responses: {'200': {description: fine}}}
	    get: {security: [], responses: {'200': {description: fine}}}
	END
done
import mgw.yaml things.yaml down.yaml pages.yaml few.yaml plain.yaml ||
    fatal "$(cat "$W/import.out")"
echo 'trusted-proxy 127.0.0.0/8' >>"$W/mgw.conf"
start_mgw

# preflight PATH ORIGIN [OPTIONS...]
preflight() {
	p=$1
	o=$2
	shift 2
	get "$p" -X OPTIONS -H "Origin: $o" \
	    -H 'Access-Control-Request-Method: PUT' "$@"
}
expect_no_cors() {
	! grep -qi '^access-control-' "$W/head" || wrong 'CORS for nobody'
}
one() {
	test "$(grep -ci "^$1:" "$W/head")" -eq 1 || wrong "not one $1"
}

for host in lighttpd apache; do
	start_$host
	it "a preflight is answered without a credential ($host)"
	for path in /pages/x /pages/own/x; do
		preflight $path https://app.example
		expect_status 204
		expect_header Access-Control-Allow-Origin https://app.example
		expect_header Access-Control-Allow-Credentials true
		expect_header Access-Control-Allow-Headers \
		    'Authorization, Content-Type, X-API-Key'
		expect_header Access-Control-Max-Age 600
		expect_header Vary \
		    'Origin,*Access-Control-Request-Method,*Access-Control-Request-Headers'
	done
	preflight /pages/x https://app.example
	expect_header Access-Control-Allow-Methods '*PUT*'
	! grep -q 'OPTIONS /x' "$W/backend.requests" || wrong 'the backend was asked'

	it "a preflight of an origin that is not allowed gets nothing ($host)"
	for o in https://evil.example http://app.example null \
	    https://app.example.evil https://evilapp.example \
	    https://site.example https://evilsite.example \
	    http://a.site.example 'https://evil.example/.site.example' \
	    'https://app.example https://evil.example' \
	    https://app.example:8443; do
		preflight /pages/x "$o"
		expect_status 204
		expect_no_cors
	done
	preflight /pages/x https://a.b.site.example
	expect_header Access-Control-Allow-Origin https://a.b.site.example

	it "OPTIONS that is no preflight is an ordinary request ($host)"
	get /pages/own/x -X OPTIONS -H 'Origin: https://app.example'
	expect_status 401
	expect_reason credential-missing
	expect_header Access-Control-Allow-Origin https://app.example
	get /pages/own/x -X OPTIONS -H 'Origin: https://app.example' \
	    -H "X-API-Key: $KEY"
	expect_status 200

	it "answers of the backend say who may read them, once ($host)"
	get /pages/x -H 'Origin: https://app.example'
	expect_status 200
	expect_header Access-Control-Allow-Origin https://app.example
	expect_header Access-Control-Allow-Credentials true
	expect_header Access-Control-Expose-Headers 'X-Total, RateLimit'
	expect_header Vary '*Origin*'
	get /pages/cors -H 'Origin: https://app.example'
	one Access-Control-Allow-Origin
	expect_header Access-Control-Allow-Origin https://app.example
	get /pages/cors -H 'Origin: https://evil.example'
	expect_status 200
	expect_no_cors
	get /pages/x
	expect_status 200
	expect_no_cors
	expect_header Vary '*Origin*'

	it "refusals say who may read them ($host)"
	get /pages/x -X PUT -d x -H 'Origin: https://app.example'
	expect_status 401
	expect_header Access-Control-Allow-Origin https://app.example
	expect_header Access-Control-Allow-Credentials true
	get /pages/x -X DELETE -H 'Origin: https://app.example'
	expect_status 405
	expect_header Access-Control-Allow-Origin https://app.example
	get /pages/no/such/path -H 'Origin: https://app.example'
	expect_status 404
	expect_header Access-Control-Allow-Origin https://app.example
	get /down/x -H 'Origin: https://default.example'
	expect_status 502
	expect_header Access-Control-Allow-Origin https://default.example
	get /pages/x -X PUT -d x -H 'Origin: https://evil.example'
	expect_status 401
	expect_no_cors

	it "an API without CORS is as it was ($host)"
	preflight /plain/x https://app.example
	expect_status 204
	expect_no_cors
	expect_no_header Vary
	preflight /plain/own/x https://app.example
	expect_status 401
	get /plain/cors -H 'Origin: https://app.example'
	expect_header Access-Control-Allow-Origin '*'
	stop_$host
done

start_lighttpd
it 'preflights of one address are counted'
for n in 1 2 3; do
	preflight /few/x https://any.example \
	    -H 'Access-Control-Request-Headers: x-a, x-b'
	expect_status 204
	expect_header Access-Control-Allow-Origin '\*'
	expect_header Access-Control-Allow-Headers 'x-a, x-b'
done
preflight /few/x https://any.example
expect_status 429
expect_reason quota-exceeded
expect_header Retry-After '[1-9]*'
expect_header Access-Control-Allow-Origin '\*'
get /few/x -H 'Origin: https://any.example'
expect_status 200
preflight /pages/x https://app.example
expect_status 204

it 'who is denied has no more preflights than others'
"$O"/mgw-throttle deny --state "$W/state" --address 192.0.2.0/24 >/dev/null ||
    wrong 'no rule'
for n in 1 2 3; do
	get /few/x -H 'X-Forwarded-For: 192.0.2.1'
	expect_status 403
	preflight /few/x https://any.example -H 'X-Forwarded-For: 192.0.2.1'
	expect_status 204
done
preflight /few/x https://any.example -H 'X-Forwarded-For: 192.0.2.1'
expect_status 429
preflight /few/x https://any.example -H 'X-Forwarded-For: 198.51.100.1'
expect_status 204
stop_lighttpd

it 'explain answers as the gate does'
"$O"/mgw-spec explain "$W/mgw.bundle" OPTIONS /pages/own/x \
    -H 'Origin: https://app.example' \
    -H 'Access-Control-Request-Method: GET' >"$W/body" 2>&1 ||
    wrong 'refused'
expect_body 'Access-Control-Allow-Origin: https://app.example'
done_testing
