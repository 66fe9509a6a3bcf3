#!/usr/bin/env bash
# Runs a command after making sure that everything it needs is installed: npm packages, Open vSwitch, OVN, the
# network tools and kubectl. Works on Debian- and RHEL-like machines; installs only what is missing, and says what it does.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf 'setup: %s\n' "$*" >&2; }
fail() { printf 'setup: %s\n' "$*" >&2; exit 1; }

export PATH="$PATH:/usr/sbin:/sbin"

missing=()
need() { # need COMMAND DEBIAN_PACKAGE RHEL_PACKAGE
  command -v "$1" >/dev/null 2>&1 || missing+=("$1 $2 $3")
}
need ovs-vswitchd openvswitch-switch openvswitch
need ovsdb-server openvswitch-switch openvswitch
need ovs-vsctl openvswitch-switch openvswitch
need ovs-ofctl openvswitch-switch openvswitch
need ovn-controller ovn-host ovn-host
need ovn-northd ovn-central ovn-central
need ip iproute2 iproute
need ethtool ethtool ethtool
need ping iputils-ping iputils
need openssl openssl openssl
need tcpdump tcpdump tcpdump
need curl curl curl
need setpriv util-linux util-linux
need flock util-linux util-linux
need buildah buildah buildah
need systemd-nspawn systemd-container systemd-container
need python3 python3 python3
# The roots that the image and the units are tried in are Debian ones (scripts/test-root.sh).
if command -v apt-get >/dev/null 2>&1; then need debootstrap debootstrap debootstrap; fi
# The Python IDL is what the benchmarks are measured against; RHEL carries it under changing names, so there it is optional.
if command -v apt-get >/dev/null 2>&1 && ! /usr/bin/python3 -c 'import ovs' >/dev/null 2>&1; then
  missing+=("python3 python3-openvswitch python3-openvswitch")
fi
# The client in another language that asks the agent's API in the tests.
has_python_grpc() { /usr/bin/python3 -c 'import grpc, google.protobuf' >/dev/null 2>&1; }
if command -v apt-get >/dev/null 2>&1 && ! has_python_grpc; then
  missing+=("python3 python3-grpcio python3-grpcio" "python3 python3-protobuf python3-protobuf")
fi

# What the renderer of the Helm chart is compiled of (scripts/render-chart). Only its tests need it; RHEL has no package of Sprig.
if command -v apt-get >/dev/null 2>&1 && [ ! -d /usr/share/gocode/src/github.com/Masterminds/sprig ]; then
  missing+=("go golang-github-masterminds-sprig-dev golang")
fi
if command -v apt-get >/dev/null 2>&1; then
  need go golang-go golang
  if [ ! -d /usr/share/gocode/src/sigs.k8s.io/yaml ]; then missing+=("go golang-k8s-sigs-yaml-dev golang"); fi
fi

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"
  elif command -v sudo >/dev/null 2>&1; then sudo -n "$@" || fail "root rights are needed once, to install: $*"
  else fail "run this once as root: $*"
  fi
}

if [ "${#missing[@]}" -gt 0 ]; then
  if command -v apt-get >/dev/null 2>&1; then
    packages=$(printf '%s\n' "${missing[@]}" | cut -d' ' -f2 | sort -u | tr '\n' ' ')
    say "installing $packages"
    as_root apt-get update -qq
    # shellcheck disable=SC2086
    DEBIAN_FRONTEND=noninteractive as_root env DEBIAN_FRONTEND=noninteractive \
      apt-get install -y -qq --no-install-recommends $packages >/dev/null
  elif command -v dnf >/dev/null 2>&1; then
    packages=$(printf '%s\n' "${missing[@]}" | cut -d' ' -f3 | sort -u | tr '\n' ' ')
    say "installing $packages"
    # shellcheck disable=SC2086
    as_root dnf install -y -q $packages ||
      fail "dnf could not install $packages: enable the repository that carries them (RHEL: fast-datapath; CentOS Stream: centos-release-nfv-openvswitch)"
  else
    fail "neither apt-get nor dnf here; install by hand: $(printf '%s\n' "${missing[@]}" | cut -d' ' -f1 | sort -u | tr '\n' ' ')"
  fi
  for entry in "${missing[@]}"; do
    command -v "${entry%% *}" >/dev/null 2>&1 || fail "${entry%% *} is still missing after the installation"
  done
fi

# kubectl comes under several names, and from no package at all in some distributions. Only the tests of the embedded API
# server drive it; they fail by themselves without it, so that everything else can be run here.
kubectl_package() {
  if command -v apt-get >/dev/null 2>&1; then
    as_root apt-get update -qq &&
      as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends kubernetes-client >/dev/null
  elif command -v dnf >/dev/null 2>&1; then
    as_root dnf install -y -q kubernetes-client || as_root dnf install -y -q openshift-clients
  fi
}
if ! command -v kubectl >/dev/null 2>&1; then
  say "installing kubectl"
  # In a shell of its own: without root rights as_root ends it.
  (kubectl_package) || true
  command -v kubectl >/dev/null 2>&1 ||
    say "kubectl is missing: no package of it could be installed here (kubernetes-client, openshift-clients); put one on the PATH, see https://kubernetes.io/docs/tasks/tools/ - tests that drive it will fail"
fi

# RHEL has gRPC for Python in EPEL only, so that it may be missing there.
if ! has_python_grpc && command -v dnf >/dev/null 2>&1; then
  say "installing python3-grpcio"
  (as_root dnf install -y -q python3-grpcio python3-protobuf) || true
fi
has_python_grpc ||
  say "gRPC for Python is missing: install python3-grpcio and python3-protobuf (RHEL: of EPEL) - tests of the API from Python will fail"

# Prometheus and promtool, which the tests of the metrics and alerts drive. The package of Debian starts a service: it is kept
# from that, and taken out of the boot again, where this script is what installed it. RHEL has no package of it; there the
# binaries of the project's own release belong on the PATH.
prometheus_package() {
  command -v apt-get >/dev/null 2>&1 || return 1
  local policy=/usr/sbin/policy-rc.d made=no
  if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
    as_root chmod 755 "$policy"
    made=yes
  fi
  local status=0
  { as_root apt-get update -qq &&
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends prometheus >/dev/null; } || status=1
  [ "$made" = no ] || as_root rm -f "$policy"
  if command -v systemctl >/dev/null 2>&1; then as_root systemctl disable prometheus >/dev/null 2>&1 || true; fi
  return "$status"
}
if ! command -v promtool >/dev/null 2>&1 || ! command -v prometheus >/dev/null 2>&1; then
  say "installing prometheus"
  (prometheus_package) || true
  command -v promtool >/dev/null 2>&1 ||
    say "prometheus is missing: no package of it could be installed here (Debian: prometheus); put prometheus and promtool of https://prometheus.io/download/ on the PATH - tests that drive them will fail"
fi

node_major=$(node -p 'process.versions.node.split(".")[0]' 2>/dev/null || echo 0)
[ "$node_major" -ge 20 ] || fail "Node.js 20 or newer is needed, found $(node --version 2>/dev/null || echo none)"

# npm ci when there are no packages, or the lock file has changed since they were installed.
stamp=node_modules/.installed-lock
if [ ! -f "$stamp" ] || ! cmp -s package-lock.json "$stamp"; then
  say "installing npm packages"
  npm ci --no-audit --no-fund --loglevel=error >&2
  cp package-lock.json "$stamp"
fi

exec "$@"
