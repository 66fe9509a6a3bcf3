#!/bin/sh
# Installs the agent natively: the bundle (npm run bundle), its units, user and helpers. Starts and enables nothing.
#
#   systemd/install.sh [--root DIR] [BUNDLE_DIR]     BUNDLE_DIR is dist-bundle unless given
#
# With --root the files go under DIR, for a package or an image; without it the user is made and systemd told as well.
# Overwrites programs and units, never the configuration. An upgrade is the same command and `systemctl restart dpu-node-agent`.
set -eu

fail() { printf 'install: %s\n' "$*" >&2; exit 1; }

here=$(cd "$(dirname "$0")" && pwd)
root=
if [ "${1:-}" = --root ]; then
  [ -n "${2:-}" ] || fail "--root needs a directory"
  root=${2%/}
  shift 2
fi
bundle=${1:-$here/../dist-bundle}
for program in dpu-node-agent.mjs dpuctl.mjs; do
  [ -f "$bundle/$program" ] || fail "$bundle/$program is missing: make it with npm run bundle, or name the directory"
done

# put MODE SOURCE TARGET: under another name first, so that a running program is never half of two.
put() {
  mkdir -p "$root$(dirname "$3")"
  cp "$2" "$root$3.new"
  chmod "$1" "$root$3.new"
  mv -f "$root$3.new" "$root$3"
}

libexec=/usr/libexec/dpu-node-agent
units=/usr/lib/systemd/system
put 755 "$bundle/dpu-node-agent.mjs" $libexec/dpu-node-agent.mjs
put 755 "$bundle/dpuctl.mjs" $libexec/dpuctl.mjs
put 755 "$here/dpuctl" /usr/bin/dpuctl
put 755 "$here/dpu-node-agent" /usr/bin/dpu-node-agent
put 644 "$here/dpu-node-agent.service" $units/dpu-node-agent.service
put 644 "$here/dpu-node-agent-sockets.service" $units/dpu-node-agent-sockets.service
put 644 "$here/dpu-node-agent-sockets.path" $units/dpu-node-agent-sockets.path
put 644 "$here/dpu-node-agent.tmpfiles.conf" /usr/lib/tmpfiles.d/dpu-node-agent-sockets.conf
put 644 "$here/dpu-node-agent.sysusers.conf" /usr/lib/sysusers.d/dpu-node-agent.conf
for drop_in in "$here"/drop-ins/*.conf; do
  put 644 "$drop_in" "/usr/share/dpu-node-agent/drop-ins/$(basename "$drop_in")"
done
put 644 "$here/../docs/install-systemd.md" /usr/share/doc/dpu-node-agent/install-systemd.md

[ -z "$root" ] || exit 0
systemd-sysusers
systemctl daemon-reload
