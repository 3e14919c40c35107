// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// Ring-full on the real device: EAGAIN exactly when every credit is in use or reserved, by the
// device's own count, at every size and in every interleaving; and nobody who waits is forgotten.

#include <gtest/gtest.h>

#include <deque>
#include <vector>

#include "ringside/base/prng.hpp"
#include "ringside/testing/accelerator.hpp"

namespace ringside {
namespace {

using testing::Accelerator;
using testing::RecordedOperation;

/// A submitter that waits for its slot like a blocking caller.
class Submitter final : public driver::SlotWaiter {
  public:
    explicit Submitter(Accelerator& machine)
        : SlotWaiter(Kind::reserving),
          machine_(machine),
          parker_(machine.environment().make_parker()) {}

    void slot_ready() noexcept override {
        ++wakeups_;
        parker_->unpark();
    }
    void submit_and_wait(const spec::SubmissionEntry& request) {
        RecordedOperation operation(machine_.environment());
        for (;;) {
            const auto accepted = machine_.queue().submit(request, operation, this);
            if (accepted) {
                break;
            }
            ASSERT_EQ(accepted.error(), driver::Errc::again);
            parker_->park();
        }
        EXPECT_FALSE(operation.wait().status);
        EXPECT_EQ(operation.completions(), 1);
    }
    std::uint64_t wakeups() const { return wakeups_; }

  private:
    Accelerator& machine_;
    std::unique_ptr<driver::Parker> parker_;
    std::uint64_t wakeups_ = 0;
};

struct Case {
    std::uint32_t ring_entries;
    std::uint64_t seed;
};

/// Runs `cpus` submitters of `rounds` operations each and returns the trace hash.
std::uint64_t run_submitters(const Case& parameters, unsigned cpus, unsigned rounds) {
    Accelerator machine({.seed = parameters.seed}, {.ring_entries = parameters.ring_entries});
    const std::uint64_t capacity = machine.queue().capacity();
    std::uint64_t eagains = 0;
    // Inside the driver's lock, at each EAGAIN, the device's own register must agree.
    machine.environment().trace().listen([&](const TraceEvent& event) {
        if (event.queue != machine.queue().index()) {
            return;
        }
        if (event.kind == TraceKind::eagain) {
            ++eagains;
            EXPECT_EQ(machine.device_in_flight() + event.digest, capacity);
        }
    });
    std::array<std::byte, 16> key{};
    const std::uint32_t session = machine.create_session(spec::Algorithm::aes_cbc, key);
    auto source = machine.device->dma().allocate(64).value();
    std::vector<driver::DmaBuffer> targets;
    std::vector<sim::Scheduler::Cpu*> running;
    std::deque<Submitter> submitters;
    for (unsigned i = 0; i < cpus; ++i) {
        targets.push_back(machine.device->dma().allocate(64).value());
        submitters.emplace_back(machine);
    }
    for (unsigned i = 0; i < cpus; ++i) {
        running.push_back(&machine.platform->scheduler().spawn("submitter", [&, i] {
            const driver::CipherBuffers buffers{source.iova(), 64, targets[i].iova(), 64};
            const auto request = driver::aes_cbc(driver::Direction::encrypt, session, buffers,
                                                 std::array<std::byte, 16>{});
            for (unsigned round = 0; round < rounds; ++round) {
                submitters[i].submit_and_wait(request);
            }
        }));
    }
    for (auto* cpu : running) {
        machine.platform->scheduler().join(*cpu);
    }
    const auto counters = machine.queue().counters();
    EXPECT_EQ(counters.accepted, std::uint64_t{cpus} * rounds);
    EXPECT_EQ(counters.ok, counters.accepted);
    EXPECT_EQ(counters.in_flight, 0u);
    EXPECT_EQ(counters.reserved, 0u);
    EXPECT_EQ(counters.waiting, 0u);
    EXPECT_EQ(counters.stale_completions, 0u);
    EXPECT_EQ(counters.eagain, eagains);
    EXPECT_EQ(eagains > 0, cpus > capacity);
    // No herd: a freed slot wakes one waiter, and another one only if it let its reservation lapse.
    EXPECT_LE(counters.grants, counters.ok + counters.lapses);
    machine.environment().trace().listen({});
    return machine.environment().trace().hash();
}

TEST(RingFull, EagainMeansThatTheDeviceIsFullAtEverySizeAndSeed) {
    for (const std::uint32_t entries : {2u, 4u, 8u, 16u}) {
        for (std::uint64_t i = 0; i < 25; ++i) {
            const std::uint64_t seed = testing::seed() + i;
            SCOPED_TRACE("ring " + std::to_string(entries) + ", seed " + std::to_string(seed));
            run_submitters({entries, seed}, 20, 5);
            if (::testing::Test::HasFailure()) {
                return;
            }
        }
    }
}

TEST(RingFull, NoEagainWhenEverybodyFits) {
    run_submitters({32, testing::seed()}, 20, 5);
}

TEST(RingFull, OneSeedIsOneTrace) {
    const Case parameters{4, testing::seed()};
    EXPECT_EQ(run_submitters(parameters, 10, 3), run_submitters(parameters, 10, 3));
    EXPECT_NE(run_submitters(parameters, 10, 3), run_submitters({4, testing::seed() + 1}, 10, 3));
}

}  // namespace
}  // namespace ringside
