#!/bin/sh
# Backends that fail: another is asked, what cannot be sent twice is not,
# and one that is down is spared.
. tests/e2e/lib.sh

# backend_at NAME ADDRESS: another backend, with a log of its own.
backend_at() {
	"$O"/tests/e2e/backend --log "$W/$1.requests" --listen "$2" \
	    >"$W/$1.out" 2>>"$W/backend.log" &
	eval "$1_PID=$!"
	PIDS="$PIDS $!"
}
up() {
	backend_at "$@"
	wait_for 50 test -s "$W/$1.out" || fatal "$1 does not start"
}
start_backend
up A tcp:127.0.0.1:0
up B tcp:127.0.0.1:0
a=$(sed -n 's/^listening //p' "$W/A.out")
b=$(sed -n 's/^listening //p' "$W/B.out")
policy
sed -i 's|^apis:|&\
  pool.yaml: {endpoints: ["http://'"${a#tcp:}"'/", "http://'"${b#tcp:}"'/"]}\
  dead.yaml: {endpoints: {urls: ["@DOWN@/", "http://'"${b#tcp:}"'/"], balance: failover}}\
  again.yaml: {endpoints: {urls: "http://'"${b#tcp:}"'/", retry: {count: 2, interval: 10ms, statuses: [503]}}}\
  frail.yaml: {endpoints: {urls: "http://'"${b#tcp:}"'/", breaker: {volume: 4, ratio: 0.5, reset: 1s, statuses: [500]}}}|
    s|@DOWN@|http://127.0.0.1:'"$DOWN"'|' "$W/mgw.yaml"
for name in pool dead again frail; do
	cat >"$W/$name.yaml" <<-END
	openapi: 3.0.3
	info: {title: $name, version: '1'}
	servers: [{url: /$name}]
	paths:
	  /{do}: &any
	    get: {security: [], responses: {'200': {description: fine}}}
	    post: {security: [], responses: {'200': {description: fine}}}
	    delete: {security: [], responses: {'200': {description: fine}}}
	  /{do}/{n}: *any
	END
done
import mgw.yaml things.yaml down.yaml pool.yaml dead.yaml again.yaml \
    frail.yaml || fatal "$(cat "$W/import.out")"
start_mgw
n_of() {
	grep -c " $2 " "$W/$1.requests"
}

for host in lighttpd apache; do
	start_$host
	it "what was not sent is sent to the next ($host)"
	for n in 1 2 3; do
		get "/dead/$host$n" -X POST -d 12345
		expect_status 200
		expect_body '"body_bytes":5'
		get "/dead/$host$n"
		expect_status 200
	done

	it "a status is asked for again, a few times ($host)"
	get "/again/status/503?$host-get"
	expect_status 503
	test "$(n_of B "/status/503?$host-get")" -eq 3 ||
	    wrong "$(n_of B "/status/503?$host-get") times"
	get "/again/status/503?$host-delete" -X DELETE
	test "$(n_of B "/status/503?$host-delete")" -eq 3 ||
	    wrong 'DELETE: not three times'
	get "/again/status/503?$host-post" -X POST -d 12345
	expect_status 503
	test "$(n_of B "/status/503?$host-post")" -eq 1 ||
	    wrong 'POST was sent again'
	get "/again/status/500?$host"
	expect_status 500
	test "$(n_of B "/status/500?$host")" -eq 1 || wrong 'asked again'
	get "/again/close?$host-post" -X POST -d 12345
	expect_status 502
	expect_reason upstream-broken
	expect_header Proxy-Status 'mgw; error=*'
	test "$(n_of B "/close?$host-post")" -eq 1 ||
	    wrong 'POST was sent again'

	it "an answer that has begun is not begun again ($host)"
	get "/again/short-length?$host"
	test "$CURL_CODE" -ne 0 || test "$STATUS" = 502 || wrong 'whole'
	test "$(n_of B "/short-length?$host")" -eq 1 || wrong 'asked again'

	it "one that fails is spared, then one request shows ($host)"
	get /frail/status/500
	expect_status 500
	for n in 1 2 3 4 5 6 7; do
		get /frail/status/500
		test "$STATUS" -eq 500 || break
	done
	get "/frail/$host-spared"
	expect_status 503
	expect_reason breaker-open
	expect_header Retry-After '[1-9]*'
	expect_header Proxy-Status 'mgw; error=destination_unavailable'
	sleep 1.1
	# Of many at once, one; it is slow, and fails.
	for n in 1 2 3 4 5 6; do
		curl -s -o /dev/null "$URL/frail/status/500?$host-probe" &
		probes="${probes:-} $!"
	done
	# shellcheck disable=SC2086 # a list
	wait $probes
	probes=''
	test "$(n_of B "/status/500?$host-probe")" -eq 1 ||
	    wrong "$(n_of B "/status/500?$host-probe") probes"
	sleep 1.1
	get "/frail/$host-well"
	expect_status 200
	get "/frail/$host-well"
	expect_status 200

	it "a breaker is not opened by clients that leave ($host)"
	for n in 1 2 3 4 5 6; do
		curl -s -o /dev/null --max-time 0.1 "$URL/frail/silent"
	done
	get "/frail/$host-left"
	expect_status 200

	it "where nobody is there it says so ($host)"
	get /down/x
	expect_status 502
	expect_reason upstream-connect
	expect_header Proxy-Status 'mgw; error=connection_refused'
	stop_$host
done

# Under load -----------------------------------------------------------
start_lighttpd
it 'one of two is killed and started 20 times'
# load NAME OPTIONS...: until $W/loading goes; codes to $W/NAME.codes
load() {
	name=$1
	shift
	round=0
	while test -e "$W/loading"; do
		round=$((round + 1))
		curl -s -Z --parallel-max 32 --parallel-immediate -o /dev/null \
		    -w '%{http_code}\n' "$@" \
		    "$URL/pool/$name-$round-[1-1000]" \
		    >>"$W/$name.codes" 2>>"$W/curl.err"
	done
}
: >"$W/loading"
load get &
LOAD_GET=$!
load post -X POST -d 12345 &
LOAD_POST=$!
sleep 0.2
for n in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
	kill -9 "$A_PID"
	sleep 0.1
	backend_at A "$a"
	sleep 0.2
done
rm "$W/loading"
wait "$LOAD_GET" "$LOAD_POST"
n=$(wc -l <"$W/get.codes")
test "$n" -gt 1000 || wrong "only $n requests"
test "$(grep -cvx 200 "$W/get.codes")" -eq 0 ||
    wrong "of $n GET: $(sort "$W/get.codes" | uniq -c | tr '\n' ' ')"
cat "$W"/[AB].requests | grep '^POST /post-' | cut -d' ' -f2 | sort |
    uniq -d >"$W/twice"
test ! -s "$W/twice" || wrong "seen twice: $(head -n 3 "$W/twice")"
grep -q 'POST /post-' "$W/A.requests" || wrong 'A was not asked'
grep -q 'POST /post-' "$W/B.requests" || wrong 'B was not asked'
echo "# $n GET, $(wc -l <"$W/post.codes") POST: $(sort "$W/post.codes" |
    uniq -c | tr '\n' ' ')"
stop_lighttpd
done_testing
