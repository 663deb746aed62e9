#!/bin/sh
# Every rule word that spec/ prints is in mgw-spec(1), and no other.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# A node that is looked up in the call itself is not the rule.
cat spec/*.c | tr '\n' ' ' | sed 's/tree_get(n, "[a-z-]*")//g' |
    grep -oE '(diag_(error|warning)|build_fail|unread|say)\([^";]*"[a-z0-9-]+"' |
    sed 's/.*"\(.*\)"/\1/' | sort -u >"$work/code"
sed -n '/^\.Sh DIAGNOSTICS/,/^\.Sh EXIT/s/^\.It Cm //p' man/mgw-spec.1 |
    tr -d ',' | tr ' ' '\n' | sed '/^$/d' | sort >"$work/page"
diff "$work/code" "$work/page"
