#!/bin/sh
# Applications from a file: recognised by client, key, user and certificate,
# blocked, subscribed, and of groups that operations ask for.
. tests/e2e/lib.sh
start_backend
policy
tests/e2e/jose.pl jwks ec="$W/ec.pem" >"$W/two.jwks.json"

cat >"$W/apps.yaml" <<'END'
openapi: 3.1.0
info: {title: Apps, version: '1'}
servers: [{url: https://apps.example/apps}]
components:
  securitySchemes:
    token: {type: http, scheme: bearer}
    other: {type: apiKey, in: header, name: X-Other}
    key: {type: apiKey, in: header, name: X-API-Key}
    login: {type: http, scheme: basic}
    staff: {type: http, scheme: basic}
    guest: {type: http, scheme: basic}
    cert: {type: mutualTLS}
paths:
  /cert/{do}:
    get:
      x-mgw-groups: [partners]
      security: [{cert: []}]
      responses: {'200': {description: fine}}
  /staff/{do}:
    get:
      x-mgw-groups: [partners, wheel]
      security: [{staff: []}]
      responses: {'200': {description: fine}}
  /guest/{do}:
    get:
      x-mgw-groups: [partners]
      security: [{guest: []}]
      responses: {'200': {description: fine}}
  /token/{do}:
    get:
      security: [{token: []}]
      responses: {'200': {description: fine}}
  /other/{do}:
    get:
      security: [{other: []}]
      responses: {'200': {description: fine}}
  /key/{do}:
    get:
      security: [{key: []}]
      responses: {'200': {description: fine}}
  /login/{do}:
    get:
      security: [{login: []}]
      responses: {'200': {description: fine}}
  /group/{do}:
    get:
      x-mgw-groups: [staff, Domain Admins]
      security: [{token: []}, {login: []}, {key: []}]
      responses: {'200': {description: fine}}
  /maybe/{do}:
    get:
      x-mgw-groups: [staff]
      security: [{token: []}, {}]
      responses: {'200': {description: fine}}
END
authority ca
cert ada ca DNS:ada
cert eve ca DNS:eve
print=$(openssl x509 -in "$W/ada.pem" -outform der | sha256sum | cut -d' ' -f1)
sed 's/title: Apps/title: More/; s|/apps}|/more}|' "$W/apps.yaml" >"$W/more.yaml"
cat >"$W/apps-mgw.yaml" <<END
issuers:
  - issuer: https://id.example/
    keys: {file: keys.jwks.json}
    audiences: [things]
  - issuer: https://two.example/
    keys: {file: two.jwks.json}
    audiences: [things]
api-keys: {file: keys.db}
users: {file: users.htpasswd}
applications: {file: applications.db}
host-auth:
  - {name: staff, hosts: [localhost], prefix: /apps, types: [Basic], groups: HOUSE, separator: ','}
  - {name: guest, hosts: [localhost], prefix: /apps, types: [Basic]}
schemes:
  token: {jwt: [https://id.example/]}
  staff: {host: staff}
  guest: {host: guest}
  login: {basic: true}
  other: {jwt: [https://two.example/]}
tiers:
  Three: {limit: 3, per: 1h, algorithm: window}
  Two: {limit: 2, per: 1h, algorithm: window}
  Wide: {limit: 100000, per: 1m}
unknown-tier: Wide
backend-jwt: {key: '\${file:ec.pem}', algorithm: ES256,
  issuer: https://gate.example/, dialect: http://wso2.org/claims}
identity-headers: {application: X-App, application-id: X-App-Id,
  application-owner: X-App-Owner, groups: X-Groups}
apis:
  apps.yaml: {endpoints: ['$BACKEND/'], certificates: any, sandbox-endpoints: ['$BACKEND/sandbox/'],
    keep-credential: true}
  more.yaml: {endpoints: ['$BACKEND/'], groups: [staff]}
failures: off
END
printf 'ada:%s:group=staff\nbob:%s\n' "$(openssl passwd -apr1 secret)" \
    "$(openssl passwd -apr1 secret)" >"$W/users.htpasswd"
# apps LINES: the file of applications, from now on.
apps() {
	sed "s/@PRINT@/$print/" >"$W/applications.new"
	mv "$W/applications.new" "$W/applications.db"
}
apps <<'END'
# who may call
shop active name="Web shop" owner=ada group=staff group=guests tier=Three client="https://id.example/ shop"
test active name="Web test" owner=ada type=SANDBOX client="https://id.example/ test"
both active name=Both owner=ada client="https://id.example/ both" sandbox-client="https://id.example/ both-test"
till blocked name=Till owner=ada client="https://id.example/ till"
desk active name=Desk owner=bob group="Domain Admins" user=bob
part active name=Part owner=ada client="https://id.example/ part" blocked-api=Apps/1
firm active name=Firm owner=ada group=partners certificate=@PRINT@ host-user="staff bob"
odd active name=Odd owner=ada tier=Nowhere client="https://id.example/ odd"
END

it 'the file is part of the policy, and said so'
sed -i '/maybe/,$d' "$W/more.yaml"
sed 's/\[{token: \[\]}, {}\]/[]/' "$W/apps.yaml" >"$W/public.yaml"
sed 's/apps.yaml:/public.yaml:/; /more.yaml/d' "$W/apps-mgw.yaml" \
    >"$W/public-mgw.yaml"
import public-mgw.yaml public.yaml && wrong 'a group of nobody'
grep -q 'GET /maybe/{do} asks for groups .*\[groups-public\]' \
    "$W/import.out" || wrong "$(cat "$W/import.out")"
import apps-mgw.yaml apps.yaml more.yaml || wrong "$(cat "$W/import.out")"
"$O"/mgw-spec show "$W/mgw.bundle" >"$W/body"
expect_body '"value": "applications.db"'
expect_body '"Domain Admins"'
"$O"/mgw --config "$W/mgw.conf" --check >"$W/body" 2>&1 || wrong 'not ok'
expect_body "applications	$W/applications.db	ok	8, 1 of them blocked"
expect_body 'application odd: unknown tier Nowhere'

it 'explain tells the application and how it was found'
"$O"/mgw-spec explain -H "Authorization: Bearer $(token '"azp":"shop"')" \
    "$W/mgw.bundle" GET /apps/token/x >"$W/body" || wrong 'refused'
expect_body 'shop (Web shop of ada), by its client id'
"$O"/mgw-spec explain -H "Authorization: Bearer $(token '"azp":"new"')" \
    "$W/mgw.bundle" GET /apps/token/x >"$W/body" || wrong 'refused'
expect_body 'none in the file has this credential'

# explain PATH OPTIONS...
explain() {
	path=$1
	shift
	"$O"/mgw-spec explain "$@" "$W/mgw.bundle" GET \
	    "https://localhost/apps/$path" >"$W/body" 2>&1
}

it 'a certificate leads to its application and groups'
explain cert/x -s SSL_CLIENT_VERIFY=SUCCESS -s "SSL_CLIENT_CERT=@$W/ada.pem" ||
    wrong 'refused'
expect_body 'firm (Firm of ada), by its certificate'
explain cert/x -s SSL_CLIENT_VERIFY=SUCCESS -s "SSL_CLIENT_CERT=@$W/eve.pem" &&
    wrong 'the certificate of another'
expect_body 'claim-refused'

it 'so does a user of the web server, where it is this one'
host="-s REMOTE_USER=bob -s AUTH_TYPE=Basic -s SERVER_NAME=localhost"
# shellcheck disable=SC2086 # words
explain staff/x $host || wrong 'refused'
expect_body "firm (Firm of ada), by the web server's user"
# shellcheck disable=SC2086 # words
explain guest/x $host && wrong 'the bob of another place'
expect_body 'claim-refused'
# shellcheck disable=SC2086 # words
explain staff/x $host -s REMOTE_USER=eve -s HOUSE=users,wheel ||
    wrong 'his own groups do not count'
# shellcheck disable=SC2086 # words
explain staff/x $host -s REMOTE_USER=eve -s HOUSE=users && wrong 'no group'
start_mgw

# denied WHAT STATUS REASON PATH [CURL OPTIONS...]
denied() {
	it "$1: $3 ($host)"
	status=$2 reason=$3
	shift 3
	get "$@"
	expect_status "$status"
	expect_reason "$reason"
}
# as CLIENT: an option for curl; each token is signed once.
as() {
	of=$W/as.$(printf %s "$1" | cksum | cut -d' ' -f1)
	test -s "$of" || printf 'Authorization: Bearer %s\n' \
	    "$(token "\"azp\":\"$1\"")" >"$of"
	echo "@$of"
}

for host in lighttpd apache; do
	start_$host
	it "a client id leads to its application ($host)"
	get /apps/token/headers -H "$(as shop)"
	expect_status 200
	expect_event '"application":"Web shop"'
	expect_event '"application_owner":"ada"'
	denied 'a blocked application' 403 blocked /apps/token/x \
	    -H "$(as till)"
	expect_event '"application":"Till"'
	denied 'an application blocked for one API' 403 blocked \
	    /apps/token/x -H "$(as part)"
	it "and for no other ($host)"
	get /more/token/x -H "$(as part)"
	expect_reason claim-refused
	it "an application is revoked by its name ($host)"
	"$O/mgw-token" revoke --state "$W/state" --application Both \
	    --issuer https://id.example/ || wrong 'not revoked'
	get /apps/token/x -H "$(as both)"
	expect_status 401
	expect_reason revoked
	"$O/mgw-token" revoke --state "$W/state" --application Both \
	    --issuer https://id.example/ --remove || wrong 'not taken back'
	get /apps/token/x -H "$(as both)"
	expect_status 200
	it "the same client id of another issuer is another client ($host)"
	get /apps/other/x -H "X-Other: Bearer $(token \
	    '"iss":"https://two.example/","azp":"till"')"
	expect_status 200
	expect_event '"application":"till"'
	it "a client id with control bytes is none ($host)"
	get /apps/token/x -H "$(as 'till\u0000')"
	expect_status 401
	get /apps/token/x -H "$(as 'till ')"
	expect_status 200
	expect_event '"application":"till "'
	it "sandbox applications and clients go to the sandbox ($host)"
	for client in test both-test; do
		get /apps/token/x -H "$(as $client)"
		expect_status 200
		expect_body '"target":"/sandbox/token/x"'
		expect_event '"key_type":"SANDBOX"'
	done
	get /apps/token/x -H "$(as both)"
	expect_body '"target":"/token/x"'
	it "a key's application is looked up by its name ($host)"
	get /apps/key/x -H "X-API-Key: $KEY"
	expect_status 200
	expect_event '"application":"Desk"'
	expect_event '"application_owner":"bob"'
	it "so is a user ($host)"
	get /apps/login/x -u bob:secret
	expect_status 200
	expect_event '"application":"Desk"'

	for who in shop 'bob:secret' 'ada:secret' key; do
		it "$who has a group that is asked for ($host)"
		case $who in
		shop) get /apps/group/x -H "$(as shop)" ;;
		key) get /apps/group/x -H "X-API-Key: $KEY" ;;
		*) get /apps/group/x -u "$who" ;;
		esac
		expect_status 200
	done
	denied 'an application without the group' 403 claim-refused \
	    /apps/group/x -H "$(as both)"
	denied 'a client that no application has' 403 claim-refused \
	    /apps/group/x -H "$(as nobody)"
	denied 'the groups of an API count for its operations' 403 \
	    claim-refused /more/token/x -H "$(as both)"
	denied 'nobody has no group' 401 credential-missing /apps/maybe/x
	expect_header WWW-Authenticate 'Bearer*'
	it "who has one may pass where others need none ($host)"
	get /apps/maybe/x -H "$(as shop)"
	expect_status 200
	stop_$host
	rm -f "$W/state/shared"
	stop_mgw
	start_mgw
done

start_lighttpd
host=lighttpd
it 'the backend is told, and a client cannot tell it'
get /apps/token/x -H "$(as both)" -H 'X-App: eve' -H 'X-App-Owner: eve' \
    -H 'X-Groups: staff'
expect_no_body eve
expect_body 'Both'
get /apps/token/x -H "$(as shop)" -H 'X-Groups: admin'
expect_body 'staff,guests'
expect_no_body 'admin'

it 'so is its signed word'
get /apps/token/x -H "$(as shop)"
sed 's/.*\["X-JWT-Assertion","\([^"]*\)"\].*/\1/I' "$W/body" |
    "$O"/mgw-token decode >"$W/claims" 2>&1
for claim in '/applicationid": *"shop"' '/applicationname": *"Web shop"' \
    '/subscriber": *"ada"'; do
	grep -q "http://wso2.org/claims$claim" "$W/claims" ||
	    wrong "no $claim: $(cat "$W/claims")"
done

it 'mgw-throttle knows it by its id'
"$O"/mgw-throttle deny --state "$W/state" --application both >"$W/denied" ||
    wrong 'not denied'
get /apps/token/x -H "$(as both)"
expect_status 403
expect_reason blocked
"$O"/mgw-throttle allow --state "$W/state" --application both >"$W/denied" ||
    wrong 'not allowed'
get /apps/token/x -H "$(as both)"
expect_status 200

# The third of three, and one more of another of its users.
it 'the tier of the file counts where the token names none'
get /apps/token/x -H "$(as shop)"
expect_status 200
get /apps/token/x -H "$(bearer "$(token '"azp":"shop","sub":"zoe"')")"
expect_status 429
expect_reason quota-exceeded
expect_event '"level":"application"'
get /apps/token/x -H "$(as odd)"
expect_status 200
grep -q 'unknown tier Nowhere' "$W/mgw.log" || wrong 'the log tells nothing'

it 'what is changed counts at the next request'
for n in 1 2 3; do
	echo 'both blocked name=Both owner=ada client="https://id.example/ both"' |
	    apps
	get /apps/token/x -H "$(as both)"
	expect_status 403
	expect_reason blocked
	echo 'both active name=Both owner=ada client="https://id.example/ both"' |
	    apps
	get /apps/token/x -H "$(as both)"
	expect_status 200
done

it 'mgw-app changes it while the gate runs, for the next request'
for n in 1 2 3; do
	"$O"/mgw-app block both -f "$W/applications.db" || wrong 'block'
	get /apps/token/x -H "$(as both)"
	expect_status 403
	expect_reason blocked
	"$O"/mgw-app unblock both -f "$W/applications.db" || wrong 'unblock'
	"$O"/mgw-app block both --api Apps/1 -f "$W/applications.db" ||
	    wrong 'block for an API'
	get /apps/token/x -H "$(as both)"
	expect_reason blocked
	"$O"/mgw-app unblock both --api Apps/1 -f "$W/applications.db"
	get /apps/token/x -H "$(as both)"
	expect_status 200
done

it 'a damaged file lets nobody in who has one, and the gate goes on'
for bad in both 'both Active name=a owner=b' 'x active name=a owner=b y'; do
	{ echo '# fine'; echo "$bad"; } | apps
	get /apps/token/x -H "$(as both)"
	expect_status 503
	expect_reason verifier-down
	grep -q 'applications.db: line 2' "$W/mgw.log" ||
	    wrong "no place in the log: $(tail -n 2 "$W/mgw.log")"
	: >"$W/mgw.log"
done
rm "$W/applications.db"
get /apps/token/x -H "$(as both)"
expect_status 503
apps <<'END'
both active name=Both owner=ada client="https://id.example/ both" subscription=More:Two
END
get /apps/token/x -H "$(as both)"
expect_status 200
get /apps/maybe/x
expect_status 401

it 'a subscription is needed where asked for, and has a tier'
sed -i 's/^applications: .*/applications: {file: applications.db, subscriptions: required, unknown: refuse}/
s/, groups: \[staff\]//' "$W/apps-mgw.yaml"
import apps-mgw.yaml apps.yaml more.yaml || wrong "$(cat "$W/import.out")"
wait_for 50 grep -q 'bundle in force' "$W/mgw.log" || wrong 'not in force'
get /apps/token/x -H "$(as both)"
expect_status 403
expect_reason claim-refused
for _ in 1 2; do
	get /more/token/x -H "$(as both)"
	expect_status 200
done
get /more/token/x -H "$(as both)"
expect_status 429
expect_event '"level":"subscription"'
get /more/token/x -H "$(as strange)"
expect_status 403
expect_reason claim-refused
stop_lighttpd
stop_mgw

cgi() {
	env -i MGW_CONF="$W/mgw.conf" REQUEST_METHOD=GET \
	    REQUEST_URI=/more/token/x QUERY_STRING= REMOTE_ADDR=127.0.0.1 \
	    SERVER_PROTOCOL=HTTP/1.1 HTTP_HOST=localhost \
	    "HTTP_AUTHORIZATION=$(sed 's/^[^:]*: //' "$(as "$1" | cut -c 2-)")" \
	    "$O/mgw" >"$W/body" 2>>"$W/cgi.log"
}
indexed() { test -n "$(find "$W/state" -name 'applications-*.idx')"; }

it 'CGI looks into a large file rather than reading it'
awk 'BEGIN { for (i = 0; i < 2000; i++) printf("a%d active name=n%d owner=o " \
    "client=\"https://id.example/ c%d\" subscription=More\n", i, i, i) }' | apps
cgi c7
expect_body 'Status: 200'
indexed && wrong 'an index of what was changed just now'
sleep 2.2
cgi c7
expect_body 'Status: 200'
indexed || wrong 'no index'
cgi c1999
expect_body 'Status: 200'
cgi c2000
expect_body 'claim-refused'

it 'and sees what is changed at the next request'
"$O"/mgw-app block a7 -f "$W/applications.db" || wrong 'not blocked'
cgi c7
expect_body '"reason":"blocked"'
"$O"/mgw-app unblock a7 -f "$W/applications.db" || wrong 'still blocked'
cgi c7
expect_body 'Status: 200'

it 'and believes no damaged index, which goes'
sleep 2.2
cgi c7
indexed || wrong 'no index'
perl -e 'open my $f, "+<", $ARGV[0]; seek $f, 5000, 0;
    print $f "x" x ((-s $f) - 5000)' "$W"/state/applications-*.idx
cgi c7
expect_body '"reason":"verifier-down"'
indexed && wrong 'it stays'
cgi c7
expect_body 'Status: 200'

it 'CGI refuses who has a credential while the file is damaged'
echo 'a b' | apps
cgi c7
expect_body 'Status: 503'
expect_body '"reason":"verifier-down"'
grep -q 'applications.db: line 1' "$W/cgi.log" || wrong 'no place in the log'

it 'a gate with a damaged file does not start, and says where'
printf '\nx active name=a\n' >"$W/applications.db"
"$O"/mgw --config "$W/mgw.conf" --listen "unix:$W/no.sock" 2>"$W/body" &&
    wrong 'it started'
expect_body 'applications.db: line 2: name or owner is missing'
done_testing
