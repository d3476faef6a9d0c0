# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# The story with two real guests: Linux as it is, in QEMU with our device. Each has a device whose
# driver (tests/e2e/consumer) does with its clocks, reset and power domain what is written to its files. Sourced by
# deploy/demo.sh.

story_build() {
  local cache="${BPMP_CACHE:-$HOME/.cache/bpmp-broker}" started=$SECONDS
  require_packages "${PACKAGES_BUILD[@]}" "${PACKAGES_QEMU[@]}" "${PACKAGES_KERNEL[@]}"
  printf 'Building the broker in build/release, QEMU 10.0 and Linux 6.12, unchanged, in %s.\n' "$cache"
  printf 'The first time this takes long, later seconds ...\n'
  build_release bpmp-broker bpmpctl bpmp-client
  # Where tests/run.sh puts it too, so that the emulator is configured once.
  quietly cmake --install build/release --component client --prefix "$cache/qemu/client"
  qemu="$(qemu-client/qemu/build.sh --version 10.0 --client "$cache/qemu/client")"
  kernel="$(kernel/build.sh --version 6.12 --stock)"
  tests/e2e/initramfs.sh "$kernel" >/dev/null
  printf 'Built in %d s.\n' $((SECONDS - started))
}
story_is_built() {
  qemu="${BPMP_QEMU_10_0:-}" kernel="${BPMP_KERNEL_6_12_STOCK:-}"
  if [ -x "$qemu" ] && [ -d "$kernel" ]; then return 0; fi
  echo "BPMP_QEMU_10_0 and BPMP_KERNEL_6_12_STOCK don't say where these are; tests/run.sh -L e2e builds them" >&2
  exit 77 # what ctest takes for skipped
}

# Camera and display take the one external clock of the board, at the rate of who was first.
story_config() {
  cat <<'END'
vms:
  - name: gpu-vm
    devices: [gpu, host1x, vic, nvdec]
    clocks: [{name: extperiph1, access: vote}]
  - name: display-vm
    devices: [display]
    clocks: [{name: extperiph1, access: vote}]
clocks:
  - {clock: extperiph1, rate_policy: first}
END
}

# What each guest's device tree says of its device: 40 is fuse, 36 extperiph1, 167 vic. The display VM has the GPU
# VM's engine in its device tree, as somebody might who tries; the broker decides, not the device tree.
gpu_device='clocks = <&{/bpmp} 40>, <&{/bpmp} 36>, <&{/bpmp} 167>; resets = <&{/bpmp} 113>;
  power-domains = <&{/bpmp} 29>;'
display_device='clocks = <&{/bpmp} 40>, <&{/bpmp} 36>, <&{/bpmp} 167>; resets = <&{/bpmp} 113>;'

hardware=(-machine virt -accel tcg -cpu cortex-a57 -m 256 -net none -display none -nodefaults -no-user-config)

# The device tree that this emulator makes for a guest, and a device in it.
make_tree() { # NAME DEVICE
  local base="$dir/$1.base"
  "$qemu" "${hardware[@]}" -machine "dumpdtb=$base.dtb" \
    -device "nvidia-bpmp-mailbox,broker=unix:$dir/nobody.sock,wait=off" 2>"$dir/$1.log"
  dtc -q -I dtb -O dts -o "$base.dts" "$base.dtb"
  printf '/ { consumer { compatible = "bpmp-broker,test-consumer"; %s }; };\n' "$2" >>"$base.dts"
  dtc -q -I dts -O dtb -o "$dir/$1.dtb" "$base.dts"
}

# Starts a machine and waits for its shell. Its console is a pipe to it, and a file from it.
boot() { # NAME DEVICE
  local fd
  if [ ! -p "$dir/$1.in" ]; then
    make_tree "$1" "$2" || fail "no device tree for $1"
    mkfifo "$dir/$1.in"
    exec {fd}<>"$dir/$1.in"
    ear[$1]="$fd"
  fi
  printf '%s$ qemu-system-aarch64 -machine virt -device nvidia-bpmp-mailbox,broker=unix:%s ... &%s\n' \
    "$dim" "$dir/vms/$1.sock" "$off"
  : >"$dir/$1.console" # an earlier life's is none of this one's
  "$qemu" "${hardware[@]}" -device "nvidia-bpmp-mailbox,broker=unix:$dir/vms/$1.sock" \
    -kernel "$kernel/arch/arm64/boot/Image" -initrd "$kernel/bpmp-initramfs.gz" \
    -append console=ttyAMA0 -dtb "$dir/$1.dtb" -serial chardev:console \
    -chardev "file,id=console,path=$dir/$1.console,input-path=$dir/$1.in" >"$dir/$1.log" 2>&1 &
  vm_pids+=("$!")
  disown
  wait_for "$1" up_or_ended "$1" "$!"
  grep -q GUEST-READY "$dir/$1.console" || fail "$1 ended before it was up"
  guest "$1" '*nvidia,tegra*' 'tr "\0" " " </proc/device-tree/bpmp/compatible; echo'
  guest "$1" '*Disabling unused clocks*' 'dmesg | grep -iE "bpmp|disabling unused"'
}
load_driver() { # NAME
  guest "$1" '' 'insmod /lib/bpmp-consumer.ko'
  guest "$1" '*result*' 'cd /sys/bus/platform/devices/consumer && echo *'
}
up_or_ended() { grep -q GUEST-READY "$dir/$1.console" || ! kill -0 "$2"; } # NAME PID

# Types a line on a guest's console, shows what comes back, and fails where that doesn't fit the pattern.
guest() { # NAME PATTERN LINE
  local console="$dir/$1.console" lines before answer
  lines="$(wc -l <"$console")" before="$(answers_of "$1")"
  printf '%s%s# %s%s\n' "$dim" "$1" "$3" "$off"
  printf '%s\n' "$3" >&"${ear[$1]}"
  wait_for "the answer of $1" answered "$1" "$before"
  answer="$(tail -n "+$((lines + 1))" "$console" | sed '/^GUEST-DONE/,$d')"
  [ -z "$answer" ] || printf '%s\n' "$answer"
  # shellcheck disable=SC2053  # a pattern
  [[ "$answer" == $2 ]] || fail "$1 was told '$3' and should have answered '$2'"
}
answers_of() { grep -c '^GUEST-DONE' "$dir/$1.console" || true; }
answered() { [ "$(answers_of "$1")" -gt "$2" ]; } # NAME BEFORE

# How often the hardware was told to change something.
changes() {
  local events
  events="$(bpmpctl watch --replay-only --kind edge --kind rate --kind parent --kind reset -o json)" ||
    { echo "bpmpctl can't tell"; return; } # which no number is
  grep -c . <<<"$events" || true
}
unchanged() { # WHAT BEFORE
  [ "$(changes)" = "$2" ] || { bpmpctl watch --replay-only; fail "$1 changed something in the hardware"; }
}

story_play() {
  gpu_comes_up
  display_comes_up
  they_share
  one_is_refused
  they_conflict
  one_dies
}

gpu_comes_up() {
  step 'The GPU VM boots Linux; late in its boot it switches off all clocks that nobody in it uses'
  boot gpu-vm "$gpu_device"
  unchanged "the guest's clean-up" 0
  echo 'The hardware has seen none of it. Now its driver brings a device up: power, clock, rate, reset.'
  load_driver gpu-vm
  boot_rate="$(field clock vic rate_hz)"
  guest gpu-vm 0 'echo 1 >domain; cat result'
  guest gpu-vm 0 'echo 2 >clk_enable; cat result'
  guest gpu-vm 0 'echo 2 204000000 >clk_rate; cat result'
  guest gpu-vm 0 'echo deassert 0 >reset; cat result'
  vic_rate="$(field clock vic rate_hz)" # near what was asked for, as the hardware can
  [ "$vic_rate" != "$boot_rate" ] || fail "the clock's rate did not change"
  show bpmpctl why-on clock:vic
}

display_comes_up() {
  local before
  step "The display VM boots, and cleans up too: of its view, not of the other's"
  before="$(changes)"
  boot display-vm "$display_device"
  unchanged "the second guest's clean-up" "$before"
  holds "the first guest's clock did not survive the boot of the second" clock vic gate GATE_STATE_ON
  load_driver display-vm
  show bpmpctl vm list
}

they_share() {
  local before
  step 'Both use one clock'
  guest gpu-vm 0 'echo 0 >clk_enable; cat result'
  before="$(changes)"
  guest display-vm 0 'echo 0 >clk_enable; cat result'
  show bpmpctl clock holders fuse
  echo 'One switches it off. The other still needs it, so the hardware is not touched:'
  guest gpu-vm 0 'echo 0 >clk_disable; cat result'
  show bpmpctl why-on fuse
  unchanged 'the second vote, or the first that was dropped,' "$before"
  holds 'the shared clock did not stay on' clock fuse gate GATE_STATE_ON
}

one_is_refused() {
  step "The display VM tries what isn't its own: -22 is Linux's EINVAL"
  guest display-vm -22 'echo assert 0 >reset; cat result'
  guest display-vm '-*' 'echo 2 >clk_enable; cat result'
  show bpmpctl why-denied display-vm reset assert vic
  show bpmpctl watch --replay-only --vm display-vm --kind denied
  holds 'another VM drove the reset' reset vic reset RESET_STATE_DEASSERTED
}

they_conflict() {
  step 'Both may set the rate of one clock: who was first keeps it'
  guest gpu-vm 0 'echo 1 24000000 >clk_rate; cat result'
  guest gpu-vm 0 'echo 1 >clk_enable; cat result'
  first_rate="$(field clock extperiph1 rate_hz)"
  guest display-vm 0 'echo 1 >clk_enable; cat result'
  guest display-vm '*' 'echo 1 12000000 >clk_rate; cat result'
  echo 'The second one asked what it could get, was told the rate that there is, and Linux left it at that:'
  guest display-vm "*1 $first_rate 1*" 'cat clk_rate'
  show bpmpctl why-denied display-vm clk set-rate extperiph1 12MHz
  holds 'the second set the rate' clock extperiph1 rate_hz "$first_rate"
}

one_dies() {
  step "The GPU VM's QEMU dies: kill -9"
  local since
  since=$(($(last_event) + 1)) # what it was released from when its machine started doesn't count
  kill -9 "${vm_pids[0]}"
  vm_pids=("${vm_pids[@]:1}") # its number may be another's now
  wait_for 'the release' released gpu-vm "$since"
  echo 'Its reset is asserted, its clock is off and back at its boot rate, its power is off:'
  show bpmpctl watch --replay-only --since "$since" --vm gpu-vm --kind edge --kind reset --kind rate --kind released
  holds "the dead VM's reset is not asserted" reset vic reset RESET_STATE_ASSERTED
  holds "the dead VM's clock is not off" clock vic gate GATE_STATE_OFF
  holds "the dead VM's clock is not back at its boot rate" clock vic rate_hz "$boot_rate"
  holds "the dead VM's power is not off" domain vic gate GATE_STATE_OFF
  echo 'The other goes on, has its clocks, and is now the first:'
  holds 'the shared clock did not survive' clock fuse gate GATE_STATE_ON
  guest display-vm 0 'echo 1 12000000 >clk_rate; cat result'
  guest display-vm '*' 'cat clk_rate'
  [ "$(field clock extperiph1 rate_hz)" != "$first_rate" ] || fail 'the rate is still that of the dead VM'

  step 'The GPU VM starts again, and finds a device that it can use'
  boot gpu-vm "$gpu_device"
  load_driver gpu-vm
  guest gpu-vm 0 'echo 1 >domain; cat result'
  guest gpu-vm 0 'echo 2 >clk_enable; cat result'
  guest gpu-vm 0 'echo deassert 0 >reset; cat result'
  holds "the engine's clock is not on again" clock vic gate GATE_STATE_ON
  show bpmpctl vm list
}

story_to_try() {
  cat <<END
  bpmpctl clock tree
  bpmpctl watch

Both guests are up, too. This is the console of one, a line at a time; what the files of its driver do is written
in tests/e2e/consumer/consumer.c:

  tail -n 0 -f $dir/display-vm.console & cat >$dir/display-vm.in
  ls; echo 0 >clk_disable; cat result clk_rate
END
}
