// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// The little that the ASYNC API needs of libcrypto, looked up at run time: the library works
// without libcrypto, and with one that was loaded later or locally (a weak symbol would miss
// those). Thread rule: any thread.

namespace ringside::async {

/// The thread's default OSSL_LIB_CTX; null if there is no libcrypto.
void* default_library_context();

/// OSSL_LIB_CTX_set0_default(3). `context` came from default_library_context(), perhaps before
/// there was a libcrypto: null stands for the process's default one.
void set_default_library_context(void* context);

/// Puts ASYNC_R_INVALID_POOL_SIZE on the thread's error queue, if there is one.
void raise_invalid_pool_size(const char* file, int line, const char* function);

}  // namespace ringside::async
