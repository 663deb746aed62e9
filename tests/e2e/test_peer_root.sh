#!/bin/sh
# Who may speak on the socket: root, mgw's own user and the one that the
# configuration names; anybody else is closed, even one whom the file
# system lets in.  Only root can be several users.
. tests/e2e/lib.sh
if [ "$(id -u)" -ne 0 ]; then
	it 'a foreign user on the socket'
	skip 'needs root'
	done_testing
fi
start_backend
policy
echo 'web-server-user daemon' >>"$W/mgw.conf"
chown -R 65534:65534 "$W"
chmod 755 "$W"
SOCKET=$W/mgw.sock
setpriv --reuid=65534 --regid=65534 --clear-groups "$O"/mgw \
    --config "$W/mgw.conf" --listen "unix:$SOCKET" 2>>"$W/mgw.log" &
MGW_PID=$!
PIDS="$PIDS $MGW_PID"
wait_for 100 test -S "$SOCKET" || fatal 'mgw does not start'

# as USER: a request; everybody has the socket's group, as a mistaken
# administrator may have arranged.
as() {
	setpriv --reuid="$1" --regid=65534 --clear-groups \
	    tests/e2e/records.pl "$SOCKET" begin get:/things/open/x stdin:0 \
	    >"$W/body" 2>&1
	: >"$W/head"
}

for user in root nobody daemon; do
	it "$user may speak"
	as $user
	expect_body 'Status: 200'
done
for user in bin www-data games; do
	it "$user is closed without an answer"
	as $user
	expect_body closed
	expect_no_body Status
done

it 'the next request of who may is right'
as daemon
expect_body 'Status: 200'
test "$(grep -c '"status":200' "$W/state/events.log")" -le 4 ||
    wrong 'a request of somebody else ran'

it 'without the group nobody else can connect at all'
setpriv --reuid=www-data --regid=33 --clear-groups tests/e2e/records.pl \
    "$SOCKET" begin get:/things/open/x stdin:0 >"$W/body" 2>&1
expect_body denied

it 'mgw refuses to be root unless it is told to'
mkdir "$W/root"
cp "$W/mgw.conf" "$W/mgw.bundle" "$W/root"
timeout 5 "$O"/mgw --config "$W/root/mgw.conf" --listen "unix:$W/root.sock" \
    >"$W/body" 2>&1
test $? -eq 2 || wrong 'not exit 2'
expect_body 'as root'

it 'files of another user are not believed'
cp "$W/mgw.bundle" "$W/mine.bundle"
chown daemon "$W/mine.bundle"
chmod 644 "$W/mine.bundle"
setpriv --reuid=65534 --regid=65534 --clear-groups timeout 5 "$O"/mgw \
    --config "$W/mgw.conf" --bundle "$W/mine.bundle" \
    --listen "unix:$W/other.sock" >"$W/body" 2>&1
test $? -eq 2 || wrong 'not exit 2'
expect_body 'belongs to another user'
mkdir -m 700 "$W/state2"
chown daemon "$W/state2"
setpriv --reuid=65534 --regid=65534 --clear-groups timeout 5 "$O"/mgw \
    --config "$W/mgw.conf" --state "$W/state2" \
    --listen "unix:$W/other.sock" >"$W/body" 2>&1
test $? -eq 2 || wrong 'not exit 2'
expect_body state2
done_testing
