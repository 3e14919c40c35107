// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// Random register accesses and random descriptors, under an auditor: no DMA that nobody named, no
// descriptor that ends twice or not at all, no credit lost, no assertion.

#include <gtest/gtest.h>

#include "core_auditor.hpp"
#include "ringside/base/prng.hpp"
#include "ringside/testing/seed.hpp"

namespace ringside::testing {
namespace {

constexpr std::uint32_t queue_pairs = Auditor::queue_pairs;

/// Writes descriptors where the rings are, and registers everywhere.
class RandomDriver {
  public:
    explicit RandomDriver(std::uint64_t seed)
        : stream_(seed, "random driver"), bench_(busy_slice), auditor_(bench_) {
        scratch_ = bench_.memory.allocate(scratch_size);
        lists_ = bench_.memory.allocate(list_slots * list_slot_size);
        parameters_ = bench_.memory.allocate(2 * 64);
        for (const auto algorithm : {spec::Algorithm::aes_cbc, spec::Algorithm::aes_gcm}) {
            spec::SessionParameters parameters;
            parameters.algorithm = static_cast<std::uint8_t>(algorithm);
            parameters.key_len = 16;
            const std::uint64_t index = algorithm == spec::Algorithm::aes_gcm ? 1 : 0;
            bench_.memory.put(parameters_ + index * 64, parameters);
        }
        for (std::uint32_t queue = 0; queue < queue_pairs; ++queue) {
            sq_[queue] = bench_.memory.allocate(64 * sizeof(spec::SubmissionEntry));
            cq_[queue] = bench_.memory.allocate(64 * sizeof(spec::CompletionEntry));
        }
    }

    void step() {
        const std::uint64_t kind = stream_.below(100);
        if (kind < 35) {
            announce(any_queue());
        } else if (kind < 60) {
            bench_.run_for(std::chrono::nanoseconds(stream_.below(3000)));
        } else if (kind < 80) {
            consume(any_queue());
        } else if (kind < 90) {
            set_up(any_queue());
        } else if (kind < 97) {
            poke();
        } else if (kind < 99) {
            odd_access();
        } else {
            const bool fatal = stream_.chance(1, 8);
            write(spec::at("ERR_SEV").of(), fatal ? spec::bit_of(spec::ErrorSource::iommu) : 0);
        }
        const bool failed = bench_.state() == spec::DeviceState::error;
        if (stream_.chance(1, failed ? 50 : 400)) {
            write(spec::at("RESET").of(), spec::reset_key);
        }
        auditor_.check();
    }
    void settle() {
        write(spec::at("ERR_SEV").of(), 0);
        write(spec::at("CC").of(), 1);
        for (std::uint32_t queue = 0; queue < queue_pairs; ++queue) {
            write(spec::at("RL_RATE").of(queue), 0);
        }
        while (bench_.step()) {
            auditor_.check();
        }
        auditor_.expect_nothing_under_way();
    }
    const Marks& marks() const { return auditor_.marks; }
    std::uint64_t trace_hash() const { return bench_.trace.hash(); }

  private:
    // One slow slice and slow stages around it: operations wait, and are aborted, everywhere. No
    // fault injection: what a fault makes the chip do, the auditor would not let pass.
    static constexpr core::DeviceConfig busy_slice = {
        .queue_pairs = queue_pairs,
        .slices = 1,
        .dma_read = std::chrono::microseconds(3),
        .service = {.aes_cbc = {std::chrono::microseconds(4), Duration(250)},
                    .aes_gcm = {std::chrono::microseconds(4), Duration(250)}},
        .completion = std::chrono::microseconds(2),
        .self_test = Duration{},
        .fault_injection = false};
    static constexpr std::uint32_t scratch_size = 1 << 16;
    // More than can be under way at one time: a list is not rewritten under the chip.
    static constexpr std::uint64_t list_slots = 1024;
    static constexpr std::uint64_t list_slot_size = 64;

    std::uint32_t any_queue() { return static_cast<std::uint32_t>(stream_.below(queue_pairs)); }
    std::uint32_t any_word() {
        constexpr std::uint32_t special[] = {0, 1, 2, 3, 0x7F, 0x80000000, 0xFFFFFFFF};
        return stream_.chance(1, 2) ? special[stream_.below(std::size(special))]
                                    : static_cast<std::uint32_t>(stream_());
    }

    /// Every register write goes this way: a tail doorbell gets fresh descriptors first.
    void write(std::uint32_t offset, std::uint32_t value) {
        for (std::uint32_t queue = 0; queue < queue_pairs; ++queue) {
            if (offset == spec::at("SQ_DB").of(queue)) {
                fill_up_to(queue, value);
            }
        }
        auditor_.before_write(offset, value);
        bench_.write(offset, value);
        auditor_.after_write();
    }

    void set_up(std::uint32_t queue) {
        const std::uint32_t sq_entries = 2u << stream_.below(6);
        const std::uint32_t cq_entries = stream_.chance(1, 4) ? 2u << stream_.below(6) : sq_entries;
        write(spec::at("CC").of(), 1);
        if (bench_.queue_state(queue) != spec::QueueState::disabled) {
            if (stream_.chance(3, 4)) {
                return;
            }
            write(spec::at("Q_RESET").of(queue), 1);
        }
        const auto wide = [&](spec::Address address, std::uint64_t value) {
            write(address.of(queue), static_cast<std::uint32_t>(value));
            write(address.of(queue) + 4, static_cast<std::uint32_t>(value >> 32));
        };
        wide(spec::at("SQ_BASE"), sq_[queue] + (stream_.chance(1, 16) ? 64 : 0));
        wide(spec::at("CQ_BASE"), cq_[queue]);
        write(spec::at("Q_SIZE").of(queue), (cq_entries - 1) << 16 | (sq_entries - 1));
        write(spec::at("CQ_VEC").of(queue), 1u << 31 | spec::queue_vector(queue));
        write(spec::at("Q_CTRL").of(queue), 1);
    }

    void announce(std::uint32_t queue) {
        const std::uint32_t size = bench_.peek(spec::at("Q_SIZE").of(queue));
        const auto mask = static_cast<std::uint32_t>(spec::field("Q_SIZE", "SQ").get(size));
        const std::uint32_t tail = bench_.peek(spec::at("SQ_TAIL").of(queue));
        const std::uint32_t in_use = bench_.peek(spec::at("INFLIGHT").of(queue));
        const std::uint32_t room = mask > in_use ? mask - in_use : 0;
        // Mostly within the credit, as the driver would.
        const std::uint64_t more =
            stream_.chance(9, 10) ? stream_.below(room + 1) : stream_.below(9);
        write(spec::at("SQ_DB").of(queue), (tail + static_cast<std::uint32_t>(more)) & mask);
    }
    void consume(std::uint32_t queue) {
        const std::uint32_t tail = bench_.peek(spec::at("CQ_TAIL").of(queue));
        const std::uint32_t head = stream_.chance(9, 10) ? tail : tail + any_word() % 8;
        write(spec::at("CQ_DB").of(queue), head | (stream_.chance(1, 2) ? 1u << 31 : 0));
    }
    void poke() {
        const auto& block = spec::blocks.at(stream_.below(spec::blocks.size()));
        const auto& reg = block.registers[stream_.below(block.registers.size())];
        const std::uint32_t instance = spec::is_per_queue(block) ? any_queue() : 0;
        const std::uint32_t offset = block.base + block.stride * instance + reg.offset +
                                     (reg.width == 64 && stream_.chance(1, 2) ? 4 : 0);
        if (stream_.chance(1, 3)) {
            bench_.read(offset);
        } else {
            write(offset, any_word());
        }
    }
    /// Any width, any alignment, inside and outside of both BARs; aligned words aside, which do
    /// what registers do.
    void odd_access() {
        std::array<std::byte, 16> bytes{};
        stream_.fill(bytes);
        const auto bar = stream_.chance(1, 2) ? core::Bar::registers : core::Bar::msix;
        auto offset = static_cast<std::uint32_t>(stream_.below(spec::bar0_size + 64));
        if (stream_.chance(1, 2)) {
            offset = static_cast<std::uint32_t>(stream_.below(0x1400));
        }
        std::size_t size = stream_.below(17);
        if (bar == core::Bar::registers && size == 4) {
            offset |= 1;
        }
        const auto data = std::span(bytes).first(size);
        stream_.chance(1, 2) ? bench_.device.read(bar, bench_.now, offset, data)
                             : bench_.device.write(bar, bench_.now, offset, data);
    }

    // ---- descriptors ----

    /// Fresh descriptors in what is free of the ring, as far as a doorbell of `value` announces it.
    void fill_up_to(std::uint32_t queue, std::uint32_t value) {
        const Incarnation* ring = auditor_.incarnation(queue);
        if (ring == nullptr || value >= ring->sq_entries) {
            return;
        }
        const auto mask = static_cast<std::uint32_t>(ring->sq_entries - 1);
        const std::uint32_t head = bench_.peek(spec::at("SQ_HEAD").of(queue));
        std::uint32_t index = bench_.peek(spec::at("SQ_TAIL").of(queue));
        for (; index != value && ((index + 1) & mask) != head; index = (index + 1) & mask) {
            const Written descriptor = random_descriptor(queue);
            bench_.memory.put(ring->sq + index * sizeof descriptor.entry, descriptor.entry);
            auditor_.wrote(descriptor);
        }
    }

    Written random_descriptor(std::uint32_t queue) {
        constexpr spec::Opcode admin[] = {
            spec::Opcode::session_create, spec::Opcode::session_create,
            spec::Opcode::session_destroy, spec::Opcode::abort, spec::Opcode::get_log};
        const auto opcode =
            queue == 0 ? admin[stream_.below(std::size(admin))] : spec::Opcode::cipher;
        Written descriptor;
        spec::SubmissionEntry& entry = descriptor.entry;
        entry.user_tag = ++tag_;
        entry.cid = static_cast<std::uint16_t>(tag_);
        entry.opcode = static_cast<std::uint8_t>(stream_.chance(1, 8) ? spec::Opcode::nop : opcode);
        if (stream_.chance(1, 32)) {
            entry.opcode = static_cast<std::uint8_t>(stream_());
        }
        entry.flags = random_flags(queue);
        entry.session = opcode == spec::Opcode::abort ? random_target() : random_session();
        entry.src = random_address();
        entry.dst = random_address();
        const bool has_source =
            opcode == spec::Opcode::cipher || opcode == spec::Opcode::session_create;
        entry.src_len = has_source ? random_length() : 0;
        entry.dst_len = stream_.chance(7, 8) ? entry.src_len + 16 : random_length();
        entry.iv_len = stream_.chance(15, 16) ? 16 : static_cast<std::uint8_t>(stream_.below(20));
        entry.tag_len = stream_.chance(1, 2) ? 0 : 16;
        if (opcode == spec::Opcode::session_create) {
            entry.src = parameters_ + stream_.below(2) * 64;
            entry.src_len = sizeof(spec::SessionParameters) + 16;
        }
        name_buffers(descriptor);
        return descriptor;
    }
    std::uint8_t random_flags(std::uint32_t queue) {
        const unsigned all = stream_.chance(1, 32) ? 0xFF : queue == 0 ? 0x1C : 0x1F;
        // Each flag now and then, lists and fences among them.
        return static_cast<std::uint8_t>(stream_() & stream_() & all);
    }
    std::uint32_t random_session() {
        return stream_.chance(7, 8) ? auditor_.latest_session
                                    : static_cast<std::uint32_t>(stream_.below(4) << 8 | 1);
    }
    std::uint32_t random_target() {
        const auto cid = static_cast<std::uint16_t>(tag_ - stream_.below(24));
        return spec::AbortTarget{static_cast<std::uint16_t>(any_queue()), cid}.encode();
    }
    /// In the scratch memory, or in none.
    std::uint64_t random_address() {
        return stream_.chance(1, 8) ? stream_() >> 1 : scratch_ + stream_.below(scratch_size / 2);
    }
    std::uint32_t random_length() {
        return stream_.chance(1, 32) ? any_word()
                                     : static_cast<std::uint32_t>(stream_.below(17) * 16);
    }

    /// What the chip may touch for a descriptor: src and dst, or their lists and the pieces.
    void name_buffers(Written& descriptor) {
        spec::SubmissionEntry& entry = descriptor.entry;
        const auto has = [&](spec::SubmissionFlag which) {
            return (entry.flags & flag(which)) != 0;
        };
        if (has(spec::SubmissionFlag::src_list)) {
            entry.src = make_list(descriptor, entry.src_len, descriptor.readable);
        } else {
            descriptor.readable.push_back({entry.src, entry.src_len});
        }
        if (has(spec::SubmissionFlag::dst_list)) {
            entry.dst = make_list(descriptor, entry.dst_len, descriptor.writable);
        } else {
            descriptor.writable.push_back({entry.dst, entry.dst_len});
        }
    }
    /// Two pieces that mostly add up to `length`; behind them stands an entry that is none.
    std::uint64_t make_list(Written& descriptor, std::uint32_t length, std::vector<Range>& pieces) {
        const std::uint64_t list = lists_ + next_list_++ % list_slots * list_slot_size;
        const auto first = static_cast<std::uint32_t>(stream_.below(std::min(length, 256u) + 1));
        const std::uint32_t rest = length - first + (stream_.chance(1, 8) ? 1 : 0);
        const std::uint32_t last = stream_.chance(7, 8) ? spec::list_last : stream_.below(3) & 2;
        const spec::ListEntry entries[] = {
            {random_address(), first, 0}, {random_address(), rest, last}, {}};
        for (std::size_t i = 0; i < std::size(entries); ++i) {
            bench_.memory.put(list + i * sizeof(spec::ListEntry), entries[i]);
            pieces.push_back({entries[i].address, entries[i].length});
        }
        descriptor.readable.push_back({list, sizeof entries});
        return list;
    }

    Prng stream_;
    Bench bench_;
    Auditor auditor_;
    std::uint64_t scratch_ = 0;
    std::uint64_t lists_ = 0;
    std::uint64_t parameters_ = 0;
    std::uint64_t next_list_ = 0;
    std::uint64_t tag_ = 0;
    std::array<std::uint64_t, queue_pairs> sq_{};
    std::array<std::uint64_t, queue_pairs> cq_{};
};

TEST(CoreFuzz, NoDmaIsUnnamedAndEachDescriptorEndsOnceOrFallsToAReset) {
    Marks all;
    for (std::uint64_t round = 0; round < 10 && !::testing::Test::HasFailure(); ++round) {
        SCOPED_TRACE("round " + std::to_string(round));
        RandomDriver driver(seed() + round);
        for (int step = 0; step < 4000 && !::testing::Test::HasFailure(); ++step) {
            driver.step();
        }
        driver.settle();
        all += driver.marks();
    }
    // What a run of another seed must meet, too: else it proves little.
    EXPECT_GT(all.completed, 10'000u);
    EXPECT_GT(all.succeeded_dma_writes, 300u);
    EXPECT_GT(all.aborted, 100u);
    EXPECT_GT(all.dropped, 10u);
    EXPECT_GT(all.refused_dma, 10u);
    EXPECT_GT(all.overruns, 10u);
    EXPECT_GT(all.fatal, 0u);
    EXPECT_GT(all.wraps, 100u);
    EXPECT_GT(all.admin_aborts, 10u);
}

TEST(CoreFuzz, OneSeedGivesOneTrace) {
    const auto run = [](std::uint64_t seed_of_run) {
        RandomDriver driver(seed_of_run);
        for (int step = 0; step < 1000; ++step) {
            driver.step();
        }
        return driver.trace_hash();
    };
    EXPECT_EQ(run(seed()), run(seed()));
    EXPECT_NE(run(seed()), run(seed() + 1));
}

}  // namespace
}  // namespace ringside::testing
