#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# suite: 61 | all | build,test,grpc | 1 min | the server over gRPC, in the eyes of grpcio and grpc-js
set -euo pipefail
# shellcheck source=common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

# For the cases of grpc-js: without npm those are skipped and the others still run.
have npm || "$ROOT/scripts/bootstrap" --for npm || say 'npm could not be installed'
build build --buildtype=release -Dcli=enabled -Dtests=enabled -Dbenchmarks=enabled -Dgrpc=enabled
run_pytest tests/serve/grpc
