#!/bin/sh
# Users whom the web server itself has authenticated, and all that a client,
# another site or another place of the same web server can do to pass for
# one.
. tests/e2e/lib.sh

start_backend
policy
cat >"$W/staff.yaml" <<-END
openapi: 3.1.0
info: {title: staff, version: '1'}
servers: [{url: https://x.example/staff}]
components: {securitySchemes: {ldap: {type: http, scheme: basic}}}
security: [{ldap: []}]
paths:
  /{do}:
    get: {responses: {'200': {description: fine}}}
    post:
      security: [{ldap: [write]}]
      responses: {'200': {description: fine}}
    put:
      security: [{ldap: [shut]}]
      responses: {'200': {description: fine}}
    patch:
      x-mgw-groups: [staff, nobody]
      responses: {'200': {description: fine}}
    delete:
      x-mgw-groups: [cooks]
      responses: {'200': {description: fine}}
END
# The same scheme, at a path where the web server does not authenticate.
sed 's|/staff|/guests|; s/title: staff/title: guests/' "$W/staff.yaml" \
    >"$W/guests.yaml"
cat >"$W/host.yaml" <<-END
host-auth:
  - name: house
    hosts: [127.0.0.1]
    prefix: /staff
    types: [Basic]
    mark: inside
    groups: HOUSE_GROUPS
    separator: ;
    group-scopes: {admins: [write, all], cooks: shut}
schemes: {ldap: {host: house}}
failures: off
apis:
  staff.yaml: {endpoints: ['$BACKEND/']}
  guests.yaml: {endpoints: ['$BACKEND/']}
END

it 'what may not be said of it is refused'
cp "$W/mgw.bundle" "$W/kept"
bad() { # bad SED-EXPRESSION MESSAGE
	sed "$1" "$W/host.yaml" >"$W/bad.yaml"
	! import bad.yaml staff.yaml guests.yaml || wrong "taken: $1"
	cp "$W/import.out" "$W/body"
	expect_body "$2"
}
bad '/hosts:/d' 'host-auth needs hosts'
bad '/prefix:/d' 'host-auth needs prefix'
bad '/types:/d' 'host-auth needs types'
bad 's/hosts: .*/hosts: ["*.example"]/' 'no name of a host'
bad 's/hosts: .*/hosts: []/' 'hosts is empty'
bad 's/types: .*/types: []/' 'types is empty'
bad 's|prefix: .*|prefix: staff|' 'prefix must be a path'
bad 's|prefix: .*|prefix: /st%61ff|' 'prefix must be a path'
for name in HTTP_GROUPS http_groups REDIRECT_GROUPS QUERY_STRING \
    REMOTE_USER REQUEST_URI 'A-B'; do
	bad "s/groups: HOUSE.*/groups: $name/" 'the web server alone sets'
done
bad 's/separator: ;/separator: "; "/' 'one character'
bad '/groups: HOUSE/d' 'need groups'
bad 's/host: house/host: hose/' "did you mean 'house'"
bad 's/{host: house}/{host: house, basic: true}/' 'needs one verifier'
cmp -s "$W/kept" "$W/mgw.bundle" || wrong 'the bundle changed'

it 'show and --check tell where it counts'
import host.yaml staff.yaml guests.yaml || fatal "$(cat "$W/import.out")"
"$O"/mgw-spec show "$W/mgw.bundle" >"$W/body"
expect_body '"verifier": "host"'
expect_body '"prefix": "/staff"'
expect_body '"groups": "HOUSE_GROUPS"'
"$O"/mgw --check -c "$W/mgw.conf" >"$W/body"
expect_body 'REMOTE_USER counts for 127.0.0.1 below /staff/'

it 'explain takes what the web server would say'
explain() {
	"$O"/mgw-spec explain "$@" "$W/mgw.bundle" GET \
	    http://127.0.0.1/staff/x >"$W/body" 2>&1
}
explain -s REMOTE_USER=ada -s AUTH_TYPE=Basic -s SERVER_NAME=127.0.0.1 \
    -s MGW_HOST_AUTH=inside || wrong 'refused'
! explain -H 'Remote-User: ada' -H 'Auth-Type: Basic' \
    -s SERVER_NAME=127.0.0.1 -s MGW_HOST_AUTH=inside || wrong 'allowed'
expect_body 'refused: credential-missing'
! explain -s REMOTE_USER=ada -s AUTH_TYPE=Basic -s SERVER_NAME=other \
    -s MGW_HOST_AUTH=inside || wrong 'allowed for another host'
expect_body 'SERVER_NAME'

printf 'ada:%s\n' "$(openssl passwd -apr1 secret)" >"$W/users"
printf 'ada:secret\n' >"$W/plain"
PORT2=$(free_port)
# The second site lets anybody in as whom he likes, and shares the gate.
APACHE_MODULES='auth_basic authn_file authn_anon authz_user'
APACHE_MORE="
UseCanonicalName Off
<Location /staff>
	AuthType Basic
	AuthName house
	AuthBasicProvider file
	AuthUserFile $W/users
	Require valid-user
	SetEnv HOUSE_GROUPS \"admins; staff\"
	SetEnv MGW_HOST_AUTH inside
</Location>
Listen 127.0.0.1:$PORT2
<VirtualHost 127.0.0.1:$PORT2>
	ServerName guests.example
	<Location /staff>
		AuthBasicProvider anon
		Anonymous *
		Anonymous_MustGiveEmail Off
		SetEnv MGW_HOST_AUTH outside
	</Location>
	<Location /guests>
		AuthType Basic
		AuthName guests
		AuthBasicProvider anon
		Anonymous *
		Anonymous_MustGiveEmail Off
		Require valid-user
		SetEnv MGW_HOST_AUTH inside
	</Location>
</VirtualHost>"
LIGHTTPD_MORE="
server.modules += ( \"mod_auth\", \"mod_authn_file\", \"mod_setenv\" )
auth.backend = \"plain\"
auth.backend.plain.userfile = \"$W/plain\"
auth.require = ( \"/staff\" => ( \"method\" => \"basic\",
    \"realm\" => \"house\", \"require\" => \"valid-user\" ) )
\$HTTP[\"url\"] =~ \"^/staff(/|\$)\" {
	setenv.set-environment = ( \"HOUSE_GROUPS\" => \"admins; staff\",
	    \"MGW_HOST_AUTH\" => \"inside\" )
}"
start_mgw
for host in lighttpd apache; do
	start_$host

	it "a user of the web server is let in ($host)"
	get /staff/x -u ada:secret
	expect_status 200
	expect_event '"subject":"ada"'
	expect_event '"issuer":"host:house"'
	expect_no_body 'authorization'

	it "the web server itself refuses whom it does not know ($host)"
	get /staff/x -u ada:wrong
	expect_status 401
	expect_no_body '"reason"'
	get /staff/x
	expect_status 401
	expect_no_body '"reason"'

	it "groups bring scopes ($host)"
	get /staff/x -u ada:secret -X POST -d x
	expect_status 200
	get /staff/x -u ada:secret -X PUT -d x
	expect_status 403
	expect_reason scope-missing

	it "groups are those of operations ($host)"
	get /staff/x -u ada:secret -X PATCH -d x
	expect_status 200
	get /staff/x -u ada:secret -X DELETE -H 'House-Groups: cooks'
	expect_status 403
	expect_reason claim-refused

	it "groups that a client sends bring nothing ($host)"
	get /staff/x -u ada:secret -X PUT -d x -H 'House-Groups: cooks' \
	    -H 'HOUSE_GROUPS: cooks'
	expect_status 403
	expect_reason scope-missing

	it "elsewhere no header makes a user ($host)"
	get /guests/x -H 'Remote-User: ada' -H 'Remote_User: ada' \
	    -H 'Auth-Type: Basic' -H 'Auth_Type: Basic' \
	    -H 'Server-Name: 127.0.0.1' -H 'Mgw-Host-Auth: inside'
	expect_status 401
	expect_reason credential-missing
	expect_header WWW-Authenticate 'WebServer realm="mgw"'
	for name in Proxy-Remote-User Proxy-User Proxy_Remote_User \
	    Redirect-Remote-User Http-Remote-User X-Remote-User; do
		get /guests/x -H "$name: ada"
		expect_status 401
	done
	get /guests/x -u ada:secret
	expect_status 401
	expect_reason credential-missing

	it "a path that only looks like the place is none ($host)"
	for path in /guests/../staff/x /guests//x /staff%2f..%2fguests/x \
	    /guests/%2e%2e/staff/x; do
		get "$path" -H 'Remote-User: ada'
		test "$STATUS" != 200 || wrong "$path is let in"
	done

	if [ $host = apache ]; then
		it 'another site that lets anybody in is not the house'
		URL=http://127.0.0.1:$PORT2
		get /staff/x -u eve:any -H 'Host: guests.example'
		expect_status 401
		expect_reason credential-missing

		it 'nor when its client names the host of the house'
		get /staff/x -u eve:any -H 'Host: 127.0.0.1'
		expect_status 401
		expect_reason credential-missing
		expect_body MGW_HOST_AUTH

		it 'nor outside the prefix'
		get /guests/x -u eve:any -H 'Host: 127.0.0.1'
		expect_status 401
		expect_reason credential-missing
		expect_body prefix
	fi
	stop_$host
done
done_testing
