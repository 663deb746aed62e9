#!/bin/sh
# What answers look like: two shapes of errors, HEAD and OPTIONS, templates
# inside a segment, where the gate is mounted, limits in headers, keys
# that are for another API.
. tests/e2e/lib.sh
start_backend
policy
sed -i "s|^apis:|&\n  wso2.yaml: {endpoints: ['$BACKEND/'], errors: wso2}|" \
    "$W/mgw.yaml"
sed -i 's/^schemes:/&\n  default: {jwt: [https:\/\/id.example\/]}/' \
    "$W/mgw.yaml"
import mgw.yaml things.yaml down.yaml wso2.yaml ||
    fatal "$(cat "$W/import.out")"
echo 'strip-prefix /mnt' >>"$W/mgw.conf"
OTHER=mgw_othertes_$(head -c 32 /dev/urandom | base64 | tr '+/' -_ |
    tr -d '=\n')
echo "othertes active $(printf %s "$OTHER" | sha256sum | cut -d' ' -f1)" \
    'owner=ada application=desk api=Down' >>"$W/keys.db"
start_mgw
good=$(token '"scope":"read write"')
MOUNT=/mnt

for host in lighttpd apache; do
	start_$host

	it "WSO2's shape where the policy says so ($host)"
	get /mnt/fault/1.0.0/x
	expect_status 401
	expect_body '{"fault":{"code":900902,'
	expect_body '"message":"'
	expect_body '"description":"'
	expect_header Content-Type 'application/json*'
	expect_header Cache-Control '*no-store*'
	expect_header WWW-Authenticate '*Bearer*'
	expect_event '"reason":"credential-missing"'
	get /mnt/fault/1.0.0/x/nothing
	expect_status 404
	get /mnt/fault/1.0.0/x -X DELETE
	expect_status 405
	expect_body '"code":405'
	get /mnt/fault/1.0.0/x -H "$(bearer "${good%????}aaaa")"
	expect_status 401
	expect_body '"code":900901'

	it "WSO2's document is protected unless it says otherwise ($host)"
	get /mnt/fault/1.0.0/x -H "$(bearer "$good")"
	expect_status 200
	expect_body '"target":"/x"'
	get /mnt/fault/1.0.0/free/x
	expect_status 200

	it "a problem has all members, and nothing that a page would run ($host)"
	get "/mnt/things/nothing/%3Cscript%3E"
	expect_status 404
	expect_header Content-Type 'application/problem+json*'
	for member in type title status detail instance reason; do
		expect_body "\"$member\":"
	done
	expect_no_body '<'

	it "a path is without the mount, and only below it ($host)"
	get /mnt/things/open/x
	expect_status 200
	expect_body '"target":"/open/x"'
	get /mnt/mnt/things/open/x
	expect_status 404

	it "a template inside a segment meets its suffix alone ($host)"
	get /mnt/things/file/a.json
	expect_status 200
	expect_body '"target":"/file/a.json"'
	expect_event '"path":"/things/file/{name}.json"'
	get /mnt/things/file/a.b.json
	expect_status 200
	for path in a.xml .json a.jsonx ajson; do
		get "/mnt/things/file/$path"
		expect_status 404
	done

	it "HEAD asks for everything that GET asks for ($host)"
	get /mnt/things/secret/x -I
	expect_status 401
	get /mnt/things/keyed/x -I
	expect_status 401
	get /mnt/things/scoped/x -I -H "$(bearer "$(token)")"
	expect_status 403
	get /mnt/things/scoped/x -I -H "$(bearer "$good")"
	expect_status 200
	get /mnt/things/little/x -I
	expect_status 405
	expect_header Allow '*POST*'

	it "OPTIONS says what there is, without a credential ($host)"
	get /mnt/things/open/x -X OPTIONS
	expect_status 204
	for method in GET PUT POST DELETE HEAD OPTIONS; do
		expect_header Allow "*$method*"
	done
	get /mnt/things/scoped/x -X OPTIONS
	expect_status 204
	expect_header Allow '*GET*'
	get /mnt/things/nothing -X OPTIONS
	expect_status 404

	it "a key for another API is refused: claim-refused ($host)"
	get /mnt/things/keyed/x -H "X-API-Key: $OTHER"
	expect_status 403
	expect_reason claim-refused

	it "a bad escape and control bytes are a bad-request ($host)"
	get '/mnt/things/open/a%zz'
	expect_status 400
	grep -q '"reason"' "$W/body" || test $host = apache ||
	    wrong 'no reason'
	get '/mnt/things/open/x%01'
	expect_status 400
	expect_reason bad-request
	stop_$host
done

start_lighttpd
it 'limits stand in the headers, and count down'
get /mnt/things/rated/x
expect_status 200
expect_header RateLimit '*r=1*'
expect_header RateLimit-Policy '*q=2*w=60*'
get /mnt/things/rated/x
expect_header RateLimit '*r=0*'
get /mnt/things/rated/x
expect_status 429
expect_reason rate-exceeded
expect_header Retry-After '[1-9]*'
test "$(header Retry-After)" -le 60 || wrong 'longer than the period'
expect_header RateLimit '*r=0*'

it 'an operation without a limit says nothing of limits'
get /mnt/things/open/x
expect_no_header RateLimit
stop_lighttpd
done_testing
