#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs the commands of the manual: every bpmpctl and bpmp-broker line of docs/bpmpctl.md, configuration.md and
# traces.md, in their order, against a broker on the simulator. Each must end as it says. The walk-through's are run by
# tests/e2e/walk_through_test.cc; README's are tests/run.sh itself and deploy/demo.sh.
#
#   docs_commands.sh SOURCE BPMP-BROKER BPMPCTL BOARD.dts
set -euo pipefail
source_dir="$(realpath "$1")"
board="$(realpath "$4")"
dir="$(mktemp -d "${TMPDIR:-/tmp}/bpmp-docs-XXXXXX")"
broker=
finish() {
  # Sessions that stay end with their broker.
  if [ -n "$broker" ]; then kill "$broker" && wait "$broker" || true; fi
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
    kill -0 "$pid" || return
  done
  kill "$pid" && wait "$pid"
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
    'bpmp-broker --config broker.yaml') serve "$command"; return ;;
  esac
  bash -c "$command" </dev/null >"$dir/out" 2>"$dir/err"
}

cd "$dir/work"
ran=0
failed=0
while IFS= read -r command; do
  ran=$((ran + 1))
  code=0
  { prepare "$command" >"$dir/out" 2>"$dir/err" && run "$command"; } || code=$?
  if [ "$code" != "$(expected "$command")" ]; then
    failed=$((failed + 1))
    echo "ended with $code: $command"
    cat "$dir/out" "$dir/err"
  fi
done < <(cd "$source_dir/docs" && awk '
  FNR == 1 { code = 0 }
  /^```/ { code = !code; next }
  code && sub(/^(\$ )?/, "") && /^(bpmpctl|bpmp-broker|jq|echo|source|dtc|fdtput|fdtoverlay) / {
    sub(/ +# .*/, "")
    print
  }' bpmpctl.md configuration.md traces.md)

echo "$ran commands, $failed failed"
[ "$failed" = 0 ] && [ "$ran" -ge 30 ]
