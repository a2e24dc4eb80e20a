#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# suite: 81 | all | build,test,clang,serve | 5 min | the server under ThreadSanitizer
set -euo pipefail
# shellcheck source=common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

# The first report ends the server, and whoever asks it fails. A build without optimisation takes half the time.
export TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1
# Not gRPC's: its library's own synchronisation cannot be seen.
build_server_with thread build-threads --optimization=0 -Dgrpc=disabled
ask_server_of build-threads tests/serve/test_{cache,guard,late_answers,log,metrics,protocol,published,repository}.py \
  tests/serve/test_split_shadow.py tests/serve/test_shared_{log,models,observing,split,swap,window}.py
