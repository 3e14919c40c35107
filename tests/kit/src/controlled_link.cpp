// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "ringside/testing/controlled_link.hpp"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <limits>
#include <utility>

#include "ringside/spec/registers.hpp"
#include "ringside/spec/wire.hpp"

namespace ringside::testing {
namespace {

constexpr std::uint8_t no_such_command = 0xFF;
/// Far above everything that is mapped: bits that no platform's I/O addresses have.
constexpr std::uint64_t nowhere = 0x00FF'0000'0000'0000;

bool is(const spec::Location& where, std::uint32_t offset, spec::Address reg) {
    return offset - (where.upper_half ? 4 : 0) == reg.of(where.instance);
}

}  // namespace

ControlledLink::ControlledLink(driver::Link& inner)
    : inner_(inner), queues_(spec::max_queue_pairs) {}

std::uint32_t ControlledLink::distance(const Queue& queue, std::uint32_t from, std::uint32_t to) {
    return (to - from) & (queue.entries - 1);
}

void ControlledLink::mmio_write32(std::uint32_t offset, std::uint32_t value) {
    const spec::Location where = spec::locate(offset);
    if (where.reg != nullptr && where.instance != 0 && is(where, offset, spec::at("SQ_DB"))) {
        if (!on_submission_doorbell(where.instance, value)) {
            return;
        }
    } else if (where.reg != nullptr) {
        note_configuration(offset, value);
    }
    inner_.mmio_write32(offset, value);
}

void ControlledLink::note_configuration(std::uint32_t offset, std::uint32_t value) {
    const spec::Location where = spec::locate(offset);
    Queue& queue = queues_[where.instance];
    if (is(where, offset, spec::at("SQ_BASE"))) {
        const unsigned shift = where.upper_half ? 32 : 0;
        queue.base &= ~(std::uint64_t{0xFFFFFFFF} << shift);
        queue.base |= std::uint64_t{value} << shift;
    } else if (is(where, offset, spec::at("Q_SIZE"))) {
        queue.entries = static_cast<std::uint32_t>(spec::field("Q_SIZE", "SQ").get(value)) + 1;
    } else if (is(where, offset, spec::at("Q_CTRL")) || is(where, offset, spec::at("Q_RESET"))) {
        queue.announced = queue.released = 0;
    } else if (is(where, offset, spec::at("RESET")) && value == spec::reset_key) {
        std::fill(queues_.begin(), queues_.end(), Queue{});
    }
}

/// True: the device is to hear of it.
bool ControlledLink::on_submission_doorbell(std::uint32_t number, std::uint32_t tail) {
    Queue& queue = queues_[number];
    if (tail >= queue.entries) {
        return true;  // the device will say what is wrong with it
    }
    for (std::uint32_t index = queue.announced; index != tail;
         index = (index + 1) & (queue.entries - 1)) {
        const auto planned = failures_.find(++submissions_);
        if (planned != failures_.end()) {
            spoil(queue, index, planned->second);
        }
    }
    queue.announced = tail;
    if (!holding_) {
        queue.released = tail;
    }
    return !holding_;
}

void ControlledLink::spoil(const Queue& queue, std::uint32_t index, Failure failure) {
    spec::SubmissionEntry entry;
    std::byte* const memory = memory_at(queue.base + index * sizeof entry, sizeof entry);
    if (memory == nullptr) {
        return;  // the device will not find it either
    }
    std::memcpy(&entry, memory, sizeof entry);
    if (failure == Failure::rejected) {
        entry.opcode = no_such_command;
    } else {
        entry.src = nowhere;
    }
    std::memcpy(memory, &entry, sizeof entry);
}

std::byte* ControlledLink::memory_at(std::uint64_t iova, std::size_t length) {
    const auto above = mappings_.upper_bound(iova);
    if (above == mappings_.begin()) {
        return nullptr;
    }
    const auto& [base, memory] = *std::prev(above);
    const std::uint64_t offset = iova - base;
    const bool inside = offset <= memory.size() && length <= memory.size() - offset;
    return inside ? memory.data() + offset : nullptr;
}

void ControlledLink::release_completions(std::size_t count) {
    for (std::uint32_t number = 1; number < queues_.size() && count != 0; ++number) {
        count -= release(number, count);
    }
}

std::size_t ControlledLink::release(std::uint32_t number, std::size_t count) {
    Queue& queue = queues_[number];
    const std::size_t released =
        std::min<std::size_t>(count, distance(queue, queue.released, queue.announced));
    if (released != 0) {
        queue.released =
            (queue.released + static_cast<std::uint32_t>(released)) & (queue.entries - 1);
        inner_.mmio_write32(spec::at("SQ_DB").of(number), queue.released);
    }
    return released;
}

void ControlledLink::stop_holding() {
    holding_ = false;
    release_completions(std::numeric_limits<std::size_t>::max());
}

std::size_t ControlledLink::held() const {
    std::size_t count = 0;
    for (const Queue& queue : queues_) {
        count += distance(queue, queue.released, queue.announced);
    }
    return count;
}

void ControlledLink::fail_operation(std::uint64_t nth, Failure failure) {
    failures_[submissions_ + nth] = failure;
}

void ControlledLink::lose_interrupts(std::uint32_t vector, std::uint32_t count) {
    to_be_lost_[vector] += count;
}

driver::result<driver::Iova> ControlledLink::dma_map(std::span<std::byte> memory,
                                                     driver::DmaDirection direction) {
    const auto iova = inner_.dma_map(memory, direction);
    if (iova) {
        mappings_[iova->value] = memory;
    }
    return iova;
}

void ControlledLink::dma_unmap(driver::Iova iova) {
    mappings_.erase(iova.value);
    inner_.dma_unmap(iova);
}

void ControlledLink::async_wait_vector(std::uint32_t vector, VectorHandler handler) {
    inner_.async_wait_vector(
        vector, [this, vector, handler = std::move(handler)](driver::error_code error) mutable {
            std::uint32_t& to_be_lost = to_be_lost_[vector];
            if (error || to_be_lost == 0) {
                handler(error);
                return;
            }
            --to_be_lost;
            ++lost_interrupts_;
            async_wait_vector(vector, std::move(handler));
        });
}

}  // namespace ringside::testing
