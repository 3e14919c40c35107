// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// Submit, pause, resume: runs one descriptor on the device for whoever calls, an ASYNC job or not,
// and returns when it has completed. Provider, ENGINE and C++ programs all go through here, so that
// ring-full, completion before the pause, spurious resumes, blocked pauses and freed wait contexts
// are dealt with in one place. It uses the names of <openssl/async.h>; whose library they come from
// is decided when the program is linked or loaded.

#include <memory>

#include "ringside/driver/device.hpp"

namespace ringside::offload {

struct OffloadConfig {
    /// Whether wait-ctx callbacks are honoured. Off: status stays ASYNC_STATUS_UNSUPPORTED and
    /// every job is told through its file descriptor.
    bool callbacks = true;
    /// Called after each completed data operation, on the caller's stack; may be empty.
    std::function<void(const driver::Completion&)> on_completion;
};

/// The buffers that a descriptor points to. They live until the device is done with them, which may
/// be after their caller is gone.
struct RequestBuffers {
    driver::DmaBuffer source;
    driver::DmaBuffer target;
    std::shared_ptr<void> companion;  ///< what else the caller owns for the request; may be null
};

class Request;

class Offload {
  public:
    /// `device` must outlive the Offload, and the Offload every wait ctx that a job of its used.
    Offload(driver::Device& device, OffloadConfig config);
    ~Offload();
    Offload(const Offload&) = delete;
    Offload& operator=(const Offload&) = delete;

    driver::Device& device() { return device_; }
    driver::Environment& environment() { return device_.environment(); }
    const OffloadConfig& config() const { return config_; }
    /// The I/O queue pair of the calling thread: threads are spread over them in turn.
    driver::QueuePair& io_queue();

    /// A request that ran to its end; `buffers` may be read until it is destroyed.
    struct Outcome {
        driver::Completion completion;
        std::shared_ptr<Request> request;
        RequestBuffers& buffers() const;
    };

    /// Inside a job whose pauses are not blocked: pauses it while the ring is full and while the
    /// device works. Otherwise blocks the thread, without spinning. The errors are those of
    /// driver::QueuePair::submit() (never a transient one) and of a completion. Any thread but the
    /// interrupt executor's.
    Outcome run(driver::QueuePair& queue, const spec::SubmissionEntry& entry,
                RequestBuffers buffers);

  private:
    driver::Device& device_;
    const OffloadConfig config_;
};

}  // namespace ringside::offload
