#!/bin/sh
# Bodies much larger than the memory that mgw has, both ways through each
# host; what is cut is seen to be cut; a client that leaves is noticed.
# BIG_BYTES is how many, else as many as take seconds; make bench has 1 GB.
. tests/e2e/lib.sh
start_backend
policy
sed -i 's/max-body: 50MB/max-body: none/; s/total: 10s/total: 100s/' \
    "$W/mgw.yaml"
import || fatal "$(cat "$W/import.out")"
start_mgw
bytes=${BIG_BYTES:-200000000}
grown_max=1000
case $O in
*/san) bytes=40000000 grown_max=60000 ;;
esac

sum=$("$O/tests/e2e/pattern" sum "$bytes")

resident() {
	awk '/^VmRSS/ { print $2 }' "/proc/$MGW_PID/status"
}


# Byte by byte what it should be, without keeping it.
fetch() {
	curl -sS --max-time 100 "$1" 2>"$W/curl.err" |
	    "$O/tests/e2e/pattern" compare "$bytes" >"$W/compared"
}

upload() {
	"$O/tests/e2e/pattern" write "$bytes" | curl -sS --max-time 100 -X PUT -T - \
	    -H Transfer-Encoding: -H "Content-Length: $bytes" -H Expect: \
	    "$URL/things/open/x" >"$W/body" 2>"$W/curl.err"
}

# It has no other way to say that an answer is cut than to close, later.
APACHE_MORE='KeepAliveTimeout 1'
for host in lighttpd apache; do
	start_$host
	# Each path once, so that what is kept for later is there.
	get /things/open/bytes/1000000
	get /things/open/chunked/1000000
	head -c 1000000 /dev/zero >"$W/1MB"
	get /things/open/x -X PUT -T "$W/1MB" -H Expect:
	before=$(resident)

	it "an answer of $bytes bytes: all of it, in no memory ($host)"
	(while sleep 0.1; do resident; done >"$W/most" 2>/dev/null) &
	watch=$!
	fetch "$URL/things/open/pattern/$bytes"
	test "$(cat "$W/compared")" = equal || wrong "$(cat "$W/compared")"

	it "an upload of $bytes bytes: all of it, in no memory ($host)"
	upload
	expect_body "\"body_bytes\":$bytes"
	expect_body "\"body_fnv\":\"$sum\""

	it "both at once, several times ($host)"
	# shellcheck disable=SC2034 # only counted
	for i in 1 2 3; do
		curl -sS --max-time 100 "$URL/things/open/chunked/$((bytes / 10))" |
		    wc -c >"$W/many.$i" &
		many="${many:-} $!"
	done
	# shellcheck disable=SC2086 # one word each
	wait $many
	many=''
	for i in 1 2 3; do
		test "$(cat "$W/many.$i")" -eq $((bytes / 10)) ||
		    wrong "$(cat "$W/many.$i") came"
	done
	kill $watch
	wait $watch 2>/dev/null

	it "memory has not grown ($host)"
	most=$(sort -n "$W/most" | tail -n 1)
	test $((most - before)) -lt $grown_max ||
	    wrong "from $before to $most kB"
	echo "# $host: $bytes bytes each way, from $before to $most kB"

	for word in short-length cut-chunk bad-chunk; do
		it "$word is cut, and curl says so ($host)"
		get /things/open/$word
		test "$CURL_CODE" -ne 0 || wrong "exit 0, status $STATUS"
		expect_event '"upstream_status":200'
	done

	# The hosts notice only when they have something to write.
	it "a client that leaves a stream is noticed ($host)"
	: >"$W/backend.requests"
	timeout 0.5 curl -sN "$URL/things/open/sse" >"$W/body"
	wait_for 40 grep -q gone "$W/backend.requests" ||
	    wrong 'the backend still works after 4 s'

	it "a client that leaves an answer is noticed at once ($host)"
	: >"$W/backend.requests"
	curl -s --limit-rate 1M --max-time 0.7 \
	    "$URL/things/open/bytes/$bytes" >/dev/null
	wait_for 20 grep -q gone "$W/backend.requests" ||
	    wrong 'the backend still sends after 2 s'
	stop_$host
done

# How many milliseconds pass until the backend notes that it is left.
noticed_ms() {
	perl -MTime::HiRes=time,sleep -e '
	    my ($t, $log) = (time, $ARGV[0]);
	    while (time - $t < 2) {
		open(my $f, "<", $log) or die;
		if (grep { /^gone/ } <$f>) {
			printf("%d\n", (time - $t) * 1000);
			exit;
		}
		sleep 0.002;
	    }
	    print "2000\n"' "$W/backend.requests"
}
for what in slow/8000 sse "bytes/$bytes"; do
	it "a web server that leaves is noticed within 100 ms: ${what%%/*}"
	# The best of three: the machine may have something else to do.
	for n in 1 2 3; do
		: >"$W/backend.requests"
		tests/e2e/records.pl "$SOCKET" begin "get:/things/open/$what" \
		    stdin:0 wait:300 leave
		noticed_ms
	done | sort -n | head -n 1 >"$W/noticed"
	test "$(cat "$W/noticed")" -lt 100 || wrong "$(cat "$W/noticed") ms"
	echo "# $what: $(cat "$W/noticed") ms"
done
done_testing
