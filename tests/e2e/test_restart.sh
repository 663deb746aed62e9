#!/bin/sh
# A restart of mgw behind Apache with kept connections, through a socket
# that outlives it, and a keeper of connections, as systemd is: no request is
# lost.
. tests/e2e/lib.sh
start_backend
policy

SOCKET=$W/mgw.sock
"$O"/tests/e2e/keeper "$SOCKET" "$O/mgw" --config "$W/mgw.conf" \
    >"$W/owner.out" 2>"$W/mgw.log" &
OWNER=$!
PIDS="$PIDS $OWNER"
wait_for 50 test -S "$SOCKET" || fatal 'no socket'
start_apache

it '5,000 requests over kept connections survive restarts'
PIDS_OF=''
n=0
while [ $n -lt 10 ]; do
	n=$((n + 1))
	curl -s -o /dev/null -w '%{http_code}\n' \
	    "$URL/things/open/x?[1-500]" >"$W/many.$n" &
	PIDS_OF="$PIDS_OF $!"
done
restarts=0
while kill -0 "${PIDS_OF##* }" 2>/dev/null; do
	sleep 0.2
	kill -HUP "$OWNER"
	restarts=$((restarts + 1))
done
# shellcheck disable=SC2086 # one word each
wait $PIDS_OF
cat "$W"/many.* | awk '{ n[$1]++ } END { exit n[200] != 5000 }' ||
    wrong "$restarts restarts: $(cat "$W"/many.* | sort | uniq -c |
    tr '\n' ' ')"
test $restarts -gt 2 || wrong "only $restarts restarts"
wait_for 50 grep -q '^ended 0 ' "$W/owner.out" ||
    wrong "$restarts restarts: $(cat "$W/owner.out")"
# 15: told to end before it had begun, as on a slow machine; nothing was
# taken over by then.
! grep -v '^ended 15 ' "$W/owner.out" | grep -q 'ended [^0]' || wrong "$(cat "$W/owner.out")"

it 'and the connections were handed over'
grep -q '^ended 0 [1-9]' "$W/owner.out" || wrong "$(cat "$W/owner.out")"
! grep -q unexpected "$W/owner.out" || wrong "$(cat "$W/owner.out")"

it 'and end within a second or so when nobody asks'
kill "$OWNER"
gone "$OWNER" 30 || wrong 'still there after 3 s'
stop_apache
done_testing
