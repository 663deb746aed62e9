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
	for t in tests/tools_key.sh tests/tools_token.sh; do
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

# What is named *_root runs as who calls this, to be several users at once.
# A file prints "ok NAME", "not ok NAME" or "skip NAME" for each case.
e2e() {
	file=$1
	name=${file##*/test_}
	name=${name%.sh}
	log=$(mktemp)
	case $name in
	*_root) as=stage_root ;;
	*) as=stage_run ;;
	esac
	$as timeout -k 10 150 "$file" </dev/null >"$log" 2>&1
	code=$?
	ok=$(grep -c '^ok ' "$log")
	bad=$(grep -c '^not ok ' "$log")
	skip=$(grep -c '^skip ' "$log")
	# A file that ends early must not pass for what it did before.
	if [ $code -ne 0 ] && [ "$bad" -eq 0 ]; then
		bad=1
		echo "not ok $name ended with $code" >>"$log"
	fi
	passed=$((passed + ok)) failed=$((failed + bad))
	skipped=$((skipped + skip))
	if [ "$bad" -gt 0 ]; then
		grep -v '^ok ' "$log" | tail -n 200
		echo "FAILED: e2e $name, $bad of $((ok + bad)) cases"
	else
		echo "e2e $name: $ok cases passed"
	fi
	rm -f "$log"
}

case $part in
quick) quick ;;
e2e)
	stage_make
	# shellcheck disable=SC2231 # a pattern is meant
	for t in tests/e2e/test_${2:-*}.sh; do e2e "$t"; done ;;
all)
	quick
	one "slips in documents" tests/docs_fail.sh
	one "README" timeout -k 10 300 tests/readme.sh
	stage_make
	for t in tests/e2e/test_*.sh; do e2e "$t"; done ;;
*) echo "run.sh: no part \"$part\"" >&2; exit 2 ;;
esac
echo "$passed passed, $failed failed, $skipped skipped"
test "$failed" -eq 0
