#!/bin/sh
# Conditions of mgw.yaml, behind real web servers: they deny, or choose
# another tier.
. tests/e2e/lib.sh
start_backend
policy
cat >>"$W/mgw.yaml" <<END
conditions:
  - when: {header: {X-Plan: [old]}, not: {address: 192.0.2.1}}
    deny: true
  - when: {claim: {plan: [blocked]}, issuer: https://id.example/}
    deny: true
  - when: {claim: {plan: gold}}
    instead-of: TwoAnHour
    tier: Unlimited
levels: {subject: TwoAnHour}
END
import || fatal "no import: $(cat "$W/import.out")"
start_mgw
for host in lighttpd apache; do
	start_$host
	it "a condition denies before credentials are looked at ($host)"
	get /things/keyed/x -H 'X-API-Key: nonsense' -H 'X-Plan: old'
	expect_status 403
	expect_reason blocked
	expect_event '"level":"deny"'
	expect_event 'denied by condition 1'
	get /things/open/x -H 'X-Plan: new'
	expect_status 200

	it "a field that decides may not come twice ($host)"
	get /things/open/x -H 'X-Plan: new' -H 'X_Plan: old'
	case $STATUS in
	200) test $host = apache || wrong 'let pass' ;; # it drops X_Plan
	*) expect_status 400 ;;
	esac
	get /things/open/x -H 'X-Plan: new' -H 'X-Plan: old'
	test "$STATUS" != 403 || wrong 'guessed'

	it "a claim denies, or chooses another tier ($host)"
	get /things/secret/x -H "$(bearer "$(token '"plan":"blocked"')")"
	expect_status 403
	expect_reason blocked
	expect_event 'denied by condition 2'
	for want in 200 200 200; do
		get /things/secret/x \
		    -H "$(bearer "$(token '"plan":"gold","sub":"rich"')")"
		expect_status $want
	done
	for want in 200 200 429; do
		get /things/secret/x -H "$(bearer "$(token \
		    "\"plan\":\"free\",\"sub\":\"poor-$host\"")")"
		expect_status $want
	done
	stop_$host
done

done_testing
