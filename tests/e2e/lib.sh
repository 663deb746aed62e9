# shellcheck shell=sh disable=SC2034,SC2119,SC2120 # for the tests
# lib - what end-to-end tests share: servers on loopback, a request, and
# what is expected of its answer.  Sourced; a test file reads
#
#	. tests/e2e/lib.sh
#	start_backend
#	policy petstore
#	start_mgw
#	for host in lighttpd apache; do
#		start_$host
#		it "knows no such path ($host)"
#		get /pets/v1/nothing
#		expect_status 404
#		expect_reason no-route
#		stop_$host
#	done
#	done_testing
#
# Every case prints one line "ok NAME", "not ok NAME" or "skip NAME".
# All files lie in one folder that goes at the end; all processes are
# stopped by their ids.
set -u
O=${O:-build}
ROOT=$PWD
case $O in /*) ;; *) O=$ROOT/$O ;; esac
MODULES=${MODULES:-/usr/lib/apache2/modules}
W=$(mktemp -d "${TMPDIR:-/tmp}/mgw.XXXXXX") || exit 2
PIDS=''
umask 077
unset http_proxy https_proxy MGW_CONF MGW_BUNDLE MGW_STATE
export LC_ALL=C

finish() {
	code=$?
	for p in $PIDS; do kill "$p" 2>/dev/null; done
	for p in $PIDS; do gone "$p" || kill -9 "$p" 2>/dev/null; done
	if [ "${KEEP_FILES:-}" = 1 ]; then
		echo "files kept: $W"
	else
		rm -rf "$W"
	fi
	exit $code
}
trap finish EXIT
trap 'exit 1' HUP INT TERM

# gone PID [TENTHS OF SECONDS]: true when the process has ended in time.
gone() {
	n=0
	while running "$1"; do
		n=$((n + 1))
		test $n -le "${2:-50}" || return 1
		sleep 0.1
	done
}

running() {
	case $(sed -n 's/.*) \(.\) .*/\1/p' "/proc/$1/stat" 2>/dev/null) in
	'' | Z | X) return 1 ;;
	esac
}

# stop PID: TERM, and KILL if that does not help.
stop() {
	kill "$1" 2>/dev/null
	gone "$1" || { kill -9 "$1" 2>/dev/null; return 1; }
}

# The processes that a process has started.
children() {
	cat /proc/[0-9]*/stat 2>/dev/null |
	    awk -v of="$1" '{ pid = $1; sub(/.*\) /, ""); if ($2 == of) print pid }'
}

free_port() {
	perl -MIO::Socket::INET -e 'print IO::Socket::INET->new(
	    Listen => 1, LocalAddr => "127.0.0.1")->sockport'
}

# wait_for TENTHS COMMAND...: until it succeeds.
wait_for() {
	left=$1
	shift
	until "$@" >/dev/null 2>&1; do
		left=$((left - 1))
		test $left -gt 0 || return 1
		sleep 0.1
	done
}

answers() {
	curl -s -o /dev/null --max-time 5 "$1"
}

fatal() {
	echo "not ok $*"
	for f in "$W"/*.log; do
		test -s "$f" && { echo "--- $f"; tail -n 20 "$f"; }
	done
	exit 1
}

# Cases ---------------------------------------------------------------

CASE=''
FAULTS=''

it() {
	case_end
	CASE=$1
	FAULTS=''
}

wrong() {
	FAULTS="$FAULTS
    $*"
}

skip() {
	echo "skip $CASE: $*"
	CASE=''
}

case_end() {
	test -n "$CASE" || return 0
	if [ -n "${MGW_PID:-}" ] && ! running "$MGW_PID"; then
		wrong "mgw has ended: $(tail -n 5 "$W/mgw.log" 2>/dev/null)"
		MGW_PID=''
	fi
	if [ -z "$FAULTS" ]; then
		echo "ok $CASE"
	else
		echo "not ok $CASE$FAULTS"
		sed 's/^/    | /; s/\r$//' "$W/head" 2>/dev/null | head -n 20
		head -c 400 "$W/body" 2>/dev/null | sed 's/^/    | /'
		echo
	fi
	CASE=''
}

done_testing() {
	case_end
	exit 0
}

# Requests ------------------------------------------------------------

# get PATH [CURL OPTIONS...]: leaves $W/head, $W/body and $STATUS.
get() {
	path=$1
	shift
	: >"$W/head"
	: >"$W/body"
	CURL_CODE=0
	STATUS=$(curl -sS --path-as-is --max-time 20 -o "$W/body" \
	    -D "$W/head" -w '%{http_code}' "$@" "$URL$path" \
	    2>"$W/curl.err") || CURL_CODE=$?
	test "${STATUS:-000}" != 000 || STATUS="none: $(cat "$W/curl.err")"
}

# raw <FILE: send it, as it is, to the web server; the whole answer
# in $W/head, what comes after its empty line in $W/body too.
raw() {
	perl -MIO::Socket::INET -e '
	    local $SIG{ALRM} = sub { exit 0 }; alarm 10;
	    my $s = IO::Socket::INET->new(PeerAddr => $ARGV[0]) or die;
	    local $/; print $s scalar <STDIN>; $s->flush;
	    while (sysread($s, my $b, 65536)) { syswrite(STDOUT, $b) }' \
	    "${URL#*://}" >"$W/head"
	sed '1,/^\r*$/d' "$W/head" >"$W/body"
	STATUS=$(sed -n '1s/^HTTP[^ ]* \([0-9]*\).*/\1/p' "$W/head")
}

expect_status() {
	test "$STATUS" = "$1" || wrong "status $STATUS, expected $1"
}

# The value of a header of the last answer.
header() {
	grep -i "^$1:" "$W/head" | tr -d '\r' | sed 's/^[^:]*: *//'
}

# expect_header NAME PATTERN (of the shell)
expect_header() {
	v=$(header "$1")
	# shellcheck disable=SC2254 # a pattern is meant
	case $v in
	$2) ;;
	*) wrong "header $1: \"$v\", expected $2" ;;
	esac
}

expect_no_header() {
	test -z "$(header "$1")" || wrong "header $1: $(header "$1")"
}

expect_body() {
	grep -qF -- "$1" "$W/body" || wrong "no \"$1\" in the body"
}

expect_no_body() {
	! grep -qiF -- "$1" "$W/body" || wrong "\"$1\" in the body"
}

# The reason word, in the answer and in the last event; and what every
# refusal has.
expect_reason() {
	expect_body "\"reason\":\"$1\""
	expect_header Cache-Control '*no-store*'
	expect_header X-Content-Type-Options nosniff
	expect_event "\"reason\":\"$1\""
}

# expect_event TEXT: the newest event line has it.
expect_event() {
	events=${EVENTS:-$W/state/events.log}
	wait_for 20 newest_event_has "$1" ||
	    wrong "no $1 in the event $(tail -n 1 "$events")"
}

newest_event_has() {
	tail -n 1 "$events" | grep -qF -- "$1"
}

# Servers -------------------------------------------------------------

# start_hello: the libfcgi program in mgw's place.
start_hello() {
	SOCKET=$W/hello.sock
	"$O"/tests/bench/hello -l "$SOCKET" -t 4 &
	HELLO_PID=$!
	PIDS="$PIDS $HELLO_PID"
	wait_for 50 test -S "$SOCKET" || fatal "hello does not start"
}

# start_backend [OPTIONS...]: the sample backend, at $BACKEND; its own log
# is $W/backend.requests.
start_backend() {
	"$O"/tests/e2e/backend --log "$W/backend.requests" "$@" \
	    --listen tcp:127.0.0.1:0 >"$W/backend.out" 2>"$W/backend.log" &
	BACKEND_PID=$!
	PIDS="$PIDS $BACKEND_PID"
	wait_for 50 test -s "$W/backend.out" || fatal "backend does not start"
	BACKEND=http://$(sed -n 's/^listening tcp://p' "$W/backend.out")
}

# policy: keys, key files and a bundle of the documents in
# tests/e2e/policy/, at $W/mgw.bundle; @BACKEND@ and such filled in.
policy() {
	cp tests/e2e/policy/* "$W"
	DOWN=$(free_port)
	sed -i "s|@BACKEND@|$BACKEND|; s|@DOWN@|http://127.0.0.1:$DOWN|" \
	    "$W"/*.yaml
	for k in rsa stranger; do
		openssl genrsa -out "$W/$k.pem" 2048 2>/dev/null
	done
	openssl ecparam -name prime256v1 -genkey -noout -out "$W/ec.pem"
	tests/e2e/jose.pl jwks rsa="$W/rsa.pem" ec="$W/ec.pem" \
	    >"$W/keys.jwks.json"
	# As mgw-key writes it; so that a broken mgw-key breaks its own test.
	KEY=mgw_e2etests_$(head -c 32 /dev/urandom | base64 | tr '+/' -_ |
	    tr -d '=\n')
	echo "e2etests active $(printf %s "$KEY" | sha256sum | cut -d' ' -f1)" \
	    'owner=ada application=desk' >"$W/keys.db"
	import || fatal "the policy is not imported: $(cat "$W/import.out")"
	printf 'bundle mgw.bundle\nstate state\n' >"$W/mgw.conf"
}

# import [POLICY DOCUMENT...]
import() {
	test $# -gt 0 || set -- mgw.yaml things.yaml down.yaml
	(cd "$W" && "$O"/mgw-spec import --replace -o mgw.bundle -p "$@") \
	    >"$W/import.out" 2>&1
}

# token [CLAIMS] [ALG KEY HEADER]: of the issuer that is trusted; CLAIMS
# are added, and stand in the place of the usual ones of the same name.
token() {
	now=$(date +%s)
	claims=${1:-}
	for usual in '"iss":"https://id.example/"' '"aud":"things"' \
	    '"sub":"ada"' "\"iat\":$now" "\"exp\":$((now + 600))"; do
		case $claims in
		*"${usual%%:*}:"*) ;;
		*) claims=$usual${claims:+,$claims} ;;
		esac
	done
	tests/e2e/jose.pl sign "${2:-ES256}" "$W/${3:-ec.pem}" "{$claims}" \
	    ${4:+"$4"}
}

# bearer TOKEN: an option for curl, by a file, as it may be long.
bearer() {
	printf 'Authorization: Bearer %s\n' "$1" >"$W/bearer"
	echo "@$W/bearer"
}

# start_mgw [OPTIONS...]: on $SOCKET, with $W/mgw.conf.
start_mgw() {
	SOCKET=$W/mgw.sock
	rm -f "$SOCKET"
	"$O"/mgw --config "$W/mgw.conf" --listen "unix:$SOCKET" "$@" \
	    2>>"$W/mgw.log" &
	MGW_PID=$!
	PIDS="$PIDS $MGW_PID"
	wait_for 100 test -S "$SOCKET" || fatal "mgw does not start"
}

# start_mgw_trusting NAME: where the system trusts that authority alone;
# false where that cannot be had.
start_mgw_trusting() {
	SOCKET=$W/mgw.sock
	rm -f "$SOCKET"
	cat >"$W/trusting.sh" <<-END
	mount --bind "$W/$1.pem" /etc/ssl/certs/ca-certificates.crt &&
	    exec "$O/mgw" --config "$W/mgw.conf" --listen "unix:$SOCKET"
	END
	unshare -c --keep-caps -m sh "$W/trusting.sh" 2>>"$W/mgw.log" &
	MGW_PID=$!
	PIDS="$PIDS $MGW_PID"
	wait_for 50 test -S "$SOCKET" || { MGW_PID='' && return 1; }
}

stop_mgw() {
	pid=$MGW_PID
	MGW_PID=''
	stop "$pid" || wrong "mgw did not end after SIGTERM"
}

# start_lighttpd [FILE OF lighttpd/]: with that file included as it is.
start_lighttpd() {
	PORT=$(free_port)
	URL=http://127.0.0.1:$PORT
	mkdir -p "$W/htdocs" "$W/tmp"
	cat >"$W/lighttpd.conf" <<-END
	server.document-root = "$W/htdocs"
	server.bind = "127.0.0.1"
	server.port = $PORT
	server.upload-dirs = ( "$W/tmp" )
	server.errorlog = "$W/lighttpd.log"
	var.mgw_socket = "$SOCKET"
	var.mgw_mount = "${MOUNT:-/}"
	var.mgw_bin = "$O/mgw"
	var.mgw_conf = "$W/mgw.conf"
	include "$ROOT/lighttpd/${1:-socket.conf}"
	${LIGHTTPD_MORE:-}
	END
	lighttpd -D -f "$W/lighttpd.conf" >>"$W/lighttpd.log" 2>&1 &
	LIGHTTPD_PID=$!
	PIDS="$PIDS $LIGHTTPD_PID"
	wait_for 100 answers "$URL/" || fatal "lighttpd does not start"
}

stop_lighttpd() {
	case_end
	stop "$LIGHTTPD_PID"
}

# start_apache [FILE OF apache/]: with that file included as it is.
start_apache() {
	PORT=$(free_port)
	URL=http://127.0.0.1:$PORT
	mkdir -p "$W/htdocs" "$W/run"
	{
		cat <<-END
		ServerRoot $W
		DefaultRuntimeDir $W/run
		PidFile $W/run/apache.pid
		Listen 127.0.0.1:$PORT
		ServerName localhost
		DocumentRoot $W/htdocs
		ErrorLog $W/apache.log
		LoadModule mpm_event_module $MODULES/mod_mpm_event.so
		StartServers 1
		ThreadsPerChild ${APACHE_THREADS:-25}
		MaxRequestWorkers 200
		END
		for m in authz_core authn_core env setenvif headers mime dir \
		    alias rewrite proxy proxy_fcgi proxy_balancer \
		    slotmem_shm lbmethod_byrequests socache_shmcb ssl cgi \
		    reqtimeout ${APACHE_MODULES:-}; do
			echo "LoadModule ${m}_module $MODULES/mod_$m.so"
		done
		echo "TypesConfig /dev/null"
		cat <<-END
		Define MGW_SOCKET $SOCKET
		Define MGW_MOUNT ${MOUNT:-/}
		${APACHE_BEFORE:-}
		Include $ROOT/apache/${1:-mgw.conf}
		${APACHE_MORE:-}
		END
	} >"$W/apache.conf"
	apache2 -f "$W/apache.conf" -DFOREGROUND >>"$W/apache.log" 2>&1 &
	APACHE_PID=$!
	PIDS="$PIDS $APACHE_PID"
	wait_for 100 answers "$URL/" || fatal "Apache does not start"
}

stop_apache() {
	case_end
	stop "$APACHE_PID"
}

# start_nginx FILE: with the servers of that file, as a backend.
start_nginx() {
	mkdir -p "$W/nginx"
	cat >"$W/nginx.conf" <<-END
	daemon off;
	pid $W/nginx/pid;
	error_log $W/nginx.log;
	worker_processes 1;
	events { worker_connections 256; }
	http {
		access_log $W/nginx.requests;
		client_body_temp_path $W/nginx/body;
		proxy_temp_path $W/nginx/proxy;
		fastcgi_temp_path $W/nginx/fastcgi;
		uwsgi_temp_path $W/nginx/uwsgi;
		scgi_temp_path $W/nginx/scgi;
		include $1;
	}
	END
	# Both only append.
	# shellcheck disable=SC2094
	/usr/sbin/nginx -p "$W/nginx" -c "$W/nginx.conf" -e "$W/nginx.log" \
	    >>"$W/nginx.log" 2>&1 &
	NGINX_PID=$!
	PIDS="$PIDS $NGINX_PID"
	wait_for 50 test -s "$W/nginx/pid" || fatal 'nginx does not start'
}

# start_issuer [PORT]: issuer.pl with the files in $W/issuer, at $ISSUER.
start_issuer() {
	mkdir -p "$W/issuer"
	tests/e2e/issuer.pl "$W/issuer" ${1:+"$1"} >"$W/issuer.out" \
	    2>"$W/issuer.log" &
	ISSUER_PID=$!
	PIDS="$PIDS $ISSUER_PID"
	wait_for 50 test -s "$W/issuer.out" || fatal "issuer does not start"
	ISSUER_PORT=$(cat "$W/issuer.out")
	ISSUER=http://127.0.0.1:$ISSUER_PORT
}

# on_each_host COMMAND: behind lighttpd, behind Apache, and as its CGI.  $B is
# where the APIs are, $host and $EVENTS are set.
on_each_host() {
	for host in lighttpd apache cgi; do
		B=''
		case $host in
		cgi)
			B=/cgi
			EVENTS=$W/cgi-state/events.log
			MOUNT=/fastcgi APACHE_MORE="
<Directory $W/htdocs>
	AllowOverride AuthConfig FileInfo Indexes Options
	Require all granted
</Directory>" start_apache
			;;
		*) start_$host ;;
		esac
		"$1"
		case $host in
		lighttpd) stop_lighttpd ;;
		*) stop_apache ;;
		esac
	done
}

# authority NAME: that signs certificates.
authority() {
	openssl req -x509 -newkey rsa:2048 -nodes -keyout "$W/$1.key" \
	    -out "$W/$1.pem" -subj "/CN=$1" -days 2 2>/dev/null
}

# cert NAME AUTHORITY SUBJECT-ALTERNATIVE-NAMES [DAYS]
cert() {
	openssl req -newkey rsa:2048 -nodes -keyout "$W/$1.key" \
	    -out "$W/$1.csr" -subj /CN=localhost 2>/dev/null
	echo "subjectAltName=$3" >"$W/ext"
	openssl x509 -req -in "$W/$1.csr" -CA "$W/$2.pem" \
	    -CAkey "$W/$2.key" -days "${4:-2}" -extfile "$W/ext" \
	    -CAcreateserial -out "$W/$1.pem" 2>/dev/null
}

# asked PATTERN: how many requests the issuer had that match.
asked() {
	grep -c -- "$1" "$W/issuer/log" 2>/dev/null
}
