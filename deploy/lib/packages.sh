# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What must be installed for which purpose, by the distribution's names (Debian 12, Ubuntu 24.04), and
# functions that get what is missing. Sourced by the scripts; changes nothing but installed packages.
# shellcheck disable=SC2034  # the lists are for those who source this

# python3, libseccomp-dev and device-tree-compiler are the tests': whoever configures a build with its tests needs them.
PACKAGES_BUILD=(
  build-essential cmake ninja-build ccache pkg-config python3
  libgrpc++-dev libgrpc-dev protobuf-compiler protobuf-compiler-grpc libprotobuf-dev
  libabsl-dev libyaml-cpp-dev libspdlog-dev libcli11-dev libfdt-dev
  prometheus-cpp-dev libgtest-dev libgmock-dev libseccomp-dev device-tree-compiler
)
# No package here may start a service when it is installed.
PACKAGES_TEST=(clang-14 libclang-rt-14-dev clang-format-14 clang-tidy-14 openssl zsh fish jq)
# What a build of QEMU needs, and its tests.
PACKAGES_QEMU=(libglib2.0-dev libpixman-1-dev libfdt-dev libseccomp-dev meson flex bison bzip2
  python3-venv dpkg-dev debian-archive-keyring gcc-aarch64-linux-gnu)
# What a build of a kernel needs, and of what boots on it.
PACKAGES_KERNEL=(gcc-aarch64-linux-gnu libc6-dev-arm64-cross flex bison bc libssl-dev libelf-dev xz-utils cpio patch
  python3 dpkg-dev debian-archive-keyring device-tree-compiler dkms dt-schema
  sparse)

# What a build of the broker for arm64 needs, besides PACKAGES_BUILD; and the -dev packages, of arm64, that its
# sysroot is made of.
PACKAGES_ARM64=(g++-aarch64-linux-gnu dpkg-dev debian-archive-keyring cpio)
PACKAGES_ARM64_SYSROOT=(libc6-dev libgrpc++-dev libgrpc-dev libprotobuf-dev libabsl-dev libyaml-cpp-dev
  libspdlog-dev libcli11-dev libfdt-dev prometheus-cpp-dev)

# as_root COMMAND...
as_root() { if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi; }

install_packages() { # NAME...
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@"
}

# require_packages NAME...: installs those that are missing, after saying which.
require_packages() {
  local missing=() name log
  for name in "$@"; do
    dpkg-query -W -f='${Status}' "$name" 2>/dev/null | grep -q 'ok installed' || missing+=("$name")
  done
  [ ${#missing[@]} -eq 0 ] && return 0
  if ! command -v apt-get >/dev/null; then
    echo "This needs the packages of Debian 12 or Ubuntu 24.04, and there is no apt-get here." >&2
    echo "Install by other means: ${missing[*]}" >&2
    return 1
  fi
  echo "Installing from the distribution: ${missing[*]}"
  log="$(mktemp)"
  # The machine's package lists may be old or absent.
  if ! install_packages "${missing[@]}" >"$log" 2>&1 &&
    ! { as_root apt-get update -q && install_packages "${missing[@]}"; } >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    rm -f "$log"
    echo "Could not install: ${missing[*]}" >&2
    return 1
  fi
  rm -f "$log"
}

# fetch_promtool DIR: puts promtool into DIR, unless the machine has it. Its package, prometheus, isn't
# installed: that would start a server, open to the network.
fetch_promtool() {
  local target="$1" work
  if command -v promtool >/dev/null || [ -x "$target/promtool" ]; then return 0; fi
  echo "Unpacking promtool from the distribution's package prometheus into $target (nothing is installed)"
  work="$(mktemp -d)"
  if download_prometheus "$work" >"$work/log" 2>&1 &&
    dpkg-deb --fsys-tarfile "$work"/prometheus_*.deb | tar -x -C "$work" ./usr/bin/promtool; then
    mkdir -p "$target"
    mv "$work/usr/bin/promtool" "$target/"
    rm -rf "$work"
    return 0
  fi
  tail -n 20 "$work/log" >&2
  rm -rf "$work"
  echo "Could not get promtool; put it on PATH by other means" >&2
  return 1
}
download_prometheus() { # DIR
  # As root, apt drops its rights for a download, to a user that may not write here.
  local get=(apt-get download -q -o APT::Sandbox::User=root prometheus)
  (cd "$1" && { "${get[@]}" || { as_root apt-get update -q && "${get[@]}"; }; })
}
