#!/usr/bin/perl
# bytes.pl fcgi SOCKET | http ADDRESS:PORT: every byte that could end a
# header line, or be taken for its end, in every place where a client or a
# backend can put one.  Prints what got out, and how many were tried.
#
# The test backend echoes what it got, with control bytes as \u00XX.
use strict;
use warnings;
use IO::Socket::INET;
use IO::Socket::UNIX;

my ($mode, $to) = @ARGV;
my @bytes = (0 .. 32, 127, 128, 255);
my $n = 0;

sub size { $_[0] < 128 ? chr $_[0] : pack('N', $_[0] | 0x80000000) }

sub fcgi {
	my %p = @_;
	my $p = join '', map {
		size(length $_) . size(length $p{$_}) . $_ . $p{$_}
	} sort keys %p;
	return pack('CCnnCCnCx5', 1, 1, 1, 8, 0, 0, 1, 0) .
	    pack('CCnnCC', 1, 4, 1, length $p, 0, 0) . $p .
	    pack('CCnnCC', 1, 4, 1, 0, 0, 0) . pack('CCnnCC', 1, 5, 1, 0, 0, 0);
}

# The answer as text: status line or Status field first.
sub ask {
	my ($request) = @_;
	my $s = $mode eq 'fcgi' ? IO::Socket::UNIX->new(Peer => $to) :
	    IO::Socket::INET->new(PeerAddr => $to);
	my ($in, $out) = ('', '');
	die "$to: $!" unless $s;
	$n++;
	local $SIG{ALRM} = sub { die "no answer\n" };
	alarm 10;
	syswrite($s, $request);
	1 while sysread($s, $in, 65536, length $in);
	alarm 0;
	return $in if $mode eq 'http';
	while (length $in >= 8) {
		my (undef, $type, undef, $len, $pad) = unpack('CCnnC', $in);
		$out .= substr($in, 8, $len) if $type == 6;
		substr($in, 0, 8 + $len + $pad, '');
	}
	return $out;
}

# Nothing in the answer's head, nor in what the backend had, is a control
# byte or a field that no one wrote.
sub judge {
	my ($what, $answer, $tab) = @_;
	my ($head, $body) = split /\r\n\r\n/, $answer, 2;
	my @wrong;
	$head //= '';
	$body //= '';
	# A NUL in a parameter ends the connection.
	push @wrong, 'no answer'
	    unless $head =~ /^(Status:|HTTP\/1\.[01]) \d/ ||
	    ($mode eq 'fcgi' && $what =~ /^byte 0 / && $answer eq '');
	for my $line (split /\r\n/, $head) {
		push @wrong, 'a control byte in the head'
		    if $line =~ /[\x00-\x08\x0a-\x1f\x7f]/;
		push @wrong, 'a forged field' if $line =~ /^X-Evil/i;
	}
	if ($body =~ /^\{"method"/) {
		$body =~ s/\\t|\\u0009//g if $tab;
		push @wrong, 'the backend had a control byte'
		    if $body =~ /\\u00[01]|\\u007f|\\[rnbft]|[\x00-\x08\x0b-\x1f]/;
		push @wrong, 'the backend had a forged field'
		    if $body =~ /\["X-Evil/i;
	}
	print "$what: @wrong\n" if @wrong;
}

sub request {
	my ($place, $c) = @_;
	my $path = '/things/open/x';
	my $evil = "a${c}X-Evil: 1";
	my ($name, $value, $host, $type) = ('X-A', 'a', 'a', 'text/plain');
	my ($cookie, $query) = ('a=b', 'q=1');
	$value = $evil if $place eq 'value';
	$name = "X-A${c}X-Evil" if $place eq 'name';
	$host = "a${c}X-Evil" if $place eq 'host';
	$type = "text/plain${c}X-Evil: 1" if $place eq 'type';
	$cookie = "a=$evil" if $place eq 'cookie';
	$query = "q=$evil" if $place eq 'query';
	$path .= $c . 'X-Evil' if $place eq 'path';
	if ($mode eq 'http') {
		return "GET $path?$query HTTP/1.1\r\nHost: $host\r\n" .
		    "$name: $value\r\nCookie: $cookie\r\n" .
		    "Content-Type: $type\r\nConnection: close\r\n\r\n";
	}
	$name =~ tr/a-z-/A-Z_/;
	return fcgi(REQUEST_METHOD => 'GET', REQUEST_URI => "$path?$query",
	    SERVER_PROTOCOL => 'HTTP/1.1', HTTP_HOST => $host,
	    REMOTE_ADDR => '127.0.0.1', QUERY_STRING => $query,
	    CONTENT_TYPE => $type, HTTP_COOKIE => $cookie,
	    "HTTP_$name" => $value);
}

for my $b (@bytes) {
	for my $place (qw(value name host type cookie query path)) {
		judge("byte $b in the $place", ask(request($place, chr $b)),
		    $b == 9);
	}
	for my $word (qw(value-byte name-byte)) {
		my $path = "/things/open/$word/$b";
		my $r = $mode eq 'http' ?
		    "GET $path HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" :
		    fcgi(REQUEST_METHOD => 'GET', REQUEST_URI => $path,
		    SERVER_PROTOCOL => 'HTTP/1.1', HTTP_HOST => 'a',
		    REMOTE_ADDR => '127.0.0.1', QUERY_STRING => '');
		my $answer = ask($r);
		judge("byte $b, $word", $answer);
		# What no one may read in two ways is no answer at all.
		my $bad = $b < 32 && $b != 9 || $b == 127 || $word =~ /name/;
		print "byte $b, $word: ", substr($answer, 0, 20), "\n"
		    if $bad && $answer !~ /^(Status:|HTTP\/1\.1) 502/;
		print "byte $b, $word: refused\n"
		    if !$bad && $answer !~ /^(Status:|HTTP\/1\.1) 200/;
	}
}
print "$n tried\n";
