#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Builds qemu-system-aarch64 with the devices nvidia-bpmp-guest and nvidia-bpmp-mailbox.
#
#   qemu-client/qemu/build.sh [--version 7.2|10.0] [--sanitize] [--client PREFIX]
#   qemu-client/qemu/build.sh --src DIR [--build DIR] [--client PREFIX]
#
#   --version V   from the source package of Debian 12 (7.2, the default) or Debian 13 (10.0)
#   --plain       without the distribution's patches (7.2 only: the release 7.2.0)
#   --src DIR     a QEMU tree of your own, which apply.sh changes
#   --build DIR   where that is built (default: DIR/build-bpmp)
#   --sanitize    with ASan and UBSan
#   --client P    where libbpmp-client is installed (default: as pkg-config finds it)
#
# Sources and builds are kept in $BPMP_CACHE (default: ~/.cache/bpmp-broker), one for each version and set of options;
# a second run builds what has changed. Prints the path of the emulator as its last line. Changes nothing on the
# machine but installed packages.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
. "$here/../../deploy/lib/packages.sh"
. "$here/../../deploy/lib/apt_private.sh"

version=7.2 src='' build='' sanitize=no client='' plain=no
while [ $# -gt 0 ]; do
  case "$1" in
    --version) version="${2:?--version needs 7.2 or 10.0}"; shift ;;
    --plain) plain=yes ;;
    --src) src="$(cd "${2:?--src needs a directory}" && pwd)"; shift ;;
    --build) mkdir -p "${2:?--build needs a directory}"; build="$(cd "$2" && pwd)"; shift ;;
    --sanitize) sanitize=yes ;;
    --client) client="$(cd "${2:?--client needs a directory}" && pwd)"; shift ;;
    -h|--help) sed -n '3,19s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) echo "build.sh: unknown argument '$1' (see --help)" >&2; exit 2 ;;
  esac
  shift
done

cache="${BPMP_CACHE:-$HOME/.cache/bpmp-broker}"
say() { printf '== %s\n' "$*" >&2; }
# Where something is unpacked; what is left of it goes with us.
work=''
trap '[ -z "$work" ] || rm -rf "$work"' EXIT

# fetch VERSION: the distribution's source of that QEMU is in $src.
fetch() {
  local suite name="src-$1"
  case "$1" in
    7.2) suite=bookworm ;;
    10.0) suite=trixie ;;
    *) echo "build.sh: no distribution has QEMU $1 for us: 7.2 or 10.0, or your own tree with --src" >&2; return 2 ;;
  esac
  local unpack=()
  if [ "$plain" = yes ]; then name="$name-plain" unpack=(--skip-patches); fi
  src="$cache/qemu/$name"
  # Lines that an older apply.sh added stay as they are: then the tree is unpacked anew.
  if [ -f "$src/VERSION" ] && cmp -s "$here/apply.sh" "$src/.bpmp-apply.sh"; then return 0; fi
  rm -rf "$src"
  say "fetching the source of QEMU $1"
  work="$(mktemp -d -p "$cache/qemu")"
  (cd "$work" && apt_private "$suite" source --download-only -q qemu >/dev/null &&
    dpkg-source "${unpack[@]}" -x qemu_*.dsc tree >/dev/null)
  # The archive lacks firmware images that the build lists even if it installs none.
  local image
  for image in $(sed -n "s/^ *'\(edk2-[a-z0-9_-]*\.fd\)',.*/\1/p" "$work/tree/pc-bios/meson.build"); do
    [ -e "$work/tree/pc-bios/$image.bz2" ] || bzip2 -c </dev/null >"$work/tree/pc-bios/$image.bz2"
  done
  mv "$work/tree" "$src"
  rm -rf "$work"
}

# QEMU 10.0 wants a newer meson than Debian 12 has: that of its backports, unpacked beside the build.
newer_meson() {
  local have
  have="$(meson --version 2>/dev/null || echo 0)"
  [ "$(printf '%s\n' 1.5 "$have" | sort -V | head -n 1)" = 1.5 ] && return 0
  local tools="$cache/qemu/tools"
  if [ ! -d "$tools/usr/lib/python3/dist-packages/mesonbuild" ]; then
    say 'unpacking meson from the backports'
    work="$(mktemp -d -p "$cache/qemu")"
    (cd "$work" && apt_private bookworm-backports download -q meson >/dev/null)
    dpkg -x "$work"/meson_*.deb "$tools"
    rm -rf "$work"
  fi
  export PYTHONPATH="$tools/usr/lib/python3/dist-packages"
}

require_packages "${PACKAGES_QEMU[@]}" >&2
mkdir -p "$cache/qemu"
# One at a time: others wait for what this one builds.
exec 9>"$cache/qemu/lock"
flock 9

[ -n "$src" ] || fetch "$version"
if [ -z "$build" ]; then
  case "$src" in
    "$cache"/*) build="$cache/qemu/build-${src##*/src-}" ;;
    *) build="$src/build-bpmp" ;;
  esac
  [ "$sanitize" = no ] || build="$build-sanitized"
fi
"$here/apply.sh" "$src" >&2
cp "$here/apply.sh" "$src/.bpmp-apply.sh"

# Another python3 first on PATH breaks QEMU's configure.
export PATH=/usr/bin:/bin:/usr/sbin:/sbin
[ ! -d /usr/lib/ccache ] || export PATH="/usr/lib/ccache:$PATH"
[ -z "$client" ] || export PKG_CONFIG_PATH="$client/lib/pkgconfig:${PKG_CONFIG_PATH:-}"
options=(--target-list=aarch64-softmmu --without-default-features --enable-tcg --enable-fdt=system
  --enable-seccomp --enable-trace-backends=log --disable-werror --disable-docs --disable-install-blobs)
# A tree of one's own keeps its devices.
case "$src" in
  "$cache"/*)
    cp "$here/configs/bpmp-virt.mak" "$src/configs/devices/aarch64-softmmu/"
    options+=(--without-default-devices --with-devices-aarch64=bpmp-virt) ;;
esac
if grep -q 'mkvenv' "$src/configure"; then
  newer_meson
  options+=(--python=/usr/bin/python3)
else
  options+=(--meson=/usr/bin/meson)
fi
if [ "$sanitize" = yes ]; then
  if grep -q -- '--enable-asan' "$src/scripts/meson-buildoptions.sh"; then
    options+=(--enable-asan --enable-ubsan)
  else
    options+=(--enable-sanitizers)
  fi
fi
# What is configured once stays so, until the options or the place of the library change.
inputs="${options[*]} $(sha256sum <"$here/configs/bpmp-virt.mak")"
inputs+=" client=$client $(pkg-config --modversion --libs libbpmp-client 2>&1 || true)"
if [ "$(cat "$build/.bpmp-inputs" 2>/dev/null)" != "$inputs" ]; then
  say "configuring QEMU $(cat "$src/VERSION")"
  mkdir -p "$build"
  (cd "$build" && "$src/configure" "${options[@]}") >"$build.log" 2>&1 ||
    { tail -n 30 "$build.log" >&2; exit 1; }
  printf '%s\n' "$inputs" >"$build/.bpmp-inputs"
fi
say "building QEMU $(cat "$src/VERSION") in $build"
ninja -C "$build" qemu-system-aarch64 >"$build.log" 2>&1 || { tail -n 40 "$build.log" >&2; exit 1; }
if ! "$build/qemu-system-aarch64" -device help 2>/dev/null | grep -q nvidia-bpmp-mailbox; then
  rm -f "$build/.bpmp-inputs"
  echo "build.sh: the emulator has no nvidia-bpmp-mailbox: did pkg-config find libbpmp-client? (--client)" >&2
  exit 1
fi
echo "$build/qemu-system-aarch64"
