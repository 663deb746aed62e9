#!/bin/sh
# Requests and answers that are changed by declaration, with values that
# try to be more than values.
. tests/e2e/lib.sh
start_backend
policy
sed -i "s|^apis:|&\\
  changed.yaml:\\
    endpoints: ['$BACKEND/api?fixed=1']\\
    changes:\\
      request:\\
        headers:\\
          set: {X-Set: '\${query.q}', X-In-Copy: '\${header.X-In}'}\\
          add: {X-Added: gate}\\
          remove: [X-Debug]\\
        query: {set: {who: '\${subject}'}, remove: [debug]}\\
      response:\\
        headers:\\
          set: {X-Echo: '\${query.q}', X-Frame-Options: DENY}\\
          remove: [X-Public, Set-Cookie]\\
      operations:\\
        GET /in/{a}/{do}: {request: {path: '/out/\${path.a}.\${query.x}/\${path.do}'}}\\
        GET /claim/{do}:\\
          request:\\
            path: '/of/\${claim.team}/\${path.do}'\\
            headers: {set: {X-Team: 't \${claim.team}'}}\\
          response: {headers: {set: {X-Team: '\${claim.team}'}}}\\
        GET /long/{do}: {request: {headers: {set: {\\
          X-Long: '\${claim.team}\${claim.team}\${claim.team}'}}}}\\
        GET /list/{do}:\\
          request: {headers: {set: {X-List: '\${claim.list}'}},\\
            query: {set: {list: '\${claim.list}'}}}\\
          response: {headers: {set: {X-List: '\${claim.list}'}}}\\
        GET /old/*: {request: {path: '/new/\${rest}'}}|" "$W/mgw.yaml"
cat >"$W/changed.yaml" <<-END
	openapi: 3.0.3
	info: {title: Changed, version: '1'}
	servers: [{url: 'https://things.example/c'}]
	components:
	  securitySchemes:
	    token: {type: http, scheme: bearer}
	    query: {type: apiKey, in: query, name: key}
	paths:
	  /plain/{do}: {get: {security: [], responses: {'200': {description: fine}}}}
	  /in/{a}/{do}: {get: {security: [], responses: {'200': {description: fine}}}}
	  /keyed/{do}: {get: {security: [{query: []}], responses: {'200': {description: fine}}}}
	  /claim/{do}: {get: {security: [{token: []}], responses: {'200': {description: fine}}}}
	  /long/{do}: {get: {security: [{token: []}], responses: {'200': {description: fine}}}}
	  /list/{do}: {get: {security: [{token: []}], responses: {'200': {description: fine}}}}
	  /old/*: {get: {security: [], responses: {'200': {description: fine}}}}
END
import mgw.yaml things.yaml down.yaml changed.yaml || fatal "$(cat "$W/import.out")"
mkdir -p "$W/htdocs/cgi"
cat >"$W/htdocs/cgi/mgw.cgi" <<-END
	#!/bin/sh
	MGW_CONF="$W/cgi.conf" exec "$O/mgw"
END
printf 'bundle mgw.bundle\nstate cgi-state\nstrip-prefix /cgi\n' >"$W/cgi.conf"
cp apache/htaccess "$W/htdocs/cgi/.htaccess"
chmod 755 "$W" "$W/htdocs" "$W/htdocs/cgi" "$W/htdocs/cgi/mgw.cgi"
start_mgw

# The newest request that the backend had is this one.
sent() {
	tail -n 1 "$W/backend.requests" >"$W/last"
	grep -qF -- "$1" "$W/last" || wrong "sent: $(head -c 200 "$W/last"), not $1"
}
# team JSON: a token with it.
team() {
	bearer "$(token "\"team\":$1")"
}
untouched() {
	n=$(wc -l <"$W/backend.requests")
	"$@"
	test "$(wc -l <"$W/backend.requests")" -eq "$n" || wrong 'it was sent'
}

cases() {
	it "headers are set, added and removed ($host)"
	get "$B/c/plain/x?q=1&debug=2&a=b&%64ebug=3&who=me" -H 'X-Debug: 1' \
	    -H 'x-set: mine' -H 'X-Added: client' -H 'X-In: in' -H 'X_Set: 2'
	expect_status 200
	expect_body '"target":"/api/plain/x?fixed=1&q=1&a=b"'
	expect_body '["X-Set","1"]'
	expect_body '["X-In-Copy","in"]'
	expect_body '["X-Added","client"]'
	expect_body '["X-Added","gate"]'
	expect_no_body '"X-Debug"'
	expect_no_body mine
	expect_header X-Echo 1
	expect_header X-Frame-Options DENY

	it "what has no value is left out, and what came too ($host)"
	get "$B/c/plain/x?who=me" -H 'X-Set: mine' -H 'X-In-Copy: mine'
	expect_status 200
	expect_body '"target":"/api/plain/x?fixed=1"'
	expect_no_body '"X-Set"'
	expect_no_body mine
	expect_no_header X-Echo
	get "$B/c/plain/cookies"
	expect_status 200
	expect_no_header Set-Cookie
	get "$B/c/plain/headers"
	expect_no_header X-Public

	it "a credential stops here all the same ($host)"
	get "$B/c/keyed/x?key=$KEY&q=1&who=eve"
	expect_status 200
	expect_body '"target":"/api/keyed/x?fixed=1&q=1&who=ada"'

	it "a path is rewritten, and keeps its segments ($host)"
	get "$B/c/in/a%20b/echo?x=%C3%A4%3Fy%23%25"
	expect_status 200
	sent '/api/out/a%20b.%C3%A4%3Fy%23%25/echo?fixed=1'
	get "$B/c/old/a/b%C3%A4/?x=1"
	expect_status 200
	sent '/api/new/a/b%C3%A4/?fixed=1&x=1'

	it "no value of a query leads out of its segment ($host)"
	for x in '%2F' 'a%2Fb' '..%2F..%2F' '%5C' '%00' '%0d%0aHost:%20evil' \
	    '%252e%252e' '%252F' '%FF' '%C0%AE' '' 'a&x=b'; do
		untouched get "$B/c/in/a/x?x=$x"
		expect_status 400
	done
	for x in '..;' '.;a'; do
		untouched get "$B/c/in/./x?x=$x"
		expect_status 400
	done

	it "no claim leads out of its segment ($host)"
	for c in '".."' '"."' '"a/b"' '"../admin"' '"..;x"' '"a\\b"' \
	    '"%2e%2e"' '"%2Fadmin"' '"a\r\nX-Evil: 1"' '"a\u0001"' '""' \
	    null '{"a":1}' '[]' '["..",""]' '"http://evil.example/"'; do
		untouched get "$B/c/claim/x" -H "$(team "$c")"
		case $STATUS in
		400 | 401) ;; # some are no claim at all
		*) wrong "status $STATUS for $c" ;;
		esac
	done
	untouched get "$B/c/claim/x" -H "$(bearer "$(token)")"
	expect_status 400
	expect_reason bad-request
	get "$B/c/claim/x" -H "$(team '"//evil"')"
	expect_status 400
	get "$B/c/claim/x" -H "$(team '"a?b#c d%20"')"
	expect_status 200
	expect_body '"target":"/api/of/a%3Fb%23c%20d%2520/x?fixed=1&who=ada"'
	expect_body '["X-Team","t a?b#c d%2520"]'
	expect_header X-Team 'a\?b#c d%2520'

	it "no value makes a second header ($host)"
	get "$B/c/plain/x?q=a%0d%0aX-Evil:%201%0aX-Evil:%202%00%C3%A4"
	expect_status 200
	expect_body '["X-Set","a%0D%0AX-Evil: 1%0AX-Evil: 2%00%C3%A4"]'
	expect_no_header X-Evil
	expect_header X-Echo 'a%0D%0AX-Evil: 1%0AX-Evil: 2%00%C3%A4'
	get "$B/c/list/x" -H "$(bearer "$(token '"list":["a,b","c\r\nX-Evil: 1",2]')")"
	case $STATUS in
	200)
		expect_header X-List 'a%2Cb,c%0D%0AX-Evil: 1,2'
		expect_body '["X-List","a%2Cb,c%0D%0AX-Evil: 1,2"]'
		expect_body 'list=a%2Cb,c%0D%0AX-Evil%3A%201,2'
		expect_no_header X-Evil
		;;
	*) wrong "status $STATUS" ;;
	esac

	it "what is too long is refused ($host)"
	untouched get "$B/c/long/x" -H "$(team "\"$LONG\"")"
	expect_status 431
	expect_reason headers-too-large
	get "$B/c/long/x" -H "$(team '"%"')"
	expect_body '["X-Long","%25%25%25"]'
	get "$B/c/plain/x?q=1&q=2"
	expect_status 400
	expect_reason bad-request
	EVENTS=$W/state/events.log
}

LONG=$(head -c 2500 /dev/zero | tr '\0' '%')
on_each_host cases
done_testing
