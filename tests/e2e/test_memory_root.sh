#!/bin/sh
# lighttpd and mgw with 1,000 operations in 256 MB of memory, under load:
# it holds.  Only root can make the control group that bounds it.
. tests/e2e/lib.sh
limit=268435456
group=''

leave() {
	code=$?
	(finish)
	test -z "$group" || wait_for 50 rmdir "$group"
	exit "$code"
}
trap leave EXIT

it '256 MB and 1,000 operations'
case $O in
*/san)
	skip 'the sanitizers need memory of their own'
	done_testing
	;;
esac
if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
	group=/sys/fs/cgroup/mgw-test.$$
	echo +memory >/sys/fs/cgroup/cgroup.subtree_control 2>/dev/null
	file=memory.max peak=memory.peak
else
	group=/sys/fs/cgroup/memory/mgw-test.$$
	file=memory.limit_in_bytes peak=memory.max_usage_in_bytes
fi
if ! mkdir "$group" 2>/dev/null; then
	group=''
	skip 'no control group can be made'
	done_testing
fi
if ! { echo $limit >"$group/$file"; } 2>/dev/null; then
	skip 'the control group has no memory limit'
	done_testing
fi
{ echo 0 >"$group/memory.swap.max"; } 2>/dev/null

start_backend
policy
{
	cat <<-END
	openapi: 3.0.3
	info: {title: Many, version: '1'}
	servers: [{url: 'https://things.example/many'}]
	components:
	  securitySchemes:
	    token: {type: http, scheme: bearer}
	paths:
	END
	awk 'BEGIN { for (i = 0; i < 250; i++) {
		printf "  /group%d/item%d/{do}:\n    parameters: [{name: do, " \
		    "in: path, required: true, schema: {type: string}}]\n",
		    i % 20, i
		split("get put post delete", m, " ")
		for (k = 1; k <= 4; k++)
			printf "    %s: {operationId: op%d_%d, security: %s, " \
			    "responses: {\"200\": {description: fine}}}\n",
			    m[k], i, k, k % 2 ? "[]" : "[{token: []}]"
	} }'
} >"$W/many.yaml"
sed -i "s|^apis:|&\n  many.yaml: {endpoints: ['$BACKEND/']}|" "$W/mgw.yaml"
import mgw.yaml things.yaml down.yaml many.yaml ||
    fatal "$(cat "$W/import.out")"
test "$("$O"/mgw-spec routes "$W/mgw.bundle" | grep -c /many/)" -eq 1000 ||
    wrong 'not 1,000 operations'
good=$(token)
mkdir -p "$W/tmp" "$W/htdocs"
umask 022
: >>"$W/lighttpd.log"
chown -R 65534:65534 "$W"
chmod 755 "$W"

# inside COMMAND...: as an ordinary user in the control group; a process
# of its own, in the background.
inside() {
	exec sh -c 'echo $$ >"$1/cgroup.procs"; shift; exec setpriv --reuid=65534 \
	    --regid=65534 --clear-groups "$@"' sh "$group" "$@"
}
SOCKET=$W/mgw.sock
inside "$O"/mgw --config "$W/mgw.conf" --listen "unix:$SOCKET" \
    2>>"$W/mgw.log" &
MGW_PID=$!
PIDS="$PIDS $MGW_PID"
wait_for 100 test -S "$SOCKET" || fatal 'mgw does not start'
lighttpd() { inside /usr/sbin/lighttpd "$@"; }
start_lighttpd
echo "$good" >"$W/token"

perl -MIO::Socket::INET -MTime::HiRes=time -e '
    my ($peer, $until, $token) = ($ARGV[0], time + $ARGV[1], $ARGV[2]);
    my @kids;
    for my $k (1 .. 16) {
	my $pid = fork;
	if ($pid) { push @kids, $pid; next }
	srand $k;
	my $bad = 0;
	while (time < $until) {
		my $i = int rand 250;
		my $m = (qw(GET PUT POST DELETE))[int rand 4];
		my $auth = rand() < .5;
		my $secured = $m eq "PUT" || $m eq "DELETE";
		my $body = $m =~ /^P/ ? "x" x int(rand() < .02 ? 2e6 : 300) : "";
		my $do = rand() < .02 ? "bytes/1000000" : "small";
		$do = "small" if $m ne "GET";
		my $s = IO::Socket::INET->new(PeerAddr => $peer);
		if (!$s) { $bad++; next }
		print $s "$m /many/group" . ($i % 20) . "/item$i/x?do=$do " .
		    "HTTP/1.0\r\nHost: a\r\n" .
		    ($m =~ /^P/ ? "Content-Length: " . length($body) . "\r\n" : "") .
		    ($auth ? "Authorization: Bearer $token\r\n" : "") .
		    "\r\n$body";
		my $line = <$s> // "";
		my ($status) = $line =~ / (\d+)/;
		my $want = $secured && !$auth ? 401 : 200;
		$n++;
		if (($status // "none") ne $want) {
			$bad++;
			print "$m $do $want: $line\n";
		}
		1 while read($s, my $rest, 65536);
	}
	print "served $n\n";
	exit($bad ? 1 : 0);
    }
    my $failed = 0;
    for (@kids) { waitpid $_, 0; $failed ||= $? }
    exit($failed ? 1 : 0)' "${URL#http://}" 10 "$good" >"$W/load" 2>&1 ||
    wrong "$(grep -v served "$W/load" | head -n 5)"
served=$(awk '/^served/ { n += $2 } END { print n + 0 }' "$W/load")
test "$served" -gt 200 || wrong "only $served requests"
get /many/group1/item1/x
expect_status 200
oom=$(cat "$group/memory.events" "$group/memory.oom_control" 2>/dev/null |
    awk '$1 == "oom_kill" { print $2 }')
test "${oom:-0}" -eq 0 || wrong "$oom processes killed for memory"
running "$LIGHTTPD_PID" || wrong 'lighttpd has ended'
CASE="$CASE: $served requests, $(($(cat "$group/$peak" 2>/dev/null ||
    echo 0) / 1048576)) MB at most"
stop_lighttpd
stop_mgw
done_testing
