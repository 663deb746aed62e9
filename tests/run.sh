#!/bin/sh
# Run the tests of a built tree and close with one line that counts them.
#
#	run.sh			all
#	run.sh quick		layers, golden pairs, unit tests, fuzz corpora
#	run.sh e2e [NAME]	behind real web servers; one file of them
#
# O is the build folder.
set -u
export O="${O:-build}"
. tests/stage.sh
part=${1:-all}
passed=0 failed=0 skipped=0

# one NAME COMMAND...: exit 0 passed, 77 skipped, else failed.
one() {
	name=$1
	shift
	"$@" </dev/null
	case $? in
	0) passed=$((passed + 1)) ;;
	77) skipped=$((skipped + 1)); echo "skipped: $name" ;;
	*) failed=$((failed + 1)); echo "FAILED: $name" ;;
	esac
}

quick() {
	for t in tests/check_*.sh; do
		name=${t##*/check_}
		one "${name%.sh}" "$t"
	done
	for t in tests/golden/*/; do
		name=$(basename "$t")
		one "golden $name" tests/golden.sh "$name"
	done
	for t in tests/tools_app.sh tests/tools_key.sh tests/tools_token.sh; do
		name=${t##*/tools_}
		one "mgw-${name%.sh}" "$t"
	done
	one "published documents" tests/published.sh
	for t in "$O"/tests/unit/test_*; do
		case $t in *.[od] | *\*) continue ;; esac
		one "unit ${t##*/test_}" "$t"
	done
	for t in "$O"/tests/fuzz/fuzz_*; do
		case $t in *.[od] | *\*) continue ;; esac
		name=${t##*/fuzz_}
		one "fuzz corpus $name" "$t" tests/fuzz/"$name"/*
	done
}

# e2e FILE LOG: its cases and a closing line, on standard output; the counts
# in LOG.counts.  What is named *_root runs as who calls this, to be several
# users at once.  A file prints "ok NAME", "not ok NAME" or "skip NAME" for
# each case.
e2e() {
	name=${1##*/test_}
	name=${name%.sh}
	log=$2
	case $name in
	*_root) as=stage_root ;;
	*) as=stage_run ;;
	esac
	$as timeout --foreground -k 10 300 "$1" </dev/null >"$log" 2>&1
	code=$?
	ok=$(grep -c '^ok ' "$log")
	bad=$(grep -c '^not ok ' "$log")
	skip=$(grep -c '^skip ' "$log")
	# A file that ends early must not pass for what it did before.
	if [ $code -ne 0 ] && [ "$bad" -eq 0 ]; then
		bad=1
		echo "not ok $name ended with $code" >>"$log"
	fi
	echo "$ok $bad $skip" >"$log.counts"
	if [ "$bad" -gt 0 ]; then
		grep -v '^ok ' "$log" | tail -n 200
		echo "FAILED: e2e $name, $bad of $((ok + bad)) cases"
	else
		grep '^skip ' "$log"
		echo "e2e $name: $ok cases passed"
	fi
}

# Each of several workers takes the next file that nobody has: these tests
# wait more than they work.  Processes of their own, so that they and all
# that they have started can be ended when this is interrupted.
worker() {
	for t in tests/e2e/test_*.sh; do
		log=$1/${t##*/}
		mkdir "$log.taken" 2>/dev/null || continue
		e2e "$t" "$log" >"$log.out"
		cat "$log.out"
	done
}

e2e_all() {
	logs=$(mktemp -d) || exit 2
	# shellcheck disable=SC2034 # only counted
	for n in 1 2 3; do
		STAGE=$stage setsid tests/run.sh worker "$logs" &
		workers="$workers $!"
	done
	# shellcheck disable=SC2086 # one word each
	wait $workers
	workers=''
	for t in tests/e2e/test_*.sh; do
		add_counts "$logs/${t##*/}"
	done
	rm -rf "$logs"
}

add_counts() {
	read -r ok bad skip <"$1.counts" || ok=0 bad=1 skip=0
	passed=$((passed + ok)) failed=$((failed + bad))
	skipped=$((skipped + skip))
}

workers=''
finish() {
	for p in $workers; do kill -- "-$p"; done
	# shellcheck disable=SC2086 # one word each
	test -z "$workers" || wait $workers
	test -z "$stage" || rm -rf "$stage"
}

case $part in
worker)
	trap - EXIT
	# shellcheck disable=SC2153 # of e2e_all
	stage=$STAGE
	worker "$2"
	exit ;;
quick) quick ;;
e2e)
	trap finish EXIT
	stage_make
	if [ -n "${2:-}" ]; then
		log=$(mktemp)
		e2e "tests/e2e/test_$2.sh" "$log"
		add_counts "$log"
		rm -f "$log" "$log.counts"
	else
		e2e_all
	fi ;;
all)
	quick
	one "slips in documents" tests/docs_fail.sh
	one "README" timeout -k 10 300 tests/readme.sh
	trap finish EXIT
	stage_make
	e2e_all ;;
*) echo "run.sh: no part \"$part\"" >&2; exit 2 ;;
esac
echo "$passed passed, $failed failed, $skipped skipped"
test "$failed" -eq 0
