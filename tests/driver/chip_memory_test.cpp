// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// Where the data of one and the same encryption may lie: in buffers of the pool, in the caller's
// own memory without a copy, or scattered over pieces; the bytes are the same.

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <vector>

#include "ringside/testing/accelerator.hpp"

namespace ringside::testing {
namespace {

using driver::CipherBuffers;
using driver::DmaBuffer;
using driver::Piece;

constexpr std::uint32_t length = 4096;

struct ChipMemory : ::testing::Test {
    ChipMemory() {
        for (std::size_t i = 0; i < length; ++i) {
            plain[i] = static_cast<std::byte>(i * 7);
        }
        auto source = allocate(length);
        auto target = allocate(length);
        std::copy(plain.begin(), plain.end(), source.bytes().begin());
        run(encrypt({source.iova(), length, target.iova(), length}));
        expected.assign(target.bytes().begin(), target.bytes().end());
    }

    DmaBuffer allocate(std::size_t size) { return machine.device->dma().allocate(size).value(); }
    spec::SubmissionEntry encrypt(const CipherBuffers& buffers) const {
        return driver::aes_cbc(driver::Direction::encrypt, session, buffers, iv);
    }
    void run(const spec::SubmissionEntry& request) {
        RecordedOperation operation(machine.environment());
        ASSERT_TRUE(machine.queue().submit(request, operation).has_value());
        const auto& completion = operation.wait();
        EXPECT_FALSE(completion.status) << completion.status.message();
        EXPECT_EQ(completion.result, length);
    }

    Accelerator machine{{.seed = seed()}, {.ring_entries = 8}};
    const std::array<std::byte, 16> iv{std::byte{3}};
    std::uint32_t session = machine.create_session(spec::Algorithm::aes_cbc, iv);
    std::vector<std::byte> plain = std::vector<std::byte>(length);
    std::vector<std::byte> expected;
};

TEST_F(ChipMemory, TheCallersOwnMemoryNeedsNoCopy) {
    std::vector<std::byte> memory = plain;
    {
        const auto buffer = machine.device->dma().import_memory(memory).value();
        run(encrypt({buffer.iova(), length, buffer.iova(), length}));
    }
    EXPECT_EQ(memory, expected);
}

TEST_F(ChipMemory, PiecesOfAnySizeAreOneSourceAndOneDestination) {
    const std::vector<std::uint32_t> sizes = {1, 15, 1000, 3, 2061, 16, 1000};
    std::vector<DmaBuffer> buffers;
    std::vector<Piece> from;
    std::vector<Piece> to;
    std::size_t offset = 0;
    for (const std::uint32_t size : sizes) {
        auto& source = buffers.emplace_back(allocate(size));
        std::copy_n(plain.begin() + static_cast<std::ptrdiff_t>(offset), size,
                    source.bytes().begin());
        from.push_back({source.iova(), size});
        offset += size;
    }
    ASSERT_EQ(offset, length);
    auto output = allocate(length);
    for (std::uint32_t at = 0; at < length; at += length / 4) {
        to.insert(to.begin(), {output.iova() + at, length / 4});  // the last quarter first
    }
    ASSERT_LE(from.size(), machine.device->capabilities().max_list_entries);
    auto source_list = allocate(driver::list_size(from.size()));
    auto target_list = allocate(driver::list_size(to.size()));
    auto request = encrypt({});
    driver::use_source_list(request, source_list.iova(),
                            driver::write_list(source_list.bytes(), from));
    driver::use_destination_list(request, target_list.iova(),
                                 driver::write_list(target_list.bytes(), to));
    run(request);
    for (std::size_t quarter = 0; quarter < 4; ++quarter) {
        const auto* const begin = output.bytes().data() + (3 - quarter) * length / 4;
        EXPECT_TRUE(
            std::equal(begin, begin + length / 4,
                       expected.begin() + static_cast<std::ptrdiff_t>(quarter * length / 4)))
            << "quarter " << quarter;
    }
}

TEST_F(ChipMemory, CapabilitiesAreThoseOfTheRegisters) {
    const driver::DeviceCapabilities& can = machine.device->capabilities();
    const auto peek = [this](const spec::Address& address) {
        return machine.platform->peek32(address.of());
    };
    EXPECT_EQ(can.version, peek(spec::at("VERSION")));
    EXPECT_EQ(can.max_length, peek(spec::at("MAX_LEN")));
    EXPECT_EQ(can.max_sessions, peek(spec::at("MAX_SESS")));
    EXPECT_EQ(can.queue_pairs, peek(spec::at("CAP")) & 0xFFFF);
    EXPECT_EQ(can.max_ring_entries, 4096u);
    EXPECT_EQ(can.max_list_entries, peek(spec::at("LIMITS")) & 0xFFFF);
    EXPECT_EQ(can.symmetric & 3, 3u) << "AES-CBC and AES-GCM";
    EXPECT_EQ(static_cast<std::uint32_t>(can.symmetric), peek(spec::at("ALG_SYM")));
    EXPECT_EQ(static_cast<std::uint32_t>(can.asymmetric), peek(spec::at("ALG_ASYM")));
    EXPECT_EQ(static_cast<std::uint32_t>(can.hash_kdf), peek(spec::at("ALG_HASHKDF")));
}

}  // namespace
}  // namespace ringside::testing
