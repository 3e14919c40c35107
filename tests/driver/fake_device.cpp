// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "fake_device.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <cstring>
#include <utility>

namespace ringside::testing {

using spec::at;
using spec::DeviceState;

std::uint32_t FakeDevice::mmio_read32(std::uint32_t offset) {
    const std::lock_guard lock(mutex_);
    ++mmio_accesses_;
    if (gone_) {
        return 0xFFFFFFFF;
    }
    const spec::Location where = spec::locate(offset);
    EXPECT_NE(where.reg, nullptr) << "read of offset " << std::hex << offset;
    return where.block == &spec::blocks[0] ? read_global(offset)
                                           : read_queue(queues_[where.instance], where.reg->offset);
}

void FakeDevice::mmio_write32(std::uint32_t offset, std::uint32_t value) {
    {
        const std::lock_guard lock(mutex_);
        ++mmio_accesses_;
        if (gone_) {
            return;
        }
        const spec::Location where = spec::locate(offset);
        EXPECT_NE(where.reg, nullptr) << "write of offset " << std::hex << offset;
        Queue& queue = queues_[where.instance];
        if (where.block == &spec::blocks[0]) {
            write_global(offset, value);
        } else if (where.block == &spec::blocks[1]) {
            write_queue(queue, where.reg->offset + (where.upper_half ? 4 : 0), value);
        } else if (where.reg->offset == 0) {
            ring_submission_doorbell(queue, value);
        } else {
            ring_completion_doorbell(queue, value);
        }
    }
    if (after_write) {
        after_write(offset, value);
    }
}

std::uint32_t FakeDevice::read_global(std::uint32_t offset) {
    switch (offset) {
        case at("ID").of():
            return id;
        case at("VERSION").of():
            return version;
        case at("CAP").of():
            return queue_pairs | log2_max_entries << 16;
        case at("LIMITS").of():
            return vectors << 16;
        case at("MAX_LEN").of():
            return max_length;
        case at("MAX_SESS").of():
            return max_sessions;
        case at("TO").of():
            return timeout_ms;
        case at("CSTS").of():
            return static_cast<std::uint32_t>(state());
        case at("ERR_SRC").of():
            return error_sources_;
        case at("ERR_INFO").of():
            return error_info_;
        case at("HB_COUNT").of():
            return beats();
        case at("STAT_OPS").of():
            return static_cast<std::uint32_t>(operations_snapshot_);
        default:
            return 0;
    }
}

DeviceState FakeDevice::state() {
    const Duration since = environment_.now() - state_since_;
    if (state_ == DeviceState::reset && since >= reset_time) {
        state_ = DeviceState::disabled;
    }
    if (state_ == DeviceState::enabling && since >= enable_time) {
        state_ = DeviceState::ready;
    }
    return state_;
}

void FakeDevice::write_global(std::uint32_t offset, std::uint32_t value) {
    if (offset == at("RESET").of() && value == spec::reset_key) {
        ++resets_;
        state_ = DeviceState::reset;
        state_since_ = environment_.now();
        queues_.clear();
        error_sources_ = 0;
    } else if (offset == at("CC").of() && state() == DeviceState::disabled && value == 1) {
        state_ = DeviceState::enabling;
        state_since_ = environment_.now();
    } else if (offset == at("ERR_SRC").of()) {
        error_sources_ &= ~value;
    } else if (offset == at("STAT_SNAP").of()) {
        operations_snapshot_ = operations_;
    }
}

std::uint32_t FakeDevice::read_queue(Queue& queue, std::uint32_t offset) {
    if (offset == spec::reg("Q_STS").offset) {
        const bool resetting = environment_.now() < queue.reset_until;
        return resetting ? 2 : (queue.bad ? 3 : (queue.enabled ? 1 : 0));
    }
    if (offset == spec::reg("INFLIGHT").offset) {
        return queue.in_flight;
    }
    if (offset == spec::reg("Q_RESET").offset) {
        return environment_.now() < queue.reset_until ? 1 : 0;
    }
    return queue.registers[offset / 4];
}

void FakeDevice::write_queue(Queue& queue, std::uint32_t offset, std::uint32_t value) {
    queue.registers.at(offset / 4) = value;
    if (offset == spec::reg("Q_CTRL").offset && value == 1) {
        const std::uint64_t entries = queue.mask() + 1;
        queue.bad = state() != DeviceState::ready ||
                    queue.base(0x08) % (entries * sizeof(spec::SubmissionEntry)) != 0 ||
                    queue.base(0x10) % (entries * sizeof(spec::CompletionEntry)) != 0 ||
                    refuse_queues;
        queue.enabled = !queue.bad;
    }
    if (offset == spec::reg("Q_RESET").offset && value == 1) {
        const Time until = environment_.now() + queue_reset_time;
        if (!queue_resets_lose_entries) {
            while (queue.enabled && !queue.pending.empty()) {
                write_completion(queue, aborted_entry(queue.pending.front(), queue_of(queue)));
                queue.pending.pop_front();
            }
        }
        queue = Queue{};
        queue.reset_until = until;
    }
}

std::uint32_t FakeDevice::queue_of(const Queue& queue) const {
    for (const auto& [index, each] : queues_) {
        if (&each == &queue) {
            return index;
        }
    }
    return 0;
}

spec::CompletionEntry FakeDevice::aborted_entry(const spec::SubmissionEntry& request,
                                                std::uint32_t queue) {
    spec::CompletionEntry entry;
    entry.user_tag = request.user_tag;
    entry.cid = request.cid;
    entry.qid = static_cast<std::uint16_t>(queue);
    entry.status = spec::encode_status(
        spec::Status::of(spec::StatusType::aborted, spec::AbortReason::queue_reset), false);
    return entry;
}

/// A millisecond a beat, while READY.
std::uint32_t FakeDevice::beats() {
    if (heart_stops_at && environment_.now() >= *heart_stops_at) {
        return static_cast<std::uint32_t>(to_ns(*heart_stops_at) / 1'000'000);
    }
    return static_cast<std::uint32_t>(to_ns(environment_.now()) / 1'000'000);
}

void FakeDevice::fail(spec::DeviceState state) {
    const std::lock_guard lock(mutex_);
    state_ = state;
}

void FakeDevice::stop_queue(std::uint32_t queue) {
    const std::lock_guard lock(mutex_);
    queues_[queue].bad = true;
}

void FakeDevice::ring_submission_doorbell(Queue& queue, std::uint32_t tail) {
    if (std::exchange(drop_next_doorbell, false)) {
        return;
    }
    while (queue.enabled && queue.sq_tail != tail) {
        constexpr std::size_t size = sizeof(spec::SubmissionEntry);
        const std::byte* const from = find(queue.base(0x08) + queue.sq_tail * size, size);
        ASSERT_NE(from, nullptr) << "submission ring is not mapped";
        std::memcpy(&queue.pending.emplace_back(), from, size);
        queue.sq_tail = (queue.sq_tail + 1) & queue.mask();
        ++queue.in_flight;
    }
    EXPECT_LE(queue.in_flight, queue.mask()) << "more than ring size - 1 in flight";
}

void FakeDevice::ring_completion_doorbell(Queue& queue, std::uint32_t value) {
    const std::uint32_t head = value & 0xFFFF;
    queue.in_flight -= (head - queue.cq_head) & queue.mask();
    queue.cq_head = head;
    if ((value >> 31) != 0) {
        queue.armed = head == queue.cq_tail;
        if (!queue.armed) {
            interrupt(queue.vector());
        }
    }
}

void FakeDevice::write_completion(Queue& queue, spec::CompletionEntry entry) {
    entry.status = static_cast<std::uint16_t>((entry.status & ~1u) | (queue.phase ? 1u : 0u));
    entry.sq_head = static_cast<std::uint16_t>(queue.sq_tail + bad_head);
    std::byte* const to = find(queue.base(0x10) + queue.cq_tail * sizeof entry, sizeof entry);
    ASSERT_NE(to, nullptr) << "completion ring is not mapped";
    std::memcpy(to, &entry, spec::completion_tail_offset);
    std::uint64_t tail = 0;
    std::memcpy(&tail, reinterpret_cast<std::byte*>(&entry) + spec::completion_tail_offset,
                sizeof tail);
    std::atomic_ref(*reinterpret_cast<std::uint64_t*>(to + spec::completion_tail_offset))
        .store(tail, std::memory_order_release);
    queue.cq_tail = (queue.cq_tail + 1) & queue.mask();
    queue.phase = queue.phase != (queue.cq_tail == 0);
    if (std::exchange(queue.armed, false) && !lose_interrupts) {
        interrupt(queue.vector());
    }
}

spec::CompletionEntry FakeDevice::complete(std::uint32_t queue, std::size_t position,
                                           spec::Status status, std::uint32_t result) {
    const std::lock_guard lock(mutex_);
    auto& pending = queues_[queue].pending;
    const spec::SubmissionEntry request = pending.at(position);
    pending.erase(pending.begin() + static_cast<std::ptrdiff_t>(position));
    spec::CompletionEntry entry;
    entry.user_tag = request.user_tag;
    entry.cid = request.cid;
    entry.qid = static_cast<std::uint16_t>(queue);
    entry.result = result;
    entry.latency_ns = latency_ns;
    entry.status = spec::encode_status(status, false);
    ++operations_;
    write_completion(queues_[queue], entry);
    return entry;
}

spec::SubmissionEntry FakeDevice::lose(std::uint32_t queue, std::size_t position) {
    const std::lock_guard lock(mutex_);
    auto& pending = queues_[queue].pending;
    const spec::SubmissionEntry request = pending.at(position);
    pending.erase(pending.begin() + static_cast<std::ptrdiff_t>(position));
    return request;
}

void FakeDevice::complete_torn(std::uint32_t index) {
    const std::lock_guard lock(mutex_);
    Queue& queue = queues_[index];
    const std::size_t offset = queue.cq_tail * sizeof(spec::CompletionEntry);
    queue.torn_at = find(queue.base(0x10) + offset, sizeof(spec::CompletionEntry));
    ASSERT_NE(queue.torn_at, nullptr);
    std::array<std::byte, spec::completion_tail_offset> before;
    std::memcpy(before.data(), queue.torn_at, before.size());
    spec::CompletionEntry entry = aborted_entry(queue.pending.front(), index);
    entry.status = 0;
    queue.pending.pop_front();
    write_completion(queue, entry);
    std::memcpy(&queue.torn, queue.torn_at, sizeof queue.torn);
    std::memcpy(queue.torn_at, before.data(), before.size());
}

void FakeDevice::finish_torn(std::uint32_t index) {
    const std::lock_guard lock(mutex_);
    const Queue& queue = queues_[index];
    std::memcpy(queue.torn_at, &queue.torn, spec::completion_tail_offset);
}

void FakeDevice::reset_function() {
    const std::lock_guard lock(mutex_);
    state_ = DeviceState::disabled;
    queues_.clear();
}

void FakeDevice::post_entry(std::uint32_t queue, spec::CompletionEntry entry) {
    const std::lock_guard lock(mutex_);
    ++queues_[queue].in_flight;  // the driver will acknowledge it like any other
    write_completion(queues_[queue], entry);
}

std::size_t FakeDevice::pending(std::uint32_t queue) {
    const std::lock_guard lock(mutex_);
    return queues_[queue].pending.size();
}

spec::SubmissionEntry FakeDevice::pending_entry(std::uint32_t queue, std::size_t position) {
    const std::lock_guard lock(mutex_);
    return queues_[queue].pending.at(position);
}

std::uint32_t FakeDevice::in_flight(std::uint32_t queue) {
    const std::lock_guard lock(mutex_);
    return queues_[queue].in_flight;
}

std::uint64_t FakeDevice::ring_base(std::uint32_t queue, bool submission) {
    const std::lock_guard lock(mutex_);
    return queues_[queue].base(submission ? 0x08 : 0x10);
}

void FakeDevice::vanish() {
    const std::lock_guard lock(mutex_);
    gone_ = true;
}

void FakeDevice::raise_error(spec::ErrorSource source, std::uint32_t queue) {
    const std::lock_guard lock(mutex_);
    error_info_ = queue << 16 | 0xFFFF;
    error_sources_ |= 1u << static_cast<unsigned>(source);
    interrupt(spec::error_vector);
}

void FakeDevice::send_interrupt(std::uint32_t vector) {
    const std::lock_guard lock(mutex_);
    interrupt(vector);
}

void FakeDevice::interrupt(std::uint32_t vector) {
    ++interrupts_sent_;
    Vector& v = vectors_[vector];
    if (v.masked || !v.handler) {
        v.pending = true;
        return;
    }
    boost::asio::post(environment_.interrupt_executor(),
                      [handler = std::exchange(v.handler, nullptr)] { handler({}); });
}

void FakeDevice::mask_vector(std::uint32_t vector, bool masked) {
    const std::lock_guard lock(mutex_);
    ++mmio_accesses_;
    Vector& v = vectors_[vector];
    v.masked = masked;
    if (!masked && v.handler && std::exchange(v.pending, false)) {
        --interrupts_sent_;  // it was counted when it came
        interrupt(vector);
    }
}

bool FakeDevice::is_masked(std::uint32_t vector) {
    const std::lock_guard lock(mutex_);
    return vectors_[vector].masked;
}

void FakeDevice::async_wait_vector(std::uint32_t vector, VectorHandler handler) {
    const std::lock_guard lock(mutex_);
    Vector& v = vectors_[vector];
    EXPECT_FALSE(v.handler) << "two waits on vector " << vector;
    v.handler = std::move(handler);
    if (!v.masked && std::exchange(v.pending, false)) {
        --interrupts_sent_;  // it was counted when it came
        interrupt(vector);
    }
}

void FakeDevice::cancel_vector_wait(std::uint32_t vector) {
    const std::lock_guard lock(mutex_);
    if (auto handler = std::exchange(vectors_[vector].handler, nullptr)) {
        boost::asio::post(environment_.interrupt_executor(), [handler = std::move(handler)] {
            handler(boost::asio::error::operation_aborted);
        });
    }
}

void FakeDevice::shut_down() {
    for (std::uint32_t vector = 0; vector < vectors; ++vector) {
        cancel_vector_wait(vector);
    }
}

driver::result<driver::Iova> FakeDevice::dma_map(std::span<std::byte> memory,
                                                 driver::DmaDirection) {
    const std::lock_guard lock(mutex_);
    if (mappings_.size() == mapping_limit) {
        return make_error_code(boost::system::errc::not_enough_memory);
    }
    const std::uint64_t iova = next_iova_;
    mappings_[iova] = memory;
    next_iova_ += (memory.size() + 0x2FFF) & ~std::uint64_t{0xFFF};
    return driver::Iova{iova};
}

void FakeDevice::dma_unmap(driver::Iova iova) {
    const std::lock_guard lock(mutex_);
    EXPECT_EQ(mappings_.erase(iova.value), 1u) << "unmapped what was not mapped";
}

void FakeDevice::read(std::uint64_t address, std::span<std::byte> into) const {
    const std::lock_guard lock(mutex_);
    const std::byte* const from = find(address, into.size());
    ASSERT_NE(from, nullptr) << "not mapped";
    std::memcpy(into.data(), from, into.size());
}

std::byte* FakeDevice::find(std::uint64_t address, std::size_t length) const {
    auto next = mappings_.upper_bound(address);
    if (next == mappings_.begin()) {
        return nullptr;
    }
    const auto& [base, memory] = *--next;
    return address + length <= base + memory.size() ? memory.data() + (address - base) : nullptr;
}

}  // namespace ringside::testing
