#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs the commands of README.md and of the manual, in their order, against a broker on the simulator: every line of
# a block that is marked `sh`, and those after "$ " of other blocks. Each must end as it says, or be in the table of
# those that another test runs. Then it checks every configuration that they show. The walk-through's are run by
# tests/e2e/walk_through_test.cc.
#
#   docs_commands.sh SOURCE BPMP-BROKER BPMPCTL BOARD.dts
set -euo pipefail
source_dir="$(realpath "$1")"
board="$(realpath "$4")"
dir="$(mktemp -d "${TMPDIR:-/tmp}/bpmp-docs-XXXXXX")"
broker=
finish() {
  # Sessions that stay end with their broker.
  kill $(jobs -p) 2>/dev/null || true
  wait
  rm -rf "$dir"
}
trap finish EXIT

mkdir "$dir/bin" "$dir/work"
ln -s "$(realpath "$2")" "$dir/bin/bpmp-broker"
ln -s "$(realpath "$3")" "$dir/bin/bpmpctl"
export PATH="$dir/bin:$PATH" BPMP_BROKER_ADMIN="$dir/run/admin.sock"

# The board, with the allow-list that `policy import` reads.
{
  cat "$board"
  echo '/ { bpmp_host_proxy { compatible = "nvidia,bpmp-host-proxy"; device-name = "net-vm";'
  echo '  allowed-clocks = <155 102>; allowed-resets = <100>; }; };'
} >"$dir/host.dts"
dtc -q -@ -I dts -O dtb -o "$dir/host.dtb" "$dir/host.dts"
cat >"$dir/broker.yaml" <<EOF
runtime_dir: $dir/run
metrics: {listen: "off"}
backend: {record: {file: $dir/work/run.trace}}
device_tree: none
vms:
  - {name: net-vm, devices: [uarta]}
  - {name: new-vm, audit_only: true}
EOF
bpmp-broker --config "$dir/broker.yaml" 2>"$dir/broker.log" &
broker=$!
until bpmpctl status >"$dir/status" 2>&1; do
  kill -0 "$broker" || { cat "$dir/broker.log"; exit 1; }
done

# What the documents take for granted, by the command that needs it.
prepare() {
  case "$1" in
    'bpmpctl vm add net-vm'*) bpmpctl vm remove net-vm ;;
    'bpmpctl vm add --json'*)
      bpmpctl vm remove gpu-vm
      echo '{"name": "gpu-vm", "devices": [{"device": "gpu"}]}' >gpu-vm.json ;;
    'jq .vm '*) echo '{"vm": {"name": "tv-vm", "devices": [{"device": "nvdec"}]}}' >x.json ;;
    'bpmpctl vm update gpu-vm --device'*)
      bpmpctl vm remove tv-vm && bpmpctl vm update gpu-vm --device nvdec ;;
    'bpmpctl vm update gpu-vm --without-device vic') bpmpctl vm update gpu-vm --device vic ;;
    'bpmpctl vm update display-vm '*) bpmpctl vm add display-vm ;;
    'bpmpctl policy suggest'*) bpmpctl request new-vm clk enable uarta ;;
    'bpmpctl trace diff'*) cp run.trace before.trace && cp run.trace after.trace ;;
    # Defined otherwise by an example; the file's comes back.
    'bpmpctl session '*) bpmpctl vm remove net-vm && bpmpctl policy reload ;;
    'fdtput '*)
      echo '/dts-v1/; / { #address-cells = <2>; #size-cells = <2>; bpmp { phandle = <1>; }; };' |
        dtc -q -I dts -O dtb -o virt.dtb - ;;
    'bpmp-broker '*)
      # Beside the one that runs.
      sed "s|$dir/run\$|$dir/another|; s|run.trace|another.trace|" "$dir/broker.yaml" >broker.yaml ;;
  esac
}

# Which test runs what can't be run here, for want of an emulator, a kernel or an hour.
elsewhere() {
  case "$1" in
    deploy/demo.sh*) echo 'the tests "demo" and "demo_guests"' ;;
    tests/run.sh*) echo 'this test is one of it' ;;
    'cc vmm.c '*) echo qemu-client/tests/install.sh ;;
    qemu-client/qemu/build.sh*|kernel/guest/apply.sh*) echo 'tests/run.sh, for its emulators and kernels' ;;
    scripts/config*) echo 'kernel/build.sh, with kernel/configs' ;;
    qemu-system-aarch64*) echo tests/qemu ;;
    *) return 1 ;;
  esac
}

# What the document shows a refusal of.
expected() {
  case "$1" in
    'bpmpctl request net-vm clk set-rate '*) echo 1 ;;
    *) echo 0 ;;
  esac
}

# A broker of the examples: it comes up, answers, and ends when it is told to.
serve() {
  local pid
  bash -c "exec $1" </dev/null >"$dir/out" 2>"$dir/err" &
  pid=$!
  until BPMP_BROKER_ADMIN="$dir/another/admin.sock" bpmpctl status >/dev/null 2>&1; do
    kill -0 "$pid" 2>/dev/null || return
  done
  kill "$pid" && wait "$pid"
}

# What goes on in the background: it answers, and is still there.
stay() {
  local pid
  bash -o pipefail -c "$1" </dev/null >"$dir/out" 2>"$dir/err" &
  pid=$!
  until grep -q '^clk .*: ' "$dir/out"; do
    kill -0 "$pid" 2>/dev/null || { wait "$pid"; return 1; }
  done
  grep -q ': ok$' "$dir/out" && kill -0 "$pid"
}

# As it is written, but for the board's own files, and for what goes on until somebody ends it.
run() {
  local command="$1"
  command="${command//\/sys\/firmware\/fdt/$dir/host.dtb}"
  command="${command//tegra234-p3737-0000+p3701-0000.dtb/$dir/host.dtb}"
  case "$command" in
    'bpmpctl watch '*) command="$command --replay-only" ;;
    'bpmpctl guest-dt '*) command="${command/guest-dt/guest-dt --host-dtb $dir/host.dtb}" ;;
    *' | source') command="${command% | source}" ;;
    # Its end tells nobody how the program in it ended.
    'source <('*')') command="${command:9:-1} >sourced && source sourced" ;;
    'bpmp-broker '*' --check') ;;
    'bpmp-broker '*) serve "$command"; return ;;
    *' &') stay "${command% &}"; return ;;
  esac
  bash -o pipefail -c "$command" </dev/null >"$dir/out" 2>"$dir/err"
}

failed=0
complain() {
  failed=$((failed + 1))
  echo "$1"
  cat "$dir/out" "$dir/err"
}

pages=(README.md)
mapfile -t -O 1 pages < <(cd "$source_dir" && ls docs/*.md | grep -v walk-through)
cd "$dir/work"
ran=0
while IFS= read -r command; do
  if elsewhere "$command" >/dev/null; then continue; fi
  ran=$((ran + 1))
  code=0
  { prepare "$command" >"$dir/out" 2>"$dir/err" && run "$command"; } || code=$?
  [ "$code" = "$(expected "$command")" ] || complain "ended with $code: $command"
done < <(cd "$source_dir" && awk '
  FNR == 1 { code = 0 }
  /^```/ { code = !code; sh = $0 == "```sh"; next }
  code && (sh || /^\$ /) && !/^(#|$)/ {
    sub(/^\$ /, "")
    sub(/ +# .*/, "")
    more = sub(/\\$/, "")
    printf "%s%s", $0, more ? "" : "\n"
  }' "${pages[@]}")

# What the text around them names must be there: each verb and each option.
while IFS= read -r command; do
  ran=$((ran + 1))
  read -ra words <<<"${command//[\[\]]/}"
  options=() verbs=()
  for word in "${words[@]:1}"; do
    case "$word" in
      --*) options+=("${word%%=*}") ;;
      *) verbs+=("$word") ;;
    esac
  done
  bpmpctl "${verbs[@]}" --help >"$dir/out" 2>"$dir/err" || complain "no such command: $command"
  # A verb that there isn't shows the help of the group that it isn't in: only `bpmpctl vm` asks for that.
  ! grep -q 'SUBCOMMAND$' "$dir/out" || { [ ${#verbs[@]} = 1 ] && grep -q "^Usage: bpmpctl ${verbs[0]} " "$dir/out"; } ||
    complain "no such verb: $command"
  for option in "${options[@]}"; do
    grep -qe "$option\b" "$dir/out" || complain "no such option: $command"
  done
done < <(cd "$source_dir" && grep -oh '`bpmpctl [^`]*`' "${pages[@]}" docs/walk-through*.md docs/adr/*.md |
  tr -d '`' | sort -u)

# Each configuration, as a whole one: with a VM where it shows none, and the users of this machine.
shown=0
while IFS= read -r -d '' yaml; do
  case "$yaml" in
    tls:*) continue ;;  # needs keys: tests/component/guest_tls_test.cc
    name:*)
      printf '%s' "$yaml" >my-board.yaml
      yaml='profiles: [my-board.yaml]' ;;
  esac
  shown=$((shown + 1))
  [[ "$yaml" == *vms:* ]] || yaml+=$'\nvms: [{name: net-vm}]'
  yaml="${yaml//\/run\/bpmp-broker/$dir/run}"
  printf '%s\n' "${yaml//owner: microvm/owner: $(id -un)}" >shown.yaml
  [ -e run.trace ] || cp "$dir/work/before.trace" run.trace
  bpmp-broker --config shown.yaml --sim --check --allow-insecure-tcp >"$dir/out" 2>"$dir/err" ||
    complain "is no configuration: $yaml"
done < <(cd "$source_dir" && awk '
  /^```/ { if (yaml) printf "%c", 0; yaml = !yaml && $0 == "```yaml"; next }
  yaml' "${pages[@]}")

echo "$ran commands and $shown configurations, $failed failed"
[ "$failed" = 0 ] && [ "$ran" -ge 75 ] && [ "$shown" -ge 8 ]
