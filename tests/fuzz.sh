#!/bin/sh
# fuzz.sh SECONDS TARGET...: run targets that `make fuzz` built, each for
# some seconds.  New inputs are kept in build/corpus/TARGET, what ended a
# target badly in build/crashes, and then the exit is 1.
set -eu
seconds=$1
shift
mkdir -p build/crashes
for t in "$@"; do
	log=$O/$t.log
	mkdir -p "build/corpus/$t"
	if "$O/tests/fuzz/fuzz_$t" -max_total_time="$seconds" -timeout=10 \
	    -rss_limit_mb=1024 -print_final_stats=1 \
	    -artifact_prefix="build/crashes/$t-" \
	    "build/corpus/$t" "tests/fuzz/$t" >"$log" 2>&1; then
		echo "$t: $(sed -n 's/stat::number_of_executed_units: *//p' "$log") inputs," \
		    "no finding"
	else
		tail -n 60 "$log"
		echo "$t: FINDING, see build/crashes"
		exit 1
	fi
done
