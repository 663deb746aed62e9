#!/bin/sh
# The file of rules is shortened while gates serve from it, processes are
# killed at it, and others add to it; nothing that was said is lost.
. tests/e2e/lib.sh
start_backend
policy
RULES=$W/state/throttle.rules
T="$O/mgw-throttle"
export MGW_STATE="$W/state"

change() {
	"$T" "$@" >"$W/out" 2>&1 || wrong "mgw-throttle $*: $(cat "$W/out")"
}
ask() {
	get /things/keyed/x -H "X-API-Key: $KEY"
}
bytes() {
	wc -c <"$1"
}

start_mgw
start_lighttpd
it 'a short file says the same, and knows the IDs'
change deny --key e2etests
change deny --address 192.0.2.1
change allow 2
change deny --subject somebody --until 1h --note 'why: "quoted"'
change set --application desk --tier Two
change set --application desk --tier Unlimited
"$T" show | grep -v '^busy' >"$W/before"
n=$(bytes "$RULES")
cp "$RULES" "$W/old"
change compact --author eve
test "$(bytes "$RULES")" -lt "$n" || wrong 'it is no shorter'
"$T" show | grep -v '^busy' >"$W/after"
cmp -s "$W/before" "$W/after" || wrong "$(diff "$W/before" "$W/after")"
grep -q '^{"seq":7,.*"change":"compact","author":"eve","of":3}' "$RULES" ||
    wrong "$(head -n 1 "$RULES")"
ask
expect_status 403
expect_event '"detail":"denied by rule 1"'
change allow 1
ask
expect_status 200

it 'what was in it is kept'
cmp -s "$RULES.6" "$W/old" || wrong 'the old file is not there'

it 'the old file is not taken for the new one'
cp "$RULES" "$W/new"
cp "$W/old" "$RULES"
sleep 1.2
ask
expect_status 503
expect_reason verifier-down
"$T" deny --key k >"$W/out" 2>&1 && wrong 'written'
cp "$W/new" "$RULES"
sleep 1.2
ask
expect_status 200

it 'it is shortened by itself when most of it is of no use'
long=$(head -c 900 /dev/zero | tr '\0' '"')
i=0
while [ "$(bytes "$RULES")" -lt 1048576 ] && [ $i -lt 300 ]; do
	i=$((i + 1))
	"$T" set --application "$long" --tier '' --issuer "$long" \
	    --author "$long" --note "$long" >"$W/out" 2>&1 ||
	    wrong "$(cat "$W/out")"
done
test "$(bytes "$RULES")" -ge 1048576 || wrong 'it did not grow'
change deny --key e2etests
test "$(bytes "$RULES")" -lt 20000 || wrong "$(bytes "$RULES") bytes"
ask
expect_status 403
change allow --key e2etests
ask
expect_status 200

it 'who is killed at it loses nothing that was said to be done'
# Rules of each flooder, each acknowledged in a file of its own.
flood() {
	for i in $(seq 40); do
		"$T" deny --subject "flood-$1-$i" >/dev/null 2>&1 &&
		    echo "flood-$1-$i" >>"$W/said.$1"
		test $((i % 4)) = 0 || continue
		"$T" allow --subject "flood-$1-$i" >/dev/null 2>&1 &&
		    echo "flood-$1-$i" >>"$W/unsaid.$1"
	done
}
: >"$W/statuses"
for f in 1 2; do
	flood $f &
	flooders="${flooders:-} $!"
done
PIDS="$PIDS $flooders"
for i in $(seq 60); do
	"$T" compact >/dev/null 2>&1 &
	victim=$!
	sleep 0.00$((i % 7))
	kill -9 $victim 2>/dev/null
	wait $victim 2>/dev/null
	test $((i % 5)) = 0 || continue
	ask
	echo "$STATUS" >>"$W/statuses"
done
# shellcheck disable=SC2086 # a list
wait $flooders
test "$(sort -u "$W/statuses")" = 200 || wrong "$(sort "$W/statuses" | uniq -c)"
change compact
"$T" show >"$W/body"
sort "$W/said.1" "$W/said.2" >"$W/said"
sort "$W/unsaid.1" "$W/unsaid.2" >"$W/unsaid"
test "$(grep -c . "$W/said")" = 80 || wrong "$(grep -c . "$W/said") of 80"
sed -n 's/.*subject=\(flood-[0-9-]*\).*/\1/p' "$W/body" | sort >"$W/there"
comm -23 "$W/said" "$W/unsaid" >"$W/want"
cmp -s "$W/want" "$W/there" || wrong "$(diff "$W/want" "$W/there")"
test -z "$(find "$W/state" -name '.throttle.rules*')" ||
    wrong 'what was begun is never removed'
ask
expect_status 200
stop_lighttpd
done_testing
