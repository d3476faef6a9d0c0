#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Shows the broker at work on this machine, without any Tegra hardware: installs what it needs to build (packages
# of the distribution, nothing else), builds, starts the broker on the simulated BPMP and plays a story with
# three VMs. Then leaves the broker running for you to try bpmpctl, until Ctrl-C; with --once it stops.
# With --guests the VMs are two real ones, Linux in QEMU, which stay up for you to try as well. It builds
# both in ~/.cache/bpmp-broker, which takes long the first time.
# Ends with 1, and says why, where the story doesn't go as it should.
set -euo pipefail
cd "$(dirname "$0")/.."
. deploy/lib/packages.sh

usage='usage: deploy/demo.sh [--guests] [--once]'
story=vms once=no built=''
while [ $# -gt 0 ]; do
  case "$1" in
    --guests) story=guests ;;
    --once) once=yes ;;
    # For the tests: with what is there, in a build folder; the emulator and the kernel as tests/run.sh names them.
    --built) built="$(cd "${2:?--built needs a build folder}" && pwd)"; shift ;;
    --help|-h) sed -n '3,8s/^# \{0,1\}//p' "$0"; echo "$usage"; exit 0 ;;
    *) echo "deploy/demo.sh: can't make sense of '$1'; $usage" >&2; exit 2 ;;
  esac
  shift
done
. deploy/lib/demo_stage.sh
# What the VMs are: their part of the configuration, what is built for them, the story, and what to try after it.
. "deploy/lib/demo_$story.sh"

if [ -n "$built" ]; then story_is_built; else story_build; fi
build="${built:-$PWD/build/release}"
export PATH="$build/broker/ctl:$build/broker/daemon:$PATH"
export LD_LIBRARY_PATH="$build/qemu-client${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
open_stage

step 'Starting the broker on a simulated Tegra234'
{
  printf 'runtime_dir: %s\nmetrics: {listen: "off"}\n' "$dir"
  story_config
} >"$dir/broker.yaml"
sed 's/^/    /' "$dir/broker.yaml"
bpmp-broker --config "$dir/broker.yaml" >"$dir/broker.log" 2>&1 &
broker=$!
wait_for 'the broker' bpmpctl status
show bpmpctl status

story_play

step 'That is the story'
if [ "$once" = yes ]; then exit 0; fi
cat <<END
The broker is still running. In another terminal:

  export PATH=$build/broker/ctl:\$PATH BPMP_BROKER_ADMIN=$BPMP_BROKER_ADMIN
$(story_to_try)

Ctrl-C ends it.
END
wait "$broker"
