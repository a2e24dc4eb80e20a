#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# suite: 90 | all | build,test,clang | 3 min | libFuzzer: the blob loader for 60 s, the server's readers for 30 s each
set -euo pipefail
# shellcheck source=common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

have clang++ || skip_suite 'no clang++'
# The library too is built with coverage, or libFuzzer would search blindly.
build_clang build-fuzz --buildtype=debugoptimized -Db_sanitize=address,undefined -Db_lundef=false \
  -Dcpp_args=-fsanitize=fuzzer-no-link -Dc_args=-fsanitize=fuzzer-no-link \
  -Dfuzz=enabled -Dcli=disabled -Dtests=disabled -Dmimalloc=disabled -Dbenchmarks=disabled
mapfile -t programs < <(find "$ROOT/build-fuzz" -name 'fuzz_*' -type f -executable | sort)
[ ${#programs[@]} -gt 0 ] || record failed 'whole suite' 'the build made no fuzz_* program'

for program in "${programs[@]}"; do
  name=${program##*/} corpus=$ROOT/build-fuzz/corpus-${program##*/} log=$ROOT/build-fuzz/${program##*/}.log
  # The corpus stays in the build folder, so that the next run goes on where this one stopped.
  mkdir -p "$corpus"
  case $name in
    fuzz_serve_*) seconds=30 seeds=("$ROOT"/tests/serve/seeds/"${name#fuzz_serve_}"/*) ;;
    *) seconds=60 seeds=("$ROOT"/weights/*.blob) ;;
  esac
  cp -u "${seeds[@]}" "$corpus"/
  code=0
  without_address_randomisation "$program" -max_total_time="${TICKMLP_FUZZ_SECONDS:-$seconds}" -timeout=10 \
    -rss_limit_mb=4096 -max_len=524288 -artifact_prefix="$ROOT/build-fuzz/" -print_final_stats=1 \
    "$corpus" >"$log" 2>&1 || code=$?
  if [ "$code" = 0 ]; then
    say "$name: $(sed -n 's/^stat::number_of_executed_units: *//p' "$log") inputs"
    record passed "$name"
  else
    tail -n 40 "$log"
    record failed "$name" "exit code $code: $(grep -m1 -E 'ERROR|runtime error' "$log" || tail -n 1 "$log")"
  fi
done
