// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// Somebody else's SystemC simulation with the accelerator in it: a plain sc_main() with an
// initiator, a memory and a clock of its own, and nothing of ours but the module. Does the seeded
// workload and prints when each completion and each MSI-X message arrived at the memory.
//   shell_foreign_simulation SEED [RESOLUTION]   of the kernel's time, in femtoseconds
// With a resolution below a picosecond the processor works between two picoseconds, and the chip
// still at whole ones.

#include <tlm_utils/simple_initiator_socket.h>
#include <tlm_utils/simple_target_socket.h>

#include <cstdio>
#include <cstdlib>
#include <systemc>
#include <tlm>

#include "ringside/base/trace.hpp"
#include "ringside/spec/pci_config.hpp"
#include "ringside/systemc/crypto_device.hpp"
#include "shell_workload.hpp"

namespace {

using namespace ringside;
using sc_core::SC_NS;
using sc_core::sc_time;

constexpr std::uint64_t interrupt_window = 0xFEE0'0000;
constexpr std::uint64_t memory_base = 0x8000'0000;

Time now() {
    return systemc::from_sc_time(sc_core::sc_time_stamp());
}

/// Memory and interrupt controller.
class Memory : public sc_core::sc_module {
  public:
    tlm_utils::simple_target_socket<Memory> socket;

    Memory(const sc_core::sc_module_name& name, std::vector<std::byte>& bytes,
           testing::ArrivalLog& log)
        : sc_core::sc_module(name), socket("socket"), bytes_(bytes), log_(log) {
        socket.register_b_transport(this, &Memory::b_transport);
    }

  private:
    void b_transport(tlm::tlm_generic_payload& payload, sc_time& /*delay*/) {
        payload.set_response_status(tlm::TLM_OK_RESPONSE);
        if (payload.get_address() == interrupt_window && payload.is_write()) {
            std::uint32_t vector = 0;
            std::memcpy(&vector, payload.get_data_ptr(), sizeof vector);
            log_.message(vector, now());
            return;
        }
        const std::uint64_t offset = payload.get_address() - memory_base;
        if (offset > bytes_.size() || payload.get_data_length() > bytes_.size() - offset) {
            payload.set_response_status(tlm::TLM_ADDRESS_ERROR_RESPONSE);
        } else if (payload.is_read()) {
            std::memcpy(payload.get_data_ptr(), bytes_.data() + offset, payload.get_data_length());
        } else {
            std::memcpy(bytes_.data() + offset, payload.get_data_ptr(), payload.get_data_length());
            log_.look(bytes_, now());
            if (systemc::to_sc_time(now()) != sc_core::sc_time_stamp()) {
                SC_REPORT_FATAL("memory", "a write between two picoseconds");
            }
        }
    }

    std::vector<std::byte>& bytes_;
    testing::ArrivalLog& log_;
};

/// A processor that enumerates the function and then works.
class Processor : public sc_core::sc_module, public testing::WorkloadHost {
  public:
    tlm_utils::simple_initiator_socket<Processor> config;
    tlm_utils::simple_initiator_socket<Processor> registers;
    tlm_utils::simple_initiator_socket<Processor> msix;

    SC_HAS_PROCESS(Processor);
    Processor(const sc_core::sc_module_name& name, std::uint64_t seed)
        : sc_core::sc_module(name),
          config("config"),
          registers("registers"),
          msix("msix"),
          seed_(seed) {
        bus_base = memory_base;
        SC_THREAD(work);
        set_stack_size(1 << 20);
    }

    void write32(std::uint32_t offset, std::uint32_t value) override {
        write(registers, offset, value, 4);
    }
    void wait_for(Duration duration) override { wait(systemc::to_sc_time(Time{duration})); }

  private:
    using Socket = tlm_utils::simple_initiator_socket<Processor>;

    static void write(Socket& socket, std::uint32_t offset, std::uint32_t value, unsigned length) {
        tlm::tlm_generic_payload payload;
        payload.set_command(tlm::TLM_WRITE_COMMAND);
        payload.set_address(offset);
        payload.set_data_ptr(reinterpret_cast<unsigned char*>(&value));
        payload.set_data_length(length);
        payload.set_streaming_width(length);
        sc_time delay = sc_core::SC_ZERO_TIME;
        socket->b_transport(payload, delay);
        if (!payload.is_response_ok()) {
            SC_REPORT_FATAL("processor", payload.get_response_string().c_str());
        }
    }
    void work() {
        wait(sc_time(400, sc_core::SC_FS));
        write(config, spec::pci::at("COMMAND"),
              spec::pci::command::memory_space | spec::pci::command::bus_master, 2);
        for (std::uint32_t vector = 0; vector < spec::max_vectors; ++vector) {
            write(msix, vector * 16, interrupt_window, 4);
            write(msix, vector * 16 + 4, 0, 4);
            write(msix, vector * 16 + 8, vector, 4);
            write(msix, vector * 16 + 12, 0, 4);
        }
        write(config, spec::pci::at("MSIX_CTRL"), spec::pci::msix_control::enable, 2);
        testing::Workload(*this, seed_).run();
        sc_core::sc_report_handler::set_actions("/OSCI/SystemC", sc_core::SC_DO_NOTHING);
        sc_core::sc_stop();  // and no word about it
    }

    std::uint64_t seed_;
};

/// The rest of a system on chip: something happens every nanosecond.
class Clocked : public sc_core::sc_module {
  public:
    SC_HAS_PROCESS(Clocked);
    explicit Clocked(const sc_core::sc_module_name& name) : sc_core::sc_module(name) {
        SC_METHOD(tick);
    }
    std::uint64_t ticks() const { return ticks_; }

  private:
    void tick() {
        ++ticks_;
        next_trigger(1, SC_NS);
    }
    std::uint64_t ticks_ = 0;
};

}  // namespace

int sc_main(int argc, char** argv) {
    if (argc != 2 && argc != 3) {
        std::fprintf(stderr, "shell_foreign_simulation SEED [RESOLUTION]\n");
        return 2;
    }
    if (argc == 3) {
        sc_core::sc_set_time_resolution(std::strtod(argv[2], nullptr), sc_core::SC_FS);
    }
    const std::uint64_t seed = std::strtoull(argv[1], nullptr, 10);
    Trace trace(seed);
    testing::ArrivalLog log;
    systemc::CryptoDevice device("device", core::DeviceConfig{}, trace);
    Processor processor("processor", seed);
    Memory memory("memory", processor.memory, log);
    Clocked clocked("clocked");
    processor.config.bind(device.config);
    processor.registers.bind(device.registers);
    processor.msix.bind(device.msix);
    device.dma.bind(memory.socket);
    sc_core::sc_start();
    for (const auto* lines : {&log.completions, &log.messages}) {
        for (const std::string& line : *lines) {
            std::puts(line.c_str());
        }
    }
    const auto elapsed = static_cast<std::uint64_t>(to_ns(now()));
    const bool undisturbed = clocked.ticks() == elapsed + 1;
    if (!undisturbed) {
        std::fprintf(stderr, "%llu ticks in %llu ns\n",
                     static_cast<unsigned long long>(clocked.ticks()),
                     static_cast<unsigned long long>(elapsed));
    }
    return undisturbed ? 0 : 1;
}
