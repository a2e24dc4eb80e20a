#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# suite: 82 | all | build,test,rtsan | 1 min | every hot-path call under RealtimeSanitizer, on every kernel
set -euo pipefail
# shellcheck source=common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

have clang++-22 || skip_suite 'no clang++-22 (Debian 12 has it in its security archive)'
sanitize=-fsanitize=realtime
CC=clang-22 CXX=clang++-22 build build-rtsan --buildtype=debugoptimized -Dcpp_args="$sanitize" \
  -Dcpp_link_args="$sanitize" -Dc_link_args="$sanitize" -Db_lundef=false \
  -Dcli=disabled -Dtests=disabled -Dbenchmarks=disabled

program=$ROOT/build-rtsan/tests/test_real_time
while IFS= read -r line; do
  case $line in
    *': real-time safe') record passed "${line#"$ROOT"/}" ;;
    *) record failed "${line#"$ROOT"/}" 'not as it has to be' ;;
  esac
done < <("$program" "$ROOT"/weights/*.blob 2>&1 || say "$program ended with exit code $?")

# A check that cannot fail is none: each kind of call, added on purpose, has to end the process by name.
for what in allocation:malloc lock:pthread_mutex_lock system-call:write; do
  report=$("$program" --broken "${what%:*}" "$ROOT/weights/tactical-int8.blob" 2>&1) && code=0 || code=$?
  if [ "$code" != 0 ] && grep -q "unsafe-library-call" <<<"$report" && grep -q "${what#*:}" <<<"$report"; then
    record passed "an added ${what%:*} is caught"
  else
    record failed "an added ${what%:*} is caught" "exit code $code: $(tail -n 1 <<<"$report")"
  fi
done
