#!/bin/sh
# Bundles that change, and processes that come and go, under load.
. tests/e2e/lib.sh
start_backend
policy
start_mgw
start_lighttpd

# load SECONDS PATH: requests meanwhile; load_end tells of bad answers.
load() {
	perl -MIO::Socket::INET -e '
	    my ($peer, $until, $path) = ($ARGV[0], time + $ARGV[1], $ARGV[2]);
	    my %seen;
	    while (time < $until) {
		my $s = IO::Socket::INET->new(PeerAddr => $peer);
		print $s "GET $path HTTP/1.0\r\nHost: a\r\n\r\n" if $s;
		my $line = $s ? <$s> // "none" : "refused";
		$seen{$line =~ / (\d+)/ ? $1 : $line}++;
	    }
	    print "$_ $seen{$_}\n" for sort keys %seen' \
	    "${URL#http://}" "$1" "$2" >"$W/load" 2>&1 &
	LOAD=$!
}
load_end() { # STATUS that all must have
	wait "$LOAD"
	case $(cut -d' ' -f1 "$W/load" | tr '\n' ,) in
	"$1,") ;;
	*) wrong "answers: $(tr '\n' ',' <"$W/load")" ;;
	esac
}

it 'no request is lost while the bundle is swapped'
load 4 /things/open/x
for n in 1 2 3 4 5; do
	import
	kill -HUP "$MGW_PID"
	sleep 0.5
done
load_end 200

it 'a new bundle is noticed without a signal'
sed -i 's|  /little/{do}:|  /new/{do}: {get: {security: [], responses: {"200": {description: fine}}}}\n&|' "$W/things.yaml"
import || wrong "$(cat "$W/import.out")"
wait_for 50 sh -c "curl -sf $URL/things/new/x" || wrong 'not noticed'

cp "$W/mgw.bundle" "$W/good.bundle"
for damage in 'truncate -s 100' 'truncate -s 0' 'cp /etc/passwd' 'dd bs=1 count=64 seek=200 conv=notrunc if=/dev/urandom status=none'; do
	it "policy stays when the file is damaged by ${damage%% *} ${damage##* }"
	load 2 /things/secret/x
	cp "$W/good.bundle" "$W/mgw.bundle"
	case $damage in
	dd*) $damage of="$W/mgw.bundle" ;;
	*) $damage "$W/mgw.bundle" ;;
	esac
	kill -HUP "$MGW_PID"
	load_end 401
	get /things/open/x
	expect_status 200
	it "a damaged bundle is refused at start (${damage%% *} ${damage##* })"
	"$O"/mgw --config "$W/mgw.conf" --check >"$W/body" 2>&1
	test $? -ne 0 || wrong '--check found nothing'
done

it 'cp over the bundle under load changes nothing halfway'
load 3 /things/secret/x
for n in 1 2 3 4 5 6; do
	cat "$W/good.bundle" >"$W/mgw.bundle"
	sleep 0.3
done
load_end 401

it 'SIGTERM lets requests that run end'
curl -s "$URL/things/open/slow/1500" -o "$W/body" -w '%{http_code}' \
    >"$W/code" &
slow=$!
sleep 0.5
pid=$MGW_PID
MGW_PID=''
kill "$pid"
wait $slow
test "$(cat "$W/code")" = 200 || wrong "got $(cat "$W/code")"
gone "$pid" 100 || wrong 'still there after 10 s'

it 'kill -9 leaves a state that the next mgw can use'
start_mgw
get /things/quota/x
pid=$MGW_PID
MGW_PID=''
kill -9 "$pid"
gone "$pid"
start_mgw
get /things/quota/x
expect_status 200
get /things/quota/x
expect_status 429

it 'a damaged state never opens the gate'
stop_mgw
dd if=/dev/urandom of="$W/state/shared" bs=1 count=4096 seek=64 \
    conv=notrunc status=none
"$O"/mgw --config "$W/mgw.conf" --listen "unix:$W/second.sock" \
    2>"$W/second.log" &
second=$!
PIDS="$PIDS $second"
sleep 1
if running $second; then
	tests/e2e/records.pl "$W/second.sock" begin get:/things/secret/x \
	    stdin:0 >"$W/body"
	expect_body 'Status: 401'
fi
stop $second
stop_lighttpd
done_testing
