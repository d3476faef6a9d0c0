# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# The story with three VMs that bpmpctl plays. Sourced by deploy/demo.sh.

story_build() {
  require_packages "${PACKAGES_BUILD[@]}"
  printf 'Building in build/release (the first time takes some minutes) ...\n'
  build_release bpmp-broker bpmpctl
}
story_is_built() { :; }

story_config() {
  cat <<'END'
vms:
  - {name: net-vm, devices: [mgbe0]}
  - {name: gpu-vm, devices: [gpu, host1x, vic, nvdec]}
  - {name: display-vm, devices: [display]}
END
}

# A VM: bpmpctl holds the VM's session as QEMU would, and sends what it reads from a pipe.
start_vm() { # NAME
  local fd
  mkfifo "$dir/$1.in"
  bpmpctl session "$1" <"$dir/$1.in" >"$dir/$1.out" 2>&1 &
  vm_pids+=("$!")
  disown
  exec {fd}>"$dir/$1.in"
  ear[$1]="$fd"
  wait_for "the session of $1" grep -q session "$dir/$1.out"
}
lines_of() { grep -c . "$dir/$1.out" || true; }
answered() { [ "$(lines_of "$1")" -gt "$2" ]; } # NAME BEFORE
# Sends one request from a VM, shows what it was answered, and fails where that is not as expected.
vm() { # NAME ok|refused REQUEST...
  local name="$1" expected="$2" before answer
  shift 2
  printf '%s%s> %s%s\n' "$dim" "$name" "$*" "$off"
  before="$(lines_of "$name")"
  echo "$*" >&"${ear[$name]}"
  wait_for "an answer for $name" answered "$name" "$before"
  answer="$(tail -n "+$((before + 1))" "$dir/$name.out")"
  printf '%s\n' "$answer"
  case "$answer" in
    *": $expected"*) ;;
    *) fail "$name asked '$*' and should have been answered '$expected'" ;;
  esac
}

story_play() {
  local boot_rate rate

  step 'Three VMs come up; each has a socket of its own, and the socket is its identity'
  start_vm net-vm
  start_vm gpu-vm
  start_vm display-vm
  vm net-vm 'ok: 42' ping 21
  vm gpu-vm 'ok: 42' ping 21
  vm display-vm 'ok: 42' ping 21
  show bpmpctl vm list

  step 'Two of them use the same clock, which feeds both their devices'
  vm gpu-vm ok clk enable fuse
  vm display-vm ok clk enable fuse
  show bpmpctl clock holders fuse
  echo 'One disables it. The other still needs it, so the hardware is not touched:'
  vm gpu-vm ok clk disable fuse
  show bpmpctl why-on fuse
  holds 'the shared clock did not stay on' clock fuse gate GATE_STATE_ON

  step 'A VM brings its device up: power, clock, rate, reset'
  boot_rate="$(field clock vic rate_hz)"
  vm gpu-vm ok pg on vic
  vm gpu-vm ok clk enable vic
  vm gpu-vm ok clk set-rate vic 204MHz
  vm gpu-vm ok reset deassert vic
  rate="$(field clock vic rate_hz)" # near what was asked for, as the hardware can
  [ "$rate" != "$boot_rate" ] || fail "the clock's rate did not change"
  show bpmpctl why-on vic

  step "Another VM tries what isn't its own"
  vm net-vm refused clk set-rate vic 19.2MHz
  vm net-vm refused reset assert vic
  show bpmpctl why-denied net-vm reset assert vic
  holds 'another VM set the rate' clock vic rate_hz "$rate"
  holds 'another VM drove the reset' reset vic reset RESET_STATE_DEASSERTED

  step 'The GPU VM dies: kill -9'
  kill -9 "${vm_pids[1]}"
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
}

story_to_try() {
  cat <<'END'
  bpmpctl clock tree
  bpmpctl request display-vm clk enable disp
  bpmpctl watch
END
}
