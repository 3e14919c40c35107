// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "ringside/driver/queued_submit.hpp"

#include <atomic>
#include <boost/asio/post.hpp>
#include <optional>
#include <utility>

#include "rules_in_use.hpp"

namespace ringside::driver {

/// What a canceller and the request have in common; outlives the request. All but `stage` belongs
/// to the interrupt executor, where a request ends.
struct QueuedSubmit::Shared {
    enum class Stage : std::uint8_t { starting, waiting, with_device };

    Shared(QueuedSubmit& submit, Environment& world) : request(&submit), environment(world) {}

    QueuedSubmit* request;  ///< null once it has ended
    Environment& environment;
    std::atomic<Stage> stage{Stage::starting};
};

QueuedSubmit::QueuedSubmit(QueuePair& queue, Environment& environment,
                           const spec::SubmissionEntry& request)
    : SlotWaiter(Kind::reserving), queue_(queue), environment_(environment), request_(request) {}

QueuedSubmit::~QueuedSubmit() = default;

QueuedSubmit::Canceller QueuedSubmit::make_canceller() {
    shared_ = std::make_shared<Shared>(*this, environment_);
    Canceller canceller;
    canceller.shared_ = shared_;
    return canceller;
}

void QueuedSubmit::start() {
    const std::shared_ptr<Shared> shared = shared_;
    Environment& environment = environment_;
    const auto accepted = queue_.submit(request_, *this, this);
    environment.schedule_point("queued_submit.start.before_status");
    // Unless it was refused, the request may be gone already, or further on than we know.
    if (accepted || is_transient(accepted.error())) {
        if (shared) {
            Rules::note_outcome(shared->stage,
                                accepted ? Shared::Stage::with_device : Shared::Stage::waiting);
        }
        return;
    }
    end_later(accepted.error());
}

void QueuedSubmit::slot_ready() noexcept {
    const std::shared_ptr<Shared> shared = shared_;
    // Before: nobody on this executor sees it until this returns, and complete() comes here too.
    if (shared) {
        shared->stage = Shared::Stage::with_device;
    }
    const auto accepted = queue_.submit(request_, *this, this);
    if (accepted) {
        return;
    }
    if (is_transient(accepted.error())) {  // the reservation had lapsed, or a reset came
        if (shared) {
            shared->stage = Shared::Stage::waiting;
        }
        return;
    }
    end({.status = accepted.error()});
}

void QueuedSubmit::end(const Completion& completion) noexcept {
    if (shared_) {
        shared_->request = nullptr;
    }
    done(completion);
}

void QueuedSubmit::end_later(boost::system::error_code status) {
    boost::asio::post(environment_.interrupt_executor(),
                      [this, status] { end({.status = status}); });
}

void QueuedSubmit::Canceller::operator()() const {
    boost::asio::post(shared_->environment.interrupt_executor(), [shared = shared_] {
        QueuedSubmit* const request = shared->request;
        if (request == nullptr || shared->stage != Shared::Stage::waiting) {
            return;
        }
        request->queue_.forget(*request);
        request->end({.status = Errc::cancelled});
    });
}

Completion submit_and_wait(QueuePair& queue, Environment& environment,
                           const spec::SubmissionEntry& request) {
    class Sleeper final : public QueuedSubmit {
      public:
        Sleeper(QueuePair& to, Environment& world, const spec::SubmissionEntry& what)
            : QueuedSubmit(to, world, what), parker_(world.make_parker()) {}
        void done(const Completion& completion) noexcept override {
            completion_ = completion;
            parker_->unpark();
        }
        Completion wait() {
            parker_->park();
            return *completion_;
        }

      private:
        std::unique_ptr<Parker> parker_;
        std::optional<Completion> completion_;
    };
    Sleeper sleeper(queue, environment, request);
    sleeper.start();
    return sleeper.wait();
}

}  // namespace ringside::driver
