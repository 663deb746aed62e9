#!/bin/sh
# Import the documents of examples/ and compare their routes with what is
# written in tests/golden; check third-party documents where they are.
set -eu
O=$(cd "${O:-build}" && pwd)
root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
bad=0

# routes NAME FOLDER DOCUMENT...
routes() {
	name=$1
	cd "$root/examples/$2"
	shift 2
	"$O/mgw-spec" import -o "$work/$name" -p mgw.yaml "$@" \
	    >"$work/out" 2>&1 || { cat "$work/out"; bad=1; return; }
	"$O/mgw-spec" routes "$work/$name" |
	    diff "$root/tests/golden/$name.routes" - || bad=1
	# Equal input gives equal bytes.
	"$O/mgw-spec" import -o "$work/again" -p mgw.yaml "$@" \
	    >/dev/null 2>&1 || bad=1
	cmp "$work/$name" "$work/again" || bad=1
	rm -f "$work/again"
}

routes library . books.yaml weather.json
routes shop shop pets.yaml orders.json parcels/parcels.yaml
routes wso2 wso2 store.yaml

# All of them are right, so none may be refused.
data=$root/../shared/data
for f in "$data"/openapi-examples/v*/*.* "$data"/openapi-examples/v2.0/*/*.* \
    "$data"/openapi-examples/v2.0/*/*/spec/swagger.* \
    "$data"/wso2-samples/*_sample.yaml; do
	test -f "$f" || { echo "skipped: ${f#"$data"/}"; continue; }
	# These need an mgw.yaml; tests/published.sh has one for each.
	case $f in */policies_sample.yaml | */interceptors_sample.yaml) continue ;; esac
	"$O/mgw-spec" check "$f" >"$work/out" 2>&1 && continue
	cat "$work/out"
	bad=1
done
exit $bad
