#!/bin/sh
# nginx as the backend: files, ranges, uploads in all framings, an early
# answer, connections that it closes, and a reload under load.
. tests/e2e/lib.sh
start_backend
policy
PORT_N=$(free_port)
mkdir -p "$W/www" "$W/ntmp"
"$O/tests/e2e/pattern" write 5000000 >"$W/www/big"
echo small >"$W/www/small"
cat >"$W/nginx.conf" <<-END
daemon off;
worker_processes 2;
pid $W/nginx.pid;
error_log $W/nginx.log;
events { worker_connections 512; }
http {
	access_log $W/nginx.requests;
	client_body_temp_path $W/ntmp;
	proxy_temp_path $W/ntmp;
	fastcgi_temp_path $W/ntmp;
	uwsgi_temp_path $W/ntmp;
	scgi_temp_path $W/ntmp;
	client_max_body_size 1m;
	keepalive_requests 7;
	large_client_header_buffers 4 32k;
	server {
		listen 127.0.0.1:$PORT_N;
		root $W/www;
		location /open/ {
			rewrite ^/open/f-(.*)\$ /\$1 break;
			proxy_pass_request_headers on;
		}
		location /open/echo {
			# The body has to be read for this.
			proxy_pass $BACKEND;
			proxy_http_version 1.1;
			proxy_set_header Connection "";
		}
		location /open/early { return 403 "no\n"; }
		location /open/moved { return 301 http://other.example/x; }
		location /open/own { return 200 "own \$request_uri\n"; }
		location /open/cookies {
			add_header Set-Cookie a=1;
			add_header Set-Cookie b=2;
			return 204;
		}
	}
}
END
nginx -e stderr -c "$W/nginx.conf" >>"$W/nginx.log" 2>&1 &
NGINX_PID=$!
PIDS="$PIDS $NGINX_PID"
wait_for 50 curl -s -o /dev/null "http://127.0.0.1:$PORT_N/" ||
    fatal 'nginx does not start'
sed -i "s|things.yaml: {.*|things.yaml: {endpoints: ['http://127.0.0.1:$PORT_N/']}|" \
    "$W/mgw.yaml"
import || fatal "$(cat "$W/import.out")"
head -c 900000 /dev/zero | tr '\0' a >"$W/900k"
head -c 3000000 /dev/zero | tr '\0' a >"$W/3M"
start_mgw

for host in lighttpd apache; do
	start_$host
	it "a file comes whole, in part, and not at all ($host)"
	get /things/open/f-big
	expect_status 200
	cmp -s "$W/body" "$W/www/big" || wrong 'differs'
	etag=$(header ETag)
	get /things/open/f-big -H 'Range: bytes=1000-1999'
	expect_status 206
	expect_header Content-Range 'bytes 1000-1999/5000000'
	test "$(wc -c <"$W/body")" -eq 1000 || wrong 'not 1000 bytes'
	get /things/open/f-big -H 'Range: bytes=9000000-'
	expect_status 416
	get /things/open/f-big -H "If-None-Match: $etag"
	expect_status 304
	test ! -s "$W/body" || wrong 'a body with 304'
	get /things/open/f-big -I
	expect_status 200
	expect_header Content-Length 5000000
	get /things/open/f-none
	expect_status 404

	it "uploads come whole, in both framings ($host)"
	get /things/open/echo --data-binary "@$W/900k" -X PUT
	expect_status 200
	expect_body '"body_bytes":900000'
	get /things/open/echo --data-binary "@$W/900k" -X PUT \
	    -H 'Transfer-Encoding: chunked'
	if [ $host = lighttpd ] && [ "$STATUS" = 411 ]; then
		true
	else
		expect_status 200
		expect_body '"body_bytes":900000'
	fi
	get /things/open/echo --data-binary "@$W/900k" -X PUT \
	    -H 'Expect: 100-continue'
	expect_status 200
	expect_body '"body_bytes":900000'

	it "what nginx refuses early is told, and is nobody else's ($host)"
	for n in 1 2 3; do
		get /things/open/echo --data-binary "@$W/3M" -X PUT -H Expect:
		expect_status 413
		get "/things/open/early" --data-binary "@$W/900k" -H Expect:
		expect_status 403
		get "/things/open/own$n"
		expect_status 200
		expect_body "own /open/own$n"
	done

	it "redirects, cookies and empty answers ($host)"
	get /things/open/moved
	expect_status 301
	expect_header Location http://other.example/x
	get /things/open/cookies
	expect_status 204
	test "$(header Set-Cookie | wc -l)" -eq 2 || wrong 'not two cookies'

	it "connections that nginx closes, and its reload, show nowhere ($host)"
	# It closes each after seven requests, and all when it is reloaded.
	(for n in 1 2 3 4 5; do
		sleep 0.3
		kill -HUP "$NGINX_PID"
	done) &
	reloads=$!
	: >"$W/codes"
	for n in 1 2; do
		curl -s -o /dev/null -Z --parallel-max 16 \
		    -w '%{http_code}\n' "$URL/things/open/own-[1-1500]" \
		    >>"$W/codes" 2>>"$W/curl.err"
	done
	wait $reloads
	test "$(grep -cx 200 "$W/codes")" -eq 3000 ||
	    wrong "$(sort "$W/codes" | uniq -c | tr '\n' ' ')"
	! grep -q "reason=upstream" "$W/mgw.log" ||
	    wrong "$(grep reason=upstream "$W/mgw.log" | head -n 2)"
	stop_$host
done
done_testing
