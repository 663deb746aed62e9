#!/bin/sh
# Many slow streams at once, and a backend that hangs: in little memory, and
# others are served as if nothing was.
. tests/e2e/lib.sh
start_backend
policy
# shellcheck disable=SC3045 # dash and others have it
ulimit -n 8192 2>/dev/null
N=500
MAX_KB=65536
case $O in */san) MAX_KB=600000 ;; esac
sed -i 's|^apis:|&\
  hangs.yaml: {endpoints: "'"$BACKEND"'/?do=slow/15000"}\
  both.yaml: {endpoints: ["'"$BACKEND"'/?do=slow/15001", "'"$BACKEND"'/b?do=slow/15001"]}\
  half.yaml: {endpoints: ["'"$BACKEND"'/?do=slow/2500", "'"$BACKEND"'/b"]}|' \
    "$W/mgw.yaml"
sed -i 's/first-byte: 2s, total: 10s/first-byte: 20s, total: 100s/' \
    "$W/mgw.yaml"
for name in hangs both half; do
	cat >"$W/$name.yaml" <<-END
	openapi: 3.0.3
	info: {title: $name, version: '1'}
	servers: [{url: /$name}]
	paths:
	  /{do}:
	    get: {security: [], responses: {'200': {description: fine}}}
	END
done
import mgw.yaml things.yaml down.yaml hangs.yaml both.yaml half.yaml ||
    fatal "$(cat "$W/import.out")"
printf 'trusted-proxy 127.0.0.1\nqueue-time 20s\n' >>"$W/mgw.conf"

# took COUNT: how long each of so many requests to another took, in ms,
# the shortest first; they come over one connection.
took() {
	curl -s -o /dev/null -w '%{http_code} %{time_total}\n' \
	    -H 'X-Forwarded-For: 10.9.9.9' "$URL/things/open/small?[1-$1]" |
	    awk '{ print ($1 == 200) ? $2 * 1000 : 99999 }' | sort -n
}
# nth FILE PERCENT
nth() {
	awk -v p="$2" '{ t[NR] = $1 } END { i = int(NR * p / 100 + 0.5)
	    print t[i < 1 ? 1 : i] }' "$1"
}
# median FILE: the lowest of three, since other work only slows it down.
median() {
	for round in 1 2 3; do
		took 150 >"$1.$round"
		nth "$1.$round" 50
	done | sort -n | head -n 1 >"$1"
}
resident() {
	awk '/^VmRSS/ { print $2 }' "/proc/$MGW_PID/status"
}

# Streams ----------------------------------------------------------------
LIGHTTPD_MORE='server.max-connections = 2048
server.max-fds = 4096'
APACHE_THREADS=100
for host in lighttpd apache; do
	# Half of the workers is the most that one API may have.
	start_mgw --threads 1024
	if [ $host = apache ]; then
		APACHE_BEFORE='ServerLimit 8
		MaxRequestWorkers 800'
	fi
	start_$host
	it "$N streams at once in less than 64 MB ($host)"
	took 100 >"$W/warm"
	median "$W/quiet"
	: >"$W/streaming"
	tests/e2e/streams.pl "${URL#http://}" $N /things/open/sse \
	    "$W/streaming" >"$W/streams" 2>"$W/streams.err" &
	streams=$!
	PIDS="$PIDS $streams"
	wait_for 200 grep -q ready "$W/streams" ||
	    wrong "not all begin: $(cat "$W/streams" "$W/streams.err")"
	median "$W/busy"
	rss=$(resident)
	test "$rss" -lt $MAX_KB || wrong "$rss kB resident"
	rm "$W/streaming"
	wait $streams
	grep -q "^$N open" "$W/streams" || wrong "$(cat "$W/streams")"

	it "others are not slower than twice ($host)"
	quiet=$(cat "$W/quiet")
	busy=$(cat "$W/busy")
	awk -v q="$quiet" -v b="$busy" 'BEGIN { exit !(b <= 2 * q + 0.2) }' ||
	    wrong "median from $quiet to $busy ms"
	echo "# $host: $rss kB, median from $quiet to $busy ms," \
	    "$(tail -n 1 "$W/streams")"
	stop_$host
	stop_mgw
done

# A backend that hangs ---------------------------------------------------
start_mgw --threads 32
start_lighttpd
slow=14999
for api in hangs both; do
	slow=$((slow + 1))
	it "all that its workers wait for holds nobody else up ($api)"
	: >"$W/flooding"
	tests/e2e/streams.pl "${URL#http://}" 64 /$api/x "$W/flooding" \
	    >"$W/flood" 2>&1 &
	flood=$!
	PIDS="$PIDS $flood"
	sleep 0.7
	took 400 >"$W/other"
	p99=$(nth "$W/other" 99)
	awk -v t="$p99" 'BEGIN { exit !(t < 50) }' || wrong "p99 $p99 ms"
	n=$(grep -c "do=slow/$slow" "$W/backend.requests")
	test "$n" -ge 16 || wrong "only $n of its workers were busy"
	# Half of the 32, and a few that looked in the same moment.
	test "$n" -le 20 || wrong "$n workers"
	echo "# p99 $p99 ms while $api is asked"
	# Waiting for all that still waits would take too long.
	pid=$MGW_PID
	MGW_PID=''
	kill -9 "$pid"
	rm "$W/flooding"
	wait $flood
	: >"$W/backend.requests"
	start_mgw --threads 32
done

it 'of two endpoints the one that hangs leaves the other its room'
curl -s -o /dev/null -Z --parallel-max 60 --parallel-immediate \
    -w '%{http_code} %{time_total}\n' "$URL/half/[1-60]" \
    -H 'X-Forwarded-For: 10.9.9.9' >"$W/half" 2>"$W/curl.err"
awk '$2 > 1.5 { slow++ } $1 != 200 { bad++ }
    END { exit !(NR == 60 && bad == 0 && slow >= 1 && slow <= 9) }' \
    "$W/half" || wrong "$(awk '{ print $1, $2 > 1.5 }' "$W/half" | sort | uniq -c)"
stop_lighttpd
done_testing
