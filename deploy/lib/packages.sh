# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What must be installed for which purpose, by the distribution's names (Debian 12, Ubuntu 24.04), and a
# function that installs what is missing. Sourced by the scripts; changes nothing but installed packages.

PACKAGES_BUILD=(
  build-essential cmake ninja-build ccache pkg-config
  libgrpc++-dev libgrpc-dev protobuf-compiler protobuf-compiler-grpc libprotobuf-dev
  libabsl-dev libyaml-cpp-dev libspdlog-dev libcli11-dev libsystemd-dev
  prometheus-cpp-dev libgtest-dev libgmock-dev libbenchmark-dev
)
PACKAGES_TEST=(clang-14 libclang-rt-14-dev clang-format-14 clang-tidy-14 prometheus python3 openssl)

# require_packages NAME...: installs those that are missing, after saying which.
require_packages() {
  local missing=() name
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
  local as_root=()
  [ "$(id -u)" -eq 0 ] || as_root=(sudo)
  if ! "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -q --no-install-recommends "${missing[@]}" >/tmp/bpmp-apt.$$ 2>&1; then
    # The machine's package lists may be old or absent.
    "${as_root[@]}" apt-get update -q >/tmp/bpmp-apt.$$ 2>&1 &&
      "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -q --no-install-recommends "${missing[@]}" >>/tmp/bpmp-apt.$$ 2>&1 || {
      tail -n 20 /tmp/bpmp-apt.$$ >&2
      rm -f /tmp/bpmp-apt.$$
      echo "Could not install: ${missing[*]}" >&2
      return 1
    }
  fi
  rm -f /tmp/bpmp-apt.$$
}
