#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Builds a Linux kernel for arm64 with the guest proxy, for the tests and for trying things out.
# The host proxy is a module of its own, but for --debug, which has it built in.
#
#   kernel/build.sh [--version 6.1|6.12] [--debug] [--guest-proxy FILE]
#   kernel/build.sh [--version 6.1|6.12] --stock
#   kernel/build.sh --src DIR [--debug] [--guest-proxy FILE]
#
#   --version V   from the distribution's package linux-source-V (the default: 6.1)
#   --src DIR     a source tree of your own, which guest/apply.sh and host/apply.sh change
#   --stock       as the distribution has it: without the guest proxy, and with nothing changed
#   --debug       with KASAN, lockdep and the KUnit tests
#   --guest-proxy FILE   with another source in place of bpmp-guest-proxy.c, to compare with
#
# Sources and builds are kept in $BPMP_CACHE (default: ~/.cache/bpmp-broker), one for each version and set of options;
# a second run builds what has changed. Prints the build's folder as its last line: the kernel is
# arch/arm64/boot/Image in it, and modules are built against it. Changes nothing on the machine but installed packages.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
. "$here/../deploy/lib/packages.sh"
. "$here/../deploy/lib/apt_private.sh"

version=6.1 src='' debug=no proxy='' stock=no
while [ $# -gt 0 ]; do
  case "$1" in
    --version) version="${2:?--version needs 6.1 or 6.12}"; shift ;;
    --src) src="$(cd "${2:?--src needs a directory}" && pwd)"; shift ;;
    --debug) debug=yes ;;
    --stock) stock=yes ;;
    --guest-proxy) proxy="$(realpath -e -- "${2:?--guest-proxy needs a file}")"; shift ;;
    -h|--help) sed -n '3,19s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) echo "build.sh: unknown argument '$1' (see --help)" >&2; exit 2 ;;
  esac
  shift
done
if [ "$stock" = yes ] && [ "$src$debug$proxy" != no ]; then
  echo "build.sh: --stock is a kernel of the distribution as it is; leave --src, --debug and --guest-proxy out" >&2
  exit 2
fi
cache="${BPMP_CACHE:-$HOME/.cache/bpmp-broker}/kernel"
say() { printf '== %s\n' "$*" >&2; }
# Where something is unpacked; what is left of it goes with us.
work=''
trap '[ -z "$work" ] || rm -rf "$work"' EXIT

# fetch VERSION: its source is in $src.
fetch() {
  case "$1" in
    6.1|6.12) ;;
    *) echo "build.sh: no Linux $1 here: 6.1 or 6.12, or your own tree with --src" >&2; return 2 ;;
  esac
  src="$cache/src-$1"
  # A patch that has changed needs the tree as it was.
  local wanted
  wanted="$(cat "$here"/guest/patches/*.patch | sha256sum)"
  if [ "$stock" = yes ]; then src="$src-stock" wanted=none; fi
  [ "$(cat "$src/.bpmp-patches" 2>/dev/null)" != "$wanted" ] || return 0
  say "unpacking the source of Linux $1"
  work="$(mktemp -d -p "$cache")"
  (cd "$work" && apt_private bookworm-security download -q "linux-source-$1" >/dev/null)
  dpkg-deb --fsys-tarfile "$work"/linux-source-*.deb |
    tar -xO "./usr/src/linux-source-$1.tar.xz" | tar -xJ -C "$work"
  rm -rf "$src"
  mv "$work/linux-source-$1" "$src"
  rm -rf "$work"
  printf '%s\n' "$wanted" >"$src/.bpmp-patches"
}

# configure BUILD FRAGMENT...: fails when Linux drops what is asked for, as it does silently.
configure() {
  local build="$1" line
  shift
  "${make[@]}" O="$build" tinyconfig
  cat "$@" >>"$build/.config"
  "${make[@]}" O="$build" olddefconfig
  for line in $(grep -h '^CONFIG_' "$@"); do
    grep -qx -- "$line" "$build/.config" || { echo "build.sh: this kernel can't have $line" >&2; return 1; }
  done
}

require_packages "${PACKAGES_KERNEL[@]}" >&2
mkdir -p "$cache"
# One at a time: others wait for what this one builds.
exec 9>"$cache/lock"
flock 9

[ -n "$src" ] || fetch "$version"
fragments=("$here/configs/guest.config")
if [ "$stock" = no ]; then
  "$here/guest/apply.sh" "$src"
  "$here/host/apply.sh" "$src"
  fragments+=("$here/configs/guest-proxy.config")
fi
case "$src" in
  "$cache"/*) build="$cache/build-${src##*/src-}" ;;
  *) build="$src/build-bpmp" ;;
esac
if [ "$debug" = yes ]; then build="$build-debug" fragments+=("$here/configs/debug.config"); fi
[ -z "$proxy" ] || build="$build-$(basename "$proxy" .c)"
mkdir -p "$build"
# make looks for sources in the build's folder first; the tree stays as it is, and so do its other builds.
if [ -n "$proxy" ]; then
  mkdir -p "$build/drivers/firmware/tegra"
  cmp -s "$proxy" "$build/drivers/firmware/tegra/bpmp-guest-proxy.c" ||
    cp "$proxy" "$build/drivers/firmware/tegra/bpmp-guest-proxy.c"
fi

[ ! -d /usr/lib/ccache ] || export PATH="/usr/lib/ccache:$PATH"
export KBUILD_BUILD_TIMESTAMP='1970-01-01' KBUILD_BUILD_USER=bpmp KBUILD_BUILD_HOST=bpmp
make=(make -s -C "$src" ARCH=arm64 CROSS_COMPILE=aarch64-linux-gnu-)
inputs="$(cat "${fragments[@]}" | sha256sum)"
if [ "$(cat "$build/.bpmp-inputs" 2>/dev/null)" != "$inputs" ]; then
  say "configuring Linux in $build"
  configure "$build" "${fragments[@]}" >"$build.log" 2>&1 || { tail -n 20 "$build.log" >&2; exit 1; }
  printf '%s\n' "$inputs" >"$build/.bpmp-inputs"
fi
say "building Linux in $build"
"${make[@]}" O="$build" -j "$(nproc)" Image modules >"$build.log" 2>&1 || { tail -n 40 "$build.log" >&2; exit 1; }
echo "$build"
