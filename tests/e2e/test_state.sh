#!/bin/sh
# State that is damaged, planted, full or on a full disk, files that
# somebody else could have changed, a clock that is wrong: the documented
# answer, and never an open gate.
. tests/e2e/lib.sh
start_backend
policy
good=$(token)

# refuses_to_start WHAT WORD: mgw ends by itself with a message that has
# WORD.
refuses_to_start() {
	timeout 10 "$O"/mgw --config "$W/mgw.conf" \
	    --listen "unix:$W/no.sock" >"$W/body" 2>&1
	code=$?
	test $code = 2 || wrong "$1: exit $code"
	grep -qi -- "$2" "$W/body" || wrong "$1: no \"$2\" in the message"
}

it 'a state folder that is a link, or open to others, is refused'
mkdir -m 700 "$W/elsewhere"
ln -s "$W/elsewhere" "$W/state"
refuses_to_start 'a link' link
test -z "$(ls "$W/elsewhere")" || wrong 'something was made behind the link'
rm "$W/state"
mkdir -m 755 "$W/state"
refuses_to_start 'mode 755' 'open to others'
chmod 700 "$W/state"

it 'a shared file that somebody planted is refused'
echo MGWSTATE >"$W/elsewhere/file"
ln -s "$W/elsewhere/file" "$W/state/shared"
refuses_to_start 'a link' shared
rm "$W/state/shared"
head -c 4000000 /dev/zero >"$W/state/shared"
refuses_to_start 'zeros' 'no state of mgw'
chmod 666 "$W/state/shared"
refuses_to_start 'mode 666' 'open to others'
rm "$W/state/shared"
mkfifo -m 600 "$W/state/shared"
refuses_to_start 'a pipe' 'regular'
rm "$W/state/shared"

it 'a shared file that is damaged or cut is refused'
start_mgw
stop_mgw
cp "$W/state/shared" "$W/shared.good"
truncate -s 100000 "$W/state/shared"
refuses_to_start 'cut' truncated
cp "$W/shared.good" "$W/state/shared"
printf '\377' | dd of="$W/state/shared" bs=1 seek=40 conv=notrunc \
    status=none
refuses_to_start 'damaged' damaged
cp "$W/shared.good" "$W/state/shared"
printf '\377' | dd of="$W/state/shared" bs=1 seek=8 conv=notrunc \
    status=none
refuses_to_start 'newer' newer
rm "$W/state/shared"

it 'under CGI such a state is a 503, and no request is let through'
chmod 755 "$W/state"
env -i REQUEST_METHOD=GET REQUEST_URI=/things/open/x SERVER_PROTOCOL=HTTP/1.1 \
    GATEWAY_INTERFACE=CGI/1.1 SCRIPT_NAME=/mgw MGW_CONF="$W/mgw.conf" \
    DOCUMENT_ROOT="$W/htdocs" "$O"/mgw </dev/null >"$W/body" 2>"$W/cgi.err"
expect_body 'Status: 503'
expect_body '"reason":"fault"'
expect_no_body target
grep -q 'open to others' "$W/cgi.err" || wrong 'the log does not say why'
chmod 700 "$W/state"

it 'counters that are overwritten under load never open the gate'
start_mgw
start_lighttpd
get /things/quota/x
expect_status 200
dd if=/dev/urandom of="$W/state/shared" bs=4096 seek=1 count=500 \
    conv=notrunc status=none
for path in secret/x scoped/x keyed/x; do
	get /things/$path
	expect_status 401
done
get /things/secret/x -H "$(bearer "${good}x")"
expect_status 401
get /things/secret/x -H "$(bearer "$good")"
expect_status 200
for n in 1 2 3; do get /things/quota/x; done
case $STATUS in
429 | 500) ;;
*) wrong "a third request in the window: $STATUS" ;;
esac
stop_mgw
rm "$W/state/shared"

it 'a key file that others may write is not believed'
start_mgw
get /things/keyed/x -H "X-API-Key: $KEY"
expect_status 200
cp "$W/keys.db" "$W/keys.good"
sed -i 's/owner=ada/owner=eve/' "$W/keys.db"
chmod 666 "$W/keys.db"
get /things/keyed/x -H "X-API-Key: $KEY"
case $STATUS in
500) expect_reason fault ;;
503) ;;
*) wrong "status $STATUS" ;;
esac
expect_no_body eve
get /things/open/x
expect_status 200
rm "$W/keys.db"
cp "$W/keys.good" "$W/keys.db"
wait_for 30 curl -sf -H "X-API-Key: $KEY" "$URL/things/keyed/x" ||
    wrong 'the good file is not read again'

for host in lighttpd apache; do
	test $host = apache && stop_lighttpd && start_apache
	it "a clock behind the bundle is a fault ($host)"
	touch -d '+3 days' "$W/mgw.bundle"
	kill -HUP "$MGW_PID"
	clock_noticed() {
		get /things/open/x
		test "$STATUS" = 500
	}
	wait_for 50 clock_noticed || wrong 'not noticed'
	expect_status 500
	expect_reason fault
	touch "$W/mgw.bundle"
	kill -HUP "$MGW_PID"
	wait_for 50 curl -sf "$URL/things/open/x" || wrong 'not again right'
done
stop_apache
stop_mgw

it 'counters that find no place share one, and none is lost'
rm -rf "$W/state"
"$O"/tests/e2e/state "$W/state" 16 || fatal 'no small state'
sed -i 's/^  TwoAnHour/  Each: {limit: 1, per: 1h, algorithm: window}\n&/
    s/^    keys: {file/    trust-claims: true\n&/' "$W/mgw.yaml"
import || fatal "$(cat "$W/import.out")"
start_mgw
start_lighttpd
n=0
while [ $n -lt 60 ]; do
	n=$((n + 1))
	get /things/secret/x -H "$(bearer "$(token "\"sub\":\"s$n\",\"tier\":\"Each\"")")"
	echo "$STATUS"
done | sort | uniq -c >"$W/statuses"
case $(tr -s ' \n' ' ' <"$W/statuses") in
' '[1-9]*' 200 '*' 429 ') ;;
*) wrong "answers: $(tr -s ' \n' ' ' <"$W/statuses")" ;;
esac
test "$(awk '$2 == 200 { print $1 }' "$W/statuses")" -le 20 ||
    wrong "more than there is place for: $(cat "$W/statuses")"
stop_mgw
rm -rf "$W/state"

it 'events that find no disk refuse nothing'
echo 'events /dev/full' >>"$W/mgw.conf"
start_mgw
get /things/open/x
expect_status 200
get /things/secret/x
expect_status 401
sed -i '/^events/d' "$W/mgw.conf"
sleep 2
"$O"/mgw-status --state "$W/state" --json >"$W/body" 2>&1
expect_body lost
stop_mgw

# A disk of our own, so small that it is full at once; where a user may
# mount one.
cat >"$W/small.sh" <<-END
	mount -t tmpfs -o size=\$1,mode=700 none "$W/small" || exit 77
	shift
	"\$@" &
	trap 'kill \$!' TERM
	while [ ! -e "$W/fill" ]; do sleep 0.1; done
	cat /dev/zero >"$W/small/zeros" 2>/dev/null
	touch "$W/filled"
	while wait \$!; test -d /proc/\$!; do :; done
END
mkdir -p "$W/small"
on_small() {
	unshare -c --keep-caps -m sh "$W/small.sh" "$@"
}
sed -i "s|^state .*|state $W/small/state|" "$W/mgw.conf"

it 'a disk without room for the state: refused at start'
touch "$W/fill"
if ! unshare -c --keep-caps -m mount -t tmpfs none "$W/small" 2>/dev/null
then
	skip 'may not mount'
	done_testing
fi
timeout 10 unshare -c --keep-caps -m sh "$W/small.sh" 1m "$O"/mgw \
    --config "$W/mgw.conf" --listen "unix:$W/no.sock" >"$W/body" 2>&1
expect_body 'cannot be made'
expect_body 'No space'
test ! -S "$W/no.sock" || wrong 'it listens all the same'
rm -f "$W/fill" "$W/filled"

it 'a disk that fills up later changes no answer and no count'
rm -f "$SOCKET"
on_small 16m "$O"/mgw --config "$W/mgw.conf" --listen "unix:$SOCKET" \
    2>>"$W/mgw.log" &
small=$!
PIDS="$PIDS $small"
wait_for 100 test -S "$SOCKET" || wrong 'does not start'
get /things/quota/x
expect_status 200
touch "$W/fill"
wait_for 100 test -e "$W/filled"
get /things/quota/x
expect_status 200
get /things/quota/x
expect_status 429
n=0
while [ $n -lt 30 ]; do
	n=$((n + 1))
	get "/things/open/x?$n"
	expect_status 200
	get /things/secret/x
	expect_status 401
done
stop_lighttpd
for p in $(children "$small"); do kill "$p" 2>/dev/null; done
stop "$small"
done_testing
