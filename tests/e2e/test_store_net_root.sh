#!/bin/sh
# Three machines: two with a gate, one with Redis, and the net between
# them, which breaks.  Only root can make machines of network namespaces.
. tests/e2e/lib.sh
. tests/e2e/store.sh
store_or_skip
N=mgw$$

leave() {
	code=$?
	(finish)
	for m in a b s; do ip netns del "$N$m" 2>/dev/null; done
	exit "$code"
}
trap leave EXIT

it 'three machines'
if ! command -v ip >/dev/null || ! ip netns add "${N}a" 2>/dev/null; then
	skip 'no network namespace can be made'
	done_testing
fi
ip netns add "${N}b"
ip netns add "${N}s"
# on MACHINE COMMAND...
on() {
	m=$N$1
	shift
	ip netns exec "$m" "$@"
}
# begin MACHINE COMMAND...: in the background, as that very process.
begin() {
	m=$N$1
	shift
	ip netns exec "$m" "$@" &
	PIDS="$PIDS $!"
}
for m in a b s; do on $m ip link set lo up; done
# a and b each have a cable to s.
cable() { # MACHINE NET
	ip link add "v$1" netns "$N$1" type veth peer name "w$1" netns "${N}s"
	on "$1" ip addr add "10.77.$2.2/24" dev "v$1"
	on s ip addr add "10.77.$2.1/24" dev "w$1"
	on "$1" ip link set "v$1" up
	on s ip link set "w$1" up
}
cable a 1
cable b 2
chmod 711 "$W"
begin s redis-server --port 6379 --bind 0.0.0.0 --protected-mode no --save '' \
    --dir "$W" >"$W/redis.log" 2>&1
wait_for 50 on a redis-cli -h 10.77.1.1 PING || wrong 'no redis'

# machine NAME: backend, gate and web server of one; $URL is known there.
machine() {
	begin "$1" "$O"/tests/e2e/backend --listen tcp:127.0.0.1:9000 \
	    >"$W/backend.out" 2>&1
	begin "$1" "$O"/mgw --allow-root --config "$W/$1.conf" --threads 8 \
	    --listen "unix:$W/$1.sock" 2>>"$W/$1.log"
	wait_for 100 test -S "$W/$1.sock" || fatal "mgw of $1 does not start"
	cat >"$W/$1.lighttpd" <<-END
	server.document-root = "$W"
	server.bind = "127.0.0.1"
	server.port = 8080
	var.mgw_socket = "$W/$1.sock"
	var.mgw_mount = "/"
	include "$ROOT/lighttpd/socket.conf"
	END
	begin "$1" lighttpd -D -f "$W/$1.lighttpd" >>"$W/lighttpd.log" 2>&1
	wait_for 100 on "$1" curl -so /dev/null http://127.0.0.1:8080/ ||
	    fatal "lighttpd of $1 does not start"
}
BACKEND=http://127.0.0.1:9000
store_policy redis://10.77.1.1 300ms
for m in a b; do
	printf 'bundle mgw.bundle\nstate state-%s\n' $m >"$W/$m.conf"
done
# The same server has another address where b stands.
printf 'store redis://10.77.2.1\n' >>"$W/b.conf"
machine a
machine b

# ask MACHINE PATH: $STATUS, and $MS that it took.
ask() {
	STATUS=$(on "$1" curl -s -o /dev/null -w '%{http_code} %{time_total}' \
	    --max-time 20 "http://127.0.0.1:8080/shared/a/$2")
	MS=$(echo "${STATUS#* }" | awk '{ print int($1 * 1000) }')
	STATUS=${STATUS%% *}
}

it 'two machines let pass exactly a thousand'
Fa='' Fb=''
for m in a b; do
	on $m curl -sZ --parallel-max 16 -o /dev/null -w '%{http_code}\n' \
	    'http://127.0.0.1:8080/shared/a/thousand?[1-700]' \
	    >"$W/flood.$m" 2>/dev/null &
	eval "F$m=\$!"
done
wait "$Fa" "$Fb"
passed=$(cat "$W"/flood.* | grep -c 200)
test "$passed" = 1000 || wrong "$passed passed"
test "$(cat "$W"/flood.* | wc -l)" = 1400 || wrong 'not all were answered'

it 'a net that swallows packets costs its time limit once'
ask a refuse
expect_status 200
on s ip link set wa down
ask a bucket
expect_status 200
test "$MS" -ge 300 || wrong "it was not waited for: $MS ms"
test "$MS" -lt 1200 || wrong "the first took $MS ms"
for n in 1 2 3 4 5; do
	ask a bucket
	expect_status 200
	test "$MS" -lt 250 || wrong "the next took $MS ms"
done
ask a refuse
expect_status 503

it 'meanwhile the other machine counts on'
ask b refuse
expect_status 200

it 'it is found again when the net is back'
on s ip link set wa up
back() {
	ask a refuse
	test "$STATUS" = 200
}
wait_for 60 back || wrong 'it is not'
done_testing
