#!/bin/sh
# Applications that WSO2's API Manager has, from a stand-in for its internal
# data API: fetched, kept, polled, down, damaged and lying.
. tests/e2e/lib.sh
start_backend
policy
start_issuer

cat >"$W/apps.yaml" <<'END'
openapi: 3.0.3
info: {title: Apps, version: 1.0.0}
servers: [{url: https://apps.example/apps}]
components:
  securitySchemes:
    token: {type: http, scheme: bearer}
paths:
  /token/{do}:
    get:
      security: [{token: []}]
      responses: {'200': {description: fine}}
END
cat >"$W/apps-mgw.yaml" <<END
issuers:
  - issuer: https://id.example/
    keys: {file: keys.jwks.json}
    audiences: [things]
applications:
  wso2:
    url: $ISSUER/data/v1
    username: admin
    password: \${file:apim.password}
    key-managers: {Default: 'https://id.example/', Other: 'https://two.example/'}
    poll: 1s
    max-age: 4s
    timeout: 2s
  subscriptions: required
tiers:
  Two: {limit: 2, per: 1h, algorithm: window}
unknown-tier: Two
apis:
  apps.yaml: {endpoints: ['$BACKEND/'], sandbox-endpoints: ['$BACKEND/sandbox/']}
failures: off
END
printf 'pass word' >"$W/apim.password"

# documents STATE-OF-SUBSCRIPTION: what the API Manager has now.
D=$W/issuer/data/v1
mkdir -p "$D"
documents() {
	cat >"$D/apis" <<-'END'
	{"count":2,"list":[
	{"apiId":1,"provider":"admin","name":"Apps","version":"1.0.0","context":"/apps/1.0.0","urlMappings":[{"httpMethod":"GET","scopes":[]}]},
	{"apiId":2,"provider":"admin","name":"Bad\nname","version":"1","context":"/b"}]}
	END
	cat >"$D/applications" <<-'END'
	{"list":[
	{"uuid":null,"id":2,"name":"newAPP","subName":"admin","policy":"Unlimited","tokenType":"OAUTH","groupIds":[],"attributes":{}},
	{"uuid":"u-3","id":3,"name":"two\r\nX-Evil: 1","subName":"eve","policy":"Two","groupIds":[],"attributes":{"a":[1,2]}},
	{"uuid":null,"id":4,"name":"none","subName":"eve","policy":null},
	{"uuid":null,"id":5,"name":"held","subName":"eve","policy":"Unlimited"}]}
	END
	cat >"$D/application-key-mappings" <<-'END'
	[{"consumerKey":"prod","keyType":"PRODUCTION","applicationId":2,"keyManager":"Default"},
	{"consumerKey":"sand","keyType":"SANDBOX","applicationId":2,"keyManager":"Default"},
	{"consumerKey":"two","keyType":"PRODUCTION","applicationId":3,"keyManager":"Default"},
	{"consumerKey":"none","keyType":"PRODUCTION","applicationId":4},
	{"consumerKey":"held","keyType":"PRODUCTION","applicationId":5,"keyManager":"Default"},
	{"consumerKey":"held2","keyType":"PRODUCTION","applicationId":2,"keyManager":"Strange"},
	{"consumerKey":"elsewhere","keyType":"PRODUCTION","applicationId":2,"keyManager":"Other"}]
	END
	cat >"$D/subscriptions" <<-END
	{"list":[
	{"subscriptionId":1,"policyId":"Unlimited","apiId":1,"appId":2,"subscriptionState":"$1"},
	{"subscriptionId":2,"policyId":"Unlimited","apiId":2,"appId":2,"subscriptionState":"UNBLOCKED"},
	{"subscriptionId":3,"policyId":"Two","apiId":1,"appId":3,"subscriptionState":"TIER_UPDATE_PENDING"},
	{"subscriptionId":4,"policyId":"Unlimited","apiId":1,"appId":5,"subscriptionState":"ON_HOLD"}]}
	END
}
documents UNBLOCKED
# as CLIENT: an option for curl; each token is signed once.
as() {
	of=$W/as.$(printf %s "$1" | cksum | cut -d' ' -f1)
	test -s "$of" || printf 'Authorization: Bearer %s\n' \
	    "$(token "\"azp\":\"$1\"")" >"$of"
	echo "@$of"
}
got() { get /apps/token/x -H "$(as "$1")"; test "$STATUS" = "$2"; }

it 'is part of the policy, and its password is not'
import apps-mgw.yaml apps.yaml || wrong "$(cat "$W/import.out")"
"$O"/mgw-spec show "$W/mgw.bundle" >"$W/body"
expect_body '"Default": "https://id.example/"'
expect_no_body 'pass word'
grep -q 'pass word' "$W/mgw.bundle" && wrong 'the password is in the bundle'
"$O"/mgw --config "$W/mgw.conf" --check >"$W/body" 2>&1 || wrong 'not ok'
expect_body 'not fetched yet'
start_mgw
start_lighttpd

it 'is asked with its login, and its applications count'
wait_for 50 got prod 200 || wrong "still $STATUS"
expect_body '"target":"/token/x"'
expect_event '"application":"newAPP"'
expect_event '"application_owner":"admin"'
for d in apis applications application-key-mappings subscriptions; do
	grep -q "^GET /data/v1/$d - Basic $(printf 'admin:pass word' | base64)" \
	    "$W/issuer/log" || wrong "$d is not asked for"
done
"$O"/mgw --config "$W/mgw.conf" --check >"$W/body" 2>&1 || wrong 'not ok'
expect_body '4, 0 of them blocked; fetched'

it 'a sandbox key goes to the sandbox'
got sand 200 || wrong "$STATUS"
expect_body '"target":"/sandbox/token/x"'

it 'who has not subscribed, or is on hold, is refused'
for client in none held stranger held2; do
	got $client 403 || wrong "$client: $STATUS"
	expect_reason claim-refused
done

it 'a key of another issuer is not one of this issuer'
got elsewhere 403 || wrong "$STATUS"
expect_reason claim-refused

it 'a name cannot forge a header or a line of the file'
got two 200 || wrong "$STATUS"
expect_no_body 'X-Evil: 1'
expect_event '"application":"two__X-Evil: 1 [#3]"'
got two 200
got two 429 || wrong "$STATUS"
expect_event '"reason":"quota-exceeded"'

it 'what changes there counts here within the time of a poll'
documents BLOCKED
wait_for 40 got prod 403 || wrong "still $STATUS"
expect_reason blocked
documents UNBLOCKED
wait_for 40 got prod 200 || wrong "still $STATUS"

it 'what is not whole does not replace what is'
echo '{"count":9,"list":[]}' >"$D/applications"
wait_for 40 grep -q 'not taken.*as long as its count' "$W/mgw.log" ||
    wrong 'a list that was cut is taken'
got prod 200 || wrong "$STATUS"
documents UNBLOCKED
echo 302 >"$D/apis.status"
wait_for 40 grep -q 'not answer 200 but 302' "$W/mgw.log" || wrong '302 taken'
rm "$D/apis.status"
grep -q 'pass word' "$W/mgw.log" && wrong 'the password is in the log'

it 'another process starts with what was kept, whether it is up or not'
cgi() {
	env -i MGW_CONF="$W/mgw.conf" REQUEST_METHOD=GET REQUEST_URI=/apps/token/x \
	    QUERY_STRING= SERVER_PROTOCOL=HTTP/1.1 REMOTE_ADDR=127.0.0.1 \
	    HTTP_HOST=localhost "HTTP_AUTHORIZATION=$(sed 's/^[^:]*: //' \
	    "$(as "$1" | cut -c 2-)")" "$O/mgw" \
	    >"$W/body" 2>"$W/cgi.log"
}
wait_for 40 got prod 200
stop "$ISSUER_PID"
cgi prod
expect_body 'Status: 200'
cgi none
expect_body 'claim-refused'

it 'while it is down what was kept counts, but not for ever'
got prod 200 || wrong "$STATUS"
wait_for 120 got prod 503 || wrong "still $STATUS"
expect_reason verifier-down
cgi prod
expect_body 'verifier-down'
"$O"/mgw --config "$W/mgw.conf" --check >"$W/body" 2>&1 && wrong 'ok'

it 'when it is back it counts again, for CGI as well'
start_issuer "$ISSUER_PORT"
wait_for 100 got prod 200 || wrong "still $STATUS"
stop_mgw
n=$(asked subscriptions)
sleep 1.2
cgi prod
expect_body 'Status: 200'
test "$(asked subscriptions)" -eq $((n + 1)) || wrong 'CGI did not ask'
cgi prod
expect_body 'Status: 200'
test "$(asked subscriptions)" -eq $((n + 1)) || wrong 'CGI asked too often'

it 'what was kept and changed is not believed'
stop "$ISSUER_PID"
sed -i 's/^2 active/2 blocked/' "$W"/state/applications-*.db
cgi prod
expect_no_body 'Status: 200'
expect_no_body '"reason":"blocked"'
expect_body 'verifier-down'
cgi prod
expect_body 'verifier-down'
stop_lighttpd
done_testing
