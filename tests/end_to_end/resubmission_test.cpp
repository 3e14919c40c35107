// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// Completing operations and submitting new ones from their callbacks allocates nothing, however
// long it goes on: memory is bounded by the rings, and no allocator's lock or failure is in the
// way.

#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <deque>
#include <new>
#include <vector>

#include "ringside/testing/accelerator.hpp"

namespace {

bool counting = false;
std::uint64_t allocations = 0;

}  // namespace

[[gnu::noinline]] void* operator new(std::size_t size) {
    allocations += counting ? 1 : 0;
    if (void* memory = std::malloc(size == 0 ? 1 : size)) {
        return memory;
    }
    throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept {
    std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::size_t /*size*/) noexcept {
    std::free(memory);
}

namespace ringside {
namespace {

using driver::CipherBuffers;
using driver::Completion;
using testing::Accelerator;

constexpr std::uint32_t size = 64;
constexpr std::uint32_t ring_entries = 16;
constexpr std::uint64_t warm_up = 1000;
constexpr std::uint64_t operations = 20'000;

class Resubmission : public ::testing::Test {
  protected:
    /// Submits itself again from its callback. In a full ring it waits.
    class Request final : public driver::Operation, public driver::SlotWaiter {
      public:
        Request(Resubmission& test, const spec::SubmissionEntry& entry)
            : SlotWaiter(Kind::reserving), test_(test), entry_(entry) {}
        void submit() {
            const auto accepted = test_.machine.queue().submit(entry_, *this, this);
            if (!accepted) {
                EXPECT_EQ(accepted.error(), driver::Errc::again);
                ++test_.refusals;
            }
        }
        void complete(const Completion& completion) noexcept override {
            test_.failures += completion.status ? 1 : 0;
            if (++test_.completed < operations) {
                submit();
            }
        }
        void slot_ready() noexcept override { submit(); }

      private:
        Resubmission& test_;
        const spec::SubmissionEntry entry_;
    };

    Resubmission() {
        const std::array<std::byte, 16> key{};
        const std::array<std::byte, 16> iv{};
        const std::uint32_t session = machine.create_session(spec::Algorithm::aes_cbc, key);
        for (std::uint32_t i = 0; i < requests; ++i) {
            const driver::Iova place = data.iova() + i * size;
            all.emplace_back(*this, driver::aes_cbc(driver::Direction::encrypt, session,
                                                    CipherBuffers{place, size, place, size}, iv));
        }
    }
    /// The interrupt handler, from the completions that it finds to the interrupt that it arms.
    void count_in_handler() {
        machine.platform->observe_schedule_points([this](const char* name) {
            if (std::strcmp(name, "queue_pair.drain.before_ack") == 0) {
                counting = completed >= warm_up;
            } else if (std::strcmp(name, "queue_pair.drain.before_arm") == 0) {
                counting = false;
            }
        });
    }

    static constexpr std::uint32_t requests = 2 * ring_entries;  ///< more than the ring takes
    Accelerator machine{{.interleaving = sim::Interleaving::cooperative},
                        {.ring_entries = ring_entries, .moderation_count = 8, .moderation_us = 50}};
    driver::DmaBuffer data = machine.device->dma().allocate(std::size_t{requests} * size).value();
    std::deque<Request> all;
    std::uint64_t completed = 0;
    std::uint64_t failures = 0;
    std::uint64_t refusals = 0;
};

TEST_F(Resubmission, FromACallbackAllocatesNothingWithAFullRingToo) {
    count_in_handler();
    for (Request& request : all) {
        request.submit();
    }
    machine.platform->run_until_idle();
    counting = false;
    EXPECT_GE(completed, operations);
    EXPECT_EQ(failures, 0u);
    EXPECT_GT(refusals, 0u);
    EXPECT_EQ(allocations, 0u);
}

}  // namespace
}  // namespace ringside
