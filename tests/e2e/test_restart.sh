#!/bin/sh
# A restart of mgw behind Apache with kept connections, through a socket
# that outlives it as systemd's does: no request is lost.
. tests/e2e/lib.sh
start_backend
policy

# The socket's owner: mgw gets it as descriptor 0; after each end of it
# begins another, until TERM.
cat >"$W/owner.pl" <<'END'
use strict;
use IO::Socket::UNIX;
my ($path, @command) = @ARGV;
my $l = IO::Socket::UNIX->new(Local => $path, Listen => 512) or die $!;
chmod 0660, $path;
my ($pid, $end) = (0, 0);
$SIG{HUP} = sub { kill TERM => $pid };
$SIG{TERM} = sub { $end = 1; kill TERM => $pid };
until ($end) {
	$pid = fork;
	if (!$pid) {
		open STDIN, '<&=', $l->fileno or die $!;
		exec @command;
	}
	1 until waitpid($pid, 0) == $pid;
	print "ended $?\n";
}
END
SOCKET=$W/mgw.sock
perl "$W/owner.pl" "$SOCKET" "$O/mgw" --config "$W/mgw.conf" \
    >"$W/owner.out" 2>"$W/mgw.log" &
OWNER=$!
PIDS="$PIDS $OWNER"
wait_for 50 test -S "$SOCKET" || fatal 'no socket'
start_apache

it '5,000 requests over kept connections survive restarts'
PIDS_OF=''
n=0
while [ $n -lt 10 ]; do
	n=$((n + 1))
	curl -s -o /dev/null -w '%{http_code}\n' \
	    "$URL/things/open/x?[1-500]" >"$W/many.$n" &
	PIDS_OF="$PIDS_OF $!"
done
restarts=0
while kill -0 "${PIDS_OF##* }" 2>/dev/null; do
	sleep 0.2
	kill -HUP "$OWNER"
	restarts=$((restarts + 1))
done
# shellcheck disable=SC2086 # one word each
wait $PIDS_OF
# Apache may begin a request on a kept connection in the very moment that
# it is closed, and does not repeat it; mgw.8 says so.
cat "$W"/many.* | awk -v most=$((restarts + 5)) '{ n[$1]++ }
    END { exit n[200] + n[503] != 5000 || n[503] > most }' ||
    wrong "$(cat "$W"/many.* | sort | uniq -c | tr '\n' ' ')"
wait_for 50 grep -q '^ended 0$' "$W/owner.out" ||
    wrong "$restarts restarts: $(cat "$W/owner.out")"
! grep -q 'ended [^0]' "$W/owner.out" || wrong "$(cat "$W/owner.out")"

it 'and end within a second or so when nobody asks'
kill "$OWNER"
gone "$OWNER" 30 || wrong 'still there after 3 s'
stop_apache
done_testing
