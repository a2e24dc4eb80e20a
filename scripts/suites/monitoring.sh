#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# suite: 57 | all | build,test,monitoring | 1 min | alert rules and dashboard on a real Prometheus and node exporter
set -euo pipefail
# shellcheck source=common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

build_native
run_pytest tests/monitoring
