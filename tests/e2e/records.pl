#!/usr/bin/perl
# records.pl SOCKET PIECE...: say something on mgw's socket that no web
# server would, and print what comes back as text, then "closed" when the
# other side closed and "open" when it did not within 5 seconds.
#
#	begin[:ID[:ROLE[:FLAGS]]]	BEGIN_REQUEST
#	get:PATH[:N]	parameters of a GET, and N further bytes of them
#	post:PATH:N	parameters of a POST of N bytes
#	stdin:N		a record of N bytes of body; stdin:0 ends it
#	values:N	GET_VALUES asking N times for FCGI_MAX_CONNS
#	type:T		an empty record of type T
#	version:V	an empty record of version V
#	half		half a header
#	cut:N		a record that says N bytes and has one
#	junk:N		N bytes that are no record
#	abort		ABORT_REQUEST
#	length:N	a parameter whose name is said to have N bytes
#	wait:MS		nothing, for a while
#	leave		close, and print nothing
use strict;
use warnings;
use IO::Socket::UNIX;

sub record {
	my ($type, $id, $content) = @_;
	my $out = '';
	do {
		my $part = substr($content, 0, 65528, '');
		$out .= pack('CCnnCC', 1, $type, $id, length $part, 0, 0) .
		    $part;
	} while (length $content);
	return $out;
}

sub pair {
	my ($name, $value) = @_;
	my $size = sub {
		return $_[0] < 128 ? chr $_[0] : pack('N', $_[0] | 0x80000000);
	};
	return $size->(length $name) . $size->(length $value) . $name . $value;
}

sub params {
	my ($method, $path, $length, $more) = @_;
	my $p = pair('REQUEST_METHOD', $method) . pair('REQUEST_URI', $path) .
	    pair('SERVER_PROTOCOL', 'HTTP/1.1') . pair('HTTP_HOST', 'a') .
	    pair('REMOTE_ADDR', '127.0.0.1') . pair('SERVER_NAME', 'a') .
	    pair('SERVER_PORT', '80') . pair('QUERY_STRING', '');
	$p .= pair('CONTENT_LENGTH', $length) if defined $length;
	$p .= pair("HTTP_X_FILL_$_", 'a' x 1000)
	    for 1 .. int(($more // 0) / 1000);
	return record(4, 1, $p) . record(4, 1, '');
}

my $socket = shift;
my $s = IO::Socket::UNIX->new(Peer => $socket) or die "$socket: $!";
$SIG{PIPE} = 'IGNORE';
for my $piece (@ARGV) {
	exit 0 if $piece eq 'leave';
	my ($what, @a) = split /:/, $piece;
	my $out =
	    $what eq 'begin' ? pack('CCnnCC', 1, 1, $a[0] // 1, 8, 0, 0) .
	    pack('nCx5', $a[1] // 1, $a[2] // 1) :
	    $what eq 'get' ? params('GET', $a[0], undef, $a[1]) :
	    $what eq 'post' ? params('POST', $a[0], $a[1]) :
	    $what eq 'stdin' ? record(5, 1, 'a' x $a[0]) :
	    $what eq 'values' ?
	    record(9, 0, pair('FCGI_MAX_CONNS', '') x $a[0]) :
	    $what eq 'type' ? pack('CCnnCC', 1, $a[0], 1, 0, 0, 0) :
	    $what eq 'version' ? pack('CCnnCC', $a[0], 1, 1, 0, 0, 0) :
	    $what eq 'half' ? "\1\1\0" :
	    $what eq 'cut' ? pack('CCnnCC', 1, 5, 1, $a[0], 0, 0) . 'a' :
	    $what eq 'junk' ? join('', map { chr(($_ * 7919) & 255) }
	    1 .. $a[0]) :
	    $what eq 'abort' ? record(2, 1, '') :
	    $what eq 'length' ? record(4, 1, pack('NC', $a[0] | 0x80000000,
	    1) . 'a') :
	    $what eq 'wait' ? '' : die "piece $piece";
	select(undef, undef, undef, $a[0] / 1000) if $what eq 'wait';
	last if length $out && !defined syswrite($s, $out);
}
my ($bytes, $end) = ('', 'open');
local $SIG{ALRM} = sub { die "alarm\n" };
eval {
	alarm 5;
	while (1) {
		my $n = sysread($s, my $b, 65536);
		if (!$n) {
			$end = $end eq 'open' ? 'closed' : 'answered, closed';
			last;
		}
		$bytes .= $b;
		# A kept connection stays open after its answer.
		if ($bytes =~ /\x01\x03..\x00\x08/s) {
			$end = 'answered';
			alarm 1;
		}
	}
};
alarm 0;
while (length $bytes >= 8) {
	my (undef, $type, undef, $n, $pad) = unpack('CCnnC', $bytes);
	print substr($bytes, 8, $n) if $type == 6;
	substr($bytes, 0, 8 + $n + $pad, '');
}
print "\n$end\n";
