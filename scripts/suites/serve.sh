#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# suite: 59 | all | build,test,serve,proxies | 3 min | the server: protocol, bits, repository, limits, small abuse
set -euo pipefail
# shellcheck source=common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

build_native
run_pytest tests/serve --ignore tests/serve/grpc
