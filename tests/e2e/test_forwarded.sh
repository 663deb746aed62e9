#!/bin/sh
# What a backend is told of the way of a request: Forwarded and
# X-Forwarded-*, Host, Via, the id, the trace; and that a request which comes
# from the gate itself goes no further.
. tests/e2e/lib.sh

start_backend
policy
ALL=''
# endpoint NAME RULES
endpoint() {
	cat >"$W/$1.yaml" <<-END
	openapi: 3.0.3
	info: {title: $1, version: '1'}
	servers: [{url: 'https://things.example/$1'}]
	paths:
	  /{do}:
	    get: {security: [], responses: {'200': {description: fine}}}
	END
	sed -i "s#^apis:#&\n  $1.yaml: {endpoints: {urls: ['$BACKEND/at']$2}}#" "$W/mgw.yaml"
	ALL="$ALL $1.yaml"
}
endpoint usual ''
endpoint set ', forwarded: set, x-forwarded: set'
endpoint append ', forwarded: append, x-forwarded: append, x-forwarded-prefix: true'
endpoint pass ', forwarded: pass, x-forwarded: pass'
endpoint off ', forwarded: off, x-forwarded: off, via: false, traceparent: off'
endpoint client ', host: client, traceparent: make'
endpoint named ', host: "inner.example:81"'
# Through mgw.conf to the gate itself.
cat >"$W/loop.yaml" <<END
openapi: 3.0.3
info: {title: loop, version: '1'}
servers: [{url: '/loop'}]
paths:
  /{do}:
    get: {security: [], responses: {'200': {description: fine}}}
END
cat >"$W/hidden.yaml" <<END
openapi: 3.0.3
info: {title: hidden, version: '1'}
servers: [{url: '/hidden'}]
paths:
  /{do}:
    get: {security: [], responses: {'200': {description: fine}}}
END
sed -i 's/^apis:/&\n  hidden.yaml: {backends: {via: false}}/' "$W/mgw.yaml"
echo 'request-id: {header: X-Correlation-Id, from: proxy}' >>"$W/mgw.yaml"
# shellcheck disable=SC2086 # words are files
import mgw.yaml things.yaml down.yaml $ALL loop.yaml hidden.yaml ||
    fatal "$(cat "$W/import.out")"
PARENT=00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01
# sent NAME VALUE: the backend got this header.
sent() { expect_body "[\"$1\",\"$2\"]"; }
not_sent() { expect_no_body "[\"$1\","; }

it 'what is shown of the rules'
"$O"/mgw-spec show "$W/mgw.bundle" >"$W/body"
expect_body '"forwarded": "append"'
expect_body '"host": "inner.example:81"'
expect_body '"traceparent": "make"'
expect_body '"request_id": "X-Correlation-Id"'

for host in lighttpd apache; do
	for trusted in '' 'trusted-proxy 127.0.0.1'; do
		printf 'bundle mgw.bundle\nstate state\n%s\n' "$trusted" \
		    >"$W/mgw.conf"
		start_mgw
		start_$host
		set -- -H 'X-Forwarded-For: 192.0.2.7' -H 'Forwarded: for=192.0.2.7' \
		    -H 'X-Forwarded-Proto: https' -H 'X-Forwarded-Host: shop.example' \
		    -H 'X-Forwarded-Prefix: /outer' -H 'X-Correlation-Id: of-the-proxy' \
		    -H "Traceparent: $PARENT" -H 'Tracestate: a=b' \
		    -H 'Host: client.example'
		test -n "$trusted" || {
			it "what a client says counts nothing ($host)"
			get /append/x "$@"
			sent X-Forwarded-For 127.0.0.1
			sent X-Forwarded-Proto http
			sent X-Forwarded-Host client.example
			sent X-Forwarded-Prefix /append
			expect_body 'for=127.0.0.1;proto=http;host='
			expect_no_body 192.0.2.7
			expect_no_body of-the-proxy
			expect_no_header X-Request-Id
			get /pass/x "$@"
			expect_no_body -Forwarded
			not_sent Forwarded
			get /usual/x "$@"
			not_sent Forwarded
			sent traceparent "$PARENT"
			sent tracestate a=b
			get /client/x "$@"
			sent Host client.example
			expect_no_body "$PARENT"
			expect_body '["traceparent","00-'
			not_sent tracestate
			get /named/x "$@"
			sent Host inner.example:81
			stop_$host
			stop_mgw
			continue
		}
		it "what a trusted proxy says is believed ($host)"
		get /append/x "$@"
		sent X-Forwarded-For '192.0.2.7, 127.0.0.1'
		sent X-Forwarded-Proto https
		sent X-Forwarded-Host shop.example
		sent X-Forwarded-Prefix /outer/append
		expect_body 'for=192.0.2.7, for=127.0.0.1;proto=http;'
		sent X-Correlation-Id of-the-proxy
		expect_header X-Correlation-Id of-the-proxy
		expect_event '"id":"of-the-proxy"'
		get /pass/x "$@"
		sent X-Forwarded-For 192.0.2.7
		sent Forwarded for=192.0.2.7
		get /client/x "$@"
		sent traceparent "$PARENT"

		it "set says who came to the gate, off says nothing ($host)"
		get /set/x "$@"
		sent X-Forwarded-For 127.0.0.1
		expect_body 'for=127.0.0.1;proto=http;'
		expect_no_body 192.0.2.7
		get /off/x "$@"
		expect_no_body -Forwarded
		not_sent Forwarded
		not_sent traceparent
		not_sent Via
		expect_body '["CDN-Loop","mgw-'

		it "a trace or an id that is none goes no further ($host)"
		for bad in 00-0-0-01 "ff${PARENT#00}" "$PARENT-x" \
		    '00-00000000000000000000000000000000-00f067aa0ba902b7-01' \
		    "$(echo "$PARENT" | tr a-f A-F)"; do
			get /usual/x -H "Traceparent: $bad" -H 'Tracestate: a=b'
			expect_status 200
			not_sent traceparent
			not_sent tracestate
		done
		get /usual/x -H "Traceparent: $PARENT" -H "Traceparent: $PARENT"
		not_sent traceparent
		get /usual/x -H 'X-Correlation-Id: a b'
		expect_no_body 'a b'
		get /usual/x -H "X-Correlation-Id: $(head -c 200 /dev/zero | tr '\0' a)"
		expect_no_body aaaaaaaaaa

		it "what hides a loop or a trace is refused ($host)"
		for name in Via CDN-Loop Traceparent X-Forwarded-For; do
			get /usual/x -H "Connection: $name" -H "$name: x"
			# Apache takes such fields away itself.
			test $host = apache || expect_status 400
		done

		it "what comes from the gate goes no further ($host)"
		stop_mgw
		for api in loop hidden; do
			echo "endpoint $api 0 $URL/$api" >>"$W/mgw.conf"
		done
		start_mgw
		: >"$W/state/events.log"
		for api in loop hidden; do
			get /$api/x
			expect_status 502
			expect_body 'the request comes from this gate'
		done
		n=$(grep -c . "$W/state/events.log")
		test "$n" -le 4 || wrong "it went around $n times"
		get /usual/x -H 'Via: 1.1 mgw, 1.1 mgw-elsewhere'
		expect_status 200
		get /usual/x -H 'CDN-Loop: other; a=b'
		expect_status 200
		expect_body '["CDN-Loop","other; a=b, mgw-'
		name=$(grep -o '"Via","1.1 mgw-[0-9a-f]*"' "$W/body" |
		    sed 's/.* //; s/"//')
		get /usual/x -H "Via: 1.0 front, 1.1 $name (x)"
		expect_status 502
		expect_reason upstream-broken
		expect_header Proxy-Status 'mgw; error=proxy_loop_detected'
		get /usual/x -H "CDN-Loop: other;a=b, $name ;c=d"
		expect_status 502
		stop_$host
		stop_mgw
	done
done

it 'refused: a host that is none'
sed 's#"inner.example:81"#"a/b"#' "$W/mgw.yaml" >"$W/try.yaml"
# shellcheck disable=SC2086 # words are files
! import try.yaml things.yaml down.yaml $ALL loop.yaml hidden.yaml ||
    wrong 'it is imported'
cp "$W/import.out" "$W/body"
expect_body 'host must be endpoint, client, or a host'
it 'refused: an id by a field that carries the message'
sed 's#X-Correlation-Id#Content-Length#' "$W/mgw.yaml" >"$W/try.yaml"
# shellcheck disable=SC2086 # words are files
! import try.yaml things.yaml down.yaml $ALL loop.yaml hidden.yaml ||
    wrong 'it is imported'
cp "$W/import.out" "$W/body"
expect_body 'cannot carry it'
done_testing
