// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// Where the front ends, provider and ENGINE, get their device from: what the composition root
// implements. A front end attaches when it is loaded or first used, and asks for the device at the
// first operation.

#include <memory>

#include "ringside/frontends/settings.hpp"
#include "ringside/offload/offload.hpp"

namespace ringside::frontends {

/// Why an operation that the device could do was done in software.
enum class SoftwareReason : unsigned char { small, synchronous, device_failed };
inline constexpr std::size_t software_reasons = 3;

/// One front end's hold on the device; detaches when destroyed.
class OffloadSource {
  public:
    virtual ~OffloadSource() = default;
    /// Null: there is no device (the source has said why, once). Any thread; may be called on a
    /// job's small stack.
    virtual offload::Offload* offload() = 0;
    /// Whether `offload` is still the one that offload() gives; not so in a child after fork(),
    /// where the parent's must not be touched.
    virtual bool is_current(const offload::Offload* offload) = 0;
    /// Tells that an operation stayed in software, for the statistics. Any thread.
    virtual void count_software(SoftwareReason reason) = 0;
};

class DeviceHost {
  public:
    virtual ~DeviceHost() = default;
    /// Null: not with these settings (it has said why).
    virtual std::unique_ptr<OffloadSource> attach(const DeviceSettings& settings) = 0;
};

}  // namespace ringside::frontends
