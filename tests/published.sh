#!/bin/sh
# Documents that others published: each imports, or is refused for the
# reason in this table.  They are no part of mgw; without them the test is
# skipped.
set -u
data=../shared/data
test -d $data/openapi-examples || exit 77
O=$(cd "${O:-build}" && pwd)
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM
bad=0
seen=$tmp/seen
: >"$seen"

wrong() {
	echo "$1: $2"
	sed 's/^/	/' "$tmp/out" "$tmp/err"
	bad=1
}

# good FILE OPERATIONS PUBLIC [OPTION...]
good() {
	file=$1 want="$2 operations $3 public"
	shift 3
	echo "$file" >>"$seen"
	rm -f "$tmp/b"
	"$O/mgw-spec" import -o "$tmp/b" "$@" "$data/$file" \
	    >"$tmp/out" 2>"$tmp/err" || { wrong "$file" refused; return; }
	got=$(awk -F'\t' '{ print $4, $5 }' "$tmp/out" |
	    sed 's/operation /operations /')
	test "$got" = "$want" || wrong "$file" "$got, not $want"
}

# refused FILE TEXT [OPTION...]: one of the errors has the text.
refused() {
	file=$1 text=$2
	shift 2
	echo "$file" >>"$seen"
	rm -f "$tmp/b"
	"$O/mgw-spec" import -o "$tmp/b" "$@" "$data/$file" \
	    >"$tmp/out" 2>"$tmp/err"
	code=$?
	test $code -eq 1 || wrong "$file" "exit $code"
	grep -q "error: .*$text" "$tmp/err" || wrong "$file" "no '$text'"
	test ! -e "$tmp/b" || wrong "$file" "a bundle was written"
}

for e in json yaml; do
	v2=openapi-examples/v2.0/$e
	good $v2/api-with-examples.$e 2 2
	good $v2/petstore.$e 3 3
	good $v2/petstore-expanded.$e 4 4
	good $v2/petstore-minimal.$e 1 1
	good $v2/petstore-separate/spec/swagger.$e 4 4
	good $v2/petstore-simple.$e 4 4
	good $v2/petstore-with-external-docs.$e 4 4
	# Parts of a document are not documents.
	refused $v2/petstore-separate/common/Error.$e openapi-version
	refused $v2/petstore-separate/spec/NewPet.$e openapi-version
	refused $v2/petstore-separate/spec/Pet.$e openapi-version
	refused $v2/petstore-separate/spec/parameters.$e openapi-version

	v3=openapi-examples/v3.0
	good $v3/api-with-examples.$e 2 2
	good $v3/callback-example.$e 1 1
	good $v3/link-example.$e 6 6
	good $v3/petstore.$e 3 3
	good $v3/petstore-expanded.$e 4 4
	good $v3/uspto.$e 3 3

	good openapi-examples/v3.1/non-oauth-scopes.$e 1 0
	good openapi-examples/v3.1/tictactoe.$e 3 0
	good openapi-examples/v3.1/webhook-example.$e 0 0
	good openapi-examples/v3.2/3.2-tags-example.$e 4 4
done
# The YAML form secures one operation, the JSON form none.
good openapi-examples/v2.0/json/uber.json 5 5
good openapi-examples/v2.0/yaml/uber.yaml 5 4

w=wso2-samples
echo "tiers-file: $(pwd)/$data/$w/policies.yaml" >"$tmp/mgw.yaml"
good $w/cors_sample.yaml 2 0
good $w/endpoint_by_reference_sample.yaml 2 0
echo 'apis: {interceptors_sample.yaml: {interceptors: drop}}' >"$tmp/drop.yaml"
good $w/interceptors_sample.yaml 2 0 -p "$tmp/drop.yaml"
refused $w/interceptors_sample.yaml 'names code, which is not run'
good $w/per_resource_endpoint.yaml 2 0
good $w/petstore_basic.yaml 2 0
good $w/petstore_swagger3.yaml 20 11
good $w/petstore_v3.yaml 2 0
good $w/policies_sample.yaml 2 0 -p "$tmp/mgw.yaml"
refused $w/policies_sample.yaml "tier '10kPerMin' is not known"
good $w/security_sample.yaml 2 0
refused $w/policies.yaml openapi-version

for file in $(cd $data && find openapi-examples wso2-samples \
    -name '*.json' -o -name '*.yaml'); do
	grep -qxF "$file" "$seen" || { echo "not in the table: $file"; bad=1; }
done
exit $bad
