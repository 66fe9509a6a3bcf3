#!/usr/bin/env bash
# Prints the path of a Debian root file system with the named packages, made with debootstrap where it is not there yet:
#
#   scripts/test-root.sh NAME PACKAGE...
#
# Roots are kept under /var/cache/dpu-node-agent-test (DPU_TEST_ROOTS), one per name, release, architecture and list of
# packages. A root appears whole or not at all, and two callers at once make it once. It is shared by every test of the
# machine: never write to it, work on a copy (cp -a) or put an overlay on it. Needs root rights and a Debian-like machine;
# the release, mirror and proxy are those of the machine's own apt.
set -euo pipefail

say() { printf 'test-root: %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }

# Counts up when the way a root is made changes, so that older ones are not taken for it.
recipe=1

[ "$#" -ge 2 ] || fail "usage: scripts/test-root.sh NAME PACKAGE..."
name=$1
shift
case "$name" in *[!a-z0-9-]*) fail "the name $name has more than a-z, 0-9 and -" ;; esac
[ "$(id -u)" = 0 ] || fail "root rights are needed"
export PATH="$PATH:/usr/sbin:/sbin"
for tool in debootstrap flock apt-get dpkg; do
  command -v "$tool" >/dev/null 2>&1 || fail "$tool is missing (scripts/with-setup.sh installs it on Debian)"
done

# shellcheck source=/dev/null
release=$(. /etc/os-release && printf '%s' "${VERSION_CODENAME:-}")
[ -n "$release" ] || fail "/etc/os-release names no release"
architecture=$(dpkg --print-architecture)
packages=$(printf '%s\n' "$@" | LC_ALL=C sort -u | paste -sd, -)
key=$(printf '%s\n' "$recipe" "$release" "$architecture" "$packages" | sha256sum | cut -c1-12)
cache=${DPU_TEST_ROOTS:-/var/cache/dpu-node-agent-test}
root=$cache/$name-$release-$key
partial=$root.partial

mkdir -p "$cache"
exec 9>"$root.lock"
flock 9

if [ -d "$root" ]; then
  touch "$root.used"
  printf '%s\n' "$root"
  exit 0
fi

# The mirror that apt itself takes the main component of this release from. Only indexes that were fetched are listed.
mirror_of_apt() {
  apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
    awk -v release="$release" '$2 == release && $3 == "main" { print $1; exit }'
}
mirror=$(mirror_of_apt)
if [ -z "$mirror" ]; then
  apt-get update -qq >&2
  mirror=$(mirror_of_apt)
fi
[ -n "$mirror" ] || fail "apt has no source for $release main"
eval "$(apt-config shell http_proxy Acquire::http::Proxy https_proxy Acquire::https::Proxy)"
export http_proxy=${http_proxy:-} https_proxy=${https_proxy:-}

# debootstrap mounts /proc and /sys inside; one that was killed leaves them.
remove_partial() {
  local place
  while read -r place; do umount --lazy "$place"; done \
    < <(awk -v under="$partial/" 'index($5, under) == 1 { print $5 }' /proc/self/mountinfo | LC_ALL=C sort -r)
  rm -rf --one-file-system "$partial"
}
remove_partial
trap remove_partial EXIT

say "making $root ($packages), once; this takes a minute or two"
log=$root.log
debootstrap --variant=minbase --arch="$architecture" --include="$packages" "$release" "$partial" "$mirror" >"$log" 2>&1 9>&- ||
  { tail -n 20 "$log" >&2; fail "debootstrap failed; $log has all of it"; }

# Nothing of this machine, and nothing that only takes room, stays in it.
rm -f "$partial"/var/cache/apt/archives/*.deb "$partial"/var/cache/apt/*.bin
rm -rf "$partial"/var/lib/apt/lists/* "$partial"/debootstrap
rm -f "$partial/etc/resolv.conf" "$partial/etc/hostname"
if [ -e "$partial/etc/machine-id" ]; then : >"$partial/etc/machine-id"; fi

mv -T "$partial" "$root"
rm -f "$log"
touch "$root.used"

# Roots of this name that nothing asked for in a month belong to package lists of the past.
for old in "$cache/$name-"*.used; do
  [ -n "$(find "$old" -mtime +30)" ] || continue
  rm -rf --one-file-system "${old%.used}" "$old"
done
printf '%s\n' "$root"
