// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// A system on chip in SystemC: a processor, a memory and the accelerator. The processor enables the
// function, sets up the admin queue and one I/O queue, and has a message encrypted; it sleeps until
// the MSI-X message comes. Prints the ciphertext of NIST SP 800-38A, F.2.1, and how long it took.

#include <tlm_utils/simple_initiator_socket.h>
#include <tlm_utils/simple_target_socket.h>

#include <array>
#include <cstdio>
#include <cstring>
#include <ringside/base/trace.hpp>
#include <ringside/spec/pci_config.hpp>
#include <ringside/spec/registers.hpp>
#include <ringside/spec/wire.hpp>
#include <ringside/systemc/crypto_device.hpp>
#include <string>
#include <systemc>
#include <tlm>
#include <vector>

namespace {

namespace spec = ringside::spec;
using sc_core::sc_time;

constexpr std::uint32_t interrupt_window = 0xFEE00000;

/// 64 KiB from address zero on, and a place for interrupt messages.
class Memory : public sc_core::sc_module {
  public:
    tlm_utils::simple_target_socket<Memory> socket;
    sc_core::sc_event interrupt;

    explicit Memory(const sc_core::sc_module_name& name)
        : sc_core::sc_module(name), socket("socket"), bytes_(1 << 16) {
        socket.register_b_transport(this, &Memory::b_transport);
    }

    template <typename Object>
    void put(std::size_t address, const Object& object) {
        std::memcpy(bytes_.data() + address, &object, sizeof object);
    }
    template <typename Object>
    Object get(std::size_t address) const {
        Object object;
        std::memcpy(&object, bytes_.data() + address, sizeof object);
        return object;
    }

  private:
    // The accelerator keeps its own time for DMA: a target adds none, and must not wait.
    void b_transport(tlm::tlm_generic_payload& payload, sc_time& /*delay*/) {
        const auto address = payload.get_address();
        const auto length = payload.get_data_length();
        payload.set_response_status(tlm::TLM_OK_RESPONSE);
        if (address == interrupt_window) {
            interrupt.notify(sc_core::SC_ZERO_TIME);
        } else if (address > bytes_.size() || length > bytes_.size() - address) {
            payload.set_response_status(tlm::TLM_ADDRESS_ERROR_RESPONSE);
        } else if (payload.is_read()) {
            std::memcpy(payload.get_data_ptr(), bytes_.data() + address, length);
        } else {
            std::memcpy(bytes_.data() + address, payload.get_data_ptr(), length);
        }
    }

    std::vector<unsigned char> bytes_;
};

class Processor : public sc_core::sc_module {
  public:
    tlm_utils::simple_initiator_socket<Processor> config;
    tlm_utils::simple_initiator_socket<Processor> registers;
    tlm_utils::simple_initiator_socket<Processor> msix;

    SC_HAS_PROCESS(Processor);
    Processor(const sc_core::sc_module_name& name, Memory& memory)
        : sc_core::sc_module(name),
          config("config"),
          registers("registers"),
          msix("msix"),
          memory_(memory) {
        SC_THREAD(work);
    }

  private:
    static constexpr std::uint32_t admin = 0;
    static constexpr std::uint32_t io = 1;
    static constexpr std::uint32_t entries = 4;  // in each ring
    static constexpr std::uint32_t source = 0x8000;
    static constexpr std::uint32_t target = 0x9000;

    static constexpr std::uint32_t submission_ring(std::uint32_t queue) {
        return 0x1000 + queue * 0x1000;
    }
    static constexpr std::uint32_t completion_ring(std::uint32_t queue) {
        return submission_ring(queue) + 0x800;
    }

    template <typename Socket>
    static std::uint32_t access(Socket& socket, tlm::tlm_command command, std::uint32_t offset,
                                std::uint32_t value, unsigned length) {
        tlm::tlm_generic_payload payload;
        payload.set_command(command);
        payload.set_address(offset);
        payload.set_data_ptr(reinterpret_cast<unsigned char*>(&value));
        payload.set_data_length(length);
        payload.set_streaming_width(length);
        sc_time delay = sc_core::SC_ZERO_TIME;
        socket->b_transport(payload, delay);
        if (!payload.is_response_ok()) {
            SC_REPORT_FATAL("processor", payload.get_response_string().c_str());
        }
        return value;
    }
    template <typename Socket>
    static void write(Socket& socket, std::uint32_t offset, std::uint32_t value,
                      unsigned length = 4) {
        access(socket, tlm::TLM_WRITE_COMMAND, offset, value, length);
    }
    std::uint32_t read(std::uint32_t offset) {
        return access(registers, tlm::TLM_READ_COMMAND, offset, 0, 4);
    }

    void wait_for_state(spec::DeviceState state) {
        while (spec::field("CSTS", "STATE").get(read(spec::at("CSTS").of())) !=
               static_cast<std::uint64_t>(state)) {
            wait(1, sc_core::SC_US);
        }
    }

    /// What an operating system does before a driver gets to see the function.
    void enumerate() {
        write(config, spec::pci::at("COMMAND"),
              spec::pci::command::memory_space | spec::pci::command::bus_master, 2);
        for (const std::uint32_t queue : {admin, io}) {
            const std::uint32_t entry = spec::queue_vector(queue) * 16;
            write(msix, entry, interrupt_window);
            write(msix, entry + 4, 0);
            write(msix, entry + 8, queue);
            write(msix, entry + 12, 0);  // not masked
        }
        write(config, spec::pci::at("MSIX_CTRL"), spec::pci::msix_control::enable, 2);
    }

    /// The datasheet's "Programming model".
    void enable_device() {
        wait_for_state(spec::DeviceState::disabled);
        write(registers, spec::at("CC").of(), 1);
        wait_for_state(spec::DeviceState::ready);
        for (const std::uint32_t queue : {admin, io}) {
            write(registers, spec::at("SQ_BASE").of(queue), submission_ring(queue));
            write(registers, spec::at("CQ_BASE").of(queue), completion_ring(queue));
            write(registers, spec::at("Q_SIZE").of(queue), (entries - 1) << 16 | (entries - 1));
            write(registers, spec::at("CQ_VEC").of(queue), 1u << 31 | spec::queue_vector(queue));
            write(registers, spec::at("Q_CTRL").of(queue), 1);
        }
    }

    /// The first operation of a queue: arms its interrupt, rings its doorbell, waits.
    spec::CompletionEntry execute(std::uint32_t queue, const spec::SubmissionEntry& entry) {
        memory_.put(submission_ring(queue), entry);
        write(registers, spec::at("CQ_DB").of(queue),
              static_cast<std::uint32_t>(spec::field("CQ_DB", "ARM").set(1)));
        write(registers, spec::at("SQ_DB").of(queue), 1);
        wait(memory_.interrupt);
        const auto completion = memory_.get<spec::CompletionEntry>(completion_ring(queue));
        if (!spec::decode_status(completion.status).ok()) {
            SC_REPORT_FATAL("processor", "an operation failed");
        }
        return completion;
    }

    void work() {
        constexpr unsigned char key[] = {0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae, 0xd2, 0xa6,
                                         0xab, 0xf7, 0x15, 0x88, 0x09, 0xcf, 0x4f, 0x3c};
        constexpr unsigned char plaintext[] = {0x6b, 0xc1, 0xbe, 0xe2, 0x2e, 0x40, 0x9f, 0x96,
                                               0xe9, 0x3d, 0x7e, 0x11, 0x73, 0x93, 0x17, 0x2a};
        enumerate();
        enable_device();

        spec::SessionParameters parameters;
        parameters.algorithm = static_cast<std::uint8_t>(spec::Algorithm::aes_cbc);
        parameters.key_len = sizeof key;
        memory_.put(source, parameters);
        memory_.put(source + sizeof parameters, key);
        spec::SubmissionEntry create;
        create.opcode = static_cast<std::uint8_t>(spec::Opcode::session_create);
        create.src = source;
        create.src_len = sizeof parameters + sizeof key;
        const std::uint32_t session = execute(admin, create).result;

        memory_.put(source, plaintext);
        spec::SubmissionEntry encrypt;
        encrypt.opcode = static_cast<std::uint8_t>(spec::Opcode::cipher);
        encrypt.session = session;
        encrypt.src = source;
        encrypt.dst = target;
        encrypt.src_len = encrypt.dst_len = sizeof plaintext;
        encrypt.iv_len = 16;
        for (unsigned char i = 0; i < 16; ++i) {
            encrypt.iv[i] = i;
        }
        const sc_time start = sc_core::sc_time_stamp();
        execute(io, encrypt);
        const sc_time end = sc_core::sc_time_stamp();

        const auto ciphertext = memory_.get<std::array<unsigned char, sizeof plaintext>>(target);
        for (const unsigned char byte : ciphertext) {
            std::printf("%02x", byte);
        }
        std::printf(" after %s\n", (end - start).to_string().c_str());
    }

    Memory& memory_;
};

}  // namespace

int sc_main(int /*argc*/, char** /*argv*/) {
    ringside::Trace trace(1);
    ringside::systemc::CryptoDevice accelerator("accelerator", {}, trace);
    Memory memory("memory");
    Processor processor("processor", memory);
    processor.config.bind(accelerator.config);
    processor.registers.bind(accelerator.registers);
    processor.msix.bind(accelerator.msix);
    accelerator.dma.bind(memory.socket);
    sc_core::sc_start();  // until nothing is left to do
    return 0;
}
