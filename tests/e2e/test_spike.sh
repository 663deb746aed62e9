#!/bin/sh
# What backends may get in all, whoever asks: over APIs that share them,
# processes and CGI, and beside the limits of callers.
. tests/e2e/lib.sh
start_backend
policy
sed -i 's/^    scope-claim: scope/&\n    trust-claims: true/
    s/^tiers:/&\
  Gold: {limit: 4, per: 1h, algorithm: window}\
  Ten: {limit: 10, per: 1h, algorithm: window}\
  Second: {limit: 2, per: 2s}\
  Inside: {limit: 1, unit: concurrent}/
    s|^apis:|rate-headers: both\
&\
  one.yaml: {endpoints: {urls: ["'"$BACKEND"'/"], spike: Ten}}\
  two.yaml: {endpoints: {urls: ["'"$BACKEND"'/"], spike: Ten}}\
  quick.yaml: {endpoints: ["'"$BACKEND"'/"], spike: Second}\
  inside.yaml: {endpoints: ["'"$BACKEND"'/"], spike: Inside}|' "$W/mgw.yaml"
for name in one two quick inside; do
	cat >"$W/$name.yaml" <<-END
	openapi: 3.0.3
	info: {title: $name, version: '1'}
	servers: [{url: 'https://things.example/$name'}]
	components:
	  securitySchemes:
	    token: {type: http, scheme: bearer}
	paths:
	  /{do}/{x}:
	    get: {security: [{token: []}], responses: {'200': {description: fine}}}
	END
done
import mgw.yaml things.yaml down.yaml one.yaml two.yaml quick.yaml \
    inside.yaml || fatal "$(cat "$W/import.out")"
ada=$(token '"sub":"ada","tier":"Gold"')
bob=$(token '"sub":"bob","tier":"Unlimited"')
as() {
	get "$2" -H "$(bearer "$1")"
}
expect_overloaded() {
	expect_status 503
	expect_reason overloaded
	expect_header Retry-After '[1-9]*'
	expect_event '"level":"spike"'
}

for host in lighttpd apache; do
	rm -rf "$W/state"
	start_mgw
	start_$host

	it "backends get what they may, of all callers and APIs ($host)"
	for i in 1 2 3; do
		as "$ada" /one/x/1
		expect_status 200
		expect_header RateLimit '"Gold";r='"$((4 - i))"';t=*'
		expect_header RateLimit-Policy '"Gold";q=4;w=3600'
	done
	expect_event '"tier":"Gold","level":"subject"'
	for i in 1 2 3 4 5 6 7; do
		as "$bob" /two/x/1
		expect_status 200
	done
	as "$bob" /one/x/1
	expect_overloaded
	expect_event '"tier":"Ten"'
	expect_no_body Ten
	as "$bob" /two/x/1
	expect_overloaded

	it "what is refused takes nothing from callers ($host)"
	for i in 1 2 3 4; do
		as "$ada" /one/x/1
		expect_overloaded
	done
	"$O"/mgw-throttle reset --state "$W/state" --level spike "$BACKEND/" \
	    >"$W/out" 2>&1 || wrong "$(cat "$W/out")"
	as "$ada" /one/x/1
	expect_status 200
	as "$ada" /one/x/1
	expect_status 429
	expect_reason quota-exceeded

	it "who is over his own limit takes nothing from backends ($host)"
	for i in 1 2 3 4 5; do as "$ada" /one/x/1; done
	for i in 1 2 3 4 5 6 7 8 9; do
		as "$bob" /one/x/1
		expect_status 200
	done
	as "$bob" /one/x/1
	expect_overloaded

	it "after Retry-After they may get more ($host)"
	as "$bob" /quick/x/1
	as "$bob" /quick/x/1
	as "$bob" /quick/x/1
	expect_overloaded
	expect_header Retry-After 1
	sleep 1.1
	as "$bob" /quick/x/1
	expect_status 200

	it "a backend may have few in progress ($host)"
	curl -s -o /dev/null --max-time 10 \
	    -H "Authorization: Bearer $bob" "$URL/inside/slow/800" &
	slow=$!
	PIDS="$PIDS $slow"
	sleep 0.3
	as "$bob" /inside/x/1
	expect_overloaded
	wait "$slow"
	as "$bob" /inside/x/1
	expect_status 200
	stop_$host
	stop_mgw
done

it 'two gates and CGI processes send it not one more'
rm -rf "$W/state"
start_mgw
start_lighttpd
FIRST=$URL
"$O"/mgw --config "$W/mgw.conf" --listen "unix:$W/b.sock" 2>>"$W/mgw.log" &
PIDS="$PIDS $!"
wait_for 100 test -S "$W/b.sock" || fatal 'the second mgw does not start'
SOCKET=$W/b.sock
start_lighttpd
for u in "$FIRST/one" "$URL/two"; do
	curl -s -o /dev/null --no-progress-meter --max-time 20 \
	    -w '%{http_code}\n' -Z --parallel-max 8 \
	    -H "Authorization: Bearer $bob" \
	    "$u/x/[1-20]" >>"$W/codes" 2>/dev/null &
	flooders="${flooders:-} $!"
done
for i in 1 2 3; do
	env -i REQUEST_METHOD=GET REQUEST_URI=/one/x/1 HTTP_HOST=a \
	    SERVER_PROTOCOL=HTTP/1.1 GATEWAY_INTERFACE=CGI/1.1 \
	    SCRIPT_NAME=/mgw MGW_CONF="$W/mgw.conf" \
	    HTTP_AUTHORIZATION="Bearer $bob" REMOTE_ADDR=127.0.0.1 \
	    DOCUMENT_ROOT="$W/htdocs" "$O"/mgw </dev/null 2>>"$W/cgi.err" |
	    sed -n 's/^Status: \([0-9]*\).*/\1/p' >>"$W/codes"
done
# shellcheck disable=SC2086 # a list
wait $flooders
test "$(sort "$W/codes" | uniq -c | tr -s ' \n' ' ')" = ' 10 200 33 503 ' ||
    wrong "$(sort "$W/codes" | uniq -c)"
stop_lighttpd
done_testing
