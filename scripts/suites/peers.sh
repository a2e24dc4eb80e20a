#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# suite: 55 | all | build,test | 3 min | other systems compute the same, and a comparison that finds out who does not
set -euo pipefail
# shellcheck source=common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

# Installs the peers itself: where some cannot be had, their cases are skipped and the others still run.
build_native
"$ROOT/scripts/compare_peers" --list >/dev/null || say 'not all of the comparison could be built'
run_pytest tests/peers
