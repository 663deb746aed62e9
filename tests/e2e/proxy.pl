#!/usr/bin/perl
# proxy.pl LOG [LOGIN] - an outbound proxy that does CONNECT and nothing else.
#
# Prints its port.  With LOGIN ("user:password") it asks for that.  A name
# leads to 127.0.0.1, whatever it is; LOG gets a line for each request.
use strict;
use warnings;
use IO::Select;
use IO::Socket::INET;
use MIME::Base64;

my ($log, $login) = @ARGV;
my $s = IO::Socket::INET->new(Listen => 64, LocalAddr => '127.0.0.1',
    ReuseAddr => 1) or die "listen: $!";
$| = 1;
print $s->sockport, "\n";
$SIG{CHLD} = 'IGNORE';

sub note {
	open(my $f, '>>', $log) or die;
	syswrite($f, "@_\n");
	close $f;
}

sub serve {
	my ($c) = @_;
	my $head = '';
	while ($head !~ /\r\n\r\n/) {
		sysread($c, $head, 4096, length $head) or return;
	}
	my ($line) = $head =~ /^(.*?)\r\n/;
	my ($who) = $head =~ /^proxy-authorization: *(.*?)\r$/im;
	note($line, $who // '-', $head =~ /^(authorization|cookie):/im ? 'SECRETS' : '');
	return syswrite($c, "HTTP/1.1 405 No\r\nContent-Length: 0\r\n\r\n")
	    unless $line =~ /^CONNECT (\S+):(\d+) /;
	my $port = $2;
	return syswrite($c, "HTTP/1.1 407 Who\r\nProxy-Authenticate: Basic\r\n" .
	    "Content-Length: 0\r\n\r\n")
	    if defined $login && ($who // '') ne 'Basic ' . encode_base64($login, '');
	my $b = IO::Socket::INET->new(PeerAddr => "127.0.0.1:$port")
	    or return syswrite($c, "HTTP/1.1 503 Gone\r\nContent-Length: 0\r\n\r\n");
	syswrite($c, "HTTP/1.1 200 Fine\r\n\r\n");
	my $both = IO::Select->new($c, $b);
	while (my @ready = $both->can_read) {
		for my $from (@ready) {
			my $n = sysread($from, my $bytes, 65536) or return;
			my $to = $from == $c ? $b : $c;
			for (my $at = 0; $at < $n;) {
				$at += syswrite($to, $bytes, $n - $at, $at)
				    // return;
			}
		}
	}
}

while (my $c = $s->accept) {
	my $pid = fork;
	if (!defined $pid || $pid == 0) {
		close $s;
		serve($c);
		exit 0;
	}
	close $c;
}
