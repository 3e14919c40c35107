// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// Why a device reset does not end anybody's session: users hold the driver's handles, and this
// table knows the device's id behind each and, if the policy allows, the parameters to create it
// anew with. Queue pairs translate when they accept a request; Recovery restores. Parameters are
// kept in memory that is cleansed when the session goes. Any thread.

#include <atomic>
#include <memory>
#include <optional>
#include <vector>

#include "ringside/base/cleansed_buffer.hpp"
#include "ringside/driver/dma_pool.hpp"
#include "ringside/driver/error.hpp"
#include "ringside/spec/wire.hpp"

namespace ringside::driver {

class SessionTable {
  public:
    /// `most`: sessions that may exist or be under way at one time.
    SessionTable(Environment& environment, const DmaPool& dma, std::uint32_t most,
                 bool keep_parameters);

    // ---- a queue pair, when it accepts and ends requests ----

    struct Translated {
        std::uint32_t device_id;
        bool is_stale;  ///< a reset has ended it
    };
    /// A handle that nobody was given becomes an id that the device refuses. Takes no lock.
    Translated translate(std::uint32_t handle) const;
    /// A handle for what `create` will make; its parameters are read where the device reads them.
    /// 0: the table is full, and the device will refuse.
    std::uint32_t begin(const spec::SubmissionEntry& create);
    /// It exists, and the device calls it `device_id`.
    void finish(std::uint32_t handle, std::uint32_t device_id);
    /// It does not exist, or not any more; the parameters are cleansed.
    void forget(std::uint32_t handle);

    // ---- Recovery ----

    /// The device has forgotten all sessions.
    void lose_all();
    struct Lost {
        std::uint32_t handle;
        CleansedBuffer parameters;
    };
    /// One that the device has forgotten and that can be created anew, with a copy of its
    /// parameters; each at most once after lose_all().
    std::optional<Lost> next_lost();
    /// How many sessions users hold that the device does not have.
    std::size_t stale() const;

  private:
    struct Record {
        CleansedBuffer parameters;  ///< empty: cannot be restored
        std::uint32_t handle = 0;   ///< 0: free
        std::uint32_t generation = 0;
        bool exists = false;  ///< its creation has succeeded
        bool to_restore = false;
    };

    Record* find(std::uint32_t handle);
    std::atomic<std::uint64_t>& binding(std::uint32_t handle) const;

    const DmaPool& dma_;
    const bool keep_parameters_;
    const std::uint32_t size_;  ///< a power of two: a handle's low bits are its place
    const std::unique_ptr<Mutex> mutex_;
    std::vector<Record> records_;        ///< guarded by mutex_
    std::vector<std::uint32_t> free_;    ///< places; guarded by mutex_
    std::uint32_t next_to_restore_ = 0;  ///< guarded by mutex_
    /// By place: the handle in the upper half, the device's id (0: none) in the lower.
    std::unique_ptr<std::atomic<std::uint64_t>[]> bindings_;
};

}  // namespace ringside::driver
