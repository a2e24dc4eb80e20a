#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# suite: 45 | all | build,test,model | 20 s | the hot swap's protocol in a model checker, each of its orders weakened in turn
set -euo pipefail
# shellcheck source=common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

[ -e /usr/include/relacy/relacy.hpp ] || skip_suite 'no relacy-dev (scripts/bootstrap --for model)'
build_native
# The build folder may have been made before the header was installed.
if [ ! -e "$ROOT/build/tests/test_swap_model" ]; then
  meson setup --reconfigure "$ROOT/build" >/dev/null
  build_native
fi
run_executables build --only model
