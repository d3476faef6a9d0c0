# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Gets packages and sources that the machine's own apt doesn't offer, with a configuration of our own: the
# machine's package sources and architectures stay as they are. Sourced by the scripts.

# apt_mirror: the address of the Debian mirror that this machine uses; Debian's own where it uses none (Ubuntu).
apt_mirror() {
  local address
  address="$(sed -nE \
    -e 's#^URIs: *(https?://[^/ ]+/debian)/? *$#\1#p' \
    -e 's#^deb +(\[[^]]*\] +)?(https?://[^/ ]+/debian)/? .*#\2#p' \
    /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources 2>/dev/null |
    head -n 1)"
  echo "${address:-http://deb.debian.org/debian}"
}

# apt_private SUITE [--arch ARCH] COMMAND...: apt-get COMMAND with binary and source packages of one suite of Debian's.
apt_private() {
  local suite="$1" root arch key mirror
  shift
  arch="$(dpkg --print-architecture)"
  if [ "$1" = --arch ]; then arch="$2"; shift 2; fi
  root="${BPMP_CACHE:-$HOME/.cache/bpmp-broker}/apt/$suite-$arch"
  mkdir -p "$root/lists/partial" "$root/archives/partial"
  key=/usr/share/keyrings/debian-archive-keyring.gpg
  if [ ! -f "$key" ]; then
    echo "Debian's keys are missing; install: debian-archive-keyring" >&2
    return 1
  fi
  mirror="$(apt_mirror)"
  case "$suite" in *-security) mirror="$mirror-security" ;; esac
  printf "%s [signed-by=$key] $mirror $suite main\n" deb deb-src >"$root/sources.list"
  local options=(
    -o "Dir::Etc::sourcelist=$root/sources.list" -o Dir::Etc::sourceparts=/dev/null
    -o "Dir::State::lists=$root/lists" -o "Dir::Cache::archives=$root/archives"
    -o "Dir::Cache::pkgcache=" -o "Dir::Cache::srcpkgcache="
    -o "APT::Architecture=$arch" -o "APT::Architectures=$arch" -o APT::Sandbox::User=root
    -o Acquire::Languages=none)
  if [ -z "$(find "$root/lists" -name '*Sources*' -mtime -1 2>/dev/null | head -n 1)" ]; then
    apt-get "${options[@]}" update -q >"$root/update.log" 2>&1 || { cat "$root/update.log" >&2; return 1; }
  fi
  apt-get "${options[@]}" "$@"
}
