#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: the ringside authors
#
# A shared library defines the 22 names of the ASYNC API, none of them versioned, and nothing else.
# Usage: exports.sh LIBRARY
set -euo pipefail

expected=$(sed 's/^/ASYNC_/' <<'NAMES' | sort
WAIT_CTX_clear_fd
WAIT_CTX_free
WAIT_CTX_get_all_fds
WAIT_CTX_get_callback
WAIT_CTX_get_changed_fds
WAIT_CTX_get_fd
WAIT_CTX_get_status
WAIT_CTX_new
WAIT_CTX_set_callback
WAIT_CTX_set_status
WAIT_CTX_set_wait_fd
block_pause
cleanup_thread
get_current_job
get_mem_functions
get_wait_ctx
init_thread
is_capable
pause_job
set_mem_functions
start_job
unblock_pause
NAMES
)
# Column 3, versions and all.
exported=$(nm -D --defined-only "$1" | awk '{ print $3 }' | sort)
diff <(echo "$expected") <(echo "$exported")
