#!/bin/sh
# Run one golden case, tests/golden/NAME: "cmd" is a script that is run in
# a copy of the folder, "expect" is its exit code and all it prints.
#
#	golden.sh NAME		compare
#	golden.sh -u NAME	write "expect" anew, to be read in the diff
set -eu
update=0
test "$1" != -u || { update=1; shift; }
case=tests/golden/$1
O=$(cd "${O:-build}" && pwd)
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM

mkdir "$tmp/work"
cp -R "$case"/. "$tmp/work"
code=0
(cd "$tmp/work" && PATH=$O:$PATH LC_ALL=C sh -u ./cmd) \
    >"$tmp/out" 2>"$tmp/err" </dev/null || code=$?
{
	echo "exit $code"
	echo '--- out'
	cat "$tmp/out"
	echo '--- err'
	cat "$tmp/err"
} >"$tmp/expect"
if test $update -eq 1; then
	cp "$tmp/expect" "$case/expect"
else
	diff -u "$case/expect" "$tmp/expect"
fi
