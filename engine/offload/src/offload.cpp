// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "ringside/offload/offload.hpp"

#include <openssl/async.h>

#include <atomic>
#include <utility>

#include "request.hpp"

namespace ringside::offload {
namespace {

// ASYNC_pause_job() returns at once, and with the job still running, while its pauses are blocked;
// there is no way to ask. After so many returns without news the caller is treated as one outside a
// job. An application that only polls is slowed down by it, not harmed.
constexpr int most_fruitless_pauses = 256;

/// One run of one request: who waits, how it is told, and the conversation with the wait ctx.
///
/// It lies on the caller's stack, which, if that is a job's, may be thrown away at any pause when
/// the application frees the wait ctx. So it owns nothing then: the ctx's record does.
class Run {
  public:
    Run(Offload& offload, driver::QueuePair& queue) : offload_(offload), queue_(queue) {
        if (ASYNC_JOB* job = ASYNC_get_current_job()) {
            join_job(ASYNC_get_wait_ctx(job));
        }
        if (rendezvous_ == nullptr) {
            own_rendezvous_ = std::make_shared<Rendezvous>(offload.environment());
            rendezvous_ = own_rendezvous_.get();
        }
    }

    Offload::Outcome go(const spec::SubmissionEntry& entry, RequestBuffers buffers) {
        make_request(entry, std::move(buffers));
        const driver::Completion completion = submit_and_wait();
        auto request = request_->shared_from_this();
        rendezvous_->release(*request);
        return {completion, std::move(request)};
    }

  private:
    void join_job(ASYNC_WAIT_CTX* ctx) {
        if (ctx == nullptr) {
            return;
        }
        own_rendezvous_ = Rendezvous::of(ctx, &offload_);
        if (own_rendezvous_ == nullptr) {
            own_rendezvous_ = Rendezvous::make_for_job(offload_.environment());
        }
        rendezvous_ = own_rendezvous_.get();
        if (rendezvous_ == nullptr) {
            return;
        }
        if (rendezvous_->has_joined()) {
            own_rendezvous_.reset();  // the ctx owns it
        }
        ctx_ = ctx;
        if (offload_.config().callbacks) {
            ASYNC_WAIT_CTX_get_callback(ctx, &callback_.function, &callback_.argument);
        }
    }

    void make_request(const spec::SubmissionEntry& entry, RequestBuffers buffers) {
        const auto request = std::make_shared<Request>(queue_, offload_.environment(),
                                                       rendezvous_->shared_from_this(), callback_,
                                                       entry, std::move(buffers));
        request_ = request.get();
        request_->sleeper.parks = ctx_ == nullptr;
        rendezvous_->keep(request);
    }

    driver::Completion submit_and_wait() {
        driver::Environment& environment = offload_.environment();
        for (;;) {
            // Before the doorbell: the completion may come, and its callback run, before submit()
            // returns.
            set_status(ASYNC_STATUS_OK);
            environment.schedule_point("offload.run.before_submit");
            const auto accepted = submit();
            if (accepted) {
                break;
            }
            if (!driver::is_transient(accepted.error())) {
                set_status(ASYNC_STATUS_ERR);
                request_->disown();
                return {.status = accepted.error()};
            }
            environment.schedule_point("offload.run.ring_full");
            if (request_->submits_itself()) {
                break;
            }
            wait_for_slot();
        }
        environment.schedule_point("offload.run.submitted");
        wait_until(request_->done);
        if (request_->refused) {
            set_status(ASYNC_STATUS_ERR);
            request_->disown();
        }
        return request_->completion;
    }

    /// Without memory nothing has been submitted, and the request must not be kept for it.
    driver::result<void> submit() {
        try {
            return request_->submit();
        } catch (...) {
            rendezvous_->release(*request_);
            throw;
        }
    }

    void wait_for_slot() {
        // Which of its jobs gets the slot is for the application to say, by resuming it.
        set_status(ASYNC_STATUS_EAGAIN);
        if (!rendezvous_->check_or_sleep(request_->sleeper, request_->slot_came)) {
            sleep();
        }
    }

    void wait_until(const bool& flag) {
        while (!rendezvous_->check_or_sleep(request_->sleeper, flag)) {
            sleep();
        }
    }

    /// Until somebody wakes this caller, or resumes the job for a reason of its own.
    void sleep() {
        if (ctx_ == nullptr || fruitless_pauses_ >= most_fruitless_pauses) {
            rendezvous_->park();
            return;
        }
        if (own_rendezvous_ != nullptr) {
            if (!rendezvous_->join(ctx_, &offload_)) {
                fruitless_pauses_ = most_fruitless_pauses;
                rendezvous_->wait_by_parking(request_->sleeper);
                return;  // to look whether it was woken meanwhile
            }
            own_rendezvous_.reset();  // nothing on this stack owns while it is paused
        }
        Trace& trace = offload_.environment().trace();
        const auto tell = [&](TraceKind kind) {
            trace.record({offload_.environment().now(), kind,
                          static_cast<std::uint16_t>(queue_.index()), 0, 0});
        };
        tell(TraceKind::job_pause);
        if (ASYNC_pause_job() != 1) {
            fruitless_pauses_ = most_fruitless_pauses;
        }
        tell(TraceKind::job_resume);
        if (++fruitless_pauses_ >= most_fruitless_pauses) {
            rendezvous_->wait_by_parking(request_->sleeper);
        }
    }

    void set_status(int status) {
        if (ctx_ != nullptr && offload_.config().callbacks) {
            ASYNC_WAIT_CTX_set_status(ctx_, status);
        }
    }

    Offload& offload_;
    driver::QueuePair& queue_;
    ASYNC_WAIT_CTX* ctx_ = nullptr;  ///< null: not a job, or one that cannot be told
    Callback callback_;
    std::shared_ptr<Rendezvous> own_rendezvous_;  ///< outside a job, or until the first pause
    Rendezvous* rendezvous_ = nullptr;
    Request* request_ = nullptr;
    int fruitless_pauses_ = 0;
};

}  // namespace

Offload::Offload(driver::Device& device, OffloadConfig config)
    : device_(device), config_(std::move(config)) {}

Offload::~Offload() = default;

driver::QueuePair& Offload::io_queue() {
    static std::atomic<std::uint32_t> threads{0};
    static thread_local const std::uint32_t number = threads++;
    return device_.queue_pair(number % device_.queue_pair_count());
}

RequestBuffers& Offload::Outcome::buffers() const {
    return request->buffers;
}

Offload::Outcome Offload::run(driver::QueuePair& queue, const spec::SubmissionEntry& entry,
                              RequestBuffers buffers) {
    Outcome outcome = Run(*this, queue).go(entry, std::move(buffers));
    if (config_.on_completion && queue.index() != 0 && !outcome.completion.status) {
        config_.on_completion(outcome.completion);
    }
    return outcome;
}

}  // namespace ringside::offload
