#!/bin/sh
# mgw --check: says what would be done and what is wrong, and does nothing.
. tests/e2e/lib.sh
BACKEND=http://127.0.0.1:9
policy

# check OPTIONS...: $CODE and $W/body
check() {
	CODE=0
	"$O"/mgw --config "$W/mgw.conf" --check "$@" >"$W/body" 2>"$W/head" ||
	    CODE=$?
}
expect_code() {
	test "$CODE" = "$1" || wrong "exit $CODE, expected $1"
}
# expect_item KIND NAME STATE REMARK, as patterns of grep
expect_item() {
	grep -q "^$1	$2	$3	$4" "$W/body" || wrong "no $1 $2 $3 $4"
}

it 'what is right is listed, and nothing is made'
check --listen "unix:$W/mgw.sock"
expect_code 0
expect_item configuration "$W/mgw.conf" ok ''
expect_item state "$W/state" ok 'would be made'
expect_item events "$W/state/events.log" ok 'would be made'
expect_item listen "unix:$W/mgw.sock" ok ''
expect_item bundle "$W/mgw.bundle" ok 'policy='
expect_item source "$W/keys.db" ok 'key file'
expect_item source "$W/keys.jwks.json" ok 'key set'
expect_item endpoint "$BACKEND/" ok 'of Things'
test ! -e "$W/state" || wrong 'the state was made'
test ! -e "$W/mgw.sock" || wrong 'a socket was made'

it 'it can be had as JSON'
check --json
expect_code 0
perl -MJSON::PP -e '
    my $r = decode_json(join "", <STDIN>);
    die unless $r->{ok} && grep { $_->{kind} eq "source" && $_->{ok} }
	@{$r->{items}}' <"$W/body" 2>"$W/head" || wrong "$(cat "$W/head")"

it 'what another process keeps open stays as it is'
start_mgw
check
expect_code 0
expect_item state "$W/state" ok ''
expect_item events "$W/state/events.log" ok ''
stop_mgw

it 'everything that is wrong is named at once'
chmod 666 "$W/keys.db"
echo '{' >"$W/keys.jwks.json"
mkdir "$W/open"
chmod 755 "$W/open"
check --state "$W/open" --listen tcp:0.0.0.0:80 --listen "unix:$W/no/sock" \
    --listen tcp:127.0.0.1:1 -e WEB_SERVER_USER=no-such-user -e EVENTS=/proc/x
expect_code 1
expect_item state "$W/open" wrong ''
expect_item events /proc/x wrong ''
expect_item listen tcp:0.0.0.0:80 wrong 'tcp:0.0.0.0:80: must be a loopback'
expect_item listen tcp:127.0.0.1:1 wrong 'TCP: needs MGW_PEER_SECRET'
expect_item listen "unix:$W/no/sock" wrong ''
expect_item web-server-user no-such-user wrong ''
expect_item source "$W/keys.db" wrong ''
expect_item source "$W/keys.jwks.json" wrong ''
test ! -e "$W/open/shared" || wrong 'the state was made'
check --json
expect_code 1
expect_body '"ok": false'

it 'a bundle that cannot be used is wrong'
echo no >"$W/mgw.bundle"
check
expect_code 1
expect_item bundle "$W/mgw.bundle" wrong ''

it 'a configuration that cannot be read is another matter'
check --config "$W/none.conf"
expect_code 2
done_testing
