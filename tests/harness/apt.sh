# apt-get for ./dev, which waits where another program holds apt's locks: a fresh system updates itself at boot. apt waits
# for dpkg's lock alone (DPkg::Lock::Timeout), and only if it is told to; of lists and archives it says that they are held,
# and fails. as_root and say are dev's.
APT_WAIT_SECONDS=${APT_WAIT_SECONDS:-600}

apt_get() {
    local log said='' status deadline=$((SECONDS + APT_WAIT_SECONDS))
    log=$(mktemp)
    while :; do
        status=0
        as_root env LC_ALL=C apt-get -o DPkg::Lock::Timeout=2 "$@" </dev/null 2>"$log" || status=$?
        if [ "$status" = 0 ] || [ "$SECONDS" -ge "$deadline" ] || ! grep -qE 'Could not get lock|Unable to (lock|acquire)' "$log"; then
            cat "$log" >&2
            rm -f "$log"
            return "$status"
        fi
        if [ -z "$said" ]; then
            say "dev: apt is in use, waiting for up to $APT_WAIT_SECONDS s: $(sed -n 's/^E: //p' "$log" | head -1)" >&2
            said=yes
        fi
        sleep 1
    done
}
