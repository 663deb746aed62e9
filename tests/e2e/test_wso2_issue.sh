#!/bin/sh
# shellcheck disable=SC2016 # references are for mgw
# API keys that the gate makes for users, as WSO2's does: only over TLS, by
# POST, within a limit, and as long as their user is there.
. tests/e2e/lib.sh
start_backend
policy
hash() {
	printf %s "$1" | openssl sha1 -binary | base64
}
cat >"$W/users.htpasswd" <<END
ada:{SHA}$(hash secret):scope=read scope=write
bob:{SHA}$(hash secret)
eve:{SHA}$(hash secret)
END
openssl genrsa -out "$W/apikey.pem" 2048 2>/dev/null
openssl rsa -in "$W/apikey.pem" -pubout -out "$W/apikey.pub" 2>/dev/null
sed 's|^wso2-keys:|&\
  - issuer: https://gate.example/apikey\
    keys: {pem: apikey.pub}\
    algorithms: [RS256]\
    issue:\
      key: ${file:apikey.pem}\
      apis: {Keys: ["1.0"], Other: any}\
      lifetime: 20m|
s|^  user: .*|  user: {wso2-key: [https://gate.example/apikey]}|' \
    "$W/mgw-wso2keys.yaml" >"$W/issue.yaml"
cat >>"$W/issue.yaml" <<'END'
cors: {origins: ['https://page.example'], credentials: true}
applications: {file: applications.db}
END
: >"$W/applications.db"
chmod 600 "$W/applications.db"
import issue.yaml wso2keys.yaml || fatal "$(cat "$W/import.out")"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
    -subj /CN=localhost -keyout "$W/tls.key" -out "$W/tls.pem" 2>/dev/null
cat "$W/tls.key" >>"$W/tls.pem"
start_mgw
TLS_PORT=$(free_port)
LIGHTTPD_MORE="server.modules += (\"mod_openssl\")
\$SERVER[\"socket\"] == \"127.0.0.1:$TLS_PORT\" {
	ssl.engine = \"enable\"
	ssl.pemfile = \"$W/tls.pem\"
}"
start_lighttpd
PLAIN=$URL
TLS=https://127.0.0.1:$TLS_PORT

# ask USER [CURL OPTIONS...]: for a key, over TLS.
ask() {
	user=$1
	shift
	test $# -gt 0 || set -- --data ''
	URL=$TLS
	get /apikey -k -u "$user:secret" "$@"
	URL=$PLAIN
}
# claim NAME: of the key in the body.
claim() {
	cut -d. -f2 "$W/body" | tr -- '-_' '+/' | sed 's/$/==/' |
	    base64 -d 2>/dev/null | grep -o "\"$1\":[^,}]*" | cut -d: -f2- |
	    tr -d '"'
}
life() {
	echo $(($(claim exp) - $(claim iat)))
}

it 'the import tells of it'
grep -q 'API Keys' "$W/import.out" || wrong "$(cat "$W/import.out")"
"$O"/mgw-spec routes "$W/mgw.bundle" >"$W/body"
expect_body 'POST	/apikey'
"$O"/mgw-spec show "$W/mgw.bundle" >"$W/body"
expect_body '"lifetime_s": 1200'
! grep -q 'PRIVATE' "$W/mgw.bundle" || wrong 'the key is in the bundle'
"$O"/mgw --config "$W/mgw.conf" --check >"$W/body" 2>&1 || wrong 'not ok'

it 'it lies beside other APIs, and a key manager'
"$O"/mgw-spec host lighttpd "$W/mgw.bundle" >"$W/body"
expect_body '"^/apikey(/|$)"'
expect_no_body '"^(/|$)"'
sed '1i key-manager: https://id.example/oauth2' "$W/issue.yaml" >"$W/both.yaml"
(cd "$W" && "$O"/mgw-spec import -o both.bundle -p both.yaml \
    wso2keys.yaml) >"$W/body" 2>&1 || wrong 'not imported'
expect_body 'Key Manager'
expect_body 'API Keys'
sed 's|apis: {Keys|path: /token\n      &|' "$W/both.yaml" >"$W/wrong.yaml"
(cd "$W" && "$O"/mgw-spec import -o both.bundle -p wrong.yaml \
    wso2keys.yaml) >"$W/body" 2>&1 && wrong 'two at one path'
expect_body base-path-overlap

it 'a user gets a key, which nobody may store'
ask ada
expect_status 200
expect_header Cache-Control '*no-store*'
expect_header Content-Type 'text/plain*'
expect_event '"subject":"ada"'
expect_event '"api":"API Keys"'
test "$(claim sub)" = ada || wrong "sub is $(claim sub)"
test "$(claim keytype)" = PRODUCTION || wrong 'keytype'
test "$(life)" = 1200 || wrong "it lives for $(life) s"
KEY=$(cat "$W/body")
! grep -qF "$KEY" "$W/state/events.log" "$W/mgw.log" || wrong 'it is logged'
it 'nor any page of another origin see it'
ask bob -H 'Origin: https://page.example' --data ''
expect_status 200
expect_no_header Access-Control-Allow-Origin
get /keys/key/x -H 'Origin: https://page.example'
expect_header Access-Control-Allow-Origin https://page.example
it 'the key is let in, with the scopes of its user'
get /keys/user/x -H "X-User-Key: $KEY"
expect_status 200
expect_event '"issuer":"https://gate.example/apikey"'
expect_event '"subject":"ada"'
it 'and is no token, nor a key of others'
get /keys/token/x -H "$(bearer "$KEY")"
expect_status 401
get /keys/key/x -H "apikey: $KEY"
expect_status 401
expect_reason key-unknown
it 'two keys differ'
ask ada
test "$(cat "$W/body")" != "$KEY" || wrong 'the same'

it 'a shorter life may be asked for, a longer one is not had'
ask ada --data '{"validityTime":600,"x":[{}]}'
expect_status 200
test "$(life)" = 600 || wrong "it lives for $(life) s"
ask ada --data '{"validityTime":99999999}'
test "$(life)" = 1200 || wrong "it lives for $(life) s"
ask ada --data ' '
expect_status 200
it 'what is no such wish is refused'
for body in x '[]' '{"validityTime":0}' '{"validityTime":-5}' \
    '{"validityTime":"600"}' '{"validityTime":1.5}' '{"validityTime":600' \
    '{"validityTime":1,"validityTime":2}' '{} {}'; do
	ask eve --data "$body"
	test "$STATUS" = 400 -o "$STATUS" = 429 || wrong "$body: $STATUS"
	expect_no_body eyJ
done
it 'nor a long body read'
ask bob --http1.1 --data "$(head -c 2000 /dev/zero | tr '\0' ' ')"
expect_status 413

it 'without TLS there is none, whatever the client says of it'
for field in 'X-Forwarded-Proto: https' 'HTTPS: on' 'X-Scheme: https'; do
	get /apikey --data '' -u bob:secret -H "$field"
	expect_status 403
	expect_reason https-required
done
it 'nor by another method'
URL=$TLS
for method in GET PUT DELETE HEAD; do
	get /apikey -k -X $method -u bob:secret --max-time 3
	test "$STATUS" = 405 || wrong "$method: $STATUS"
done
expect_header Allow '*POST*'
it 'nor for strangers, wrong passwords, tokens and keys'
get /apikey -k --data ''
expect_status 401
expect_header WWW-Authenticate 'Basic*'
get /apikey -k --data '' -u bob:wrong
expect_status 401
expect_reason password-wrong
get /apikey -k --data '' -u mallory:secret
expect_status 401
get /apikey -k --data '' -H "$(bearer "$KEY")"
expect_status 401
get /apikey -k --data '' -H "X-User-Key: $KEY" -H "apikey: $KEY"
expect_status 401
it 'nor at another path'
get /apikey/ -k --data '' -u bob:secret
expect_status 404
get /apikey/x -k --data '' -u bob:secret
expect_status 404
URL=$PLAIN

it 'there is a limit for each user'
n=0
while [ $n -lt 12 ]; do
	ask bob
	n=$((n + 1))
done
expect_status 429
expect_reason rate-exceeded
ask ada
expect_status 200

it 'a key is blocked with the application of its user'
answered() {
	get /keys/user/x -H "X-User-Key: $KEY"
	test "$STATUS" = "$1"
}
apps() {
	"$O"/mgw-app "$@" -f "$W/applications.db" || wrong "$*"
}
apps add till --owner ops --user ada
wait_for 30 answered 200 || wrong "$STATUS"
expect_event '"application":"till"'
apps block till
wait_for 30 answered 403 || wrong "$STATUS"
expect_reason blocked
apps remove till
sed -i 's/^ada.*/& application=desk/' "$W/users.htpasswd"
apps add desk --owner ops
apps block desk
wait_for 30 answered 403 || wrong "$STATUS"
expect_reason blocked
apps remove desk

it 'a key ends when its user is removed'
sed -i /^ada/d "$W/users.htpasswd"
ended() {
	get /keys/user/x -H "X-User-Key: $KEY"
	test "$STATUS" = 401
}
wait_for 30 ended || wrong "$STATUS"
expect_reason revoked
ask ada
expect_status 401

it 'explain knows it'
"$O"/mgw-spec explain --set HTTPS=on -H "Authorization: Basic $(printf \
    bob:secret | base64)" "$W/mgw.bundle" POST /apikey >"$W/body" ||
    wrong 'refused'
expect_body 'answered by the gate, with an API key'
"$O"/mgw-spec explain "$W/mgw.bundle" POST /apikey >"$W/body" &&
    wrong 'allowed'
expect_body https-required

it 'the same by CGI'
env -i PATH="$PATH" MGW_CONF="$W/mgw.conf" REQUEST_METHOD=POST HTTPS=on \
    REQUEST_URI=/apikey SERVER_PROTOCOL=HTTP/1.1 REMOTE_ADDR=127.0.0.9 \
    HTTP_HOST=a GATEWAY_INTERFACE=CGI/1.1 SERVER_NAME=a CONTENT_LENGTH=20 \
    HTTP_AUTHORIZATION="Basic $(printf eve:secret | base64)" \
    "$O/mgw" >"$W/body" 2>>"$W/mgw.log" <<'END'
{"validityTime": 60}
END
expect_body 'Status: 200'
expect_body eyJ

it 'a key that its issuer would not know keeps the gate from starting'
cp "$W/stranger.pem" "$W/apikey.pem"
"$O"/mgw --config "$W/mgw.conf" --listen "unix:$W/x.sock" 2>"$W/why" &&
    wrong 'it started'
grep -q 'not among the keys' "$W/why" || wrong "$(cat "$W/why")"

# refused RULE SED: the import, with that line changed.
refused() {
	sed "$2" "$W/issue.yaml" >"$W/wrong.yaml"
	import wrong.yaml wso2keys.yaml && wrong "it was imported: $2"
	grep -q "\[$1\]" "$W/import.out" || wrong "$2: $(cat "$W/import.out")"
}
it 'a policy that would give too much is not imported'
refused value 's|lifetime: 20m|lifetime: 91d|'
refused issue 's|lifetime: 20m|tier: Unlimited|'
refused tier-unknown 's|lifetime: 20m|tier: Glod|'
refused issue 's|lifetime: 20m|path: /a{b}|'
refused issue 's|lifetime: 20m|algorithm: ES256|'
refused algorithm 's|lifetime: 20m|algorithm: HS256|'
refused missing-key '/apis: {Keys/d'
refused missing-key '/key: ${file/d'
refused secret-inline 's|key: ${file:apikey.pem}|key: secret|'
refused missing-key '/^users:/d'
done_testing
