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

# An API for each kind of list, and one as WSO2 wants it.
serial=$(openssl x509 -in "$W/ada.pem" -noout -serial | cut -d= -f2)
api() { # api NAME OPENAPI [MORE AT THE ROOT]
	cat >"$W/$1.yaml" <<-END
	openapi: $2
	info: {title: $1, version: '1'}
	servers: [{url: https://x.example/$1}]
	$3
	paths:
	  /{do}:
	    get: {responses: {'200': {description: fine}}}
	END
}
cert_only='components: {securitySchemes: {cert: {type: mutualTLS}}}
security: [{cert: []}]'
for a in any sha serial subject name; do api $a 3.1.0 "$cert_only"; done
api scoped 3.1.0 'components: {securitySchemes: {cert: {type: mutualTLS}}}
security: [{cert: [read]}]'
api both 3.1.0 'components: {securitySchemes: {cert: {type: mutualTLS},
    token: {type: http, scheme: bearer}}}
security: [{token: [], cert: []}]'
api wso2 3.0.3 'x-wso2-mutual-ssl: mandatory'
api wso2open 3.0.3 'x-wso2-mutual-ssl: mandatory
x-wso2-disable-security: true'
api wso2opt 3.0.3 'x-wso2-mutual-ssl: optional'
{
	sed -n '1,/^schemes:/p' "$W/mgw.yaml" | sed '$d'
	echo 'certificates: any'
	echo 'apis:'
	echo "  things.yaml: {endpoints: ['$BACKEND/']}"
	for a in any both wso2 wso2open wso2opt; do
		echo "  $a.yaml: {endpoints: ['$BACKEND/']}"
	done
	for a in "sha {sha256: '$(openssl x509 -in "$W/ada.pem" -noout \
	    -fingerprint -sha256 | cut -d= -f2)', application: desk}" \
	    "serial {serial: '00$serial', issuer: CN=clients}" \
	    "subject {subject: 'CN=ada,O=Test', issuer: CN=clients}" \
	    'name {name: dns:ada.example}' \
	    'scoped {name: email:ada@clients.example, scopes: [read]}'; do
		echo "  ${a%% *}.yaml:"
		echo "    endpoints: ['$BACKEND/']"
		case ${a%% *} in
		scoped) eve=', {name: dns:eve.example, scopes: [write]}' ;;
		*) eve= ;;
		esac
		echo "    certificates: [${a#* }$eve]"
	done
	sed -n '/^tiers:/,/^apis:/p' "$W/mgw.yaml" | sed '$d'
} >"$W/certs.yaml"
it 'lists of certificates are imported, and shown'
import certs.yaml things.yaml any.yaml both.yaml wso2.yaml wso2open.yaml \
    wso2opt.yaml sha.yaml serial.yaml subject.yaml name.yaml scoped.yaml ||
    fatal "$(cat "$W/import.out")"
"$O"/mgw-spec show "$W/mgw.bundle" >"$W/body"
expect_body '"verifier": "mtls"'
expect_body '"certificates": "any"'
expect_body '"subject": "CN=ada,O=Test"'
"$O"/mgw-spec routes "$W/mgw.bundle" >"$W/body"
grep -q '/wso2/{do}.*default+mutual-ssl' "$W/body" || wrong 'no mutual-ssl'

it 'mandatory without a list is refused, as are lists that are none'
cp "$W/mgw.bundle" "$W/kept"
sed '/^certificates/d' "$W/certs.yaml" >"$W/no.yaml"
sed -i '/any.yaml\|both.yaml/d' "$W/no.yaml"
! import no.yaml things.yaml sha.yaml serial.yaml subject.yaml name.yaml \
    scoped.yaml wso2.yaml wso2open.yaml wso2opt.yaml || wrong 'imported'
cp "$W/import.out" "$W/body"
expect_body "'x-wso2-mutual-ssl' needs certificates"
for bad in '[]' all '[{}]' '[{sha256: ab}]' '[{serial: 1a}]' \
    '[{name: ada.example}]' '[{subject: CN=a, name: dns:a}]' \
    '[{subjects: CN=a}]' "[{sha256: '$(fingerprint ada)x'}]"; do
	echo "certificates: $bad" >"$W/bad.yaml"
	! "$O"/mgw-spec check -p "$W/bad.yaml" "$W/any.yaml" >"$W/body" 2>&1 ||
	    wrong "taken: $bad"
done
cmp -s "$W/kept" "$W/mgw.bundle" || wrong 'the bundle changed'
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

	for a in any sha serial subject name scoped wso2open; do
		it "a certificate is enough for API $a ($host)"
		get /$a/x -k $(with ada)
		expect_status 200
		expect_event '"subject":"CN=ada,O=Test"'
		expect_event '"issuer":"certificate:CN=clients"'
		get /$a/x -k
		expect_status 401
		expect_reason certificate-missing
		expect_header WWW-Authenticate 'MutualTLS realm="mgw"'
		get /$a/x -k -H "$(bearer "$(token)")" \
		    -H 'SSL-Client-Verify: SUCCESS' -H 'Client-Cert: :x:' \
		    -H 'X-WSO2-CLIENT-CERTIFICATE: x'
		expect_status 401
	done
	for a in sha serial subject name; do
		it "another certificate is not, for API $a ($host)"
		get /$a/x -k $(with eve)
		expect_status 401
		expect_reason certificate-mismatch
	done
	it "a certificate has the scopes of its entry ($host)"
	get /scoped/x -k $(with eve)
	expect_status 403
	expect_reason scope-missing

	for a in both wso2; do
		it "API $a wants a token and a certificate ($host)"
		get /$a/x -k -H "$(bearer "$(token)")" $(with ada)
		expect_status 200
		expect_event '"subject":"ada"'
		get /$a/x -k -H "$(bearer "$(token)")"
		expect_status 401
		expect_reason certificate-missing
		get /$a/x -k $(with ada)
		expect_status 401
		expect_reason credential-missing
	done
	it "an optional certificate is not asked for ($host)"
	get /wso2opt/x -k -H "$(bearer "$(token)")"
	expect_status 200
	get /wso2opt/x -k $(with ada)
	expect_status 401

	it "a certificate is revoked, and tokens bound to it ($host)"
	"$O/mgw-token" revoke --state "$W/state" \
	    --certificate "$(fingerprint ada)" || wrong 'not revoked'
	get /any/x -k $(with ada)
	expect_status 401
	expect_reason revoked
	get /things/secret/x -k -H "$(bearer "$mine")" $(with ada)
	expect_status 401
	expect_reason revoked
	get /any/x -k $(with eve)
	expect_status 200
	"$O/mgw-token" revoke --state "$W/state" --remove \
	    --certificate "$(fingerprint ada)" || wrong 'not taken back'
	get /any/x -k $(with ada)
	expect_status 200

	it "without TLS there is no certificate ($host)"
	URL=$plain
	get /any/x
	expect_status 401
	expect_reason certificate-missing
	get /things/secret/x -H "$(bearer "$mine")"
	expect_status 401
	expect_reason certificate-missing
	stop_$host
done
done_testing
