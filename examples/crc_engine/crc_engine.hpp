// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// The model of the CRC engine, for a platform or a SystemC module: a
// ringside::blocks::MakeFunction.

#include <ringside/blocks/function.hpp>

namespace crc {

std::unique_ptr<ringside::blocks::Function> make_engine(ringside::blocks::DmaPort& dma,
                                                        ringside::blocks::MsiPort& msi,
                                                        ringside::Trace& trace);

}  // namespace crc
