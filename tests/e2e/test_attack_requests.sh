#!/bin/sh
# Clients that try to get to an operation by another name for it, or to
# have the backend see what was not decided on.
. tests/e2e/lib.sh
start_backend
policy
start_mgw

# The backend was asked for nothing below /secret.
no_secret() {
	! cut -d' ' -f2 "$W/backend.requests" | cut -d'?' -f1 |
	    grep -qi secret || wrong "the backend was asked for: $(grep -i secret "$W/backend.requests")"
	: >"$W/backend.requests"
}

# seen NAME: the value of a header as the backend saw it, every time.
seen() {
	grep -oi "\[\"$1\",\"[^\"]*\"\]" "$W/body" | cut -d'"' -f4
}

expect_seen() {
	test "$(seen "$1" | tr '\n' '|')" = "${2:+$2|}" ||
	    wrong "the backend saw $1: $(seen "$1" | tr '\n' '|')"
}

# send LINE...: as they are, one request; the rest of the arguments.
send() {
	printf '%s\r\n' "$@" 'Connection: close' '' >"$W/raw"
	raw <"$W/raw"
}

for host in lighttpd apache; do
	start_$host
	: >"$W/backend.requests"

	it "no spelling of a path leads to a secret ($host)"
	for path in /things/./secret/x /things/open/../secret/x \
	    /things/open/%2e%2e/secret/x /things/open/.%2E/secret/x \
	    //things/secret/x /things//secret/x /things/secret//x \
	    /things/%73ecret/x /things/%73%65%63%72%65%74/x \
	    /things/secret%2fx /things/secret%2Fx /things%2fsecret%2fx \
	    '/things/secret/x;a=b' '/things/secret/;/x' \
	    '/things/secret;a=b/x' '/things;a/secret/x' \
	    /things/secret/x%00 /things/secret/x%00.json \
	    /things/secret/x%20 /things/secret/%20x /things/secret/x%0a \
	    /things/secret/x%0d%0a /things/secret/x%09 \
	    '/things/open/x\..\..\secret\x' '/things\secret\x' \
	    /things/open/x%5c..%5c..%5csecret%5cx \
	    /things/open/x%2f..%2f..%2fsecret%2fx \
	    /things/open/%252e%252e/secret/x \
	    /things/open/x%252f..%252f..%252fsecret%252fx \
	    /things/open/%c0%ae%c0%ae/secret/x \
	    /things/open/%e0%80%ae%e0%80%ae/secret/x \
	    /things/open/%c0%af..%c0%afsecret/x \
	    '/things/open/..;/secret/x' '/things/open/..;a=b/secret/x' \
	    '/things/open/.;/../secret/x' /things/open/%u002e%u002e/secret/x \
	    /things/open/%2e/secret/x /things/secret/%2e/x \
	    '/things/open/x%23/../../secret/x' \
	    '/things/open/x%3f/../../secret/x' \
	    '/things/open/%ed%a0%80/x' '/things/open/%f8%80%80%80%80/x' \
	    /things/secret/x/ /things/secret/x. /things/secret/x%2e; do
		get "$path"
		test "$STATUS" -ge 400 || wrong "$path: $STATUS"
		test "$STATUS" -lt 500 || wrong "$path: $STATUS"
	done
	no_secret

	it "a fragment is refused ($host)"
	send 'GET /things/open/x#/../../secret/x HTTP/1.1' 'Host: a'
	expect_status 400
	no_secret

	it "a name in another case is another path ($host)"
	for path in /things/Secret/x /THINGS/secret/x /things/SECRET/x; do
		get "$path"
		expect_status 404
	done
	no_secret

	it "a query is no path ($host)"
	get '/things/open/x?/../../secret/x'
	expect_status 200
	expect_body '"target":"/open/x?/../../secret/x"'
	get '/things/open/x?a=/secret/x%2f..%00'
	test "$STATUS" = 200 || test "$STATUS" = 400 || wrong "$STATUS"
	no_secret

	it "no method goes around the check ($host)"
	for method in HEAD get Get GETX PROPFIND TRACE TRACK PUT PATCH DELETE \
	    PRI SEARCH; do
		set -- -X "$method"
		test "$method" != HEAD || set -- --head
		get /things/secret/x --max-time 5 "$@"
		test "${STATUS%%:*}" != 200 || wrong "$method: $STATUS"
	done
	get /things/secret/x -X OPTIONS -H 'Origin: http://evil' \
	    -H 'Access-Control-Request-Method: GET'
	expect_status 204
	no_secret

	it "an absolute URI is the same request, or none ($host)"
	send 'GET http://a/things/secret/x HTTP/1.1' 'Host: a'
	test "$STATUS" = 401 || test "$STATUS" = 400 || wrong "$STATUS"
	send 'GET HTTP://A/things/secret/x HTTP/1.1' 'Host: a'
	test "$STATUS" -ge 400 || wrong "$STATUS"
	send 'GET http://a@b/things/secret/x HTTP/1.1' 'Host: b'
	test "$STATUS" -ge 400 || wrong "$STATUS"
	send 'GET ftp://a/things/open/x HTTP/1.1' 'Host: a'
	test "$STATUS" -ge 400 || wrong "$STATUS"
	send 'GET http://a HTTP/1.1' 'Host: a'
	test "$STATUS" -ge 400 || wrong "$STATUS"
	send 'GET things/secret/x HTTP/1.1' 'Host: a'
	test "$STATUS" -ge 400 || wrong "$STATUS"
	no_secret

	it "who may poses as whom reaches no backend ($host)"
	for name in X-Mgw-Subject X_Mgw_Subject X.Mgw.Subject \
	    x-mgw-subject X-MGW_SUBJECT X-Mgw-Scopes X-Mgw-Anything \
	    X-WSO2-User X-JWT-Assertion X_JWT_Assertion; do
		get /things/open/x -H "$name: root"
		expect_no_body root
	done

	it "an identity is the credential's, whatever the client says ($host)"
	get /things/secret/x -H "$(bearer "$(token)")" \
	    -H 'X-Mgw-Subject: root' -H 'X_Mgw_Issuer: root' \
	    -H 'X.Mgw.Application: root'
	case $STATUS in
	200) expect_seen X-Mgw-Subject ada ;;
	400) ;;
	*) wrong "$STATUS" ;;
	esac
	expect_no_body root

	it "addresses that a client claims reach no backend ($host)"
	get /things/open/x -H 'X-Forwarded-For: 6.6.6.6' \
	    -H 'Forwarded: for=6.6.6.6' -H 'X-Real-IP: 6.6.6.6' \
	    -H 'X-Client-IP: 6.6.6.6' -H 'True-Client-IP: 6.6.6.6' \
	    -H 'CF-Connecting-IP: 6.6.6.6' -H 'X-Forwarded-Host: 6.6.6.6' \
	    -H 'X-Cluster-Client-IP: 6.6.6.6' -H 'X-Original-Host: 6.6.6.6' \
	    -H 'X-Forwarded-Proto: 6.6.6.6' -H 'X-Forwarded-Port: 6.6.6.6' \
	    -H 'X-Request-Id: 6.6.6.6'
	expect_status 200
	expect_no_body 6.6.6.6
	expect_seen X-Forwarded-For 127.0.0.1

	it "certificates that a client claims reach no backend ($host)"
	get /things/open/x -H 'Client-Cert: :bm9uZQ==:' \
	    -H 'Client-Cert-Chain: :bm9uZQ==:' \
	    -H 'X-SSL-Client-Verify: SUCCESS' -H 'SSL-Client-S-DN: CN=root' \
	    -H 'X-Client-Cert: bm9uZQ==' -H 'X-SSL-Cert: bm9uZQ=='
	expect_status 200
	expect_no_body bm9uZQ
	expect_no_body SUCCESS
	expect_no_body CN=root

	it "Connection hides nothing that mgw writes or decided on ($host)"
	for name in Host Content-Length Content-Type X-Mgw-Subject \
	    X-Forwarded-For X-Request-Id Via Cookie Authorization; do
		get /things/secret/x -X POST -d hello \
		    -H "$(bearer "$(token)")" -H 'Cookie: c=1' \
		    -H "Connection: close, $name"
		test "$STATUS" != 400 || continue
		expect_status 200
		expect_body '"body_bytes":5'
		expect_seen Content-Length 5
		expect_seen X-Mgw-Subject ada
		expect_seen X-Forwarded-For 127.0.0.1
		expect_seen Cookie c=1
		expect_seen Content-Type application/x-www-form-urlencoded
	done

	it "a header in two spellings is refused or one ($host)"
	send 'GET /things/keyed/x HTTP/1.1' 'Host: a' "X-API-Key: $KEY" \
	    'X_API_Key: other' 'X.API.Key: third'
	test "$STATUS" = 400 || test "$host $STATUS" = 'apache 200' ||
	    wrong "$STATUS"
	expect_no_body "$KEY"
	expect_no_body other
	send 'GET /things/open/x HTTP/1.1' 'Host: a' 'X-Forwarded-For: 1.1.1.1' \
	    'X_Forwarded_For: 2.2.2.2'
	test "$STATUS" = 400 || test "$host $STATUS" = 'apache 200' ||
	    wrong "$STATUS"

	it "two lengths, two codings, two types are refused ($host)"
	for more in 'Content_Length: 5' 'Content.Length: 5' \
	    'Transfer_Encoding: chunked' 'Transfer.Encoding: chunked' \
	    'Content_Type: text/evil' 'Content-Length: 6' \
	    'Transfer-Encoding: chunked, identity' \
	    'Transfer-Encoding: xchunked' 'Content-Length: +7'; do
		: >"$W/backend.requests"
		printf '%s\r\n' 'POST /things/open/x HTTP/1.1' 'Host: a' \
		    'Content-Type: text/plain' 'Content-Length: 47' "$more" \
		    'Connection: close' '' '0' '' \
		    'GET /things/smuggled HTTP/1.1' 'Host: a' '' >"$W/raw"
		raw <"$W/raw"
		case ${STATUS:-closed} in
		4?? | 501 | closed) ;;
		200) expect_no_body evil ;;
		*) wrong "$more: $STATUS" ;;
		esac
		! grep -q smuggled "$W/backend.requests" ||
		    wrong "$more: smuggled"
		test "$(grep -c . "$W/backend.requests")" -le 1 ||
		    wrong "$more: two requests"
	done

	it "one key twice is none ($host)"
	for query in "key=$KEY&key=x" "key=x&key=$KEY" "%6bey=$KEY&key=x" \
	    "key=$KEY&ke%79=$KEY" "key=&key=$KEY"; do
		get "/things/keyed/x?$query"
		expect_status 400
		expect_reason credential-duplicate
	done
	get /things/keyed/x -b "key=$KEY; key=x"
	expect_status 400
	get /things/keyed/x -H "Cookie: key=$KEY" -H 'Cookie: key=x'
	expect_status 400
	get /things/keyed/x -H "X-API-Key: $KEY" -H 'X-API-Key: x'
	expect_status 400
	get /things/keyed/x -H "X-API-Key: $KEY,$KEY"
	expect_status 400

	it "a key goes no further, however it came ($host)"
	for query in "key=$KEY" "a=1&key=$KEY" "%6b%65%79=$KEY" "&&key=$KEY&" \
	    "key=$KEY&KEY=1"; do
		get "/things/keyed/x?$query"
		expect_status 200
		expect_no_body "$KEY"
	done
	for cookie in "key=$KEY" "a=1; key=$KEY; b=2" "a=1;key=$KEY" \
	    "a=1, key=$KEY" "a=1,key=$KEY; b=2" "key=\"$KEY\"" \
	    " key = $KEY "; do
		get /things/keyed/x -H "Cookie: $cookie"
		expect_no_body "$KEY"
	done
	get /things/keyed/x -H "Cookie: key=$KEY" -H 'Cookie: a=1'
	expect_no_body "$KEY"
	get /things/keyed/x -H 'Cookie: a=1' -H "Cookie: key=$KEY"
	expect_no_body "$KEY"

	it "a wrong key beside a right one goes no further either ($host)"
	get "/things/keyed/x?key=otherkey" -H "X-API-Key: $KEY" \
	    -b 'key=otherkey'
	expect_no_body otherkey

	it "claims cannot write headers ($host)"
	get /things/secret/x \
	    -H "$(bearer "$(token '"sub":"ada\r\nX-Evil: 1"')")"
	expect_status 401
	expect_reason token-malformed
	get /things/secret/x \
	    -H "$(bearer "$(token '"sub":"\u00e4da %41, X: 1"')")"
	expect_status 200
	expect_seen X-Mgw-Subject '%C3%A4da%20%2541,%20X:%201'
	stop_$host
done
done_testing
