// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// A SystemC kernel with a device in it and a root complex around it, as both platforms use
// it: the function enumerated as a kernel leaves it to a driver, MMIO in, DMA to host memory (the
// IOMMU) and MSI-X messages out, time on request. All calls on one thread, the one that created it;
// sc_start() runs only inside advance_to(), on the caller's stack.

#include <boost/system/result.hpp>
#include <cstdint>
#include <memory>
#include <optional>

#include "ringside/base/time.hpp"
#include "ringside/base/trace.hpp"
#include "ringside/core/device.hpp"
#include "ringside/sim/chip.hpp"
#include "ringside/sim/error.hpp"

namespace ringside::sim {

class Kernel final : public Chip {
  public:
    /// Builds and elaborates. Errc::kernel_in_use if the process has a kernel already, ours or a
    /// foreign one. Many kernels may follow one another in a process.
    static boost::system::result<std::unique_ptr<Kernel>> create(const blocks::MakeFunction& make,
                                                                 Trace& trace, HostMemory& memory,
                                                                 MsiSink on_message);
    ~Kernel() override;
    Kernel(const Kernel&) = delete;
    Kernel& operator=(const Kernel&) = delete;

    /// In a child process after fork(): forgets the parent's kernel (leaking it), so that the child
    /// may create one of its own.
    static void abandon_after_fork();

    std::uint32_t read32(std::uint32_t offset) override;
    void write32(std::uint32_t offset, std::uint32_t value) override;
    std::uint32_t peek32(std::uint32_t offset) override;
    /// The same of configuration space.
    std::uint32_t peek_config32(std::uint32_t offset);
    void mask_vector(std::uint32_t vector, bool masked) override;
    /// What a lost link has taken along comes back as it was before the last reset.
    void reset_function() override;

    Time now() const override;
    std::optional<Time> next_event() const override;
    void advance_to(Time time) override;
    void run(Time next, Time limit, const GoOn& go_on) override;

  private:
    class Impl;
    explicit Kernel(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace ringside::sim
