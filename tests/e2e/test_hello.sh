#!/bin/sh
# The servers and this library themselves, with hello in mgw's place: what
# fails here is not mgw's.
. tests/e2e/lib.sh
start_hello
for host in lighttpd apache; do
	start_$host
	it "hands every path on as it came ($host)"
	get '/a%2Fb/../c//d?x=1'
	expect_status 200
	expect_body 'hello GET /a%2Fb/../c//d?x=1'

	it "keeps serving after uploads that nobody reads ($host)"
	head -c 300000 /dev/zero >"$W/zeros"
	for i in 1 2 3 4; do
		get "/$i" --data-binary @"$W/zeros" -H Expect:
		expect_status 200
	done
	stop_$host
done
done_testing
