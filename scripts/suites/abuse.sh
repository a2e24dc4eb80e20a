#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# suite: 95 | slow | build,test,proxies | 35 min | the server: 1 M malformed requests, slowloris, reloads, proxies
set -euo pipefail
# shellcheck source=common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

build_native
TICKMLP_SLOW=1 run_pytest tests/serve/test_abuse.py tests/serve/test_abuse_reloads.py tests/serve/test_proxies.py
