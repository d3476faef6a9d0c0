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
. "$here/../../deploy/lib/mirror.sh"
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

# Sources are copied: a build leaves its files beside them.
copies="$build/bpmp-modules"
mkdir -p "$copies"
for part in kernel/include kernel/host tests/e2e/consumer; do
  mirror "$here/../../$part" "$copies/$(basename "$part")"
done
# module FOLDER ARGUMENT...: builds the modules there.
module() {
  local log="$copies/$1.log"
  make -s -C "$build" ARCH=arm64 CROSS_COMPILE=aarch64-linux-gnu- M="$copies/$1" "${@:2}" modules \
    >"$log" 2>&1 || { cat "$log" >&2; return 1; }
}
kunit=''
if grep -qx CONFIG_KUNIT=y "$build/.config"; then kunit=y; fi
module consumer
module host CONFIG_TEGRA_BPMP_HOST_PROXY=m CONFIG_TEGRA_BPMP_HOST_PROXY_KUNIT_TEST="$kunit" \
  BPMP_VECTORS="$here/../conformance/vectors" BPMP_VECTORS_TOOL="$here/../../kernel/tools/conformance-vectors.py"
make -s -C "$copies/host" host_device_test CROSS_COMPILE=aarch64-linux-gnu-

root="$work/root"
mkdir -p "$root"/{bin,lib,opt}
cp "$cache/busybox/bin/busybox" "$root/bin/"
cp "$here/init" "$root/init"
chmod 755 "$root/init"
cp "$copies/consumer/bpmp-consumer.ko" "$copies/host/bpmp-host-proxy.ko" "$root/lib/"
cp "$copies/host/host_device_test" "$root/opt/"
for file in "$@"; do cp "$file" "$root/opt/"; done
(cd "$root" && find . | LC_ALL=C sort | cpio -o -H newc --reproducible --quiet --owner=0:0 | gzip -1n) >"$work/archive"
mv "$work/archive" "$build/bpmp-initramfs.gz"
echo "$build/bpmp-initramfs.gz"
