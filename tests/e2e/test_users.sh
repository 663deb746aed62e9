#!/bin/sh
# Basic authentication against a user file, behind real web servers.
. tests/e2e/lib.sh
start_backend
policy

# Hashes by others' programs; the cost is what a real file has.
hashed() { htpasswd -nb "$@" | sed -n 's/^[^:]*://p'; }
cat >"$W/users.htpasswd" <<END
# made by hand
ada:$(hashed -BC 10 x secret):scope=read scope=write tier=Wide
bob:$(openssl passwd -apr1 secret):scope=read
cat:{SHA}$(printf secret | openssl sha1 -binary | base64)
dan:@sha256:{$(printf secret | sha256sum | cut -d' ' -f1)}:application=till
eve:$(openssl passwd -6 secret)
END
cat >"$W/users.yaml" <<END
openapi: 3.0.3
info: {title: Users, version: '1'}
servers: [{url: https://users.example/users}]
components:
  securitySchemes:
    login: {type: http, scheme: basic}
    token: {type: http, scheme: bearer}
paths:
  /in/{do}:
    get:
      security: [{login: []}]
      responses: {'200': {description: fine}}
  /either/{do}:
    get:
      security: [{token: []}, {login: []}]
      responses: {'200': {description: fine}}
END
cat >"$W/users-mgw.yaml" <<END
issuers:
  - issuer: https://id.example/
    keys: {file: keys.jwks.json}
    audiences: [things]
    algorithms: [ES256, RS256]
users: {file: users.htpasswd}
tiers: {Wide: {limit: 100000, per: 1m}}
apis: {users.yaml: {endpoints: ['$BACKEND/']}}
END

it 'Basic is verified by the user file, and said so'
import users-mgw.yaml users.yaml || wrong "$(cat "$W/import.out")"
"$O"/mgw-spec show "$W/mgw.bundle" >"$W/body"
expect_body '"verifier": "basic"'
expect_body '"users": "users.htpasswd"'
"$O"/mgw --config "$W/mgw.conf" --check >"$W/body" 2>&1 || wrong 'not ok'
expect_body "$W/users.htpasswd	ok	user file"
grep -q secret "$W/mgw.bundle" && wrong 'a password in the bundle'

it 'explain tells whether the pair would do'
"$O"/mgw-spec explain -H "Authorization: Basic $(printf ada:secret |
    base64)" "$W/mgw.bundle" GET /users/in/x >"$W/body" || wrong 'refused'
! "$O"/mgw-spec explain -H "Authorization: Basic $(printf ada:wrong |
    base64)" "$W/mgw.bundle" GET /users/in/x >"$W/body" || wrong 'allowed'
expect_body 'password-wrong'
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

for host in lighttpd apache; do
	start_$host
	for user in ada bob cat dan eve; do
		it "$user gets in, and his password stays here ($host)"
		get /users/in/x -u $user:secret
		expect_status 200
		expect_no_body "$(printf %s $user:secret | base64)"
		expect_event "\"subject\":\"$user\""
		expect_event '"issuer":"basic"'
	done
	denied 'nobody' 401 credential-missing /users/in/x
	expect_header WWW-Authenticate 'Basic realm="mgw", charset="UTF-8"'
	for user in ada bob cat dan eve zoe; do
		denied "$user with a wrong password" 401 password-wrong \
		    /users/in/x -u $user:Secret
		expect_no_body Secret
		expect_header WWW-Authenticate 'Basic *'
	done
	denied 'the hash is no password' 401 password-wrong /users/in/x \
	    -u "dan:$(printf secret | sha256sum | cut -d' ' -f1)"
	denied 'a pair without a colon' 401 credential-malformed /users/in/x \
	    -H "Authorization: Basic $(printf ada | base64)"
	denied 'a NUL in the pair' 401 credential-malformed /users/in/x \
	    -H "Authorization: Basic $(printf 'ada:secret\000x' | base64)"
	denied 'a password of 300 bytes' 401 credential-malformed /users/in/x \
	    -u "ada:$(head -c 300 /dev/zero | tr '\0' a)"
	denied 'two pairs' 400 credential-duplicate /users/in/x \
	    -H 'Authorization: Basic YWRhOnNlY3JldA==' \
	    -H 'Authorization: Basic YTpi'
	denied 'a token where a password is asked for' 401 \
	    credential-malformed /users/in/x -H "$(bearer "$(token)")"
	it "a token or a password, as the document says ($host)"
	get /users/either/x -u ada:secret
	expect_status 200
	get /users/either/x -H "$(bearer "$(token)")"
	expect_status 200
	get /users/either/x
	expect_status 401
	test "$(header WWW-Authenticate | grep -o realm= | wc -l)" -eq 2 ||
	    wrong "not two challenges: $(header WWW-Authenticate)"
	stop_$host
done

start_lighttpd
host=lighttpd
# least URL-PATH CURL OPTIONS: the least of six times, in microseconds
least() {
	path=$1
	shift
	for i in 1 2 3 4 5 6; do
		curl -s -o /dev/null -w '%{time_total}\n' "$URL$path" "$@"
	done | sort -n | awk 'NR == 1 { printf "%d", $1 * 1000000 }'
}

it 'a stranger is refused as slowly as a wrong password'
printf 'ada:%s\n' "$(hashed -BC 10 x secret)" >"$W/users.htpasswd"
sleep 0.1
slow=$(least /users/in/x -u ada:wrong)
stranger=$(least /users/in/x -u zoe:wrong)
test "$slow" -gt 10000 || wrong "only $slow us for a wrong password"
if ! { test "$stranger" -gt $((slow / 2)) &&
    test "$stranger" -lt $((slow * 2)); }; then
	wrong "stranger $stranger us, wrong password $slow us"

fi
it 'a password that was right is known for a while'
get /users/in/x -u ada:secret
known=$(least /users/in/x -u ada:secret)
test "$known" -lt $((slow / 2)) || wrong "$known us, hashed in $slow us"
! grep -aq secret "$W/state/shared" || wrong 'the password is in the state'

it 'a new password, and a removed user, count at the next request'
for n in 1 2 3; do
	printf 'ada:%s\n' "$(hashed -BC 5 x "new$n")" >"$W/users.htpasswd"
	get /users/in/x -u ada:secret
	expect_status 401
	expect_reason password-wrong
	get /users/in/x -u "ada:new$n"
	expect_status 200
	printf 'bob:%s\n' "$(hashed -BC 5 x b)" >"$W/users.htpasswd"
	get /users/in/x -u "ada:new$n"
	expect_status 401
done

it 'guesses at once meet a bound, and known users go on'
printf 'ada:%s\neve:%s\n' "$(hashed -BC 12 x secret)" \
    "$(hashed -BC 12 x secret)" >"$W/users.htpasswd"
get /users/in/x -u ada:secret
expect_status 200
guesses=''
for i in $(seq 60); do
	curl -s --max-time 20 -o "$W/guess.$i" -D "$W/guess.$i.head" \
	    -u "eve:$i" "$URL/users/in/x" &
	guesses="$guesses $!"
done
sleep 0.2
least /users/in/x -u ada:secret >"$W/least"
get /users/in/x -u ada:secret
expect_status 200
for i in $guesses; do wait "$i"; done
cat "$W"/guess.*.head >"$W/guesses"
grep -q '^HTTP.* 200' "$W/guesses" && wrong 'a guess got in'
grep -q '^HTTP.* 503' "$W/guesses" || wrong 'all were hashed'
grep -qi '^retry-after: 1' "$W/guesses" || wrong 'no Retry-After'
grep -q '"reason":"overloaded"' "$W"/guess.? "$W"/guess.?? ||
    wrong 'not overloaded'

it 'a damaged user file lets nobody in, and the gate goes on'
for bad in 'ada:secret' 'ada:abNANd1rDfiNc' 'ada:*' 'ada'; do
	echo "$bad" >"$W/users.htpasswd"
	get /users/in/x -u ada:secret
	expect_status 500
	expect_reason fault
done
printf 'ada:%s\n' "$(hashed -BC 5 x secret)" >"$W/users.htpasswd"
get /users/in/x -u ada:secret
expect_status 200
! grep -F secret "$W/state/events.log" "$W/mgw.log" ||
    wrong 'a password in a log'
stop_lighttpd
stop_mgw

it 'a gate with a password as it is in its file does not start'
echo 'ada:secret' >"$W/users.htpasswd"
"$O"/mgw --config "$W/mgw.conf" --listen "unix:$W/no.sock" 2>"$W/body" &&
    wrong 'it started'
expect_body 'line 1: not a hash'
done_testing
