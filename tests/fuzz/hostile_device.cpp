// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "hostile_device.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <utility>

namespace ringside::testing {

using spec::at;
using spec::DeviceState;

void require(bool condition, const char* what) {
    if (!condition) {
        std::fprintf(stderr, "a promise is broken: %s\n", what);
        std::abort();
    }
}

// ---- what it does by itself ----

void HostileDevice::act(Program& program) {
    switch (program.take<std::uint8_t>() % 12) {
        case 0:
        case 1:
            return complete(program, true);
        case 2:
        case 3:
            return complete(program, false);
        case 4:
            return scribble(program);
        case 5:
            return interrupt(program.below(queue_pairs + 2));
        case 6:
            for (std::uint32_t count = program.below(4); count != 0; --count) {
                lies_.push_back(program.take<std::uint32_t>());
            }
            return;
        case 7:
            fixed_at_ = program.below(0x1000) * 4;
            fixed_lie_ = program.take<std::uint32_t>();
            return;
        case 8:
            fixed_lie_.reset();
            return;
        case 9:
            state_ = static_cast<DeviceState>(program.below(8));
            return;
        case 10:
            error_sources_ = program.take<std::uint32_t>();
            return interrupt(spec::error_vector);
        default:
            gone_ = program.below(64) == 0;
            return;
    }
}

void HostileDevice::moment() {
    std::vector<Program> due;
    std::erase_if(ambushes_, [&due](Ambush& each) {
        if (each.moments-- != 0) {
            return false;
        }
        due.push_back(each.program);
        return true;
    });
    for (Program& program : due) {
        while (!program.at_end()) {
            act(program);
        }
    }
}

void HostileDevice::become_honest() {
    ambushes_.clear();
    lies_.clear();
    fixed_lie_.reset();
}

/// Any bytes anywhere in memory that it may write to.
void HostileDevice::scribble(Program& program) {
    const std::uint32_t number = program.below(16);
    const std::uint32_t offset = program.take<std::uint16_t>();
    const std::uint32_t length = program.below(80);
    std::uint32_t seen = 0;
    for (const auto& [iova, mapping] : mappings_) {
        if (mapping.writable && seen++ == number) {
            const std::size_t from = offset % mapping.memory.size();
            const std::size_t most = std::min<std::size_t>(length, mapping.memory.size() - from);
            program.take(mapping.memory.subspan(from, most));
            return;
        }
    }
}

/// An entry for an operation that it has, or for one as the program describes it.
void HostileDevice::complete(Program& program, bool truthfully) {
    Queue& queue = queues_[program.below(queue_pairs)];
    const auto number = static_cast<std::uint16_t>(&queue - queues_.data());
    spec::CompletionEntry entry{.qid = number};
    if (!queue.pending.empty()) {
        const std::uint32_t position =
            program.below(static_cast<std::uint32_t>(queue.pending.size()));
        const auto chosen = queue.pending.begin() + position;
        entry.user_tag = chosen->user_tag;
        entry.cid = chosen->cid;
        entry.result = truthfully ? chosen->dst_len : program.take<std::uint32_t>();
        if (truthfully) {
            queue.pending.erase(chosen);
        }
    }
    entry.sq_head = static_cast<std::uint16_t>(queue.sq_tail);
    if (!truthfully) {
        const auto spoilt = program.take<std::uint8_t>();
        entry.user_tag += (spoilt & 1) != 0 ? program.take<std::uint64_t>() : 0;
        entry.cid ^= (spoilt & 2) != 0 ? program.take<std::uint16_t>() : 0;
        entry.qid ^= (spoilt & 4) != 0 ? program.take<std::uint16_t>() : 0;
        entry.sq_head ^= (spoilt & 8) != 0 ? program.take<std::uint16_t>() : 0;
        entry.status = (spoilt & 16) != 0 ? program.take<std::uint16_t>() : std::uint16_t{0};
        entry.latency_ns = program.take<std::uint32_t>();
    }
    write_completion(queue, entry);
}

void HostileDevice::write_completion(Queue& queue, spec::CompletionEntry entry) {
    entry.status = static_cast<std::uint16_t>((entry.status & ~1u) | (queue.phase ? 1u : 0u));
    std::byte* const to = find(queue.base(0x10) + queue.cq_tail * sizeof entry, sizeof entry, true);
    if (to == nullptr) {
        return;
    }
    std::memcpy(to, &entry, sizeof entry);
    queue.cq_tail = (queue.cq_tail + 1) & queue.mask();
    queue.phase = queue.phase != (queue.cq_tail == 0);
    interrupt(queue.registers[0x1C / 4] & 0x7FF);
}

// ---- registers ----

std::uint32_t HostileDevice::mmio_read32(std::uint32_t offset) {
    moment();
    if (gone_) {
        return 0xFFFFFFFF;
    }
    if (fixed_lie_ && offset == fixed_at_) {
        return *fixed_lie_;
    }
    if (!lies_.empty()) {
        const std::uint32_t lie = lies_.front();
        lies_.pop_front();
        return lie;
    }
    return honest_answer(offset);
}

std::uint32_t HostileDevice::honest_answer(std::uint32_t offset) {
    const spec::Location where = spec::locate(offset);
    require(where.reg != nullptr, "a register is read that does not exist");
    if (where.block == &spec::blocks[0]) {
        return read_global(offset);
    }
    require(where.instance < queue_pairs, "a queue pair is read that does not exist");
    const Queue& queue = queues_[where.instance];
    if (where.reg->offset == spec::reg("Q_STS").offset) {
        return queue.enabled() ? 1 : 0;
    }
    return where.reg->offset == spec::reg("Q_RESET").offset
               ? 0
               : queue.registers.at(where.reg->offset / 4);
}

std::uint32_t HostileDevice::read_global(std::uint32_t offset) const {
    switch (offset) {
        case at("ID").of():
            return spec::device_id;
        case at("VERSION").of():
            return spec::device_version;
        case at("CAP").of():
            return queue_pairs | 8u << 16;
        case at("LIMITS").of():
            return 8u << 16;
        case at("MAX_LEN").of():
            return max_length;
        case at("MAX_SESS").of():
            return 4;
        case at("TO").of():
            return 5;
        case at("CSTS").of():
            return static_cast<std::uint32_t>(state_);
        case at("ERR_SRC").of():
            return error_sources_;
        case at("HB_COUNT").of():
            return static_cast<std::uint32_t>(to_ns(environment_.now()) / 1'000'000);
        default:
            return 0;
    }
}

void HostileDevice::mmio_write32(std::uint32_t offset, std::uint32_t value) {
    moment();
    const spec::Location where = spec::locate(offset);
    require(where.reg != nullptr, "a register is written that does not exist");
    if (offset == at("RESET").of() && value == spec::reset_key) {
        state_ = DeviceState::disabled;
        queues_ = {};
    } else if (offset == at("CC").of()) {
        state_ = value != 0 ? DeviceState::ready : DeviceState::disabled;
    } else if (offset == at("ERR_SRC").of()) {
        error_sources_ &= ~value;
    }
    if (where.block == &spec::blocks[0]) {
        return;
    }
    require(where.instance < queue_pairs, "a queue pair is written that does not exist");
    Queue& queue = queues_[where.instance];
    if (where.block == &spec::blocks[1]) {
        write_queue(queue, where.reg->offset + (where.upper_half ? 4 : 0), value);
    } else if (where.reg->offset == 0) {
        fetch(queue, value);
    }
}

void HostileDevice::write_queue(Queue& queue, std::uint32_t offset, std::uint32_t value) {
    if (offset == spec::reg("Q_RESET").offset) {
        queue = Queue{};
    } else {
        queue.registers.at(offset / 4) = value;
    }
}

void HostileDevice::fetch(Queue& queue, std::uint32_t tail) {
    if (!queue.enabled()) {
        return;  // it was reset behind the driver's back
    }
    require(tail <= queue.mask(), "a doorbell beyond the ring");
    for (; queue.sq_tail != tail; queue.sq_tail = (queue.sq_tail + 1) & queue.mask()) {
        constexpr std::size_t size = sizeof(spec::SubmissionEntry);
        const std::byte* const from = find(queue.base(0x08) + queue.sq_tail * size, size, false);
        require(from != nullptr, "a doorbell for a ring that is not mapped");
        std::memcpy(&queue.pending.emplace_back(), from, size);
    }
}

// ---- memory ----

driver::result<driver::Iova> HostileDevice::dma_map(std::span<std::byte> memory,
                                                    driver::DmaDirection direction) {
    const std::uint64_t iova = next_iova_;
    mappings_[iova] = {memory, direction != driver::DmaDirection::to_device};
    next_iova_ += (memory.size() + 0x2FFF) & ~std::uint64_t{0xFFF};
    return driver::Iova{iova};
}

void HostileDevice::dma_unmap(driver::Iova iova) {
    require(mappings_.erase(iova.value) == 1, "unmapped what was not mapped");
}

std::byte* HostileDevice::find(std::uint64_t address, std::size_t length, bool to_write) {
    const auto above = mappings_.upper_bound(address);
    if (above == mappings_.begin()) {
        return nullptr;
    }
    const auto& [base, mapping] = *std::prev(above);
    const bool inside = address - base + length <= mapping.memory.size();
    return inside && (mapping.writable || !to_write) ? mapping.memory.data() + (address - base)
                                                     : nullptr;
}

// ---- interrupts ----

void HostileDevice::interrupt(std::uint32_t number) {
    Vector& vector = vectors_[number];
    if (vector.masked || !vector.handler) {
        vector.pending = true;
        return;
    }
    boost::asio::post(environment_.interrupt_executor(),
                      [handler = std::exchange(vector.handler, nullptr)] { handler({}); });
}

void HostileDevice::async_wait_vector(std::uint32_t number, VectorHandler handler) {
    Vector& vector = vectors_[number];
    require(!vector.handler, "two waits on one vector");
    vector.handler = std::move(handler);
    if (!vector.masked && std::exchange(vector.pending, false)) {
        interrupt(number);
    }
}

void HostileDevice::cancel_vector_wait(std::uint32_t number) {
    if (auto handler = std::exchange(vectors_[number].handler, nullptr)) {
        boost::asio::post(environment_.interrupt_executor(), [handler = std::move(handler)] {
            handler(boost::asio::error::operation_aborted);
        });
    }
}

void HostileDevice::mask_vector(std::uint32_t number, bool masked) {
    moment();
    Vector& vector = vectors_[number];
    vector.masked = masked;
    if (!masked && vector.handler && std::exchange(vector.pending, false)) {
        interrupt(number);
    }
}

}  // namespace ringside::testing
