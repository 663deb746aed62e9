#!/bin/sh
# What make install puts where: whole, with the paths filled in, and
# without touching a configuration that is there.
set -u
O=${O:-build}
D=$(mktemp -d) || exit 2
trap 'rm -rf "$D"' EXIT
unset MAKEFLAGS MAKELEVEL MFLAGS
bad=0
say() {
	echo "install: $*"
	bad=1
}

san=''
case $O in */san) san=1 ;; esac
mk() {
	make -s SAN=$san "$@" install >"$D/log" 2>&1 || {
		cat "$D/log"
		say "make install $*"
	}
}

# As for a package: everything below DESTDIR, paths without it; by somebody
# whose files nobody else may read.
umask 077
mkdir -p "$D/root/etc/mgw"
echo '# mine' >"$D/root/etc/mgw/mgw.conf"
mk DESTDIR="$D/root" PREFIX=/usr
test "$(cat "$D/root/etc/mgw/mgw.conf")" = '# mine' ||
    say 'mgw.conf was overwritten'
for f in sbin/mgw bin/mgw-spec bin/mgw-app bin/mgw-key bin/mgw-token bin/mgw-status \
    bin/mgw-throttle; do
	test -x "$D/root/usr/$f" || say "no $f"
	"$D/root/usr/$f" --version >/dev/null || say "$f does not run"
done
for f in man/*.[1-8]; do
	test -r "$D/root/usr/share/man/man${f##*.}/${f##*/}" || say "no $f"
done
for f in lighttpd/* apache/*; do
	cmp -s "$f" "$D/root/usr/share/mgw/$f" || say "no $f"
done
(cd examples && find . -type f) | while read -r f; do
	cmp -s "examples/$f" "$D/root/usr/share/mgw/examples/$f" || echo "$f"
done >"$D/missing"
test ! -s "$D/missing" || say "examples: $(cat "$D/missing")"
for f in systemd/system/mgw.service systemd/system/mgw.socket \
    tmpfiles.d/mgw.conf sysusers.d/mgw.conf; do
	test -s "$D/root/usr/lib/$f" || say "no $f"
	! grep -n '@[A-Z]*@' "$D/root/usr/lib/$f" || say "$f: not filled in"
	! grep -nF "$D" "$D/root/usr/lib/$f" || say "$f names DESTDIR"
done
grep -q '^ExecStart=/usr/sbin/mgw --config /etc/mgw/mgw.conf$' \
    "$D/root/usr/lib/systemd/system/mgw.service" || say 'ExecStart'
find "$D/root" ! -user "$(id -un)" -o -type f -perm /022 -o \
    -path "$D/root/usr/*" ! -perm -444 >"$D/odd"
test ! -s "$D/odd" || say "owner or mode: $(cat "$D/odd")"

# In place, so that the units can be verified: what they name is there.
mk PREFIX="$D/usr" SYSCONFDIR="$D/etc"
cmp -s dist/mgw.conf "$D/etc/mgw/mgw.conf" || say 'no sample mgw.conf'
if command -v systemd-analyze >/dev/null; then
	systemd-analyze verify --man=no "$D"/usr/lib/systemd/system/mgw.* \
	    >"$D/units" 2>&1 || say 'systemd-analyze verify'
	grep -F "$D" "$D/units" && say 'units'
fi
exit $bad
