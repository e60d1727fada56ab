#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs suites one process each, so that a fault in one leaves the others alone, and writes their records and logs.
#   run_suites.sh BINARY OUT COMMIT CARD [--quick] SUITE...
set -u
if [ "$#" -lt 4 ]; then
  echo "usage: $0 BINARY OUT COMMIT CARD [--quick] [SUITE...]" >&2
  exit 2
fi
binary=$1 out=$2 commit=$3 card=$4
shift 4
quick=
if [ "${1:-}" = "--quick" ]; then
  quick=--quick
  shift
fi
if [ "$#" -eq 0 ]; then
  # shellcheck disable=SC2046
  set -- $("$binary" --list | cut -d' ' -f1)
fi
failed=
for suite in "$@"; do
  begin=$(date +%s)
  # shellcheck disable=SC2086
  timeout 300 "$binary" --suite "$suite" --out "$out" --commit "$commit" --card "$card" $quick 2>>"$out/log.txt"
  status=$?
  echo "$suite: exit $status after $(($(date +%s) - begin)) s"
  if [ "$status" -ne 0 ]; then
    failed="$failed $suite"
    tail -n 3 "$out/log.txt"
  fi
done
if [ -n "$failed" ]; then
  echo "failed:$failed"
  exit 1
fi
