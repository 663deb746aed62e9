#!/bin/sh
# What tools can say of the sources: layout, suspicious C and shell, man
# pages.  Exit 1 when one of them has something to say.
set -u
bad=0
say() {
	echo "lint: $*" >&2
	bad=1
}

# shellcheck disable=SC2046 # one word each
clang-format --dry-run -Werror $(git ls-files '*.[ch]') ||
	say 'layout differs from .clang-format'
cppcheck --quiet --std=c11 --error-exitcode=1 --inline-suppr \
    --enable=warning,portability,performance -I. -j2 \
    --suppress=missingInclude --suppress=unmatchedSuppression \
    base policy spec fcgi tools tests/unit tests/fuzz ||
	say cppcheck
# shellcheck disable=SC2046 # one word each
shellcheck -x .ci/run $(git ls-files '*.sh') || say shellcheck
for page in man/*.[1-8]; do
	test -e "$page" || continue
	warnings=$(LC_ALL=C.UTF-8 MANROFFSEQ='' MANWIDTH=80 \
	    man --warnings -l -Tutf8 "$page" 2>&1 >/dev/null)
	test -z "$warnings" || say "$page: $warnings"
done
exit $bad
