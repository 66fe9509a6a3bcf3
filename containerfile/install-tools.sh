#!/bin/sh
# Sees to it that a root has what the agent needs at run time, and nothing that it does not: sh install-tools.sh ROOT.
# Installs what is missing with the package manager of the build stage (dnf, microdnf) or of the root itself (apt-get), and fails
# when something is still missing then.
set -eu

root=$1
stream=${NODE_STREAM:-24}

say() { printf 'install-tools: %s\n' "$*" >&2; }

# ip, devlink, tc, ss: devices, representors, qdiscs and who calls. ethtool: counters and firmware of a device.
missing() {
  for tool in node ip devlink tc ss ethtool; do
    found=no
    for dir in usr/local/bin usr/bin usr/sbin bin sbin; do
      if [ -e "$root/$dir/$tool" ] || [ -L "$root/$dir/$tool" ]; then found=yes; fi
    done
    [ "$found" = yes ] || printf '%s ' "$tool"
  done
}

with_dnf() {
  # The releases of the root and of the stage that installs into it are the same.
  release=$(. /etc/os-release && printf '%s' "${VERSION_ID%%.*}")
  # Configuration and repositories are those of this stage, and not what the root may have of them: dnf(8), --installroot.
  # microdnf installs into a root with all five of these given and without plug-ins only
  # (https://github.com/rpm-software-management/microdnf/pull/43); dnf needs its own for the subscription of the machine.
  plugins=
  if [ "$1" = microdnf ]; then plugins=--noplugins; fi
  set -- "$1" -y $plugins --installroot "$root" --releasever "$release" --config /etc/dnf/dnf.conf \
    --setopt=reposdir=/etc/yum.repos.d --setopt=varsdir=/etc/dnf/vars --setopt=cachedir=/var/cache/dnf \
    --setopt=install_weak_deps=0 --setopt=tsflags=nodocs
  # Up to RHEL 9 the versions of Node.js are streams of a module; later ones name it in the package.
  if "$@" module enable "nodejs:$stream" >&2; then node=nodejs; else node="nodejs$stream"; fi
  "$@" install "$node" iproute iproute-tc ethtool ca-certificates >&2
  "$@" clean all >&2
  rm -rf "$root/var/cache/dnf" "$root/var/cache/yum" "$root"/var/log/dnf* "$root"/var/log/hawkey* "$root/var/lib/dnf"
}

with_apt() {
  # The root is an image's: the names of servers, and a /dev/null, are what an engine would bring. Without the right to make
  # devices it is a file, which does for scripts that throw their output away.
  rm -f "$root/etc/resolv.conf"
  cp /etc/resolv.conf "$root/etc/resolv.conf"
  made=
  if ! [ -e "$root/dev/null" ]; then
    made=$root/dev/null
    mknod -m 666 "$made" c 1 3 2>/dev/null || { : >"$made" && chmod 666 "$made"; }
  fi
  chroot "$root" sh -eu -c '
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends nodejs iproute2 ethtool ca-certificates
    apt-get clean
    rm -rf /var/lib/apt/lists/* /var/log/apt /var/log/dpkg.log /var/log/alternatives.log' >&2
  if [ -n "$made" ]; then rm -f "$made"; fi
}

# Where RHEL has several versions side by side, `node` is one with the version in its name.
name_node() {
  if [ -e "$root/usr/bin/node" ] || ! [ -x "$root/usr/bin/node-$stream" ]; then return 0; fi
  ln -s "node-$stream" "$root/usr/bin/node"
}

name_node
wanted=$(missing)
if [ -n "$wanted" ]; then
  say "installing $wanted"
  if command -v dnf >/dev/null 2>&1; then with_dnf dnf
  elif command -v microdnf >/dev/null 2>&1; then with_dnf microdnf
  elif [ -x "$root/usr/bin/apt-get" ]; then with_apt
  else say "neither dnf here nor apt-get in the root"; exit 1
  fi
  # Times and places of files of this build; ldconfig does without.
  rm -f "$root/var/cache/ldconfig/aux-cache"
  name_node
  wanted=$(missing)
  [ -z "$wanted" ] || { say "still missing: $wanted"; exit 1; }
fi

# As `engines` of package.json has it.
version=$(chroot "$root" node -p process.versions.node)
major=${version%%.*}
minor=${version#*.}
minor=${minor%%.*}
[ "$major" -gt 20 ] || { [ "$major" -eq 20 ] && [ "$minor" -ge 19 ]; } ||
  { say "Node.js 20.19 or newer is needed, the root has $version"; exit 1; }

# Images of Node.js have them; on a target nothing is ever installed.
for name in npm npx corepack yarn yarnpkg pnpm pnpx; do
  for dir in usr/local/bin usr/bin; do rm -f "$root/$dir/$name"; done
  for dir in usr/local/lib/node_modules usr/lib/node_modules usr/share/nodejs; do rm -rf "${root:?}/$dir/$name"; done
done
rm -rf "$root"/opt/yarn-v*
rmdir "$root/usr/local/lib/node_modules" "$root/usr/lib/node_modules" 2>/dev/null || true
# Nobody in there has a use for becoming somebody else.
find "$root" -xdev -type f -perm /6000 -exec chmod a-s {} +
# Left by the build itself; the engine that runs the image brings its own.
rm -f "$root/etc/resolv.conf" "$root/etc/hostname" "$root/.dockerenv"
