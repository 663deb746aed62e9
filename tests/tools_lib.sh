# shellcheck shell=sh
# tools_lib - sourced by tests/tools_*.sh: run a program, judge what it did.
# Everything lies in a folder of its own, which goes at the end.
O=$(cd "${O:-build}" && pwd) || exit 2
PATH=$O:$PATH
W=$(mktemp -d) || exit 2
trap 'rm -rf "$W"' EXIT
trap 'exit 1' HUP INT TERM
cd "$W" || exit 2
# The exit code of who sources this.
# shellcheck disable=SC2034
failed=0

bad() {
	echo "$1" >&2
	# shellcheck disable=SC2034
	failed=1
}

# run CODE COMMAND...: standard input is $in; prints to "out" and "err".
in=
run() {
	want=$1
	shift
	code=0
	printf %s "$in" | "$@" >out 2>err || code=$?
	if [ "$code" -ne "$want" ]; then
		bad "exit $code, not $want: $*"
		cat out err >&2
	fi
}

# What the last run printed: a whole line, a pattern, nothing.
line() {
	grep -qxF -e "$1" out || bad "no line \"$1\" but: $(cat out)"
}
has() {
	grep -qe "$2" "$1" || bad "no \"$2\" in $1: $(cat "$1")"
}
lacks() {
	! grep -qF -e "$2" "$1" || bad "\"$2\" in $1"
}
silent() {
	test ! -s "$1" || bad "$1 is not empty: $(cat "$1")"
}
