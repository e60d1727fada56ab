#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds the loader's fuzz target with clang and runs it: run_fuzz.sh [SECONDS] (20 in continuous integration). New inputs
# are kept in build/fuzz/corpus; a crash leaves its input in build/fuzz. Exit code 77: no clang with libFuzzer here.
set -euo pipefail
seconds="${1:-20}"
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
root="$(cd "$here/../../.." && pwd)"
build="$root/build/fuzz"
compiler="$(command -v clang++-14 || command -v clang++ || true)"
if [ -z "$compiler" ] || ! echo 'extern "C" int LLVMFuzzerTestOneInput(const char*, long) { return 0; }' |
  "$compiler" -x c++ - -fsanitize=fuzzer -o /dev/null 2>/dev/null; then
  echo "skipped: no clang with libFuzzer (packages clang-14, libclang-rt-14-dev)"
  exit 77
fi
cmake -S "$here" -B "$build" -G Ninja -DCMAKE_CXX_COMPILER="$compiler" >/dev/null
cmake --build "$build" --target fuzz_config >"$build/build.log" || { tail -n 20 "$build/build.log" >&2; exit 1; }
# Seeds: the corpus in the tree, every shipped file and every malformed one, each with its kind's selecting byte.
seeds="$build/seeds"
rm -rf "$seeds"
mkdir -p "$seeds" "$build/corpus"
for file in "$root"/configs/*/*.yaml "$root"/configs/arch/dram/*.yaml "$root"/tests/cli/malformed/*.yaml; do
  case "$(grep -m1 -a '^kind:' "$file" || true)" in
    *dram*) selector=1 ;;
    *workload*) selector=2 ;;
    *) selector=0 ;;
  esac
  { printf '%s' "$selector"; sed 's#extends: \.\./\.\./\.\./#extends: #' "$file"; } >"$seeds/$(basename "$file" .yaml)"
done
cd "$build"
./fuzz_config -max_total_time="$seconds" -max_len=8192 -timeout=5 -rss_limit_mb=1024 -dict="$here/keywords.dict" \
  -print_final_stats=1 -print_funcs=0 -verbosity=0 "$build/corpus" "$here/corpus" "$seeds"
echo "the loader survived $seconds s"
