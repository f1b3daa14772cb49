# Runs as root of a machine with systemd that has nothing of roomcast yet.
# commands.sh has the commands of docs/deploy.md.
# (With set -e, ! in front of a command is no test.)
not() { if "$@"; then return 1; fi; }
package=$(echo roomcast_*.deb)
. ./commands.sh

# The service runs, as a user of its own, and says what it was told to.
systemctl is-enabled roomcast
not systemctl is-enabled roomcast.socket
roomcast check
pid=$(systemctl show --property=MainPID --value roomcast)
test "$(ps -o user= -p "$pid")" = roomcast
journalctl -u roomcast | grep 'join with: .*https://chat.example.org:8008/'
journalctl -u roomcast | grep 'TLS certificate (SHA-256): '
systemctl show --property=StatusText roomcast | grep ' clients\?$'

# People talk, and what they say is there after everything that follows.
say() {
    printf '%s\n' 'open sesame' "$@" /quit |
        timeout 20 openssl s_client -quiet -connect 127.0.0.1:8008 2>/dev/null || true
}
say hello | grep 'goodbye'
say /history | grep '> hello$'

# What was installed can be used.
man -w 1 roomcast roomcast-find roomcast-log roomcast-check roomcast-reload
man -w 7 roomcast-protocol
man 7 roomcast-protocol | col -b | grep 'How to read the examples'
bash -c '. /usr/share/bash-completion/completions/roomcast; complete -p roomcast'
roomcast log --data /var/lib/roomcast | grep '> hello$'
systemctl reload roomcast
until journalctl -u roomcast | grep 'read again: password, bans, TLS certificate;'; do sleep 0.1; done

# The same package once more: nobody is disconnected.
coproc talk { timeout 60 ncat --ssl 127.0.0.1 8008; }
echo 'open sesame' >&"${talk[1]}"
read -r welcome <&"${talk[0]}"
case $welcome in *password*) read -r welcome <&"${talk[0]}" ;; esac
apt-get install -y --reinstall "./$package"
test "$(systemctl show --property=MainPID --value roomcast)" = "$pid"
echo /who >&"${talk[1]}"
until read -r line <&"${talk[0]}" && [[ $line == *'is the newest' ]]; do :; done

# Another program: the service is restarted, and files of the administrator stay.
dpkg-deb -R "$package" newer
echo >>newer/usr/bin/roomcast
sed -i 's/^Version: .*/&.1/' newer/DEBIAN/control
dpkg-deb -Znone -b newer newer.deb
apt-get install -y ./newer.deb
test "$(systemctl show --property=MainPID --value roomcast)" != "$pid"
until read -r line <&"${talk[0]}" && [[ $line == *'the server is shutting down'* ]]; do :; done
grep ROOMCAST_TLS=yes /etc/default/roomcast
roomcast check
say /history | grep '> hello$'

# Sockets of systemd, for those who want them.
systemctl disable --now roomcast.service
systemctl enable --now roomcast.socket
say /history | grep '> hello$'
systemctl is-active roomcast.service
roomcast check unix:/run/roomcast.sock
systemctl disable --now roomcast.socket
systemctl enable --now roomcast.service

# Somebody who has disabled the service keeps it so.
systemctl disable --now roomcast.service
apt-get install -y --reinstall ./newer.deb
not systemctl is-enabled roomcast

apt-get remove -y roomcast
test -e /etc/default/roomcast
test -e /var/lib/roomcast/roomcast.db
not systemctl is-active roomcast

# It can be installed again, with both of its units and what was said.
apt-get install -y ./newer.deb
systemctl enable --now roomcast.socket
say /history | grep '> hello$'
systemctl disable --now roomcast.socket
systemctl enable --now roomcast.service
say /history | grep '> hello$'

apt-get remove -y roomcast
apt-get purge -y roomcast
test ! -e /etc/default/roomcast
test ! -e /var/lib/roomcast
test ! -e /var/lib/private/roomcast
test -e /etc/roomcast/password
echo "trial passed"
