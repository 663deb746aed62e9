#!/bin/sh
# mgw-throttle changes who is denied while gates run, in every process and
# at once; what cannot be read lets nobody pass.
. tests/e2e/lib.sh
start_backend
policy
RULES=$W/state/throttle.rules
T="$O/mgw-throttle"
export MGW_STATE="$W/state"

change() {
	"$T" "$@" >"$W/out" 2>&1 || wrong "mgw-throttle $*: $(cat "$W/out")"
}

ask() {
	get /things/keyed/x -H "X-API-Key: $KEY"
}

expect_denied() {
	expect_status 403
	expect_reason blocked
	expect_event '"level":"deny"'
	expect_event "\"detail\":\"denied by rule $1\""
}

start_mgw
start_lighttpd
it 'a key is denied with the next request, and allowed again'
get /things/open/x
expect_status 200
ask
expect_status 200
change deny --key e2etests --note 'internal note' --author ada
ask
expect_denied 1
expect_no_body internal
get /things/open/x
expect_status 200
change allow 1
ask
expect_status 200

it 'an address is denied before its credential is looked at'
change deny --address 127.0.0.0/8
get /things/keyed/x -H 'X-API-Key: nonsense'
expect_denied 3
get /things/open/x
expect_denied 3
change allow --address 127.0.0.0/8
get /things/open/x
expect_status 200

it 'a rule ends by itself'
change deny --application desk --until 1s
ask
expect_denied 5
sleep 1.1
ask
expect_status 200

it 'a rule of another API, owner or address denies nobody else'
change deny --subject ada --api 'Nothing/1'
change deny --subject somebody
change deny --address 192.0.2.1
ask
expect_status 200

it 'show tells rules and who made them'
"$T" show >"$W/body"
expect_body 'address=192.0.2.1'
expect_no_body 'key=e2etests'
"$T" show --json >"$W/body"
expect_body '"subject": "somebody"'
"$O/mgw-status" >"$W/body"
expect_body 'rules: 3 deny'

it 'explain and --check know of them'
"$O/mgw-spec" explain --state "$W/state" --set REMOTE_ADDR=192.0.2.1 \
    "$W/mgw.bundle" GET /things/open/x >"$W/body" && wrong 'allowed'
expect_body 'deny          blocked, denied by rule 8'
"$O/mgw" --config "$W/mgw.conf" --check >"$W/body" 2>&1
expect_body 'throttle.rules	ok	3 in force'

it 'an application gets a tier, is limited by it and is seen so'
change set --application desk --tier TwoAnHour
for want in 200 200 429 429; do
	ask
	expect_status $want
done
expect_reason quota-exceeded
expect_event '"tier":"TwoAnHour","level":"application"'
"$T" show --limited >"$W/body"
expect_body '(none) desk'
expect_body 'limited	application'
expect_no_body 'busy'
expect_no_body 'tier application'
test "$("$T" show | grep -c 'tier application=desk tier=TwoAnHour')" = 1 ||
    wrong 'the tier is not shown'
"$T" show --json >"$W/body"
expect_body '"refused": 2'

it 'a reset lets it begin anew, once'
change reset "$("$T" show --limited | sed -n 's/^limited\tapplication\t\([^\t]*\).*/\1/p')"
"$T" show --limited >"$W/body"
expect_no_body 'desk'
for want in 200 200 429; do
	ask
	expect_status $want
done
change reset --level application '(none) desk'
"$T" reset --level api '(none) desk' >/dev/null 2>&1 && wrong 'another level'
"$T" reset '(none) nobody' >/dev/null 2>&1 && wrong 'nobody'
for want in 200 200 429; do
	ask
	expect_status $want
done
change reset --all
ask
expect_status 200

it 'without its tier it is as before'
change set --application desk --tier ''
for want in 200 200 200; do
	ask
	expect_status $want
done
"$T" set --application desk --tier Nonsense >"$W/body" 2>&1 &&
    wrong 'an unknown tier was set'
expect_body 'known are'
expect_body TwoAnHour

it 'wrong use changes nothing'
cp "$RULES" "$W/before"
for args in 'deny' 'deny --note x' 'deny --address 10.0.0.1/8' 'allow 99' \
    'allow --subject nobody' 'allow' 'deny --subject a --json' 'allow x' 'set --tier Two' 'reset' \
    'set --application desk' 'reset --all x' 'show x'; do
	# shellcheck disable=SC2086 # words
	"$T" $args >/dev/null 2>&1 && wrong "$args: done"
done
cmp -s "$RULES" "$W/before" || wrong 'the file was changed'

it 'rules outlive the gate and the shared state'
stop_mgw
rm "$W/state/shared"
start_mgw
change deny --key e2etests
ask
expect_status 403
stop_mgw
start_mgw
ask
expect_status 403

it 'what is damaged lets nobody pass, and is heard of within a second'
cp "$RULES" "$W/good"
# shellcheck disable=SC2016 # $d is for sed
for how in 's/192/193/' '$d'; do
	sed "$how" "$W/good" >"$RULES"
	cmp -s "$W/good" "$RULES" && wrong "$how changes nothing"
	sleep 1.2
	get /things/open/x
	expect_status 503
	expect_reason verifier-down
done
"$T" show >/dev/null 2>&1 && wrong 'show reads it'
"$T" deny --key x >/dev/null 2>&1 && wrong 'deny adds to it'
rm "$RULES"
sleep 1.2
get /things/open/x
expect_status 503
cp "$W/good" "$RULES"
chmod 666 "$RULES"
sleep 1.2
get /things/open/x
expect_status 503
chmod 600 "$RULES"
sleep 1.2
get /things/open/x
expect_status 200

it 'a health check is no request'
: >"$RULES"
sleep 1.2
get /health
expect_status 200
cp "$W/good" "$RULES"
sleep 1.2

it 'many at once are all written'
before=$(wc -l <"$RULES")
adders=''
for i in 1 2 3 4 5 6 7 8; do
	(for k in 1 2 3 4 5; do
		"$T" deny --subject "user$i.$k" || exit 1
	done) &
	adders="$adders $!"
done
refused=0
for i in 1 2 3 4 5 6 7 8 9 10; do
	get /things/open/x
	test "$STATUS" = 200 || refused=$((refused + 1))
done
for p in $adders; do wait "$p" || wrong "an adder failed"; done
test $(($(wc -l <"$RULES") - before)) = 40 || wrong "$(wc -l <"$RULES") lines"
test $refused = 0 || wrong "$refused were refused meanwhile"
get /things/open/x
expect_status 200
stop_lighttpd
stop_mgw

# cgi: one request as CGI would make it.
cgi() {
	env -i REQUEST_METHOD=GET REQUEST_URI=/things/keyed/x \
	    SERVER_PROTOCOL=HTTP/1.1 HTTP_HOST=localhost \
	    REMOTE_ADDR=127.0.0.1 "HTTP_X_API_KEY=$KEY" \
	    "MGW_CONF=$W/mgw.conf" "$O/mgw" </dev/null >"$W/body" 2>>"$W/mgw.log"
}

it 'CGI obeys at once, too'
cgi
expect_body '"reason":"blocked"'
change allow --key e2etests
cgi
expect_body 'Status: 200'
: >"$RULES"
cgi
expect_body 'Status: 503'
done_testing
