// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// The digest by AES-NI: empty elsewhere.
#if defined(__x86_64__)

#include "digest_x86.hpp"

namespace ringside::digest {

const Functions by_aes = functions_with<Block, Block>;

}  // namespace ringside::digest

#endif
