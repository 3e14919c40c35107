// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// A device (blocks::Function) as a SystemC module: a thin TLM-2.0 shell with one SC_METHOD. Bind
// `config`, `registers` and `msix` to whoever plays the root complex and `dma` to whoever plays
// host memory (MSI-X messages leave through it too, as the memory writes that they are; memory that
// it grants direct access to is accessed so). The target of `dma` answers without wait(), and
// accesses the module only when it has: until then it gets TLM_GENERIC_ERROR_RESPONSE. A delay that
// it annotates is discarded: the device's own model of the link has the latency of DMA, so that it
// knows when its next event is without asking memory, and may work ahead. Until configuration space
// enables them, `registers` and `msix` answer no address and nothing leaves through `dma`. An
// access takes effect when its annotated delay is over; with one other than zero only an SC_THREAD
// may call. Debug reads see any bytes, also of what does not answer yet, and change nothing; debug
// writes transfer nothing. Kernel thread only.

#include <tlm_utils/simple_initiator_socket.h>
#include <tlm_utils/simple_target_socket.h>
#include <tlm>

#include <atomic>
#include <functional>
#include <memory>
#include <systemc>

#include "ringside/blocks/function.hpp"

namespace ringside::systemc {

class PcieDevice : public sc_core::sc_module {
  public:
    tlm_utils::simple_target_socket<PcieDevice> config;     ///< PCI configuration space
    tlm_utils::simple_target_socket<PcieDevice> registers;  ///< BAR0
    tlm_utils::simple_target_socket<PcieDevice> msix;       ///< BAR2: MSI-X table and PBA
    tlm_utils::simple_initiator_socket<PcieDevice> dma;

    /// The trace must outlive the module. The kernel's time resolution is 1 ps or finer, else it is
    /// reported as an error.
    PcieDevice(sc_core::sc_module_name name, const blocks::MakeFunction& make, Trace& trace);
    ~PcieDevice() override;

    /// How far the module may be ahead of the kernel. The default is not at all: every event has
    /// its own activation at its own time. With a limit, one activation does all that is due up to
    /// it, as far as nothing else is pending in the kernel; the annotated delay of its accesses on
    /// `dma` says how far ahead it is. For a host that knows that nobody accesses the module
    /// before, and whose memory does not look at the time.
    struct RunAhead {
        Time limit{};
        bool until_message = false;                 ///< not beyond the instant of an MSI-X message
        const std::atomic<bool>* unless = nullptr;  ///< no further event if it is set; may be null
        /// Asked before each further event, with its time; may be null.
        const std::function<bool(Time)>* go_on = nullptr;
        /// No direct access is revoked meanwhile: what is due to be read may be read at the end of
        /// the activation.
        bool memory_stays = false;
        /// And nobody looks at memory or changes it: it need not be right before. Memory that is
        /// granted for direct access has one address.
        bool host_stands_still = false;
    };
    void run_ahead(const RunAhead& run_ahead);
    /// Where the module has come to; the kernel must come there before an access.
    Time local_time() const;

    SC_HAS_PROCESS(PcieDevice);

  private:
    class Impl;
    void work();
    void transport_config(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay);
    void transport_registers(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay);
    void transport_msix(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay);
    void forget_direct_memory(sc_dt::uint64 first, sc_dt::uint64 last);
    unsigned int debug_config(tlm::tlm_generic_payload& payload);
    unsigned int debug_registers(tlm::tlm_generic_payload& payload);
    unsigned int debug_msix(tlm::tlm_generic_payload& payload);

    std::unique_ptr<Impl> impl_;
};

/// Between integer picoseconds and sc_time. The kernel's resolution is 1 ps or finer, else it is
/// reported as an error; parts of a picosecond are cut off.
sc_core::sc_time to_sc_time(Time time);
Time from_sc_time(const sc_core::sc_time& time);

}  // namespace ringside::systemc
