#!/bin/sh
# mgw-key: every command, right and wrong, one at a time and many at once.
set -u
# shellcheck source=tests/tools_lib.sh
. "$(dirname "$0")/tools_lib.sh"

# 64 times the digit.
zeros() {
	printf %064d 0 | tr 0 "$1"
}

# new: the key comes once, and only its digest is kept.
run 0 mgw-key new --file keys.db --owner 'Ann B' --application shop \
    --api Pets/1 --api 'My API' --scope r --scope w --tier Gold --expires 30d
silent err
key=$(cat out)
id=$(printf %s "$key" | cut -c5-12)
has out '^mgw_[A-Za-z0-9]\{8\}_[A-Za-z0-9_-]\{43\}$'
test "$(wc -l <out)" -eq 1 || bad "more than the key is printed"
test "$(stat -c %a keys.db)" = 600 || bad "the new file is not 0600"
digest=$(printf %s "$key" | openssl dgst -sha256 -r | cut -c1-64)
has keys.db "^$id active $digest owner=\"Ann B\" application=shop"
lacks keys.db "$key"

# list and show; options and operands in any order.
run 0 mgw-key list -f keys.db
has out "^$id	active	Ann B	shop	Pets/1,My API	r w	Gold	20"
lacks out "$digest"
run 0 mgw-key --json --file=keys.db list
has out "\"id\": \"$id\""
run 0 mgw-key show "$id" -fkeys.db
line 'owner: Ann B'
line 'state: active'
line 'scopes: r w'
lacks out "$digest"
run 0 mgw-key -f keys.db "--json" show "$id"
has out '"My API"'
run 1 mgw-key show nobody -f keys.db
has err 'no key with id nobody'
silent out

# verify reads the key where no process list shows it.
in=$key
run 0 mgw-key verify -f keys.db
line "ok	$id"
in="${key%?}!"
run 1 mgw-key verify -f keys.db
line key-invalid
lacks out "$in"
lacks err "$in"
in=

# Comments, order, strange blanks and the mode of the file stay.
{
	echo '# the keys of the shop'
	echo
	cat keys.db
	echo "other   active	$(zeros 0) owner=o application=a"
} >new.db
cat new.db >keys.db
chmod 640 keys.db
run 0 mgw-key set "$id" -f keys.db --tier Silver --scope '' --expires never
test "$(sed -n 1p keys.db)" = '# the keys of the shop' ||
    bad 'the comment is gone'
test -z "$(sed -n 2p keys.db)" || bad 'the empty line is gone'
has keys.db '^other   active	0*'
has keys.db "^$id active .* tier=Silver$"
test "$(stat -c %a keys.db)" = 640 || bad 'the mode was changed'
run 1 mgw-key set nobody -f keys.db --tier T
run 2 mgw-key set "$id" -f keys.db

# Times.
for t in 2020-01-01 2020-01-01T00:00:00Z 2020-01-01T01:00:00+01:00; do
	run 0 mgw-key set "$id" -f keys.db --expires "$t"
	run 0 mgw-key show "$id" -f keys.db
	line 'state: expired'
	line 'expires: 2020-01-01T00:00:00Z'
done
in=$key
run 1 mgw-key verify -f keys.db
line expired
in=
run 2 mgw-key set "$id" -f keys.db --expires soon
run 0 mgw-key set "$id" -f keys.db --expires 12h

# addresses, and a new key in the place of an old one.
run 0 mgw-key set "$id" -f keys.db --address 10.0.0.0/8 --address 192.0.2.1
has keys.db "^$id .* address=10.0.0.0/8 address=192.0.2.1"
run 0 mgw-key show "$id" --json -f keys.db
has out '"10.0.0.0/8"'
run 2 mgw-key set "$id" -f keys.db --address 10.0.0.1/8
run 2 mgw-key set "$id" -f keys.db --address example.org
cp keys.db before.db
run 0 mgw-key rotate "$id" -f keys.db --overlap 1h
new=$(cut -c5-12 out)
has keys.db "^$new active .* owner=.* address=10.0.0.0/8 address=192.0.2.1"
has keys.db "^$id active .* expires=20"
test "$(mgw-key verify -f keys.db <out)" = "ok	$new" || bad 'new key'
test "$(printf %s "$key" | mgw-key verify -f keys.db)" = "ok	$id" ||
    bad 'the old key does not overlap'
run 2 mgw-key rotate "$id" -f keys.db --overlap never
run 2 mgw-key rotate "$id" -f keys.db --overlap 2001-01-01
run 1 mgw-key rotate nobody -f keys.db
run 0 mgw-key rotate "$id" -f keys.db --tier Silver
has keys.db "^$id revoked "
has keys.db "tier=Silver"
run 1 mgw-key rotate "$id" -f keys.db
cp before.db keys.db
run 0 mgw-key set "$id" -f keys.db --address ''
lacks keys.db address=

# revoke, and by hand back again.
run 0 mgw-key revoke "$id" -f keys.db
silent out
in=$key
run 1 mgw-key verify -f keys.db
line revoked
sed "s/^$id revoked/$id active/" keys.db >new.db && cat new.db >keys.db
run 0 mgw-key verify -f keys.db
in=
run 1 mgw-key revoke nobody -f keys.db

# import: keys of any shape, digests, whole lines; all or nothing.
in="an-old-key-of-any-shape owner=Bob tier=Gold
sha256:$(zeros 1) application=\"their app\"

# a comment
moved revoked $(zeros 2) owner=c application=d
"
run 0 mgw-key import - -f keys.db --owner Eve --application app
lacks keys.db an-old-key-of-any-shape
lacks out an-old-key-of-any-shape
has keys.db ' owner=Bob application=app tier=Gold$'
has keys.db " 1111.* owner=Eve application=\"their app\"$"
has keys.db '^moved revoked 2222'
in=an-old-key-of-any-shape
run 0 mgw-key verify -f keys.db
cp keys.db before
in='an-old-key-of-any-shape owner=x application=y'
run 2 mgw-key import - -f keys.db
has err 'comes twice'
lacks err an-old-key
in="a-new-key-of-any-shape owner=x application=y
short owner=x application=y"
run 2 mgw-key import - -f keys.db
has err 'line 2'
in='a-new-key-of-any-shape'
run 2 mgw-key import - -f keys.db
in=
printf 'from-a-file-and-long-enough owner=x application=y\n' >list
cmp -s keys.db before || bad 'a refused import changed the file'
run 0 mgw-key import list -f keys.db

# Wrong use, wrong files.
run 2 mgw-key
run 2 mgw-key list
run 2 mgw-key frobnicate -f keys.db
run 2 mgw-key list -f keys.db extra
run 2 mgw-key list -f keys.db --owner x
run 2 mgw-key show -f keys.db
run 2 mgw-key new -f keys.db --owner x
run 2 mgw-key new -f keys.db --owner "$(printf 'a\tb')" --application y
run 2 mgw-key list -f nowhere.db
run 2 mgw-key verify -f nowhere.db
test ! -e nowhere.db || bad 'reading made a file'
echo 'garbage' >bad.db
run 2 mgw-key list -f bad.db
has err 'line 1'
run 2 mgw-key new -f bad.db --owner x --application y
test "$(cat bad.db)" = garbage || bad 'a broken file was replaced'
ln -s keys.db link.db
run 2 mgw-key list -f link.db
run 2 mgw-key new -f link.db --owner x --application y
cp keys.db open.db
chmod 666 open.db
run 2 mgw-key list -f open.db
run 0 mgw-key --help
has out 'revoke ID'
run 0 mgw-key --version

# Many at once: nothing is lost, no half file is ever seen.
n=$(mgw-key list -f keys.db | wc -l)
for i in 1 2 3 4 5 6 7 8; do
	(
		mgw-key new -f keys.db --owner "p$i" --application many &&
		    mgw-key set "$id" -f keys.db --tier "T$i"
	) >"many.$i" 2>&1 &
	eval "pid$i=\$!"
done
for i in 1 2 3 4 5 6 7 8; do
	mgw-key list -f keys.db >out 2>&1 || bad "half a file: $(cat out)"
	eval "wait \$pid$i" || bad "writer $i: $(cat "many.$i")"
done
m=$(mgw-key list -f keys.db | wc -l)
test "$m" -eq $((n + 8)) || bad "$m keys, not $((n + 8))"
for i in 1 2 3 4 5 6 7 8; do
	mgw-key verify -f keys.db <"many.$i" >/dev/null || bad "key $i is lost"
done
test -z "$(find . -name 'keys.db?*')" || bad 'files were left behind'
exit $failed
