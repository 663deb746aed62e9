#!/bin/sh
# Limits that are counted in Redis: levels, names, and exact over two gates.
. tests/e2e/lib.sh
. tests/e2e/store.sh
store_or_skip
start_backend
start_redis
store_policy "unix:$W/redis.sock" 1s
start_mgw --threads 8
start_lighttpd

it 'a shared limit holds'
for n in 1 2 3; do
	get /shared/a/three
	expect_status 200
done
get /shared/a/three
expect_status 429
expect_reason quota-exceeded
expect_header Retry-After '[0-9]*'

it 'several limits are charged together or not at all'
for n in 1 2 3 4; do get /shared/a/both; done
expect_status 429
redis --scan >"$W/names"
counts=$(while read -r name; do redis GET "$name"; done <"$W/names" |
    awk '{ print $2 }' | sort -n | tr '\n' ' ')
test "$counts" = '2 2 3 ' || wrong "counts are $counts"

# commands: how many the server has run.
commands() {
	redis INFO commandstats | tr -d '\r' |
	    sed -n 's/^cmdstat_evalsha:calls=\([0-9]*\),.*/\1/p'
}

it 'all limits of a request are one question'
before=$(commands)
for n in 1 2 3 4 5; do get /shared/b/both; done
test $(($(commands) - before)) = 5 || wrong "$(commands), before $before"

it 'a sliding limit and one by the calendar hold'
for limit in slide month; do
	for n in 1 2 3 4; do
		get /shared/a/$limit
		expect_status 200
		sleep 0.2
	done
	get /shared/a/$limit
	expect_status 429
	expect_header Retry-After '[0-9]*'
done

it 'the server learns no names, and keeps nothing forever'
redis --scan >"$W/names"
test "$(wc -l <"$W/names")" -ge 3 || wrong 'no counters in the server'
! grep -vxE 'mgw:[0-9a-f]{32}' "$W/names" || wrong 'a name is no hash'
while read -r name; do
	case $(redis PTTL "$name") in
	-*) wrong "$name is kept forever" ;;
	esac
done <"$W/names"

it 'one that forgets its scripts is told them again'
redis SCRIPT FLUSH >/dev/null
get /shared/a/allow
expect_status 200
get /shared/a/allow
expect_status 429
test "$(total store_failed)" = 0 || wrong 'that was taken for a failure'

# A second machine: a state of its own, the same bundle and server.
FIRST=$URL
"$O"/mgw --config "$W/mgw.conf" --state "$W/state-b" --threads 8 \
    --listen "unix:$W/b.sock" 2>>"$W/mgw.log" &
PIDS="$PIDS $!"
wait_for 100 test -S "$W/b.sock" || fatal 'the second mgw does not start'
SOCKET=$W/b.sock
start_lighttpd
SECOND=$URL

it 'two gates on one server let pass exactly a thousand'
flood 700 /shared/a/thousand "$FIRST" "$SECOND"
expect_flood '200:1000 429:400 '

it 'and exactly the burst of a token bucket'
flood 60 /shared/a/bucket "$FIRST" "$SECOND"
expect_flood '200:50 429:70 '

it 'bytes are counted by both gates, when a request has ended'
for n in 1 2 3; do
	URL=$FIRST
	test $n = 2 || URL=$SECOND
	get '/shared/a/bytes?do=bytes/400'
	expect_status 200
done
for URL in "$FIRST" "$SECOND"; do
	get '/shared/a/bytes?do=bytes/400'
	expect_status 429
	expect_reason quota-exceeded
done
for limit in bytebucket byteslide; do
	get "/shared/a/$limit?do=bytes/1200"
	expect_status 200
	get "/shared/a/$limit"
	expect_status 429
done
sleep 2.2
for limit in bytebucket byteslide; do
	get "/shared/a/$limit"
	expect_status 200
done

# only PATH: forget all, ask once, and tell the name of its counter.
only() {
	redis FLUSHALL >/dev/null
	get "$1"
	NAME=$(redis --scan)
}
# ahead S US: the slot so many seconds from now, where one takes so long.
ahead() {
	echo $((($(date +%s) + $1) * 1000000 / $2))
}

it 'a sliding window from a server whose clock was ahead lets no more pass'
only /shared/a/slide
redis SET "$NAME" "$(ahead 3500 483871):1 $(ahead 3600 483871):2" >/dev/null
get /shared/a/slide
expect_status 200
for n in 1 2 3; do
	get /shared/a/slide
	expect_status 429
done

it 'and holds nobody for longer than its period, nor does a bucket'
only '/shared/a/byteslide'
redis SET "$NAME" "$(ahead 3600 16130):1000" PX 9999999 >/dev/null
get /shared/a/byteslide
expect_status 429
test "$(redis PTTL "$NAME")" -lt 20000 ||
    wrong "it is kept for $(redis PTTL "$NAME") ms"
only '/shared/a/bytebucket?do=bytes/10'
redis SET "$NAME" "$(($(date +%s) + 9999))000000 0" PX 9999999 >/dev/null
get /shared/a/bytebucket
expect_status 429
sleep 1
get /shared/a/bytebucket
expect_status 200
only '/shared/a/byteslide'
redis SET "$NAME" "$(ahead 3600 16130):1000" PX 9999999 >/dev/null
get /shared/a/byteslide
expect_status 429
sleep 2.2
get /shared/a/byteslide
expect_status 200
redis FLUSHALL >/dev/null
for limit in three bucket both slide month; do get /shared/a/$limit; done

it 'a counter that somebody has spoilt begins anew'
for name in $(redis --scan); do redis SET "$name" 'not 3 numbers' >/dev/null; done
get /shared/a/three
expect_status 200
for name in $(redis --scan); do
	redis DEL "$name" >/dev/null
	redis LPUSH "$name" x >/dev/null
done
get /shared/a/three
expect_status 200

it 'a counter from a server whose clock was ahead holds nobody for long'
for name in $(redis --scan); do
	redis SET "$name" '9000000000000000 900' >/dev/null
done
for limit in three bucket both slide month; do
	get /shared/a/$limit
	case $limit in
	bucket) expect_status 429 ;; # it is empty now, and fills
	*) expect_status 200 ;;
	esac
done
URL=$FIRST
done_testing
