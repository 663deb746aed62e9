#!/bin/sh
# What a proxy in front of the web server says, and what hides fields.
. tests/e2e/lib.sh
start_backend
policy

for trusted in '' 127.0.0.0/8; do
	printf 'bundle mgw.bundle\nstate state\n' >"$W/mgw.conf"
	test -z "$trusted" || echo "trusted-proxy $trusted" >>"$W/mgw.conf"
	start_mgw
	for host in lighttpd apache; do
		start_$host
		it "X-Forwarded-For from ${trusted:-nobody} ($host)"
		get /things/open/x -H 'X-Forwarded-For: 10.0.0.9' \
		    -H 'X-Forwarded-Proto: https' \
		    -H 'X-Forwarded-Host: shop.example'
		expect_status 200
		if [ -n "$trusted" ]; then
			expect_body '10.0.0.9, 127.0.0.1'
			expect_body 'shop.example'
			expect_event '"address":"10.0.0.9"'
		else
			expect_event '"address":"127.0.0.1"'
			expect_no_body '10.0.0.9'
			expect_no_body 'shop.example'
		fi

		it "what the client wrote itself is not read (${trusted:-nobody}, $host)"
		get /things/open/x -H 'X-Forwarded-For: 10.0.0.8, 10.0.0.9'
		expect_status 200
		expect_event "\"address\":\"${trusted:+10.0.0.9}"
		get /things/open/x -H 'X-Forwarded-For: 10.0.0.9, nonsense'
		expect_event '"address":"127.0.0.1"'

		it "two headers that disagree (${trusted:-nobody}, $host)"
		get /things/open/x -H 'X-Forwarded-For: 10.0.0.9' \
		    -H 'Forwarded: for=10.0.0.7'
		if [ -n "$trusted" ]; then
			expect_status 400
			expect_reason bad-request
		else
			expect_status 200
		fi

		it "a refused HEAD counts no body (${trusted:-nobody}, $host)"
		get /nowhere -I
		expect_status 404
		expect_event '"reason":"no-route"'
		expect_event '"bytes_out":0'
		stop_$host
	done
	stop_mgw
done

it 'a trusted proxy is an address'
echo 'trusted-proxy proxy.example' >>"$W/mgw.conf"
"$O"/mgw --config "$W/mgw.conf" --check >"$W/body" 2>&1
code=$?
test $code = 2 || wrong "exit $code"
expect_body 'mgw.conf:4: must be an address'
done_testing
