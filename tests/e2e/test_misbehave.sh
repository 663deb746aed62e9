#!/bin/sh
# A backend that does all that is wrong, between requests that are right:
# each is told what it is told, in time, and nobody has another's answer.
. tests/e2e/lib.sh
start_backend
policy
sed -i 's/first-byte: 2s, total: 10s/first-byte: 700ms, total: 3s/' \
    "$W/mgw.yaml"
import || fatal "$(cat "$W/import.out")"
printf 'trusted-proxy 127.0.0.1\n' >>"$W/mgw.conf"
head -c 300000 /dev/zero | tr '\0' a >"$W/300k"
start_mgw

# Word, statuses that are right (000: the answer is cut), its time limit.
cat >"$W/words" <<'END'
silent 504 2
trickle/5 200 3
trickle/200 504,000 5
reset 502 2
close 502 2
close-after 200 2
close-said 200 2
http10 200 2
until-close 200 2
garbage 502 2
http2 502 2
half-head 502 2
two-lengths 502 2
length-and-chunked 502 2
short-length 502,000 4
cut-chunk 502,000 4
bad-chunk 502,000 4
huge-chunk 502,000 4
long-length 200 2
twice 200 2
huge-head/20 200 2
huge-head/70 502 2
interims/8 200 2
interims/9 502 2
trailers 200 2
die-next 200 2
status/500 500 2
status/999 502 2
switch 502 2
not-modified 304 2
no-content 204 2
END

# client NUMBER: every word, and behind each a request of its own; what is
# wrong is printed.
cat >"$W/client.pl" <<'END'
use strict;
use warnings;
use IO::Socket::INET;
use Time::HiRes 'time';
my ($peer, $me, $file) = @ARGV;
open(my $f, '<', $file) or die;
my @words = map { [split] } <$f>;
# Not all of them the same one at the same time.
push @words, splice(@words, 0, $me * 5 % @words);

# Status ("000": cut, or nothing), body and seconds.
sub ask {
	my ($path) = @_;
	my $t = time;
	my $s = IO::Socket::INET->new(PeerAddr => $peer, Timeout => 5)
	    or return ('none', '', 0);
	local $SIG{ALRM} = sub { die };
	my $all = '';
	eval {
		alarm 15;
		print $s "GET /things/open/$path HTTP/1.1\r\nHost: a\r\n" .
		    "X-Forwarded-For: 10.0.0.$me\r\nConnection: close\r\n\r\n";
		while (sysread($s, $all, 65536, length $all)) {}
		alarm 0;
	};
	my ($status, $head, $body) =
	    $all =~ /^HTTP\S+ (\d+)[^\r]*(\r\n.*?)\r\n\r\n(.*)/s
	    or return ('000', '', time - $t);
	if ($head =~ /\r\nTransfer-Encoding: chunked/i) {
		$status = '000' if $body !~ /(^|\r\n)0\r\n(.*\r\n)?\r\n$/s;
	} elsif ($head =~ /\r\nContent-Length: (\d+)/i) {
		$status = '000' if $1 != length $body && $status != 304;
	}
	return ($status, $body, time - $t);
}
for my $w (@words) {
	my ($word, $right, $limit) = @$w;
	my ($status, $body, $took) = ask($word);
	print "$word: $status\n" if !grep { $_ eq $status } split /,/, $right;
	printf("%s: %.1f s\n", $word, $took) if $took > $limit;
	print "$word: forged\n" if $body =~ /forged|and more/;
	for my $n (1, 2) {
		my $own = "own-$me-$n-" . int(rand(1e9));
		($status, $body, $took) = ask($own);
		print "behind $word: $status ", substr($body, 0, 60), "\n"
		    if $status ne '200' || $body !~ m{"target":"/open/$own"};
	}
}
print "done\n";
END

for host in lighttpd apache; do
	test $host = lighttpd || APACHE_MORE='KeepAliveTimeout 1'
	start_$host
	it "all that is wrong at once, and each has its own answer ($host)"
	waits=''
	for n in 1 2 3 4 5 6; do
		perl "$W/client.pl" "${URL#http://}" $n "$W/words" \
		    >"$W/client.$n" 2>&1 &
		waits="$waits $!"
	done
	# shellcheck disable=SC2086 # one word each
	wait $waits
	for n in 1 2 3 4 5 6; do
		grep -qx 'done' "$W/client.$n" || wrong "client $n has ended"
		grep -vx 'done' "$W/client.$n" >"$W/faults" &&
		    wrong "$(head -n 6 "$W/faults")"
	done

	for word in stall early reset-early; do
		it "an upload that is not read: $word ($host)"
		get "/things/open/$word" --data-binary "@$W/300k" -H Expect:
		case $word in
		early) expect_status 413 ;;
		stall) expect_status 504 ;;
		*) expect_status 502 ;;
		esac
		for n in 1 2 3; do
			get "/things/open/behind-$word$n"
			expect_status 200
			expect_body "\"target\":\"/open/behind-$word$n\""
		done
	done
	stop_$host
done
done_testing
