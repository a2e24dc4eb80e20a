#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# suite: 200 | slow | build,test | 20 min | every float32 through exp, every bit of all blobs, a billion ticks
set -euo pipefail
# shellcheck source=common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

build_native
# Exhaustive C++ cases stand beside the quick ones and are on when TICKMLP_SLOW is set.
TICKMLP_SLOW=1 run_executables build --slower 60
