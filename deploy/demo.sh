#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Shows the broker at work on this machine, without any Tegra hardware: installs what it needs to build (packages
# of the distribution, nothing else), builds, starts the broker on the simulated BPMP and plays a story with
# three VMs. Then leaves the broker running for you to try bpmpctl, until Ctrl-C; with --once it stops.
set -euo pipefail
cd "$(dirname "$0")/.."
. deploy/lib/packages.sh

once=no
case "${1:-}" in
  --once) once=yes ;;
  '') ;;
  *) sed -n '3,6s/^# \{0,1\}//p' "$0"; echo "usage: deploy/demo.sh [--once]"; [ "$1" = --help ]; exit ;;
esac

bold='' dim='' off=''
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then bold=$'\e[1m' dim=$'\e[2m' off=$'\e[0m'; fi
step() { printf '\n%s== %s%s\n' "$bold" "$*" "$off"; }
show() { printf '%s$ %s%s\n' "$dim" "$*" "$off"; "$@" || true; }

require_packages "${PACKAGES_BUILD[@]}"
printf 'Building in build/release (the first time takes some minutes) ...\n'
log="$(mktemp)"
{ cmake --preset release && cmake --build --preset release -j "$(nproc)" --target bpmp-broker bpmpctl; } \
  >"$log" 2>&1 || { tail -n 30 "$log"; echo "The build failed; its output is in $log" >&2; exit 1; }
rm -f "$log"

dir="$(mktemp -d /tmp/bpmp-demo.XXXXXX)"
export PATH="$PWD/build/release/broker/ctl:$PWD/build/release/broker/daemon:$PATH"
export BPMP_BROKER_ADMIN="$dir/admin.sock"
vm_pids=()
broker=''
finish() {
  exec 7>&- 8>&- 9>&- || true
  [ -z "$broker" ] || { kill "$broker" 2>/dev/null && wait "$broker" 2>/dev/null; } || true
  rm -rf "$dir"
}
trap finish EXIT
trap 'exit 130' INT TERM

# A VM: bpmpctl holds the VM's session as QEMU would, and sends what it reads from a pipe.
start_vm() { # NAME FD
  mkfifo "$dir/$1.in"
  bpmpctl session "$1" <"$dir/$1.in" >"$dir/$1.out" 2>&1 &
  vm_pids+=("$!")
  disown
  eval "exec $2>\"$dir/$1.in\""
  wait_for "the session of $1" grep -q session "$dir/$1.out"
}
# Sends one request from a VM and shows what it was answered.
vm() { # NAME FD REQUEST...
  local name="$1" fd="$2" before after
  shift 2
  printf '%s%s> %s%s\n' "$dim" "$name" "$*" "$off"
  before="$(grep -c . "$dir/$name.out" || true)"
  echo "$*" >&"$fd"
  for _ in $(seq 200); do
    after="$(grep -c . "$dir/$name.out" || true)"
    [ "$after" -gt "$before" ] && break
    sleep 0.02
  done
  tail -n "+$((before + 1))" "$dir/$name.out"
}

# wait_for WHAT COMMAND...: until the command succeeds.
wait_for() {
  local what="$1"
  shift
  for _ in $(seq 500); do
    "$@" >/dev/null 2>&1 && return 0
    kill -0 "$broker" 2>/dev/null || { cat "$dir/broker.log"; exit 1; }
    sleep 0.02
  done
  echo "$what did not come" >&2
  cat "$dir/broker.log" >&2
  exit 1
}
released() { bpmpctl watch --replay-only --vm "$1" --kind released | grep -q .; }

step 'Starting the broker on a simulated Tegra234'
cat >"$dir/broker.yaml" <<EOF
runtime_dir: $dir
metrics: {listen: "off"}
vms:
  - {name: net-vm, devices: [mgbe0]}
  - {name: gpu-vm, devices: [gpu, host1x, vic, nvdec]}
  - {name: display-vm, devices: [display]}
EOF
sed 's/^/    /' "$dir/broker.yaml"
bpmp-broker --config "$dir/broker.yaml" >"$dir/broker.log" 2>&1 &
broker=$!
wait_for 'the broker' bpmpctl status
show bpmpctl status

step 'Three VMs come up; each has a socket of its own, and the socket is its identity'
start_vm net-vm 7
start_vm gpu-vm 8
start_vm display-vm 9
vm net-vm 7 ping 21
vm gpu-vm 8 ping 21
vm display-vm 9 ping 21
show bpmpctl vm list

step 'Two of them use the same clock, which feeds both their devices'
vm gpu-vm 8 clk enable fuse
vm display-vm 9 clk enable fuse
show bpmpctl clock holders fuse
echo 'One disables it. The other still needs it, so the hardware is not touched:'
vm gpu-vm 8 clk disable fuse
show bpmpctl why-on fuse

step 'A VM brings its device up: power, clock, rate, reset'
vm gpu-vm 8 pg on vic
vm gpu-vm 8 clk enable vic
vm gpu-vm 8 clk set-rate vic 204MHz
vm gpu-vm 8 reset deassert vic
show bpmpctl why-on vic

step "Another VM tries what isn't its own"
vm net-vm 7 clk set-rate vic 19.2MHz
vm net-vm 7 reset assert vic
show bpmpctl why-denied net-vm reset assert vic

step 'The GPU VM dies: kill -9'
kill -9 "${vm_pids[1]}"
exec 8>&-
wait_for 'the release' released gpu-vm
echo 'Its reset is asserted, its clock is off and back at its boot rate, its power is off:'
show bpmpctl watch --replay-only --vm gpu-vm --kind edge --kind reset --kind rate --kind released
show bpmpctl clock show vic
show bpmpctl vm list

step 'That is the story'
if [ "$once" = yes ]; then exit 0; fi
cat <<EOF
The broker is still running. In another terminal:

  export PATH=$PWD/build/release/broker/ctl:\$PATH BPMP_BROKER_ADMIN=$BPMP_BROKER_ADMIN
  bpmpctl clock tree
  bpmpctl request display-vm clk enable disp
  bpmpctl watch

Ctrl-C ends it.
EOF
wait "$broker"
