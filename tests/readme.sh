#!/bin/sh
# Run the commands of README.md, word for word, as somebody would who has
# just cloned this: an ordinary user with sudo on a Debian 12 that has
# lighttpd and apache2.
#
# All of it happens in namespaces of its own.  Files of the machine are
# seen and nothing is written to them; there is no network but loopback;
# and every process ends with this one.  sudo and systemctl are stand-ins,
# as neither can be had there; see tests/readme/.
#
#	readme.sh		exit 77: cannot be done here, and why
#	readme.sh -v		show what the commands print
set -eu
cd "$(dirname "$0")/.."

missing() {
	echo "README is not run: $*"
	exit 77
}

if [ "${README_INSIDE:-}" != 1 ]; then
	test "${O:-build}" = build || missing 'for a plain build only'
	test "$(id -u)" -eq 0 || missing 'only root can have a machine of its own'
	unshare -mnpf --kill-child --mount-proc sh -c 'mount -t tmpfs none /mnt &&
	    mkdir /mnt/a /mnt/b && mount -t overlay none /etc -o \
	    lowerdir=/etc,upperdir=/mnt/a,workdir=/mnt/b' 2>/dev/null ||
	    missing 'no namespaces or no overlays here'
	for p in lighttpd lighttpd-enable-mod a2enmod systemd-sysusers \
	    systemd-tmpfiles useradd setpriv perl curl openssl; do
		command -v $p >/dev/null || missing "$p is not installed"
	done
	exec env README_INSIDE=1 unshare -mnpf --kill-child --mount-proc \
	    "tests/${0##*/}" "$@"
fi

# Inside: nothing reaches the machine any more -------------------------

W=/mnt
verbose=0
test "${1:-}" != -v || verbose=1
umask 022
unset O MAKEFLAGS MAKELEVEL MFLAGS
export LC_ALL=C
trap 'exit 1' HUP INT TERM

mount --make-rprivate /
mount -t tmpfs none $W
for d in etc usr/local var home srv; do
	mkdir -p $W/over/$d $W/work/$d
	mount -t overlay none "/$d" -o \
	    "lowerdir=/$d,upperdir=$W/over/$d,workdir=$W/work/$d"
done
mount -t tmpfs -o mode=755 none /run
# In the overlay alone: a machine that has mgw looks like one that has not.
rm -rf /etc/mgw /var/lib/mgw
perl -MSocket -e 'socket(my $s, AF_INET, SOCK_DGRAM, 0) or die;
    my $up = pack("a16 s x22", "lo", 0x41); # SIOCSIFFLAGS: up, running
    ioctl($s, 0x8914, $up) or die'

# Somebody with a clone and a build in it, who may sudo.
useradd --create-home --shell /bin/sh reader
HOMEDIR=/home/reader
mkdir $HOMEDIR/mgw $W/bin
tar cf - --exclude=./build/san --exclude=./build/fuzz --exclude=./.git . |
    tar xf - -C $HOMEDIR/mgw
chown -R reader: $HOMEDIR
cp "$(command -v setpriv)" $W/bin/become
chmod 4755 $W/bin/become
cat >$W/bin/sudo <<END
#!/bin/sh
user=root
if [ "\$1" = -u ]; then user=\$2; shift 2; fi
exec $W/bin/become --reuid "\$user" --regid "\$user" --init-groups -- "\$@"
END
cp tests/readme/systemctl.pl $W/bin/systemctl
chmod 755 $W/bin/sudo $W/bin/systemctl
mkdir -m 1777 $W/tmp
install -d -o www-data -g www-data /var/log/lighttpd /var/cache/lighttpd \
    /var/cache/lighttpd/uploads

as_reader() { # a command, with the little that a login has
	setpriv --reuid=reader --regid=reader --init-groups env -i \
	    HOME=$HOMEDIR TMPDIR=$W/tmp LC_ALL=C USER=reader \
	    PATH=$W/bin:/usr/local/bin:/usr/local/sbin:/usr/bin:/bin:/usr/sbin:/sbin \
	    sh -c 'cd ~/mgw && "$@"' sh "$@"
}

ok() {
	echo "ok README: $NAME"
}

# What follows stands on what was done before: the first fault is the last.
wrong() {
	echo "not ok $NAME: $*"
	tail -n 15 $W/out $W/host.log /var/log/started.log \
	    /var/log/apache2/error.log /var/log/lighttpd/error.log \
	    2>/dev/null | sed 's/^/    | /'
	exit 1
}

# The shell blocks of a section, one after the other.
blocks() {
	awk -v want="## $1" '
	    /^##? / { inside = $0 == want }
	    /^```/ { code = inside && $0 == "```sh"; next }
	    code' README.md
}

# section NAME: its commands into $W/block.  Each name that is given here
# is a heading with commands, and each of those is given here.
DONE=''
section() {
	NAME=$1
	DONE="$DONE
$1"
	blocks "$1" >$W/block
	test -s $W/block || wrong "\"$1\" of README has no commands"
}

# Run them; a command that fails ends them.
run() {
	code=0
	as_reader timeout 120 sh -eu $W/block >$W/out 2>&1 </dev/null || code=$?
	test $verbose -eq 0 || sed "s/^/[$NAME] /" $W/out
	test $code -eq 0 || wrong "exit $code"
}

printed() { # text that the commands have printed
	grep -qF -- "$1" $W/out || wrong "\"$1\" was not printed"
}

answer() { # STATUS CURL-ARGUMENTS...
	expected=$1
	shift
	status=$(curl -s -o $W/body -w '%{http_code}' --path-as-is \
	    --max-time 20 "$@" || true)
	test "$status" = "$expected" ||
	    wrong "$status, expected $expected, from $*: $(head -c 300 $W/body)"
}

wait_for() { # COMMAND...
	n=0
	until "$@" >/dev/null 2>&1; do
		n=$((n + 1))
		test $n -lt 200 || return 1
		sleep 0.1
	done
}

backend() {
	build/tests/e2e/backend --listen tcp:127.0.0.1:9000 >/dev/null 2>&1 &
	wait_for curl -s -o /dev/null http://127.0.0.1:9000/ ||
	    wrong 'no backend'
}

BOOK=/books/v1/books/9780131103627

section 'See it work'
run
printed '429'
ok

section 'Guard your own document'
as_reader timeout 60 sh -eu $W/block >$W/out 2>&1 </dev/null &
serving=$!
if wait_for grep -q 'is guarded' $W/out; then
	url=$(sed -n 's,^\(http[^ ]*\)/ is guarded.*,\1,p' $W/out)
	answer 502 "$url/books/v1/books"
	backend
	answer 200 "$url/books/v1/books"
	answer 503 "$url$BOOK"
	printed 'no-verifier'
	answer 404 "$url/nothing"
	cat /proc/[0-9]*/stat 2>/dev/null |
	    sed -n 's/^\([0-9]*\) (mgw-spec).*/\1/p' | xargs kill -INT
	wait $serving || true
	test -z "$(ls -A $W/tmp)" || wrong "files are left: $(ls -A $W/tmp)"
else
	wrong "does not start"
fi
ok

section 'Install it'
run
printed '"keys": ['
key=$(grep -o '^mgw_[A-Za-z0-9]*_.*' $W/out) || wrong 'no key'
test -S /run/mgw/mgw.sock || wrong 'no socket'
as_reader man -w mgw.conf >/dev/null 2>&1 || ! command -v man >/dev/null ||
    wrong "no manual"
ok

# What both web servers must do, with the rest of the site untouched.
guarded() {
	answer 200 http://127.0.0.1/books/v1/books
	answer 401 http://127.0.0.1$BOOK
	answer 200 http://127.0.0.1$BOOK -H "X-API-Key: $key"
	answer 400 http://127.0.0.1/books/v1/books/a%2Fb -H "X-API-Key: $key"
	grep -q path-ambiguous $W/body || wrong "%2F was read before"
	printed 'HTTP/1.1 401'
	printed 'credential-missing'
	answer 200 http://127.0.0.1/ours.html
}

mkdir -p /var/www/html
echo ours >/var/www/html/ours.html
section 'Behind lighttpd'
$W/bin/systemctl start lighttpd
wait_for curl -s http://127.0.0.1/ || wrong 'no lighttpd'
# A restart is at its end before the next line of a block under systemd.
sed -i '/^sudo systemctl restart/a sleep 1; until curl -s -o /dev/null http://127.0.0.1/; do sleep 0.1; done' $W/block
run
guarded
$W/bin/systemctl stop lighttpd
ok

section 'Behind Apache'
# The site that the package enables.
ln -sf ../sites-available/000-default.conf \
    /etc/apache2/sites-enabled/000-default.conf
sed -i '/<VirtualHost/a AllowEncodedSlashes NoDecode' \
    /etc/apache2/sites-available/000-default.conf
$W/bin/systemctl start apache2
wait_for curl -s http://127.0.0.1/ || wrong 'no Apache'
sed -i '/^sudo systemctl restart/a sleep 1; until curl -s -o /dev/null http://127.0.0.1/; do sleep 0.1; done' $W/block
run
guarded
grep -q AH01146 /var/log/apache2/error.log && wrong 'Apache warns'
ok

section 'Add and revoke a key'
run
printed 'HTTP/1.1 200'
printed 'HTTP/1.1 401'
printed 'revoked'
answer 200 http://127.0.0.1$BOOK -H "X-API-Key: $key"
ok

section 'Change a limit'
town=http://127.0.0.1/weather/v2/now/riga
# All in one minute, and the gate's look at the bundle in it.
test "$(date +%S)" -lt 50 || sleep 12
for _ in 1 2 3; do answer 200 $town; done
answer 429 $town
run
sleep 2
answer 200 $town
ok

section 'Find out why a request was refused'
# The first command ends with 1, as README says.
sed -i 's/^sudo .* explain .*/if & ; then false; fi/' $W/block
run
printed 'authenticate  1 key: key-invalid'
printed 'requests Books/1.0 allowed'
printed '"reason":"rate-exceeded"'
ok

section 'On a shared host'
run
# A host that runs its customers' programs as the customers.
$W/bin/systemctl stop apache2
printf '%s\n' 'ServerName localhost' 'Listen 127.0.0.1:8080' \
    "PidFile $W/host.pid" "ErrorLog $W/host.log" 'User reader' \
    'Group reader' "DocumentRoot $HOMEDIR/public_html" \
    "<Directory $HOMEDIR/public_html>" \
    'AllowOverride AuthConfig FileInfo Indexes Options' \
    'Require all granted' '</Directory>' >$W/host.conf
for m in mpm_prefork authz_core authn_core env setenvif mime dir alias \
    rewrite cgi; do
	echo "LoadModule ${m}_module /usr/lib/apache2/modules/mod_$m.so"
done >>$W/host.conf
echo 'TypesConfig /dev/null' >>$W/host.conf
chmod 711 $HOMEDIR
apache2 -f $W/host.conf -DFOREGROUND >/dev/null 2>&1 &
wait_for curl -s http://127.0.0.1:8080/ || wrong 'no Apache'
api=http://127.0.0.1:8080/api
own=$(grep -o '^mgw_[A-Za-z0-9]*_.*' $W/out) || wrong 'no key'
answer 200 $api/books/v1/books
answer 401 $api$BOOK
answer 200 $api$BOOK -H "X-API-Key: $own"
for _ in 1 2 3; do answer 200 $api/weather/v2/now/riga; done
answer 429 $api/weather/v2/now/riga
answer 404 $api/mgw.cgi
answer 404 $api/.htaccess
now=$(date +%s)
token=$(build/mgw-token sign --key $HOMEDIR/.mgw/id.pem --claims "{
    \"iss\":\"https://id.library.example/\",\"aud\":\"books\",\"sub\":\"me\",
    \"iat\":$now,\"exp\":$((now + 60)),\"scope\":\"loans:read\"}")
answer 200 $api$BOOK/loan -H "Authorization: Bearer $token"
ok

# Nothing to type that was not typed here.
grep -B 100000 -E '^```sh$' README.md | awk '
    /^##? / { heading = substr($0, index($0, " ") + 1) }
    /^```sh$/ { print heading }' | sort -u >$W/headings
NAME='all sections'
echo "$DONE" | sed '/^$/d' | sort -u | diff $W/headings - ||
    wrong 'README has commands that are not run'
