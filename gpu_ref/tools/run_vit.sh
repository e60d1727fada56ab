#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Everything of gpu_ref/vit on the card: INT8 layers, fp16 paths, and a short table last.
#   run_vit.sh BINARY LAYERS OUT COMMIT CARD
# BINARY is vit_bench; LAYERS is what `tilewright list layers WORKLOAD --format csv` prints; OUT is a folder.
set -u
if [ "$#" -ne 5 ]; then
  echo "usage: $0 BINARY LAYERS OUT COMMIT CARD" >&2
  exit 2
fi
binary=$1 layers=$2 out=$3 commit=$4 card=$5
vit=$(dirname "$0")/../vit
failed=
step() {
  name=$1
  shift
  begin=$(date +%s)
  "$@" 2>>"$out/vit_log.txt"
  status=$?
  echo "$name: exit $status after $(($(date +%s) - begin)) s"
  if [ "$status" -ne 0 ]; then
    failed="$failed $name"
    tail -n 15 "$out/vit_log.txt"
  fi
}
step int8 timeout 150 "$binary" --layers "$layers" --out "$out" --commit "$commit" --card "$card"
step fp16 timeout 200 python3 "$vit/paths.py" --layers "$layers" --out "$out" --commit "$commit" --card "$card" --budget 100
step table python3 "$vit/summary.py" "$out"
if [ -n "$failed" ]; then
  echo "failed:$failed"
  exit 1
fi
