// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// The chip in SystemC between a foreign initiator and a foreign memory, and what a driver would do
// with it, on the shell as on the core alone. SystemC elaborates once in a process, so all tests
// share one machine in one simulation, and begin with the function enabled and the chip reset.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <map>
#include <ostream>
#include <span>
#include <utility>
#include <vector>

#include "ringside/base/trace.hpp"
#include "ringside/spec/pci_config.hpp"
#include "ringside/spec/registers.hpp"
#include "ringside/spec/wire.hpp"
#include "ringside/systemc/crypto_device.hpp"

namespace ringside::testing {

using core::Bar;

inline Time now() {
    return systemc::from_sc_time(sc_core::sc_time_stamp());
}
inline sc_core::sc_time as_sc_time(Duration duration) {
    return systemc::to_sc_time(Time{duration});
}

/// One access of the chip to memory, MSI-X messages included.
struct Access {
    Time time;
    bool is_write;
    std::uint64_t address;
    std::size_t length;

    bool operator==(const Access&) const = default;
};

inline std::ostream& operator<<(std::ostream& out, const Access& access) {
    return out << (access.is_write ? "write " : "read ") << access.length << " at " << std::hex
               << access.address << std::dec << ", " << to_ps(access.time) << " ps";
}

/// 1 MiB from zero on, and a record of who came when. It knows nothing of TLM, so that it serves
/// the core alone as well.
struct HostMemory {
    static constexpr std::uint64_t size = 1 << 20;

    bool access(Time time, bool is_write, std::uint64_t address, std::byte* data,
                std::size_t length) {
        accesses.push_back({time, is_write, address, length});
        if (address >= msi_window) {
            std::memcpy(&last_message, data, sizeof last_message);
            return is_write && length == sizeof last_message;
        }
        if (address > size - length) {
            return false;
        }
        if (is_write) {
            std::memcpy(bytes.data() + address, data, length);
        } else {
            std::memcpy(data, bytes.data() + address, length);
        }
        return true;
    }
    template <typename Object>
    void put(std::uint64_t address, const Object& object) {
        std::memcpy(bytes.data() + address, &object, sizeof object);
    }
    template <typename Object>
    Object get(std::uint64_t address) const {
        Object object;
        std::memcpy(&object, bytes.data() + address, sizeof object);
        return object;
    }

    static constexpr std::uint64_t msi_window = 0xFEE0'0000;
    std::vector<std::byte> bytes = std::vector<std::byte>(size);
    std::vector<Access> accesses;
    std::uint32_t last_message = 0;
};

/// A memory target as a user of SystemC would write it.
class Memory : public sc_core::sc_module {
  public:
    tlm_utils::simple_target_socket<Memory> socket;

    explicit Memory(const sc_core::sc_module_name& name)
        : sc_core::sc_module(name), socket("socket") {
        socket.register_b_transport(this, &Memory::transport);
        socket.register_get_direct_mem_ptr(this, &Memory::direct_memory);
    }

    HostMemory host;
    /// What some address answers instead.
    std::map<std::uint64_t, tlm::tlm_response_status> failing;
    /// Called in the middle of each access.
    std::function<void()> meanwhile;
    /// Answers who asks for direct access; without it none is offered.
    std::function<bool(const tlm::tlm_generic_payload&, tlm::tlm_dmi&)> grant;

    void revoke(std::uint64_t first = 0, std::uint64_t last = ~0ull) {
        socket->invalidate_direct_mem_ptr(first, last);
    }

  private:
    bool direct_memory(tlm::tlm_generic_payload& payload, tlm::tlm_dmi& dmi) {
        return grant && grant(payload, dmi);
    }
    void transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay) {
        EXPECT_EQ(delay, sc_core::SC_ZERO_TIME);
        EXPECT_EQ(payload.get_response_status(), tlm::TLM_INCOMPLETE_RESPONSE);
        EXPECT_EQ(payload.get_byte_enable_ptr(), nullptr);
        EXPECT_GT(payload.get_data_length(), 0u);
        EXPECT_EQ(payload.get_streaming_width(), payload.get_data_length());
        EXPECT_FALSE(payload.is_dmi_allowed());
        // The chip's own stages say how long DMA takes.
        delay += sc_core::sc_time(7, sc_core::SC_NS);
        if (meanwhile) {
            meanwhile();
        }
        const auto failure = failing.find(payload.get_address());
        if (failure != failing.end()) {
            payload.set_response_status(failure->second);
            return;
        }
        const bool done = host.access(now(), payload.is_write(), payload.get_address(),
                                      reinterpret_cast<std::byte*>(payload.get_data_ptr()),
                                      payload.get_data_length());
        payload.set_response_status(done ? tlm::TLM_OK_RESPONSE : tlm::TLM_ADDRESS_ERROR_RESPONSE);
        payload.set_dmi_allowed(grant != nullptr);
    }
};

/// An initiator with a thread, on which a test runs what must be able to wait.
class Initiator : public sc_core::sc_module {
  public:
    tlm_utils::simple_initiator_socket<Initiator> config;
    tlm_utils::simple_initiator_socket<Initiator> registers;
    tlm_utils::simple_initiator_socket<Initiator> msix;

    SC_HAS_PROCESS(Initiator);
    explicit Initiator(const sc_core::sc_module_name& name)
        : sc_core::sc_module(name), config("config"), registers("registers"), msix("msix") {
        registers.register_nb_transport_bw(this, &Initiator::nb_transport);
        SC_THREAD(work);
        set_stack_size(1 << 20);
    }

    tlm_utils::simple_initiator_socket<Initiator>& socket(Bar bar) {
        if (bar == Bar::config) {
            return config;
        }
        return bar == Bar::registers ? registers : msix;
    }
    /// Runs `task` in the thread and simulated time until it is done and the chip is quiet.
    void run(std::function<void()> task) {
        task_ = std::move(task);
        go_.notify();
        settle();
        EXPECT_FALSE(task_) << "the thread still waits";
    }
    /// Sends a payload by the non-blocking interface; the time of its response.
    Time transport_in_phases(tlm::tlm_generic_payload& payload, Duration ahead) {
        tlm::tlm_phase phase = tlm::BEGIN_REQ;
        sc_core::sc_time delay = as_sc_time(ahead);
        const auto answer = registers->nb_transport_fw(payload, phase, delay);
        EXPECT_NE(answer, tlm::TLM_COMPLETED);
        wait(response_);
        return response_time_;
    }
    static void settle() {
        while (sc_core::sc_pending_activity()) {
            sc_core::sc_start(sc_core::sc_time_to_pending_activity());
        }
    }

  private:
    void work() {
        for (;;) {
            wait(go_);
            task_();
            task_ = nullptr;
        }
    }

    tlm::tlm_sync_enum nb_transport(tlm::tlm_generic_payload& /*payload*/, tlm::tlm_phase& phase,
                                    sc_core::sc_time& delay) {
        if (phase != tlm::BEGIN_RESP) {
            return tlm::TLM_ACCEPTED;
        }
        response_time_ = now() + Duration(systemc::from_sc_time(delay).time_since_epoch());
        response_.notify(delay);
        phase = tlm::END_RESP;
        return tlm::TLM_COMPLETED;
    }

    sc_core::sc_event go_;
    std::function<void()> task_;
    sc_core::sc_event response_;
    Time response_time_{};
};

struct Machine {
    Machine() {
        initiator.config.bind(device.config);
        initiator.registers.bind(device.registers);
        initiator.msix.bind(device.msix);
        device.dma.bind(memory.socket);
        sc_core::sc_start(sc_core::SC_ZERO_TIME);
    }
    Machine(const Machine&) = delete;
    Machine& operator=(const Machine&) = delete;

    static Machine& get() {
        static Machine machine;
        return machine;
    }

    const core::DeviceConfig config;
    Trace trace{1};
    systemc::CryptoDevice device{"device", config, trace};
    Initiator initiator{"initiator"};
    Memory memory{"memory"};
};

/// A generic payload over `length` bytes of its own.
struct Transaction {
    Transaction(tlm::tlm_command command, std::uint64_t address, unsigned length,
                std::uint32_t value = 0)
        : data(std::max<std::size_t>(length, sizeof value)) {
        std::memcpy(data.data(), &value, sizeof value);
        payload.set_command(command);
        payload.set_address(address);
        payload.set_data_ptr(data.data());
        payload.set_data_length(length);
        payload.set_streaming_width(length);
    }
    std::uint32_t value() const {
        std::uint32_t word = 0;
        std::memcpy(&word, data.data(), sizeof word);
        return word;
    }

    std::vector<unsigned char> data;
    tlm::tlm_generic_payload payload;
};

// ---- what a driver would do, the same on the shell and on the core alone ----

inline constexpr std::uint32_t admin = 0;
inline constexpr std::uint32_t io = 1;
inline constexpr std::uint32_t ring_entries = 8;
inline constexpr std::uint32_t source = 0x10000;
inline constexpr std::uint32_t target = 0x20000;
/// Longer than whatever these tests start takes.
inline constexpr Duration settling_time = std::chrono::microseconds(50);

constexpr std::uint64_t submission_ring(std::uint32_t queue) {
    return 0x1000 + std::uint64_t{queue} * 0x1000;
}
constexpr std::uint64_t completion_ring(std::uint32_t queue) {
    return submission_ring(queue) + 0x800;
}

class Host {
  public:
    explicit Host(HostMemory& host_memory) : memory(host_memory) {}
    virtual ~Host() = default;
    virtual void write(Bar bar, std::uint32_t offset, std::uint32_t value, unsigned length) = 0;
    virtual void wait_for(Duration duration) = 0;

    void write(Bar bar, std::uint32_t offset, std::uint32_t value) { write(bar, offset, value, 4); }
    void write(std::uint32_t offset, std::uint32_t value) { write(Bar::registers, offset, value); }
    /// What an operating system does before a driver gets to see the function.
    void enable_function() {
        write(Bar::config, spec::pci::at("COMMAND"),
              spec::pci::command::memory_space | spec::pci::command::bus_master, 2);
        write(Bar::config, spec::pci::at("MSIX_CTRL"), spec::pci::msix_control::enable, 2);
    }
    void program_vector(std::uint32_t vector, std::uint32_t data) {
        write(Bar::msix, vector * 16, HostMemory::msi_window);
        write(Bar::msix, vector * 16 + 4, 0);
        write(Bar::msix, vector * 16 + 8, data);
        write(Bar::msix, vector * 16 + 12, 0);
    }
    void enable(std::uint32_t queue) {
        write(spec::at("SQ_BASE").of(queue), static_cast<std::uint32_t>(submission_ring(queue)));
        write(spec::at("CQ_BASE").of(queue), static_cast<std::uint32_t>(completion_ring(queue)));
        write(spec::at("Q_SIZE").of(queue), (ring_entries - 1) << 16 | (ring_entries - 1));
        write(spec::at("CQ_VEC").of(queue), 1u << 31 | spec::queue_vector(queue));
        write(spec::at("Q_CTRL").of(queue), 1);
    }
    void arm(std::uint32_t queue, std::uint32_t head) {
        write(spec::at("CQ_DB").of(queue),
              static_cast<std::uint32_t>(spec::field("CQ_DB", "ARM").set(1)) | head);
    }
    void put(std::uint32_t queue, std::uint32_t index, const spec::SubmissionEntry& entry) {
        memory.put(submission_ring(queue) + index * sizeof entry, entry);
    }
    spec::CompletionEntry completion(std::uint32_t queue, std::uint32_t index) const {
        return memory.get<spec::CompletionEntry>(completion_ring(queue) +
                                                 index * sizeof(spec::CompletionEntry));
    }
    void power_up() {
        enable_function();
        write(spec::at("CC").of(), 1);
        wait_for(settling_time);
        for (const std::uint32_t queue : {admin, io}) {
            program_vector(spec::queue_vector(queue), 0x4100 + queue);
            enable(queue);
            arm(queue, 0);
        }
    }
    /// The admin queue's first command.
    std::uint32_t create_session() {
        spec::SessionParameters parameters;
        parameters.algorithm = static_cast<std::uint8_t>(spec::Algorithm::aes_cbc);
        parameters.key_len = 32;
        memory.put(source, parameters);
        spec::SubmissionEntry entry;
        entry.opcode = static_cast<std::uint8_t>(spec::Opcode::session_create);
        entry.src = source;
        entry.src_len = sizeof parameters + parameters.key_len;
        put(admin, 0, entry);
        write(spec::at("SQ_DB").of(admin), 1);
        wait_for(settling_time);
        const auto completed = completion(admin, 0);
        EXPECT_TRUE(spec::decode_status(completed.status).ok());
        return completed.result;
    }

    HostMemory& memory;
};

inline spec::SubmissionEntry encryption(std::uint32_t session, std::uint32_t length) {
    spec::SubmissionEntry entry;
    entry.opcode = static_cast<std::uint8_t>(spec::Opcode::cipher);
    entry.session = session;
    entry.src = source;
    entry.dst = target;
    entry.src_len = length;
    entry.dst_len = length;
    entry.iv_len = 16;
    return entry;
}

/// Writes by b_transport; wait_for() wants the initiator's thread.
class ShellHost final : public Host {
  public:
    explicit ShellHost(Machine& machine)
        : Host(machine.memory.host), initiator_(machine.initiator) {}

    using Host::write;
    void write(Bar bar, std::uint32_t offset, std::uint32_t value, unsigned length) override {
        Transaction transaction(tlm::TLM_WRITE_COMMAND, offset, length, value);
        EXPECT_EQ(transport(bar, transaction), tlm::TLM_OK_RESPONSE);
    }
    std::uint32_t read(Bar bar, std::uint32_t offset) {
        Transaction transaction(tlm::TLM_READ_COMMAND, offset, 4);
        EXPECT_EQ(transport(bar, transaction), tlm::TLM_OK_RESPONSE);
        return transaction.value();
    }
    std::uint32_t read(std::uint32_t offset) { return read(Bar::registers, offset); }
    tlm::tlm_response_status transport(Bar bar, Transaction& transaction) {
        sc_core::sc_time delay = sc_core::SC_ZERO_TIME;
        initiator_.socket(bar)->b_transport(transaction.payload, delay);
        EXPECT_EQ(delay, sc_core::SC_ZERO_TIME);
        return transaction.payload.get_response_status();
    }
    void wait_for(Duration duration) override { sc_core::wait(as_sc_time(duration)); }

  private:
    Initiator& initiator_;
};

/// The core without any SystemC.
class CoreHost final : public Host, core::DmaPort, core::MsiPort {
  public:
    explicit CoreHost(HostMemory& host_memory) : Host(host_memory) {}

    void write(Bar bar, std::uint32_t offset, std::uint32_t value, unsigned length) override {
        EXPECT_TRUE(
            core_.write(bar, now_, offset, std::as_bytes(std::span(&value, 1)).first(length)));
    }
    void wait_for(Duration duration) override { run_until(now_ + duration); }
    void run_until(Time end) {
        while (core_.next_event() && *core_.next_event() <= end) {
            now_ = *core_.next_event();
            core_.advance(now_);
        }
        now_ = end;
    }

  private:
    core::DmaResult read(std::uint64_t address, std::span<std::byte> into) override {
        return result(memory.access(now_, false, address, into.data(), into.size()));
    }
    core::DmaResult write(std::uint64_t address, std::span<const std::byte> from) override {
        return result(
            memory.access(now_, true, address, const_cast<std::byte*>(from.data()), from.size()));
    }
    void send(std::uint64_t address, std::uint32_t data) override {
        memory.access(now_, true, address, reinterpret_cast<std::byte*>(&data), sizeof data);
    }
    static core::DmaResult result(bool done) {
        return done ? core::DmaResult::ok : core::DmaResult::iommu_fault;
    }

    Trace trace_{1};
    Time now_{};
    core::Device core_{core::DeviceConfig{}, *this, *this, trace_};
};

// ---- the tests' start ----

class Shell : public ::testing::Test {
  protected:
    void SetUp() override {
        host.enable_function();
        host.write(spec::at("RESET").of(), spec::reset_key);
        Initiator::settle();
        machine.memory.failing.clear();
        machine.memory.meanwhile = nullptr;
        machine.memory.grant = nullptr;
        machine.memory.revoke();
        memory = HostMemory{};
    }
    unsigned int debug(Bar bar, Transaction& transaction) {
        return machine.initiator.socket(bar)->transport_dbg(transaction.payload);
    }
    std::uint32_t errors() { return host.read(spec::at("ERR_SRC").of()); }

    Machine& machine = Machine::get();
    HostMemory& memory = machine.memory.host;
    ShellHost host{machine};
};

}  // namespace ringside::testing
