# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# A sysroot to build the broker for arm64 with. Sourced by the scripts, after packages.sh and apt_private.sh.

# arm64_sysroot: makes it in $BPMP_CACHE, unless it is there, and prints its path. Debian's arm64 packages and all that
# they depend on, found by apt, are unpacked there; nothing is installed. Later updates of theirs aren't taken.
arm64_sysroot() {
  local root="${BPMP_CACHE:-$HOME/.cache/bpmp-broker}/arm64" work plugin
  local wanted="bookworm ${PACKAGES_ARM64_SYSROOT[*]}"
  mkdir -p "$root"
  if [ "$(cat "$root/sysroot/.bpmp-packages" 2>/dev/null)" != "$wanted" ]; then
    echo '== unpacking a sysroot for arm64' >&2
    work="$(mktemp -d -p "$root")"
    unpack_sysroot "$work" >"$root/sysroot.log" 2>&1 || { tail -n 20 "$root/sysroot.log" >&2; rm -rf "$work"; return 1; }
    # gRPC's CMake package looks for its generators in the sysroot: there, this machine's stand for them.
    for plugin in /usr/bin/grpc_*_plugin; do ln -sf "$plugin" "$work/sysroot/usr/bin/"; done
    printf '%s\n' "$wanted" >"$work/sysroot/.bpmp-packages"
    rm -rf "$root/sysroot"
    mv "$work/sysroot" "$root/sysroot"
    rm -rf "$work"
  fi
  echo "$root/sysroot"
}

# unpack_sysroot DIR: into DIR/sysroot. Where no package counts as installed, what apt gets is the whole closure.
unpack_sysroot() {
  local file link
  mkdir -p "$1/debs/partial" "$1/sysroot/usr/bin" "$1/dpkg"
  # apt locks the folder that this is in.
  : >"$1/dpkg/status"
  apt_private bookworm --arch arm64 --download-only install -y -q --no-install-recommends \
    -o Dir::State::status="$1/dpkg/status" -o "Dir::Cache::archives=$1/debs" "${PACKAGES_ARM64_SYSROOT[@]}" || return 1
  for file in "$1"/debs/*.deb; do dpkg -x "$file" "$1/sysroot" || return 1; done
  # An absolute link means a file of the sysroot, not of this machine.
  find "$1/sysroot" -type l -lname '/*' | while read -r link; do
    ln -sfrn "$1/sysroot$(readlink "$link")" "$link"
  done
}
