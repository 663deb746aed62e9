#!/usr/bin/perl
# jose.pl - tokens and key sets made by openssl(1), so that tests do not
# ask mgw whether mgw is right, and can make what mgw-token would not.
#
#	jose.pl sign ALG KEY CLAIMS [HEADER]	a token; ALG also "none"
#	jose.pl many N ALG KEY CLAIMS		N tokens, %d in CLAIMS counts
#	jose.pl jwks KID=PEM...			the public parts, as a key set
#	jose.pl twin TOKEN			an ES256 token's other form
#
# KEY is a file: PEM, or for HS256 the secret itself.  HEADER is JSON text
# that replaces {"alg":ALG,"typ":"JWT","kid":FILE'S NAME}.
use strict;
use warnings;

# Base64url by way of uuencode, which perl has built in.
sub url64 {
	my ($bytes) = @_;
	my $t = pack('u', $bytes);
	$t =~ s/^.//mg;
	$t =~ tr/\n//d;
	$t =~ tr/`!-_/AB-Za-z0-9\-_/;
	return substr($t, 0, int((length($bytes) * 8 + 5) / 6));
}

# Run a command with bytes on its standard input; its standard output.
sub through {
	my ($bytes, @command) = @_;
	my $file = "/tmp/jose.$$." . int(rand(1e9));
	open(my $f, '>', $file) or die "$file: $!";
	binmode $f;
	print $f $bytes;
	close $f;
	open(my $p, '-|', @command, $file) or die "@command: $!";
	binmode $p;
	local $/;
	my $out = <$p>;
	close $p or die "@command failed";
	unlink $file;
	return $out;
}

# A DER signature of two integers as two fields of n bytes (RFC 7518 3.4).
sub raw_ecdsa {
	my ($der, $n) = @_;
	my $at = ord(substr($der, 1, 1)) & 0x80 ? 3 : 2;
	my $raw = '';
	for (1, 2) {
		my $len = ord(substr($der, $at + 1, 1));
		my $int = substr($der, $at + 2, $len);
		$at += 2 + $len;
		$int =~ s/^\0+//;
		$raw .= ("\0" x ($n - length $int)) . $int;
	}
	return $raw;
}

sub signature {
	my ($alg, $key, $text) = @_;
	return '' if $alg eq 'none';
	my ($family, $bits) = $alg =~ /^(HS|RS|PS|ES)(256|384|512)$/
	    or die "alg $alg";
	if ($family eq 'HS') {
		open(my $f, '<', $key) or die "$key: $!";
		local $/;
		return through($text, 'openssl', 'dgst', "-sha$bits", '-mac',
		    'HMAC', '-macopt', 'hexkey:' . unpack('H*', <$f>),
		    '-binary');
	}
	my @pss = $family eq 'PS' ? ('-sigopt', 'rsa_padding_mode:pss',
	    '-sigopt', 'rsa_pss_saltlen:-1') : ();
	my $sig = through($text, 'openssl', 'dgst', "-sha$bits", '-sign', $key,
	    @pss);
	return $sig if $family ne 'ES';
	my %size = (256 => 32, 384 => 48, 512 => 66);
	return raw_ecdsa($sig, $size{$bits});
}

sub token {
	my ($alg, $key, $claims, $header) = @_;
	my ($kid) = $key =~ m{([^/]*?)(\.[a-z]+)?$};
	$header = "{\"alg\":\"$alg\",\"typ\":\"JWT\",\"kid\":\"$kid\"}"
	    if !defined $header;
	my $text = url64($header) . '.' . url64($claims);
	return $text . '.' . url64(signature($alg, $key, $text));
}

sub jwk {
	my ($kid, $pem) = @_;
	my $text = `openssl pkey -in '$pem' -pubout -text -noout` or die;
	my $hex = sub {
		my ($name) = @_;
		my ($h) = $text =~ /^$name:\s*\n((?:\s+[0-9a-f:]+\n)+)/mi
		    or die "$pem: no $name";
		$h =~ s/[^0-9a-f]//g;
		return pack('H*', $h);
	};
	if ($text =~ /^Modulus:/m) {
		my $n = $hex->('Modulus');
		$n =~ s/^\0+//;
		my ($e) = $text =~ /^Exponent: (\d+)/m;
		my $bytes = pack('N', $e);
		$bytes =~ s/^\0+//;
		return sprintf '{"kty":"RSA","kid":"%s","n":"%s","e":"%s"}',
		    $kid, url64($n), url64($bytes);
	}
	my %curve = (prime256v1 => 'P-256', secp384r1 => 'P-384',
	    secp521r1 => 'P-521');
	my ($oid) = $text =~ /^ASN1 OID: (\w+)/m or die "$pem: what key?";
	my $point = substr($hex->('pub'), 1);
	my $half = length($point) / 2;
	return sprintf '{"kty":"EC","kid":"%s","crv":"%s","x":"%s","y":"%s"}',
	    $kid, $curve{$oid}, url64(substr($point, 0, $half)),
	    url64(substr($point, $half));
}

my $what = shift // '';
if ($what eq 'sign') {
	print token(@ARGV), "\n";
} elsif ($what eq 'many') {
	my ($n, $alg, $key, $claims) = @ARGV;
	for my $i (1 .. $n) {
		my $c = $claims;
		$c =~ s/%d/$i/g;
		print token($alg, $key, $c), "\n";
	}
} elsif ($what eq 'jwks') {
	print '{"keys":[', join(',', map { jwk(split /=/, $_, 2) } @ARGV),
	    "]}\n";
} elsif ($what eq 'twin') {
	# (r, s) and (r, n - s) are both signatures of the same text.
	require Math::BigInt;
	my ($header, $payload, $signature) = split /\./, $ARGV[0];
	$signature =~ tr/A-Za-z0-9\-_/`!-_/; # uuencode's letters
	my $hex = '';
	for my $group ($signature =~ /.{1,4}/g) {
		my $n = int(length($group) * 3 / 4);
		$hex .= substr(unpack('H*', unpack('u', chr(32 + 3) .
		    $group . '`' x (4 - length $group))), 0, 2 * $n);
	}
	my $n = Math::BigInt->from_hex('ffffffff00000000ffffffffffffffff' .
	    'bce6faada7179e84f3b9cac2fc632551');
	my $s = $n - Math::BigInt->from_hex(substr($hex, 64));
	(my $other = $s->as_hex) =~ s/^0x//;
	$other = '0' x (64 - length $other) . $other;
	print "$header.$payload.",
	    url64(pack('H*', substr($hex, 0, 64) . $other)), "\n";
} else {
	die "usage: jose.pl sign|many|jwks|twin ...\n";
}
