#!/bin/sh
# Clients and backends that try to break what must never happen.
. tests/e2e/lib.sh
start_backend
policy
start_mgw

# What the backend saw of a header, as its echo tells.
expect_seen() {
	expect_body "[\"$1\",\"$2\"]"
}

for host in lighttpd apache; do
	start_$host

	it "a client's Content_Length makes no second request ($host)"
	printf '%s\r\n' 'POST /things/open/x HTTP/1.1' 'Host: a' \
	    'Content_Length: 5' 'Content-Length: 60' 'Connection: close' '' \
	    'helloGET /things/smuggled HTTP/1.1
Host: a

aaaaaaaaaaaaaaaaaaaaaaaaa' >"$W/raw"
	raw <"$W/raw"
	case $STATUS in
	400) ;;
	200) expect_body '"body_bytes":60' ;;
	*) wrong "status $STATUS" ;;
	esac
	! grep -q 'GET .*smuggled' "$W/backend.requests" || wrong 'smuggled'

	it "an upload that nobody reads forges no request ($host)"
	# A FastCGI request as a body: begin, two parameters, no stdin.
	perl -e 'my $r = pack("CCnnCC", 1, 1, 1, 8, 0, 0) .
	    pack("nCx5", 1, 1); my $p = "\x0e\x03REQUEST_METHODGET" .
	    "\x0b\x09REQUEST_URI/forged/1"; $r .= pack("CCnnCC", 1, 4, 1,
	    length $p, 0, 0) . $p . pack("CCnnCC", 1, 4, 1, 0, 0, 0) .
	    pack("CCnnCC", 1, 5, 1, 0, 0, 0); print $r x 400' >"$W/forged"
	for pad in '' a aa aaa aaaa aaaaa aaaaaa aaaaaaa; do
		get "/things/little/x?$pad" --data-binary @"$W/forged" \
		    -H Expect:
		get "/things/open/x?$pad"
		expect_status 200
	done
	! grep -q forged "$W/state/events.log" || wrong 'a forged request ran'

	it "identity, override and framing headers do not get by ($host)"
	get /things/open/x -H 'X-HTTP-Method-Override: DELETE' \
	    -H 'X-Method-Override: DELETE' -H 'X-Original-URL: /admin' \
	    -H 'X-Rewrite-URL: /admin' -H 'X-Forwarded-Prefix: /admin' \
	    -H 'X-Mgw-Subject: root' -H 'Proxy: http://evil/' \
	    -H 'TE: trailers' -H 'Keep-Alive: 1' -H 'X-Fine: 1'
	expect_status 200
	expect_no_body '/admin'
	expect_no_body 'DELETE'
	expect_no_body 'root'
	expect_no_body 'evil'
	expect_seen X-Fine 1

	it "a query name like a method override stays a query ($host)"
	get '/things/open/x?_method=DELETE'
	expect_body '"method":"GET"'

	it "what Connection names is no way to drop a header ($host)"
	get /things/secret/x -H "$(bearer "$(token)")" \
	    -H 'Connection: Authorization'
	expect_status 400
	expect_reason bad-request

	it "an absolute URI of another host is refused ($host)"
	printf '%s\r\n' 'GET http://evil.example/things/open/x HTTP/1.1' \
	    'Host: evil2.example' 'Connection: close' '' >"$W/raw"
	raw <"$W/raw"
	test "$STATUS" = 400 || test "$STATUS" = 200 ||
	    wrong "status $STATUS"

	for path in /things/lock%65d /things/open/%2e%2e/secret/x \
	    /things/open/x%00 /things/open/%c0%ae /things/open/a%5Cb \
	    '/things/open/..;/secret/x' '/things/open/x%zz' \
	    '/things/open/x%0a'; do
		it "$path reaches nothing ($host)"
		get "$path"
		case $STATUS in
		400 | 404) ;;
		*) wrong "status $STATUS" ;;
		esac
	done

	it "%63 is the letter c, decided on and sent on ($host)"
	get '/things/se%63ret/x'
	expect_status 401
	get '/things/%6fpen/%78'
	expect_body '"target":"/open/x"'

	it "a backend's steering headers stay here ($host)"
	get /things/open/headers
	expect_status 200
	for h in Status X-Sendfile X-LIGHTTPD-send-file X-Accel-Redirect \
	    Variable-REMOTE_USER Script-Control X-Private Upgrade \
	    Proxy-Authenticate Trailer; do
		expect_no_header $h
	done
	expect_header X-Public 1
	expect_no_body 'root:'

	it "200 with Location is no redirect and no file ($host)"
	echo secret-file >"$W/htdocs/secret.txt"
	get /things/open/location-only
	expect_no_body secret-file
	expect_no_header Location

	it "201 and 302 keep their Location ($host)"
	get /things/open/created
	expect_status 201
	expect_header Location '*/things/7'
	get /things/open/redirect
	expect_status 302

	for word in garbage status-999 switch bare-lf folded space-colon nul \
	    odd-length length-and-chunked coding half-head close; do
		it "an answer that is $word is a 502 ($host)"
		get "/things/open/$word"
		expect_status 502
		expect_reason upstream-broken
	done

	for word in short-length bad-chunk huge-chunk cut-chunk; do
		it "an answer that is $word does not look whole ($host)"
		get "/things/open/$word"
		test "$CURL_CODE" -ne 0 || test "$STATUS" = 502 ||
		    wrong "curl took it as whole, status $STATUS"
	done

	it "the rest of one answer is not the next one's ($host)"
	for n in 1 2 3 4 5 6; do
		get /things/open/twice
		expect_no_body forged
		get /things/open/long-length
		get /things/open/x
		expect_status 200
		expect_body '"target":"/open/x"'
	done

	it "an answer to a credential is private to caches ($host)"
	get /things/secret/cache-age -H "$(bearer "$(token)")"
	expect_status 200
	expect_header Cache-Control '*private*'

	it "an answer that the backend calls public is private too ($host)"
	get /things/secret/cache-public -H "$(bearer "$(token)")"
	expect_status 200
	expect_header Cache-Control 'private, max-age=60'

	it "control bytes do not reach the logs ($host)"
	get '/things/open/x' -H "User-Agent: a$(printf '\033[31m')b"
	! grep -q "$(printf '\033')" "$W/state/events.log" "$W/mgw.log" ||
	    wrong 'an escape in a log'

	it "no token and no key is in a log or in the bundle ($host)"
	get "/things/keyed/x?key=$KEY"
	get /things/secret/x -H "$(bearer "$(token)")"
	secret=${KEY#mgw_e2etests_}
	! grep -rqF -- "$secret" "$W/state" "$W/mgw.log" "$W/mgw.bundle" ||
	    wrong 'the key is in a file'
	! grep -q eyJ "$W/state/events.log" "$W/mgw.log" ||
	    wrong 'a token is in a file'
	stop_$host
done
done_testing
