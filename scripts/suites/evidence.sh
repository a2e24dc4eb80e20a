#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# suite: 57 | all | build,test | 1 min | evidence files in the eyes of other HdrHistogram readers
set -euo pipefail
# shellcheck source=common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

# The readers, each for its own cases: where one cannot be had, those are skipped and the others still run.
have npm || "$ROOT/scripts/bootstrap" --for npm || say 'npm could not be installed'
{ have java && [ -e /usr/share/java/hdrhistogram.jar ]; } || "$ROOT/scripts/bootstrap" --for java ||
  say 'the Java HdrHistogram could not be installed'
build_native
run_pytest tests/evidence
