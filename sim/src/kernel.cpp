// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "ringside/sim/kernel.hpp"

#include <tlm_utils/simple_initiator_socket.h>
#include <tlm_utils/simple_target_socket.h>

#include <array>
#include <atomic>
#include <cstring>
#include <systemc>
#include <tlm>
#include <utility>

#include "enumeration.hpp"
#include "ringside/spec/registers.hpp"
#include "ringside/systemc/pcie_device.hpp"

namespace ringside::sim {
namespace {

// Where x86 root complexes decode memory writes as interrupts (Intel SDM vol. 3, 11.11).
constexpr std::uint64_t msi_window = 0xFEE00000;
constexpr std::uint64_t msi_window_size = 0x00100000;

constexpr std::uint32_t msix_entry_size = 16;
constexpr std::uint32_t msix_address_low = 0;
constexpr std::uint32_t msix_address_high = 4;
constexpr std::uint32_t msix_data = 8;
constexpr std::uint32_t msix_control = 12;

/// What stands between CPU and device: sends MMIO down, takes DMA and interrupt messages up.
class RootComplex : public sc_core::sc_module, public ConfigSpace {
  public:
    tlm_utils::simple_initiator_socket<RootComplex> config;
    tlm_utils::simple_initiator_socket<RootComplex> registers;
    tlm_utils::simple_initiator_socket<RootComplex> msix;
    tlm_utils::simple_target_socket<RootComplex> dma;

    RootComplex(const sc_core::sc_module_name& name, HostMemory& memory, MsiSink on_message)
        : sc_core::sc_module(name),
          config("config"),
          registers("registers"),
          msix("msix"),
          dma("dma"),
          memory_(memory),
          on_message_(std::move(on_message)) {
        dma.register_b_transport(this, &RootComplex::on_dma);
        dma.register_get_direct_mem_ptr(this, &RootComplex::on_direct_memory);
        memory_.on_revoke([this](const HostMemory::Direct& revoked) {
            dma->invalidate_direct_mem_ptr(revoked.address,
                                           revoked.address + revoked.memory.size() - 1);
        });
    }

    RootComplex(const RootComplex&) = delete;
    RootComplex& operator=(const RootComplex&) = delete;
    ~RootComplex() override { memory_.on_revoke({}); }

    using Socket = tlm_utils::simple_initiator_socket<RootComplex>;

    std::uint32_t read32(Socket& socket, std::uint32_t offset) {
        std::uint32_t value = 0;
        return transport(socket, tlm::TLM_READ_COMMAND, offset, value) ? value : nobody_answers;
    }

    void write32(Socket& socket, std::uint32_t offset, std::uint32_t value) {
        transport(socket, tlm::TLM_WRITE_COMMAND, offset, value);
    }

    static std::uint32_t peek32(Socket& socket, std::uint32_t offset) {
        std::uint32_t value = 0;
        tlm::tlm_generic_payload payload;
        fill(payload, tlm::TLM_READ_COMMAND, offset, value, sizeof value);
        return socket->transport_dbg(payload) == sizeof value ? value : nobody_answers;
    }

    // ---- ConfigSpace ----

    std::uint32_t read_config(std::uint32_t offset, std::uint32_t bytes) override {
        std::uint32_t value = 0;
        return transport(config, tlm::TLM_READ_COMMAND, offset, value, bytes) ? value
                                                                              : nobody_answers;
    }

    void write_config(std::uint32_t offset, std::uint32_t bytes, std::uint32_t value) override {
        transport(config, tlm::TLM_WRITE_COMMAND, offset, value, bytes);
    }

  private:
    static constexpr std::uint32_t nobody_answers = 0xFFFFFFFF;

    static void fill(tlm::tlm_generic_payload& payload, tlm::tlm_command command,
                     std::uint32_t offset, std::uint32_t& value, std::uint32_t bytes) {
        payload.set_command(command);
        payload.set_address(offset);
        payload.set_data_ptr(reinterpret_cast<unsigned char*>(&value));
        payload.set_data_length(bytes);
        payload.set_streaming_width(bytes);
        payload.set_dmi_allowed(false);
        payload.set_response_status(tlm::TLM_INCOMPLETE_RESPONSE);
    }

    bool transport(Socket& socket, tlm::tlm_command command, std::uint32_t offset,
                   std::uint32_t& value, std::uint32_t bytes = sizeof(std::uint32_t)) {
        fill(payload_, command, offset, value, bytes);
        sc_core::sc_time delay = sc_core::SC_ZERO_TIME;
        socket->b_transport(payload_, delay);
        return payload_.is_response_ok();
    }

    void on_dma(tlm::tlm_generic_payload& payload, sc_core::sc_time& /*delay*/) {
        const std::uint64_t address = payload.get_address();
        auto* data = reinterpret_cast<std::byte*>(payload.get_data_ptr());
        const std::size_t length = payload.get_data_length();
        const bool is_write = payload.is_write();
        if (is_write && address >= msi_window && address - msi_window < msi_window_size) {
            std::uint32_t vector = 0;
            std::memcpy(&vector, data, sizeof vector);
            on_message_(vector);
            payload.set_response_status(tlm::TLM_OK_RESPONSE);
            return;
        }
        const bool done = is_write ? memory_.write(address, {data, length})
                                   : memory_.read(address, {data, length});
        payload.set_response_status(done ? tlm::TLM_OK_RESPONSE : tlm::TLM_ADDRESS_ERROR_RESPONSE);
        payload.set_dmi_allowed(done);
    }

    bool on_direct_memory(tlm::tlm_generic_payload& payload, tlm::tlm_dmi& dmi) {
        const auto direct = memory_.direct(payload.get_address());
        if (!direct) {
            return false;
        }
        dmi.set_dmi_ptr(reinterpret_cast<unsigned char*>(direct->memory.data()));
        dmi.set_start_address(direct->address);
        dmi.set_end_address(direct->address + direct->memory.size() - 1);
        dmi.set_granted_access(direct->readable && direct->writable
                                   ? tlm::tlm_dmi::DMI_ACCESS_READ_WRITE
                               : direct->readable ? tlm::tlm_dmi::DMI_ACCESS_READ
                                                  : tlm::tlm_dmi::DMI_ACCESS_WRITE);
        return true;
    }

    HostMemory& memory_;
    MsiSink on_message_;
    tlm::tlm_generic_payload payload_;  ///< of register accesses; making one allocates
};

void start_for(Duration step) {
    sc_core::sc_start(systemc::to_sc_time(Time{step}), sc_core::SC_RUN_TO_TIME);
}

/// Swaps a fresh simulation context in, and the former one back. The pointers are SystemC's own
/// globals; that contexts can follow one another is not documented, hence pinned by a test. The
/// library makes an empty context when it is loaded; one with modules or past elaboration is
/// somebody's kernel.
class SimulationContext {
  public:
    SimulationContext()
        : former_(sc_core::sc_curr_simcontext), context_(new sc_core::sc_simcontext) {
        make_current(context_);
        is_ours = true;
    }
    SimulationContext(const SimulationContext&) = delete;
    SimulationContext& operator=(const SimulationContext&) = delete;
    ~SimulationContext() {
        delete context_;
        forget(former_);
    }
    static bool is_taken() {
        return is_ours || (sc_core::sc_curr_simcontext != nullptr &&
                           (sc_core::sc_get_status() != sc_core::SC_ELABORATION ||
                            !sc_core::sc_get_top_level_objects().empty()));
    }
    static void forget(sc_core::sc_simcontext* former) {
        make_current(former);
        is_ours = false;
    }

  private:
    static void make_current(sc_core::sc_simcontext* context) {
        sc_core::sc_curr_simcontext = sc_core::sc_default_global_context = context;
    }

    /// Beside SystemC's globals, which it describes: one kernel in a process.
    static inline std::atomic<bool> is_ours{false};

    sc_core::sc_simcontext* former_;
    sc_core::sc_simcontext* context_;
};

}  // namespace

class Kernel::Impl {
  public:
    Impl(const blocks::MakeFunction& make, Trace& trace, HostMemory& memory, MsiSink on_message)
        : device_("device", make, trace), root_("root", memory, std::move(on_message)) {
        root_.config.bind(device_.config);
        root_.registers.bind(device_.registers);
        root_.msix.bind(device_.msix);
        device_.dma.bind(root_.dma);
        sc_core::sc_start(sc_core::SC_ZERO_TIME);
        enumerate(root_);
        program_msix();
        saved_.emplace(root_);
    }

    RootComplex& root() { return root_; }
    systemc::PcieDevice& device() { return device_; }

    void mask_vector(std::uint32_t vector, bool masked) {
        root_.write32(root_.msix, vector * msix_entry_size + msix_control, masked ? 1 : 0);
    }

    void reset_function() {
        if (decodes_memory(root_)) {
            saved_.emplace(root_);  // else the link has been down, and took the configuration along
        }
        initiate_function_reset(root_);
        saved_->restore(root_);
    }

  private:
    /// What software has set up in the function.
    class SavedFunction {
      public:
        explicit SavedFunction(RootComplex& root) : config_(root) {
            for (std::uint32_t i = 0; i < table_.size(); ++i) {
                table_[i] = root.read32(root.msix, spec::msix_table_offset + i * 4);
            }
        }
        void restore(RootComplex& root) const {
            config_.restore(root);
            for (std::uint32_t i = 0; i < table_.size(); ++i) {
                root.write32(root.msix, spec::msix_table_offset + i * 4, table_[i]);
            }
        }

      private:
        SavedConfig config_;
        std::array<std::uint32_t, spec::max_vectors * msix_entry_size / 4> table_{};
    };

    /// What an operating system does when a driver enables MSI-X: an address and a number for each
    /// vector, unmasked.
    void program_msix() {
        enable_msix(root_, true);
        for (std::uint32_t vector = 0; vector < spec::max_vectors; ++vector) {
            const std::uint32_t entry = spec::msix_table_offset + vector * msix_entry_size;
            root_.write32(root_.msix, entry + msix_address_low,
                          static_cast<std::uint32_t>(msi_window));
            root_.write32(root_.msix, entry + msix_address_high, 0);
            root_.write32(root_.msix, entry + msix_data, vector);
            mask_vector(vector, false);
        }
        enable_msix(root_, false);
    }

    SimulationContext context_;
    systemc::PcieDevice device_;
    RootComplex root_;
    std::optional<SavedFunction> saved_;  ///< as it was when BARs last were known to answer
};

boost::system::result<std::unique_ptr<Kernel>> Kernel::create(const blocks::MakeFunction& make,
                                                              Trace& trace, HostMemory& memory,
                                                              MsiSink on_message) {
    if (SimulationContext::is_taken()) {
        return Errc::kernel_in_use;
    }
    return std::unique_ptr<Kernel>(
        new Kernel(std::make_unique<Impl>(make, trace, memory, std::move(on_message))));
}

Kernel::Kernel(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Kernel::~Kernel() = default;

void Kernel::abandon_after_fork() {
    SimulationContext::forget(nullptr);
}

std::uint32_t Kernel::read32(std::uint32_t offset) {
    return impl_->root().read32(impl_->root().registers, offset);
}

void Kernel::write32(std::uint32_t offset, std::uint32_t value) {
    impl_->root().write32(impl_->root().registers, offset, value);
}

std::uint32_t Kernel::peek32(std::uint32_t offset) {
    return impl_->root().peek32(impl_->root().registers, offset);
}

std::uint32_t Kernel::peek_config32(std::uint32_t offset) {
    return impl_->root().peek32(impl_->root().config, offset);
}

void Kernel::reset_function() {
    impl_->reset_function();
}

void Kernel::mask_vector(std::uint32_t vector, bool masked) {
    impl_->mask_vector(vector, masked);
}

Time Kernel::now() const {
    return impl_->device().local_time();
}

std::optional<Time> Kernel::next_event() const {
    if (sc_core::sc_pending_activity_at_current_time()) {
        return now();
    }
    sc_core::sc_time next;
    if (!sc_core::sc_get_curr_simcontext()->next_time(next)) {
        return std::nullopt;
    }
    return systemc::from_sc_time(next);
}

void Kernel::advance_to(Time time) {
    const Time current = now();
    if (time <= current && !sc_core::sc_pending_activity_at_current_time()) {
        return;
    }
    impl_->device().run_ahead({.limit = time, .until_message = false, .memory_stays = true});
    start_for(time > current ? time - current : Duration{0});
    impl_->device().run_ahead({});
}

/// Memory neither looks at the time nor comes back into the device: it may work ahead. Nothing is
/// unmapped while it does.
void Kernel::run(Time next, Time limit, const GoOn& go_on) {
    impl_->device().run_ahead({.limit = limit,
                               .until_message = !go_on.asks(),
                               .unless = go_on.unless,
                               .go_on = go_on.may_happen ? &go_on.may_happen : nullptr,
                               .memory_stays = true,
                               .host_stands_still = !go_on.asks()});
    start_for(next - now());
    impl_->device().run_ahead({});
    const Duration ahead = now() - systemc::from_sc_time(sc_core::sc_time_stamp());
    if (ahead != Duration{0}) {
        start_for(ahead);
    }
}

}  // namespace ringside::sim
