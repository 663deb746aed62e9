#!/bin/sh
# Endpoints that are checked: one that is down gets no request, and comes
# back; one process checks for all; what is known shows in mgw-status.
. tests/e2e/lib.sh

# backend_at NAME ADDRESS: another backend, with a log of its own.
backend_at() {
	"$O"/tests/e2e/backend --log "$W/$1.requests" --listen "$2" \
	    >"$W/$1.out" 2>>"$W/backend.log" &
	eval "$1_PID=$!"
	PIDS="$PIDS $!"
}
start_backend
for b in A B; do
	backend_at $b tcp:127.0.0.1:0
	wait_for 50 test -s "$W/$b.out" || fatal "$b does not start"
done
a=$(sed -n 's/^listening //p' "$W/A.out")
b=$(sed -n 's/^listening //p' "$W/B.out")
A=http://${a#tcp:}
B=http://${b#tcp:}
policy
export MGW_STATE="$W/state"
sed -i 's|^apis:|&\
  pool.yaml: {endpoints: {urls: ["'"$A/in"'", "'"$B/in"'"], health-check: {path: "/checked?x=1", period: 1s, timeout: 500ms, healthy: 1, unhealthy: 2}}}\
  sick.yaml: {endpoints: {urls: ["'"$A/s"'", "'"$B/s"'"], health-check: {path: "/?do=status/503", period: 1s, unhealthy: 1}}}\
  mute.yaml: {endpoints: {urls: ["'"$A/m"'", "'"$BACKEND/m"'"], balance: failover, health-check: {path: /silent, period: 1s, timeout: 100ms, unhealthy: 1}}}\
  dead.yaml: {endpoints: {urls: ["'"http://127.0.0.1:$DOWN/d"'", "'"$A/d"'"], balance: failover}}\
  even.yaml: {endpoints: ["'"$A/e"'", "'"$B/e"'"]}\
  odd.yaml: {endpoints: {urls: "'"$A/o"'", health-check: {path: "/?do=status/418", period: 1s, statuses: [418]}}}\
  lone.yaml: {endpoints: {urls: "'"http://127.0.0.1:$DOWN/l"'", health-check: {path: /x, period: 1s, unhealthy: 1}}}|' \
    "$W/mgw.yaml"
for name in pool sick mute odd lone dead even; do
	cat >"$W/$name.yaml" <<-END
	openapi: 3.0.3
	info: {title: $name, version: '1'}
	servers: [{url: /$name}]
	paths:
	  /{do}:
	    get: {security: [], responses: {'200': {description: fine}}}
	    post: {security: [], responses: {'200': {description: fine}}}
	END
done
import mgw.yaml things.yaml down.yaml pool.yaml sick.yaml mute.yaml odd.yaml \
    lone.yaml dead.yaml even.yaml || fatal "$(cat "$W/import.out")"
start_mgw

# shown URL VERDICT: mgw-status has it.
shown() {
	"$O/mgw-status" | grep -qF "endpoint $1: $2"
}
n_of() {
	grep -c " $2" "$W/$1.requests"
}
checks() {
	grep -c 'GET /checked?x=1' "$W/A.requests"
}

start_lighttpd
it 'what checks find is shown'
wait_for 50 shown "$A/in" up || wrong 'A is not up'
wait_for 50 shown "$B/in" up || wrong 'B is not up'
wait_for 50 shown "$A/s" 'down' || wrong 'A/s is not down'
wait_for 50 shown "$A/m" 'down' || wrong 'A/m is not down'
wait_for 50 shown "$A/o" 'up' || wrong 'A/o is not up'
wait_for 80 shown "http://127.0.0.1:$DOWN/l" 'down' || wrong 'lone is not down'
"$O/mgw-status" --json >"$W/body"
expect_body "\"url\":\"$A/s\",\"verdict\":\"down\""
expect_body '"status":503'

it 'the check asks on the host, as itself and without a credential'
get '/pool/x'
expect_status 200
"$O"/mgw-spec show "$W/mgw.bundle" >"$W/body"
expect_body '"path": "/checked?x=1"'
grep -q 'GET /checked?x=1' "$W/B.requests" || wrong 'not asked so'
grep -q 'GET /in/checked' "$W/B.requests" && wrong 'below the endpoint'

"$O"/mgw --check --config "$W/mgw.conf" --allow-root >"$W/body" 2>&1
expect_body 'of pool, checked'

it 'when all are down they are asked all the same'
get /sick/x
expect_status 200
get /mute/x
expect_status 200
get /lone/x
expect_status 502

for host in lighttpd apache; do
	test $host = lighttpd || { stop_lighttpd; start_$host; }
	it "one that is down gets no request ($host)"
	kill -9 "$B_PID"
	wait_for 60 shown "$B/in" down || wrong 'B is not seen down'
	: >"$W/mgw.log"
	for n in 1 2 3 4 5 6 7 8; do
		get "/pool/$host-$n" -X POST -d 1
		expect_status 200
	done
	! grep -q upstream-connect "$W/mgw.log" || wrong 'B was tried'
	test "$(n_of A "/in/$host-")" -eq 8 || wrong 'A did not get all'

	it "and all of its share when it is back ($host)"
	rm -f "$W/B.out"
	backend_at B "$b"
	wait_for 60 shown "$B/in" up || wrong 'B is not seen up'
	for n in 1 2 3 4 5 6 7 8; do
		get "/pool/$host-back$n"
		expect_status 200
	done
	test "$(n_of B "/in/$host-back")" -eq 4 ||
	    wrong "B got $(n_of B "/in/$host-back") of 8"
done
stop_apache

it 'one process checks for all, and another when it is killed'
FIRST=$MGW_PID
SOCKET=$W/second.sock
"$O"/mgw --config "$W/mgw.conf" --listen "unix:$SOCKET" 2>>"$W/second.log" &
SECOND=$!
PIDS="$PIDS $SECOND"
wait_for 100 test -S "$SOCKET" || wrong 'no second mgw'
before=$(checks)
sleep 2.3
n=$(($(checks) - before))
{ test $n -ge 1 && test $n -le 3; } || wrong "$n checks in 2.3 s"
MGW_PID=''
kill -9 "$FIRST"
before=$(checks)
sleep 2.3
n=$(($(checks) - before))
{ test $n -ge 1 && test $n -le 3; } || wrong "$n checks in 2.3 s after the kill"
stop "$SECOND" || wrong 'does not end'

# cgi PATH: one request to a process of its own; its log is $W/cgi.log.
cgi() {
	env -i PATH="$PATH" MGW_CONF="$W/mgw.conf" REQUEST_METHOD=GET \
	    REQUEST_URI="$1" QUERY_STRING= SERVER_PROTOCOL=HTTP/1.1 \
	    REMOTE_ADDR=192.0.2.1 HTTP_HOST=a SERVER_NAME=a \
	    GATEWAY_INTERFACE=CGI/1.1 "$O/mgw" >"$W/body" 2>>"$W/cgi.log"
}

it 'processes of one request know of each other what failed'
: >"$W/cgi.log"
for n in 1 2; do
	cgi "/dead/cgi$n"
	expect_body 'Status: 200'
	expect_body "/d/cgi$n"
done
test "$(grep -c upstream-connect "$W/cgi.log")" -eq 1 ||
    wrong "the dead one was tried $(grep -c upstream-connect "$W/cgi.log") times"

it 'and do not all ask the first'
for n in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do
	cgi "/even/cgi$n"
done
for b in A B; do
	test "$(n_of $b /e/cgi)" -ge 1 || wrong "$b was not asked"
done

it 'a check that cannot be is refused'
for bad in x '"/a b"' '{period: 1s}' \
    '{path: /, period: 100ms}' '{path: /, statuses: [99]}' \
    '{path: /, timeout: 1h}' '{path: /, evry: 1s}'; do
	sed 's|^apis:|&\
  x.yaml: {endpoints: {urls: "'"$A"'/", health-check: '"$bad"'}}|' \
	    "$W/mgw.yaml" >"$W/bad.yaml"
	sed 's/pool/x/' "$W/pool.yaml" >"$W/x.yaml"
	import bad.yaml things.yaml down.yaml pool.yaml sick.yaml mute.yaml \
	    odd.yaml lone.yaml dead.yaml even.yaml x.yaml && wrong "taken: $bad"
done
done_testing
