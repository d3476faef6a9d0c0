#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Shows the broker at work on this machine, without any Tegra hardware: installs what it needs to build (packages
# of the distribution, nothing else), builds, starts the broker on the simulated BPMP and plays a story with
# three VMs. Then leaves the broker running for you to try bpmpctl, until Ctrl-C; with --once it stops.
# Ends with 1, and says why, where the story doesn't go as it should.
set -euo pipefail
cd "$(dirname "$0")/.."
. deploy/lib/packages.sh

once=no
case "$*" in
  --once) once=yes ;;
  '') ;;
  --help|-h) sed -n '3,7s/^# \{0,1\}//p' "$0"; echo 'usage: deploy/demo.sh [--once]'; exit 0 ;;
  *) echo "deploy/demo.sh: can't make sense of '$*'; usage: deploy/demo.sh [--once]" >&2; exit 2 ;;
esac

bold='' dim='' off=''
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then bold=$'\e[1m' dim=$'\e[2m' off=$'\e[0m'; fi
step() { printf '\n%s== %s%s\n' "$bold" "$*" "$off"; }
show() { printf '%s$ %s%s\n' "$dim" "$*" "$off"; "$@" || fail "'$*' failed"; }
fail() {
  printf '\ndeploy/demo.sh: the story went wrong: %s\nThe broker said:\n' "$*" >&2
  tail -n 30 "$dir/broker.log" >&2
  exit 1
}

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
# Sends one request from a VM, shows what it was answered, and fails where that is not as expected.
vm() { # NAME FD ok|refused REQUEST...
  local name="$1" fd="$2" expected="$3" before after=0 answer
  shift 3
  printf '%s%s> %s%s\n' "$dim" "$name" "$*" "$off"
  before="$(grep -c . "$dir/$name.out" || true)"
  echo "$*" >&"$fd"
  for _ in $(seq 200); do
    after="$(grep -c . "$dir/$name.out" || true)"
    [ "$after" -gt "$before" ] && break
    sleep 0.02
  done
  answer="$(tail -n "+$((before + 1))" "$dir/$name.out")"
  printf '%s\n' "$answer"
  case "$answer" in
    *": $expected"*) ;;
    *) fail "$name asked '$*' and should have been answered '$expected'" ;;
  esac
}
# One field of a resource, as JSON has it: field clock vic rate_hz.
field() { # KIND NAME FIELD
  bpmpctl "$1" show "$2" -o json | sed -n "s/^ *\"$3\": *\"\{0,1\}\([^\",]*\)\"\{0,1\},\{0,1\}\$/\1/p"
}
# Fails unless the field has the value.
holds() { # WHAT KIND NAME FIELD VALUE
  local found
  found="$(field "$2" "$3" "$4")"
  [ "$found" = "$5" ] || fail "$1 (the $4 of $2 $3 is '$found' and not '$5')"
}

# wait_for WHAT COMMAND...: until the command succeeds.
wait_for() {
  local what="$1"
  shift
  for _ in $(seq 500); do
    "$@" >/dev/null 2>&1 && return 0
    kill -0 "$broker" 2>/dev/null || fail "the broker ended while it was waited for $what"
    sleep 0.02
  done
  fail "$what did not come"
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
vm net-vm 7 'ok: 42' ping 21
vm gpu-vm 8 'ok: 42' ping 21
vm display-vm 9 'ok: 42' ping 21
show bpmpctl vm list

step 'Two of them use the same clock, which feeds both their devices'
vm gpu-vm 8 ok clk enable fuse
vm display-vm 9 ok clk enable fuse
show bpmpctl clock holders fuse
echo 'One disables it. The other still needs it, so the hardware is not touched:'
vm gpu-vm 8 ok clk disable fuse
show bpmpctl why-on fuse
holds 'the shared clock did not stay on' clock fuse gate GATE_STATE_ON

step 'A VM brings its device up: power, clock, rate, reset'
boot_rate="$(field clock vic rate_hz)"
vm gpu-vm 8 ok pg on vic
vm gpu-vm 8 ok clk enable vic
vm gpu-vm 8 ok clk set-rate vic 204MHz
vm gpu-vm 8 ok reset deassert vic
rate="$(field clock vic rate_hz)" # near what was asked for, as the hardware can
[ "$rate" != "$boot_rate" ] || fail "the clock's rate did not change"
show bpmpctl why-on vic

step "Another VM tries what isn't its own"
vm net-vm 7 refused clk set-rate vic 19.2MHz
vm net-vm 7 refused reset assert vic
show bpmpctl why-denied net-vm reset assert vic
holds 'another VM set the rate' clock vic rate_hz "$rate"
holds 'another VM drove the reset' reset vic reset RESET_STATE_DEASSERTED

step 'The GPU VM dies: kill -9'
kill -9 "${vm_pids[1]}"
exec 8>&-
wait_for 'the release' released gpu-vm
echo 'Its reset is asserted, its clock is off and back at its boot rate, its power is off:'
show bpmpctl watch --replay-only --vm gpu-vm --kind edge --kind reset --kind rate --kind released
show bpmpctl clock show vic
show bpmpctl vm list
holds "the dead VM's reset is not asserted" reset vic reset RESET_STATE_ASSERTED
holds "the dead VM's clock is not off" clock vic gate GATE_STATE_OFF
holds "the dead VM's clock is not back at its boot rate" clock vic rate_hz "$boot_rate"
holds "the dead VM's power is not off" domain vic gate GATE_STATE_OFF
holds 'the shared clock did not survive' clock fuse gate GATE_STATE_ON

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
