#!/bin/sh
# Bundles that are not what they should be, at start and under load, and
# counters that live through what is done to bundle and gate.
. tests/e2e/lib.sh
start_backend
policy
cp "$W/mgw.bundle" "$W/good.bundle"

# A whole bundle with another number at an offset of its header.
poke() {
	cp "$W/good.bundle" "$W/mgw.bundle"
	# shellcheck disable=SC2059 # the bytes are a format
	printf "$2" | dd of="$W/mgw.bundle" bs=1 seek="$1" conv=notrunc \
	    status=none
}

# not_started WORD: nor does --check find it right.
not_started() {
	timeout 10 "$O"/mgw --config "$W/mgw.conf" \
	    --listen "unix:$W/no.sock" >"$W/body" 2>&1
	code=$?
	test $code = 2 || wrong "exit $code at start"
	test ! -S "$W/no.sock" || wrong 'it left a socket'
	expect_body mgw.bundle
	grep -qiE -- "$1" "$W/body" || wrong "no \"$1\": $(cat "$W/body")"
	"$O"/mgw --config "$W/mgw.conf" --check >"$W/check" 2>&1
	test $? -ne 0 || wrong '--check finds it right'
	# The same under CGI is an answer.
	env -i REQUEST_METHOD=GET REQUEST_URI=/things/open/x \
	    SERVER_PROTOCOL=HTTP/1.1 GATEWAY_INTERFACE=CGI/1.1 \
	    MGW_CONF="$W/mgw.conf" "$O"/mgw </dev/null >"$W/cgi" \
	    2>"$W/cgi.err"
	head -n 1 "$W/cgi" | grep -q '^Status: 503' || wrong 'CGI: no 503'
}

it 'a newer bundle is refused at start'
poke 8 '\377\377\0\0'
not_started newer

it 'a foreign file is refused at start'
cp /etc/passwd "$W/mgw.bundle"
chmod 600 "$W/mgw.bundle"
not_started 'no bundle|not a bundle|magic'

it 'a damaged bundle is refused at start'
poke 4000 '\1\2\3\4\5\6\7'
not_started 'sum|damaged'

it 'a truncated bundle is refused at start'
cp "$W/good.bundle" "$W/mgw.bundle"
truncate -s 4000 "$W/mgw.bundle"
not_started 'truncated|size|short'
: >"$W/mgw.bundle"
not_started 'truncated|size|short|no bundle|not a bundle'

it 'a bundle that others may write is refused at start'
cp "$W/good.bundle" "$W/mgw.bundle"
chmod 666 "$W/mgw.bundle"
not_started 'writable by others'
chmod 600 "$W/mgw.bundle"

it 'a link as bundle is refused at start'
rm "$W/mgw.bundle"
ln -s "$W/good.bundle" "$W/mgw.bundle"
not_started 'link|symbolic'
rm "$W/mgw.bundle"

it 'a bundle that is not there is refused at start'
not_started 'no such file'
cp "$W/good.bundle" "$W/mgw.bundle"

start_mgw
start_lighttpd

# load SECONDS: several clients that ask for what is open and what is
# secured all the time; load_end tells of any other answer.
load() {
	for k in 1 2 3; do
		perl -MIO::Socket::INET -MTime::HiRes=time -e '
		    my ($peer, $until) = ($ARGV[0], time + $ARGV[1]);
		    my (%seen, $n);
		    while (time < $until) {
			my ($path, $want) = $n++ % 2 ? ("secret", 401) :
			    ("open", 200);
			my $s = IO::Socket::INET->new(PeerAddr => $peer);
			print $s "GET /things/$path/x HTTP/1.0\r\nHost: a\r\n" .
			    "\r\n" if $s;
			my $line = $s ? <$s> // "none" : "refused";
			my ($got) = $line =~ / (\d+)/;
			$seen{defined $got && $got == $want ? "right" :
			    "$path $line"}++;
		    }
		    print "$_ $seen{$_}\n" for sort keys %seen' \
		    "${URL#http://}" "$1" >"$W/load.$k" 2>&1 &
		LOADS="${LOADS:-} $!"
	done
}

load_end() {
	# shellcheck disable=SC2086 # one word each
	wait $LOADS
	LOADS=''
	! grep -v '^right' "$W"/load.? >"$W/odd" || wrong "$(head -n 3 "$W/odd")"
	grep -q '^right' "$W/load.1" || wrong 'no load'
}

it 'a new bundle and SIGHUP again and again: no request is lost'
load 5
n=0
while [ $n -lt 12 ]; do
	n=$((n + 1))
	sed -i "s/title: Things.*, version/title: Things, description: d$n, version/" \
	    "$W/things.yaml"
	import || wrong "$(cat "$W/import.out")"
	kill -HUP "$MGW_PID"
	kill -HUP "$MGW_PID"
	sleep 0.2
done
load_end
cp "$W/mgw.bundle" "$W/good.bundle"

it 'a slow upload over the bundle under load changes nothing halfway'
load 4
size=$(wc -c <"$W/good.bundle")
: >"$W/mgw.bundle"
n=0
while [ $n -lt 10 ]; do
	tail -c +$((n * size / 10 + 1)) "$W/good.bundle" |
	    head -c $(((n + 1) * size / 10 - n * size / 10)) >>"$W/mgw.bundle"
	n=$((n + 1))
	sleep 0.25
done
cmp -s "$W/mgw.bundle" "$W/good.bundle" || wrong 'not what was meant'
load_end

it 'truncation and removal under load change nothing'
load 4
truncate -s 100 "$W/mgw.bundle"
sleep 1.3
rm "$W/mgw.bundle"
sleep 1.3
cp "$W/good.bundle" "$W/mgw.bundle"
chmod 666 "$W/mgw.bundle"
load_end
chmod 600 "$W/mgw.bundle"
grep -q 'the old one stays' "$W/mgw.log" || wrong 'the log does not tell'

it 'a bundle whose source is missing does not replace a good one'
mv "$W/keys.jwks.json" "$W/away"
sed 's/keys.jwks.json/other.jwks.json/' "$W/mgw.yaml" >"$W/other.yaml"
cp "$W/away" "$W/other.jwks.json"
import other.yaml things.yaml down.yaml || wrong "$(cat "$W/import.out")"
rm "$W/other.jwks.json"
mv "$W/away" "$W/keys.jwks.json"
kill -HUP "$MGW_PID"
sleep 1.5
get /things/secret/x -H "$(bearer "$(token)")"
expect_status 200
import || wrong "$(cat "$W/import.out")"

it 'counters live through a rebuild with another order and more paths'
get /things/quota/x
expect_status 200
sed -i 's|^paths:|&\n  /aaa/{do}: {get: {security: [], responses: {"200": {description: fine}}}}|' \
    "$W/things.yaml"
import mgw.yaml down.yaml things.yaml || wrong "$(cat "$W/import.out")"
kill -HUP "$MGW_PID"
wait_for 50 curl -sf "$URL/things/aaa/x" || wrong 'not in force'
get /things/quota/x
expect_status 200
get /things/quota/x
expect_status 429

it 'counters live through a restart, and through kill -9'
stop_mgw
start_mgw
get /things/quota/x
expect_status 429
pid=$MGW_PID
MGW_PID=''
kill -9 "$pid"
gone "$pid"
start_mgw
get /things/quota/x
expect_status 429
expect_reason quota-exceeded

it 'a changed limit applies at once, larger and smaller'
sed -i 's/TwoAnHour: {limit: 2/TwoAnHour: {limit: 4/' "$W/mgw.yaml"
import || wrong "$(cat "$W/import.out")"
kill -HUP "$MGW_PID"
in_force() { get /things/quota/x; test "$STATUS" = "$1"; }
wait_for 30 in_force 200 || wrong 'the larger is not in force'
get /things/quota/x
get /things/quota/x
expect_status 429
sed -i 's/TwoAnHour: {limit: 4/TwoAnHour: {limit: 9/' "$W/mgw.yaml"
import
kill -HUP "$MGW_PID"
wait_for 30 in_force 200 || wrong 'the larger is not in force'
sed -i 's/TwoAnHour: {limit: 9/TwoAnHour: {limit: 3/' "$W/mgw.yaml"
import
kill -HUP "$MGW_PID"
wait_for 30 in_force 429 || wrong 'the smaller is not in force'

it 'SIGTERM: what runs ends well, its socket goes, and it ends soon'
curl -s "$URL/things/open/slow/1200" -o "$W/body" -w '%{http_code}' \
    >"$W/code" &
slow=$!
sleep 0.4
pid=$MGW_PID
MGW_PID=''
kill "$pid"
wait $slow
test "$(cat "$W/code")" = 200 || wrong "got $(cat "$W/code")"
expect_body '"target":"/open/slow/1200"'
gone "$pid" 50 || wrong 'still there after 5 s'
test ! -e "$SOCKET" || wrong 'the socket is still there'
tail -n 2 "$W/state/events.log" | grep -q '"status":200' ||
    wrong 'its event is lost'
stop_lighttpd
done_testing
