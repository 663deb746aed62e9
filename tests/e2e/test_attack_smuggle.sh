#!/bin/sh
# Requests inside of bodies, and answers behind answers: what one client or
# backend says must never be taken for what another says.
. tests/e2e/lib.sh

# A backend that says too much.  The last word of the path tells what.
cat >"$W/backend.pl" <<'END'
use strict;
use warnings;
use IO::Socket::INET;
$SIG{CHLD} = 'IGNORE';
$SIG{PIPE} = 'IGNORE';
my $l = IO::Socket::INET->new(Listen => 64, LocalAddr => '127.0.0.1') or die;
open(my $o, '>', $ARGV[0]) or die;
print $o $l->sockport, "\n";
close $o;
# A chunked body is read like any other: a backend that answers before it,
# and then takes it for a request, closes a connection that mgw may keep.
sub take_chunked {
	my ($s, $in) = @_;
	for (my $left = -1; $left; ) {
		my ($line, $n) = $$in =~ /^(([0-9a-f]+)\r\n)/;
		$left = hex $n if defined $n;
		my $whole = length($line // '') + $left + 2;
		if (defined $n && length $$in >= $whole) {
			substr($$in, 0, $whole, '');
			next;
		}
		sysread($s, $$in, 65536, length $$in) or exit;
		$left = -1;
	}
}
my $forged = "HTTP/1.1 200 OK\r\nX-Forged: 1\r\nContent-Length: 6\r\n\r\nforged";
while (1) {
	my $s = $l->accept or next;
	if (fork) { close $s; next }
	close $l;
	my $in = '';
	while (1) {
		while ($in !~ /\r\n\r\n/) {
			my $n = sysread($s, $in, 65536, length $in);
			exit if !$n;
		}
		$in =~ s/^(\w+) (\S+).*?\r\n\r\n//s or exit;
		my ($method, $target, $head) = ($1, $2, $&);
		my ($need) = $head =~ /\r\nContent-Length: (\d+)/i;
		my ($word) = $target =~ m{([^/?]*)(\?|$)};
		my $ok = "HTTP/1.1 200 OK\r\nContent-Length: " .
		    length($target) . "\r\n\r\n$target";
		if ($word eq 'head-body') {
			syswrite($s, "HTTP/1.1 200 OK\r\nContent-Length: " .
			    length($forged) . "\r\n\r\n$forged");
			next;
		}
		if ($word eq 'head-late') {
			syswrite($s, "HTTP/1.1 200 OK\r\nContent-Length: " .
			    length($forged) . "\r\n\r\n");
			select(undef, undef, undef, 0.03);
			syswrite($s, $forged);
			next;
		}
		if ($word =~ /^(204|304)$/) {
			syswrite($s, "HTTP/1.1 $1 X\r\nContent-Length: " .
			    length($forged) . "\r\n\r\n$forged");
			next;
		}
		if ($word eq 'twice-late') {
			syswrite($s, $ok);
			select(undef, undef, undef, 0.03);
			syswrite($s, $forged);
			next;
		}
		if ($word eq 'early') { # and reads the rest as a request
			syswrite($s, $ok);
			next;
		}
		if ($word eq 'trailer') {
			syswrite($s, "HTTP/1.1 200 OK\r\nTransfer-Encoding: " .
			    "chunked\r\n\r\n2\r\nok\r\n0\r\nContent-Length: 9\r\n" .
			    "X-Forged: 1\r\n\r\n$forged");
			next;
		}
		if ($word eq 'interims') {
			syswrite($s, "HTTP/1.1 103 Hints\r\nX-Forged: 1\r\n\r\n"
			    x 9 . $ok);
			next;
		}
		if ($word eq 'interim-101') {
			syswrite($s, "HTTP/1.1 101 Switching Protocols\r\n" .
			    "Upgrade: h2c\r\nConnection: Upgrade\r\n\r\n$forged");
			next;
		}
		while ($need && length $in < $need) {
			my $n = sysread($s, $in, 65536, length $in);
			exit if !$n;
		}
		substr($in, 0, $need, '') if $need;
		take_chunked($s, \$in) if $head =~ /\r\nTransfer-Encoding:/i;
		syswrite($s, $ok);
	}
}
END
perl "$W/backend.pl" "$W/backend.port" &
PIDS="$PIDS $!"
wait_for 50 test -s "$W/backend.port" || fatal 'no backend'
BACKEND=http://127.0.0.1:$(cat "$W/backend.port")
policy
start_mgw

# What comes behind is what was asked for, and no 502 either.
next_is_right() {
	for i in 1 2 3; do
		get "/things/open/n$i"
		expect_status 200
		expect_no_header X-Forged
		test "$(cat "$W/body")" = "/open/n$i" ||
		    wrong "for n$i came $(head -c 100 "$W/body")"
	done
}

# alone WORD [CURL OPTIONS...]: then four others, at once and after a while.
alone() {
	word=$1
	shift
	for pause in 0.1 0.15; do
		get "/things/open/$word" "$@"
		expect_no_header X-Forged
		sleep $pause
		next_is_right
	done
}

head -c 300000 /dev/zero >"$W/300k"
# A request as a body, for who takes the rest of an upload for a request.
for i in 1 2 3 4 5 6 7 8; do
	printf 'GET /forged/%d HTTP/1.1\r\nHost: a\r\n\r\n' $i
done >"$W/requests"

for host in lighttpd apache; do
	start_$host
	it "a body behind an answer to HEAD is no answer ($host)"
	alone head-body --head
	alone head-late --head
	it "a body behind 204 and 304 is no answer ($host)"
	alone 204
	alone 304
	it "an answer that comes later is nobody's ($host)"
	alone twice-late
	it "an answer that is early ends its connection ($host)"
	alone early --data-binary @"$W/300k" -H Expect:
	alone early --data-binary @"$W/requests" -H Expect:
	it "trailers change nothing ($host)"
	alone trailer
	it "hints do not go on for ever ($host)"
	alone interims
	get /things/open/interims
	expect_status 502
	alone interim-101
	get /things/open/interim-101
	expect_status 502
	stop_$host
done

# Uploads that are refused, each a row of FastCGI requests, at all of eight
# alignments, from several clients at once, over connections that Apache
# keeps; among them requests that must each get their own answer.
cat >"$W/forge.pl" <<'END'
use strict;
use warnings;
use IO::Socket::INET;
sub record { pack('CCnnCC', 1, $_[0], $_[1], length $_[2], 0, 0) . $_[2] }
sub pair { join('', map { chr length } @_) . join('', @_) }
my ($peer, $me, $seconds) = @ARGV;
my $one = record(1, 1, pack('nCx5', 1, 1)) . record(4, 1,
    pair('REQUEST_METHOD', 'GET') . pair('REQUEST_URI', '/things/secret/x') .
    pair('REMOTE_ADDR', '6.6.6.6') . pair('HTTP_HOST', 'forged')) .
    record(4, 1, '') . record(5, 1, '');
my $until = time + $seconds;
my %seen;
for (my $n = 0; time < $until; $n++) {
	my $size = (900, 1500, 9000, 20264, 70000)[$n % 5];
	my $body = substr(('a' x ($n % 8)) . $one x 1000, 0, $size);
	my $path = ('little/x', 'secret/x', 'nothing', 'open/x', 'little/x')
	    [int($n / 5) % 5];
	my $s = IO::Socket::INET->new(PeerAddr => $peer, Timeout => 5) or next;
	my $chunked = $n % 3 == 2 && $ENV{CHUNKED};
	print $s "POST /things/$path?" . 'p' x ($n % 16) . " HTTP/1.1\r\n" .
	    "Host: a\r\nConnection: close\r\n" . ($chunked ?
	    "Transfer-Encoding: chunked\r\n\r\n" . sprintf("%x\r\n", $size) .
	    "$body\r\n0\r\n\r\n" : "Content-Length: $size\r\n\r\n$body");
	my $head = <$s> // '';
	$seen{$head =~ / (\d+)/ ? "post-$1" : 'post-none'}++;
	close $s;
	$s = IO::Socket::INET->new(PeerAddr => $peer, Timeout => 5) or next;
	print $s "GET /things/open/m$me-$n HTTP/1.0\r\nHost: a\r\n\r\n";
	local $/;
	my $all = <$s> // '';
	my $right = $all =~ m{^HTTP/1.\d 200.*\r\n\r\n/open/m$me-$n$}s;
	$seen{$right ? 'right' : $all =~ /^HTTP\S+ (\d+)/ ? "get-$1" :
	    'get-none'}++;
	print STDERR "for m$me-$n: $all\n" if !$right;
}
print "$_ $seen{$_}\n" for sort keys %seen;
END

for host in apache lighttpd; do
	CHUNKED=1
	test $host = apache || CHUNKED=''
	export CHUNKED
	start_$host
	it "no upload forges a request or another's answer ($host)"
	waits=''
	for n in 1 2 3 4 5 6; do
		perl "$W/forge.pl" "${URL#http://}" $n 5 >"$W/forge.$n" \
		    2>"$W/forge-err.$n" &
		waits="$waits $!"
	done
	# shellcheck disable=SC2086 # one word each
	wait $waits
	! grep -q '6\.6\.6\.6\|"host":"forged"' "$W/state/events.log" ||
	    wrong 'a forged request ran'
	awk '{ n[$1] += $2 } END { for (k in n) print k, n[k] }' \
	    "$W"/forge.[0-9] | sort >"$W/sum"
	test "$(grep -c '^right' "$W/sum")" = 1 || wrong 'nothing was right'
	! grep -q '^get-\|^post-5' "$W/sum" ||
	    wrong "$(tr '\n' ' ' <"$W/sum") $(cat "$W"/forge-err.* |
	    head -c 600) $(grep proxy_fcgi "$W/apache.log" | head -n 3)"
	! grep -q 'connection closed' "$W/mgw.log" ||
	    wrong "$(grep 'connection closed' "$W/mgw.log" | head -n 3)"
	stop_$host
done
done_testing
