#!/bin/sh
# Client certificates through TLS of real web servers, and tokens that are
# bound to one (RFC 8705).
. tests/e2e/lib.sh

# authority NAME; cert NAME AUTHORITY [MORE OF THE EXTENSIONS]
authority() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
	    -keyout "$W/$1.key" -out "$W/$1.pem" -subj "/CN=$1" -days 2 \
	    2>/dev/null
}
cert() {
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
	    -keyout "$W/$1.key" -out "$W/$1.csr" -subj "/O=Test/CN=$1" \
	    2>/dev/null
	echo "subjectAltName=DNS:$1.example,email:$1@clients.example" >"$W/ext"
	openssl x509 -req -in "$W/$1.csr" -CA "$W/$2.pem" \
	    -CAkey "$W/$2.key" -days 2 -extfile "$W/ext" -CAcreateserial \
	    -out "$W/$1.pem" 2>/dev/null
}
# As RFC 8705 names a certificate, and as those who misread it do.
thumbprint() {
	openssl x509 -in "$W/$1.pem" -outform DER | openssl sha256 -binary |
	    base64 | tr '+/' -_ | tr -d '='
}
fingerprint() {
	openssl x509 -in "$W/$1.pem" -outform DER | sha256sum | cut -d' ' -f1
}
bound() {
	token "\"cnf\":{\"x5t#S256\":\"$1\"}"
}
with() {
	echo "--cert $W/$1.pem --key $W/$1.key"
}

start_backend
policy
authority clients
authority strangers
authority tls
cert ada clients
cert eve clients
cert mallory strangers
start_mgw
mine=$(bound "$(thumbprint ada)")

it 'explain takes the certificate from a file'
"$O"/mgw-spec explain -H "Authorization: Bearer $mine" \
    -s SSL_CLIENT_VERIFY=SUCCESS -s "SSL_CLIENT_CERT=@$W/ada.pem" \
    "$W/mgw.bundle" GET https://x/things/secret/x >"$W/body" ||
    wrong "$(cat "$W/body")"
for more in '-s SSL_CLIENT_VERIFY=GENEROUS' '-s SSL_CLIENT_VERIFY=success' \
    '-s SSL_CLIENT_VERIFY=FAILED:x' '-s SSL_CLIENT_VERIFY=NONE' ''; do
	# shellcheck disable=SC2086 # words
	! "$O"/mgw-spec explain -H "Authorization: Bearer $mine" $more \
	    -s "SSL_CLIENT_CERT=@$W/ada.pem" -H 'Client-Cert: :x:' \
	    -H 'SSL-Client-Verify: SUCCESS' -H 'SSL_CLIENT_VERIFY: SUCCESS' \
	    "$W/mgw.bundle" GET https://x/things/secret/x >"$W/body" ||
	    wrong "allowed with '$more'"
	case $more in
	'' | *NONE) reason=certificate-missing ;;
	*) reason=certificate-untrusted ;;
	esac
	expect_body "refused: $reason"
done

# denied WHAT REASON [CURL OPTIONS...]
denied() {
	it "$1: $2 ($host)"
	reason=$2
	shift 2
	get /things/secret/x -k "$@"
	expect_status 401
	expect_reason "$reason"
	expect_header WWW-Authenticate '*Bearer*error="invalid_token"*'
}

TLS=$(free_port)
LIGHTTPD_MORE="
var.mgw_tls_port = \"$TLS\"
var.mgw_tls_cert = \"$W/tls.pem\"
var.mgw_tls_key = \"$W/tls.key\"
var.mgw_client_ca = \"$W/clients.pem\"
include \"$ROOT/lighttpd/tls.conf\"
include \"$ROOT/lighttpd/client-cert.conf\""
APACHE_MORE="
Define MGW_TLS_PORT $TLS
Define MGW_TLS_CERT $W/tls.pem
Define MGW_TLS_KEY $W/tls.key
Define MGW_CLIENT_CA $W/clients.pem
Include $ROOT/apache/tls.conf
Include $ROOT/apache/client-cert.conf"
# shellcheck disable=SC2046 # two options each
for host in lighttpd apache; do
	start_$host
	plain=$URL
	URL=https://127.0.0.1:$TLS

	it "a bound token is good with its certificate ($host)"
	for n in 1 2; do
		get /things/secret/x -k -H "$(bearer "$mine")" $(with ada)
		expect_status 200
	done
	expect_no_body "$(sed -n 2p "$W/ada.pem")"

	it "a token that is not bound needs no certificate ($host)"
	get /things/secret/x -k -H "$(bearer "$(token)")"
	expect_status 200
	get /things/secret/x -k -H "$(bearer "$(token)")" $(with eve)
	expect_status 200

	denied 'a bound token without a certificate' certificate-missing \
	    -H "$(bearer "$mine")"
	denied 'a bound token with a header for a certificate' \
	    certificate-missing -H "$(bearer "$mine")" \
	    -H 'SSL-Client-Verify: SUCCESS' \
	    -H "Client-Cert: :$(sed 1d "$W/ada.pem" | grep -v END |
		tr -d '\n'):"
	denied 'a bound token with the certificate of another' \
	    certificate-mismatch -H "$(bearer "$mine")" $(with eve)
	denied 'a token bound by hexadecimal digits' certificate-mismatch \
	    -H "$(bearer "$(bound "$(fingerprint ada)")")" $(with ada)
	expect_body 'perhaps hexadecimal'
	denied 'a token bound to a key of another kind' wrong-type \
	    -H "$(bearer "$(token '"cnf":{"jkt":"x"}')")" $(with ada)
	denied 'a token bound to something unknown' wrong-type \
	    -H "$(bearer "$(token '"cnf":{"else":"x"}')")" $(with ada)

	it "a certificate of strangers never gets in ($host)"
	get /things/secret/x -k -H "$(bearer \
	    "$(bound "$(thumbprint mallory)")")" $(with mallory)
	test "$STATUS" != 200 || wrong 'it did'

	it "without TLS there is no certificate ($host)"
	URL=$plain
	get /things/secret/x -H "$(bearer "$mine")"
	expect_status 401
	expect_reason certificate-missing
	stop_$host
done
done_testing
