#!/bin/sh
# Several endpoints: balanced, in order, for production and as a sandbox;
# and what one machine replaces.
. tests/e2e/lib.sh

# more NAME: another backend, at $NAME, with a log of its own.
more() {
	"$O"/tests/e2e/backend --log "$W/$1.requests" --listen tcp:127.0.0.1:0 \
	    >"$W/$1.out" 2>>"$W/backend.log" &
	PIDS="$PIDS $!"
	eval "$1_PID=$!"
	wait_for 50 test -s "$W/$1.out" || fatal "$1 does not start"
	eval "$1=http://$(sed -n 's/^listening tcp://p' "$W/$1.out")"
}
n_of() {
	grep -c " $2" "$W/$1.requests"
}
start_backend
# D is kept for what fails: an endpoint that failed is left aside a while.
for b in A B C D; do more $b; done
policy
sed -i 's|^    audiences: .things.|&\n    trust-claims: true|
    s|^apis:|&\
  pool.yaml:\
    endpoints: {urls: [{url: "'"$A"'/", weight: 3}, "'"$B"'/"]}\
    sandbox-endpoints: {urls: ["'"$C"'/"]}\
  first.yaml: {endpoints: {urls: ["'"$A"'/", "'"$B"'/"], balance: failover}}\
  same.yaml: {endpoints: {urls: ["'"$A"'/", "'"$B"'/", "'"$C"'/"], balance: hash, hash-by: "header:X-Session"}}\
  sand.yaml: {sandbox-endpoints: "'"$C"'/"}\
  slow.yaml: {endpoints: {urls: "'"$D"'/", timeouts: {between-bytes: 300ms}}}|' \
    "$W/mgw.yaml"
for name in pool first same sand slow; do
	cat >"$W/$name.yaml" <<-END
	openapi: 3.0.3
	info: {title: $name, version: '1.0'}
	servers: [{url: '/$name'}]
	components:
	  securitySchemes: {token: {type: http, scheme: bearer}}
	paths:
	  /{do}:
	    get: {operationId: get_$name, security: [], responses: {'200': {description: fine}}}
	  /{do}/{n}:
	    get: {security: [], responses: {'200': {description: fine}}}
	  /quick/{do}:
	    get:
	      security: []
	      x-mgw-timeouts: {first-byte: 300ms}
	      responses: {'200': {description: fine}}
	  /steady/{do}/{n}:
	    get:
	      security: []
	      x-mgw-timeouts: {between-bytes: 150ms}
	      responses: {'200': {description: fine}}
	  /short/{do}/{n}:
	    get:
	      security: []
	      x-mgw-timeouts: {total: 600ms}
	      responses: {'200': {description: fine}}
	  /patient/{do}/{n}:
	    get:
	      security: []
	      x-mgw-timeouts: {first-byte: 0s, total: 20s}
	      responses: {'200': {description: fine}}
	  /keyed/{do}:
	    get: {security: [{token: []}], responses: {'200': {description: fine}}}
	END
done
sed -i 's/^schemes:/&\n  token: {jwt: [https:\/\/id.example\/]}/;t' "$W/mgw.yaml"
sed -i '0,/^  token: {jwt/{/^  token: {jwt/d}' "$W/mgw.yaml"
import mgw.yaml things.yaml down.yaml pool.yaml first.yaml same.yaml \
    sand.yaml slow.yaml || fatal "$(cat "$W/import.out")"
start_mgw

for host in lighttpd apache; do
	start_$host
	it "requests are spread by weight ($host)"
	for n in 1 2 3 4 5 6 7 8; do
		get "/pool/$host-w"
		expect_status 200
	done
	test "$(n_of A "/$host-w")" -eq 6 || wrong "$(n_of A "/$host-w") of 8"
	test "$(n_of B "/$host-w")" -eq 2 || wrong "$(n_of B "/$host-w") of 8"

	it "the type of a key says where it goes ($host)"
	get "/pool/keyed/$host-p" -H "$(bearer "$(token)")"
	expect_status 200
	get "/pool/keyed/$host-p" \
	    -H "$(bearer "$(token '"keytype":"PRODUCTION"')")"
	expect_status 200
	get "/pool/keyed/$host-s" \
	    -H "$(bearer "$(token '"keytype":"SANDBOX"')")"
	expect_status 200
	test "$(n_of C "/keyed/$host-s")" -eq 1 || wrong 'not to the sandbox'
	test "$(n_of C "/keyed/$host-p")" -eq 0 || wrong 'to the sandbox'
	expect_event '"key_type":"SANDBOX"'

	it "a key without an endpoint of its type is refused ($host)"
	get "/first/keyed/$host-x" \
	    -H "$(bearer "$(token '"keytype":"SANDBOX"')")"
	expect_status 403
	expect_reason claim-refused
	get "/sand/keyed/$host-x" -H "$(bearer "$(token)")"
	expect_status 403
	expect_reason claim-refused
	get "/sand/$host-x"
	expect_status 403
	get "/pool/keyed/$host-x" \
	    -H "$(bearer "$(token '"keytype":"sandbox2"')")"
	expect_status 403
	expect_reason claim-refused
	get "/sand/keyed/$host-y" \
	    -H "$(bearer "$(token '"keytype":"SANDBOX"')")"
	expect_status 200
	! grep -q "$host-x" "$W"/?.requests || wrong 'a backend was asked'

	it "the same client meets the same backend ($host)"
	for s in 1 2 3 4 5 6 7 8; do
		get "/same/$host-h$s" -H "X-Session: s$s"
		get "/same/$host-h$s" -H "X-Session: s$s"
		expect_status 200
		for b in A B C; do
			test "$(n_of $b "/$host-h$s")" -ne 1 ||
			    wrong "$s met two"
		done
	done
	# So many that each backend has some, whatever their ports are.
	for s in $(seq 9 48); do
		get "/same/$host-h$s" -H "X-Session: s$s"
	done
	test "$(cat "$W"/?.requests | grep -c "/$host-h")" -eq 56 ||
	    wrong 'not all arrived'
	for b in A B C; do
		grep -q "/$host-h" "$W/$b.requests" || wrong "none met $b"
	done

	it "an operation has time limits of its own ($host)"
	get /pool/quick/silent --max-time 1.5
	expect_status 504
	expect_reason upstream-timeout
	get /pool/steady/trickle/400
	test "$CURL_CODE" -ne 0 || test "$STATUS" = 504 ||
	    wrong "taken as whole: $STATUS"
	get /pool/short/trickle/50 --max-time 1.8
	expect_status 504
	get /pool/patient/slow/2300
	expect_status 200
	get /pool/slow/2300
	expect_status 504

	it "an answer that stands still is ended ($host)"
	get /slow/stall
	test "$CURL_CODE" -ne 0 || test "$STATUS" = 504 ||
	    wrong "taken as whole: $STATUS"
	stop_$host
done
stop_mgw

start_lighttpd_with() {
	start_mgw "$@"
	start_lighttpd
}
it 'a machine replaces endpoints, by any of their names'
for how in "-e first.1.0.prod.endpoint.0=$C/2x" \
    "-e MGW_ENDPOINT_FIRST_0=$C/env" "-e ENDPOINT_FIRST_0=$C/short" \
    "-e $("$O"/mgw-spec env "$W/mgw.bundle" |
	sed -n 's/^\(api_[0-9a-f]*_prod_endpoint_0\)	endpoint of first.*/\1/p')=$C/3x"; do
	start_lighttpd_with "${how%% *}" "${how#* }"
	get /first/over
	expect_status 200
	expect_body "\"target\":\"/${how##*/}/over\""
	stop "$LIGHTTPD_PID"
	stop_mgw
done
it 'and adds some'
echo "endpoint first sandbox 0 $C/added" >>"$W/mgw.conf"
start_lighttpd_with
get /first/keyed/over -H "$(bearer "$(token '"keytype":"SANDBOX"')")"
expect_status 200
expect_body '"target":"/added/keyed/over"'
"$O"/mgw --check --config "$W/mgw.conf" --allow-root >"$W/body" 2>&1
expect_body "$C/added"
expect_body 'of first, sandbox'
stop_lighttpd
stop_mgw
it 'a line that names nothing is refused'
echo "endpoint nobody 0 $C" >>"$W/mgw.conf"
"$O"/mgw --check --config "$W/mgw.conf" --allow-root >"$W/body" 2>&1 &&
    wrong 'accepted'
expect_body 'no such API'
done_testing
