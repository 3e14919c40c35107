// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// The stack of a job: ours with a guard below, or that of the allocators that the application
// gave (ASYNC_set_mem_functions); and what it takes to tell an overflow from any other crash.
// Thread rule: a stack belongs to one thread; the allocators are the process's.

#include <cstddef>

#include "ringside/async.h"
#include "ringside/base/fibre.hpp"
#include "stack_slab.hpp"

namespace ringside::async {

class JobStack {
  public:
    JobStack() = default;
    JobStack(const JobStack&) = delete;
    JobStack& operator=(const JobStack&) = delete;
    ~JobStack();

    /// From `slabs`, which must live longer, or from the application's allocator. False: no memory,
    /// or no more mappings.
    bool allocate(StackSlabs& slabs);
    std::byte* bottom() const { return bottom_; }
    std::size_t size() const { return size_; }
    /// Whether a fault at `address` is an overflow; never with an application's stacks.
    bool overflowed_at(const void* address) const {
        const auto* byte = static_cast<const std::byte*>(address);
        return slabs_ != nullptr && byte < bottom_ && byte >= bottom_ - job_stack_guard;
    }

  private:
    std::byte* bottom_ = nullptr;
    std::size_t size_ = 0;
    StackSlabs* slabs_ = nullptr;  ///< null: the application's
    StackSlabs::Owner owner_;
    ASYNC_stack_free_fn release_ = nullptr;
    StackAnnotation annotation_;
};

/// A signal stack for the thread, if it has none: the handler cannot run on the stack that
/// overflowed. Without memory there is none, and an overflow goes unreported.
class SignalStack {
  public:
    SignalStack();
    SignalStack(const SignalStack&) = delete;
    SignalStack& operator=(const SignalStack&) = delete;
    ~SignalStack();

  private:
    void* memory_ = nullptr;
};

/// Has overflows reported, unless the application handles SIGSEGV itself (or a sanitizer does).
void report_overflows();

}  // namespace ringside::async
