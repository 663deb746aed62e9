#!/bin/sh
# mgw-app: every command, right and wrong, one at a time, many at once, and
# killed in the middle.
set -u
# shellcheck source=tests/tools_lib.sh
. "$(dirname "$0")/tools_lib.sh"

# add: the file is made, and nobody else reads it.
run 0 mgw-app add shop -f apps.db --owner 'Ann B' --name 'Web shop' \
    --tier Gold --group staff --group 'Domain Admins' \
    --subscription Pets/1:Silver --subscription 'My: API:' \
    --client 'https://id.example/ shop' --user ada
silent out
silent err
test "$(stat -c %a apps.db)" = 600 || bad "the new file is not 0600"
has apps.db '^shop active name="Web shop" owner="Ann B" tier=Gold'
has apps.db 'group=staff group="Domain Admins" subscription=Pets/1:Silver'
has apps.db 'subscription="My: API:" client="https://id.example/ shop" user=ada$'
run 1 mgw-app add shop -f apps.db --owner o
has err 'there already'
run 0 mgw-app --file=apps.db add --owner bob till
has apps.db '^till active name=till owner=bob$'
run 1 mgw-app add a/b -f apps.db --owner o
has err 'not an id'
run 1 mgw-app add other -f apps.db --owner o --client 'https://id.example/ shop'
has err 'line 3: this client comes twice'
run 1 mgw-app add other -f apps.db --owner bob --name till
run 1 mgw-app add other -f apps.db --owner o --type sandbox
run 1 mgw-app add other -f apps.db --owner ''
run 1 mgw-app add other -f apps.db --owner o --certificate 00
test "$(wc -l <apps.db)" -eq 2 || bad "what was refused was written"

# list and show.
run 0 mgw-app list -f apps.db
line "$(printf 'shop\tactive\tWeb shop\tAnn B\t-\tGold\tstaff,Domain Admins\tPets/1:Silver,My: API\tclient=https://id.example/ shop,user=ada')"
line "$(printf 'till\tactive\ttill\tbob\t-\t-\t-\t-\t-')"
run 0 mgw-app list --json -f apps.db
has out '"value": "https:..id.example. shop"'
run 0 mgw-app show shop -f apps.db
line 'owner: Ann B'
line 'groups: staff,Domain Admins'
run 0 mgw-app --json show shop -f apps.db
has out '"tier": "Silver"'
has out '"Domain Admins"'
run 1 mgw-app show nobody -f apps.db
has err 'no application with id nobody'
silent out

# Comments, order and the mode of the file stay.
{
	echo '# the applications'
	echo
	cat apps.db
	echo '"other"   active name=o  owner=o'
} >new.db
cat new.db >apps.db
chmod 640 apps.db
run 0 mgw-app set shop -f apps.db --tier '' --group '' --type SANDBOX \
    --client 'https://id.example/ a' --sandbox-client 'https://id.example/ b'
test "$(sed -n 1p apps.db)" = '# the applications' || bad 'the comment is gone'
test -z "$(sed -n 2p apps.db)" || bad 'the empty line is gone'
lacks apps.db group=
lacks apps.db 'tier=Gold'
has apps.db '^shop active .* user=ada type=SANDBOX client="https://id.example/ a" sandbox-client="https://id.example/ b"$'
test "$(stat -c %a apps.db)" = 640 || bad 'the mode was changed'
run 0 mgw-app set other -f apps.db --name O --host-user 'staff eve' \
    --certificate "$(printf %064d 0)" --uuid u --subscription P
has apps.db '^other active name=O owner=o uuid=u subscription=P\|^other active name=O owner=o .*uuid=u'
run 0 mgw-app set other -f apps.db --host-user '' --certificate ''
lacks apps.db certificate
run 1 mgw-app set other -f apps.db --name ''
run 1 mgw-app set nobody -f apps.db --tier T
run 2 mgw-app set shop -f apps.db

# Subscriptions.
run 0 mgw-app subscribe till -f apps.db --api Pets --tier Gold
has apps.db '^till .* subscription=Pets:Gold$'
run 0 mgw-app subscribe till -f apps.db --api Pets --tier Silver
has apps.db '^till .* subscription=Pets:Silver$'
lacks apps.db Pets:Gold
run 0 mgw-app subscribe till -f apps.db --api 'A: b'
has apps.db 'subscription="A: b:"$'
run 0 mgw-app unsubscribe till -f apps.db --api Pets
lacks apps.db Pets:Silver
run 1 mgw-app unsubscribe till -f apps.db --api Pets
run 1 mgw-app subscribe nobody -f apps.db --api Pets
run 2 mgw-app subscribe till -f apps.db
run 2 mgw-app subscribe till -f apps.db --api P --owner o

# block and unblock, whole and for one API; twice is the same.
for i in 1 2; do
	run 0 mgw-app block till -f apps.db
	has apps.db '^till blocked '
	run 0 mgw-app block till -f apps.db --api Pets/1
	test "$(grep -o blocked-api=Pets/1 apps.db | wc -l)" -eq 1 ||
	    bad 'not blocked once'
done
run 0 mgw-app list -f apps.db
has out '!Pets/1'
for i in 1 2; do
	run 0 mgw-app unblock till -f apps.db
	has apps.db '^till active '
	run 0 mgw-app unblock till -f apps.db --api Pets/1
	lacks apps.db blocked-api
done
run 1 mgw-app block nobody -f apps.db

# remove.
run 0 mgw-app remove other -f apps.db
lacks apps.db other
has apps.db '^# the applications'
run 1 mgw-app remove other -f apps.db

# Wrong use, wrong files.
run 2 mgw-app
run 2 mgw-app list
run 2 mgw-app frobnicate -f apps.db
run 2 mgw-app list -f apps.db extra
run 2 mgw-app list -f apps.db --owner x
run 2 mgw-app show -f apps.db
run 2 mgw-app add x -f apps.db
run 2 mgw-app add x -f apps.db --owner "$(printf 'a\tb')"
run 2 mgw-app add x -f apps.db --owner "$(printf 'a\377')"
run 2 mgw-app list -f nowhere.db
test ! -e nowhere.db || bad 'reading made a file'
echo 'garbage' >bad.db
run 2 mgw-app list -f bad.db
has err 'line 1'
run 2 mgw-app add x -f bad.db --owner x
test "$(cat bad.db)" = garbage || bad 'a broken file was replaced'
ln -s apps.db link.db
run 2 mgw-app list -f link.db
run 2 mgw-app add x -f link.db --owner x
cp apps.db open.db
chmod 666 open.db
run 2 mgw-app list -f open.db
run 0 mgw-app --help
has out 'unsubscribe ID'
run 0 mgw-app --version

# Many at once: nothing is lost, no half file is ever seen.
n=$(mgw-app list -f apps.db | wc -l)
for i in 1 2 3 4 5 6 7 8; do
	(
		mgw-app add "p$i" -f apps.db --owner many &&
		    mgw-app subscribe "p$i" -f apps.db --api "A$i"
	) >"many.$i" 2>&1 &
	eval "pid$i=\$!"
done
for i in 1 2 3 4 5 6 7 8; do
	mgw-app list -f apps.db >out 2>&1 || bad "half a file: $(cat out)"
	eval "wait \$pid$i" || bad "writer $i: $(cat "many.$i")"
done
m=$(mgw-app list -f apps.db | wc -l)
test "$m" -eq $((n + 8)) || bad "$m applications, not $((n + 8))"

# Killed: the old file or the new one, and the next goes on.
i=0
while [ $i -lt 40 ]; do
	mgw-app set p1 -f apps.db --tier "T$i" >/dev/null 2>&1 &
	pid=$!
	[ $((i % 4)) -eq 0 ] || perl -e "select undef, undef, undef, 0.000$i"
	kill -9 $pid 2>/dev/null
	wait $pid 2>/dev/null
	mgw-app list -f apps.db >out 2>&1 || bad "after a kill: $(cat out)"
	i=$((i + 1))
done
test "$(mgw-app list -f apps.db | wc -l)" -eq "$m" || bad 'one is lost'
run 0 mgw-app set p1 -f apps.db --tier Last
has apps.db 'tier=Last$'
exit $failed
