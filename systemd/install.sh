#!/bin/sh
# Installs the agent natively: the bundle (npm run bundle), its units, user and helpers. Starts and enables nothing.
#
#   systemd/install.sh [--root DIR] [BUNDLE_DIR]     BUNDLE_DIR is dist-bundle unless given
#   systemd/install.sh [--root DIR] --remove         stops the agent and takes away what this put there; users, configuration
#                                                    and state stay (a number of a group must not come to mean somebody else)
#
# With --root the files go under DIR, for a package or an image; without it the user is made and systemd told as well.
# Overwrites programs and units, never the configuration. An upgrade is the same command and `systemctl restart dpu-node-agent`,
# and so is the way back to an earlier bundle.
set -eu
# Others than root have to read and enter what is made here, whatever the umask of the caller.
umask 022

fail() { printf 'install: %s\n' "$*" >&2; exit 1; }

here=$(cd "$(dirname "$0")" && pwd)
root=
if [ "${1:-}" = --root ]; then
  [ -n "${2:-}" ] || fail "--root needs a directory"
  root=${2%/}
  shift 2
fi
action=put
case ${1:-} in
  --remove) action=take ;;
  -*) fail "$1 is not known: see the head of this script" ;;
esac

# put MODE SOURCE TARGET: under another name first, so that a running program is never half of two.
put() {
  mkdir -p "$root$(dirname "$3")"
  cp "$2" "$root$3.new"
  chmod "$1" "$root$3.new"
  mv -f "$root$3.new" "$root$3"
}

# take MODE SOURCE TARGET: the opposite.
take() {
  rm -f "$root$3" "$root$3.new"
}

libexec=/usr/libexec/dpu-node-agent
units=/usr/lib/systemd/system
share=/usr/share/dpu-node-agent
doc=/usr/share/doc/dpu-node-agent

if [ "$action" = put ]; then
  bundle=${1:-$here/../dist-bundle}
  for program in dpu-node-agent.mjs dpuctl.mjs; do
    [ -f "$bundle/$program" ] || fail "$bundle/$program is missing: make it with npm run bundle, or name the directory"
  done
  # RHEL 9 installs version 16 unless another stream of the module is enabled.
  if [ -z "$root" ]; then
    [ -x /usr/bin/node ] || fail "/usr/bin/node is missing: install Node.js 20.19 or newer"
    version=$(/usr/bin/node --version)
    /usr/bin/node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' ||
      fail "/usr/bin/node is $version: 20.19 or newer is needed"
  fi
else
  bundle=
  # The timer ends with the path.
  for unit in dpu-node-agent.service dpu-node-agent-sockets.path; do
    [ -n "$root" ] || [ ! -f $units/$unit ] || systemctl disable --now --quiet $unit
  done
fi

$action 755 "$bundle/dpu-node-agent.mjs" $libexec/dpu-node-agent.mjs
$action 755 "$bundle/dpuctl.mjs" $libexec/dpuctl.mjs
$action 755 "$here/dpuctl" /usr/bin/dpuctl
$action 755 "$here/dpu-node-agent" /usr/bin/dpu-node-agent
for unit in dpu-node-agent.service dpu-node-agent-sockets.service dpu-node-agent-sockets.path dpu-node-agent-sockets.timer; do
  $action 644 "$here/$unit" $units/$unit
done
$action 644 "$here/dpu-node-agent.tmpfiles.conf" /usr/lib/tmpfiles.d/dpu-node-agent-sockets.conf
$action 644 "$here/dpu-node-agent.sysusers.conf" /usr/lib/sysusers.d/dpu-node-agent.conf
for drop_in in "$here"/drop-ins/*.conf; do
  $action 644 "$drop_in" "$share/drop-ins/$(basename "$drop_in")"
done
$action 644 "$here/../docs/install-systemd.md" $doc/install-systemd.md

if [ "$action" = take ]; then
  for dir in $libexec $share/drop-ins $share $doc; do
    [ ! -d "$root$dir" ] || rmdir --ignore-fail-on-non-empty "$root$dir"
  done
fi

[ -z "$root" ] || exit 0
# Its own file alone: what is wrong with another's is no reason to end here.
[ "$action" = take ] || systemd-sysusers dpu-node-agent.conf
systemctl daemon-reload
