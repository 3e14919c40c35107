// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// Runs a script on one implementation of the ASYNC API and writes down everything that an
// application, a job or an engine can see of it. What the reference does not survive is left out
// here, in one place: see the guards in runner.cpp.

#include <array>
#include <cstddef>
#include <vector>

#include "api.hpp"
#include "script.hpp"

namespace ringside::testing {

/// Something that was seen, and the step at which.
struct Observation {
    std::size_t step;
    long value;
    bool operator==(const Observation&) const = default;
};
using Observations = std::vector<Observation>;

class Runner {
  public:
    /// `library_contexts`: the first is the default one; filled before the first run.
    Runner(const AsyncApi& api, const Libcrypto& libcrypto,
           const std::array<void*, script_library_contexts>& library_contexts)
        : api_(api), libcrypto_(libcrypto), library_contexts_(library_contexts) {}

    /// Leaves the thread as it was: no job, no ctx, no pool, the default library context.
    Observations run(const Script& script);

  private:
    struct Slot {
        ASYNC_JOB* job = nullptr;  ///< paused, or null
        ASYNC_JOB* self = nullptr;
        int ctx = 0;
        int result = 0;
    };

    static int job_body(void* arguments);
    static int never_called(void* arguments);
    static int callback(void* argument);
    static int other_callback(void* argument);
    static void cleanup(ASYNC_WAIT_CTX* ctx, const void* key, int fd, void* data);

    void see(long value) { seen_.push_back({cursor_, value}); }
    bool inside() const { return running_ >= 0; }
    ASYNC_WAIT_CTX* context(int index) const;
    int index_of(const ASYNC_WAIT_CTX* ctx) const;
    const void* key(int index) const;
    bool any_paused() const;
    bool in_use(int ctx) const;

    int body(const void* arguments);
    void tear_down();
    /// A step that application and job understand alike; true if it was one.
    bool common_step(const Step& step);
    bool context_step(const Step& step);
    void application_step(const Step& step);
    void start(const Step& step);
    void see_fds(ASYNC_WAIT_CTX* ctx, int wanted);
    void see_changes(ASYNC_WAIT_CTX* ctx, int wanted);
    void see_current();
    void see_library_context();
    void init_thread(const Step& step);

    static Runner* active;

    const AsyncApi& api_;
    const Libcrypto& libcrypto_;
    const std::array<void*, script_library_contexts>& library_contexts_;
    const Script* script_ = nullptr;
    std::size_t cursor_ = 0;
    Observations seen_;
    std::array<ASYNC_WAIT_CTX*, script_contexts> contexts_{};
    std::array<Slot, script_slots> slots_{};
    int running_ = -1;  ///< the slot whose job runs
    int blocked_ = 0;   ///< pauses blocked in this thread
    std::size_t argument_size_ = 0;
};

}  // namespace ringside::testing
