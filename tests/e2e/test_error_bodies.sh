#!/bin/sh
# Refusals with bodies of the policy's own: only the body and its type are
# the policy's, whatever the web server.
# shellcheck disable=SC2016 # values of the policy, not of the shell
. tests/e2e/lib.sh
start_backend
policy
cat >>"$W/mgw.yaml" <<-'END'
	errors:
	  format: wso2
	  bodies:
	    404: {type: text/html, body: '<p title="${reason}">${request-id}</p>'}
END
sed -i 's|^  things.yaml: .*|&|; s|^  down.yaml: {|&errors: {bodies: {\
    502: {type: text/plain, body: "${title}: ${detail}"}}}, |
    s|^  things.yaml: {|&cors: {origins: [https://app.example]}, errors: {format: problem, bodies: {\
    credential-missing: {body: '"'"'{"no": "${reason}", "id": "${request-id}", "at": ${status}}'"'"'},\
    405: {type: application/vnd.x+xml, body: '"'"'<no>${title}</no>'"'"'},\
    429: {type: text/plain, body: later}}}, |' "$W/mgw.yaml"
import || fatal "$(cat "$W/import.out")"
mkdir -p "$W/htdocs/cgi"
cat >"$W/htdocs/cgi/mgw.cgi" <<-END
	#!/bin/sh
	MGW_CONF="$W/cgi.conf" exec "$O/mgw"
END
printf 'bundle mgw.bundle\nstate cgi-state\nstrip-prefix /cgi\n' >"$W/cgi.conf"
cp apache/htaccess "$W/htdocs/cgi/.htaccess"
chmod 755 "$W" "$W/htdocs" "$W/htdocs/cgi" "$W/htdocs/cgi/mgw.cgi"
start_mgw

# What every refusal has; and its length is that of its body.
refused() {
	expect_status "$1"
	expect_header Cache-Control '*no-store*'
	expect_header X-Content-Type-Options nosniff
	expect_header X-Request-Id '????????????????????????????????'
	expect_header Content-Type "$2"
	expect_no_body fault
}

cases() {
	it "a reason's body is its own, and the rest stays ($host)"
	get "$B/things/secret/x" -H 'Origin: https://app.example'
	refused 401 application/json
	expect_header WWW-Authenticate 'Bearer*'
	expect_header Access-Control-Allow-Origin https://app.example
	grep -qE '^\{"no": "credential-missing", "id": "[0-9a-f]{32}", "at": 401\}$' \
	    "$W/body" || wrong 'another body'
	expect_body "$(header X-Request-Id)"
	get "$B/things/secret/x" -I
	refused 401 application/json
	get "$B/things/open/x" -X PATCH
	refused 405 application/vnd.x+xml
	expect_header Allow '*GET*'
	expect_body '<no>Method not allowed</no>'

	it "what has no body of its own has the usual one ($host)"
	get "$B/things/secret/x" -H 'Authorization: Bearer x'
	expect_status 401
	expect_header Content-Type application/problem+json
	expect_reason token-malformed

	it "an unknown path has the body of all ($host)"
	for path in /things/none/at/all /none '/none/<script>'; do
		get "$B$path"
		refused 404 'text/html*'
		expect_body '<p title="no-route">'
		expect_no_body script
	done

	it "a limit keeps its headers ($host)"
	for n in 1 2 3; do get "$B/things/rated/x"; done
	refused 429 'text/plain*'
	expect_header Retry-After '[1-9]*'
	expect_header RateLimit '?*'
	expect_body later

	it "a backend that is gone ($host)"
	get "$B/down/x"
	refused 502 'text/plain*'
	expect_header Proxy-Status 'mgw; error=*'
	expect_body 'Backend not reachable: backend not reachable'

	it "no answer of a backend is touched ($host)"
	get "$B/things/open/status/404"
	expect_status 404
	expect_no_body title
	EVENTS=$W/state/events.log
}

on_each_host cases
done_testing
