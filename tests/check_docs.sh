#!/bin/sh
# What the manuals say is what the code has: nothing is missing in them and
# nothing is invented.
#
#	check_docs.sh [FOLDER]		of the sources; O is the build folder
#
# A list that comes out empty means that this script no longer finds what
# it compares, and fails it.
set -u
O=$(cd "${O:-build}" && pwd) || exit 2
cd "${1:-.}" || exit 2
export LC_ALL=C
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
bad=0

say() {
	echo "docs: $*" >&2
	bad=1
}

# same WHAT PAGE: the lists $work/code and $work/page are equal.
same() {
	for list in code page; do
		sort -u "$work/$list" | sed '/^$/d' >"$work/$list.sorted"
		test -s "$work/$list.sorted" ||
		    say "$1: nothing was found in the $list of $2"
	done
	comm -23 "$work/code.sorted" "$work/page.sorted" |
	    while read -r word; do echo "$2 lacks $1 $word"; done >"$work/said"
	comm -13 "$work/code.sorted" "$work/page.sorted" |
	    while read -r word; do echo "$2 invents $1 $word"; done >>"$work/said"
	test ! -s "$work/said" || say "$(cat "$work/said")"
}

# The lines of a page from ".Ss NAME" or ".Sh NAME" to the next heading.
part() {
	awk -v want="$1" '/^\.S[sh] / { inside = substr($0, 5) == want; next }
	    inside' "$2"
}

# Words of the C strings in standard input.
strings() {
	grep -oE '"[^"]*"' | tr -d '"'
}

# The lists of words "static const char *const NAME[] = { ... };" of files.
word_lists() {
	cat "$@" | tr '\n\t' '  ' |
	    grep -oE 'char \*const [a-z0-9_]+\[\] = \{[^}]*\}'
}

# Programs ------------------------------------------------------------

# "-b --bundle" for each line of --help that begins with an option.
options_of() {
	"$@" --help | sed -n -E \
	    -e 's/^  (-[A-Za-z]), (--[a-z-]+).*/\1 \2/p' \
	    -e 's/^      (--[a-z-]+).*/\1/p'
}

# The same of ".It Fl b , Fl -bundle Ar FILE".
options_in() {
	sed -n 's/^\.It \(Fl .*\)/\1/p' | sed -E 's/ Fl /\n/g; s/^Fl //' |
	    awk '/^[A-Za-z] ,$/ { first = "-" $1 " "; next }
		{ print first "-" $1; first = "" }'
}

# The options that the text of a page mentions are all in $work/code.
mentioned() {
	tr ' ' '\n' <"$work/code" | sort -u >"$work/known"
	grep -oE '\bFl [A-Za-z-]+' "$1" | sed 's/^Fl /-/' | sort -u |
	    comm -23 - "$work/known" >"$work/unknown"
	test ! -s "$work/unknown" || say "$1 mentions $(cat "$work/unknown")"
}

for program in mgw mgw-app mgw-key mgw-token mgw-status mgw-throttle; do
	page=$(ls man/$program.[18]) || exit 2
	options_of "$O/$program" >"$work/code"
	options_in <"$page" >"$work/page"
	same option "$page"
	mentioned "$page"
	# Commands: "new|list|..." in the first line of --help.
	"$O/$program" --help |
	    sed -n '1s/.* \([a-z]*|[a-z|]*\) .*/\1/p' | tr '|' '\n' \
	    >"$work/code"
	sed -n 's/^\.It Cm \([a-z]*\)$/\1/p' "$page" >"$work/page"
	case $program in
	mgw-app | mgw-key | mgw-token | mgw-throttle) same command "$page" ;;
	esac
done

page=man/mgw-spec.1
: >"$work/all"
"$O/mgw-spec" --help | sed -n '/^Commands/,$s/^  \([a-z]*\) .*/\1/p' \
    >"$work/code"
cp "$work/code" "$work/commands"
sed -n 's/^\.Ss //p' $page >"$work/page"
same command $page
# These two are told once for all commands.
options_of "$O/mgw-spec" >"$work/code"
sed '/^\.Ss /,$d' $page | options_in >"$work/page"
same option $page
cp "$work/code" "$work/general"
cat "$work/general" >>"$work/all"
while read -r command; do
	options_of "$O/mgw-spec" "$command" >>"$work/all"
	options_of "$O/mgw-spec" "$command" |
	    grep -vxFf "$work/general" >"$work/code"
	part "$command" $page | options_in >"$work/page"
	# Some have none of their own.
	echo "($command)" | tee -a "$work/code" >>"$work/page"
	same "$command option" $page
done <"$work/commands"
cp "$work/all" "$work/code"
mentioned $page

# Files ---------------------------------------------------------------

page=man/mgw.conf.5
sed -n 's/^	{ "\([a-z-]*\)", set_[a-z_]* },$/\1/p' fcgi/config_keys.c \
    >"$work/code"
sed -n 's/^\.It Cm \([a-z-]*\).*/\1/p' $page >"$work/page"
same key $page
sed -n 's/^#\{0,1\}\([a-z-]*\) .*/\1/p' dist/mgw.conf | sed '/^$/d' |
    while read -r key; do
	grep -qx "$key" "$work/code.sorted" || echo "$key"
    done >"$work/unknown"
test ! -s "$work/unknown" || say "dist/mgw.conf has $(cat "$work/unknown")"

page=man/mgw.yaml.5
word_lists spec/policyfile.c spec/applications.c spec/certificates.c spec/keysource.c \
    spec/issuers.c spec/wso2keys.c \
    spec/introspection.c spec/hostauth.c spec/verifiers.c spec/dpop.c spec/reach.c \
    spec/assertion.c spec/tiers.c \
    spec/tiers_wso2.c spec/levels.c spec/cors.c spec/endpoints.c spec/retry.c \
    spec/storefile.c spec/revocation.c spec/keymanager.c spec/failures.c spec/conditions.c \
    spec/healthcheck.c spec/changes.c spec/errors.c >"$work/lists"
# Private members of keys, which are looked for to be refused.
grep -v 'const secret\[\]' "$work/lists" >"$work/read"
grep -E 'const ([a-z]+_)?keys\[\]' "$work/read" | strings >"$work/keys"
strings <"$work/read" >"$work/code"
# A word of the page: what ".Cm" or ".Ss" names, and what stands in a map
# such as {jwt: [ISSUER...]}.
sed -n -E 's/^\.(It )?Cm //p; s/^\.Ss //p' $page | sed 's/Ns | Ns Cm//g' |
    grep -oE '[A-Za-z][A-Za-z0-9-]*' | sort -u >"$work/words"
test -s "$work/keys" || say 'no keys of mgw.yaml were found'
sort -u "$work/code" | comm -23 - "$work/words" >"$work/unknown"
test ! -s "$work/unknown" || say "$page lacks $(cat "$work/unknown")"
sed '/^\.Ss Extensions/,$d' $page |
    sed -n -E 's/^\.It Cm ([a-z-]+) :.*/\1/p; s/^\.Ss ([a-z-]+)$/\1/p' |
    sort -u >"$work/entries"
test -s "$work/entries" || say "$page has no keys"
sort -u "$work/keys" | comm -13 - "$work/entries" >"$work/unknown"
test ! -s "$work/unknown" || say "$page invents $(cat "$work/unknown")"

grep -ohE '"x-[A-Za-z0-9-]+"' spec/openapi_ext.c spec/openapi_in.h |
    tr -d '"' |
    grep -vx -e x-wso2- -e x-mgw- -e x-wso2-endpoints -e x-scope >"$work/code"
part 'Extensions in documents' $page | sed -n 's/^\.It Cm //p' |
    tr -d ',' | tr ' ' '\n' >"$work/page"
same extension $page

page=man/mgw-reasons.7
tr -d '\\\n' <policy/decision.h | sed 's/REASON(/\n&/g' |
    sed -n -E 's/^REASON\([[:space:]]*[A-Z_]+, "([a-z-]+)", ([0-9]+),.*/\1 \2/p' |
    grep -v '^- ' >"$work/code"
sed -n -E 's/^\.(It )?Cm ([a-z-]+) Pq ([0-9]+).*/\2 \3/p' $page >"$work/page"
same reason $page

page=man/mgw-events.5
tr '\n\t' '  ' <policy/meter.c |
    grep -oE '\b(text|number|duration|instant|name)\( *e, "[a-z_]+"' |
    sed 's/.*"\(.*\)"/\1/' >"$work/code"
grep -oE '\{\\"[a-z]+\\"' policy/meter.c | tr -cd 'a-z\n' >>"$work/code"
# What is there for later versions is called reserved.
awk '/^\.It Cm/ { item = $0; next } $0 != "reserved" && item != "" {
    print item } { item = "" }' $page |
    sed 's/^\.It Cm //; s/ , /\n/g' >"$work/page"
awk '/^\.It Cm/ { item = $3; next } $0 == "reserved" { print item }' $page |
    grep -xFf - "$work/code" >>"$work/page"
same key $page

page=man/mgw-keys.5
sed -n '/^read_field(/,/^}/p' policy/keyfile_line.c |
    grep -oE 'name, SPAN\("[a-z]+"' | grep -oE '"[a-z]+"' | tr -d '"' \
    >"$work/code"
sed -n 's/^\.It Cm [a-z].*/&/p' $page | grep -oE 'Cm [a-z]+ Ns =' |
    sed 's/Cm \(.*\) Ns =/\1/' >"$work/page"
same field $page

page=man/mgw-applications.5
sed -n '/^read_field(/,/^}/p' policy/application_line.c |
    grep -oE 'name, SPAN\("[a-z-]+"' | grep -oE '"[a-z-]+"' | tr -d '"' \
    >"$work/code"
grep -oE 'Cm [a-z-]+ Ns =' $page | sed 's/Cm \(.*\) Ns =/\1/' >"$work/page"
same field $page

page=man/mgw-users.5
sed -n '/^read_fields(/,/^}/p' policy/userfile.c |
    grep -oE 'name, SPAN\("[a-z]+"' | grep -oE '"[a-z]+"' | tr -d '"' \
    >"$work/code"
grep -oE '^\.It Cm [a-z]+ Ns =' $page | sed 's/.*Cm \(.*\) Ns =/\1/' \
    >"$work/page"
same field $page

page=man/mgw-status.1
sed -n '/totals\[STATE_TOTAL__MAX\]/,/};/p' tools/mgw-status.c | strings \
    >"$work/code"
sed -n 's/^\.Cm \([a-z]*_[a-z_]*\).*/\1/p' $page >"$work/page"
same total $page

# Pages ---------------------------------------------------------------

command -v groff >/dev/null || say 'groff is not installed'
n=0
for page in man/*.[1-8]; do
	n=$((n + 1))
	warnings=$(groff -mandoc -ww -Tutf8 -z "$page" 2>&1)
	test -z "$warnings" || say "$warnings"
	sed -n 's/^\.Xr \([^ ]*\) \([0-9]\).*/\1.\2/p' "$page" |
	    while read -r other; do
		test -e "man/$other" || echo "$page: no page $other"
	    done >"$work/unknown"
	test ! -s "$work/unknown" || say "$(cat "$work/unknown")"
done
test $n -ge 10 || say "only $n pages"

grep -oE '\]\([^)]*\)' README.md | tr -d '()' | sed 's/^\]//' \
    >"$work/links"
test -s "$work/links" || say 'README has no links'
while read -r link; do
	case $link in
	*://*) ;;
	*) test -e "${link%%#*}" || say "README: no $link" ;;
	esac
done <"$work/links"
grep -oE 'mgw[a-z.-]*\([1-8]\)' README.md | sort -u | tr '(' '.' | tr -d ')' |
    while read -r page; do
	test -e "man/$page" || echo "$page"
    done >"$work/unknown"
test ! -s "$work/unknown" || say "README: no page $(cat "$work/unknown")"

exit $bad
