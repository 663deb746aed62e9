# shellcheck shell=sh
# stage - sourced by what starts servers.  They and mgw run as one ordinary
# user, as mgw refuses to be root.  Root gives away a copy of what is
# needed, since "nobody" may not be able to enter the folder of the
# sources; anybody else runs in place.  O is the build folder.
#
#	stage_make		at the start
#	stage_run COMMAND...	inside of it
#	stage_root COMMAND...	inside of it, and still as root
#
# The copy goes when the script ends; $stage is the folder, or empty.
stage=''
trap 'test -z "$stage" || rm -rf "$stage"' EXIT
trap 'exit 1' HUP INT TERM

stage_make() {
	test "$(id -u)" -eq 0 || return 0
	stage=$(mktemp -d /tmp/mgw-check.XXXXXX) || exit 2
	# shellcheck disable=SC2046 # one word each
	tar cf - $(find "$O" -maxdepth 1 -type f -perm -100) \
	    $(find "$O/tests" -path '*/unit' -prune -o -path '*/fuzz' -prune \
	    -o -type f -perm -100 -print) \
	    tests/e2e tests/bench lighttpd apache dist \
	    $(ls -d examples tests/demo.sh "$O/oidc" 2>/dev/null) |
	    tar xf - --no-same-owner -C "$stage" || exit 2
	chmod 755 "$stage"
	mkdir -m 1777 "$stage/tmp"
}

# "exec" so that a signal to this process's group or id reaches it.
stage_run() {
	if [ -z "$stage" ]; then
		"$@"
		return
	fi
	(cd "$stage" && exec setpriv --reuid=65534 --regid=65534 \
	    --clear-groups env HOME=/nonexistent TMPDIR="$stage/tmp" "$@")
}

stage_root() {
	if [ -z "$stage" ]; then
		"$@"
		return
	fi
	(cd "$stage" && exec env TMPDIR="$stage/tmp" "$@")
}
