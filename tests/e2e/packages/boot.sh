#!/usr/bin/env bash
# Boots a copy of this machine's root directory under systemd, with the package in /trial, and
# runs trial.sh there. Changes stay in memory. Usage: boot.sh DIRECTORY, in a mount namespace.
set -euo pipefail
directory=$1
mount -t tmpfs none "$directory"
mkdir "$directory"/{upper,work,root}
root=$directory/root
mount -t overlay overlay -o "lowerdir=/,upperdir=$directory/upper,workdir=$directory/work" "$root"
mkdir -p "$root/trial"
# On another file system than the root: not a part of the overlay.
cp "$PACKAGE" "$COMMANDS" "$SCRIPT" "$root/trial/"
: >"$root/etc/machine-id"
# Images of containers have one, so that packages start nothing.
rm -f "$root/usr/sbin/policy-rc.d"
# The index of all manual pages is made after each package, which takes longer than all the rest.
rm -f "$root/var/lib/man-db/auto-update"
# Nothing of this machine's own services.
cat >"$root/etc/systemd/system/trial.target" <<'END'
[Unit]
Requires=basic.target trial.service
AllowIsolate=yes
END
cat >"$root/etc/systemd/system/trial.service" <<'END'
[Unit]
After=basic.target
SuccessAction=exit-force
FailureAction=exit-force
[Service]
Type=oneshot
WorkingDirectory=/trial
Environment=HOME=/root DEBIAN_FRONTEND=noninteractive
ExecStart=/bin/bash -eux trial.sh
StandardOutput=file:/trial/output
StandardError=inherit
TimeoutStartSec=240
END
ln -sf trial.target "$root/etc/systemd/system/default.target"
timeout 270 systemd-nspawn --quiet --directory "$root" --boot --private-network \
    --register=no --keep-unit --console=pipe </dev/null >&2 || true
cat "$root/trial/output"
