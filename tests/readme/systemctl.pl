#!/usr/bin/perl
# systemctl, as far as README.md needs it, for a machine without systemd:
# mgw.socket and mgw.service are started by what their installed files say,
# Debian's lighttpd and apache2 as their own units start them.
#
#	systemctl enable --now mgw.socket
#	systemctl start|stop|restart|reload lighttpd|apache2|mgw
use strict;
use warnings;
use Fcntl;
use IO::Socket::UNIX;
use POSIX ();

my $pids = '/run/started';
my $log = '/var/log/started.log';
my $failed = 0;

# Of a unit file: key => list of values.
sub unit {
	my ($name) = @_;
	my %keys;
	open my $f, '<', "/usr/local/lib/systemd/system/$name"
	    or die "systemctl: $name: no such unit\n";
	while (<$f>) {
		next if /^\s*[#;\[]/;
		push @{$keys{$1}}, $2 if /^(\w+)=(.*)$/;
	}
	return \%keys;
}

sub one {
	my ($unit, $key) = @_;
	my $values = $unit->{$key} or die "systemctl: $key is missing\n";
	return $values->[-1];
}

sub pid_of {
	my ($name) = @_;
	open my $f, '<', "$pids/$name" or return 0;
	my $pid = <$f>;
	return $pid =~ /^(\d+)$/ && kill(0, $1) ? $1 : 0;
}

# Run in the background, in a session of its own.
sub start {
	my ($name, $code) = @_;
	mkdir $pids;
	my $pid = fork // die "systemctl: fork: $!\n";
	if ($pid == 0) {
		POSIX::setsid();
		open STDIN, '<', '/dev/null';
		open STDOUT, '>>', $log;
		open STDERR, '>>', $log;
		$code->();
		exit 0;
	}
	open my $f, '>', "$pids/$name" or die "systemctl: $pids: $!\n";
	print $f $pid;
}

sub stop {
	my ($name) = @_;
	my $pid = pid_of($name) or return;
	kill 'TERM', $pid;
	for (1 .. 400) {
		# Children of init, which reaps nobody here, stay as zombies.
		open my $f, '<', "/proc/$pid/stat" or last;
		last if <$f> =~ /\) Z /;
		select undef, undef, undef, 0.02;
	}
	unlink "$pids/$name";
}

# Become the service's user and run one of its lines.
sub become {
	my ($service, $line, $socket) = @_;
	my ($uid, $gid) = (getpwnam one($service, 'User'))[2, 3];
	die "systemctl: no user " . one($service, 'User') . "\n"
	    unless defined $uid;
	my @words = split ' ', $line;
	umask oct one($service, 'UMask');
	my @env = 'PATH=/usr/bin:/bin';
	my $three; # stays open until exec
	if ($socket) {
		# From descriptor 3 on, as sd_listen_fds(3) says.
		POSIX::dup2(fileno $socket, 3);
		open $three, '<&=', 3;
		fcntl $three, F_SETFD, 0; # where it was 3 before
		push @env, 'LISTEN_FDS=1', "LISTEN_PID=$$",
		    'LISTEN_FDNAMES=mgw.socket';
	}
	exec 'setpriv', "--reuid=$uid", "--regid=$gid", '--clear-groups',
	    '--no-new-privs', 'env', '-i', @env, @words;
}

sub serve {
	my ($service, $socket) = @_;
	my $state = '/var/lib/' . one($service, 'StateDirectory');
	my ($uid, $gid) = (getpwnam one($service, 'User'))[2, 3];
	mkdir $state;
	chmod oct one($service, 'StateDirectoryMode'), $state;
	chown $uid, $gid, $state;
	if ((fork // die) == 0) {
		become($service, one($service, 'ExecStartPre'));
	}
	wait;
	# systemd gives up as well, and closes the socket.
	exit 1 if $? != 0 && ++$failed == 3;
	return if $? != 0;
	start('mgw', sub {
		become($service, one($service, 'ExecStart'), $socket);
	});
}

# Listen; the service begins when somebody connects, as with systemd.
sub listen_for_mgw {
	my $unit = unit('mgw.socket');
	my $service = unit('mgw.service');
	my $path = one($unit, 'ListenStream');
	(my $folder = $path) =~ s,/[^/]*$,,;
	die "systemctl: the connections are not kept\n"
	    unless one($service, 'NotifyAccess') eq 'main' &&
	    one($service, 'FileDescriptorStoreMax') > 0;
	mkdir $folder, oct one($unit, 'DirectoryMode');
	unlink $path;
	umask 0177;
	my $socket = IO::Socket::UNIX->new(
	    Local => $path, Listen => one($unit, 'Backlog'))
	    or die "systemctl: $path: $!\n";
	chown 0, scalar getgrnam(one($unit, 'SocketGroup')), $path;
	chmod oct one($unit, 'SocketMode'), $path;
	umask 022;
	start('mgw.socket', sub {
		for (;;) {
			my $ready = '';
			vec($ready, fileno $socket, 1) = 1;
			select $ready, undef, undef, undef;
			serve($service, $socket) unless pid_of('mgw');
			select undef, undef, undef, 0.2;
		}
	});
}

my %start = (
	'mgw.socket' => \&listen_for_mgw,
	lighttpd => sub {
		start('lighttpd', sub {
			exec 'lighttpd', '-D', '-f',
			    '/etc/lighttpd/lighttpd.conf';
		});
	},
	apache2 => sub {
		mkdir $_ for '/run/apache2', '/run/lock', '/var/log/apache2';
		start('apache2', sub {
			exec 'sh', '-c', '. /etc/apache2/envvars &&
			    exec apache2 -DFOREGROUND';
		});
	},
);

my ($verb, @rest) = @ARGV;
my $name = pop @rest // '';
$name =~ s/\.service$//;
die "systemctl: only root may do that\n" if $> != 0;
$verb = 'start' if $verb eq 'enable' && "@rest" eq '--now';
if ($verb =~ /^(?:stop|restart)$/) {
	stop($name);
}
if ($verb eq 'restart' && $name eq 'mgw') {
	exit 0; # its socket starts it
}
if ($verb =~ /^(?:start|restart)$/ && $start{$name}) {
	$start{$name}->();
} elsif ($verb eq 'reload' && pid_of($name)) {
	kill $name eq 'apache2' ? 'USR1' : 'HUP', pid_of($name);
} elsif ($verb ne 'stop') {
	die "systemctl: cannot $verb $name here\n";
}
