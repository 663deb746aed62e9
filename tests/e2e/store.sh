# shellcheck shell=sh disable=SC2034 # for the tests
# store - what the tests of counters in Redis share; sourced after lib.sh.
export STORE_KEY=a-key-of-32-bytes-for-the-tests.

# Without the server, or the library in mgw, there is nothing to test.
store_or_skip() {
	command -v redis-server >/dev/null || {
		echo 'skip store: redis-server is not installed'
		exit 0
	}
}

# start_redis [OPTIONS...]: on $W/redis.sock.
start_redis() {
	rm -f "$W/redis.sock"
	redis-server --port 0 --unixsocket "$W/redis.sock" --save '' \
	    --appendonly no --dir "$W" --logfile "$W/redis.log" "$@" \
	    >/dev/null 2>&1 &
	REDIS_PID=$!
	PIDS="$PIDS $REDIS_PID"
	wait_for 50 redis PING || fatal "redis-server does not start"
}

redis() {
	redis-cli -s "$W/redis.sock" ${REDIS_AUTH:+--no-auth-warning -a \
	    "$REDIS_AUTH"} "$@" 2>&1 | grep .
}

# store_policy URL TIMEOUT: mgw-store.yaml, imported as the policy.
store_policy() {
	policy
	store_import "$@" || fatal "$(cat "$W/import.out")"
}

store_import() {
	sed "s|^  url:.*|  url: '$1'|; s|^  timeout:.*|  timeout: $2|" \
	    "$W/mgw-store.yaml" >"$W/store.yaml"
	import store.yaml shared.yaml
}

# flood N PATH URL...: N requests to each at once; counts by status in
# $W/flood.
flood() {
	n=$1 path=$2
	shift 2
	waits=''
	rm -f "$W"/flood.*
	for u in "$@"; do
		curl -sZ --parallel-max 16 --max-time 60 -o /dev/null \
		    -w '%{http_code}\n' "$u$path?[1-$n]" \
		    >"$W/flood.${u##*:}" 2>/dev/null &
		waits="$waits $!"
	done
	for p in $waits; do wait "$p"; done
	sort "$W"/flood.* | uniq -c | awk '{ print $2 ":" $1 }' |
	    tr '\n' ' ' >"$W/flood"
}

# expect_flood TEXT: all of the counts, such as "200:1000 429:200 ".
expect_flood() {
	test "$(cat "$W/flood")" = "$1" ||
	    wrong "$(cat "$W/flood"), expected $1"
}

# total NAME: of mgw-status.
total() {
	"$O"/mgw-status --state "$W/state" | sed -n "s/^$1: //p"
}

# ms: milliseconds since some time.
ms() {
	echo $(($(date +%s%N) / 1000000))
}
