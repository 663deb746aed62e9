#!/bin/sh
# No byte that ends a line, or could be taken for the end of one, gets
# through in a header, in either direction.
. tests/e2e/lib.sh
start_backend
policy
start_mgw

tried() {
	timeout 60 tests/e2e/bytes.pl "$@" >"$W/body" 2>&1 ||
	    wrong "$(tail -n 3 "$W/body")"
	test "$(tail -n 1 "$W/body")" = '324 tried' ||
	    wrong "$(tail -n 1 "$W/body")"
	test "$(wc -l <"$W/body")" -eq 1 || wrong "$(head -n 12 "$W/body")"
}

it 'no control byte gets through, with nobody before the gate'
tried fcgi "$SOCKET"

for host in lighttpd apache; do
	start_$host
	it "no control byte gets through ($host)"
	tried http "127.0.0.1:$PORT"
	stop_$host
done
done_testing
