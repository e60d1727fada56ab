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
[ "$#" -gt 0 ] || set -- shared_memory gather tma wgmma wgmma_beside l2_pressure
tools=$(dirname "$0")
wavefronts=smsp__inst_executed.sum,l1tex__data_pipe_lsu_wavefronts.sum
wavefronts=$wavefronts,l1tex__data_pipe_lsu_wavefronts_mem_shared.sum
wavefronts=$wavefronts,l1tex__data_bank_conflicts_pipe_lsu_mem_shared.sum
memory=lts__t_sectors_op_read.sum,lts__t_requests_srcunit_tex.sum,dram__bytes_read.sum
# The banks of shared memory, whoever reads them: what the load/store unit's counters leave out is the matrix unit's operands
# and the TMA's writes. Asked for only as far as this profiler knows the names.
banks=
known=$(ncu --query-metrics 2>/dev/null | cut -d' ' -f1)
for name in l1tex__data_bank_reads l1tex__data_bank_writes l1tex__data_bank_conflicts_pipe_lsu \
            l1tex__data_pipe_lsu_wavefronts_mem_shared_op_ld l1tex__data_pipe_lsu_wavefronts_mem_shared_op_st \
            l1tex__m_xbar2l1tex_read_bytes smsp__inst_executed_op_ldgsts sm__inst_executed_pipe_tensor_op_gmma; do
  if printf '%s\n' "$known" | grep -qx "$name"; then
    banks=$banks${banks:+,}$name.sum
  else
    echo "ncu does not know $name: left out"
  fi
done
groups="wavefronts memory${banks:+ banks}"
failed=0
for suite in "$@"; do
  mkdir -p "$out/$suite"
  files=
  for group in $groups; do
    eval "metrics=\$$group"
    timeout 150 ncu --clock-control none --cache-control none --csv --page raw --metrics "$metrics" \
      -k "regex:shared_access|shared_latency|gather_kernel|tma_stream|tma_issue|tma_multicast|wgmma_kernel|beside_fill|pressure_kernel|attention_kernel" \
      "$binary" --suite "$suite" --once --out "$out/$suite" --commit "$commit" --card "$card" \
      >"$out/$suite/$group.csv" 2>"$out/$suite/$group.log" || { echo "counters of $suite, $group: failed"; failed=1; }
    files="$files $out/$suite/$group.csv"
  done
  # shellcheck disable=SC2086
  python3 "$tools/counters_record.py" "$out/$suite/$suite.json" "$out/counters_$suite.json" $files || failed=1
done
exit "$failed"
