#!/bin/sh
# Install what is missing of Debian's packages: deps.sh SET...
#
#	build	what `make` needs
#	check	what the tests need besides
#	demo	what `make demo` needs besides
#	bench	the peers that `make bench` measures
#	fuzz	libFuzzer, for `make fuzz`
#	lint	what `make lint` calls
#	-n	only say what is missing; exit 1 if anything is
#
# When nothing is missing this takes no time and no network.  No service is
# started or enabled: while apt-get runs, /usr/sbin/policy-rc.d forbids it,
# and a service that a package enabled is disabled again.
set -eu

build='gcc make pkg-config libc6-dev libcrypt-dev libfcgi-dev
    libcurl4-openssl-dev libjson-c-dev libyaml-dev libssl-dev'
check='check curl openssl ca-certificates lighttpd lighttpd-mod-openssl
    apache2 apache2-bin libapache2-mod-fcgid groff-base redis-server
    libhiredis-dev iproute2 nginx-light'
demo='curl openssl lighttpd'
bench="wrk curl openssl lighttpd apache2-bin haproxy libapache2-mod-oauth2
    redis-server libhiredis-dev"
fuzz='clang'
lint='cppcheck shellcheck clang-format man-db'

only_say=0 want=''
for set in "$@"; do
	case $set in
	build) want="$want $build" ;;
	check) want="$want $check" ;;
	demo) want="$want $demo" ;;
	bench) want="$want $bench" ;;
	fuzz) want="$want $fuzz" ;;
	lint) want="$want $lint" ;;
	-n) only_say=1 ;;
	*) echo "deps.sh: no set \"$set\"" >&2; exit 2 ;;
	esac
done

installed() {
	test "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = \
	    installed
}

if ! command -v dpkg-query >/dev/null; then
	echo "deps.sh: not a Debian system; see README for what is needed" >&2
	exit $only_say
fi
missing=''
for package in $want; do
	installed "$package" && continue
	# pkg-config is a virtual name where pkgconf took its place.
	test "$package" = pkg-config && installed pkgconf && continue
	case " $missing " in
	*" $package "*) ;;
	*) missing="$missing $package" ;;
	esac
done
test -n "$missing" || exit 0
line="apt-get install --no-install-recommends -y$missing"
if [ $only_say -eq 1 ]; then
	echo "missing; install with: $line" >&2
	exit 1
fi

sudo=''
if [ "$(id -u)" -ne 0 ]; then
	command -v sudo >/dev/null || {
		echo "deps.sh: as root, run: $line" >&2
		exit 1
	}
	sudo=sudo
fi

policy=/usr/sbin/policy-rc.d
ours=0
cleanup() {
	test $ours -eq 0 || $sudo rm -f $policy
}
trap cleanup EXIT
trap 'exit 1' HUP INT TERM
if ! [ -e $policy ]; then
	ours=1
	printf '#!/bin/sh\nexit 101\n' | $sudo tee $policy >/dev/null
	$sudo chmod 755 $policy
fi
echo "$sudo $line"
$sudo apt-get update -qq
# shellcheck disable=SC2086 # words are what is wanted
$sudo env DEBIAN_FRONTEND=noninteractive \
    apt-get install --no-install-recommends -y -qq $missing </dev/null \
    >/dev/null

# policy-rc.d keeps a service from starting now, not at the next boot.
command -v systemctl >/dev/null || exit 0
for service in lighttpd apache2 haproxy redis-server nginx; do
	case " $missing " in
	*" $service "*)
		$sudo systemctl disable -q "$service" 2>/dev/null || true ;;
	esac
done
