# shellcheck shell=sh
# outside - what mgw asks of others, for bench.sh: an introspection server,
# and a Redis server that counts.

# A gate of its own in $W/NAME, of orders.yaml and what stands in mgw.yaml
# there: another NAME LINES...
another() {
	name=$1
	shift
	mkdir -p "$W/$name"
	printf '%s\n' "$@" 'apis:' '  orders.yaml:' \
	    '    base-path: /orders/v1' "    endpoints: [http://$BACKEND/]" \
	    >"$W/$name/mgw.yaml"
	cp "$W/keys.json" "$W/$name"
	"$O"/mgw-spec import -o "$W/$name/mgw.bundle" -p "$W/$name/mgw.yaml" \
	    "$W/orders.yaml" >/dev/null || fatal "no bundle of $name"
	: >"$W/$name/mgw.conf"
}

# start_another NAME: behind lighttpd, at $URL.
start_another() {
	SOCKET=$W/$1/mgw.sock
	"$O"/mgw --config "$W/$1/mgw.conf" --listen "unix:$SOCKET" \
	    2>>"$W/mgw.log" &
	MGW_PID=$!
	PIDS="$PIDS $MGW_PID"
	wait_for 100 test -S "$SOCKET" || fatal "mgw of $1 does not start"
	start_lighttpd
}

stop_another() {
	stop "$LIGHTTPD_PID"
	stop "$MGW_PID"
}

huge='{limit: 50000000, per: 1m, burst: 1000000'

# A thousand requests at once with one token that nobody has seen.
opaque_of_mgw() {
	start_issuer
	export BENCH_SECRET=secret
	# shellcheck disable=SC2016 # a reference
	another opaque 'introspection:' '  - name: idp' \
	    "    url: $ISSUER/introspect" '    issuer: https://id.example/' \
	    '    client-id: gate' '    client-secret: ${env:BENCH_SECRET}' \
	    'tiers:' "  Operation: $huge}"
	echo '{"active":true,"sub":"u1","scope":"read"}' \
	    >"$W/issuer/token-crowd"
	echo opaquetoken >"$W/opaque/token"
	cp "$W/issuer/token-crowd" "$W/issuer/token-opaquetoken"
	"$O"/tests/bench/decision "$W/opaque/mgw.conf" "$W/opaque/token" |
	    while read -r line; do
		target "opaque: ${line% *}, us" "${line##* }" '<=' 2
	    done
	start_another opaque
	echo 0.3 >"$W/issuer/delay"
	: >"$W/issuer/log"
	waits=''
	for n in 1 2 3 4; do
		curl -sZ --parallel-immediate --parallel-max 250 --max-time 20 \
		    -o /dev/null -w '%{http_code}\n' \
		    -H 'Authorization: Bearer crowd' \
		    "$URL/orders/v1/items/[1-250]" >"$W/codes.$n" \
		    2>/dev/null &
		waits="$waits $!"
	done
	for p in $waits; do wait "$p"; done
	target 'opaque: 1,000 at once, one new token, questions to its server' \
	    "$(asked ' crowd ')" '<=' 1
	bound 'of these, answered with 200' "$(cat "$W"/codes.* | grep -c 200)"
	rm -f "$W/issuer/delay"
	stop_another
}

# Microseconds of one request after another over one connection.
alone_us() {
	wrk -t1 -c1 -d"${SECONDS_EACH}s" -s tests/bench/tokens.lua \
	    "$URL/orders/v1/items/7" -- "$W/rs256" |
	    awk '/requests in/ { printf "%.0f", '"$SECONDS_EACH"' * 1e6 / $1 }'
}

redis_of_bench() {
	redis-cli -s "$W/redis.sock" "$@"
}

questions() {
	redis_of_bench INFO commandstats | tr -d '\r' |
	    sed -n 's/^cmdstat_evalsha:calls=\([0-9]*\),.*/\1/p'
}

# With two levels that a Redis server counts; then without the server.
store_of_mgw() {
	if ! command -v redis-server >/dev/null; then
		bound 'limits in Redis: redis-server is not installed' -
		return
	fi
	redis-server --port 0 --unixsocket "$W/redis.sock" --save '' \
	    --appendonly no --dir "$W" >/dev/null 2>&1 &
	REDIS_PID=$!
	PIDS="$PIDS $REDIS_PID"
	wait_for 50 redis_of_bench PING || fatal 'redis-server does not start'
	export BENCH_KEY=a-key-for-the-names-of-counters
	for where in local shared; do
		# shellcheck disable=SC2016 # a reference
		another $where 'issuers:' '  - issuer: https://id.example/' \
		    '    keys: {file: keys.json}' '    audiences: [orders]' \
		    'store:' "  url: unix:$W/redis.sock" \
		    '  key: ${env:BENCH_KEY}' 'tiers:' \
		    "  Huge: $huge, store: $where}" \
		    "  Operation: $huge, store: $where}"
		echo '    tier: Huge' >>"$W/$where/mgw.yaml"
		"$O"/mgw-spec import -o "$W/$where/mgw.bundle" \
		    -p "$W/$where/mgw.yaml" "$W/orders.yaml" >/dev/null
		start_another $where
		test $where = shared || { local_us=$(alone_us); stop_another; }
	done
	before=$(questions)
	shared_us=$(alone_us)
	n=$("$O"/mgw-status --state "$W/shared/state" |
	    sed -n 's/^store_asked: //p')
	target 'limits in Redis: questions to it, of a request' \
	    "$(over "$(($(questions) - ${before:-0}))" "$n")" '<=' 1
	bound 'what a request takes alone, limits here, us' "$local_us"
	bound 'the same, limits in Redis, us' "$shared_us"
	kill -STOP "$REDIS_PID"
	for which in first next; do
		ms=$(curl -so /dev/null -w '%{time_total}' \
		    -H "Authorization: Bearer $(cat "$W/rs256")" \
		    "$URL/orders/v1/items/7" |
		    awk '{ printf "%.1f", $1 * 1000 }')
		target "Redis hangs: the $which request, ms (10 are waited)" \
		    "$ms" '<=' "$(test $which = first && echo 20 || echo 5)"
	done
	kill -CONT "$REDIS_PID"
	stop "$REDIS_PID"
	stop_another
}
