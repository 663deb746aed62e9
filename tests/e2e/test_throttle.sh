#!/bin/sh
# Limits of every kind behind a real web server: levels and their keys,
# windows by the calendar and sliding ones, bytes, what answers and events
# tell; and several gates and CGI processes on one state.
. tests/e2e/lib.sh
start_backend
policy
sed -i 's/^    scope-claim: scope/&\n    trust-claims: true/
    s/^tiers:/&\
  Gold: {limit: 3, per: 1h, algorithm: window}\
  Poor: {limit: 1, per: 1h, algorithm: window}\
  Few: {limit: 2, per: 1h, algorithm: window}\
  Slide: {limit: 4, per: 2s, algorithm: sliding, key: [operation, address]}\
  Traffic: {limit: 30KB, per: 1h, unit: bytes, algorithm: window, key: [address]}\
  Soft: {limit: 1, per: 1h, algorithm: window, stop-on-quota: false, key: [address]}\
  Day: {limit: 2, per: day, timezone: Asia\/Tokyo, key: [address]}\
  Twenty: {limit: 20, per: 1h, algorithm: window}\
  Tenants:\
    limits: [{limit: 2, per: 1h, algorithm: window}, {limit: 9, per: day}]\
    key: [api, header X-Tenant, query t]/
    s|^apis:|rate-headers: both\
unknown-tier: Poor\
levels:\
  address: Few\
  application: {key: [application, claim team]}\
&\
  limits.yaml:\
    endpoints: ["'"$BACKEND"'/"]|' "$W/mgw.yaml"
{
	cat <<-END
	openapi: 3.0.3
	info: {title: limits, version: '1'}
	servers: [{url: 'https://things.example/limits'}]
	components:
	  securitySchemes:
	    token: {type: http, scheme: bearer}
	paths:
	  /anon/{do}:
	    get: {security: [], responses: {'200': {description: fine}}}
	  /own/{do}:
	    get: {security: [{token: []}], responses: {'200': {description: fine}}}
	END
	for t in Slide Traffic Soft Day Tenants Twenty; do
		cat <<-END
		  /$t/{do}:
		    get: &$t
		      security: [{token: []}, {}]
		      x-mgw-tier: $t
		      responses: {'200': {description: fine}}
		    post: *$t
		END
	done
} >"$W/limits.yaml"
sed -i 's/^  token: {jwt/  token: {jwt/' "$W/mgw.yaml"
import mgw.yaml things.yaml down.yaml limits.yaml ||
    fatal "$(cat "$W/import.out")"
ada=$(token '"sub":"ada","tier":"Gold"')
# Without the limit of addresses, which callers with a token do not meet.
get_as() {
	get "$1" -H "$(bearer "$2")"
}

# passed N PATH TOKEN: how many of N pass.
passed() {
	n=0
	for i in $(seq "$1"); do
		get_as "$2" "$3"
		test "$STATUS" = 200 && n=$((n + 1))
	done
	echo $n
}
expect() {
	test "$2" = "$3" || wrong "$1: $2, expected $3"
}

for host in lighttpd apache; do
	rm -rf "$W/state"
	start_mgw
	start_$host

	it "callers without a credential are counted by address ($host)"
	get /limits/anon/x
	expect_status 200
	expect_header RateLimit '"Few";r=1;t=*'
	expect_header X-RateLimit-Limit 2
	expect_header X-RateLimit-Remaining 1
	get /limits/anon/x -H 'X-Forwarded-For: 192.0.2.7' \
	    -H 'Forwarded: for=192.0.2.7'
	expect_status 200
	get /limits/anon/x -H 'X-Forwarded-For: 192.0.2.8'
	expect_status 429
	expect_reason quota-exceeded
	expect_event '"tier":"Few","level":"address"'
	test "$(header Retry-After)" -ge "$(header X-RateLimit-Reset)" ||
	    wrong 'Retry-After is before the reset'

	it "a token's tier counts for its subject ($host)"
	expect 'of 5' "$(passed 5 /limits/own/x "$ada")" 3
	expect_body quota-exceeded
	expect_header RateLimit-Policy '"Gold";q=3;w=3600'
	expect 'another subject' \
	    "$(passed 5 /limits/own/x "$(token '"sub":"eve","tier":"Gold"')")" 3
	get_as /limits/own/x "$(token '"sub":"eve","tier":"Unlimited"')"
	expect_status 200
	expect_no_header RateLimit

	it "a tier that nobody knows is the configured one ($host)"
	odd=$(token '"sub":"odd","tier":"Plati\u0022num"')
	expect 'of 3' "$(passed 3 /limits/own/x "$odd")" 1
	grep -q 'unknown tier=Plati"num of subject' "$W/mgw.log" ||
	    wrong 'the log does not tell'

	it "an application is counted by what its level says ($host)"
	for team in red blue; do
		t=$(token '"sub":"ada","team":"'$team'","azp":"desk",
		    "application":{"name":"desk","tier":"Few"}')
		expect "$team" "$(passed 4 /limits/own/x "$t")" 2
	done
	expect_event '"level":"application"'

	it "a key of header and query counts each value ($host)"
	free=$(token '"sub":"free","tier":"Unlimited"')
	for t in a b; do
		for i in 1 2 3; do
			get "/limits/Tenants/x?t=$t" -H "X-Tenant: one" \
			    -H "$(bearer "$free")"
		done
		expect_status 429
		expect_event '"level":"operation"'
	done
	get '/limits/Tenants/x?t=a' -H "X-Tenant: two" -H "$(bearer "$free")"
	expect_status 200
	# What others do under that name is not to be seen.
	expect_no_header RateLimit-Policy
	expect_no_header X-RateLimit-Limit
	# Parts do not run into each other.
	get '/limits/Tenants/x?t=ea' -H "X-Tenant: on" -H "$(bearer "$free")"
	expect_status 200
	# None is one value for all.
	for i in 1 2 3; do get_as /limits/Tenants/x "$free"; done
	expect_status 429

	it "bytes of request and answer are counted ($host)"
	head -c 6000 /dev/zero >"$W/6k"
	bytes=0
	n=0
	while get /limits/Traffic/x --data-binary @"$W/6k" \
	    -H "$(bearer "$free")" && test "$STATUS" = 200; do
		n=$((n + 1))
		id=$(header X-Request-Id)
		events=$W/state/events.log
		wait_for 20 newest_event_has "$id"
		bytes=$((bytes + $(tail -n 1 "$W/state/events.log" |
		    sed 's/.*"bytes_in":\([0-9]*\),"bytes_out":\([0-9]*\).*/\1 + \2/')))
		test $n -lt 6 || break
	done
	expect_status 429
	test $bytes -ge 30720 || wrong "refused after $bytes"
	expect_header RateLimit-Policy \
	    '"Traffic";q=30720;qu="content-bytes";w=3600'
	expect_header RateLimit '"Traffic";r=0;t=*'
	expect_event '"tier":"Traffic"'

	it "a tier that does not stop says over quota ($host)"
	get_as /limits/Soft/x "$free"
	expect_status 200
	get_as /limits/Soft/x "$free"
	expect_status 200
	expect_event '"tier":"Soft","level":"operation","over_quota":true'

	it "a day ends at midnight of its place ($host)"
	expect 'of 3' "$(passed 3 /limits/Day/x "$free")" 2
	left=$((86400 - ($(date +%s) + 9 * 3600) % 86400))
	after=$(header Retry-After)
	if ! { test "$after" -le $((left + 2)) &&
	    test "$after" -ge $((left - 2)); }; then
		wrong "Retry-After $after, expected $left"
	fi

	it "a sliding window looks back from now ($host)"
	expect 'at once' "$(passed 6 /limits/Slide/x "$free")" 4
	sleep 2.2
	expect 'a period later' "$(passed 6 /limits/Slide/x "$free")" 4
	stop_$host
	stop_mgw
done

it 'four gates and CGI processes pass the limit, not one more'
rm -rf "$W/state"
for i in 1 2 3 4; do
	"$O"/mgw --config "$W/mgw.conf" --threads 8 \
	    --listen "unix:$W/gate$i.sock" 2>>"$W/mgw.log" &
	PIDS="$PIDS $!"
	gates="${gates:-} $!"
	wait_for 100 test -S "$W/gate$i.sock" || fatal 'a gate does not start'
done
ports=''
for i in 1 2 3 4; do
	SOCKET=$W/gate$i.sock
	start_lighttpd
	ports="$ports $PORT"
done
cgi() {
	env -i REQUEST_METHOD=GET REQUEST_URI=/limits/Twenty/x \
	    SERVER_PROTOCOL=HTTP/1.1 GATEWAY_INTERFACE=CGI/1.1 \
	    SCRIPT_NAME=/mgw MGW_CONF="$W/mgw.conf" HTTP_HOST=a \
	    HTTP_AUTHORIZATION="Bearer $free" REMOTE_ADDR=127.0.0.1 \
	    DOCUMENT_ROOT="$W/htdocs" "$O"/mgw </dev/null 2>>"$W/cgi.err" |
	    sed -n 's/^Status: \([0-9]*\).*/\1/p'
}
flooders=''
for p in $ports; do
	curl -s -o /dev/null --no-progress-meter --max-time 20 -w '%{http_code}\n' \
	    -Z --parallel-max 8 \
	    -H "Authorization: Bearer $free" \
	    "http://127.0.0.1:$p/limits/Twenty/x?[1-30]" >"$W/codes.$p" 2>/dev/null &
	flooders="$flooders $!"
done
for i in 1 2 3 4 5; do cgi; done >"$W/codes.cgi"
# shellcheck disable=SC2086 # a list
wait $flooders
expect 'answers' "$(cat "$W"/codes.* | grep -c .)" 125
expect 'passed' "$(cat "$W"/codes.* | grep -c 200)" 20
expect 'refused' "$(cat "$W"/codes.* | grep -c 429)" 105

it 'quotas survive kill -9 of all and a restart'
for p in $gates; do kill -9 "$p"; done
start_mgw
start_lighttpd
get_as /limits/Twenty/x "$free"
expect_status 429
stop_lighttpd

it 'a larger state has the counts of the smaller one'
echo 'state-counters 200000' >>"$W/mgw.conf"
"$O"/mgw --config "$W/mgw.conf" --listen "unix:$W/more.sock" \
    2>"$W/more.log" &
more=$!
PIDS="$PIDS $more"
wait_for 100 test -S "$W/more.sock" || wrong 'a second gate does not start'
grep -q 'smaller than state-counters' "$W/more.log" || wrong 'not told'
kill $more
wait $more 2>/dev/null
stop_mgw
start_mgw
"$O"/mgw-status --state "$W/state" --json >"$W/body"
expect_body ',"count":262144}'
expect_body ',"count":65536}'
start_lighttpd
get_as /limits/Twenty/x "$free"
expect_status 429
expect 'CGI' "$(cgi)" 429
stop_lighttpd

it 'a state in memory takes the counts along, and leaves them on disk'
stop_mgw
printf 'state-memory %s\nstate-snapshot 1s\n' "$W/ram" >>"$W/mgw.conf"
start_mgw
start_lighttpd
test -s "$W/ram/shared" || wrong 'it is not in memory'
get_as /limits/Twenty/x "$free"
expect_status 429
expect 'CGI' "$(cgi)" 429
get_as /limits/own/x "$(token '"sub":"late","tier":"Poor"')"
expect_status 200
stop_mgw
rm -r "$W/ram"
start_mgw
get_as /limits/own/x "$(token '"sub":"late","tier":"Poor"')"
expect_status 429
"$O"/mgw-status --state "$W/state" >"$W/body" 2>&1 || wrong 'no status'
expect_body client_buckets
stop_lighttpd
done_testing
