#!/bin/sh
# An outbound proxy where the policy names one, and never from the
# environment; and names that lead to this machine, with it and without.
. tests/e2e/lib.sh

authority ours
cert inner ours DNS:inner.example
start_backend
plain=${BACKEND##*:}
"$O"/tests/e2e/backend --log "$W/tls.requests" --tls "$W/inner.pem" \
    "$W/inner.key" --listen tcp:127.0.0.1:0 >"$W/tls.out" 2>>"$W/backend.log" &
PIDS="$PIDS $!"
# start_proxy NAME [LOGIN]: its port is in $W/NAME.out.
start_proxy() {
	tests/e2e/proxy.pl "$W/$1.asked" ${2:+"$2"} >"$W/$1.out" 2>"$W/$1.log" &
	PIDS="$PIDS $!"
	: >"$W/$1.asked"
	wait_for 50 test -s "$W/$1.out" || fatal "$1 does not start"
}
start_proxy open
start_proxy closed gate:pro:xy
wait_for 50 test -s "$W/tls.out" || fatal 'the TLS backend does not start'
tls=$(sed 's/.*://' "$W/tls.out")
open=http://127.0.0.1:$(cat "$W/open.out")
closed=http://127.0.0.1:$(cat "$W/closed.out")
policy
ALL=''
# api NAME SERVER [ENTRY OF apis]
api() {
	cat >"$W/$1.yaml" <<-END
	openapi: 3.0.3
	info: {title: $1, version: '1'}
	servers: [{url: '$2/$1'}]
	paths:
	  /{do}:
	    get: {security: [], responses: {'200': {description: fine}}}
	  /{do}/{n}:
	    get: {security: [], responses: {'200': {description: fine}}}
	    post: {security: [], responses: {'200': {description: fine}}}
	END
	test -z "${3:-}" || sed -i "s#^apis:#&\n  $1.yaml: {$3}#" "$W/mgw.yaml"
	ALL="$ALL $1.yaml"
}
here=https://things.example
api plain $here "endpoints: {urls: ['http://inner.example:$plain/'], proxy: $open}"
api tls $here "endpoints: {urls: ['https://inner.example:$tls/'], tls: {ca-file: ours.pem}, proxy: {url: $closed, user: gate, password: '\${env:TEST_PROXY}'}, credential: {basic: {user: a, password: '\${env:TEST_BACKEND}'}}}"
api wrong $here "endpoints: {urls: ['https://inner.example:$tls/'], tls: {ca-file: ours.pem}, proxy: $closed}"
api direct $here "endpoints: ['$BACKEND/']"
api except $here "endpoints: {urls: ['http://a.internal.example:$plain/'], proxy: {url: $open, except: [.internal.example]}}"
api other $here "endpoints: {urls: ['https://inner.example:$tls/'], tls: {ca-file: ours.pem, name: inner.example}, proxy: $open}"
# Named by documents; the rest of the way is the policy's.
api literal https://192.0.2.9:1 "backends: {proxy: $open}"
api rebound "http://rebound.example:$plain" "backends: {proxy: $open}"
api rebounddirect "http://rebound.example:$plain"
echo "backends: {proxy: off}" >>"$W/mgw.yaml"
export TEST_PROXY=pro:xy TEST_BACKEND=backend-secret
# shellcheck disable=SC2086 # words are files
import mgw.yaml things.yaml down.yaml $ALL || fatal "$(cat "$W/import.out")"

it 'what is checked and shown'
"$O"/mgw --config "$W/mgw.conf" --check >"$W/body" 2>&1 ||
    wrong 'the check fails'
expect_body "through $open"
expect_no_body pro:xy
"$O"/mgw-spec show "$W/mgw.bundle" >"$W/body"
expect_body "\"proxy\": \"$open\""

# The environment is full of proxies, which nobody asks.
http_proxy=http://127.0.0.1:1 https_proxy=$http_proxy
ALL_PROXY=$http_proxy all_proxy=$http_proxy HTTP_PROXY=$http_proxy
HTTPS_PROXY=$http_proxy
export http_proxy https_proxy ALL_PROXY all_proxy HTTP_PROXY HTTPS_PROXY
cat >"$W/hosts" <<END
127.0.0.1 localhost rebound.example a.internal.example
END
cat >"$W/hosted.sh" <<END
mount --bind "$W/hosts" /etc/hosts &&
    exec "$O/mgw" --config "$W/mgw.conf" --listen "unix:$W/mgw.sock"
END
SOCKET=$W/mgw.sock
unshare -c --keep-caps -m sh "$W/hosted.sh" 2>>"$W/mgw.log" &
MGW_PID=$!
PIDS="$PIDS $MGW_PID"
hosted=1
wait_for 30 test -S "$SOCKET" || { hosted=0 && start_mgw; }
unset http_proxy https_proxy ALL_PROXY all_proxy HTTP_PROXY HTTPS_PROXY

for host in lighttpd apache; do
	start_$host
	it "a request goes through the proxy, which does not see it ($host)"
	get /plain/x
	expect_status 200
	expect_body "\"inner.example:$plain\""
	grep -q "^CONNECT inner.example:$plain " "$W/open.asked" ||
	    wrong "$(cat "$W/open.asked")"
	get /plain/x
	test "$(grep -c "^CONNECT inner.example:$plain " "$W/open.asked")" = 1 ||
	    wrong 'the tunnel is not used again'

	it "TLS goes through, with the name that it must have ($host)"
	get /tls/x
	expect_status 200
	expect_body '"tls":true'
	expect_body '"Authorization","Basic YTpiYWNrZW5kLXNlY3JldA=="'
	expect_no_body Proxy-
	grep -q "^CONNECT inner.example:$tls .* Basic $(printf gate:pro:xy | base64)" \
	    "$W/closed.asked" || wrong "$(cat "$W/closed.asked")"
	! grep -q SECRETS "$W/closed.asked" || wrong 'the proxy gets more'
	get /other/x
	expect_status 200
	head -c 300000 /dev/urandom >"$W/large"
	get /tls/echo/1 --data-binary @"$W/large" -H Expect:
	expect_body '"body_bytes":300000'

	it "a proxy that does not let us through is told as such ($host)"
	get /wrong/x
	expect_status 502
	expect_reason upstream-connect
	expect_header Proxy-Status 'mgw; error=proxy_configuration_error'
	get /literal/x
	expect_status 502
	grep -q '^CONNECT 192.0.2.9:1 ' "$W/open.asked" ||
	    wrong "$(cat "$W/open.asked")"

	it "neither the environment nor an exception leads to a proxy ($host)"
	get /direct/x
	expect_status 200
	if [ $hosted -eq 0 ]; then
		skip 'may not mount'
	else
		get /except/x
		expect_status 200
		! grep -q internal "$W/open.asked" || wrong 'it does'
		it "a name of a document does not lead to this machine ($host)"
		for api in rebound rebounddirect; do
			get /$api/sent
			expect_status 502
			expect_header Proxy-Status \
			    'mgw; error=destination_ip_prohibited'
		done
		! grep -q rebound "$W/open.asked" || wrong 'the proxy is asked'
		! grep -q sent "$W/backend.requests" || wrong 'it was sent'
	fi
	stop_$host
done

# refuse NAME TEXT MESSAGE: a policy that is not imported.
refuse() {
	it "refused: $1"
	sed "s#^backends: .*#backends: {proxy: $2}#" "$W/mgw.yaml" >"$W/try.yaml"
	# shellcheck disable=SC2086 # words are files
	! import try.yaml things.yaml down.yaml $ALL || wrong 'it is imported'
	cp "$W/import.out" "$W/body"
	expect_body "$3"
}
refuse 'a proxy over TLS' https://proxy.example:1 'http://HOST:PORT'
refuse 'a password in its URL' http://a:b@proxy.example:1 'error: proxy'
refuse 'a password in the policy' \
    '{url: http://a.example, user: a, password: b}' 'secret-inline'
refuse 'a user without a password' '{url: http://a.example, user: a}' \
    'both user'
done_testing
