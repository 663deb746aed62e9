#!/bin/sh
# TLS as a policy says it: an authority of our own, the name that the
# certificate must have, our own certificate, and what is said of a failure.
# The backend is a real nginx.
. tests/e2e/lib.sh

authority ours
authority theirs
authority clients
cert good ours DNS:backend.internal
cert theirs-good theirs DNS:backend.internal
cert mutual ours DNS:localhost
cert gate clients DNS:gate.internal
cert outsider theirs DNS:gate.internal

# Each port another server, that says how it was asked.
GOOD=$(free_port) FOREIGN=$(free_port) MUTUAL=$(free_port) OLD=$(free_port)
# server PORT CERTIFICATE MORE
server() {
	cat <<-END
	server {
		listen 127.0.0.1:$1 ssl;
		ssl_certificate $W/$2.pem;
		ssl_certificate_key $W/$2.key;
		ssl_protocols ${4:-TLSv1.2 TLSv1.3};
		$3
		location / {
			default_type text/plain;
			return 200 "sni=\$ssl_server_name host=\$http_host client=\$ssl_client_s_dn fine=\$ssl_client_verify tls=\$ssl_protocol\\n";
		}
	}
	END
}
verify="ssl_client_certificate $W/clients.pem; ssl_verify_client on;"
{
	server "$GOOD" good ''
	server "$FOREIGN" theirs-good ''
	server "$MUTUAL" mutual "$verify"
	server "$OLD" good 'ssl_ciphers ALL:@SECLEVEL=0;' TLSv1.1
} >"$W/servers.conf"
start_nginx "$W/servers.conf"

start_backend
policy
# endpoint NAME TEXT: an API of that name, whose endpoints are TEXT.
endpoint() {
	cat >"$W/$1.yaml" <<-END
	openapi: 3.0.3
	info: {title: $1, version: '1'}
	servers: [{url: 'https://things.example/$1'}]
	paths:
	  /x:
	    get: {security: [], responses: {'200': {description: fine}}}
	END
	sed -i "s#^apis:#&\n  $1.yaml: {endpoints: $2}#" "$W/mgw.yaml"
	ALL="$ALL $1.yaml"
}
ALL=''
at=https://127.0.0.1
tls='ca-file: ours.pem, name: backend.internal'
endpoint named "{urls: ['$at:$GOOD/'], tls: {$tls}}"
endpoint unnamed "{urls: ['$at:$GOOD/'], tls: {ca-file: ours.pem}}"
endpoint othername "{urls: ['$at:$GOOD/'], tls: {ca-file: ours.pem, name: other.internal}}"
endpoint foreign "{urls: ['$at:$FOREIGN/'], tls: {$tls}}"
endpoint system "{urls: ['$at:$GOOD/'], tls: {name: backend.internal}}"
endpoint old "{urls: ['$at:$OLD/'], tls: {$tls}}"
by="certificate: gate.pem, key: '\${file:gate.key}'"
endpoint mutual "{urls: ['https://localhost:$MUTUAL/'], tls: {ca-file: ours.pem, $by}}"
endpoint uncertified "{urls: ['https://localhost:$MUTUAL/'], tls: {ca-file: ours.pem}}"
endpoint two "{balance: failover, urls: [{url: '$at:$FOREIGN/', tls: {$tls}}, {url: '$at:$GOOD/', tls: {$tls}}]}"
# shellcheck disable=SC2086 # words are files
import mgw.yaml things.yaml down.yaml $ALL || fatal "$(cat "$W/import.out")"

it 'what is checked, shown and told'
"$O"/mgw --config "$W/mgw.conf" --check >"$W/body" 2>&1 ||
    wrong 'the check fails'
expect_body 'with our certificate'
"$O"/mgw-spec show "$W/mgw.bundle" >"$W/body"
expect_body '"tls_name": "backend.internal"'
expect_body '"client_certificate": true'
expect_body '"ca_file": "ours.pem"'
expect_no_body 'PRIVATE'

it 'files that others can change or read'
chmod 644 "$W/gate.key"
! "$O"/mgw --config "$W/mgw.conf" --check >"$W/body" 2>&1 ||
    wrong 'a key that others can read'
chmod 600 "$W/gate.key"
chmod 622 "$W/ours.pem"
! "$O"/mgw --config "$W/mgw.conf" --check >"$W/body" 2>&1 ||
    wrong 'an authority that others can write'
expect_body ours.pem
chmod 600 "$W/ours.pem"

start_mgw
for host in lighttpd apache; do
	start_$host
	it "the name and authority of the policy hold ($host)"
	get /named/x
	expect_status 200
	expect_body 'sni=backend.internal host=127.0.0.1'
	get /named/x
	expect_status 200

	it "another name or authority is no backend ($host)"
	for api in unnamed othername foreign system; do
		get /$api/x
		expect_status 502
		expect_reason upstream-connect
		expect_header Proxy-Status 'mgw; error=tls_certificate_error'
	done

	it "TLS before 1.2 is not spoken ($host)"
	get /old/x
	expect_status 502
	expect_header Proxy-Status 'mgw; error=tls_*'

	it "our certificate is shown where the policy says so ($host)"
	get /mutual/x
	expect_status 200
	expect_body 'fine=SUCCESS'
	get /uncertified/x
	# nginx answers what TLS 1.3 lets through.
	expect_status 400
	expect_no_body 'fine=SUCCESS'

	it "the next endpoint has the right certificate ($host)"
	get /two/x
	expect_status 200
	stop_$host
done

it 'a certificate that is replaced is shown at the next request'
start_lighttpd
cp "$W/outsider.pem" "$W/gate.new"
mv "$W/gate.new" "$W/gate.pem"
cp "$W/outsider.key" "$W/gate.new"
mv "$W/gate.new" "$W/gate.key"
refused() {
	get /mutual/x
	test "$STATUS" = 400
}
wait_for 50 refused || wrong "status $STATUS with the old certificate"
stop_lighttpd

# refused NAME TEXT MESSAGE: a policy that is not imported.
refuse() {
	it "refused: $1"
	cp "$W/mgw.yaml" "$W/try.yaml"
	sed -i "s#^  named.yaml:.*#  named.yaml: {endpoints: $2}#" "$W/try.yaml"
	# shellcheck disable=SC2086 # words are files
	! import try.yaml things.yaml down.yaml $ALL || wrong 'it is imported'
	cp "$W/import.out" "$W/body"
	expect_body "$3"
}
refuse 'a certificate without its key' \
    "{urls: ['$at:$GOOD/'], tls: {certificate: gate.pem}}" \
    'tls needs both certificate and key'
refuse 'a key in the policy' \
    "{urls: ['$at:$GOOD/'], tls: {certificate: gate.pem, key: abc}}" \
    'secret-inline'
refuse 'a name that is none' \
    "{urls: ['$at:$GOOD/'], tls: {name: 'a/b'}}" 'no host name'
refuse 'an unknown key' "{urls: ['$at:$GOOD/'], tls: {verify: false}}" \
    "unknown key 'verify'"
done_testing
