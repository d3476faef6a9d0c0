#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Makes what a guest of the end-to-end tests boots into.
#
#   tests/e2e/initramfs.sh BUILD [FILE...]
#
# BUILD is a folder that kernel/build.sh has printed; modules are built against it. FILEs are put into the guest's
# /opt. Prints the path of the archive, which is kept in BUILD. Gets the distribution's busybox for arm64, once;
# changes nothing on the machine.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
. "$here/../../deploy/lib/apt_private.sh"
[ $# -ge 1 ] && [ -f "$1/arch/arm64/boot/Image" ] ||
  { echo "initramfs.sh: give a kernel's build folder (kernel/build.sh prints it)" >&2; exit 2; }
build="$(cd "$1" && pwd)"
shift
cache="${BPMP_CACHE:-$HOME/.cache/bpmp-broker}/e2e"
mkdir -p "$cache"
exec 9>"$cache/lock"
flock 9

work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
if [ ! -x "$cache/busybox/bin/busybox" ]; then
  (cd "$work" && apt_private bookworm --arch arm64 download -q busybox-static >/dev/null)
  dpkg -x "$work"/busybox-static_*.deb "$cache/busybox"
fi

# The module's sources are copied: a build leaves its files beside them.
mkdir -p "$build/bpmp-consumer"
cp -u "$here"/consumer/* "$build/bpmp-consumer/"
make -s -C "$build" ARCH=arm64 CROSS_COMPILE=aarch64-linux-gnu- M="$build/bpmp-consumer" modules >"$build/bpmp-consumer.log" 2>&1 ||
  { cat "$build/bpmp-consumer.log" >&2; exit 1; }

root="$work/root"
mkdir -p "$root"/{bin,lib,opt}
cp "$cache/busybox/bin/busybox" "$root/bin/"
cp "$here/init" "$root/init"
chmod 755 "$root/init"
cp "$build/bpmp-consumer/bpmp-consumer.ko" "$root/lib/"
for file in "$@"; do cp "$file" "$root/opt/"; done
(cd "$root" && find . | LC_ALL=C sort | cpio -o -H newc --reproducible --quiet --owner=0:0 | gzip -1n) >"$work/archive"
mv "$work/archive" "$build/bpmp-initramfs.gz"
echo "$build/bpmp-initramfs.gz"
