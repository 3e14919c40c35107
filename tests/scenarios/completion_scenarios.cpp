// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// Bugs 5 to 8 and 10, which show when operations end; and the table of all ten.

#include <algorithm>
#include <array>
#include <deque>
#include <iterator>
#include <optional>

#include "ringside/driver/queued_submit.hpp"
#include "ringside/sim/fault_plan.hpp"
#include "scenarios.hpp"
#include "world.hpp"

namespace ringside::testing {
namespace {

constexpr std::array<std::byte, 16> key{std::byte{7}};
constexpr std::size_t length = 64;

/// Encrypts the same bytes again and again, into memory that is cleared before: what completes and
/// is not there was not done.
class Encryption final : public driver::Operation {
  public:
    Encryption(World& world, std::uint32_t session, std::uint64_t times)
        : world_(world),
          source_(world.machine.device->dma().allocate(length).value()),
          target_(world.machine.device->dma().allocate(length).value()),
          session_(session),
          left_(times) {}

    void submit() {
        std::fill(target_.bytes().begin(), target_.bytes().end(), std::byte{});
        const driver::CipherBuffers buffers{source_.iova(), length, target_.iova(), length};
        in_flight_ =
            world_.queue()
                .submit(driver::aes_cbc(driver::Direction::encrypt, session_, buffers, key), *this)
                .has_value();
        left_ -= in_flight_ ? 1 : left_;  // where there is no slot, that was it
    }
    void complete(const driver::Completion& completion) noexcept override {
        world_.expect(in_flight_, "an operation completed twice");
        world_.expect(!completion.status, "an operation failed: " + completion.status.message());
        world_.expect(target_.bytes()[0] != std::byte{} || target_.bytes()[1] != std::byte{},
                      "an operation completed before the device has done it");
        in_flight_ = false;
        if (left_ != 0) {
            submit();
        }
    }
    bool is_in_flight() const { return in_flight_; }

  private:
    World& world_;
    driver::DmaBuffer source_;
    driver::DmaBuffer target_;
    const std::uint32_t session_;
    std::uint64_t left_;
    bool in_flight_ = false;
};

/// Submits itself again from inside its own completion.
class Resubmitter final : public driver::Operation {
  public:
    /// `in_flight`: of all resubmitters together, as the application counts them.
    Resubmitter(World& world, std::uint64_t& in_flight, std::uint64_t times)
        : world_(world), in_flight_(in_flight), left_(times) {}

    void submit() {
        ++in_flight_;
        const auto accepted = world_.queue().submit({}, *this);
        if (!accepted) {
            --in_flight_;
            world_.expect(in_flight_ >= world_.queue().capacity(),
                          "refused, though only " + std::to_string(in_flight_) +
                              " operations have not ended");
        }
    }
    void complete(const driver::Completion& /*completion*/) noexcept override {
        --in_flight_;
        ++world_.completed;
        if (--left_ != 0) {
            submit();
        }
    }

  private:
    World& world_;
    std::uint64_t& in_flight_;
    std::uint64_t left_;
};

/// Waits its turn and may be called off; ends once.
class Cancellable final : public driver::QueuedSubmit {
  public:
    explicit Cancellable(World& world)
        : QueuedSubmit(world.queue(), world.environment(), {}), world_(world) {}

    void done(const driver::Completion& completion) noexcept override {
        world_.expect(!ended_, "a request ended twice");
        ended_ = true;
        cancelled = completion.status == driver::Errc::cancelled;
        ++world_.completed;
    }
    bool cancelled = false;

  private:
    World& world_;
    bool ended_ = false;
};

}  // namespace

/// The chip doubles entries. The ring is large enough for them, the slots are not.
std::uint64_t run_double_completion(std::uint64_t seed, Verdict& verdict) {
    World world(seed, verdict,
                {.ring_entries = 16, .recovery = {.max_stale_completions = 1'000'000}});
    const std::uint32_t session =
        world.machine.create_session(spec::Algorithm::aes_cbc, std::span(key));
    core::FaultRule rule;
    rule.kind = spec::FaultKind::duplicate_completion;
    rule.queue = 1;
    rule.every = static_cast<std::uint32_t>(1 + world.prng.below(3));
    rule.count = 0;
    rule.value = static_cast<std::int32_t>(world.prng.below(10'000));  // ns later
    sim::inject(world.machine.platform->link(), rule, 0);
    std::deque<Encryption> encryptions;
    for (int i = 0; i < 3; ++i) {
        encryptions.emplace_back(world, session, 2 + world.prng.below(3)).submit();
    }
    world.expect_all_is_done();
    for (const Encryption& each : encryptions) {
        world.expect(!each.is_in_flight(), "an operation was never completed");
    }
    return world.queue().counters().stale_completions;
}

std::uint64_t run_stale_full(std::uint64_t seed, Verdict& verdict) {
    World world(seed, verdict, {.ring_entries = 2u << seed % 3});
    std::uint64_t in_flight = 0;
    std::deque<Resubmitter> resubmitters;
    for (std::uint32_t i = 0; i < world.queue().capacity(); ++i) {
        resubmitters.emplace_back(world, in_flight, 1 + world.prng.below(5)).submit();
        world.dawdle(a_moment);
    }
    world.expect_all_is_done();
    world.expect_nothing_was_late();
    return world.completed;
}

/// Operations that fail among others that do not, and then the ring must take as many as ever.
std::uint64_t run_credit_leak(std::uint64_t seed, Verdict& verdict) {
    World world(seed, verdict, {.ring_entries = 2u << seed % 3});
    std::deque<Caller> callers;
    for (std::uint32_t i = 0; i <= world.queue().capacity(); ++i) {
        Caller& caller = callers.emplace_back(world);
        world.spawn([&world, &caller] {
            spec::SubmissionEntry request;
            request.opcode = world.prng.below(2) != 0 ? std::uint8_t{0xFF} : std::uint8_t{0};
            caller.call(request);
        });
    }
    world.expect_all_is_done();
    const std::uint64_t failed = world.queue().counters().failed;
    std::deque<RecordedOperation> operations;
    do {
        operations.emplace_back(world.environment());
    } while (world.queue().submit({}, operations.back()));
    world.machine.platform->run_until_idle();
    // What completes while the ring is being filled makes room for more.
    world.expect(operations.size() - 1 >= world.queue().capacity(),
                 std::to_string(operations.size() - 1) + " of " +
                     std::to_string(world.queue().capacity()) + " credits are left");
    return failed;
}

std::uint64_t run_partial_burst(std::uint64_t seed, Verdict& verdict) {
    World world(seed, verdict, {.ring_entries = 2u << seed % 3});
    class Turn final : public driver::SlotWaiter {
      public:
        explicit Turn(driver::Parker& parker) : SlotWaiter(Kind::reserving), parker_(parker) {}
        void slot_ready() noexcept override { parker_.unpark(); }

      private:
        driver::Parker& parker_;
    };
    std::uint64_t partial = 0;
    const spec::SubmissionEntry nop;
    std::deque<RecordedOperation> operations;
    for (std::uint64_t cpu = 0; cpu < 2; ++cpu) {
        std::vector<driver::QueuePair::Item> items;
        for (auto n = 1 + world.prng.below(3ull * world.queue().capacity()); n != 0; --n) {
            items.push_back({&nop, &operations.emplace_back(world.environment())});
        }
        world.spawn([&world, &partial, items] {
            const auto parker = world.environment().make_parker();
            Turn turn(*parker);
            for (std::span<const driver::QueuePair::Item> rest = items; !rest.empty();) {
                const auto batch = world.queue().submit_batch(rest, &turn);
                rest = rest.subspan(batch.accepted);
                if (batch.refusal) {
                    partial += batch.accepted != 0 ? 1 : 0;
                    parker->park();
                }
            }
        });
    }
    world.expect_all_is_done();
    world.expect_nothing_was_late();
    for (const RecordedOperation& operation : operations) {
        world.expect(operation.completions() == 1, "an operation of a batch completed " +
                                                       std::to_string(operation.completions()) +
                                                       " times");
    }
    world.expect(world.queue().counters().accepted == operations.size(),
                 "accepted operations were not counted");
    return partial;
}

/// A request's status is set after submit(), when its slot may have come and more have happened.
std::uint64_t run_stale_status(std::uint64_t seed, Verdict& verdict) {
    World world(seed, verdict, {.ring_entries = 2});
    world.slow_down_at("queued_submit.start.before_status", 40);
    std::deque<Cancellable> requests;
    for (std::uint64_t cpu = 0; cpu < 3; ++cpu) {
        world.spawn([&] {
            for (int i = 0; i < 4; ++i) {
                Cancellable& request = requests.emplace_back(world);
                const auto cancel = request.make_canceller();
                request.start();
                if (world.prng.below(2) != 0) {
                    cancel();
                }
                world.dawdle(a_moment);
            }
        });
    }
    world.expect_all_is_done();
    world.expect(world.completed == requests.size(), "a request has not ended");
    const auto cancelled = static_cast<std::uint64_t>(
        std::count_if(requests.begin(), requests.end(), [](auto& each) { return each.cancelled; }));
    world.expect(world.queue().counters().accepted == requests.size() - cancelled,
                 "a request was called off that the device had");
    return cancelled;
}

std::span<const Scenario> scenarios() {
    static constexpr Scenario all[] = {
        {1, "lost_wakeup", 200, run_lost_wakeup},
        {2, "last_waiter_stall", 10, run_last_waiter_stall},
        {3, "retry_spin", 10, run_retry_spin},
        {4, "eagain_taken_for_queued", 10, run_eagain_taken_for_queued},
        {5, "double_completion", 10, run_double_completion},
        {6, "stale_full", 10, run_stale_full},
        {7, "credit_leak", 10, run_credit_leak},
        {8, "partial_burst", 10, run_partial_burst},
        {9, "starvation_or_herd", 10, run_starvation_or_herd},
        {10, "stale_status", 50, run_stale_status},
    };
    return all;
}

}  // namespace ringside::testing
