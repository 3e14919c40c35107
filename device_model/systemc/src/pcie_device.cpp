// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "ringside/systemc/pcie_device.hpp"

#include <algorithm>
#include <array>
#include <string>

#include "direct_memory.hpp"
#include "ringside/base/bus_copy.hpp"
#include "ringside/base/prefetch.hpp"

namespace ringside::systemc {
namespace {

/// Whether a payload asks for something that a register bank does not do; the standard responses
/// (IEEE 1666-2011, 14.17).
tlm::tlm_response_status refuse_unsupported(const tlm::tlm_generic_payload& payload) {
    if (payload.get_byte_enable_ptr() != nullptr) {
        return tlm::TLM_BYTE_ENABLE_ERROR_RESPONSE;
    }
    if (payload.get_data_length() == 0 ||
        payload.get_streaming_width() < payload.get_data_length()) {
        return tlm::TLM_BURST_ERROR_RESPONSE;
    }
    if (!payload.is_read() && !payload.is_write()) {
        return tlm::TLM_COMMAND_ERROR_RESPONSE;
    }
    return tlm::TLM_OK_RESPONSE;
}

std::span<std::byte> data_of(tlm::tlm_generic_payload& payload) {
    return {reinterpret_cast<std::byte*>(payload.get_data_ptr()), payload.get_data_length()};
}

/// Ticks of the kernel's time in a picosecond; zero before it is asked. A process has one kernel at
/// a time, whose resolution stays as it is once asked for: asked again for each module.
sc_dt::uint64 ticks_per_ps = 0;

void settle_resolution() {
    ticks_per_ps = sc_core::sc_time(1, sc_core::SC_PS).value();
    if (ticks_per_ps == 0) {
        ticks_per_ps = 1;  // who has errors ignored goes on with wrong times
        const std::string text = "the time resolution is " +
                                 sc_core::sc_get_time_resolution().to_string() +
                                 ": a device needs 1 ps or finer, as its stages take picoseconds";
        SC_REPORT_ERROR("ringside", text.c_str());
    }
}

sc_dt::uint64 known_ticks_per_ps() {
    if (ticks_per_ps == 0) {
        settle_resolution();
    }
    return ticks_per_ps;
}

}  // namespace

class PcieDevice::Impl final : public blocks::DmaPort, public blocks::MsiPort {
  public:
    Impl(PcieDevice& module, const blocks::MakeFunction& make, Trace& trace)
        : module_(module), device_(make(*this, *this, trace)) {}

    void transport(blocks::Bar bar, tlm::tlm_generic_payload& payload, sc_core::sc_time& delay) {
        if (in_device_) {
            payload.set_response_status(tlm::TLM_GENERIC_ERROR_RESPONSE);
            return;
        }
        if (delay != sc_core::SC_ZERO_TIME) {
            sc_core::wait(delay);  // an initiator ahead of time: its access is not due yet
            delay = sc_core::SC_ZERO_TIME;
        }
        payload.set_response_status(access(bar, payload));
        schedule();
    }

    unsigned int transport_debug(blocks::Bar bar, tlm::tlm_generic_payload& payload) {
        // Only looking is without side effects; a debug write would have them.
        if (!payload.is_read()) {
            return 0;
        }
        const std::span<std::byte> into = data_of(payload);
        std::size_t done = 0;
        while (done < into.size() && payload.get_address() + done <= UINT32_MAX) {
            const auto offset = static_cast<std::uint32_t>(payload.get_address() + done);
            std::array<std::byte, 4> word;
            const std::size_t before = offset % word.size();
            if (!device_->peek(bar, now(), offset - static_cast<std::uint32_t>(before), word)) {
                break;
            }
            const std::size_t count = std::min(word.size() - before, into.size() - done);
            std::copy_n(word.begin() + before, count, into.begin() + done);
            done += count;
        }
        return static_cast<unsigned int>(done);
    }

    void work() {
        scheduled_.reset();
        has_sent_ = false;
        {
            const InDevice guard(in_device_);
            advance(now());
            work_ahead();
        }
        schedule();
    }

    void run_ahead(const RunAhead& run_ahead) { run_ahead_ = run_ahead; }
    Time local_time() const { return std::max(local_, now()); }

    void forget_direct_memory(sc_dt::uint64 first, sc_dt::uint64 last) {
        direct_memory_.forget(first, last);
    }

    sc_core::sc_event& wake() { return wake_; }

    // ---- ports of the device ----

    blocks::DmaResult read(std::uint64_t address, std::span<std::byte> into) override {
        if (const std::byte* const direct = look(address, into.size())) {
            bus_read(into, direct);
            return blocks::DmaResult::ok;
        }
        return send(tlm::TLM_READ_COMMAND, address, into.data(), into.size());
    }
    const std::byte* look(std::uint64_t address, std::size_t length) override {
        return direct_memory_.find(address, length, false);
    }
    std::byte* look_to_write(std::uint64_t address, std::size_t length) override {
        return direct_memory_.find(address, length, true);
    }
    blocks::DmaResult write(std::uint64_t address, std::span<const std::byte> from) override {
        if (std::byte* const direct = look_to_write(address, from.size())) {
            bus_write(direct, from);
            return blocks::DmaResult::ok;
        }
        // The payload's pointer is not const for writes either; a target does not write through it.
        return send(tlm::TLM_WRITE_COMMAND, address, const_cast<std::byte*>(from.data()),
                    from.size());
    }
    blocks::DmaResult write_entry(std::uint64_t address,
                                  std::span<const std::byte> entry) override {
        std::byte* const direct = look_to_write(address, entry.size());
        if (direct == nullptr) {
            return DmaPort::write_entry(address, entry);
        }
        // What follows has been read by another processor, whose cache has it.
        prefetch_to_write(direct + 2 * entry.size());
        for (std::size_t at = 0; at < entry.size(); at += sizeof(std::uint64_t)) {
            bus_write(direct + at, entry.subspan(at, sizeof(std::uint64_t)));
        }
        return blocks::DmaResult::ok;
    }
    /// What another processor has just written comes from its cache: all at once in the time that
    /// one line takes.
    void expect(std::uint64_t address, std::size_t length) override {
        constexpr std::size_t cache_line = 64;
        const std::byte* const direct = look(address, length);
        for (std::size_t at = 0; direct != nullptr && at < length; at += cache_line) {
            __builtin_prefetch(direct + at);
        }
    }
    void send(std::uint64_t address, std::uint32_t data) override {
        has_sent_ = true;
        send(tlm::TLM_WRITE_COMMAND, address, reinterpret_cast<std::byte*>(&data), sizeof data);
    }

  private:
    /// While the device works: who answers its DMA must not come back into it.
    class InDevice {
      public:
        explicit InDevice(bool& in_device) : in_device_(in_device) { in_device_ = true; }
        InDevice(const InDevice&) = delete;
        InDevice& operator=(const InDevice&) = delete;
        ~InDevice() { in_device_ = false; }

      private:
        bool& in_device_;
    };

    static Time now() { return from_sc_time(sc_core::sc_time_stamp()); }

    void advance(Time time) {
        local_ = time;
        device_->advance(time);
    }

    /// From the kernel's time, which may be between two picoseconds, to a time of the device.
    static sc_core::sc_time time_until(Time time) {
        const sc_core::sc_time at = to_sc_time(time);
        const sc_core::sc_time& stamp = sc_core::sc_time_stamp();
        return at > stamp ? at - stamp : sc_core::SC_ZERO_TIME;
    }

    /// The same events in the same order as one activation for each; nobody is there to tell.
    void work_ahead() {
        if (run_ahead_.limit <= local_ || sc_core::sc_pending_activity_at_current_time()) {
            return;
        }
        Time limit = run_ahead_.limit;
        sc_core::sc_time others;
        if (sc_core::sc_get_curr_simcontext()->next_time(others)) {
            limit = std::min(limit, from_sc_time(others) - Duration(1));
        }
        device_->run(limit, local_,
                     {.sent = run_ahead_.until_message ? &has_sent_ : &blocks::RunTerms::never,
                      .unless = run_ahead_.unless,
                      .go_on = run_ahead_.go_on,
                      .memory_stays = run_ahead_.memory_stays,
                      .host_stands_still = run_ahead_.host_stands_still});
    }

    tlm::tlm_response_status access(blocks::Bar bar, tlm::tlm_generic_payload& payload) {
        const auto refusal = refuse_unsupported(payload);
        if (refusal != tlm::TLM_OK_RESPONSE) {
            return refusal;
        }
        if (payload.get_address() > UINT32_MAX) {
            return tlm::TLM_ADDRESS_ERROR_RESPONSE;
        }
        const auto offset = static_cast<std::uint32_t>(payload.get_address());
        const InDevice guard(in_device_);
        const bool inside = payload.is_read()
                                ? device_->read(bar, now(), offset, data_of(payload))
                                : device_->write(bar, now(), offset, data_of(payload));
        return inside ? tlm::TLM_OK_RESPONSE : tlm::TLM_ADDRESS_ERROR_RESPONSE;
    }

    blocks::DmaResult send(tlm::tlm_command command, std::uint64_t address, std::byte* data,
                           std::size_t length) {
        payload_.set_command(command);
        payload_.set_address(address);
        payload_.set_data_ptr(reinterpret_cast<unsigned char*>(data));
        payload_.set_data_length(static_cast<unsigned int>(length));
        payload_.set_streaming_width(static_cast<unsigned int>(length));
        payload_.set_dmi_allowed(false);
        payload_.set_response_status(tlm::TLM_INCOMPLETE_RESPONSE);
        sc_core::sc_time delay = time_until(local_);
        module_.dma->b_transport(payload_, delay);
        if (payload_.is_response_ok()) {
            if (payload_.is_dmi_allowed()) {
                tlm::tlm_dmi granted;
                if (module_.dma->get_direct_mem_ptr(payload_, granted)) {
                    direct_memory_.keep(address, granted);
                }
            }
            return blocks::DmaResult::ok;
        }
        return payload_.get_response_status() == tlm::TLM_ADDRESS_ERROR_RESPONSE
                   ? blocks::DmaResult::iommu_fault
                   : blocks::DmaResult::bus_error;
    }

    /// An sc_event holds one notification, and the earliest wins: it is set anew for the
    /// device's next event.
    void schedule() {
        const auto next = device_->next_event();
        if (next == scheduled_) {
            return;
        }
        scheduled_ = next;
        wake_.cancel();
        if (!next) {
            return;
        }
        if (const auto wait = time_until(*next); wait != sc_core::SC_ZERO_TIME) {
            wake_.notify(wait);
        } else {
            wake_.notify();  // a delta notification would be lost while the kernel is paused
        }
    }

    PcieDevice& module_;
    std::unique_ptr<blocks::Function> device_;
    sc_core::sc_event wake_;
    std::optional<Time> scheduled_;
    bool in_device_ = false;
    RunAhead run_ahead_;
    Time local_{};
    bool has_sent_ = false;  ///< a message, in this activation
    DirectMemory direct_memory_;
    tlm::tlm_generic_payload payload_;  ///< of DMA, used again as 14.5 of the standard allows
};

// NOLINTNEXTLINE(performance-unnecessary-value-param): SystemC wants module names by value
PcieDevice::PcieDevice(sc_core::sc_module_name name, const blocks::MakeFunction& make, Trace& trace)
    : sc_core::sc_module(name),
      config("config"),
      registers("registers"),
      msix("msix"),
      dma("dma"),
      impl_(std::make_unique<Impl>(*this, make, trace)) {
    settle_resolution();
    config.register_b_transport(this, &PcieDevice::transport_config);
    config.register_transport_dbg(this, &PcieDevice::debug_config);
    registers.register_b_transport(this, &PcieDevice::transport_registers);
    registers.register_transport_dbg(this, &PcieDevice::debug_registers);
    msix.register_b_transport(this, &PcieDevice::transport_msix);
    msix.register_transport_dbg(this, &PcieDevice::debug_msix);
    dma.register_invalidate_direct_mem_ptr(this, &PcieDevice::forget_direct_memory);
    SC_METHOD(work);
    sensitive << impl_->wake();
}

PcieDevice::~PcieDevice() = default;

void PcieDevice::run_ahead(const RunAhead& run_ahead) {
    impl_->run_ahead(run_ahead);
}
Time PcieDevice::local_time() const {
    return impl_->local_time();
}
void PcieDevice::forget_direct_memory(sc_dt::uint64 first, sc_dt::uint64 last) {
    impl_->forget_direct_memory(first, last);
}

void PcieDevice::work() {
    impl_->work();
}
void PcieDevice::transport_config(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay) {
    impl_->transport(blocks::Bar::config, payload, delay);
}
void PcieDevice::transport_registers(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay) {
    impl_->transport(blocks::Bar::registers, payload, delay);
}
void PcieDevice::transport_msix(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay) {
    impl_->transport(blocks::Bar::msix, payload, delay);
}
unsigned int PcieDevice::debug_config(tlm::tlm_generic_payload& payload) {
    return impl_->transport_debug(blocks::Bar::config, payload);
}
unsigned int PcieDevice::debug_registers(tlm::tlm_generic_payload& payload) {
    return impl_->transport_debug(blocks::Bar::registers, payload);
}
unsigned int PcieDevice::debug_msix(tlm::tlm_generic_payload& payload) {
    return impl_->transport_debug(blocks::Bar::msix, payload);
}

sc_core::sc_time to_sc_time(Time time) {
    return sc_core::sc_time::from_value(static_cast<sc_dt::uint64>(to_ps(time)) *
                                        known_ticks_per_ps());
}

Time from_sc_time(const sc_core::sc_time& time) {
    const sc_dt::uint64 ticks = known_ticks_per_ps();
    const sc_dt::uint64 ps = ticks == 1 ? time.value() : time.value() / ticks;
    return time_from_ps(static_cast<std::int64_t>(ps));
}

}  // namespace ringside::systemc
