#!/bin/sh
# Clients that are slow and clients that are many: each is told so, and the
# others are served meanwhile.
. tests/e2e/lib.sh
start_backend
policy
sed -i 's/first-byte: 2s, total: 10s/first-byte: 20s, total: 60s/' \
    "$W/mgw.yaml"
import || fatal "$(cat "$W/import.out")"
echo 'queue-time 300ms' >>"$W/mgw.conf"
start_mgw --threads 8

# drip MS AT-ONCE URL: a POST that says 200000 bytes, brings AT-ONCE of
# them, and then one each MS (0: none); its status, reason and seconds.
drip() {
	perl -MIO::Socket::INET -MIO::Select -MTime::HiRes=time -e '
	    my ($ms, $once, $peer) = @ARGV;
	    my $s = IO::Socket::INET->new(PeerAddr => $peer) or die;
	    my ($t, $got) = (time, "");
	    $s->autoflush(1);
	    print $s "POST /things/open/x HTTP/1.1\r\nHost: a\r\n" .
		"Connection: close\r\nContent-Length: 200000\r\n\r\n" .
		"a" x $once;
	    my $ready = IO::Select->new($s);
	    while (time - $t < 40) {
		if ($ready->can_read($ms ? $ms / 1000 : 1)) {
			last if !sysread($s, $got, 65536, length $got);
		} elsif ($ms) {
			syswrite($s, "a");
		}
	    }
	    my ($status) = $got =~ m{^HTTP/\S+ (\d+)};
	    my ($reason) = $got =~ m{"reason":"([a-z-]+)"};
	    printf("%s %s %d\n", $status // "none", $reason // "-", time - $t)' \
	    "$1" "$2" "${3#http://}"
}

# The waiting is done for all at once.  Apache gathers the first 64 kB
# before it asks anybody, and then reads from its client alone: it hands
# the 408 on once that one moves.  mgw's worker is free at once.
start_lighttpd
lighttpd_url=$URL
start_apache
drip 0 10 "$lighttpd_url" >"$W/drip.none" &
drips=$!
drip 700 10 "$lighttpd_url" >"$W/drip.bytes" &
drips="$drips $!"
drip 0 99000 "$URL" >"$W/drip.apache" &
PIDS="$PIDS $!"

it 'others are served while bodies drip'
get /things/open/x
expect_status 200

# shellcheck disable=SC2086 # one word each
wait $drips
for what in none bytes; do
	it "a body that comes too slowly is ended ($what)"
	read -r STATUS reason seconds <"$W/drip.$what"
	expect_status 408
	test "$reason" = body-timeout || wrong "reason $reason"
	test "$seconds" -ge 5 || wrong "after $seconds s only"
	test "$seconds" -le 30 || wrong "after $seconds s"
done

it 'each of them has freed its worker, Apache or not'
three_events() {
	test "$(grep -c '"status":408,"reason":"body-timeout"' \
	    "$W/state/events.log")" -eq 3
}
wait_for 100 three_events || wrong 'not three events'

# held N SECONDS ADDRESS PATH: so many requests that take so long.
held() {
	n=0
	while [ $n -lt "$1" ]; do
		n=$((n + 1))
		curl -s -o /dev/null --interface "$3" \
		    "$URL$4/slow/$2" &
		HELD="${HELD:-} $!"
	done
	sleep 0.5
}

end_held() {
	# shellcheck disable=SC2086 # one word each
	wait $HELD
	HELD=''
}

for host in lighttpd apache; do
	test $host = lighttpd && apache_url=$URL && URL=$lighttpd_url
	test $host = apache && URL=$apache_url
	it "who holds a share of the workers waits and is told ($host)"
	held 8 4000 127.0.0.2 /things/open
	get /things/open/x --interface 127.0.0.2
	expect_status 503
	expect_reason overloaded
	expect_header Retry-After '[0-9]*'

	it "another API is served meanwhile, at once ($host)"
	get /down/x --interface 127.0.0.3 --max-time 2
	expect_status 502
	end_held

	it "all is well once they have ended ($host)"
	get /things/open/x --interface 127.0.0.2
	expect_status 200
done
stop_apache

# at_once N PATH: so many requests, sent before mgw can take the first; the
# status and reason of each.
at_once() {
	kill -STOP "$MGW_PID"
	perl -MIO::Socket::INET -e '
	    my ($n, $path, $mgw, $peer) = @ARGV;
	    my @all = map { IO::Socket::INET->new(PeerAddr => $peer) or die }
		1 .. $n;
	    syswrite($_, "GET $path HTTP/1.1\r\nHost: a\r\n" .
		"Connection: close\r\n\r\n") for @all;
	    # The web server has read them and tried to hand them on.
	    select(undef, undef, undef, 1.5);
	    kill CONT => $mgw;
	    local $SIG{ALRM} = sub { exit 1 };
	    alarm 30;
	    for my $s (@all) {
		my $got = do { local $/; <$s> } // "";
		my ($status) = $got =~ m{^HTTP/\S+ (\d+)};
		my ($reason) = $got =~ m{"reason":"([a-z-]+)"};
		printf("%s %s\n", $status // "none", $reason // "-");
	    }' "$1" "$2" "$MGW_PID" "${URL#http://}"
	kill -CONT "$MGW_PID"
}

it 'a crowd is answered by mgw, not by the web server'
URL=$lighttpd_url
# shellcheck disable=SC3045 # dash and others have it
ulimit -n 4096 2>/dev/null
at_once 800 /things/open/x >"$W/crowd"
test "$(wc -l <"$W/crowd")" -eq 800 || wrong "$(wc -l <"$W/crowd") answers"
test "$(grep -cvxE '200 -|503 overloaded' "$W/crowd")" -eq 0 ||
    wrong "$(sort "$W/crowd" | uniq -c)"
grep -qx '200 -' "$W/crowd" || wrong 'none was served'
stop_lighttpd
done_testing
