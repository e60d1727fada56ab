#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Counters of the suites whose points are one launch each. The profiler's default locks the clocks of a card that may
# not be ours alone, hence --clock-control none.
#   run_counters.sh BINARY OUT COMMIT CARD [SUITE...]
set -u
if [ "$#" -lt 4 ]; then
  echo "usage: $0 BINARY OUT COMMIT CARD [SUITE...]" >&2
  exit 2
fi
binary=$1 out=$2 commit=$3 card=$4
shift 4
[ "$#" -gt 0 ] || set -- shared_memory gather tma wgmma
tools=$(dirname "$0")
wavefronts=smsp__inst_executed.sum,l1tex__data_pipe_lsu_wavefronts.sum
wavefronts=$wavefronts,l1tex__data_pipe_lsu_wavefronts_mem_shared.sum
wavefronts=$wavefronts,l1tex__data_bank_conflicts_pipe_lsu_mem_shared.sum
memory=lts__t_sectors_op_read.sum,lts__t_requests_srcunit_tex.sum,dram__bytes_read.sum
failed=0
for suite in "$@"; do
  mkdir -p "$out/$suite"
  for group in wavefronts memory; do
    eval "metrics=\$$group"
    timeout 150 ncu --clock-control none --cache-control none --csv --page raw --metrics "$metrics" \
      -k "regex:shared_access|shared_latency|gather_kernel|tma_stream|tma_issue|tma_multicast|wgmma_kernel" \
      "$binary" --suite "$suite" --once --out "$out/$suite" --commit "$commit" --card "$card" \
      >"$out/$suite/$group.csv" 2>"$out/$suite/$group.log" || { echo "counters of $suite, $group: failed"; failed=1; }
  done
  python3 "$tools/counters_record.py" "$out/$suite/$suite.json" "$out/counters_$suite.json" \
    "$out/$suite/wavefronts.csv" "$out/$suite/memory.csv" || failed=1
done
exit "$failed"
