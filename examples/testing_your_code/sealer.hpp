// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// A small application: it seals messages on the accelerator and tells when each is done. Twice,
// with a bug and without.

#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <ringside/driver/queue_pair.hpp>
#include <utility>

namespace app {

namespace driver = ringside::driver;
namespace spec = ringside::spec;

/// When the ring is full, it keeps the message in a backlog; each completion sends one from there.
class BuggySealer {
  public:
    BuggySealer(driver::QueuePair& queue, driver::Environment& environment)
        : queue_(queue), environment_(environment), mutex_(environment.make_mutex()) {}

    struct Message final : driver::Operation {
        Message(BuggySealer& to, std::function<void()> call)
            : sealer(to), sealed(std::move(call)) {}
        void complete(const driver::Completion& /*completion*/) noexcept override {
            sealed();
            sealer.send_from_backlog();
        }
        BuggySealer& sealer;
        const std::function<void()> sealed;
        spec::SubmissionEntry request;
    };

    void seal(Message& message) {
        if (queue_.submit(message.request, message)) {
            return;
        }
        // The bug: by now the ring may be empty, and no completion comes that would send this one.
        // Or it was somebody else who had filled it.
        environment_.schedule_point("sealer.refused");
        const std::lock_guard lock(*mutex_);
        backlog_.push_back(&message);
    }

  private:
    void send_from_backlog() {
        Message* next = nullptr;
        {
            const std::lock_guard lock(*mutex_);
            if (backlog_.empty()) {
                return;
            }
            next = backlog_.front();
            backlog_.pop_front();
        }
        seal(*next);
    }

    driver::QueuePair& queue_;
    driver::Environment& environment_;
    const std::unique_ptr<driver::Mutex> mutex_;
    std::deque<Message*> backlog_;
};

/// When the ring is full, the driver queues the message, under the lock under which it found that
/// out, and tells when a slot is kept for it.
class Sealer {
  public:
    Sealer(driver::QueuePair& queue, driver::Environment& /*environment*/) : queue_(queue) {}

    struct Message final : driver::Operation, driver::SlotWaiter {
        Message(Sealer& to, std::function<void()> call)
            : SlotWaiter(Kind::reserving), sealer(to), sealed(std::move(call)) {}
        void complete(const driver::Completion& /*completion*/) noexcept override { sealed(); }
        void slot_ready() noexcept override { sealer.seal(*this); }
        Sealer& sealer;
        const std::function<void()> sealed;
        spec::SubmissionEntry request;
    };

    void seal(Message& message) { (void)queue_.submit(message.request, message, &message); }

  private:
    driver::QueuePair& queue_;
};

}  // namespace app
