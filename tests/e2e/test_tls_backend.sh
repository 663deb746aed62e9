#!/bin/sh
# TLS to a backend: the certificate must be of a known authority and for
# the name that the policy gives.  mgw trusts what the system trusts; here
# it runs with a system that trusts an authority of ours.
. tests/e2e/lib.sh

authority ours
authority theirs
cert good ours DNS:localhost
cert name ours DNS:other.example
cert unknown theirs DNS:localhost
cert expired ours DNS:localhost -1

start_backend
plain=$BACKEND
set --
for c in good name unknown expired; do
	set -- "$@" --tls "$W/$c.pem" "$W/$c.key" --listen tcp:127.0.0.1:0
done
"$O"/tests/e2e/backend --log "$W/tls.requests" "$@" >"$W/tls.out" \
    2>>"$W/backend.log" &
PIDS="$PIDS $!"
four() { test "$(wc -l <"$W/tls.out")" -eq 4; }
wait_for 50 four || fatal 'the TLS backend does not start'
policy
set --
n=0
for c in good name unknown expired plain address; do
	n=$((n + 1))
	port=$(sed -n "${n}s/.*://p" "$W/tls.out")
	url=https://localhost:$port/
	test $c != plain || url=https://localhost:${plain##*:}/
	test $c != address || url=https://127.0.0.1:$(sed -n '1s/.*://p' "$W/tls.out")/
	cat >"$W/$c.yaml" <<-END
	openapi: 3.0.3
	info: {title: $c, version: '1'}
	servers: [{url: 'https://things.example/$c'}]
	paths:
	  /{do}:
	    get: {security: [], responses: {'200': {description: fine}}}
	  /{do}/{n}:
	    get: {security: [], responses: {'200': {description: fine}}}
	    post: {security: [], responses: {'200': {description: fine}}}
	END
	sed -i "s|^apis:|&\n  $c.yaml: {endpoints: ['$url']}|" "$W/mgw.yaml"
	set -- "$@" "$c.yaml"
done
import mgw.yaml things.yaml down.yaml "$@" || fatal "$(cat "$W/import.out")"

if ! start_mgw_trusting ours; then
	it 'TLS to a backend'
	skip 'may not mount'
	done_testing
fi

for host in lighttpd apache; do
	start_$host
	it "a certificate for the name, of a known authority ($host)"
	get /good/x
	expect_status 200
	expect_body '"tls":true'
	first=$(grep -o '"connection":[0-9]*' "$W/body")
	get /good/x
	expect_status 200
	expect_body "$first,"

	for c in name unknown expired plain address; do
		it "no request reaches a backend whose TLS is wrong: $c ($host)"
		get /$c/sent
		# A server that does not speak TLS says nothing at all.
		test $c = plain || expect_status 502
		test $c = plain || expect_reason upstream-connect
		test $c != plain || expect_status 504
		! grep -q sent "$W/tls.requests" "$W/backend.requests" ||
		    wrong 'a request was sent'
	done

	it "large bodies go through TLS both ways ($host)"
	head -c 5000000 /dev/urandom >"$W/5MB"
	get /good/echo/1 --data-binary @"$W/5MB" -H Expect:
	expect_status 200
	expect_body '"body_bytes":5000000'
	get /good/bytes/5000000
	test "$(wc -c <"$W/body")" -eq 5000000 ||
	    wrong "$(wc -c <"$W/body") bytes"
	get /good/chunked/3000000
	test "$(wc -c <"$W/body")" -eq 3000000 ||
	    wrong "$(wc -c <"$W/body") bytes"
	: >"$W/body"

	it "an answer over TLS that is cut does not look whole ($host)"
	for word in short-length cut-chunk; do
		get /good/$word
		test "$CURL_CODE" -ne 0 || test "$STATUS" = 502 ||
		    wrong "$word taken as whole"
	done
	stop_$host
done
done_testing
