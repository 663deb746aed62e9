#!/bin/sh
# Requests in progress: over several processes, some of them killed.
. tests/e2e/lib.sh
start_backend
policy
import mgw-concurrent.yaml concurrent.yaml || fatal "$(cat "$W/import.out")"
start_mgw
start_lighttpd
FIRST=$URL

# Another process on the same state and the same web server's terms.
"$O"/mgw --config "$W/mgw.conf" --listen "unix:$W/b.sock" 2>>"$W/mgw.log" &
SECOND_PID=$!
PIDS="$PIDS $SECOND_PID"
wait_for 100 test -S "$W/b.sock" || fatal 'the second mgw does not start'
SOCKET=$W/b.sock
start_lighttpd
SECOND=$URL
URL=$FIRST

# hold URL N MS: so many requests at once that last so long.
hold() {
	HELD=''
	i=0
	while [ $i -lt "$2" ]; do
		i=$((i + 1))
		curl -s -o /dev/null -w '%{http_code}\n' --max-time 20 \
		    "$1/at-once/slow/$3" >>"$W/held" 2>/dev/null &
		HELD="$HELD $!"
	done
	sleep 0.5 # what looks whether places are free takes one, too
}
taken() {
	get /at-once/x/1
	test "$STATUS" = 429
}
passes() {
	get /at-once/x/1
	test "$STATUS" = 200
}
release() {
	for p in $HELD; do wait "$p"; done
}

it 'as many are in progress as the limit says, over two processes'
: >"$W/held"
hold "$FIRST" 2 1500
one=$HELD
hold "$SECOND" 1 1500
HELD="$one $HELD"
taken || wrong 'a fourth passes'
get /at-once/x/1
expect_reason concurrency-exceeded
expect_header Retry-After 1
"$O/mgw-throttle" show --limited --state "$W/state" >"$W/body"
expect_body '3 of 3 in progress'
held=$(cut -f 3 "$W/body" | head -n 1)
"$O/mgw-throttle" reset --state "$W/state" "$held" >"$W/body" 2>&1 &&
    wrong 'reset'
expect_body 'end by themselves'
release
"$O/mgw-throttle" show --limited --state "$W/state" >"$W/body"
expect_no_body 'in progress'
test "$(sort "$W/held" | uniq -c | tr -s ' ')" = ' 3 200' ||
    wrong "those in progress: $(cat "$W/held")"
get /at-once/x/1
expect_status 200

it 'one refused by another limit holds no place'
get /at-once/both/x/1
expect_status 200
for n in 1 2 3 4 5; do get /at-once/both/x/1; done
expect_status 429
expect_reason quota-exceeded

it 'kill -9 gives its places back within a second'
: >"$W/held"
hold "$SECOND" 3 15000
taken || wrong 'a fourth passes'
kill -9 "$SECOND_PID"
wait_for 10 passes || wrong 'the places are not free'
release

it 'a process that serves one request counts, too'
hold "$FIRST" 3 1500
taken || wrong 'a fourth passes'
cgi() {
	env -i PATH="$PATH" MGW_CONF="$W/mgw.conf" REQUEST_METHOD=GET \
	    REQUEST_URI=/at-once/x/1 SERVER_PROTOCOL=HTTP/1.1 \
	    REMOTE_ADDR=127.0.0.1 HTTP_HOST=a GATEWAY_INTERFACE=CGI/1.1 \
	    SERVER_NAME=a "$O/mgw" </dev/null >"$W/body" 2>>"$W/mgw.log"
	head -n 1 "$W/body" >"$W/head"
}
cgi
grep -q '^Status: 429' "$W/body" || wrong "$(head -n 1 "$W/body")"
release
cgi
grep -q '^Status: 200' "$W/body" || wrong "$(head -n 1 "$W/body")"
done_testing
