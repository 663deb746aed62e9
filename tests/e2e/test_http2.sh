#!/bin/sh
# HTTP/2 to backends: by negotiation in TLS, or because the policy knows; and
# that nobody behind can tell the difference.  The backend is a real nginx,
# with the one that misbehaves behind it.
. tests/e2e/lib.sh

authority ours
cert good ours DNS:localhost
start_backend
TLS=$(free_port) PLAIN=$(free_port) OLD=$(free_port) OLDPLAIN=$(free_port)
SHORT=$(free_port)
# server LISTEN MORE
server() {
	cat <<-END
	server {
		listen 127.0.0.1:$1;
		ssl_certificate $W/good.pem;
		ssl_certificate_key $W/good.key;
		client_max_body_size 0;
		$2
		location / {
			proxy_pass $BACKEND;
			proxy_http_version 1.1;
			proxy_buffering off;
			proxy_request_buffering off;
			proxy_set_header X-Protocol \$server_protocol;
			proxy_set_header X-Connection \$connection;
			proxy_set_header X-Authority \$http_host;
		}
	}
	END
}
{
	server "$TLS ssl http2" ''
	server "$PLAIN http2" ''
	server "$OLD ssl" ''
	server "$OLDPLAIN" ''
	server "$SHORT http2" 'keepalive_requests 2; keepalive_timeout 1s;'
} >"$W/servers.conf"
start_nginx "$W/servers.conf"

policy
ALL=''
# api NAME URL RULES
api() {
	cat >"$W/$1.yaml" <<-END
	openapi: 3.0.3
	info: {title: $1, version: '1'}
	servers: [{url: 'https://things.example/$1'}]
	paths:
	  /{do}: &all
	    get: {security: [], responses: {'200': {description: fine}}}
	    head: {security: [], responses: {'200': {description: fine}}}
	    put: {security: [], responses: {'200': {description: fine}}}
	    post: {security: [], responses: {'200': {description: fine}}}
	    delete: {security: [], responses: {'200': {description: fine}}}
	  /{do}/{n}: *all
	END
	case $2 in
	https:*) tls='tls: {ca-file: ours.pem}, ' ;;
	*) tls='' ;;
	esac
	sed -i "s#^apis:#&\n  $1.yaml: {endpoints: {urls: ['$2/'], ${tls}timeouts: {first-byte: 1s}$3}}#" \
	    "$W/mgw.yaml"
	ALL="$ALL $1.yaml"
}
api auto "https://localhost:$TLS" ', http2: auto'
api off "https://localhost:$TLS" ', http2: off'
api old "https://localhost:$OLD" ', http2: auto'
api plain "http://localhost:$PLAIN" ', http2: prior-knowledge'
api known "https://localhost:$TLS" ', http2: prior-knowledge'
api wrong "http://localhost:$OLDPLAIN" ', http2: prior-knowledge'
api upgrade "http://localhost:$OLDPLAIN" ', http2: auto'
api short "http://localhost:$SHORT" ', http2: prior-knowledge'
check='health-check: {path: /checked, period: 1s, timeout: 500ms, unhealthy: 1}'
api checktls "https://localhost:$TLS/1" ", http2: auto, $check"
api checkplain "http://localhost:$PLAIN/2" ", http2: prior-knowledge, $check"
api checkold "https://localhost:$OLD/3" ", http2: auto, $check"
api checkwrong "http://localhost:$OLDPLAIN/4" ", http2: prior-knowledge, $check"
api gone "https://localhost:$(free_port)" ', http2: auto'
# shellcheck disable=SC2086 # words are files
import mgw.yaml things.yaml down.yaml $ALL || fatal "$(cat "$W/import.out")"
# HTTP/2 has names in lower case.
sent() {
	grep -qiF "[\"$1\",\"$2\"]" "$W/body" || wrong "no $1: $2 in the body"
}

it 'what is shown'
"$O"/mgw-spec show "$W/mgw.bundle" >"$W/body"
expect_body '"http2": "auto"'
expect_body '"http2": "prior-knowledge"'

export MGW_STATE="$W/state"
start_mgw
it 'endpoints are checked in the version that requests have'
# shown URL VERDICT: mgw-status has it.
shown() {
	"$O"/mgw-status | grep -qF "endpoint $1/: $2"
}
wait_for 50 shown "https://localhost:$TLS/1" up || wrong 'TLS is not up'
wait_for 50 shown "http://localhost:$PLAIN/2" up || wrong 'plain is not up'
wait_for 50 shown "https://localhost:$OLD/3" up || wrong 'HTTP/1.1 is not up'
wait_for 50 shown "http://localhost:$OLDPLAIN/4" down ||
    wrong 'what speaks no HTTP/2 is not down'
"$O"/mgw-status >"$W/body"
head -c 1000000 /dev/urandom >"$W/large"
for host in lighttpd apache; do
	start_$host
	it "the version is negotiated, or known ($host)"
	for api in auto known plain; do
		get "/$api/x?a=b%20c" -H 'X-Mine: 1' -H 'X-Empty;'
		expect_status 200
		sent X-Protocol HTTP/2.0
		sent X-Mine 1
		expect_body '"target":"/x?a=b%20c"'
		expect_no_body '"Expect"'
	done
	get /off/x
	sent X-Protocol HTTP/1.1
	get /old/x
	expect_status 200
	sent X-Protocol HTTP/1.1
	get /upgrade/x
	sent X-Protocol HTTP/1.1
	expect_no_body '"Upgrade"'
	expect_no_body HTTP2-Settings

	it "a server that does not speak it, or is not there ($host)"
	get /wrong/x
	expect_status 502
	get /gone/x
	expect_status 502
	expect_reason upstream-connect
	expect_header Proxy-Status 'mgw; error=connection_refused'

	it "methods and statuses are what they are ($host)"
	for m in PUT DELETE; do
		get /auto/x -X $m
		expect_body "\"method\":\"$m\""
	done
	get /plain/x -I
	expect_status 200
	get /plain/no-content
	expect_status 204
	get /plain/status/418
	expect_status 418
	get /plain/cookies
	test "$(grep -ci '^set-cookie' "$W/head")" = 2 || wrong 'cookies'
	get /plain/redirect
	expect_status 302
	for api in auto old; do
		get /$api/x -X POST -d ''
		expect_status 200
		expect_body '"body_bytes":0'
	done

	it "large bodies go both ways ($host)"
	for api in auto plain old; do
		get /$api/echo/1 --data-binary @"$W/large" -H Expect:
		expect_status 200
		expect_body '"body_bytes":1000000'
		# lighttpd asks for a length as it is configured here.
		test $host = lighttpd || {
			get /$api/echo/1 -T - -X POST -H Expect: <"$W/large"
			expect_status 200
			expect_body '"body_bytes":1000000'
		}
		get /$api/bytes/1000000
		test "$(wc -c <"$W/body")" -eq 1000000 ||
		    wrong "$api: $(wc -c <"$W/body") bytes"
		get /$api/chunked/700000
		test "$(wc -c <"$W/body")" -eq 700000 ||
		    wrong "$api: $(wc -c <"$W/body") bytes"
	done
	: >"$W/body"

	it "an answer that breaks off does not look whole ($host)"
	for api in auto plain old; do
		for word in short-length cut-chunk; do
			get /$api/$word -m 5
			test "$CURL_CODE" -ne 0 || test "${STATUS%??}" = 5 ||
			    wrong "$api $word as whole"
		done
	done
	get /auto/silent
	expect_status 504

	it "many at once get each their own answer ($host)"
	jobs=''
	for i in 1 2 3 4 5 6; do
		for api in auto plain; do
			(
				for k in 1 2 3 4; do
					curl -s -m 20 "$URL/$api/x?$i-$k" |
					    grep -q "\"target\":\"/x?$i-$k\"" ||
					    echo "$api $i $k" >>"$W/mixed"
				done
			) &
			jobs="$jobs $!"
		done
	done
	# shellcheck disable=SC2086 # words are processes
	wait $jobs
	test ! -s "$W/mixed" || wrong "$(cat "$W/mixed")"

	it "a connection that the server ends costs no request ($host)"
	for i in 1 2 3 4 5; do
		get /short/x -d one
		expect_status 200
	done
	sleep 1.5
	get /short/x -d one
	expect_status 200
	test "$(grep -c ' /seen-once' "$W/backend.requests")" = 0
	get /short/seen-once -d one
	test "$(grep -c 'POST /seen-once' "$W/backend.requests")" -le \
	    $((1 + $(test $host = apache && echo 1 || echo 0))) ||
	    wrong 'a POST was sent twice'
	stop_$host
done

it 'an authority that is replaced is not believed any longer'
start_lighttpd
get /auto/x
expect_status 200
authority stranger
cp "$W/stranger.pem" "$W/new.pem"
mv "$W/new.pem" "$W/ours.pem"
kill -HUP "$MGW_PID"
forgotten() {
	get /auto/x
	test "$STATUS" = 502
}
wait_for 20 forgotten
expect_reason upstream-connect
expect_header Proxy-Status 'mgw; error=tls_certificate_error'
stop_lighttpd
done_testing
