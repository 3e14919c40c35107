// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// A driver gone mad: random accesses of any width at any offset, random descriptors, random ring
// bases. The chip answers with errors, never with an assertion, and what a sane driver does after a
// reset works.

#include <gtest/gtest.h>

#include "chip_bench.hpp"
#include "ringside/base/prng.hpp"
#include "ringside/testing/seed.hpp"

namespace ringside::testing {
namespace {

class MadDriver {
  public:
    explicit MadDriver(std::uint64_t seed) : stream_(seed, "mad driver") {
        bench_.enable_queue(0, 16);
        bench_.enable_queue(1, 16);
        playground_ = bench_.memory.allocate(65536);
    }

    void step() {
        switch (stream_.between(0, 5)) {
            case 0:
                access(core::Bar::registers, any_offset());
                break;
            case 1:
                access(core::Bar::msix,
                       static_cast<std::uint32_t>(stream_.between(0, spec::bar2_size - 1)));
                break;
            case 2:
                scribble();
                break;
            case 3:
                ring_a_doorbell();
                break;
            case 4:
                set_up_a_queue();
                break;
            default:
                bench_.run_for(std::chrono::nanoseconds(stream_.between(0, 3000)));
                break;
        }
    }

    void expect_life_after_a_reset() {
        bench_.write(spec::at("RESET").of(), spec::reset_key);
        bench_.start();
        bench_.enable_queue(0, 16);
        bench_.enable_queue(1, 16);
        const std::array<std::byte, 16> key{};
        const auto session = bench_.create_session(spec::Algorithm::aes_cbc, key);
        spec::SubmissionEntry entry;
        entry.opcode = static_cast<std::uint8_t>(spec::Opcode::cipher);
        entry.session = session;
        entry.src = bench_.memory.allocate(64);
        entry.dst = entry.src;
        entry.src_len = 64;
        entry.dst_len = 64;
        entry.iv_len = 16;
        EXPECT_TRUE(status_of(bench_.execute(1, entry)).ok());
    }

  private:
    std::uint32_t any_offset() {
        // Half of them where something stands, or next to it.
        if (stream_.chance(1, 2)) {
            return static_cast<std::uint32_t>(stream_.between(0, spec::bar0_size - 1));
        }
        const auto& block = spec::blocks.at(stream_.between(0, spec::blocks.size() - 1));
        const auto& reg = block.registers[stream_.between(0, block.registers.size() - 1)];
        const auto instance =
            static_cast<std::uint32_t>(stream_.between(0, std::min(block.count, 9u) - 1));
        return block.base + block.stride * instance + reg.offset +
               static_cast<std::uint32_t>(stream_.chance(1, 8) ? stream_.between(0, 7) : 0);
    }

    void access(core::Bar bar, std::uint32_t offset) {
        std::array<std::byte, 16> bytes{};
        for (std::byte& byte : bytes) {
            byte = static_cast<std::byte>(stream_.between(0, 255));
        }
        const std::size_t size = stream_.chance(7, 8) ? 4 : stream_.between(1, 16);
        if (stream_.chance(1, 2)) {
            bench_.device.read(bar, bench_.now, offset, std::span(bytes).first(size));
        } else {
            bench_.device.write(bar, bench_.now, offset, std::span(bytes).first(size));
        }
    }

    /// Random bytes over rings, lists and buffers alike, now and then with a valid opcode.
    void scribble() {
        for (std::byte& byte : bench_.memory.at(playground_ + stream_.between(0, 1000) * 64, 64)) {
            byte = static_cast<std::byte>(stream_.between(0, 255));
        }
        auto& ring = bench_.rings.at(static_cast<std::uint32_t>(stream_.between(0, 1)));
        spec::SubmissionEntry entry;
        constexpr std::uint8_t opcodes[] = {0, 1, 2, 3, 4, 0x10, 0x55};
        entry.opcode = opcodes[stream_.between(0, std::size(opcodes) - 1)];
        entry.flags = static_cast<std::uint8_t>(stream_.between(0, 31));
        entry.session = static_cast<std::uint32_t>(stream_.between(0, 600));
        entry.src = playground_ + stream_.between(0, 70000);
        entry.dst = playground_ + stream_.between(0, 70000);
        entry.src_len = static_cast<std::uint32_t>(stream_.between(0, 100));
        entry.dst_len = static_cast<std::uint32_t>(stream_.between(0, 100));
        bench_.memory.put(ring.sq + stream_.between(0, 15) * sizeof entry, entry);
    }

    void ring_a_doorbell() {
        const auto queue = static_cast<std::uint32_t>(stream_.between(0, 3));
        const auto value = static_cast<std::uint32_t>(stream_.between(0, 17));
        bench_.write(
            stream_.chance(1, 2) ? spec::at("SQ_DB").of(queue) : spec::at("CQ_DB").of(queue),
            stream_.chance(1, 4) ? value | 1u << 31 : value);
    }

    void set_up_a_queue() {
        if (stream_.chance(1, 50)) {  // out of ERROR, too
            bench_.write(spec::at("RESET").of(), spec::reset_key);
            bench_.run();
        }
        const auto queue = static_cast<std::uint32_t>(stream_.between(0, 3));
        bench_.write64(spec::at("SQ_BASE").of(queue), playground_ + stream_.between(0, 80) * 1024);
        bench_.write64(spec::at("CQ_BASE").of(queue), playground_ + stream_.between(0, 80) * 1024);
        bench_.write(spec::at("Q_SIZE").of(queue), 15u << 16 | 15u);
        bench_.write(spec::at("Q_CTRL").of(queue), stream_.chance(3, 4) ? 1 : 0);
        bench_.write(spec::at("CC").of(), 1);
    }

    Prng stream_;
    Bench bench_;
    std::uint64_t playground_ = 0;
};

TEST(Fuzz, NoDriverMakesTheChipFail) {
    for (std::uint64_t round = 0; round < 20; ++round) {
        MadDriver driver(seed() + round);
        for (int step = 0; step < 3000; ++step) {
            driver.step();
        }
        driver.expect_life_after_a_reset();
    }
}

}  // namespace
}  // namespace ringside::testing
