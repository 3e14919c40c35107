// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "ringside/recording/recording_link.hpp"

#include <utility>

namespace ringside::recording {

void RecordingLink::note(Kind kind, std::uint64_t address, std::uint64_t value) {
    recorder_.write({.kind = kind, .time = environment_.now(), .address = address, .value = value});
}

std::uint32_t RecordingLink::mmio_read32(std::uint32_t offset) {
    const std::uint32_t value = inner_.mmio_read32(offset);
    if (accesses_ == RegisterAccesses::here) {
        note(Kind::mmio_read, offset, value);
    }
    return value;
}

// Before the write: what it makes the device do comes behind it.
void RecordingLink::mmio_write32(std::uint32_t offset, std::uint32_t value) {
    if (accesses_ == RegisterAccesses::here) {
        note(Kind::mmio_write, offset, value);
    }
    inner_.mmio_write32(offset, value);
}

void RecordingLink::mask_vector(std::uint32_t vector, bool masked) {
    if (accesses_ == RegisterAccesses::here) {
        note(Kind::mask_vector, vector, masked ? 1 : 0);
    }
    inner_.mask_vector(vector, masked);
}

driver::result<driver::Iova> RecordingLink::dma_map(std::span<std::byte> memory,
                                                    driver::DmaDirection direction) {
    const auto iova = inner_.dma_map(memory, direction);
    recorder_.write({.kind = Kind::dma_map,
                     .detail = static_cast<std::uint8_t>(direction),
                     .refused = !iova,
                     .time = environment_.now(),
                     .address = iova ? iova->value : 0,
                     .value = memory.size()});
    return iova;
}

void RecordingLink::dma_unmap(driver::Iova iova) {
    inner_.dma_unmap(iova);
    note(Kind::dma_unmap, iova.value);
}

void RecordingLink::dma_sync_for_device(driver::Iova iova, std::size_t length) {
    inner_.dma_sync_for_device(iova, length);
    note(Kind::sync_for_device, iova.value, length);
}

void RecordingLink::dma_sync_for_cpu(driver::Iova iova, std::size_t length) {
    inner_.dma_sync_for_cpu(iova, length);
    note(Kind::sync_for_cpu, iova.value, length);
}

void RecordingLink::async_wait_vector(std::uint32_t vector, VectorHandler handler) {
    inner_.async_wait_vector(
        vector, [this, vector, handler = std::move(handler)](driver::error_code error) {
            note(Kind::interrupt, vector, error ? 1 : 0);
            handler(error);
        });
    note(Kind::wait_vector, vector);
}

void RecordingLink::cancel_vector_wait(std::uint32_t vector) {
    inner_.cancel_vector_wait(vector);
    note(Kind::cancel_wait, vector);
}

}  // namespace ringside::recording
