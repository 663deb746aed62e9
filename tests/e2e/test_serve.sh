#!/bin/sh
# mgw-spec serve, and the configuration that mgw-spec host prints, run.
. tests/e2e/lib.sh
start_backend
policy

# served OPTIONS...: mgw-spec serve; $URL when it says so.
served() {
	rm -f "$W/serve.out"
	(cd "$W" && exec "$O"/mgw-spec serve "$@") >"$W/serve.out" \
	    2>"$W/serve.log" &
	SERVE=$!
	PIDS="$PIDS $SERVE"
	wait_for 100 grep -q guarded "$W/serve.out" ||
	    wrong "serve says: $(cat "$W/serve.log")"
	URL=$(sed -n 's|^\(http://[^ ]*\)/ is guarded.*|\1|p' "$W/serve.out")
	wait_for 50 answers "$URL/" || wrong 'nobody answers'
}

# All that serve started, and its folder, must have gone.
end_serve() {
	pids=$(children "$SERVE")
	test "$(echo "$pids" | wc -w)" -eq 2 || wrong "children: $pids"
	stop "$SERVE" || wrong 'serve does not end'
	for p in $pids; do gone "$p" || wrong "$p outlived serve"; done
	test -z "$(find "${TMPDIR:-/tmp}" -maxdepth 1 -user "$(id -u)" \
	    -name 'mgw-serve-*' -newer "$W/keys.db")" || wrong 'its folder stays'
}

it 'serve guards documents and shows every step'
served -p mgw.yaml things.yaml down.yaml
get /things/open/x
expect_status 200
expect_body '"target":"/open/x"'
get /things/secret/x
expect_status 401
expect_body '"reason":"credential-missing"'
get /things/secret/x -H "$(bearer "$(token)")"
expect_status 200
get /nowhere
expect_status 404
grep -q credential-missing "$W/serve.log" "$W/serve.out" ||
    wrong 'the steps are not shown'
! grep -q eyJ "$W/serve.log" "$W/serve.out" || wrong 'a token is shown'
end_serve

it 'serve guards one document with nothing but a backend'
cat >"$W/own.yaml" <<-END
openapi: 3.0.3
info: {title: Own, version: '1'}
paths:
  /x: {get: {responses: {'200': {description: fine}}}}
END
served --backend "$BACKEND/" --base-path /own own.yaml
get /own/x
expect_status 200
end_serve

it 'serve guards a bundle, at the port that is asked for'
port=$(free_port)
served --port "$port" mgw.bundle
test "$URL" = "http://127.0.0.1:$port" || wrong "at $URL"
get /things/open/x
expect_status 200
end_serve

it 'serve tells what is wrong with a document, and ends'
echo 'openapi: 3.0.3' >"$W/broken.yaml"
(cd "$W" && timeout 10 "$O"/mgw-spec serve broken.yaml) >"$W/body" 2>&1
test $? -eq 1 || wrong 'not exit 1'
expect_body 'broken.yaml:'

start_mgw
it 'host lighttpd: only the base paths are guarded, the site goes on'
"$O"/mgw-spec host --socket "$SOCKET" lighttpd "$W/mgw.bundle" \
    >"$W/host.conf" || wrong 'exit'
PORT=$(free_port)
URL=http://127.0.0.1:$PORT
mkdir -p "$W/htdocs" "$W/tmp"
echo 'the site' >"$W/htdocs/index.html"
cat >"$W/lighttpd.conf" <<-END
server.document-root = "$W/htdocs"
server.bind = "127.0.0.1"
server.port = $PORT
server.upload-dirs = ( "$W/tmp" )
server.errorlog = "$W/lighttpd.log"
index-file.names = ( "index.html" )
server.modules += ( "mod_indexfile" )
include "$W/host.conf"
END
lighttpd -D -f "$W/lighttpd.conf" >>"$W/lighttpd.log" 2>&1 &
LIGHTTPD_PID=$!
PIDS="$PIDS $LIGHTTPD_PID"
wait_for 100 answers "$URL/" || wrong 'lighttpd does not start'

site() {
	get /things/open/x
	expect_status 200
	expect_body '"target":"/open/x"'
	get /things/secret/x -H "$(bearer "$(token)")"
	expect_status 200
	get /things/nothing
	expect_status 404
	expect_reason no-route
	get /things/open/x%2fy
	expect_status 400
	expect_reason path-ambiguous
	get /thingsother/x
	expect_status 404
	expect_no_body reason
	get /index.html
	expect_status 200
	expect_body 'the site'
}
site
# No spelling of a base path is served by anybody else.
mkdir -p "$W/htdocs/things/open"
echo leaked >"$W/htdocs/things/open/file"
for path in /things/open/file /%74hings/open/file //things/open/file \
    /./things/open/file /x/../things/open/file /things%2fopen/file; do
	get "$path"
	expect_no_body leaked
done
stop_lighttpd

it 'host apache: only the base paths are guarded, the site goes on'
"$O"/mgw-spec host --socket "$SOCKET" apache "$W/mgw.bundle" \
    >"$W/host.conf" || wrong 'exit'
MOUNT=/unused-mount
APACHE_MORE="Include $W/host.conf"
start_apache
rm -rf "$W/htdocs/things"
site
mkdir -p "$W/htdocs/things/open"
echo leaked >"$W/htdocs/things/open/file"
for path in /things/open/file /%74hings/open/file //things/open/file \
    /./things/open/file /x/../things/open/file /things%2fopen/file; do
	get "$path"
	expect_no_body leaked
done
stop_apache

it 'host htaccess: a folder of a shared host'
mkdir -p "$W/htdocs"
rm -rf "$W/htdocs/things"
"$O"/mgw-spec host htaccess "$W/mgw.bundle" >"$W/htdocs/.htaccess" ||
    wrong 'exit'
printf '#!/bin/sh\nMGW_CONF="%s" exec "%s"\n' "$W/mgw.conf" "$O/mgw" \
    >"$W/htdocs/mgw.cgi"
chmod 755 "$W" "$W/htdocs" "$W/htdocs/mgw.cgi"
chmod 644 "$W/htdocs/.htaccess" "$W/htdocs/index.html"
APACHE_MORE="
<Directory $W/htdocs>
	AllowOverride AuthConfig FileInfo Indexes Options
	Require all granted
</Directory>"
start_apache
site
stop_apache
stop_mgw

# place HOST ESCAPED: for a base path like that.
place() {
	cat >"$W/place.yaml" <<-END
	openapi: 3.0.3
	info: {title: place, version: '1'}
	servers: [{url: /b$2}]
	paths: {/p: {get: {security: [], responses: {'200': {description: fine}}}}}
	END
	"$O"/mgw-spec import --replace --backend "$BACKEND" -o "$W/place.bundle" \
	    "$W/place.yaml" >"$W/import.out" 2>&1 ||
	    wrong "$2 is not imported: $(cat "$W/import.out")"
	"$O"/mgw-spec host "$1" "$W/place.bundle" >"$W/body" 2>"$W/place.err"
}
it 'host: a path that would end its quotes, or mean others'
for host in lighttpd apache htaccess; do
	for c in %22 %22%20x %5Ea; do
		! place $host $c || wrong "$host says $c"
		test ! -s "$W/body" || wrong "$host prints $c"
		grep -qF "/b${c%%%20*}" "$W/place.err" || wrong "$(cat "$W/place.err")"
	done
done
for c in %2A %3F '%5B12%5D' '%24%7BHOME%7D'; do
	! place apache "$c" || wrong "apache says $c"
	place lighttpd "$c" || wrong "lighttpd does not say $c"
done
place apache .b || wrong 'a plain path is refused'
done_testing
