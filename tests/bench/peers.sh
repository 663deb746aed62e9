# shellcheck shell=sh disable=SC2034,SC2154 # variables of bench.sh, lib.sh
# peers - sourced by bench.sh: what is measured, and how it is set up.
# All proxy to $BACKEND, check the same token and count the caller.

start_target_hello() {
	rm -f "$W/hello.sock"
	"$O"/tests/bench/hello -l "$W/hello.sock" -t "$CORES" &
	HELLO_PID=$!
	PIDS="$PIDS $HELLO_PID"
	wait_for 50 test -S "$W/hello.sock"
}

prepare_mgw() {
	cat >"$W/orders.yaml" <<-'END'
	openapi: 3.0.3
	info: {title: Orders, version: '1'}
	servers: [{url: /orders/v1}]
	components:
	  securitySchemes:
	    token: {type: http, scheme: bearer}
	    oauth:
	      type: oauth2
	      flows:
	        clientCredentials:
	          tokenUrl: https://id.example/token
	          scopes: {read: to read}
	security: [{oauth: [read]}]
	paths:
	  /items/{id}:
	    parameters:
	      - {name: id, in: path, required: true, schema: {type: string}}
	    get:
	      x-mgw-tier: Operation
	      responses: {'200': {description: fine}}
	END
	cat >"$W/mgw.yaml" <<-END
	issuers:
	  - issuer: https://id.example/
	    keys: {file: keys.json}
	    audiences: [orders]
	    algorithms: [RS256, ES256]
	    scope-claim: scope
	schemes:
	  oauth: {jwt: [https://id.example/]}
	tiers:
	  Huge: {limit: 50000000, per: 1m, burst: 1000000}
	  Operation: {limit: 50000000, per: 1m, burst: 1000000}
	apis:
	  orders.yaml:
	    base-path: /orders/v1
	    endpoints: [http://$BACKEND/]
	    tier: Huge
	END
	"$O"/mgw-spec import -o "$W/mgw.bundle" -p "$W/mgw.yaml" \
	    "$W/orders.yaml" >/dev/null || fatal 'no bundle'
	# As it is installed.  A worker waits for its backend, so that more
	# are needed than there are cores; and all requests come from one
	# address, which gets three eighths of them.
	: >"$W/mgw.conf"
	start_mgw
	MGW_SOCKET=$SOCKET
}

measure_lighttpd() {
	start_target_hello
	SOCKET=$W/hello.sock
	start_lighttpd
	measure 'lighttpd, hello' "$URL/" "$W/rs256" "$HELLO_PID" \
	    "$LIGHTTPD_PID"
	stop "$LIGHTTPD_PID"
	stop "$HELLO_PID"

	if [ "$has_mgw" -eq 1 ]; then
		SOCKET=$MGW_SOCKET
		start_lighttpd
		u=$URL/orders/v1/items/7
		measure 'lighttpd, mgw RS256' "$u" "$W/rs256" "$MGW_PID" \
		    "$LIGHTTPD_PID"
		measure 'lighttpd, mgw RS256, 1000 tokens' "$u" \
		    "$W/rs256-1000" "$MGW_PID" "$LIGHTTPD_PID"
		measure 'lighttpd, mgw ES256' "$u" "$W/es256" "$MGW_PID" \
		    "$LIGHTTPD_PID"
		stop "$LIGHTTPD_PID"
	fi

	measure_proxy 'lighttpd, mod_proxy, no policy' "$BACKEND"
}

# measure_proxy ROW BACKEND: lighttpd's own proxy before it.
measure_proxy() {
	PORT=$(free_port)
	cat >"$W/proxy.conf" <<-END
	server.document-root = "$W"
	server.bind = "127.0.0.1"
	server.port = $PORT
	server.modules = ( "mod_proxy" )
	server.errorlog = "$W/lighttpd.log"
	server.stream-request-body = 2
	server.stream-response-body = 2
	proxy.server = ( "/" => (( "host" => "127.0.0.1",
	    "port" => ${2#*:} )) )
	END
	lighttpd -D -f "$W/proxy.conf" 2>>"$W/lighttpd.log" &
	LIGHTTPD_PID=$!
	PIDS="$PIDS $LIGHTTPD_PID"
	wait_for 50 answers "http://127.0.0.1:$PORT/"
	measure "$1" "http://127.0.0.1:$PORT/" "$W/rs256" "$LIGHTTPD_PID"
	stop "$LIGHTTPD_PID"
}

# Answers of 100 kB: the running gate takes another bundle for them.
measure_large() {
	sed -i "s|endpoints: .*|endpoints: [http://$LARGE/]|" "$W/mgw.yaml"
	"$O"/mgw-spec import --replace -o "$W/mgw.bundle" -p "$W/mgw.yaml" \
	    "$W/orders.yaml" >/dev/null || fatal 'no bundle'
	kill -HUP "$MGW_PID"
	sleep 1
	SOCKET=$MGW_SOCKET
	start_lighttpd
	measure 'lighttpd, mgw, 100 kB' "$URL/orders/v1/items/7" \
	    "$W/rs256" "$MGW_PID" "$LIGHTTPD_PID"
	stop "$LIGHTTPD_PID"
	measure_proxy 'lighttpd, mod_proxy, 100 kB' "$LARGE"
}

# One HAProxy for each algorithm, as jwt_verify wants one key each.
measure_haproxy() {
	for alg in RS256 ES256; do
		PORT=$(free_port)
		key=rsa
		test $alg = RS256 || key=ec
		cat >"$W/haproxy.cfg" <<-END
		global
		    nbthread $CORES
		    maxconn 1000
		defaults
		    mode http
		    timeout client 10s
		    timeout server 10s
		    timeout connect 5s
		frontend f
		    bind 127.0.0.1:$PORT
		    http-request set-var(txn.bearer) http_auth_bearer
		    http-request set-var(txn.alg) var(txn.bearer),jwt_header_query('\$.alg')
		    http-request set-var(txn.iss) var(txn.bearer),jwt_payload_query('\$.iss')
		    http-request set-var(txn.aud) var(txn.bearer),jwt_payload_query('\$.aud')
		    http-request set-var(txn.sub) var(txn.bearer),jwt_payload_query('\$.sub')
		    http-request set-var(txn.scope) var(txn.bearer),jwt_payload_query('\$.scope')
		    http-request set-var(txn.exp) var(txn.bearer),jwt_payload_query('\$.exp','int')
		    http-request set-var(txn.now) date()
		    http-request deny deny_status 401 unless { var(txn.alg) -m str $alg }
		    http-request deny deny_status 401 unless { var(txn.iss) -m str https://id.example/ }
		    http-request deny deny_status 401 unless { var(txn.aud) -m str orders }
		    http-request deny deny_status 401 if { var(txn.exp),sub(txn.now) -m int lt 0 }
		    http-request deny deny_status 401 unless { var(txn.bearer),jwt_verify(txn.alg,"$W/$key.pub") 1 }
		    http-request deny deny_status 403 unless { var(txn.scope) -m sub read }
		    stick-table type string len 64 size 100k expire 60s store http_req_rate(60s)
		    http-request track-sc0 var(txn.sub)
		    http-request deny deny_status 429 if { sc_http_req_rate(0) gt 100000000 }
		    default_backend b
		backend b
		    http-reuse always
		    server s $BACKEND
		END
		haproxy -db -f "$W/haproxy.cfg" 2>>"$W/haproxy.log" &
		HAPROXY_PID=$!
		PIDS="$PIDS $HAPROXY_PID"
		wait_for 50 answers "http://127.0.0.1:$PORT/"
		file=$W/rs256
		test $alg = RS256 || file=$W/es256
		measure "HAProxy $alg + stick table" \
		    "http://127.0.0.1:$PORT/orders/v1/items/7" "$file" \
		    "$HAPROXY_PID"
		stop "$HAPROXY_PID"
	done
}

jwk() { # the public key as mod_oauth2 takes it
	tests/e2e/jose.pl jwks "$1=$W/$1.pem" | sed 's/^{"keys":\[//; s/\]}$//'
}

measure_apache() {
	start_target_hello
	APACHE_THREADS=100
	APACHE_MODULES='proxy_http authz_user oauth2'
	APACHE_MORE="
	KeepAlive On
	MaxKeepAliveRequests 0
	ProxyPass /plain http://$BACKEND/ enablereuse=on
	<Location /rs256>
		AuthType oauth2
		OAuth2TokenVerify jwk '$(jwk rsa)'
		Require oauth2_claim scope:read
		ProxyPass http://$BACKEND/ enablereuse=on
	</Location>
	<Location /es256>
		AuthType oauth2
		OAuth2TokenVerify jwk '$(jwk ec)'
		Require oauth2_claim scope:read
		ProxyPass http://$BACKEND/ enablereuse=on
	</Location>"
	SOCKET=$W/hello.sock
	MOUNT=/hello
	start_apache
	measure 'Apache, hello' "$URL/hello" "$W/rs256" "$HELLO_PID" \
	    "$APACHE_PID"
	measure 'Apache, mod_proxy_http, no policy' "$URL/plain" "$W/rs256" \
	    "$APACHE_PID"
	measure 'Apache, mod_oauth2 RS256' "$URL/rs256" "$W/rs256" \
	    "$APACHE_PID"
	measure 'Apache, mod_oauth2 ES256' "$URL/es256" "$W/es256" \
	    "$APACHE_PID"
	stop "$APACHE_PID"
	stop "$HELLO_PID"
	if [ "$has_mgw" -eq 1 ]; then
		SOCKET=$MGW_SOCKET
		MOUNT=/orders/v1
		start_apache
		u=$URL/orders/v1/items/7
		measure 'Apache, mgw RS256' "$u" "$W/rs256" "$MGW_PID" \
		    "$APACHE_PID"
		measure 'Apache, mgw ES256' "$u" "$W/es256" "$MGW_PID" \
		    "$APACHE_PID"
		stop "$APACHE_PID"
	fi
	MOUNT=/
}

# Milliseconds of one run of a program as CGI, the median of 200:
# cgi_ms PATH [NAME=VALUE...] PROGRAM
cgi_ms() {
	perl -MTime::HiRes=time -e '
	    %ENV = (PATH => "/usr/bin:/bin", GATEWAY_INTERFACE => "CGI/1.1",
		REQUEST_METHOD => "GET", REQUEST_URI => shift,
		SERVER_PROTOCOL => "HTTP/1.1", HTTP_HOST => "a",
		REMOTE_ADDR => "127.0.0.1");
	    while (@ARGV > 1) { my ($n, $v) = split /=/, shift, 2; $ENV{$n} = $v }
	    open STDIN, "<", "/dev/null"; open my $out, ">&", STDOUT;
	    open STDOUT, ">", "/dev/null";
	    my @ms;
	    for (1 .. 200) {
		my $start = time;
		system { $ARGV[0] } $ARGV[0];
		push @ms, (time - $start) * 1000;
	    }
	    printf $out "%.3f", (sort { $a <=> $b } @ms)[100]' "$@"
}

over() { # over A B: how many times B goes into A
	awk -v a="$1" -v b="$2" 'BEGIN { printf "%.1f", a / b }'
}

# A document of 1,000 operations, as another gate.
prepare_thousand() {
	mkdir -p "$W/many"
	{
		printf 'openapi: 3.0.3\ninfo: {title: Many, version: "1"}\n'
		printf 'servers: [{url: /many/v1}]\nsecurity: [{token: []}]\n'
		printf 'components: {securitySchemes: {token: {type: http, '
		printf 'scheme: bearer}}}\npaths:\n'
		i=0
		while [ $i -lt 1000 ]; do
			i=$((i + 1))
			printf '  /group%d/thing%d: {get: {responses: {"200": ' \
			    $((i % 20)) $i
			printf '{description: fine}}}}\n'
		done
	} >"$W/many/many.yaml"
	cp "$W/keys.json" "$W/many"
	sed 's/oauth:/token:/; s/orders.yaml:/many.yaml:/
	    s|/orders/v1|/many/v1|' "$W/mgw.yaml" >"$W/many/mgw.yaml"
	"$O"/mgw-spec import -o "$W/many/mgw.bundle" -p "$W/many/mgw.yaml" \
	    "$W/many/many.yaml" >/dev/null || fatal 'no large bundle'
	echo 'threads 16' >"$W/many/mgw.conf"
}

# Some seconds after the load: a burst's memory is given back by then.
size_of_mgw() {
	echo
	echo 'threads 16' >"$W/mgw.conf"
	start_mgw
	start_lighttpd
	n=0
	while [ "$n" -lt 100000 ]; do
		n=$((n + $(wrk -t1 -c64 -d4s -s tests/bench/tokens.lua \
		    "$URL/orders/v1/items/7" -- "$W/rs256" |
		    awk '/requests in/ { print $1 }')))
	done
	sleep 3
	kb=$(sed -n 's/^RssAnon:[^0-9]*\([0-9]*\).*/\1/p' \
	    "/proc/$MGW_PID/status")
	pss=''
	if [ -n "$BENCH_STAGE" ]; then
		echo "$MGW_PID" >"$BENCH_STAGE/tmp/pss"
		wait_for 20 test -s "$BENCH_STAGE/pss" &&
		    pss=$(cat "$BENCH_STAGE/pss")
	fi
	target '16 workers, 100,000 requests: anonymous memory in kB' "$kb" \
	    '<=' 4096
	target 'the same: PSS in kB (only root can read it)' "$pss" '<=' 8192
	stop "$LIGHTTPD_PID"
	stop "$MGW_PID"
}

cgi_of_mgw() {
	prepare_thousand
	empty=$(cgi_ms / /bin/true)
	refusal=$(cgi_ms /nowhere "MGW_CONF=$W/mgw.conf" "$O/mgw")
	many=$(cgi_ms /many/v1/group7/thing7 "MGW_CONF=$W/many/mgw.conf" \
	    "$O/mgw")
	proxied=$(cgi_ms /orders/v1/items/7 "MGW_CONF=$W/mgw.conf" \
	    "HTTP_AUTHORIZATION=Bearer $(cat "$W/rs256")" "$O/mgw")
	target 'CGI refusal, to running an empty program' \
	    "$(over "$refusal" "$empty")" '<=' 12
	target 'CGI request proxied, to running an empty program' \
	    "$(over "$proxied" "$empty")" '<=' 25
	target 'exec to first refusal, 1,000 operations, ms' "$many" '<=' 10
}

# What a decision costs without everything around it.
decisions_of_mgw() {
	{
		"$O"/tests/bench/decision "$W/mgw.conf" "$W/rs256"
		"$O"/tests/bench/decision "$W/mgw.conf" "$W/rs256-1000"
		"$O"/tests/bench/decision "$W/mgw.conf" "$W/es256" |
		    sed 's/1 token/1 token (ES256)/'
		"$O"/tests/bench/decision "$W/mgw.conf" "$W/rs256-1000" \
		    "$W/revoked"
	} >"$W/decisions"
	while read -r line; do
		us=${line##* }
		text=${line% *}
		case $text in
		*'its signature alone') target "$text, us" "$us" '<=' 10 ;;
		*'more than with none') target "$text, us" "$us" '<=' 0.5 ;;
		*uncached | *open*) printf '%-60s %8s\n' "$text, us" "$us" ;;
		*) target "$text, us" "$us" '<=' 2 ;;
		esac
	done <"$W/decisions"
}
