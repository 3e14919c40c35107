// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// The chip's TLM-2.0 face, seen from outside: what the generic payload's rules demand, and time.

#include "shell_machine.hpp"

namespace ringside::testing {
namespace {

using namespace std::chrono_literals;
using sc_core::sc_time;
using sc_core::SC_ZERO_TIME;

// ---- transport ----

TEST_F(Shell, AnswersReadsAndWritesOfAllItsSpaces) {
    EXPECT_EQ(host.read(spec::at("ID").of()), spec::device_id);
    host.write(spec::at("ERR_MASK").of(), 0x10);
    EXPECT_EQ(host.read(spec::at("ERR_MASK").of()), 0x10u);
    host.write(Bar::msix, 16 * 63 + 8, 0x1234);
    EXPECT_EQ(host.read(Bar::msix, 16 * 63 + 8), 0x1234u);
    host.write(Bar::config, spec::pci::at("CACHE_LINE"), 0x42, 1);
    EXPECT_EQ(host.read(Bar::config, spec::pci::at("CACHE_LINE")) & 0xFF, 0x42u);
}

/// Makes a good payload one that the standard (IEEE 1666-2011, 14) has a response for.
struct Refused {
    const char* what;
    tlm::tlm_response_status expected;
    void (*spoil)(tlm::tlm_generic_payload& payload, std::uint64_t bar_size);
};

std::ostream& operator<<(std::ostream& out, const Refused& refused) {
    return out << refused.what;
}

unsigned char all_bytes[] = {0xFF, 0xFF, 0xFF, 0xFF};

const Refused refusals[] = {
    {"byte enables", tlm::TLM_BYTE_ENABLE_ERROR_RESPONSE,
     [](auto& payload, std::uint64_t) {
         payload.set_byte_enable_ptr(all_bytes);
         payload.set_byte_enable_length(sizeof all_bytes);
     }},
    {"a streaming width below the length", tlm::TLM_BURST_ERROR_RESPONSE,
     [](auto& payload, std::uint64_t) { payload.set_streaming_width(2); }},
    {"no length", tlm::TLM_BURST_ERROR_RESPONSE,
     [](auto& payload, std::uint64_t) { payload.set_data_length(0); }},
    {"no command", tlm::TLM_COMMAND_ERROR_RESPONSE,
     [](auto& payload, std::uint64_t) { payload.set_command(tlm::TLM_IGNORE_COMMAND); }},
    {"the first address outside", tlm::TLM_ADDRESS_ERROR_RESPONSE,
     [](auto& payload, std::uint64_t size) { payload.set_address(size); }},
    {"across the end", tlm::TLM_ADDRESS_ERROR_RESPONSE,
     [](auto& payload, std::uint64_t size) { payload.set_address(size - 2); }},
    {"an address that is right in its lower half", tlm::TLM_ADDRESS_ERROR_RESPONSE,
     [](auto& payload, std::uint64_t) { payload.set_address(payload.get_address() | 1ull << 32); }},
    {"the last address of all", tlm::TLM_ADDRESS_ERROR_RESPONSE,
     [](auto& payload, std::uint64_t) { payload.set_address(~0ull - 3); }},
};

class ShellRefusal : public Shell, public ::testing::WithParamInterface<Refused> {
  protected:
    struct Space {
        Bar bar;
        std::uint32_t size;
        std::uint32_t scratch;  ///< a word that keeps what is written to its low byte
    };
    static constexpr Space spaces[] = {
        {Bar::registers, spec::bar0_size, spec::at("ERR_MASK").of()},
        {Bar::msix, spec::bar2_size, 16 * 63 + 8},
        {Bar::config, spec::pci::config_size, spec::pci::at("CACHE_LINE")},
    };
};

TEST_P(ShellRefusal, HasTheStandardsResponseAndChangesNothing) {
    for (const Space& space : spaces) {
        host.write(space.bar, space.scratch, 0x11);
        for (const auto command : {tlm::TLM_READ_COMMAND, tlm::TLM_WRITE_COMMAND}) {
            Transaction transaction(command, space.scratch, 4, 0x22);
            GetParam().spoil(transaction.payload, space.size);
            EXPECT_EQ(host.transport(space.bar, transaction), GetParam().expected);
            EXPECT_EQ(transaction.value(), 0x22u);
            EXPECT_EQ(host.read(space.bar, space.scratch), 0x11u);
        }
    }
    EXPECT_EQ(errors(), 0u) << "it has not reached the chip";
}

INSTANTIATE_TEST_SUITE_P(Payloads, ShellRefusal, ::testing::ValuesIn(refusals));

// Datasheet, Registers: the chip itself answers what is inside its BARs and no register access.
TEST_F(Shell, LeavesWrongWidthsAndAlignmentToTheChip) {
    struct {
        std::uint32_t offset;
        unsigned length;
    } const accesses[] = {{1, 4}, {2, 4}, {0, 1}, {0, 2}, {0, 8}, {0, 64}, {0x050, 4}};
    for (const auto& access : accesses) {
        for (const auto command : {tlm::TLM_READ_COMMAND, tlm::TLM_WRITE_COMMAND}) {
            Transaction transaction(command, access.offset, access.length);
            transaction.data.assign(transaction.data.size(), 0xEE);
            EXPECT_EQ(host.transport(Bar::registers, transaction), tlm::TLM_OK_RESPONSE);
            if (command == tlm::TLM_READ_COMMAND) {
                transaction.data.resize(access.length);
                EXPECT_EQ(transaction.data, std::vector<unsigned char>(access.length, 0));
            }
            EXPECT_EQ(errors(), spec::bit_of(spec::ErrorSource::bad_access)) << access.offset;
            host.write(spec::at("ERR_SRC").of(), ~0u);
        }
    }
}

TEST_F(Shell, TakesAStreamingWidthAboveTheLength) {
    Transaction transaction(tlm::TLM_READ_COMMAND, 0, 4);
    transaction.payload.set_streaming_width(1024);
    EXPECT_EQ(host.transport(Bar::registers, transaction), tlm::TLM_OK_RESPONSE);
    EXPECT_EQ(transaction.value(), spec::device_id);
}

// A disabled function decodes no address; its configuration space always answers.
TEST_F(Shell, AnswersMemoryOnlyWhereConfigurationSpaceEnablesIt) {
    host.write(Bar::config, spec::pci::at("COMMAND"), 0, 2);
    for (const Bar bar : {Bar::registers, Bar::msix}) {
        for (const auto command : {tlm::TLM_READ_COMMAND, tlm::TLM_WRITE_COMMAND}) {
            Transaction transaction(command, 0, 4);
            EXPECT_EQ(host.transport(bar, transaction), tlm::TLM_ADDRESS_ERROR_RESPONSE);
        }
    }
    host.enable_function();
    EXPECT_EQ(host.read(spec::at("ID").of()), spec::device_id);
}

TEST_F(Shell, RefusesDirectMemory) {
    for (const Bar bar : {Bar::registers, Bar::msix, Bar::config}) {
        Transaction transaction(tlm::TLM_READ_COMMAND, 0, 4);
        EXPECT_EQ(host.transport(bar, transaction), tlm::TLM_OK_RESPONSE);
        EXPECT_FALSE(transaction.payload.is_dmi_allowed());
        tlm::tlm_dmi dmi;
        EXPECT_FALSE(machine.initiator.socket(bar)->get_direct_mem_ptr(transaction.payload, dmi));
    }
}

TEST_F(Shell, DebugReadsSeeWithoutSideEffects) {
    host.write(spec::at("ERR_MASK").of(), 0x55);
    host.write(Bar::msix, 16 * 63 + 8, 0x77);
    const auto events = machine.trace.event_count();
    Transaction good(tlm::TLM_READ_COMMAND, spec::at("ERR_MASK").of(), 4);
    auto& registers = *machine.initiator.registers.operator->();
    EXPECT_EQ(registers.transport_dbg(good.payload), 4u);
    EXPECT_EQ(good.value(), 0x55u);
    for (const std::uint64_t address : {std::uint64_t{spec::bar0_size}, std::uint64_t{1} << 32}) {
        Transaction outside(tlm::TLM_READ_COMMAND, address, 4);
        EXPECT_EQ(registers.transport_dbg(outside.payload), 0u);
    }
    Transaction write(tlm::TLM_WRITE_COMMAND, spec::at("ERR_MASK").of(), 4, 0x66);
    EXPECT_EQ(registers.transport_dbg(write.payload), 0u);
    Transaction table(tlm::TLM_READ_COMMAND, 16 * 63 + 8, 4);
    EXPECT_EQ(machine.initiator.msix->transport_dbg(table.payload), 4u);
    EXPECT_EQ(table.value(), 0x77u);
    Transaction header(tlm::TLM_READ_COMMAND, 0, 4);
    EXPECT_EQ(machine.initiator.config->transport_dbg(header.payload), 4u);
    EXPECT_EQ(header.value(), host.read(Bar::config, 0));
    EXPECT_NE(header.value(), 0u);
    EXPECT_EQ(machine.trace.event_count(), events);
    EXPECT_EQ(host.read(spec::at("ERR_MASK").of()), 0x55u);
    EXPECT_EQ(errors(), 0u);
}

// The result of a debug read is the number of bytes that are right (IEEE 1666-2011, 11.3.1).
TEST_F(Shell, DebugReadsGiveAnyBytesOfTheWordsThatTheBusSees) {
    for (std::uint32_t word = 0; word < 4; ++word) {
        host.write(Bar::msix, 16 * 63 + 4 * word, 0x03020101u * (word + 1));
    }
    constexpr std::uint32_t window = 16;
    struct {
        Bar bar;
        std::uint32_t start;
    } const windows[] = {{Bar::registers, spec::at("ID").of()},
                         {Bar::config, 0},
                         {Bar::config, spec::pci::at("BAR0_LOW")},
                         {Bar::msix, 16 * 63}};
    for (const auto& [bar, start] : windows) {
        std::vector<unsigned char> expected(window);
        for (std::uint32_t at = 0; at < window; at += 4) {
            const std::uint32_t word = host.read(bar, start + at);
            std::memcpy(expected.data() + at, &word, sizeof word);
        }
        for (std::uint32_t from = 0; from < window; ++from) {
            for (std::uint32_t length = 1; length <= window - from; ++length) {
                Transaction read(tlm::TLM_READ_COMMAND, start + from, length);
                EXPECT_EQ(debug(bar, read), length);
                EXPECT_TRUE(std::equal(read.data.begin(), read.data.begin() + length,
                                       expected.begin() + from))
                    << start << " + " << from << ", " << length;
            }
        }
    }
    EXPECT_EQ(errors(), 0u);
}

TEST_F(Shell, DebugReadsCountNoByteOutside) {
    struct {
        Bar bar;
        std::uint32_t size;
    } const spaces[] = {{Bar::registers, spec::bar0_size},
                        {Bar::msix, spec::bar2_size},
                        {Bar::config, spec::pci::config_size}};
    for (const auto& [bar, size] : spaces) {
        for (const std::uint32_t inside : {0u, 1u, 6u, 16u}) {
            Transaction across(tlm::TLM_READ_COMMAND, size - inside, 32);
            across.data.assign(32, 0xEE);
            EXPECT_EQ(debug(bar, across), inside);
            EXPECT_TRUE(std::all_of(across.data.begin() + inside, across.data.end(),
                                    [](unsigned char byte) { return byte == 0xEE; }));
        }
        for (const std::uint64_t address : {1ull << 32, ~0ull - 3}) {
            Transaction outside(tlm::TLM_READ_COMMAND, address, 16);
            EXPECT_EQ(debug(bar, outside), 0u);
        }
        Transaction whole(tlm::TLM_READ_COMMAND, 0, size);
        EXPECT_EQ(debug(bar, whole), size);
    }
    EXPECT_EQ(errors(), 0u);
}

// ---- time ----

// An initiator ahead of simulated time (temporal decoupling) is not served before its time.
TEST_F(Shell, AnAccessTakesEffectWhenItsDelayIsOver) {
    machine.initiator.run([this] {
        host.power_up();
        spec::SubmissionEntry nop;
        host.put(io, 0, nop);
        memory.accesses.clear();
        const Time start = now();
        Transaction doorbell(tlm::TLM_WRITE_COMMAND, spec::at("SQ_DB").of(io), 4, 1);
        sc_time delay = as_sc_time(12'345ns);
        machine.initiator.registers->b_transport(doorbell.payload, delay);
        EXPECT_EQ(doorbell.payload.get_response_status(), tlm::TLM_OK_RESPONSE);
        EXPECT_EQ(now() + Duration(systemc::from_sc_time(delay).time_since_epoch()),
                  start + 12'345ns);
        host.wait_for(settling_time);
        ASSERT_FALSE(memory.accesses.empty());
        const auto& config = machine.config;
        EXPECT_EQ(memory.accesses.front(),
                  (Access{start + 12'345ns + config.doorbell + config.fetch, false,
                          submission_ring(io), sizeof nop}));
    });
}

TEST_F(Shell, AReadSeesTheChipAsItIsWhenItsDelayIsOver) {
    machine.initiator.run([this] {
        host.power_up();
        host.write(spec::at("HB_PERIOD_US").of(), 1);
        const std::uint32_t before = host.read(spec::at("HB_COUNT").of());
        Transaction read(tlm::TLM_READ_COMMAND, spec::at("HB_COUNT").of(), 4);
        sc_time delay = as_sc_time(7us);
        machine.initiator.registers->b_transport(read.payload, delay);
        EXPECT_EQ(read.value(), before + 7);
    });
}

// The sockets turn the four phases of the non-blocking interface into one blocking call.
TEST_F(Shell, AnswersAnAccessInPhasesWhenItIsDue) {
    machine.initiator.run([this] {
        host.power_up();
        host.write(spec::at("HB_PERIOD_US").of(), 1);
        const std::uint32_t before = host.read(spec::at("HB_COUNT").of());
        const Time start = now();
        Transaction read(tlm::TLM_READ_COMMAND, spec::at("HB_COUNT").of(), 4);
        EXPECT_EQ(machine.initiator.transport_in_phases(read.payload, 3us), start + 3us);
        EXPECT_EQ(read.payload.get_response_status(), tlm::TLM_OK_RESPONSE);
        EXPECT_EQ(read.value(), before + 3);
        Transaction outside(tlm::TLM_READ_COMMAND, spec::bar0_size, 4);
        machine.initiator.transport_in_phases(outside.payload, {});
        EXPECT_EQ(outside.payload.get_response_status(), tlm::TLM_ADDRESS_ERROR_RESPONSE);
    });
}

/// Operations of several sizes, one with a list, behind two doorbells at odd times.
void scenario(Host& host) {
    host.power_up();
    const std::uint32_t session = host.create_session();
    for (std::uint32_t i = 0; i < 4096; ++i) {
        host.memory.put(source + i, static_cast<std::uint8_t>(i * 37));
    }
    host.put(io, 0, encryption(session, 4096));
    auto listed = encryption(session, 96);
    const spec::ListEntry list[] = {{source + 5, 90, 0}, {source, 6, spec::list_last}};
    host.memory.put(0x8000, list);
    listed.src = 0x8000;
    listed.dst = target + 0x1000;
    listed.flags = static_cast<std::uint8_t>(spec::SubmissionFlag::src_list);
    host.put(io, 1, listed);
    auto refused = encryption(session, 33);
    host.put(io, 2, refused);
    auto small = encryption(session, 16);
    small.dst = target + 0x2000;
    host.put(io, 3, small);
    host.write(spec::at("SQ_DB").of(io), 3);
    host.wait_for(Duration(777'001));
    host.write(spec::at("SQ_DB").of(io), 4);
    host.wait_for(settling_time);
    host.arm(io, 3);  // one completion is unconsumed: the interrupt fires again
    host.wait_for(settling_time);
}

TEST_F(Shell, MemorySeesTheCoreAtTheVeryTimesThatTheCoreAlonePredicts) {
    HostMemory memory_of_core;
    CoreHost alone(memory_of_core);
    alone.run_until(now());
    scenario(alone);
    machine.initiator.run([this] { scenario(host); });

    EXPECT_EQ(memory.accesses, memory_of_core.accesses);
    EXPECT_EQ(memory.last_message, 0x4100u + io);
    EXPECT_EQ(memory_of_core.last_message, memory.last_message);
    const auto messages = std::count_if(
        memory.accesses.begin(), memory.accesses.end(),
        [](const Access& access) { return access.address == HostMemory::msi_window; });
    EXPECT_EQ(messages, 3) << "the session's, the first completion's, the re-arm's";
    const auto targets = [](const HostMemory& host_memory) {
        return std::vector(host_memory.bytes.begin() + target,
                           host_memory.bytes.begin() + target + 0x2010);
    };
    EXPECT_EQ(targets(memory), targets(memory_of_core));
    EXPECT_NE(targets(memory).back(), std::byte{0});
}

// ---- DMA ----

TEST_F(Shell, TellsAnUnmappedAddressFromAFailingFabric) {
    struct {
        tlm::tlm_response_status response;
        std::uint64_t address;
        spec::TransportError expected;
    } const failures[] = {
        {tlm::TLM_ADDRESS_ERROR_RESPONSE, source, spec::TransportError::iommu},
        {tlm::TLM_ADDRESS_ERROR_RESPONSE, target, spec::TransportError::iommu},
        {tlm::TLM_GENERIC_ERROR_RESPONSE, source, spec::TransportError::dma_read},
        {tlm::TLM_GENERIC_ERROR_RESPONSE, target, spec::TransportError::dma_write},
        {tlm::TLM_INCOMPLETE_RESPONSE, source, spec::TransportError::dma_read},
    };
    machine.initiator.run([&] {
        host.power_up();
        const std::uint32_t session = host.create_session();
        std::uint32_t index = 0;
        for (const auto& failure : failures) {
            machine.memory.failing = {{failure.address, failure.response}};
            host.put(io, index, encryption(session, 64));
            host.write(spec::at("SQ_DB").of(io), index + 1);
            host.wait_for(settling_time);
            const auto completion = host.completion(io, index);
            EXPECT_EQ(spec::decode_status(completion.status),
                      spec::Status::of(spec::StatusType::transport, failure.expected));
            EXPECT_EQ(completion.detail, failure.address);
            ++index;
        }
    });
}

// Memory that answers DMA or takes a message is inside the chip's own call.
TEST_F(Shell, RefusesToBeAccessedByWhoAnswersItsDma) {
    machine.initiator.run([&] {
        host.power_up();
        unsigned refused = 0;
        machine.memory.meanwhile = [&] {
            Transaction write(tlm::TLM_WRITE_COMMAND, spec::at("RESET").of(), 4, spec::reset_key);
            EXPECT_EQ(host.transport(Bar::registers, write), tlm::TLM_GENERIC_ERROR_RESPONSE);
            Transaction look(tlm::TLM_READ_COMMAND, spec::at("ID").of(), 4);
            EXPECT_EQ(machine.initiator.registers->transport_dbg(look.payload), 4u);
            EXPECT_EQ(look.value(), spec::device_id);
            ++refused;
        };
        host.create_session();
        EXPECT_EQ(refused, memory.accesses.size());
        EXPECT_GE(refused, 4u) << "descriptor, key, completion, message";
    });
}

// ---- the kernel ----

// What is due at once is due even though nothing else will ever wake the chip.
TEST_F(Shell, WakesForWhatIsDueNowAlsoWhenTheKernelIsPaused) {
    std::uint32_t session = 0;
    machine.initiator.run([&] {
        host.power_up();
        session = host.create_session();
        host.write(spec::at("ERR_SEV").of(), spec::bit_of(spec::ErrorSource::bad_access));
    });
    host.put(io, 0, encryption(session, 4096));
    host.write(spec::at("SQ_DB").of(io), 1);
    sc_core::sc_start(1, sc_core::SC_US);  // fetched, and being read
    Transaction misaligned(tlm::TLM_WRITE_COMMAND, 1, 4);
    host.transport(Bar::registers, misaligned);  // fatal, from outside of any process
    sc_core::sc_start(SC_ZERO_TIME);
    Transaction status(tlm::TLM_READ_COMMAND, spec::at("CSTS").of(), 4);
    EXPECT_EQ(machine.initiator.registers->transport_dbg(status.payload), 4u);
    EXPECT_EQ(spec::field("CSTS", "STATE").get(status.value()),
              static_cast<std::uint64_t>(spec::DeviceState::error));
    EXPECT_EQ(spec::field("CSTS", "DRAINED").get(status.value()), 1u);
}

TEST_F(Shell, AnIdleChipLeavesTheKernelAsleep) {
    machine.initiator.run([this] { host.power_up(); });
    EXPECT_FALSE(sc_core::sc_pending_activity());
}

}  // namespace
}  // namespace ringside::testing
