// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "ringside/recording/replay_link.hpp"

#include <utility>

namespace ringside::recording {

void ReplayLink::compare(Kind kind, std::uint64_t address, std::uint64_t value) {
    (void)player_.take({.kind = kind, .address = address, .value = value});
}

driver::result<driver::Iova> ReplayLink::dma_map(std::span<std::byte> memory,
                                                 driver::DmaDirection direction) {
    const auto iova = inner_.dma_map(memory, direction);
    (void)player_.take({.kind = Kind::dma_map,
                        .detail = static_cast<std::uint8_t>(direction),
                        .refused = !iova,
                        .address = iova ? iova->value : 0,
                        .value = memory.size()});
    return iova;
}

void ReplayLink::dma_unmap(driver::Iova iova) {
    inner_.dma_unmap(iova);
    compare(Kind::dma_unmap, iova.value);
}

void ReplayLink::dma_sync_for_device(driver::Iova iova, std::size_t length) {
    inner_.dma_sync_for_device(iova, length);
    compare(Kind::sync_for_device, iova.value, length);
}

void ReplayLink::dma_sync_for_cpu(driver::Iova iova, std::size_t length) {
    inner_.dma_sync_for_cpu(iova, length);
    compare(Kind::sync_for_cpu, iova.value, length);
}

void ReplayLink::async_wait_vector(std::uint32_t vector, VectorHandler handler) {
    inner_.async_wait_vector(
        vector, [this, vector, handler = std::move(handler)](driver::error_code error) {
            compare(Kind::interrupt, vector, error ? 1 : 0);
            handler(error);
        });
    compare(Kind::wait_vector, vector);
}

void ReplayLink::cancel_vector_wait(std::uint32_t vector) {
    inner_.cancel_vector_wait(vector);
    compare(Kind::cancel_wait, vector);
}

}  // namespace ringside::recording
