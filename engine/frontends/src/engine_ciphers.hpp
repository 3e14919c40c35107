// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// The ENGINE's ciphers as EVP_CIPHER methods. Their functions are given a context and nothing of
// the ENGINE, so there is one front end for all of them.

#include <openssl/types.h>

#include "front_end.hpp"

namespace ringside::frontends {

/// ENGINE_CIPHERS_PTR. Methods are made once and stay.
int engine_ciphers(ENGINE* engine, const EVP_CIPHER** cipher, const int** nids, int nid);

/// The front end of the process's ENGINE, made when first asked for; null: no memory. Valid as long
/// as the ENGINE has functional references; a cipher context holds one.
FrontEnd* engine_front_end();

}  // namespace ringside::frontends
