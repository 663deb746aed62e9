#!/bin/sh
# Files that others have put in place, that are not what they should be, or
# that cannot be written; and what is left of secrets.
. tests/e2e/lib.sh
start_backend
policy
chmod 700 "$W"
MGW=$O/mgw

# refused WORD [OPTIONS...]: mgw does not start, and says WORD.
refused() {
	word=$1
	shift
	timeout 10 "$MGW" --config "$W/mgw.conf" --listen "unix:$W/x.sock" \
	    "$@" </dev/null >"$W/body" 2>&1
	code=$?
	test $code -ne 124 || wrong "it runs, or hangs ($word)"
	test $code -eq 2 || wrong "exit code $code ($word)"
	grep -qi -- "$word" "$W/body" || wrong "not \"$word\""
}

# odd FILE COMMAND...: a state of FILE for the next case, undone by mend.
odd() {
	ODD=$1
	mv "$1" "$1.good"
	shift
	"$@"
}
mend() {
	rm -rf "$ODD"
	mv "$ODD.good" "$ODD"
}

for file in mgw.bundle mgw.conf keys.db keys.jwks.json; do
	it "$file is refused as a link, a FIFO, a folder"
	odd "$W/$file" ln -s "$file.good" "$W/$file"
	# What is named in words is looked for where the words lead.
	test $file = mgw.conf || refused link
	mend
	odd "$W/$file" mkfifo "$W/$file"
	refused regular
	mend
	odd "$W/$file" mkdir "$W/$file"
	refused 'regular\|directory'
	mend

	it "$file is refused when others can write it, or its folder"
	for mode in 666 660 602 620; do
		chmod $mode "$W/$file"
		refused 'writable by others'
	done
	chmod 600 "$W/$file"
	chmod 777 "$W"
	refused 'writable by others'
	chmod 1777 "$W"
	refused 'writable by others'
	chmod 700 "$W"

	it "$file is refused when it is not there or endless"
	odd "$W/$file" true
	refused "$file"
	mend
	odd "$W/$file" truncate -s 20G "$W/$file"
	refused "$file"
	mend
	odd "$W/$file" ln -s /dev/zero "$W/$file"
	refused 'link\|regular'
	mend
done

it 'a state that is not ours alone is refused'
rm -rf "$W/state"
mkdir -m 755 "$W/state"
refused 'open to others'
chmod 770 "$W/state"
refused 'open to others'
rmdir "$W/state"
mkdir -m 700 "$W/elsewhere"
ln -s elsewhere "$W/state"
refused 'is a link\|Not a directory'
rm "$W/state"
: >"$W/state"
refused 'Not a directory'
rm "$W/state"

for planted in 'ln -s ../mgw.bundle' 'mkfifo' 'mkdir' 'ln -s /dev/zero' \
    'cp /etc/passwd' 'truncate -s 5558272' 'touch'; do
	it "a planted counter file is refused: $planted"
	rm -rf "$W/state"
	mkdir -m 700 "$W/state"
	before=$(cksum "$W/mgw.bundle")
	$planted "$W/state/shared"
	chmod 600 "$W/state/shared" 2>/dev/null
	refused 'state'
	test "$before" = "$(cksum "$W/mgw.bundle")" || wrong 'written through'
	chmod -R 700 "$W/state" "$W/mgw.bundle"
	chmod 600 "$W/mgw.bundle"
	rm -rf "$W/state"
done

it 'an event log that leads elsewhere is refused'
rm -rf "$W/state"
mkdir -m 700 "$W/state"
echo victim >"$W/victim"
ln -s "$W/victim" "$W/state/events.log"
refused 'events'
test "$(cat "$W/victim")" = victim || wrong 'written through'
rm "$W/state/events.log"

it 'a socket is not made over a file, nor in a folder of all'
echo victim >"$W/x.sock"
refused 'no socket'
test "$(cat "$W/x.sock")" = victim || wrong 'overwritten'
rm "$W/x.sock"
mkdir -m 1777 "$W/all"
timeout 5 "$MGW" --config "$W/mgw.conf" --listen "unix:$W/all/x" \
    >"$W/body" 2>&1
test $? -eq 2 || wrong 'it starts'
expect_body 'writable by nobody else'
timeout 5 "$MGW" --config "$W/mgw.conf" --listen tcp:0.0.0.0:0 >"$W/body" 2>&1
test $? -eq 2 || wrong 'it listens for everybody'
timeout 5 "$MGW" --config "$W/mgw.conf" --listen tcp:127.0.0.1:0 \
    >"$W/body" 2>&1
test $? -eq 2 || wrong 'it listens on TCP without a secret'
MGW_PEER_SECRET='' timeout 5 "$MGW" --config "$W/mgw.conf" \
    --listen tcp:127.0.0.1:0 >"$W/body" 2>&1
test $? -eq 2 || wrong 'it listens on TCP with an empty secret'

it 'a secret on the environment is set or unset, and in no log'
MGW_PEER_SECRET=very-secret "$MGW" --config "$W/mgw.conf" --check \
    >"$W/body" 2>&1
grep -q "^peer-secret.*[^n]set$" "$W/body" || wrong "not said to be set"
expect_no_body very-secret

printf 'log-level debug\n' >>"$W/mgw.conf"
MGW_PEER_SECRET=very-secret
export MGW_PEER_SECRET
start_mgw
start_lighttpd

it 'no core, no environment, no secret in the arguments'
grep -q '^Max core file size *0 *0' "/proc/$MGW_PID/limits" ||
    wrong "$(grep core "/proc/$MGW_PID/limits")"
if [ "$(id -u)" -ne 0 ]; then
	! cat "/proc/$MGW_PID/environ" >/dev/null 2>&1 ||
	    wrong 'the environment can be read'
	! cat "/proc/$MGW_PID/maps" >/dev/null 2>&1 ||
	    wrong 'the memory can be read'
fi
! tr '\0' ' ' <"/proc/$MGW_PID/cmdline" | grep -q secret ||
    wrong 'in the arguments'

it 'no secret in logs of any level, in answers, in the state'
token=$(token)
other=$(token '' RS256 stranger.pem)
secret=$(echo "$KEY" | cut -d_ -f3-)
for t in "$token" "$other" "${token}x" 'not a token'; do
	get /things/secret/x -H "$(bearer "$t")"
	expect_no_body "${token##*.}"
	get /things/both/x -H "$(bearer "$t")" -H "X-API-Key: ${KEY}x"
	expect_no_body "$secret"
done
get "/things/keyed/x?key=${KEY}x"
expect_no_body "$secret"
get "/things/keyed/x?key=$KEY"
get "/nowhere?key=$KEY&token=$token"
expect_no_body "$secret"
get /things/keyed/x -b "key=$KEY"
get /things/open/x -u ada:pass-word
get /down/x -H "X-API-Key: $KEY"
get "/things/open/../x?key=$KEY"
sleep 0.2
for word in "$secret" "${token##*.}" "${other##*.}" pass-word very-secret \
    YWRhOnBhc3Mtd29yZA; do
	! grep -rlaF -- "$word" "$W/state" "$W/mgw.log" "$W/lighttpd.log" \
	    "$W/mgw.bundle" >"$W/found" || wrong "$word in $(cat "$W/found")"
done

it 'control bytes in headers, paths, hosts reach no log'
get /things/open/x -A "$(printf 'a\033]0;x\302\233b')"
get /things/open/x -H "Host: $(printf 'a\302\2331m')"
get "/things/open/$(printf 'x%%1b%%c2%%9b')"
get "/things/open/%c2%9bx"
get "/things/none/$(printf '\302\233')"
sleep 0.2
for bytes in '\0033' '\0302\0233'; do
	! grep -qaF "$(printf '%b' "$bytes")" "$W/state/events.log" "$W/mgw.log" ||
	    wrong "$bytes in a log"
done
lines=$(wc -l <"$W/state/events.log")
test "$(grep -c '^{"v":1,.*}$' "$W/state/events.log")" = "$lines" ||
    wrong 'a line that is no event'

it 'keys and rights that change while mgw runs never open it'
get /things/keyed/x -H "X-API-Key: $KEY"
expect_status 200
for what in link fifo folder gone empty text others huge; do
	mv "$W/keys.db" "$W/keys.good"
	case $what in
	link) ln -s keys.good "$W/keys.db" ;;
	fifo) mkfifo "$W/keys.db" ;;
	folder) mkdir "$W/keys.db" ;;
	empty) : >"$W/keys.db" ;;
	text) echo 'no line of it is right' >"$W/keys.db" ;;
	others) cp "$W/keys.good" "$W/keys.db"; chmod 666 "$W/keys.db" ;;
	huge) truncate -s 20G "$W/keys.db" ;;
	esac
	get /things/keyed/x -H "X-API-Key: $KEY"
	case $STATUS in
	401 | 500) ;;
	*) wrong "$what: $STATUS" ;;
	esac
	get /things/open/x
	expect_status 200
	rm -rf "$W/keys.db"
	mv "$W/keys.good" "$W/keys.db"
done
get /things/keyed/x -H "X-API-Key: $KEY"
expect_status 200

it 'a bundle that is swapped for something else changes nothing'
for what in link fifo folder gone empty others huge older; do
	mv "$W/mgw.bundle" "$W/good.bundle"
	case $what in
	link) ln -s good.bundle "$W/mgw.bundle" ;;
	fifo) mkfifo "$W/mgw.bundle" ;;
	folder) mkdir "$W/mgw.bundle" ;;
	empty) : >"$W/mgw.bundle" ;;
	others) cp "$W/good.bundle" "$W/mgw.bundle"
		chmod 666 "$W/mgw.bundle" ;;
	huge) truncate -s 20G "$W/mgw.bundle" ;;
	older) head -c 5000 "$W/good.bundle" >"$W/mgw.bundle" ;;
	esac
	kill -HUP "$MGW_PID"
	sleep 0.2
	get /things/secret/x
	expect_status 401
	get /things/open/x
	expect_status 200
	rm -rf "$W/mgw.bundle"
	mv "$W/good.bundle" "$W/mgw.bundle"
done

it 'a state that goes away while mgw runs opens nothing'
mv "$W/state" "$W/state.away"
get /things/quota/x
get /things/quota/x
get /things/quota/x
expect_status 429
rm -rf "$W/state"
mv "$W/state.away" "$W/state"
get /things/quota/x
expect_status 429
stop_mgw

it 'a disk that is full stops no request'
cp "$W/mgw.conf" "$W/conf.good"
echo 'events /dev/full' >>"$W/mgw.conf"
start_mgw
for n in 1 2 3; do
	get /things/open/x
	expect_status 200
done
wait_for 30 grep -q 'events lost' "$W/mgw.log" || wrong 'nobody is told'
stop_mgw
cp "$W/conf.good" "$W/mgw.conf"

it 'a log that may not grow stops no request'
# In blocks of 512 bytes: enough for the counters, not for more events.
rm -f "$W/mgw.sock" "$W/pid"
truncate -s 8000000 "$W/state/events.log"
sh -c 'ulimit -f 16000; echo $$ >"$1/pid"; exec "$2" --config \
    "$1/mgw.conf" --listen "unix:$1/mgw.sock"' sh "$W" "$MGW" \
    2>>"$W/mgw.log" &
PIDS="$PIDS $!"
wait_for 50 test -S "$W/mgw.sock" || fatal 'mgw does not start'
MGW_PID=$(cat "$W/pid")
truncate -s 8191900 "$W/state/events.log"
for n in 1 2 3 4 5; do
	get /things/open/x
	expect_status 200
	sleep 0.1
done
running "$MGW_PID" || wrong 'mgw has ended'
stop_mgw
sh -c 'ulimit -f 200; exec "$2" --config "$1/mgw.conf" --state "$1/new" \
    --listen "unix:$1/y.sock"' sh "$W" "$MGW" >"$W/body" 2>&1
test $? -eq 2 || wrong 'no message at start'
expect_body 'cannot be made'
stop_lighttpd
done_testing
