#!/usr/bin/perl
# streams.pl ADDRESS N PATH FILE: hold N streams at once, each for a client
# of another address, as a proxy says; "N ready" once each has brought an
# event, and when FILE is gone, how many were open to the end and how many
# events the slowest of them brought.
use strict;
use warnings;
use IO::Poll qw(POLLIN);
use IO::Socket::INET;

my ($peer, $n, $path, $file) = @ARGV;
my ($poll, %events, @all) = (IO::Poll->new);
$| = 1;
for my $i (1 .. $n) {
	my $s = IO::Socket::INET->new(PeerAddr => $peer) or die "connect: $!";
	my $from = sprintf('10.1.%d.%d', $i / 250, $i % 250);
	$s->autoflush(1);
	print $s "GET $path HTTP/1.1\r\nHost: a\r\n" .
	    "X-Forwarded-For: $from\r\n\r\n";
	$poll->mask($s => POLLIN);
	$events{$s} = 0;
	push @all, $s;
}
my ($told, $since) = (0, time);
while (-e $file && time - $since < 60) {
	$poll->poll(0.1);
	for my $s ($poll->handles(POLLIN)) {
		my $got;
		if (!sysread($s, $got, 65536)) {
			$poll->remove($s);
			$events{$s} = -1;
			next;
		}
		$events{$s} += () = $got =~ /data: /g;
	}
	next if $told || grep { $_ < 1 } values %events;
	print "$n ready\n";
	$told = 1;
}
my @open = sort { $a <=> $b } grep { $_ > 0 } values %events;
printf("%d open, slowest %d\n", scalar @open, $open[0] // 0);
