#!/bin/sh
# Who fails too often is not served with guesses; who is known goes on.
. tests/e2e/lib.sh
start_backend
policy
# Keys of another id, known and not.
for id in known001 fresh001; do
	key=mgw_${id}_$(head -c 32 /dev/urandom | base64 | tr '+/' -_ | tr -d '=\n')
	echo "$id active $(printf %s "$key" | sha256sum | cut -d' ' -f1)" \
	    'owner=bob application=desk' >>"$W/keys.db"
	eval "$id=\$key"
done
sed -i 's/^failures: off/failures: {limit: 6, per: 1h, per-name: 2}/' \
    "$W/mgw.yaml"
import || fatal "no import: $(cat "$W/import.out")"
echo 'trusted-proxy 127.0.0.0/8' >>"$W/mgw.conf"

# at ADDRESS KEY: a request with this key.
at() {
	get /things/keyed/x -H "X-Forwarded-For: $1" -H "X-API-Key: $2"
}

# at_token ADDRESS TOKEN
at_token() {
	get /things/secret/x -H "X-Forwarded-For: $1" -H "$(bearer "$2")"
}

# fail ADDRESS N: so many guesses, each with another name.
fail() {
	for i in $(seq "$2"); do
		at "$1" "guess$i"
		expect_status 401
	done
}

expect_held() {
	expect_status 429
	expect_reason rate-exceeded
	expect_header Retry-After '[1-9]*'
	expect_event '"level":"failures"'
}

start_mgw
for host in lighttpd apache; do
	start_$host
	a=$(test $host = lighttpd && echo 192.0.2 || echo 198.51.100)
	good=$(token '"sub":"known"')
	new=$(token '"sub":"new"')

	it "known credentials go on where others failed ($host)"
	# shellcheck disable=SC2154 # set by eval
	at "$a.1" "$known001"
	expect_status 200
	at_token "$a.1" "$good"
	expect_status 200
	fail "$a.1" 6
	at "$a.1" guess7
	expect_held
	at "$a.1" "$known001"
	expect_status 200
	at_token "$a.1" "$good"
	expect_status 200
	get /things/open/x -H "X-Forwarded-For: $a.1"
	expect_status 200

	it "what is not known is not looked at, right or wrong ($host)"
	if [ $host = lighttpd ]; then
		# shellcheck disable=SC2154
		at "$a.1" "$fresh001"
		expect_held
		at_token "$a.1" "$new"
		expect_held
	fi
	at_token "$a.1" "$(token '"sub":"other"')"
	expect_held
	at_token "$a.1" "$(token '"sub":"bad"' ES256 ec.pem | sed 's/.$//')A"
	expect_held

	it "another address is another matter ($host)"
	at "$a.2" guess
	expect_status 401
	at_token "$a.2" "$new"
	expect_status 200

	it "a name is held sooner than its address ($host)"
	for want in 401 401 429 429; do
		at "$a.3" mgw_victim01_wrong$want
		expect_status $want
	done
	at "$a.3" mgw_victim02_wrong
	expect_status 401
	at "$a.4" mgw_victim01_wrong
	expect_status 401

	it "paths that are not there count, missing credentials do not ($host)"
	for i in 1 2 3 4 5 6 7 8 9; do
		get /things/keyed/x -H "X-Forwarded-For: $a.5"
		expect_status 401
	done
	at "$a.5" guess
	expect_status 401
	for i in 1 2 3 4 5 6; do
		get /nothing/$i -H "X-Forwarded-For: $a.5"
		expect_status 404
	done
	at "$a.5" guess
	expect_held
	get /nothing/again -H "X-Forwarded-For: $a.5"
	expect_status 404

	it "addresses of one IPv6 network fail together ($host)"
	n=$(test $host = lighttpd && echo 1 || echo 2)
	for i in 1 2 3 4 5 6; do
		at "2001:db8:$n:a::$i" guess$i
		expect_status 401
	done
	at "2001:db8:$n:a:5:6:7:8" guess
	expect_held
	at "2001:db8:$n:b::1" guess
	expect_status 401
	stop_$host
done

it 'a /56 is held at four times its limit'
start_lighttpd
for net in 1 2 3 4; do
	for i in 1 2 3 4 5 6; do
		at "2001:db8:9:$net::1" "guess$net$i"
	done
done
expect_status 401
at 2001:db8:9:5::1 guess
expect_held
at 2001:db8:9:100::1 guess
expect_status 401

it 'mgw-throttle shows who is held, and a reset frees him'
"$O/mgw-throttle" show --limited --state "$W/state" >"$W/body"
expect_body 'failures	192.0.2.1	until'
"$O/mgw-throttle" reset --state "$W/state" --level failures 192.0.2.1 \
    >"$W/out" 2>&1
at 192.0.2.1 guess
expect_status 401

it 'off is off'
sed -i 's/^failures: .*/failures: off/' "$W/mgw.yaml"
import || wrong 'no import'
sleep 1.2
for i in 1 2 3; do
	at 198.51.100.1 guess
	expect_status 401
done

it 'passwords are guessed no better'
cat >"$W/users.htpasswd" <<END
ada:{SHA}$(printf secret | openssl sha1 -binary | base64)
bob:{SHA}$(printf secret | openssl sha1 -binary | base64)
END
sed -e 's/^info: .*/info: {title: Users, version: "1"}/' \
    -e 's/type: apiKey, in: header, name: X-API-Key/type: http, scheme: basic/' \
    -e '/{key: \[\]}, {query/s/, {query.*}\]/]/' \
    -e 's|example/things|example/users|' "$W/things.yaml" >"$W/users.yaml"
{
	sed -e 's/^failures: .*/failures: {limit: 3, per: 1h}/' \
	    -e 's/^  key: .*//' -e 's/things.yaml:/users.yaml:/' \
	    -e '/down.yaml:/d' "$W/mgw.yaml"
	echo 'users: {file: users.htpasswd}'
} >"$W/users-mgw.yaml"
import users-mgw.yaml users.yaml || wrong "$(cat "$W/import.out")"
sleep 1.2
# login ADDRESS PAIR
login() {
	get /users/keyed/x -H "X-Forwarded-For: $1" -u "$2"
}
login 203.0.113.1 bob:secret
expect_status 200
for i in 1 2 3; do
	login 203.0.113.1 "ada:guess$i"
	expect_status 401
done
login 203.0.113.1 ada:secret
expect_held
login 203.0.113.1 bob:secret
expect_status 200
login 203.0.113.2 ada:secret
expect_status 200
stop_lighttpd
done_testing
