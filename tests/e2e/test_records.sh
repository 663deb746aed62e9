#!/bin/sh
# What a peer on the FastCGI socket must not achieve: the connection that
# misbehaves is closed, the process lives, the next request is right.
. tests/e2e/lib.sh
start_backend
policy
start_mgw

say() {
	timeout 20 tests/e2e/records.pl "$SOCKET" "$@" >"$W/body" 2>&1
	: >"$W/head"
}

next_is_right() {
	tests/e2e/records.pl "$SOCKET" begin get:/things/open/x stdin:0 \
	    >"$W/next" 2>&1
	grep -q '^Status: 200' "$W/next" || wrong "next: $(head -c 300 "$W/next")"
}

# closed NAME PIECES...: no answer but an end.
closed() {
	it "$1 ends its connection alone"
	shift
	say "$@"
	expect_body closed
	expect_no_body 'Status: 200'
	next_is_right
}

it 'a plain request is answered'
say begin get:/things/open/x stdin:0
expect_body 'Status: 200'
expect_body answered

closed 'GET_VALUES first' values:8 begin get:/things/open/x stdin:0
closed 'GET_VALUES in the middle' begin values:8 get:/things/open/x stdin:0
closed 'junk' junk:200
closed 'version 2' version:2
closed 'an unknown type' begin type:77
closed 'a management record' begin type:11
closed 'a second BEGIN_REQUEST' begin begin:2 get:/things/open/x stdin:0
closed '64 kB of parameters' begin get:/things/open/x:70000 stdin:0
closed 'a parameter that says 2 GB' begin length:2147483647 stdin:0

it 'GET_VALUES behind a whole request ends its connection too'
say begin get:/things/open/x values:8 stdin:0
expect_body closed
next_is_right

it 'ABORT_REQUEST ends the request'
say begin get:/things/open/x abort
next_is_right

it 'a body shorter than said never looks whole to the backend'
say begin post:/things/open/x:100 stdin:10 stdin:0
expect_no_body 'Status: 200'
next_is_right

it 'a body longer than said is no second request'
say begin post:/things/open/x:10 stdin:100 stdin:0
next_is_right
! grep -q '^a* ' "$W/backend.requests" || wrong 'the rest was sent on'

it 'a role that mgw does not have gets 503 first'
say begin:1:2 get:/things/open/x stdin:0
head -n 1 "$W/body" | grep -q '^Status: 503' || wrong 'not first'
next_is_right

it 'silent connections do not take the workers'
for n in 1 2 3 4 5 6 7 8; do
	tests/e2e/records.pl "$SOCKET" half wait:4000 >/dev/null 2>&1 &
	PIDS="$PIDS $!"
done
sleep 0.3
next_is_right

it 'the socket is for nobody else'
case $(stat -c %A "$SOCKET") in
s??????---) ;;
*) wrong "$(stat -c %A "$SOCKET")" ;;
esac
done_testing
