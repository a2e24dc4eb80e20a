#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# suite: 205 | slow | build,test,clang,serve,grpc | 10 min | the server under AddressSanitizer and UBSan
set -euo pipefail
# shellcheck source=common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

export ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1:allocator_may_return_null=1
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
build_server_with address,undefined build-memory --optimization=1 -Dgrpc=enabled
# Left out: what limits or measures the server's memory, which these multiply, or its threads.
leave_out=()
for file in abuse abuse_reloads allocations buffers out_of_memory; do
  leave_out+=(--ignore "tests/serve/test_$file.py")
done
ask_server_of build-memory tests/serve --ignore tests/serve/grpc "${leave_out[@]}" \
  -k 'not no_page_fault and not leave_no_window and not system_refuses and not clients_killed'
ask_server_of build-memory tests/serve/grpc --ignore tests/serve/grpc/test_memory.py -k 'not huge_messages'
