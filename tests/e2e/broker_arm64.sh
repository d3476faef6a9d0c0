#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds the broker for arm64, for the guests of the end-to-end tests that stand for a host.
#
#   tests/e2e/broker_arm64.sh
#
# Builds bpmp-broker and bpmpctl in build/arm64, against a sysroot that is kept in $BPMP_CACHE (default:
# ~/.cache/bpmp-broker), and prints the path of an archive with both, in /usr/bin, and the libraries that they need.
# Linux unpacks such an archive where it is appended to an initramfs. Changes nothing on the machine but installed
# packages.
set -euo pipefail
cd "$(dirname "$0")/../.."
. deploy/lib/packages.sh
. deploy/lib/apt_private.sh
. deploy/lib/arm64_sysroot.sh

case "${1:-}" in
  '') ;;
  -h|--help) sed -n '3,11s/^# \{0,1\}//p' "$0"; exit 0 ;;
  *) echo "broker_arm64.sh: unknown argument '$1' (see --help)" >&2; exit 2 ;;
esac
require_packages "${PACKAGES_BUILD[@]}" "${PACKAGES_ARM64[@]}" >&2

cache="${BPMP_CACHE:-$HOME/.cache/bpmp-broker}/arm64"
mkdir -p "$cache"
exec 9>"$cache/lock"
flock 9
BPMP_ARM64_SYSROOT="$(arm64_sysroot)"
export BPMP_ARM64_SYSROOT

build=build/arm64
mkdir -p build
{ cmake --preset arm64 && cmake --build --preset arm64 -j "$(nproc)" -- --quiet; } >"$build.log" 2>&1 ||
  { tail -n 40 "$build.log" >&2; exit 1; }
programs=("$build/broker/daemon/bpmp-broker" "$build/broker/ctl/bpmpctl")

# needed_by FILE: names of the shared libraries that it asks for.
needed_by() { aarch64-linux-gnu-readelf -d "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'; }

# collect FILE: copies what FILE needs, and what that needs, to where the loader looks for it.
collect() {
  local name folder
  for name in $(needed_by "$1"); do
    [ ! -e "$libraries/$name" ] || continue
    for folder in "$BPMP_ARM64_SYSROOT"/{usr/,}lib/aarch64-linux-gnu ''; do
      [ -n "$folder" ] || { echo "broker_arm64.sh: $1 needs $name, which the sysroot doesn't have" >&2; return 1; }
      [ -e "$folder/$name" ] || continue
      cp -L "$folder/$name" "$libraries/"
      break
    done
    collect "$libraries/$name"
  done
}

archive="$PWD/$build/broker.cpio.gz"
if [ ! -e "$archive" ] || [ -n "$(find "${programs[@]}" "$0" "$BPMP_ARM64_SYSROOT/.bpmp-packages" -newer "$archive")" ]
then
  work="$(mktemp -d)"
  trap 'rm -rf "$work"' EXIT
  root="$work/root" libraries="$work/root/usr/lib/aarch64-linux-gnu"
  mkdir -p "$root/usr/bin" "$root/lib" "$libraries"
  for program in "${programs[@]}"; do
    aarch64-linux-gnu-strip -o "$root/usr/bin/$(basename "$program")" "$program"
    collect "$program"
  done
  # The programs name their loader by its path.
  mv "$libraries/ld-linux-aarch64.so.1" "$root/lib/"
  (cd "$root" && find . | LC_ALL=C sort | cpio -o -H newc --reproducible --quiet --owner=0:0 | gzip -1n) >"$work/archive"
  mv "$work/archive" "$archive"
fi
echo "$archive"
