#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The host proxy's DKMS package builds, by DKMS itself, from what is installed of it alone; and is what it says.
#
#   tests/style/dkms.sh BUILD     a kernel's build folder, as kernel/build.sh prints it
#
# In a folder of its own: nothing is installed.
set -euo pipefail
[ $# -eq 1 ] && [ -f "$1/include/config/kernel.release" ] ||
  { echo "dkms.sh: give a kernel's build folder" >&2; exit 2; }
build="$(readlink -f "$1")"
cd "$(dirname "$0")/../../kernel/host"
# Where dkms and modinfo are, which ordinary users don't look through.
export PATH="$PATH:/usr/sbin:/sbin"
fail() { echo "dkms.sh: $*" >&2; exit 1; }

work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
mkdir "$work/dkms"
make -s dkms-source DESTDIR="$work"
name=bpmp-host-proxy
version="$(sed -n 's/^PACKAGE_VERSION="\(.*\)"/\1/p' "$work"/usr/src/"$name"-*/dkms.conf)"
release="$(cat "$build/include/config/kernel.release")"

# Without a program that signs, DKMS makes no key for this machine.
sign_file=/nonexistent ARCH=arm64 CROSS_COMPILE=aarch64-linux-gnu- dkms build "$name/$version" -k "$release" -a aarch64 \
  --kernelsourcedir "$build" --sourcetree "$work/usr/src" --dkmstree "$work/dkms" >"$work/log" 2>&1 ||
  { cat "$work/log" "$work/dkms/$name/$version/build/make.log" >&2 2>/dev/null; fail "no module for Linux $release"; }

module="$work/dkms/$name/$version/$release/aarch64/module/$name.ko"
# is FIELD VALUE: what the module says of itself.
is() {
  local said
  said="$(modinfo -F "$1" "$module")"
  [ "$said" = "$2" ] || fail "the module's $1 is '$said' and not '$2'"
}
is name "${name//-/_}"
is license GPL
is version "$version"
[[ "$(modinfo -F vermagic "$module")" = "$release "* ]] || fail "the module isn't for Linux $release"
modinfo -F alias "$module" | grep -qF nvidia,bpmp-host-proxy || fail "the module isn't loaded for its node"
