// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// The chip as a PCI function: what configuration space holds, what writes do to it, what the chip
// does and does not do as it says, and what a function-level reset leaves.

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <map>
#include <utility>
#include <vector>

#include "ringside/core/device.hpp"
#include "ringside/spec/pci_config.hpp"
#include "ringside/spec/wire.hpp"

namespace ringside::core {
namespace {

using namespace std::chrono_literals;
namespace pci = spec::pci;

/// 64 KiB of host memory that starts at I/O address zero, and a list of the messages that came.
struct Host final : DmaPort, MsiPort {
    DmaResult read(std::uint64_t address, std::span<std::byte> into) override {
        ++accesses;
        if (address + into.size() > memory.size()) {
            return DmaResult::iommu_fault;
        }
        std::memcpy(into.data(), &memory[address], into.size());
        return bus_works ? DmaResult::ok : DmaResult::bus_error;
    }
    DmaResult write(std::uint64_t address, std::span<const std::byte> from) override {
        ++accesses;
        if (address + from.size() > memory.size()) {
            return DmaResult::iommu_fault;
        }
        std::memcpy(&memory[address], from.data(), from.size());
        return DmaResult::ok;
    }
    void send(std::uint64_t address, std::uint32_t data) override {
        messages.emplace_back(address, data);
    }

    std::vector<std::byte> memory = std::vector<std::byte>(0x10000);
    std::vector<std::pair<std::uint64_t, std::uint32_t>> messages;
    int accesses = 0;
    bool bus_works = true;
};

struct PciConfigTest : ::testing::Test {
    static constexpr std::uint16_t ready = pci::command::memory_space | pci::command::bus_master;
    static constexpr std::uint32_t sq_base = 0x1000;
    static constexpr std::uint32_t cq_base = 0x2000;
    static constexpr std::uint32_t parameters = 0x3000;
    static constexpr std::uint64_t unmapped = 0x100000;

    Host host;
    Trace trace{1};
    Time now{};
    Device chip{DeviceConfig{}, host, host, trace};

    std::uint32_t config(std::uint32_t offset, std::size_t bytes) {
        std::uint32_t value = 0;
        EXPECT_TRUE(chip.read(Bar::config, now, offset, writable(value, bytes))) << offset;
        return value;
    }
    void set_config(std::uint32_t offset, std::size_t bytes, std::uint32_t value) {
        EXPECT_TRUE(chip.write(Bar::config, now, offset, writable(value, bytes))) << offset;
    }
    std::uint32_t config(const pci::ConfigRegister& reg) {
        return config(reg.offset, reg.width / 8u);
    }
    void set_config(const pci::ConfigRegister& reg, std::uint32_t value) {
        set_config(reg.offset, reg.width / 8u, value);
    }
    bool read_bar(Bar bar, std::uint32_t offset, std::uint32_t& value) {
        return chip.read(bar, now, offset, writable(value, sizeof value));
    }
    bool write_bar(Bar bar, std::uint32_t offset, std::uint32_t value) {
        return chip.write(bar, now, offset, writable(value, sizeof value));
    }
    std::uint32_t mmio(std::uint32_t offset) {
        std::uint32_t value = 0;
        EXPECT_TRUE(read_bar(Bar::registers, offset, value));
        return value;
    }
    void set_mmio(std::uint32_t offset, std::uint32_t value) {
        EXPECT_TRUE(write_bar(Bar::registers, offset, value));
    }
    void run_for(Duration duration) {
        now += duration;
        chip.advance(now);
    }
    bool has_error(spec::ErrorSource source) {
        return (mmio(spec::at("ERR_SRC").of()) >> static_cast<unsigned>(source) & 1) != 0;
    }

    /// Vectors 0 and 1 of the table: an address each, their number as datum, not masked.
    void program_vectors() {
        for (std::uint32_t vector : {0u, 1u}) {
            write_bar(Bar::msix, vector * 16, 0xFEE00000 + vector);
            write_bar(Bar::msix, vector * 16 + 8, vector);
            write_bar(Bar::msix, vector * 16 + 12, 0);
        }
    }
    /// An error, hence vector 0.
    void raise_vector_0() {
        set_mmio(2, 0);
        run_for(1us);
    }
    std::uint32_t pending() {
        std::uint32_t bits = 0;
        EXPECT_TRUE(read_bar(Bar::msix, spec::msix_pba_offset, bits));
        return bits;
    }

    /// From power-on to a chip with a running admin queue of 16 entries.
    void bring_up() {
        set_config(pci::reg("COMMAND"), ready);
        run_for(1ms);
        set_mmio(spec::at("SQ_BASE").of(), sq_base);
        set_mmio(spec::at("CQ_BASE").of(), cq_base);
        set_mmio(spec::at("Q_SIZE").of(), 15 | 15 << 16);
        set_mmio(spec::at("Q_CTRL").of(), 1);
        set_mmio(spec::at("CC").of(), 1);
        run_for(1ms);
    }
    /// A command that reads `src` by DMA, as the first of the queue.
    void submit(std::uint64_t src) {
        spec::SubmissionEntry entry;
        entry.opcode = static_cast<std::uint8_t>(spec::Opcode::session_create);
        entry.src = src;
        entry.src_len = sizeof(spec::SessionParameters) + 16;
        std::memcpy(&host.memory[sq_base], &entry, sizeof entry);
        const spec::SessionParameters session{
            .algorithm = static_cast<std::uint8_t>(spec::Algorithm::aes_cbc), .key_len = 16};
        std::memcpy(&host.memory[parameters], &session, sizeof session);
        set_mmio(spec::at("SQ_DB").of(), 1);
    }
    std::uint16_t completion_status() const {
        spec::CompletionEntry entry;
        std::memcpy(&entry, &host.memory[cq_base], sizeof entry);
        return entry.status;
    }

    static std::span<std::byte> writable(std::uint32_t& value, std::size_t bytes) {
        return std::as_writable_bytes(std::span(&value, 1)).first(bytes);
    }
};

// ---- what it holds ----

TEST_F(PciConfigTest, SaysWhoItIs) {
    EXPECT_EQ(config(0x00, 4), 0x00015253u);
    EXPECT_EQ(config(0x08, 4), 0x10800001u) << "encryption controller, other; revision 1";
    EXPECT_EQ(config(0x0E, 1), 0u) << "type 0, one function";
    EXPECT_EQ(config(0x2C, 4), 0x00015253u);
    EXPECT_EQ(config(0x3D, 1), 0u) << "no interrupt pin";
    EXPECT_EQ(config(0x154, 4), 0x00000001u);
    EXPECT_EQ(config(0x158, 4), 0x02525300u);
}

TEST_F(PciConfigTest, CapabilityListsLeadToAllCapabilities) {
    ASSERT_NE(config(0x06, 2) & 0x10, 0u);
    std::vector<std::uint32_t> ids;
    for (std::uint32_t at = config(0x34, 1); at != 0; at = config(at + 1, 1)) {
        ids.push_back(config(at, 1));
        ASSERT_LT(ids.size(), 48u);
    }
    EXPECT_EQ(ids, (std::vector<std::uint32_t>{0x01, 0x11, 0x10}));
    ids.clear();
    for (std::uint32_t at = 0x100; at != 0; at = config(at, 4) >> 20) {
        ids.push_back(config(at, 2));
        ASSERT_LT(ids.size(), 48u);
    }
    EXPECT_EQ(ids, (std::vector<std::uint32_t>{0x0001, 0x0003}));
}

TEST_F(PciConfigTest, BarsTellTheirSizeAndKeepTheirAddress) {
    const std::map<std::uint32_t, std::uint64_t> sizes = {
        {0x10, 2u << 20}, {0x18, 4096}, {0x20, 0}};
    for (const auto& [offset, size] : sizes) {
        set_config(offset, 4, 0xFFFFFFFF);
        set_config(offset + 4, 4, 0xFFFFFFFF);
        const std::uint64_t low = config(offset, 4);
        const std::uint64_t mask = low | std::uint64_t{config(offset + 4, 4)} << 32;
        EXPECT_EQ(~(mask & ~std::uint64_t{0xF}) + 1, size);
        EXPECT_EQ(low & 0xF, size == 0 ? 0u : 4u) << "64-bit, not prefetchable";
    }
    set_config(0x10, 4, 0xC0000000);
    set_config(0x14, 4, 0x38);
    EXPECT_EQ(config(0x10, 4), 0xC0000004u);
    EXPECT_EQ(config(0x14, 4), 0x38u);
}

/// The attributes byte by byte, for accesses that care for no register's borders.
struct ByteAttributes {
    std::uint8_t reset = 0;
    std::uint8_t rw = 0;
};
std::array<ByteAttributes, pci::config_size> attributes() {
    std::array<ByteAttributes, pci::config_size> bytes{};
    for (const auto& reg : pci::config_registers) {
        for (unsigned i = 0; i < reg.width / 8u; ++i) {
            bytes.at(reg.offset + i) = {static_cast<std::uint8_t>(reg.reset >> 8 * i),
                                        static_cast<std::uint8_t>(reg.rw >> 8 * i)};
        }
    }
    return bytes;
}

struct PciConfigWrites : PciConfigTest, ::testing::WithParamInterface<std::size_t> {};
INSTANTIATE_TEST_SUITE_P(OfBytes, PciConfigWrites, ::testing::Values(1, 2, 4));

TEST_P(PciConfigWrites, ChangeWritableBitsAndNoOthers) {
    const auto bytes = attributes();
    const std::size_t width = GetParam();
    const std::uint32_t resetting = pci::at("DEVCTL") + 1;
    for (const std::uint32_t pattern : {0xFFFFFFFFu, 0x5A5A5A5Au, 0xA5A5A5A5u, 0u}) {
        for (std::uint32_t at = 0; at < pci::config_size; at += static_cast<unsigned>(width)) {
            std::uint32_t value = pattern;
            if (at <= resetting && resetting < at + width) {
                value &= ~(0x80u << 8 * (resetting - at));
            }
            set_config(at, width, value);
            // D1 and D2 are discarded: what it was before.
            const bool discarded = at == pci::at("PMCSR") && ((value & 3) == 1 || (value & 3) == 2);
            for (std::uint32_t i = 0; i < width && !discarded; ++i) {
                const auto& [reset, rw] = bytes.at(at + i);
                const auto written = static_cast<std::uint8_t>(value >> 8 * i);
                ASSERT_EQ(config(at + i, 1), (reset & ~rw) | (written & rw))
                    << std::hex << at + i << " after " << value;
            }
        }
    }
}

TEST_F(PciConfigTest, EveryRegisterStartsWithItsResetValue) {
    const auto bytes = attributes();
    for (std::uint32_t at = 0; at < pci::config_size; ++at) {
        ASSERT_EQ(config(at, 1), bytes.at(at).reset) << std::hex << at;
    }
}

TEST_F(PciConfigTest, AnAccessStaysInsideADoubleWord) {
    std::array<std::byte, 8> data{};
    const std::vector<std::pair<std::uint32_t, std::size_t>> refused = {
        {3, 2}, {1, 4}, {2, 4},    {3, 4},    {0, 5},
        {0, 8}, {0, 0}, {4096, 1}, {4095, 2}, {0xFFFFFFFF, 4}};
    for (const auto& [offset, length] : refused) {
        const auto bytes = std::span(data).first(length);
        EXPECT_FALSE(chip.read(Bar::config, now, offset, bytes)) << offset << " " << length;
        EXPECT_FALSE(chip.write(Bar::config, now, offset, bytes)) << offset << " " << length;
        EXPECT_FALSE(chip.peek(Bar::config, now, offset, bytes)) << offset << " " << length;
    }
    EXPECT_EQ(config(1, 2), 0x0152u);
    EXPECT_EQ(config(1, 3), 0x000152u);
    EXPECT_EQ(config(4095, 1), 0u);
}

// ---- what the chip does as it says ----

TEST_F(PciConfigTest, WithoutMemorySpaceNobodyAnswersAtTheBars) {
    const std::uint32_t mask = spec::at("ERR_MASK").of();
    std::uint32_t value = 0;
    EXPECT_FALSE(read_bar(Bar::registers, 0, value));
    EXPECT_EQ(config(pci::reg("DEVSTA")), 0x9u) << "unsupported request, correctable";
    set_config(pci::reg("DEVSTA"), 0x9);
    EXPECT_FALSE(write_bar(Bar::registers, mask, 8));
    EXPECT_FALSE(write_bar(Bar::msix, 0, 0xFEE00000));
    EXPECT_EQ(config(pci::reg("DEVSTA")), 0xAu) << "unsupported request, not fatal";
    ASSERT_TRUE(chip.peek(Bar::registers, now, 0, writable(value, 4))) << "for who only looks";
    EXPECT_EQ(value, spec::device_id);

    set_config(pci::reg("COMMAND"), pci::command::memory_space);
    EXPECT_EQ(mmio(0), spec::device_id);
    EXPECT_EQ(mmio(mask), 0u) << "the write did not arrive";
    EXPECT_TRUE(read_bar(Bar::msix, 0, value));
    EXPECT_EQ(value, 0u);
}

TEST_F(PciConfigTest, TheHeaderLogHoldsThePacketOfTheFirstErrorUntilItIsCleared) {
    const auto log = [this] {
        return std::array{config(pci::reg("HEADER_LOG0")), config(pci::reg("HEADER_LOG1")),
                          config(pci::reg("HEADER_LOG2")), config(pci::reg("HEADER_LOG3"))};
    };
    set_config(pci::reg("BAR0_LOW"), 0xC0000000);
    EXPECT_EQ(config(pci::reg("AER_CONTROL")), 0u);
    EXPECT_FALSE(write_bar(Bar::registers, 0x84, 8));  // a memory write: 3 double words, data
    EXPECT_EQ(config(pci::reg("AER_CONTROL")), 20u) << "unsupported request";
    const std::array<std::uint32_t, 4> first = {0x40000001, 0xF, 0xC0000084, 0};
    EXPECT_EQ(log(), first);

    set_config(pci::reg("BAR0_HIGH"), 0x12);
    EXPECT_FALSE(write_bar(Bar::registers, 0x88, 8));
    EXPECT_EQ(log(), first) << "of the first error";
    set_config(pci::reg("DEVCTL"), pci::device_control::initiate_reset);
    EXPECT_EQ(log(), first) << "sticky";

    set_config(pci::reg("UNCOR_STATUS"), pci::uncorrectable::unsupported_request);
    std::uint32_t value = 0;
    EXPECT_FALSE(read_bar(Bar::registers, 0, value));
    EXPECT_EQ(log(), first) << "advisory errors are masked after power-on";
    set_config(pci::reg("UNCOR_STATUS"), pci::uncorrectable::unsupported_request);
    set_config(pci::reg("COR_MASK"), 0);
    set_config(pci::reg("BAR0_LOW"), 0xC0000000);
    set_config(pci::reg("BAR0_HIGH"), 0x12);
    EXPECT_FALSE(
        read_bar(Bar::registers, 0x10, value));  // a memory read with a header of four double words
    EXPECT_EQ(log(), (std::array<std::uint32_t, 4>{0x20000001, 0xF, 0x12, 0xC0000010}));
}

TEST_F(PciConfigTest, InD3hotOnlyConfigurationSpaceAnswers) {
    bring_up();
    set_config(pci::reg("PMCSR"), 3);
    std::uint32_t value = 0;
    EXPECT_FALSE(read_bar(Bar::registers, 0, value));
    EXPECT_EQ(config(0, 2), pci::vendor_id);
    set_config(pci::reg("PMCSR"), 0);
    EXPECT_EQ(mmio(spec::at("CC").of()), 1u) << "no soft reset: nothing was lost";
}

TEST_F(PciConfigTest, APowerStateThatIsNotThereIsDiscarded) {
    for (const std::uint32_t before : {0u, 3u}) {
        for (const std::uint32_t state : {1u, 2u}) {
            set_config(pci::reg("PMCSR"), before);
            set_config(pci::reg("PMCSR"), state);
            EXPECT_EQ(config(pci::reg("PMCSR")), 8u | before);
        }
    }
}

struct Silence {
    const char* name;
    std::uint16_t offset;
    std::uint16_t value;
    std::uint16_t back;
};
struct SilentFunction : PciConfigTest, ::testing::WithParamInterface<Silence> {
    void silence() { set_config(GetParam().offset, 2, GetParam().value); }
    void end_silence() { set_config(GetParam().offset, 2, GetParam().back); }
};
INSTANTIATE_TEST_SUITE_P(By, SilentFunction,
                         ::testing::Values(Silence{"BusMasterOff", pci::at("COMMAND"), 2, 6},
                                           Silence{"D3hot", pci::at("PMCSR"), 3, 0}),
                         [](const auto& row) { return std::string(row.param.name); });

TEST_P(SilentFunction, FetchesNothing) {
    bring_up();
    submit(parameters);
    silence();
    host.accesses = 0;
    run_for(1ms);
    EXPECT_EQ(host.accesses, 0);
    end_silence();
    EXPECT_TRUE(has_error(spec::ErrorSource::dma_read));
    EXPECT_EQ(mmio(spec::at("Q_STS").of()), static_cast<unsigned>(spec::QueueState::error));
}

TEST_P(SilentFunction, EndsAnOperationWhoseDataItCannotReadAsTransportError) {
    bring_up();
    submit(parameters);
    run_for(700ns);  // fetched; the data comes later
    ASSERT_EQ(mmio(spec::at("Q_SUBMITTED").of()), 1u);
    silence();
    run_for(540ns);
    end_silence();
    run_for(1ms);
    EXPECT_EQ(
        completion_status(),
        spec::encode_status(
            spec::Status::of(spec::StatusType::transport, spec::TransportError::dma_read), true));
    EXPECT_EQ(config(pci::reg("STATUS")), pci::status::capabilities) << "nobody refused anything";
}

TEST_F(PciConfigTest, WithoutBusMasterNoCompletionIsWritten) {
    bring_up();
    submit(parameters);
    run_for(1240ns);  // the data was read
    set_config(pci::reg("COMMAND"), pci::command::memory_space);
    run_for(1ms);
    EXPECT_EQ(completion_status(), 0u);
    EXPECT_TRUE(has_error(spec::ErrorSource::dma_write));
}

TEST_F(PciConfigTest, WhatTheBusAnswersToReadsShowsUntilItIsCleared) {
    bring_up();
    submit(unmapped);
    run_for(1ms);
    EXPECT_EQ(config(pci::reg("STATUS")), 0x2010u) << "received master abort";
    set_config(pci::reg("STATUS"), 0x1010);
    EXPECT_EQ(config(pci::reg("STATUS")), 0x2010u) << "another bit was cleared";
    host.bus_works = false;
    set_mmio(spec::at("SQ_DB").of(), 2);
    run_for(1ms);
    EXPECT_EQ(config(pci::reg("STATUS")), 0x3010u) << "and received target abort";
    set_config(pci::at("STATUS"), 1, 0xFF);
    EXPECT_EQ(config(pci::reg("STATUS")), 0x3010u) << "the other byte was written";
    set_config(pci::reg("STATUS"), 0xFFFF);
    EXPECT_EQ(config(pci::reg("STATUS")), 0x0010u);
}

TEST_F(PciConfigTest, TransactionsArePendingUntilTheOperationIsDone) {
    bring_up();
    EXPECT_EQ(config(pci::reg("DEVSTA")), 0u);
    submit(parameters);
    run_for(200ns);
    EXPECT_EQ(config(pci::reg("DEVSTA")), 0x20u) << "the fetch";
    run_for(500ns);
    EXPECT_EQ(config(pci::reg("DEVSTA")), 0x20u) << "the data";
    EXPECT_EQ(config(0x68, 4) >> 16, 0x20u) << "also as a part of its double word";
    run_for(1ms);
    EXPECT_EQ(config(pci::reg("DEVSTA")), 0u);
}

// ---- MSI-X ----

struct HeldMessages : PciConfigTest, ::testing::WithParamInterface<Silence> {};
INSTANTIATE_TEST_SUITE_P(By, HeldMessages,
                         ::testing::Values(Silence{"MsixOff", pci::at("MSIX_CTRL"), 0, 0x8000},
                                           Silence{"FunctionMask", pci::at("MSIX_CTRL"), 0xC000,
                                                   0x8000},
                                           Silence{"BusMasterOff", pci::at("COMMAND"), 2, 6}),
                         [](const auto& row) { return std::string(row.param.name); });

TEST_P(HeldMessages, BecomePendingAndAreSentOnceWhenTheyMay) {
    const auto [name, offset, value, back] = GetParam();
    bring_up();
    program_vectors();
    set_config(pci::reg("MSIX_CTRL"), 0x8000);
    set_config(offset, 2, value);
    raise_vector_0();
    raise_vector_0();
    EXPECT_TRUE(host.messages.empty());
    EXPECT_EQ(pending(), 1u);
    program_vectors();  // that the vector is not masked does not help
    EXPECT_TRUE(host.messages.empty());
    set_config(offset, 2, back);
    EXPECT_EQ(host.messages,
              (std::vector<std::pair<std::uint64_t, std::uint32_t>>{{0xFEE00000, 0}}));
    EXPECT_EQ(pending(), 0u);
    raise_vector_0();
    EXPECT_EQ(host.messages.size(), 2u);
    set_mmio(spec::at("STAT_SNAP").of(), 1);
    EXPECT_EQ(mmio(spec::at("STAT_MSIX").of()), 2u);
}

TEST_P(HeldMessages, StayPendingWhileTheirVectorIsMasked) {
    const auto [name, offset, value, back] = GetParam();
    bring_up();
    set_config(pci::reg("MSIX_CTRL"), 0x8000);
    set_config(offset, 2, value);
    raise_vector_0();  // masked since power-on
    set_config(offset, 2, back);
    EXPECT_TRUE(host.messages.empty());
    EXPECT_EQ(pending(), 1u);
    program_vectors();
    EXPECT_EQ(host.messages.size(), 1u);
}

// ---- function-level reset ----

struct FunctionLevelReset : PciConfigTest {
    void reset_function() { set_config(pci::reg("DEVCTL"), 0x8000); }
};

TEST_F(FunctionLevelReset, RestoresAllButStickyBitsAndThoseOfTheLink) {
    for (const auto& reg : pci::config_registers) {
        set_config(reg, reg.rw);
    }
    reset_function();
    const std::map<std::uint32_t, std::uint32_t> kept = {
        {pci::at("LNKCTL"), 0x00CB},         {pci::at("LNKCTL2"), 0xFF9F},
        {pci::at("UNCOR_MASK"), 0x0057F010}, {pci::at("UNCOR_SEVERITY"), 0x0057F010},
        {pci::at("COR_MASK"), 0x000031C1},   {pci::at("DEVCTL"), 0x2100}};
    for (const auto& reg : pci::config_registers) {
        const auto found = kept.find(reg.offset);
        EXPECT_EQ(config(reg), found == kept.end() ? reg.reset : found->second) << reg.name;
    }
}

TEST_F(FunctionLevelReset, KeepsThePayloadSizeThatTheLinkWasGiven) {
    set_config(pci::reg("DEVCTL"), 0x5020);
    set_config(pci::reg("DEVCTL"), 0xD020);
    EXPECT_EQ(config(pci::reg("DEVCTL")), 0x2120u);
}

TEST_F(FunctionLevelReset, WantsItsBitSetByAWriteToItsByte) {
    bring_up();
    set_config(pci::at("DEVCTL"), 1, 0x80);
    set_config(pci::reg("DEVCTL"), 0x7FFF);
    set_config(pci::at("DEVCTL2") + 1, 1, 0x80);
    EXPECT_EQ(config(pci::reg("COMMAND")), ready);
    set_config(pci::at("DEVCTL") + 1, 1, 0x80);
    EXPECT_EQ(config(pci::reg("COMMAND")), 0u);
}

TEST_F(FunctionLevelReset, StopsEverythingAndForgetsTheVectors) {
    bring_up();
    program_vectors();
    set_config(pci::reg("MSIX_CTRL"), 0xC000);
    raise_vector_0();
    submit(parameters);
    run_for(700ns);
    reset_function();
    host.accesses = 0;
    EXPECT_EQ(config(pci::reg("DEVSTA")), 0u);
    // Software restores the function at once: what was under way must not come back.
    set_config(pci::reg("MSIX_CTRL"), 0x8000);
    set_config(pci::reg("COMMAND"), ready);
    EXPECT_EQ(mmio(spec::at("CSTS").of()) & 0x20F, 0x200u) << "in reset";
    EXPECT_EQ(pending(), 0u);
    std::uint32_t control = 0;
    ASSERT_TRUE(read_bar(Bar::msix, 12, control));
    EXPECT_EQ(control, 1u) << "masked";
    run_for(1ms);
    EXPECT_EQ(mmio(spec::at("CSTS").of()) & 0x20F, 1u) << "disabled";
    EXPECT_EQ(mmio(spec::at("Q_STS").of()), 0u);
    EXPECT_EQ(mmio(spec::at("SQ_BASE").of()), 0u);
    EXPECT_EQ(mmio(spec::at("ERR_SRC").of()), 0u);
    EXPECT_EQ(host.accesses, 0);
    EXPECT_TRUE(host.messages.empty());

    bring_up();
    submit(parameters);
    run_for(1ms);
    EXPECT_EQ(completion_status(), spec::encode_status({}, true));
}

}  // namespace
}  // namespace ringside::core
