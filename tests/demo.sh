#!/bin/sh
# See it work: the documents of examples/ behind a lighttpd on loopback,
# with a backend that echoes what reaches it.  KEEP=1 leaves all running
# until it is interrupted.
set -u
export O="${O:-build}"
if [ "${DEMO_STAGED:-}" != 1 ]; then
	. tests/stage.sh
	stage_make
	# Ctrl-C is for the script inside; here it only ends the waiting.
	trap : INT
	DEMO_STAGED=1 KEEP=${KEEP:-} stage_run tests/demo.sh
	exit
fi
. tests/e2e/lib.sh

bold='' dim='' plain=''
if [ -t 1 ]; then
	bold=$(printf '\033[1m') dim=$(printf '\033[2m')
	plain=$(printf '\033[0m')
fi
failures=0

say() {
	printf '\n%s%s%s\n' "$bold" "$*" "$plain"
}

# A command as it could be typed.
typed() {
	line='$'
	for word in "$@"; do
		case $word in
		*[!A-Za-z0-9:/._@=-]*) line="$line '$word'" ;;
		*) line="$line $word" ;;
		esac
	done
	printf '%s%s%s\n' "$dim" "$line" "$plain"
}

# try EXPECTED-STATUS CURL-ARGUMENTS...: show the command, run it, show
# the status, the headers that matter here, and the body.
try() {
	expected=$1
	shift
	typed curl -i "$@"
	curl -sS -i --max-time 20 "$@" | tr -d '\r' >"$W/answer"
	grep -aE '^(HTTP|Allow|WWW-Auth|Retry-After|RateLimit)' "$W/answer"
	sed '1,/^$/d' "$W/answer" | cut -c 1-300
	echo
	case $(head -n 1 "$W/answer") in
	*" $expected"*) ;;
	*)
		failures=$((failures + 1))
		echo "demo: expected $expected"
		tail -n 5 "$W"/*.log ;;
	esac
}

shown() { # a command, as it is typed and then run
	typed "$@"
	"$@"
}

export PATH="$O:$PATH"
D=$W/demo
mkdir -m 700 "$D"
cp -R examples/. "$D"
start_backend
say 'Import two OpenAPI documents and their policy into one bundle'
openssl ecparam -name prime256v1 -genkey -noout -out "$D/id.pem"
mgw-token jwks "$D/id.pem" >"$D/id.jwks.json" || failures=$((failures + 1))
sed -i "s|http://127.0.0.1:9000|$BACKEND|" "$D/mgw.yaml"
cd "$D" || exit 2
key=$(mgw-key new --file keys.db --owner ada --application reading-room) ||
    failures=$((failures + 1))
shown mgw-spec import -o mgw.bundle -p mgw.yaml books.yaml weather.json ||
    failures=$((failures + 1))
say 'What is in it: method, path, operation, what it asks for'
shown mgw-spec routes mgw.bundle
now=$(date +%s)
claims() {
	echo "{\"iss\":\"https://id.library.example/\",\"aud\":\"books\"," \
	    "\"sub\":\"ada\",\"iat\":$now,\"exp\":$((now + 3600))," \
	    "\"scope\":\"$1\"}"
}
token=$(mgw-token sign --key id.pem --claims "$(claims loans:read)") ||
    failures=$((failures + 1))
printf 'bundle mgw.bundle\nstate state\n' >mgw.conf
cp mgw.conf "$W/mgw.conf"
sed -i "s|bundle |bundle $D/|; s|state |state $D/|" "$W/mgw.conf"
cd "$ROOT" || exit 2
start_mgw
start_lighttpd
EVENTS=$D/state/events.log
rm -f "$EVENTS"
b=$URL/books/v1

say 'A public operation is answered by the backend'
try 200 "$b/books"
say 'A secured one is refused without a credential'
try 401 "$b/books/9780131103627"
say 'An API key opens it'
try 200 -H "X-API-Key: $key" "$b/books/9780131103627"
say 'So does a signed token with the right scope'
try 200 -H "Authorization: Bearer $token" "$b/books/9780131103627/loan"
say 'The same token lacks the scope to lend a book'
try 403 -X PUT -H "Authorization: Bearer $token" \
    -H 'Content-Type: application/json' -d '{"reader":"ada"}' \
    "$b/books/9780131103627/loan"
say 'Three requests a minute, and the fourth is refused'
for i in 1 2 3; do
	curl -s -o /dev/null -w "$i: %{http_code}\n" "$URL/weather/v2/now/riga"
done
try 429 "$URL/weather/v2/now/riga"
say 'There is no such path'
try 404 "$b/shelves"
say 'There is no such method there'
try 405 -X DELETE "$b/books"
say 'Why was that refused?  The same code tells, offline'
cd "$D" || exit 2
shown mgw-spec explain mgw.bundle PUT /books/v1/books/9780131103627/loan \
    -H "Authorization: Bearer $token"
test $? -eq 1 || failures=$((failures + 1))
cd "$ROOT" || exit 2
say 'What was written down: a line a request'
shown tail -n 20 "$EVENTS"

if [ "${KEEP:-}" = 1 ]; then
	say "All stays up at $URL until you press Ctrl-C.  Files: $D"
	trap 'exit 0' INT TERM
	while running "$LIGHTTPD_PID"; do sleep 1; done
fi
test "$failures" -eq 0 || say "demo: $failures things were not as they should be"
# lib.sh stops what was started.
exit "$((failures > 0))"
