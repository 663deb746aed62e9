#!/bin/sh
# mod_fcgid starts as many mgw as there are requests at once; each serves
# one at a time.  One state: limits are exact over all of them.
. tests/e2e/lib.sh
start_backend
policy
sed -i 's/^  TwoAnHour/  Forty: {limit: 40, per: 1h, algorithm: window}\n&/' \
    "$W/mgw.yaml"
sed -i 's/x-mgw-tier: TwoAnHour/x-mgw-tier: Forty/' "$W/things.yaml"
import || fatal "$(cat "$W/import.out")"
test -e "$MODULES/mod_fcgid.so" || {
	it 'mod_fcgid'
	skip 'is not installed'
	done_testing
}
SOCKET=$W/none.sock
MOUNT=/fastcgi
APACHE_MODULES=fcgid
APACHE_MORE="
FcgidIPCDir $W/run
FcgidProcessTableFile $W/run/fcgid_shm
FcgidInitialEnv MGW_CONF $W/mgw.conf
FcgidMaxRequestLen 50000000
FcgidMaxProcessesPerClass 12
FcgidOutputBufferSize 0
<Location />
	CGIPassAuth On
	Options +ExecCGI
	SetHandler fcgid-script
	FcgidWrapper $O/mgw virtual
</Location>"
start_apache

it 'a public operation, a token and a key'
get /things/open/x
expect_status 200
expect_body '"target":"/open/x"'
get /things/secret/x
expect_status 401
expect_reason credential-missing
get /things/secret/x -H "$(bearer "$(token)")"
expect_status 200
get /things/keyed/x -H "X-API-Key: $KEY"
expect_status 200

it 'bodies go both ways'
head -c 3000000 /dev/urandom >"$W/3MB"
get /things/open/x -X PUT -T "$W/3MB" -H Expect:
expect_status 200
expect_body '"body_bytes":3000000'
get /things/open/bytes/3000000
test "$(wc -c <"$W/body")" -eq 3000000 || wrong "$(wc -c <"$W/body") bytes"
: >"$W/body"

it 'requests at once are served by several processes'
n=0
while [ $n -lt 4 ]; do
	n=$((n + 1))
	curl -s -o /dev/null "$URL/things/open/slow/1500" &
	slow="${slow:-} $!"
done
mgws() {
	for p in $(children "$APACHE_PID"); do
		children "$p"
		echo "$p"
	done | while read -r p; do
		grep -qs '^mgw$' "/proc/$p/comm" && echo "$p"
	done
}
several() { test "$(mgws | wc -l)" -ge 3; }
wait_for 30 several || wrong "$(mgws | wc -l) processes"
# shellcheck disable=SC2086 # one word each
wait $slow

it 'they take exactly what is allowed'
n=0
while [ $n -lt 8 ]; do
	n=$((n + 1))
	(for _ in 1 2 3 4 5 6 7 8; do
		curl -s -o /dev/null -w '%{http_code}\n' "$URL/things/quota/x"
	done >"$W/taken.$n") &
	takers="${takers:-} $!"
done
# shellcheck disable=SC2086 # one word each
wait $takers
test "$(cat "$W"/taken.* | sort | uniq -c | tr -s ' \n' ' ')" = \
    ' 40 200 24 429 ' ||
    wrong "$(cat "$W"/taken.* | sort | uniq -c | tr -s ' \n' ' ')"

it 'a new bundle is in force in all of them'
sed -i 's|  /little/{do}:|  /new/{do}: {get: {security: [], responses: {"200": {description: fine}}}}\n&|' "$W/things.yaml"
import || wrong "$(cat "$W/import.out")"
sleep 1.5
n=0
while [ $n -lt 12 ]; do
	n=$((n + 1))
	get /things/new/x
	expect_status 200
done

it 'all end with Apache'
pids=$(mgws)
stop_apache
for p in $pids; do gone "$p" 100 || wrong "mgw $p outlived Apache"; done
done_testing
