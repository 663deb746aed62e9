#!/bin/sh
# Clients and peers that take more than their part: connections that say
# nothing, bodies that drip, answers nobody reads; and ways around a limit.
. tests/e2e/lib.sh
start_backend
policy
sed -i 's/^tiers:/&\n  Five: {limit: 5, per: 1h, algorithm: window}/' "$W/mgw.yaml"
cat >>"$W/things.yaml" <<'END'
  /five/{do}:
    get:
      security: [{token: []}, {}]
      x-mgw-tier: Five
      responses: {'200': {description: fine}}
  /five/{do}/all:
    get:
      security: []
      x-mgw-tier: Five
      responses: {'200': {description: fine}}
END
for n in 1 2; do
	secret=$(head -c 32 /dev/urandom | base64 | tr '+/' -_ | tr -d '=\n')
	eval "KEY$n=mgw_keynumb${n}_$secret"
	echo "keynumb$n active $(printf %s "mgw_keynumb${n}_$secret" |
	    sha256sum | cut -d' ' -f1) owner=eve application=same tier=Five" \
	    >>"$W/keys.db"
done
import || fatal "$(cat "$W/import.out")"
start_mgw

# asked N COMMAND...: run it N times; how often it was answered 200.
asked() {
	left=$1
	shift
	good=0
	while [ "$left" -gt 0 ]; do
		"$@"
		test "$STATUS" = 200 && good=$((good + 1))
		left=$((left - 1))
	done
}

start_lighttpd
it 'no spelling of a request has a limit of its own'
total=0
for path in /things/five/a /things/five/b /things/fi%76e/a \
    '/things/five/a?x=1' /things/%66ive/%61 /things/five/c '/things/five/;a'; do
	asked 1 get "$path"
	total=$((total + good))
	asked 1 get "$path" --head
	total=$((total + good))
	asked 1 get "$path" -H "$(bearer "$(token "\"sub\":\"s$total\"")")"
	total=$((total + good))
	asked 1 get "$path" -H 'X-Forwarded-For: 7.7.7.7' -A "other $total"
	total=$((total + good))
done
test $total -eq 5 || wrong "$total of 5 were answered"

it 'a limit of one path is not another'"'"'s'
asked 2 get /things/five/x/all
test $good -eq 2 || wrong "$good of 2 were answered"

it 'a limit of a caller holds for all of the keys, wherever they are sent'
asked 2 get /things/keyed/a -H "X-API-Key: $KEY1"
total=$good
asked 2 get "/things/keyed/b?key=$KEY2"
total=$((total + good))
asked 2 get /things/keyed/c -b "key=$KEY1"
total=$((total + good))
asked 2 get /things/keyed/d -H "X-API-Key: $KEY2" --head
total=$((total + good))
test $total -eq 5 || wrong "$total of 5 were answered"

it 'what is refused before costs nobody anything'
asked 3 get /things/keyed/x -H "X-API-Key: ${KEY}x"
asked 1 get /things/keyed/x -H "X-API-Key: $KEY"
test $good -eq 1 || wrong 'a right key is refused'

it 'fifty at once take exactly what is left'
sed -i 's/Five: {limit: 5/Five: {limit: 25/' "$W/mgw.yaml"
import || wrong "$(cat "$W/import.out")"
kill -HUP "$MGW_PID"
sleep 1.2
waits=''
for n in 1 2 3 4 5 6 7 8 9 10; do
	curl -s -o /dev/null -w '%{http_code}\n' "$URL/things/five/[1-5]" \
	    -o /dev/null -o /dev/null -o /dev/null -o /dev/null \
	    >"$W/at-once.$n" &
	waits="$waits $!"
done
# shellcheck disable=SC2086 # one word each
wait $waits
# Five were taken before.
test "$(cat "$W"/at-once.* | grep -c 200)" -eq 20 ||
    wrong "$(cat "$W"/at-once.* | sort | uniq -c | tr '\n' ' ')"

# flood N WHAT ADDRESS: so many clients of one address, until stopped.
flood() {
	perl -MIO::Socket::INET -e '
	    my ($peer, $n, $what, $from) = @ARGV;
	    my @all;
	    for (1 .. $n) {
		my $s = IO::Socket::INET->new(PeerAddr => $peer,
		    LocalAddr => $from) or next;
		push @all, $s;
		syswrite($s, $what eq "drip" ? "POST /things/open/x HTTP/1.1" .
		    "\r\nHost: a\r\nContent-Length: 100000\r\n\r\n" :
		    $what eq "deaf" ? "GET /things/open/bytes/50000000 " .
		    "HTTP/1.1\r\nHost: a\r\n\r\n" :
		    $what eq "slow" ? "GET /things/open/slow/1900 HTTP/1.1" .
		    "\r\nHost: a\r\n\r\n" : "GET /thi");
	    }
	    print "ready\n"; close STDOUT;
	    local $SIG{PIPE} = "IGNORE";
	    while (1) {
		select(undef, undef, undef, 0.5);
		if ($what eq "drip") { syswrite($_, "a") for @all }
	    }' "${URL#http://}" "$1" "$2" "$3" >"$W/flood" &
	FLOOD=$!
	PIDS="$PIDS $FLOOD"
	wait_for 100 test -s "$W/flood" || wrong 'no flood'
}
# others_are_served: from another address, in time.
others_are_served() {
	sleep 1
	for n in 1 2 3; do
		get /things/open/x --max-time 3 -w '%{http_code}'
		expect_status 200
	done
	kill "$FLOOD"
	gone "$FLOOD"
}

for what in drip deaf slow half; do
	it "two hundred clients that are $what leave room for others"
	flood 200 $what 127.0.0.2
	others_are_served
done

it 'the gate is as it was, and its workers are free'
sleep 1
get /things/open/x
expect_status 200
stop_lighttpd

# peers N BYTES: connections to mgw itself that say so much and no more.
peers() {
	perl -MIO::Socket::UNIX -e '
	    my ($path, $n, $what) = @ARGV;
	    my @all;
	    for (1 .. $n) {
		my $s = IO::Socket::UNIX->new(Peer => $path) or last;
		push @all, $s;
		syswrite($s, pack("H*", $what)) if length $what;
	    }
	    print scalar @all, "\n"; close STDOUT;
	    sleep 60' "$SOCKET" "$1" "$2" >"$W/peers" &
	PEERS=$!
	PIDS="$PIDS $PEERS"
	wait_for 100 test -s "$W/peers" || wrong 'no peers'
}
ask_socket() {
	timeout 10 tests/e2e/records.pl "$SOCKET" begin get:/things/open/x \
	    stdin:0 >"$W/body" 2>&1
	expect_body 'Status: 200'
}

it 'a thousand idle connections are no load'
# shellcheck disable=SC3045 # dash and others have it
ulimit -n 4096 2>/dev/null
stop_mgw
start_mgw
peers 1000 ''
test "$(cat "$W/peers")" -ge 1000 || wrong "only $(cat "$W/peers")"
ask_socket
test "$(sed -n 's/^Threads:[^0-9]*//p' "/proc/$MGW_PID/status")" -lt 20 ||
    wrong 'a thread for each'
kill $PEERS
gone $PEERS
ask_socket

it 'half a record from fifty peers holds nobody up'
peers 50 010100
ask_socket
kill $PEERS
gone $PEERS

it 'half a record from more peers than workers holds them up for a moment'
peers 150 010100
began=$(date +%s)
ask_socket
test $(($(date +%s) - began)) -le 3 || wrong "$(($(date +%s) - began)) s"
kill $PEERS
gone $PEERS

it 'a head has time again once they have gone'
tests/e2e/records.pl "$SOCKET" begin wait:1500 get:/things/open/x stdin:0 |
    grep -q 'Status: 200' || wrong 'given up'

it 'a thousand connections with few descriptors are refused, not crashed on'
stop_mgw
rm -f "$W/mgw.sock" "$W/pid"
sh -c 'ulimit -n 80; echo $$ >"$1/pid"; exec "$2" --config "$1/mgw.conf" \
    --listen "unix:$1/mgw.sock"' sh "$W" "$O/mgw" 2>>"$W/mgw.log" &
PIDS="$PIDS $!"
wait_for 50 test -S "$W/mgw.sock" || fatal 'mgw does not start'
MGW_PID=$(cat "$W/pid")
peers 400 ''
# They stand in the queue at once; the gate takes them one by one.
wait_for 100 grep -q 'out of descriptors' "$W/mgw.log" ||
    wrong 'had descriptors left'
kill $PEERS
gone $PEERS
wait_for 50 sh -c "tests/e2e/records.pl $SOCKET begin get:/things/open/x \
    stdin:0 | grep -q 'Status: 200'" || wrong 'does not recover'
done_testing
