#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# suite: 210 | slow | build,test,signature | 15 min | publications killed at 10,000 instants, the whole cycle at 100
set -euo pipefail
# shellcheck source=common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

build_native
TICKMLP_SLOW=1 run_pytest tests/publish/test_publish_killed.py tests/cycle/test_cycle_killed.py
