#!/bin/sh
# Measure mgw beside its peers and print ratios of this one run.
#
# Every row is measured twice, in two rounds, and the better of the two is
# printed: what disturbs a run only ever makes it slower.  CPU time is that
# of the processes named, from /proc, divided by the requests answered.
# SECONDS_EACH=4 sets how long one measurement takes, ROUNDS=2 how many.
set -u
export O="${O:-build}"

# mgw hides its memory maps; root may read what its share of memory is, and
# does so for the user that the bench runs as: pss_serve QUESTION ANSWER.
pss_serve() {
	while sleep 0.2; do
		pid=$(tr -cd 0-9 <"$1" 2>/dev/null)
		test -n "$pid" || continue
		awk '/^Pss:/ { print $2 }' "/proc/$pid/smaps_rollup" \
		    >"$2.new" 2>/dev/null && mv "$2.new" "$2"
		rm -f "$1"
	done
}

if [ "${BENCH_STAGED:-}" != 1 ]; then
	. tests/stage.sh
	stage_make
	export BENCH_STAGED=1 BENCH_STAGE="$stage"
	if [ -n "$stage" ]; then
		pss_serve "$stage/tmp/pss" "$stage/pss" 2>/dev/null &
		pss=$!
		trap 'kill $pss; rm -rf "$stage"' EXIT
	fi
	stage_run tests/bench/bench.sh
	exit
fi
. tests/e2e/lib.sh
. tests/bench/peers.sh
. tests/bench/outside.sh

SECONDS_EACH=${SECONDS_EACH:-4}
ROUNDS=${ROUNDS:-2}
CORES=$(nproc)
TICK=$(getconf CLK_TCK)
CLAIMS='"iss":"https://id.example/","aud":"orders","scope":"read","iat":1700000000,"exp":1999999999'

# Ticks of CPU that a process and its children have used.
ticks() {
	for pid in "$1" $(children "$1"); do
		cat "/proc/$pid/stat" 2>/dev/null
	done | sed 's/.*) //' | awk '{ n += $12 + $13 } END { print n + 0 }'
}

# measure NAME URL TOKENS-FILE PID...: a line in $W/rows: name, requests a
# second, and CPU microseconds per request for each PID.
measure() {
	name=$1 url=$2 tokens=$3
	shift 3
	wrk -t1 -c64 -d1s -s tests/bench/tokens.lua "$url" -- "$tokens" \
	    >/dev/null
	before=''
	for p in "$@"; do before="$before $(ticks "$p")"; done
	wrk -t1 -c64 -d"${SECONDS_EACH}s" -s tests/bench/tokens.lua "$url" \
	    -- "$tokens" >"$W/wrk.out" 2>&1
	after=''
	for p in "$@"; do after="$after $(ticks "$p")"; done
	# One refusal or error makes the number worthless.
	if ! grep -q Requests/sec "$W/wrk.out" ||
	    grep -qE 'Non-2xx|Socket errors' "$W/wrk.out"; then
		echo "bench: $name is not answered as it should be:" >&2
		cat "$W/wrk.out" >&2
		curl -si -H "Authorization: Bearer $(head -n 1 "$tokens")" \
		    "$url" | head -n 20 >&2
		tail -n 3 "$W"/apache.log "$W"/mgw.log >&2
		return
	fi
	n=$(awk '/requests in/ { print $1 }' "$W/wrk.out")
	rate=$(awk '/Requests\/sec/ { printf "%d", $2 }' "$W/wrk.out")
	echo "$name|$rate|$n|$before|$after" | awk -F'|' -v tick="$TICK" '{
		split($4, b, " "); k = split($5, a, " ")
		printf "%s|%d", $1, $2
		for (i = 1; i <= k; i++)
			printf "|%.1f", (a[i] - b[i]) * 1e6 / tick / $3
		print ""
	}' >>"$W/rows"
}

# The best of the rounds of a row, field N (2 requests, 3 first CPU, ...).
best() {
	awk -F'|' -v name="$1" '$1 == name && $2 > max { max = $2; row = $0 }
	    END { print row }' "$W/rows" | cut -d'|' -f"$2"
}

ratio() { # ratio ROW FIELD OF-ROW FIELD
	awk -v a="$(best "$1" "$2")" -v b="$(best "$3" "$4")" 'BEGIN {
		if (a > 0 && b > 0) printf "%.2f", a / b; else printf "-" }'
}

show() { # show ROW NAMES-OF-CPU...
	row=$1
	shift
	rate=$(best "$row" 2)
	test -n "$rate" || { printf '%-46s not measured\n' "$row"; return; }
	field=3
	cpu=''
	for who in "$@"; do
		cpu="$cpu  $who $(best "$row" $field)"
		field=$((field + 1))
	done
	printf '%-46s %7d  %s\n' "$row" "$rate" "$cpu"
}

# target TEXT VALUE OPERATOR LIMIT
target() {
	awk -v text="$1" -v v="$2" -v op="$3" -v limit="$4" 'BEGIN {
		if (v == "" || v == "-") { said = "not measured" }
		else {
			ok = (op == "<=") ? (v <= limit) : (v >= limit)
			said = ok ? "reached" : sprintf("MISSED by %.0f %%",
			    100 * ((op == "<=") ? v / limit - 1 : 1 - v / limit))
		}
		printf "%-60s %8s  (%s %s) %s\n", text, v, op, limit, said }'
}

# bound TEXT VALUE: no target, but what limits one
bound() {
	printf '%-60s %8s\n' "    $1" "$2"
}

prepare() {
	"$O"/tests/bench/target >"$W/target.port" &
	TARGET_PID=$!
	PIDS="$PIDS $TARGET_PID"
	wait_for 50 test -s "$W/target.port" || fatal 'no target'
	BACKEND=127.0.0.1:$(cat "$W/target.port")
	"$O"/tests/bench/target 100000 >"$W/large.port" &
	PIDS="$PIDS $!"
	wait_for 50 test -s "$W/large.port" || fatal 'no large target'
	LARGE=127.0.0.1:$(cat "$W/large.port")
	openssl genrsa -out "$W/rsa.pem" 2048 2>/dev/null
	openssl ecparam -name prime256v1 -genkey -noout -out "$W/ec.pem"
	for k in rsa ec; do
		openssl pkey -in "$W/$k.pem" -pubout -out "$W/$k.pub"
	done
	jose=tests/e2e/jose.pl
	$jose jwks rsa="$W/rsa.pem" ec="$W/ec.pem" >"$W/keys.json"
	$jose sign RS256 "$W/rsa.pem" "{\"sub\":\"u1\",$CLAIMS}" >"$W/rs256"
	$jose sign ES256 "$W/ec.pem" "{\"sub\":\"u1\",$CLAIMS}" >"$W/es256"
	$jose many 1000 RS256 "$W/rsa.pem" \
	    "{\"sub\":\"u%d\",\"jti\":\"token-%d\",$CLAIMS}" \
	    >"$W/rs256-1000"
	$jose many 1000 ES256 "$W/ec.pem" "{\"sub\":\"u%d\",$CLAIMS}" \
	    >"$W/es256-1000"
}

round() {
	measure_lighttpd
	measure_haproxy
	measure_apache
}

prepare
has_mgw=0
test ! -x "$O/mgw" || has_mgw=1
test $has_mgw -eq 0 || prepare_mgw
i=0
while [ $i -lt "$ROUNDS" ]; do
	i=$((i + 1))
	echo "round $i of $ROUNDS" >&2
	round
done
test $has_mgw -eq 0 || for i in $(seq "$ROUNDS"); do measure_large; done

echo
echo "$CORES cores, wrk with 64 connections, backend of 100 bytes;"
echo 'requests a second, then CPU microseconds per request'
echo
show 'lighttpd, hello' app lighttpd
show 'lighttpd, mgw RS256' mgw lighttpd
show 'lighttpd, mgw ES256' mgw lighttpd
show 'lighttpd, mgw RS256, 1000 tokens' mgw lighttpd
show 'lighttpd, mod_proxy, no policy' lighttpd
show 'lighttpd, mgw, 100 kB' mgw lighttpd
show 'lighttpd, mod_proxy, 100 kB' lighttpd
show 'HAProxy RS256 + stick table' haproxy
show 'HAProxy ES256 + stick table' haproxy
show 'Apache, hello' app apache
show 'Apache, mgw RS256' mgw apache
show 'Apache, mgw ES256' mgw apache
show 'Apache, mod_proxy_http, no policy' apache
show 'Apache, mod_oauth2 RS256' apache
show 'Apache, mod_oauth2 ES256' apache
echo
l='lighttpd, mgw RS256' a='Apache, mgw RS256'
target 'lighttpd: mgw to mod_proxy without policy' \
    "$(ratio "$l" 2 'lighttpd, mod_proxy, no policy' 2)" '>=' 1
target 'lighttpd: mgw to HAProxy, RS256' \
    "$(ratio "$l" 2 'HAProxy RS256 + stick table' 2)" '>=' 1
bound 'the same, hello' \
    "$(ratio 'lighttpd, hello' 2 'HAProxy RS256 + stick table' 2)"
target 'lighttpd: mgw to HAProxy, ES256' \
    "$(ratio 'lighttpd, mgw ES256' 2 'HAProxy ES256 + stick table' 2)" '>=' 2
bound 'the same, hello' \
    "$(ratio 'lighttpd, hello' 2 'HAProxy ES256 + stick table' 2)"
target 'Apache: mgw to mod_oauth2, RS256' \
    "$(ratio "$a" 2 'Apache, mod_oauth2 RS256' 2)" '>=' 1.4
bound 'the same, hello' \
    "$(ratio 'Apache, hello' 2 'Apache, mod_oauth2 RS256' 2)"
target 'Apache: mgw to mod_oauth2, ES256' \
    "$(ratio 'Apache, mgw ES256' 2 'Apache, mod_oauth2 ES256' 2)" '>=' 1.7
bound 'the same, hello' \
    "$(ratio 'Apache, hello' 2 'Apache, mod_oauth2 ES256' 2)"
target 'Apache: mgw to hello' "$(ratio "$a" 2 'Apache, hello' 2)" '>=' 0.85
target "CPU of mgw to hello's, behind lighttpd" \
    "$(ratio "$l" 3 'lighttpd, hello' 3)" '<=' 2
target 'CPU of mgw, 1000 tokens to one' \
    "$(ratio 'lighttpd, mgw RS256, 1000 tokens' 3 "$l" 3)" '<=' 1.1
target '1000 tokens to one, behind lighttpd' \
    "$(ratio 'lighttpd, mgw RS256, 1000 tokens' 2 "$l" 2)" '>=' 0.9
target "CPU of mgw to mod_proxy's, answers of 100 kB" \
    "$(ratio 'lighttpd, mgw, 100 kB' 3 'lighttpd, mod_proxy, 100 kB' 3)" \
    '<=' 1.2
if [ $has_mgw -eq 1 ]; then
	stop "$MGW_PID"
	decisions_of_mgw
	opaque_of_mgw
	store_of_mgw
	size_of_mgw
	cgi_of_mgw
	echo
	# What these tests hold it to, with a body of 1 GB.
	BIG_BYTES=1073741824 tests/e2e/test_big.sh | grep -E '^(#|not ok)'
	tests/e2e/test_streams.sh | grep -E '^(#|not ok)'
fi
if [ -x "$O/tests/bench/micro" ]; then
	echo
	"$O"/tests/bench/micro
fi
