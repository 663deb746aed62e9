#!/bin/sh
# A store that is slow, full, gone, or not what it seems.
. tests/e2e/lib.sh
. tests/e2e/store.sh
store_or_skip
start_backend
start_redis
store_policy "unix:$W/redis.sock" 300ms
start_mgw --threads 8
start_lighttpd

# Each tier does what it says while the server does not answer.
expect_without() {
	get /shared/x/refuse
	expect_status 503
	expect_reason store-down
	expect_header Retry-After '[0-9]*'
	for n in 1 2 3; do
		get /shared/x/allow
		expect_status 200
	done
	get "/shared/x/$1"
	expect_status 200
}
expect_back() {
	wait_for 50 back || wrong 'the store is not used again'
}
back() {
	get /shared/x/refuse
	test "$STATUS" = 200
}
logged() {
	grep -c 'store does not answer' "$W/mgw.log"
}

it 'one that hangs costs its time limit once'
get /shared/x/refuse
expect_status 200
kill -STOP "$REDIS_PID"
t=$(ms)
get /shared/x/bucket
expect_status 200
t1=$(ms)
for n in 1 2 3 4 5 6 7 8 9 10; do get /shared/x/bucket; done
t2=$(ms)
test $((t1 - t)) -ge 300 || wrong "it was not waited for: $((t1 - t)) ms"
test $((t1 - t)) -lt 900 || wrong "the first took $((t1 - t)) ms"
test $((t2 - t1)) -lt 900 || wrong "ten more took $((t2 - t1)) ms"

it 'meanwhile each tier does what it says'
expect_without three
for n in 1 2 3; do get /shared/x/three; done
expect_status 429
"$O"/mgw-status --state "$W/state" | grep -q '^store: does not answer' ||
    wrong 'mgw-status says nothing'
"$O"/mgw --config "$W/mgw.conf" --check >"$W/check"
grep -q '^store.*wrong' "$W/check" || wrong '--check says nothing'

it 'it is used again when it answers'
kill -CONT "$REDIS_PID"
expect_back
"$O"/mgw-status --state "$W/state" | grep -q '^store: answers' ||
    wrong 'mgw-status does not know'

it 'a full one is like none'
redis CONFIG SET maxmemory-policy noeviction >/dev/null
redis CONFIG SET maxmemory 1 >/dev/null
get /shared/x/refuse
expect_status 503
expect_reason store-down
get /shared/x/allow
expect_status 200
redis CONFIG SET maxmemory 0 >/dev/null
expect_back

it 'nor is one that has become a replica asked on its old connections'
redis REPLICAOF 127.0.0.1 1 >/dev/null
get /shared/x/refuse
expect_status 503
redis REPLICAOF NO ONE >/dev/null
expect_back

it 'nothing fails when it is killed and started again under load'
(
	sleep 0.5
	kill -9 "$REDIS_PID"
	sleep 1
)&
killer=$!
flood 3000 /shared/x/allow "$URL"
grep -qE '^(200:[0-9]+ )?(429:[0-9]+ )?$' "$W/flood" ||
    wrong "answers $(cat "$W/flood")"
wait "$killer"
start_redis
expect_back

it 'its complaints are a line a second at most'
kill -9 "$REDIS_PID"
before=$(logged)
for n in 1 2 3 4; do
	get /shared/x/bucket
	sleep 0.5
done
n=$(($(logged) - before))
test $n -ge 1 || wrong 'none'
test $n -le 4 || wrong "$n lines in two seconds"

# A server that says what it likes, each on a connection of its own.
lie() {
	perl -MIO::Socket::UNIX -e '
	    $SIG{PIPE} = "IGNORE";
	    unlink $ARGV[0];
	    my $l = IO::Socket::UNIX->new(Local => $ARGV[0], Listen => 9)
		or die;
	    my $what = eval "\"$ARGV[1]\"";
	    while (my $s = $l->accept) {
		if (fork == 0) {
		    my $b;
		    while (sysread($s, $b, 65536)) {
			syswrite($s, $b =~ /PING/ ? "+PONG\r\n" : $what);
		    }
		    exit 0;
		}
	    }' "$W/redis.sock" "$1" 2>/dev/null &
	LIAR=$!
	PIDS="$PIDS $LIAR"
	sleep 1.2
}

it 'answers that cannot be are none'
while read -r what; do
	lie "$what"
	get /shared/x/refuse
	test "$STATUS" = 503 || wrong "\"$what\" was believed: $STATUS"
	get /shared/x/allow
	expect_status 200
	for p in $(children "$LIAR") $LIAR; do kill "$p"; done
done <<'END'
*2147483647\r\n
*4\r\n:0\r\n:1795000000000000\r\n:-5\r\n:0\r\n
*4\r\n:0\r\n:1795000000000000\r\n:99999\r\n:0\r\n
$2147483600\r\nx
END
done_testing
