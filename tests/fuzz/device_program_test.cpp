// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// The fuzzer's programs without the fuzzer: drawn from the seed, and those that once broke
// something. A crash is the failure.

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "device_program.hpp"
#include "ringside/base/prng.hpp"
#include "ringside/spec/faults.hpp"
#include "ringside/spec/registers.hpp"
#include "ringside/testing/seed.hpp"

namespace ringside::testing {
namespace {

/// Where a program names a register: its block and its place there.
std::pair<std::uint8_t, std::uint8_t> register_at(std::string_view name) {
    for (std::size_t block = 0; block < spec::blocks.size(); ++block) {
        const auto& registers = spec::blocks.at(block).registers;
        for (std::size_t index = 0; index < registers.size(); ++index) {
            if (registers[index].name == name) {
                return {static_cast<std::uint8_t>(block), static_cast<std::uint8_t>(index)};
            }
        }
    }
    ADD_FAILURE() << "no register " << name;
    return {};
}

void expect_same_on_all_terms(std::span<const std::byte> program, const std::string& name) {
    const DeviceRun run = run_device_program(program, {});
    for (const DeviceTerms& terms : device_terms) {
        EXPECT_EQ(run, run_device_program(program, terms))
            << name << ", helpers: " << terms.helpers
            << ", the host stands still: " << terms.host_stands_still;
    }
}

TEST(DevicePrograms, DrawnAtRandomBreakNothing) {
    Prng stream(seed(), "device programs");
    for (int i = 0; i < 1000; ++i) {
        std::vector<std::byte> program(stream.below(4096));
        stream.fill(program);
        expect_same_on_all_terms(program, std::to_string(i));
    }
}

TEST(DevicePrograms, ThatOnceBrokeSomethingBreakNothing) {
    std::size_t programs = 0;
    for (const auto& file : std::filesystem::directory_iterator(RINGSIDE_FUZZ_CORPUS)) {
        std::ifstream stream(file.path(), std::ios::binary);
        const std::string bytes(std::istreambuf_iterator<char>(stream), {});
        expect_same_on_all_terms(std::as_bytes(std::span(bytes)), file.path().filename());
        ++programs;
    }
    EXPECT_GT(programs, 0u);
}

/// Each descriptor of a long ring is told to raise 4,096 errors.
TEST(DevicePrograms, OfAFewBytesEndSoon) {
    std::string program;
    const auto add = [&program](auto... values) {
        (program.append(reinterpret_cast<const char*>(&values), sizeof values), ...);
    };
    const auto u8 = [](unsigned value) { return static_cast<std::uint8_t>(value); };
    const auto u16 = [](unsigned value) { return static_cast<std::uint16_t>(value); };
    const auto u32 = [](unsigned value) { return static_cast<std::uint32_t>(value); };
    const auto pass = [&] { add(u8(6), u16(50'000)); };
    const auto write = [&](const char* name, std::uint32_t value) {
        const auto [block, index] = register_at(name);
        add(u8(0), block, index, u8(1), u8(1), value);
    };
    pass();
    write("CC", 1);
    pass();
    write("SQ_BASE", 0x10000);
    write("CQ_BASE", 0x18000);
    write("Q_SIZE", 511u << 16 | 511u);
    write("Q_CTRL", 1);
    pass();
    const auto kind = u16(static_cast<unsigned>(spec::FaultKind::correctable));
    add(u8(11), kind, u16(0), u16(0), u16(0), u16(1), u32(0), u32(4096), u16(0));
    write("SQ_DB", 511);
    pass();
    for (const DeviceTerms& terms : device_terms) {
        const DeviceRun run = run_device_program(std::as_bytes(std::span(program)), terms);
        EXPECT_GE(run.events, most_events) << "the program is not as bad as it could be";
        EXPECT_LT(run.events, 2 * most_events);
    }
}

}  // namespace
}  // namespace ringside::testing
