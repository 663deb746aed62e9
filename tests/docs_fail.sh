#!/bin/sh
# check_docs.sh can fail: one slip at a time, in a copy of the sources, and
# each must be found.
set -eu
O=$(cd "${O:-build}" && pwd)
export O
check=$PWD/tests/check_docs.sh
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
trap 'exit 1' HUP INT TERM
mkdir "$copy/tests"
cp -R README.md LICENSE man dist base policy spec fcgi tools examples apache \
    lighttpd "$copy"
cp -R tests/*.sh "$copy/tests"
"$check" "$copy" || exit 1
n=0 bad=0

# slip FILE SED-SCRIPT: must change the file, and fail the check.
slip() {
	n=$((n + 1))
	cp "$copy/$1" "$copy/kept"
	sed -i "$2" "$copy/$1"
	if cmp -s "$copy/$1" "$copy/kept"; then
		echo "not in $1: $2"
		bad=1
	elif "$check" "$copy" 2>/dev/null; then
		echo "not found in $1: $2"
		bad=1
	fi
	mv "$copy/kept" "$copy/$1"
}

# Options, commands.
slip man/mgw.8 's/^\.It Fl t , Fl -threads/.It Fl -threads/'
slip man/mgw.8 's/^\.It Fl -check/.It Fl -chek/'
slip man/mgw-key.1 's/^\.Fl -api ,/.Fl -apis ,/'
slip man/mgw-key.1 's/^\.It Cm revoke/.It Cm remove/'
slip man/mgw-spec.1 's/^\.It Fl k , .*/.It Fl k , Fl -keyring Ar FILE/'
slip man/mgw-spec.1 's/^\.Ss dump/.Ss print/'
slip man/mgw-spec.1 '/^\.Ss check/,/^\.Ss routes/{/^\.It/d}'
# Keys and words.
slip fcgi/config_keys.c 's/{ "threads", set/{ "workers", set/'
slip fcgi/config_keys.c 's/^	{ "/	{  "/'
slip dist/mgw.conf 's/^#threads/#thread/'
slip man/mgw.yaml.5 's/^\.It Cm leeway/.It Cm tolerance/'
slip spec/policyfile.c 's/{ "connect", "first-byte"/{ "connect", "first-bite"/'
slip spec/tiers.c 's/char \*const/char \*/'
slip spec/openapi_ext.c 's/"x-mgw-tier"/"x-mgw-level"/'
slip policy/decision.h 's/"no-route", 404/"no-route", 410/'
slip policy/decision.h 's/"blocked"/"barred"/'
slip man/mgw-reasons.7 '/^\.It Cm expired/d'
slip man/mgw-reasons.7 's/Pq/Pp/'
slip policy/meter.c 's/"us_policy"/"us_decide"/'
slip man/mgw-events.5 's/^\.It Cm node/.It Cm host_name/'
slip policy/keyfile_line.c 's/SPAN("tier")/SPAN("level")/'
slip tools/mgw-status.c 's/"events_lost"/"lines_lost"/'
# Pages and links.
slip man/mgw-keys.5 's/^\.El/.Il/'
slip man/mgw-keys.5 's/^\.Xr mgw-key 1/.Xr mgw-keyring 1/'
slip README.md 's,(fcgi/pool\.c),(fcgi/poll.c),'
slip README.md 's/mgw-keys(5)/mgw-keys(4)/'
test $bad -eq 0 && test $n -gt 20
