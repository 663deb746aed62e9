#!/bin/sh
# Every reason word that this version can give has an end-to-end case: some
# file of tests/e2e names it.  What mgw-reasons(7) lists as reserved is not
# given yet; a test that produces one of these says that the page is old.
set -eu
list=$(mktemp)
trap 'rm -f "$list"' EXIT

reserved=$(awk '/^\.Ss Reserved/ { on = 1; next } /^\.S[sh]/ { on = 0 }
    on && $1 == ".Cm" { print $2 }' man/mgw-reasons.7)
test -n "$reserved" || { echo "mgw-reasons.7 has no Reserved"; exit 1; }
tr '\n' ' ' <policy/decision.h | grep -oE 'REASON\([^"]*"[a-z-]+"' |
    sed 's/.*"\(.*\)"/\1/' | grep -vx -e - >"$list"
test "$(wc -l <"$list")" -gt 40 || { echo "decision.h is not read"; exit 1; }

failed=0
while read -r word; do
	case "
$reserved
" in
	*"
$word
"*)	case $word in
		schema | parameter | inactive | blocked) ;; # plain words too
		*) ! grep -lE "(expect_reason|refused .*) $word( |\$)" \
		    tests/e2e/test_*.sh || {
			echo "$word is tested, and reserved in the manual"
			failed=1
		} ;;
		esac ;;
	*)	grep -qE "(^|[^a-z-])$word([^a-z-]|\$)" tests/e2e/test_*.sh || {
			echo "$word is produced by no end-to-end test"
			failed=1
		} ;;
	esac
done <"$list"
exit $failed
