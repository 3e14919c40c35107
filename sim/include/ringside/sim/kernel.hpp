// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// A SystemC kernel with the accelerator in it and a root complex around it, as both platforms use
// it: the function enumerated as a kernel leaves it to a driver, MMIO in, DMA through the IOMMU and
// MSI-X messages out, time on request. All calls on one thread, the one that created it; sc_start()
// runs only inside advance_to(), on the caller's stack.

#include <boost/system/result.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "ringside/base/time.hpp"
#include "ringside/base/trace.hpp"
#include "ringside/core/device.hpp"
#include "ringside/sim/error.hpp"
#include "ringside/sim/iommu.hpp"

namespace ringside::sim {

class Kernel {
  public:
    /// Called for each MSI-X message, on the kernel's thread, inside write32() or advance_to();
    /// must not call back into the kernel.
    using MsiSink = std::function<void(std::uint32_t vector)>;

    /// Builds and elaborates. Errc::kernel_in_use if the process has a kernel already, ours or a
    /// foreign one. Many kernels may follow one another in a process.
    static boost::system::result<std::unique_ptr<Kernel>> create(const core::DeviceConfig& device,
                                                                 Trace& trace, Iommu& iommu,
                                                                 MsiSink on_message);
    ~Kernel();
    Kernel(const Kernel&) = delete;
    Kernel& operator=(const Kernel&) = delete;

    /// In a child process after fork(): forgets the parent's kernel (leaking it), so that the child
    /// may create one of its own.
    static void abandon_after_fork();

    /// BAR0, at now(). A read of nothing gives all ones, as a PCIe root complex answers.
    std::uint32_t read32(std::uint32_t offset);
    void write32(std::uint32_t offset, std::uint32_t value);
    /// A read without side effects, for tests and dumps.
    std::uint32_t peek32(std::uint32_t offset);
    /// The same of configuration space.
    std::uint32_t peek_config32(std::uint32_t offset);
    /// The vector's mask bit in the MSI-X table.
    void mask_vector(std::uint32_t vector, bool masked);
    /// What VFIO_DEVICE_RESET does: a function-level reset, and then configuration space and MSI-X
    /// table as they were; if a lost link has taken them along, as they were before the last reset.
    void reset_function();

    Time now() const;
    /// When the device next has something to do; now() if it has at once; empty: never by itself.
    std::optional<Time> next_event() const;
    /// Does all that is due up to and including `time`, and lets now() be `time` (never backwards).
    void advance_to(Time time);

  private:
    class Impl;
    explicit Kernel(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace ringside::sim
