#!/bin/sh
# A shared host: Apache runs mgw as CGI through apache/htaccess, with the
# little environment that suexec leaves; state and policy in a folder of
# the user's own.
. tests/e2e/lib.sh
start_backend
policy
mkdir -p "$W/htdocs/api" "$W/home"
printf 'strip-prefix /api\n' >>"$W/mgw.conf"
cp apache/htaccess "$W/htdocs/api/.htaccess"

# The user's mgw.cgi where ~/.mgw cannot be used, as in this test, whose
# user may have no home: a script of two lines.  env -i stands for suexec,
# which hands on HTTP_* and a short list only.
cat >"$W/htdocs/api/mgw.cgi" <<-END
#!/usr/bin/perl
my @keep = grep { /^HTTP_/ || /^(CONTENT_LENGTH|CONTENT_TYPE|DOCUMENT_ROOT|DOCUMENT_URI|GATEWAY_INTERFACE|HTTPS|PATH_INFO|PATH_TRANSLATED|QUERY_STRING|REMOTE_ADDR|REMOTE_HOST|REMOTE_IDENT|REMOTE_PORT|REMOTE_USER|REDIRECT_(ERROR_NOTES|HANDLER|QUERY_STRING|REMOTE_USER|SCRIPT_FILENAME|STATUS|URL)|REQUEST_METHOD|REQUEST_URI|REQUEST_SCHEME|SCRIPT_FILENAME|SCRIPT_NAME|SCRIPT_URI|SCRIPT_URL|SERVER_.*|UNIQUE_ID|USER_NAME|TZ)\$/ } keys %ENV;
my %few = map { \$_ => \$ENV{\$_} } @keep;
%ENV = (%few, PATH => "/usr/bin:/bin", MGW_CONF => "$W/mgw.conf");
exec "$O/mgw", @ARGV;
END
chmod 755 "$W/htdocs" "$W/htdocs/api" "$W/htdocs/api/mgw.cgi"
chmod 755 "$W"
APACHE_MORE="
<Directory $W/htdocs>
	AllowOverride AuthConfig FileInfo Indexes Options
	Require all granted
</Directory>"
SOCKET=$W/none.sock
MOUNT=/fastcgi
start_apache

it 'a public operation is answered'
get /api/things/open/x
expect_status 200
expect_body '"target":"/open/x"'

it 'a token reaches mgw and is checked'
get /api/things/secret/x
expect_status 401
expect_reason credential-missing
get /api/things/secret/x -H "$(bearer "$(token)")"
expect_status 200

it 'an API key is checked'
get /api/things/keyed/x -H "X-API-Key: $KEY"
expect_status 200

it 'a body goes through, known length or chunked'
head -c 100000 /dev/zero >"$W/100k"
get /api/things/open/x --data-binary @"$W/100k"
expect_body '"body_bytes":100000'
get /api/things/open/x --data-binary @"$W/100k" \
    -H 'Transfer-Encoding: chunked'
expect_body '"body_bytes":100000'

it 'limits are counted across processes'
for i in 1 2 3; do get /api/things/quota/x; done
expect_status 429
expect_reason quota-exceeded

it 'ten at once take exactly what is allowed'
for i in 1 2 3 4 5 6 7 8 9 10; do
	curl -s -o /dev/null -w '%{http_code}\n' "$URL/api/things/rated/x" \
	    >"$W/at-once.$i" &
	waits="${waits:-} $!"
done
# shellcheck disable=SC2086 # one word each
wait $waits
test "$(cat "$W"/at-once.* | grep -c 200)" -eq 2 ||
    wrong "$(cat "$W"/at-once.* | sort | uniq -c | tr '\n' ' ')"

it 'a query is no command line'
get '/api/mgw.cgi?--help'
expect_no_body Usage
expect_no_body usage
get '/api/mgw.cgi?--bundle+/etc/passwd'
expect_no_body /etc/passwd
get '/api/things/open/x?--version'
expect_status 200
expect_body '"target":"/open/x?--version"'

it 'neither the program nor .htaccess is served'
get /api/.htaccess
expect_no_body RewriteEngine
get /api/mgw.cgi
expect_no_body ELF
expect_no_body 'exec '

it 'a backend that answers 200 with Location makes Apache serve no file'
echo secret-file >"$W/htdocs/secret.txt"
get /api/things/open/location-only
expect_no_body secret-file

it 'a refusal has its status, a proxied answer its own'
get /api/things/open/status/418
expect_status 418
get /api/nothing
expect_status 404
expect_reason no-route

it 'HEAD has no body'
get /api/things/open/bytes/100 -I
expect_status 200

it 'files below the document root are refused'
mkdir "$W/htdocs/state"
cp "$W/mgw.bundle" "$W/htdocs/mgw.bundle"
sed -i "s|^bundle .*|bundle $W/htdocs/mgw.bundle|" "$W/mgw.conf"
get /api/things/open/x
expect_status 503
grep -qi 'document' "$W/apache.log" || wrong 'the log does not say why'
stop_apache
done_testing
