#!/bin/sh
# Run all tests that a built tree can run and close with one line that
# counts them.  O is the build folder.
set -u
O=${O:-build}
passed=0 failed=0 skipped=0

# one NAME COMMAND...: exit 0 passed, 77 skipped, else failed.
one() {
	name=$1
	shift
	"$@"
	case $? in
	0) passed=$((passed + 1)) ;;
	77) skipped=$((skipped + 1)); echo "skipped: $name" ;;
	*) failed=$((failed + 1)); echo "FAILED: $name" ;;
	esac
}

one layers tests/check_layers.sh
for t in "$O"/tests/unit/test_*; do
	case $t in *.[od] | *\*) continue ;; esac
	one "unit ${t##*/test_}" "$t"
done
for t in "$O"/tests/fuzz/fuzz_*; do
	case $t in *.[od] | *\*) continue ;; esac
	name=${t##*/fuzz_}
	one "fuzz corpus $name" "$t" tests/fuzz/"$name"/*
done

echo "$passed passed, $failed failed, $skipped skipped"
test "$failed" -eq 0
