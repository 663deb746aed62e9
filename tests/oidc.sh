#!/bin/sh
# oidc.sh TARGET - the authorization server of tests/e2e/test_oauth.sh, in
# TARGET's folder: oidc-provider from npm, installed once.
#
# Without node, npm or its registry there is none, which is no error: the
# test says so and is skipped.
set -u
package=oidc-provider@8.8.1
folder=${1%/*}
umask 022

if ! test -d "$folder/node_modules/oidc-provider"; then
	command -v node >/dev/null && command -v npm >/dev/null || exit 0
	echo "npm install $package"
	rm -rf "$folder.new"
	mkdir -p "$folder.new"
	if ! timeout 90 npm install --prefix "$folder.new" --no-audit \
	    --no-fund --ignore-scripts --loglevel=error --fetch-retries=0 \
	    --fetch-timeout=20000 "$package" >/dev/null 2>&1; then
		rm -rf "$folder.new"
		exit 0
	fi
	rm -rf "$folder"
	mv "$folder.new" "$folder"
fi
cp tests/e2e/oidc.mjs "$1"
