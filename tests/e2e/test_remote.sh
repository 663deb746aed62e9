#!/bin/sh
# An issuer that cannot be reached: its tokens are not let in, nothing else
# suffers.
. tests/e2e/lib.sh
start_backend
policy
import mgw-remote.yaml remote.yaml || fatal "$(cat "$W/import.out")"
start_mgw
start_lighttpd

it 'a token whose keys cannot be fetched is refused, with a time to retry'
get /remote/x -H "$(bearer "$(token '"iss":"https://away.example/"')")"
expect_status 503
expect_reason verifier-down
expect_header Retry-After '[0-9]*'

it 'no token is still the client to blame'
get /remote/x
expect_status 401
expect_reason credential-missing
stop_lighttpd
done_testing
