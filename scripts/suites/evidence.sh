#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# suite: 57 | all | build,test | 1 min | evidence files in the eyes of other HdrHistogram readers
set -euo pipefail
# shellcheck source=common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

# npm has its own group, since Debian's drags in 400 packages: not where npm is there, and not for other suites.
have npm || "$ROOT/scripts/bootstrap" --for npm || say 'npm could not be installed'
build_native
run_pytest tests/evidence
