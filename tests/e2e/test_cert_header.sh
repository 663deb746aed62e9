#!/bin/sh
# The client's certificate in a header field, from a proxy that ends TLS in
# front of the web server; and from everybody who is not that proxy.
# shellcheck disable=SC2016 # ${...} is for mgw
. tests/e2e/lib.sh

authority() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
	    -keyout "$W/$1.key" -out "$W/$1.pem" -subj "/CN=$1" -days 2 \
	    2>/dev/null
}
cert() {
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
	    -keyout "$W/$1.key" -out "$W/$1.csr" -subj "/O=Test/CN=$1" \
	    2>/dev/null
	openssl x509 -req -in "$W/$1.csr" -CA "$W/$2.pem" \
	    -CAkey "$W/$2.key" -days 2 -CAcreateserial \
	    -out "$W/$1.pem" 2>/dev/null
}
der() {
	openssl x509 -in "$W/$1.pem" -outform DER | base64 -w0
}
thumbprint() {
	openssl x509 -in "$W/$1.pem" -outform DER | openssl sha256 -binary |
	    base64 | tr '+/' -_ | tr -d '='
}

start_backend
policy
authority clients
authority tls
cert ada clients
cert eve clients
cat >"$W/certs.yaml" <<-END
openapi: 3.1.0
info: {title: certs, version: '1'}
servers: [{url: https://x.example/certs}]
components: {securitySchemes: {cert: {type: mutualTLS}}}
security: [{cert: []}]
paths:
  /{do}:
    get: {responses: {'200': {description: fine}}}
END
{
	sed -n '1,/^apis:/p' "$W/mgw.yaml"
	echo "  things.yaml: {endpoints: ['$BACKEND/']}"
	echo "  certs.yaml:"
	echo "    endpoints: ['$BACKEND/']"
	echo "    certificates: [{subject: 'CN=ada,O=Test'}]"
	echo 'failures: off'
} >"$W/header.yaml"
import header.yaml things.yaml certs.yaml || fatal "$(cat "$W/import.out")"
secret=$(head -c 24 /dev/urandom | base64 | tr '+/' ab)
printf '%s\n' "$secret" >"$W/proxy.secret"
cp "$W/mgw.conf" "$W/plain.conf"

it 'without a secret or a proxy the gate does not start'
starts_not() { # starts_not MESSAGE LINE...
	message=$1
	shift
	cp "$W/plain.conf" "$W/bad.conf"
	for line; do echo "$line" >>"$W/bad.conf"; done
	for how in --check "--listen unix:$W/bad.sock"; do
		# shellcheck disable=SC2086 # words
		! timeout 5 "$O"/mgw --config "$W/bad.conf" $how \
		    >"$W/body" 2>&1 || wrong "starts with: $*"
		expect_body "$message"
	done
}
header='client-cert-header Client-Cert'
shown='client-cert-secret X-Proxy-Secret ${file:proxy.secret}'
proxy='trusted-proxy 127.0.0.1'
starts_not 'anybody could claim' "$header" "$proxy"
starts_not 'needs trusted-proxy' "$header" "$shown"
starts_not 'needs client-cert-header' "$shown" "$proxy"
starts_not 'needs client-cert-header' 'client-cert-pass yes' "$proxy"
starts_not 'shorter than' "$header" "$proxy" 'client-cert-secret X-S short'
starts_not 'a header each' "$header" "$proxy" \
    "client-cert-secret Client_Cert $secret"
starts_not 'no.secret' "$header" "$proxy" \
    'client-cert-secret X-S ${file:no.secret}'
starts_not 'missing or empty' "$header" "$proxy" \
    'client-cert-secret X-S ${env:NO_SUCH}'
starts_not 'rfc9440|pem' "$header der" "$proxy" "$shown"
starts_not 'means something else' 'client-cert-header Cookie' "$proxy" \
    "$shown"
starts_not 'HEADER SECRET' "$header" "$proxy" 'client-cert-secret X-S'
env - PATH="$PATH" REQUEST_METHOD=GET REQUEST_URI=/ \
    MGW_CONF="$W/bad.conf" "$O"/mgw >"$W/body" 2>/dev/null
expect_body 'Status: 503'

{
	cat "$W/plain.conf"
	echo "$header"
	echo "$shown"
	echo "$proxy"
} >"$W/mgw.conf"
it '--check tells of it, and no secret'
"$O"/mgw --check --config "$W/mgw.conf" >"$W/body" 2>&1
expect_body 'CLIENT_CERT'
expect_body 'rfc9440, from 1 trusted proxies with the secret in X_PROXY_SECRET'
expect_no_body "$secret"

it 'explain takes certificates from files, and from headers'
explain() {
	"$O"/mgw-spec explain "$@" "$W/mgw.bundle" GET https://x/certs/x \
	    >"$W/body" 2>&1
}
explain --cert "$W/ada.pem" || wrong 'refused'
! explain --cert "$W/eve.pem" || wrong 'allowed'
expect_body certificate-mismatch
printf 'Client-Cert: :%s:' "$(der ada)" >"$W/field"
! explain -H "@$W/field" || wrong 'a header was believed'
explain -H "@$W/field" --trusted-proxy 127.0.0.1 \
    --client-cert-header Client-Cert || wrong 'refused'
! explain -H "@$W/field" --client-cert-header Client-Cert ||
    wrong 'believed from anywhere'
expect_body certificate-missing
! explain -H "@$W/field" --trusted-proxy 127.0.0.1 \
    --client-cert-header 'Client-Cert pem' || wrong 'wrong form'
! explain --cert "$W/ada.pem" --trusted-proxy 127.0.0.1 \
    --client-cert-header Client-Cert || wrong "the proxy's own counts"

# proved CERTIFICATE: options for curl, as the proxy would send them.
proved() {
	printf 'Client-Cert: :%s:\nX-Proxy-Secret: %s\n' "$(der "$1")" \
	    "$secret" >"$W/proved.$1"
	echo "@$W/proved.$1"
}
refused() { # refused STATUS REASON PATH [CURL OPTIONS...]
	status=$1 reason=$2 path=$3
	shift 3
	get "$path" "$@"
	expect_status "$status"
	expect_reason "$reason"
}
mine=$(bearer "$(token "\"cnf\":{\"x5t#S256\":\"$(thumbprint ada)\"}")")
start_mgw
for host in lighttpd apache; do
	start_$host

	it "a proxy that shows its secret is believed ($host)"
	get /certs/x -H "$(proved ada)"
	expect_status 200
	expect_event '"subject":"CN=ada,O=Test"'
	get /things/secret/x -H "$mine" -H "$(proved ada)"
	expect_status 200

	it "backends see neither the certificate nor the secret ($host)"
	get /certs/x -H "$(proved ada)" -H 'Client-Cert-Chain: :AAAA:'
	expect_status 200
	expect_no_body "$secret"
	expect_no_body 'client-cert'
	expect_no_body 'x-proxy-secret'

	it "another certificate is another ($host)"
	refused 401 certificate-mismatch /certs/x -H "$(proved eve)"
	refused 401 certificate-mismatch /things/secret/x -H "$mine" \
	    -H "$(proved eve)"

	it "without the secret nothing is believed ($host)"
	refused 401 certificate-untrusted /certs/x -H "@$W/field"
	refused 401 certificate-untrusted /certs/x -H "@$W/field" \
	    -H "X-Proxy-Secret: ${secret}x"
	refused 401 certificate-untrusted /certs/x -H "@$W/field" \
	    -H "X-Proxy-Secret: ${secret%?}"
	refused 401 certificate-untrusted /certs/x -H "@$W/field" \
	    -H "X-Proxy-Secret: $(echo "$secret" | tr a-zA-Z A-Za-z)"
	refused 401 certificate-untrusted /certs/x -H "@$W/field" \
	    -H "X-Proxy-Secret: $secret" -H 'X-Proxy-Secret: x'
	refused 401 certificate-missing /certs/x -H "X-Proxy-Secret: $secret"
	refused 401 certificate-missing /certs/x \
	    -H 'SSL-Client-Verify: SUCCESS' \
	    -H "X-WSO2-CLIENT-CERTIFICATE: $(der ada)" \
	    -H "X-Proxy-Secret: $secret"

	it "from another address nothing is believed ($host)"
	refused 401 certificate-missing /certs/x -H "$(proved ada)" \
	    --interface 127.0.0.2
	refused 401 certificate-missing /certs/x -H "$(proved ada)" \
	    --interface 127.0.0.2 -H 'X-Forwarded-For: 127.0.0.1'
	refused 401 certificate-missing /things/secret/x -H "$mine" \
	    -H "$(proved ada)" --interface 127.0.0.2
	get /things/open/x -H "$(proved ada)" --interface 127.0.0.2
	expect_status 200
	expect_no_body 'client-cert'
	expect_no_body "$secret"

	it "what is no certificate, or two, is none ($host)"
	for value in : :: :AAAA: "$(der ada)" ":$(der ada):;x=1" \
	    ":$(der ada):, :$(der eve):" ":$(der ada)AAAA:" '"x"' '?1'; do
		get /certs/x -H "Client-Cert: $value" \
		    -H "X-Proxy-Secret: $secret"
		expect_status 401
		expect_body certificate-untrusted
	done
	get /certs/x -H "$(proved ada)" -H "Client-Cert: :$(der eve):"
	test "$STATUS" = 401 || test "$STATUS" = 400 || wrong "twice: $STATUS"
	get /certs/x -H "$(proved eve)" -H "Client_Cert: :$(der ada):"
	case $STATUS in
	400 | 401) ;;
	*) wrong "an alias counts: $STATUS" ;;
	esac
	stop_$host
done
! grep -rqF "$secret" "$W/state" "$W/mgw.log" || wrong 'the secret is logged'

# What many proxies can send, from a real one.
PROXY=$(free_port)
stop_mgw
{
	cat "$W/plain.conf"
	echo 'client-cert-header X-WSO2-CLIENT-CERTIFICATE pem'
	echo "client-cert-secret X-Proxy-Secret $secret"
	echo 'client-cert-pass yes'
	echo "$proxy"
} >"$W/mgw.conf"
start_mgw
start_lighttpd
plain=$URL
cat >"$W/nginx.conf" <<-END
daemon off;
pid $W/nginx.pid;
error_log $W/nginx.log;
events {}
http {
	access_log off;
	client_body_temp_path $W/tmp;
	proxy_temp_path $W/tmp;
	fastcgi_temp_path $W/tmp;
	uwsgi_temp_path $W/tmp;
	scgi_temp_path $W/tmp;
	server {
		listen 127.0.0.1:$PROXY ssl;
		ssl_certificate $W/tls.pem;
		ssl_certificate_key $W/tls.key;
		ssl_client_certificate $W/clients.pem;
		ssl_verify_client optional;
		location / {
			proxy_pass $plain;
			proxy_set_header X-WSO2-CLIENT-CERTIFICATE
			    \$ssl_client_escaped_cert;
			proxy_set_header X-Proxy-Secret $secret;
		}
	}
}
END
nginx -e stderr -c "$W/nginx.conf" >>"$W/nginx.log" 2>&1 &
PIDS="$PIDS $!"
URL=https://127.0.0.1:$PROXY
wait_for 50 curl -sk -o /dev/null "$URL/" || fatal 'nginx does not start'

it 'TLS of nginx, its certificate in PEM'
get /certs/x -k --cert "$W/ada.pem" --key "$W/ada.key"
expect_status 200
expect_event '"subject":"CN=ada,O=Test"'
expect_body '-----BEGIN%20CERTIFICATE'
expect_no_body "$secret"
get /things/secret/x -k -H "$mine" --cert "$W/ada.pem" --key "$W/ada.key"
expect_status 200
refused 401 certificate-mismatch /certs/x -k --cert "$W/eve.pem" \
    --key "$W/eve.key"

it 'a client of nginx cannot send what nginx says'
refused 401 certificate-missing /certs/x -k
refused 401 certificate-missing /certs/x -k \
    -H "X-WSO2-CLIENT-CERTIFICATE: $(der ada)" \
    -H "X_WSO2_CLIENT_CERTIFICATE: $(der ada)"
refused 401 certificate-mismatch /certs/x -k --cert "$W/eve.pem" \
    --key "$W/eve.key" -H "X-WSO2-CLIENT-CERTIFICATE: $(der ada)" \
    -H "X_WSO2_CLIENT_CERTIFICATE: $(der ada)"

it 'past nginx the header is dropped, or refused'
URL=$plain
refused 401 certificate-untrusted /certs/x \
    -H "X-WSO2-CLIENT-CERTIFICATE: $(der ada)"
get /things/open/x -H "X-WSO2-CLIENT-CERTIFICATE: $(der ada)"
expect_status 200
expect_no_body 'x-wso2'
stop_lighttpd
done_testing
