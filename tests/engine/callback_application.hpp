// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// An application of many ASYNC jobs, one to a wait ctx, that is told of them as
// ASYNC_WAIT_CTX_set_callback(3) says. In virtual time on the offload, in live time on the module.

#include "callback_loop.hpp"
#include "test_job.hpp"

namespace ringside::testing {

class CallbackApplication {
  public:
    /// As CallbackLoop.
    CallbackApplication(std::uint64_t seed, std::function<void(int)> wait_readable)
        : loop_(seed, std::move(wait_readable)) {}

    void add(std::function<void()> body) { jobs_.emplace_back(loop_, std::move(body)); }

    void run() {
        std::vector<CallbackLoop::Task*> tasks;
        for (Job& job : jobs_) {
            tasks.push_back(&job);
        }
        loop_.run(tasks);
    }

    const CallbackLoop::Outcome& outcome() const { return loop_.outcome(); }

  private:
    class Job final : public CallbackLoop::Task {
      public:
        Job(CallbackLoop& loop, std::function<void()> body) : loop_(loop), job_(std::move(body)) {
            job_.set_callback(&Job::on_call, this);
        }

      private:
        static int on_call(void* argument) {
            auto& self = *static_cast<Job*>(argument);
            self.loop_.call(self);
            return 1;
        }
        CallbackLoop::State run() override {
            if (job_.enter()) {
                return CallbackLoop::State::finished;
            }
            const int status = job_.status();
            EXPECT_TRUE(status == ASYNC_STATUS_OK || status == ASYNC_STATUS_EAGAIN) << status;
            return status == ASYNC_STATUS_EAGAIN ? CallbackLoop::State::refused
                                                 : CallbackLoop::State::on_device;
        }
        int fd() const override { return job_.fd_count() == 0 ? -1 : job_.fd(); }

        CallbackLoop& loop_;
        TestJob job_;
    };

    CallbackLoop loop_;
    std::deque<Job> jobs_;
};

}  // namespace ringside::testing
