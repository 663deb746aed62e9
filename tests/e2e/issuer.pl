#!/usr/bin/perl
# issuer.pl DIR - a token issuer on loopback, as bad as a test wants it.
#
# Prints its port.  GET /NAME answers the file DIR/NAME, with @URL@ filled
# in; POST /introspect the file DIR/token-TOKEN (of its
# last 40 bytes), or that it is not active.
# DIR/log gets a line for each request: method, path, token, Authorization.
# DIR/status holds another status than 200, DIR/delay seconds to wait, and
# DIR/NAME.status, DIR/NAME.delay and DIR/NAME.location those of one file.
use strict;
use warnings;
use IO::Socket::INET;

my $dir = shift;
my $s = IO::Socket::INET->new(Listen => 1024, LocalAddr => '127.0.0.1',
    ReuseAddr => 1, LocalPort => shift // 0) or die "listen: $!";
my $url = 'http://127.0.0.1:' . $s->sockport;
$| = 1;
print $s->sockport, "\n";
$SIG{CHLD} = 'IGNORE';

sub slurp {
	my ($name) = @_;
	return undef if $name =~ m{\.\.};
	open(my $f, '<', "$dir/$name") or return undef;
	local $/;
	return scalar <$f>;
}

sub serve {
	my ($c) = @_;
	my ($line, $length, $login, $body) = (scalar <$c>, 0, '-', '');
	while (my $h = <$c>) {
		last if $h =~ /^\r?\n/;
		$length = $1 if $h =~ /^content-length: *(\d+)/i;
		$login = $1 if $h =~ /^authorization: *(.*?)\r?\n/i;
	}
	read($c, $body, $length) if $length;
	my ($method, $path) = ($line // '') =~ m{^(\S+) /(\S*)} or return;
	my ($token) = $body =~ /(?:^|&)token=([^&]*)/;
	open(my $log, '>>', "$dir/log") or die;
	syswrite($log, "$method /$path " . ($token // '-') . " $login $body\n");
	close $log;
	my $delay = slurp("$path.delay") // slurp('delay');
	select(undef, undef, undef, $delay) if $delay;
	my $answer = $method eq 'POST' && defined $token
	    ? slurp('token-' . (length $token > 40 ? substr($token, -40) : $token)) // '{"active":false}' : slurp($path);
	my $status = slurp("$path.status") // slurp('status') // (defined $answer ? 200 : 404);
	chomp $status;
	$answer //= '';
	my $location = slurp("$path.location");
	$location = defined $location ? "Location: $location\r\n" : '';
	s/\@URL\@/$url/g for $answer, $location;
	print $c "HTTP/1.1 $status X\r\nConnection: close\r\n$location" .
	    "Content-Length: " . length($answer) . "\r\n\r\n$answer";
}

while (my $c = $s->accept) {
	my $pid = fork;
	if (!defined $pid || $pid == 0) {
		serve($c);
		exit 0 if defined $pid;
	}
	close $c;
}
