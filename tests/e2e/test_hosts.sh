#!/bin/sh
# The ways to run mgw, with the very files of lighttpd/ and apache/.
. tests/e2e/lib.sh
start_backend
policy
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$W/tls.key" \
    -out "$W/tls.pem" -subj /CN=localhost -days 2 2>/dev/null

both() {
	get /things/open/x "$@"
	expect_status 200
	expect_body '"target":"/open/x"'
	get /things/secret/x "$@"
	expect_status 401
	get /things/secret/x -H "$(bearer "$(token)")" "$@"
	expect_status 200
}

it 'lighttpd starts mgw itself and stops it with itself'
SOCKET=$W/spawn.sock
start_lighttpd spawn.conf
both
spawned=$(children "$LIGHTTPD_PID")
stop_lighttpd
for p in $spawned; do gone "$p" || wrong "mgw $p outlived lighttpd"; done

start_mgw
it 'lighttpd speaks TLS in front'
TLS=$(free_port)
LIGHTTPD_MORE="
var.mgw_tls_port = \"$TLS\"
var.mgw_tls_cert = \"$W/tls.pem\"
var.mgw_tls_key = \"$W/tls.key\"
include \"$ROOT/lighttpd/tls.conf\""
start_lighttpd
URL=https://127.0.0.1:$TLS
both -k
expect_event '"protocol":"HTTP/2'
stop_lighttpd

it 'Apache speaks TLS in front'
TLS=$(free_port)
APACHE_MORE="
Define MGW_TLS_PORT $TLS
Define MGW_TLS_CERT $W/tls.pem
Define MGW_TLS_KEY $W/tls.key
Include $ROOT/apache/tls.conf"
start_apache
URL=https://127.0.0.1:$TLS
both -k
stop_apache
APACHE_MORE=''

it 'more kept connections than mgw has workers do not hang'
stop_mgw
start_mgw --threads 2
start_apache
n=0
while [ $n -lt 12 ]; do
	n=$((n + 1))
	(for _ in 1 2 3 4 5; do
		curl -s -o /dev/null --max-time 10 -w '%{http_code}\n' \
		    "$URL/things/open/x"
	done >"$W/many.$n") &
	PIDS_OF="${PIDS_OF:-} $!"
done
# shellcheck disable=SC2086 # one word each
wait $PIDS_OF
test "$(cat "$W"/many.* | sort | uniq -c | tr -s ' ')" = ' 60 200' ||
    wrong "$(cat "$W"/many.* | sort | uniq -c | tr '\n' ' ')"
stop_apache
stop_mgw

it 'two mgw behind a balancer, and one of them stops'
cp "$W/mgw.conf" "$W/mgw.conf.one"
start_mgw
first=$MGW_PID
"$O"/mgw --config "$W/mgw.conf" --listen "unix:$W/two.sock" \
    2>>"$W/mgw.log" &
second=$!
PIDS="$PIDS $second"
wait_for 50 test -S "$W/two.sock" || wrong 'no second mgw'
APACHE_BEFORE="
Define MGW_SOCKET_1 $SOCKET
Define MGW_SOCKET_2 $W/two.sock"
start_apache balancer.conf
both
# The two count in one state.
get /things/rated/x
get /things/rated/x
get /things/rated/x
expect_status 429
MGW_PID=''
stop "$first"
get /things/open/x
expect_status 200
get /things/open/x
expect_status 200
stop_apache
stop "$second"
APACHE_BEFORE=''

it 'mgw serves a socket that it is given as descriptor 0'
perl -MIO::Socket::UNIX -MPOSIX -e '
    my $s = IO::Socket::UNIX->new(Local => $ARGV[0], Listen => 100) or die;
    POSIX::dup2(fileno $s, 0); exec @ARGV[1..$#ARGV]' \
    "$W/zero.sock" "$O"/mgw --config "$W/mgw.conf" 2>>"$W/mgw.log" &
MGW_PID=$!
PIDS="$PIDS $MGW_PID"
wait_for 50 test -S "$W/zero.sock"
SOCKET=$W/zero.sock
start_lighttpd
LIGHTTPD_MORE=''
both
stop_lighttpd
MGW_STOP=$MGW_PID
MGW_PID=''
stop "$MGW_STOP" || wrong 'does not end'
done_testing
