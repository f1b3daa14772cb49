#!/usr/bin/env bash
# Writes into DIRECTORY what avahi-browse finds on this machine's links: rooms and pages. It has
# a bus, a daemon and a directory for both of its own. Usage: avahi.sh DIRECTORY ROOMCAST, in a
# mount namespace.
directory=$1 roomcast=$2
mount -t tmpfs none /run
mkdir -p /run/dbus /run/avahi-daemon
dbus-daemon --system --nofork --nopidfile --nosyslog &
until test -S /run/dbus/system_bus_socket; do sleep 0.05; done
printf '[server]\nhost-name=visitor\n' >"$directory/avahi.conf"
avahi-daemon --file "$directory/avahi.conf" --no-drop-root --no-chroot --no-rlimits &
until avahi-browse --all --terminate >/dev/null 2>&1; do sleep 0.1; done

# Looks until something was resolved.
browse() {
    until avahi-browse --resolve --terminate --parsable --no-db-lookup "$1" >"$2" &&
        grep -q '^=.*;IPv4;' "$2"; do :; done
}
browse _roomcast._tcp "$directory/rooms"
browse _http._tcp "$directory/pages"
# Both daemons listen on port 5353 of this machine then.
"$roomcast" find >"$directory/found"
kill $(jobs -p)
