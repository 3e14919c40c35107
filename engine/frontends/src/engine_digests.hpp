// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// The ENGINE's digests as EVP_MD methods; their front end is engine_front_end().

#include <openssl/types.h>

namespace ringside::frontends {

/// ENGINE_DIGESTS_PTR. Methods are made once and stay.
int engine_digests(ENGINE* engine, const EVP_MD** digest, const int** nids, int nid);

}  // namespace ringside::frontends
