#!/bin/sh
# Bodies of any size go both ways, whole or visibly cut.
. tests/e2e/lib.sh
start_backend
policy
start_mgw
head -c 20000000 /dev/urandom >"$W/20MB"

resident() {
	awk '/^VmHWM/ { print $2 }' "/proc/$MGW_PID/status"
}

for host in lighttpd apache; do
	start_$host
	it "an upload of 20 MB arrives whole ($host)"
	get /things/open/x -T "$W/20MB" -X PUT
	expect_status 200
	expect_body '"body_bytes":20000000'

	it "a chunked upload arrives whole, or is told 411 ($host)"
	head -c 100000 "$W/20MB" | {
		get /things/open/x -T - -X PUT -H 'Transfer-Encoding: chunked'
		case $STATUS in
		411) test $host = lighttpd || echo wrong >"$W/flag" ;;
		200) grep -q '"body_bytes":100000' "$W/body" ||
			echo wrong >"$W/flag" ;;
		*) echo "status $STATUS" >"$W/flag" ;;
		esac
	}
	test ! -e "$W/flag" || wrong "$(cat "$W/flag")"
	rm -f "$W/flag"

	for what in bytes chunked; do
		it "an answer of 20 MB arrives whole: $what ($host)"
		get /things/open/$what/20000000
		expect_status 200
		test "$(wc -c <"$W/body")" -eq 20000000 ||
		    wrong "$(wc -c <"$W/body") bytes"
		: >"$W/body"
	done

	it "HEAD has GET's policy, its length and no body ($host)"
	get /things/open/bytes/1234 -I
	expect_status 200
	expect_header Content-Length 1234
	get /things/secret/x -I
	expect_status 401
	get /things/scoped/x -I -H "$(bearer "$(token)")"
	expect_status 403

	it "OPTIONS tells what is allowed, without a credential ($host)"
	get /things/secret/x -X OPTIONS
	expect_status 204
	expect_header Allow '*GET*'

	it "events come one by one, not gathered ($host)"
	timeout 3 curl -sN "$URL/things/open/sse" >"$W/body"
	test "$(grep -c . "$W/body")" -ge 2 || wrong 'nothing in 3 s'

	it "204, 304 and interim answers come through ($host)"
	get /things/open/no-content
	expect_status 204
	get /things/open/not-modified
	expect_status 304
	get /things/open/interim
	expect_status 200
	expect_body hello

	it "two cookies stay two ($host)"
	get /things/open/cookies
	test "$(header Set-Cookie | wc -l)" -eq 2 || wrong 'joined'

	it "the health path answers before routing ($host)"
	get /health
	expect_status 200
	expect_body '"status":"healthy"'
	stop_$host
done
it 'memory stays small whatever goes through'
test "$(resident)" -lt 60000 || test -n "${SAN:-}" ||
    case $O in */san) true ;; *) false ;; esac ||
    wrong "$(resident) kB resident"
done_testing
