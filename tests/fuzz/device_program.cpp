// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "device_program.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <vector>

#include "program.hpp"
#include "ringside/base/trace.hpp"
#include "ringside/core/device.hpp"
#include "ringside/spec/faults.hpp"
#include "ringside/spec/pci_config.hpp"
#include "ringside/spec/wire.hpp"

namespace ringside::testing {
namespace {

/// All that the chip can reach, at IOVA 64 KiB; what lies outside faults.
class Memory final : public core::DmaPort, public core::MsiPort {
  public:
    static constexpr std::uint64_t base = 0x10000;
    static constexpr std::size_t size = 0x10000;

    core::DmaResult read(std::uint64_t address, std::span<std::byte> into) override {
        if (!is_mapped(address, into.size())) {
            return core::DmaResult::iommu_fault;
        }
        std::copy_n(bytes_.begin() + static_cast<std::ptrdiff_t>(address - base), into.size(),
                    into.begin());
        return core::DmaResult::ok;
    }
    /// The upper half alone: the rest is copied.
    const std::byte* look(std::uint64_t address, std::size_t length) override {
        const bool is_seen = is_mapped(address, length) && address >= base + size / 2;
        return is_seen ? bytes_.data() + (address - base) : nullptr;
    }
    std::byte* look_to_write(std::uint64_t address, std::size_t length) override {
        return const_cast<std::byte*>(look(address, length));
    }
    core::DmaResult write(std::uint64_t address, std::span<const std::byte> from) override {
        if (!is_mapped(address, from.size())) {
            return address % 2 == 0 ? core::DmaResult::iommu_fault : core::DmaResult::bus_error;
        }
        std::copy(from.begin(), from.end(),
                  bytes_.begin() + static_cast<std::ptrdiff_t>(address - base));
        return core::DmaResult::ok;
    }
    void send(std::uint64_t /*address*/, std::uint32_t /*data*/) override {}

    std::span<std::byte> at(std::size_t offset, std::size_t length) {
        const std::size_t from = offset % size;
        return std::span(bytes_).subspan(from, std::min(length, size - from));
    }

  private:
    static bool is_mapped(std::uint64_t address, std::size_t length) {
        return address >= base && address - base <= size && length <= size - (address - base);
    }

    std::vector<std::byte> bytes_ = std::vector<std::byte>(size);
};

class Machine {
  public:
    static constexpr std::uint32_t queue_pairs = 4;
    static constexpr std::uint32_t entries = 8;

    explicit Machine(DeviceTerms terms)
        : terms_(terms),
          device_({.queue_pairs = queue_pairs,
                   .max_sessions = 4,
                   .max_length = 0x2000,
                   .self_test_scope = core::SelfTestScope::aes,
                   .helpers = terms.helpers},
                  memory_, memory_, trace_) {
        enumerate();
    }

    DeviceRun run(Program program) {
        while (!program.at_end() && trace_.event_count() < most_events) {
            step(program);
        }
        expect_an_end();
        return {trace_.event_count(), trace_.hash()};
    }

  private:
    // Rings of queue q: submissions in the first half of its 4 KiB, completions in the second.
    static constexpr std::uint64_t ring(std::uint32_t queue) {
        return Memory::base + std::uint64_t{queue} * 0x1000;
    }

    void step(Program& program) {
        switch (program.take<std::uint8_t>() % 12) {
            case 0:
                return register_access(program);
            case 1:
                return any_access(program, core::Bar::registers);
            case 2:
                return any_access(program, core::Bar::msix);
            case 3:
                return any_access(program, core::Bar::config);
            case 4:
                return write_memory(program);
            case 5:
                return pass(std::chrono::nanoseconds(program.take<std::uint16_t>()));
            case 6:
                return pass(std::chrono::microseconds(program.take<std::uint16_t>()));
            case 7:
                return set_up(program);
            case 8:
            case 9:
                return submit(program);
            case 10:
                return consume(program);
            default:
                return inject(program);
        }
    }

    void write_memory(Program& program) {
        const auto offset = program.take<std::uint16_t>();
        const std::uint32_t length = program.below(256);
        program.take(memory_.at(offset, length));
    }

    // ---- accesses ----

    void write(std::uint32_t offset, std::uint32_t value) {
        device_.write(core::Bar::registers, now_, offset, std::as_bytes(std::span(&value, 1)));
    }
    std::uint32_t read(std::uint32_t offset) {
        std::uint32_t value = 0;
        const bool answered = device_.read(core::Bar::registers, now_, offset,
                                           std::as_writable_bytes(std::span(&value, 1)));
        return answered ? value : 0xFFFFFFFF;
    }
    void write64(std::uint32_t offset, std::uint64_t value) {
        write(offset, static_cast<std::uint32_t>(value));
        write(offset + 4, static_cast<std::uint32_t>(value >> 32));
    }

    /// A register that exists, read or written.
    void register_access(Program& program) {
        const auto& block = spec::blocks.at(program.take<std::uint8_t>() % spec::blocks.size());
        const auto& reg = block.registers[program.take<std::uint8_t>() % block.registers.size()];
        const std::uint32_t instance = program.take<std::uint8_t>() % std::min(block.count, 16u);
        const std::uint32_t offset = block.base + block.stride * instance + reg.offset;
        if (program.take<std::uint8_t>() % 4 == 0) {
            read(offset);
        } else {
            write(offset, program.take<std::uint32_t>());
        }
    }

    /// Any offset and width, in its BAR or behind it.
    void any_access(Program& program, core::Bar bar) {
        std::array<std::byte, 32> data{};
        const auto offset = program.take<std::uint32_t>();
        const auto bytes = std::span(data).first(program.take<std::uint8_t>() % (data.size() + 1));
        switch (program.take<std::uint8_t>() % 3) {
            case 0:
                device_.read(bar, now_, offset, bytes);
                return;
            case 1:
                device_.peek(bar, now_, offset, bytes);
                return;
            default:
                program.take(bytes);
                device_.write(bar, now_, offset, bytes);
                return;
        }
    }

    /// What a kernel does; also what brings a function back that a program has switched off.
    void enumerate() {
        const auto set = [&](std::uint32_t offset, std::uint16_t value) {
            device_.write(core::Bar::config, now_, offset, std::as_bytes(std::span(&value, 1)));
        };
        set(spec::pci::at("PMCSR"), spec::pci::power::d0);
        set(spec::pci::at("COMMAND"),
            spec::pci::command::memory_space | spec::pci::command::bus_master);
        set(spec::pci::at("MSIX_CTRL"), spec::pci::msix_control::enable);
    }

    // ---- as a driver would ----

    void set_up(Program& program) {
        const std::uint32_t queue = program.below(queue_pairs);
        const auto vector = program.take<std::uint8_t>();
        enumerate();
        write(spec::at("CC").of(), 1);
        write64(spec::at("SQ_BASE").of(queue), ring(queue));
        write64(spec::at("CQ_BASE").of(queue), ring(queue) + 0x800);
        write(spec::at("Q_SIZE").of(queue), (entries - 1) << 16 | (entries - 1));
        write(spec::at("CQ_VEC").of(queue), 1u << 31 | vector % spec::max_vectors);
        write(spec::at("Q_CTRL").of(queue), 1);
        write(spec::at("CQ_DB").of(queue), 1u << 31);
    }

    /// A descriptor of the program's bytes, made a little less hopeless by what it would need.
    void submit(Program& program) {
        const std::uint32_t queue = program.below(queue_pairs);
        auto entry = program.take<spec::SubmissionEntry>();
        const auto help = program.take<std::uint8_t>();
        if ((help & 1) != 0) {
            constexpr spec::Opcode admin[] = {spec::Opcode::session_create,
                                              spec::Opcode::session_destroy, spec::Opcode::abort,
                                              spec::Opcode::get_log};
            entry.opcode = static_cast<std::uint8_t>(
                queue == 0 ? admin[entry.opcode % std::size(admin)]
                           : static_cast<spec::Opcode>(0x10 + entry.opcode % 0x20));
            entry.flags &= queue == 0 ? 0x18 : 0x1F;
        }
        if ((help & 2) != 0) {
            entry.src = Memory::base + 0x8000 + entry.src % 0x4000;
            entry.dst = Memory::base + 0xC000 + entry.dst % 0x2000;
            entry.src_len %= 0x1000;
            entry.dst_len %= 0x2000;
        }
        if ((help & 4) != 0) {
            entry.session = 1u | (entry.session % 4) << 8;
        }
        const std::uint32_t tail = read(spec::at("SQ_TAIL").of(queue)) % entries;
        const auto slot = memory_.at(queue * 0x1000 + tail * sizeof entry, sizeof entry);
        std::memcpy(slot.data(), &entry, slot.size());
        write(spec::at("SQ_DB").of(queue), (tail + 1) % entries);
    }

    void consume(Program& program) {
        const std::uint32_t queue = program.below(queue_pairs);
        const std::uint32_t tail = read(spec::at("CQ_TAIL").of(queue)) % entries;
        const std::uint32_t arm = program.below(2);
        write(spec::at("CQ_DB").of(queue), tail | arm << 31);
    }

    void inject(Program& program) {
        core::FaultRule rule;
        rule.kind = static_cast<spec::FaultKind>(program.below(64));
        rule.after = program.below(4);
        rule.every = program.below(4);
        rule.count = program.below(4);
        rule.chance_numerator = 1;
        rule.chance_denominator = static_cast<std::uint16_t>(program.below(3));
        rule.offset = program.take<std::uint32_t>();
        rule.value = program.take<std::int32_t>();
        *rule.value >>= program.below(32);
        device_.inject(rule);
    }

    // ---- time ----

    void pass(Duration duration, std::uint64_t limit = most_events) {
        const Time end = now_ + duration;
        // A storm of messages goes on as long as it may: so many steps are enough of it.
        int steps = 0;
        const std::function<bool(Time)> goes_on = [&](Time next) {
            require(next >= now_, "an event in the past");
            now_ = next;
            return steps++ < 10'000 && trace_.event_count() < limit;
        };
        if (terms_.host_stands_still) {
            Time clock{};
            device_.run(end, clock, {.go_on = &goes_on, .host_stands_still = true});
        } else {
            for (auto next = device_.next_event(); next && *next <= end && goes_on(*next);
                 next = device_.next_event()) {
                device_.advance(*next);
            }
        }
        const auto next = device_.next_event();
        now_ = next ? std::min(std::max(*next, now_), end) : end;
        device_.advance(now_);
    }

    /// Without rules a reset ends: the chip is DISABLED, or in ERROR because of its self-test, or
    /// it was gone or dead already.
    void expect_an_end() {
        enumerate();
        for (std::uint32_t slot = 0; slot < spec::fault_rules; ++slot) {
            write(spec::at("FI_CTRL").of(slot), 0);
        }
        write(spec::at("RESET").of(), spec::reset_key);
        pass(std::chrono::milliseconds(100), 2 * most_events);
        const std::uint32_t status = read(spec::at("CSTS").of());
        if (status == 0xFFFFFFFF) {
            return;
        }
        const auto state = static_cast<spec::DeviceState>(spec::field("CSTS", "STATE").get(status));
        require(state == spec::DeviceState::disabled || state == spec::DeviceState::error ||
                    state == spec::DeviceState::dead,
                "a reset without an end");
        require(spec::field("CSTS", "DRAINED").get(status) == 1, "operations outlive a reset");
    }

    static void require(bool condition, const char* what) {
        if (!condition) {
            std::fprintf(stderr, "the chip broke a promise: %s\n", what);
            std::abort();
        }
    }

    Trace trace_{1};
    Memory memory_;
    Time now_{};
    const DeviceTerms terms_;
    core::Device device_;
};

}  // namespace

DeviceRun run_device_program(std::span<const std::byte> program, DeviceTerms terms) {
    return Machine(terms).run(Program(program));
}

}  // namespace ringside::testing
