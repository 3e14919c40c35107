// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// A full ring that jobs in callback mode share with callers for whom slots are reserved: what each
// side gets of thousands of slots, and what becomes of slots that jobs do not come for.

#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include "callback_application.hpp"
#include "offload_fixture.hpp"
#include "ringside/driver/queued_submit.hpp"

namespace ringside {
namespace {

using testing::CallbackApplication;
using testing::for_seeds;
using testing::OffloadMachine;
using testing::TestJob;

struct Contenders {
    int jobs;     ///< of one application, told by callback
    int callers;  ///< CPUs of their own that block
    std::uint32_t ring_entries;
};
void PrintTo(const Contenders& mix, std::ostream* out) {  // NOLINT(readability-identifier-naming)
    *out << mix.jobs << "_jobs_" << mix.callers << "_callers_ring_" << mix.ring_entries;
}

/// Blocking callers, each a CPU of its own, that do nothing as often as they can.
class Callers {
  public:
    Callers(OffloadMachine& machine, int count, const std::function<bool()>& go_on)
        : machine_(machine) {
        for (int i = 0; i < count; ++i) {
            cpus_.push_back(&scheduler().spawn("caller", [this, go_on] {
                while (go_on()) {
                    EXPECT_FALSE(driver::submit_and_wait(machine_.accelerator.queue(),
                                                         machine_.accelerator.environment(), {})
                                     .status);
                    ++calls_;
                }
            }));
        }
    }
    void join() {
        for (auto* const cpu : cpus_) {
            scheduler().join(*cpu);
        }
    }
    int calls() const { return calls_; }

  private:
    sim::Scheduler& scheduler() { return machine_.accelerator.platform->scheduler(); }

    OffloadMachine& machine_;
    std::vector<sim::Scheduler::Cpu*> cpus_;
    int calls_ = 0;
};

class OffloadShare : public ::testing::TestWithParam<Contenders> {};

TEST_P(OffloadShare, OfEachSideIsThatOfItsMembers) {
    constexpr int operations = 3000;
    for_seeds(5, [](std::uint64_t seed) {
        const Contenders& mix = GetParam();
        OffloadMachine machine({.seed = seed, .ring_entries = mix.ring_entries});
        int by_jobs = 0;
        const Callers* others = nullptr;
        const auto go_on = [&] {
            return by_jobs + (others != nullptr ? others->calls() : 0) < operations;
        };
        Callers callers(machine, mix.callers, go_on);
        others = &callers;
        CallbackApplication application(seed, [&](int fd) { machine.wait_readable(fd); });
        for (int i = 0; i < mix.jobs; ++i) {
            application.add([&] {
                while (go_on()) {
                    machine.work();
                    ++by_jobs;
                }
            });
        }
        application.run();
        callers.join();
        const double share = static_cast<double>(by_jobs) / (by_jobs + callers.calls());
        const double fair = static_cast<double>(mix.jobs) / (mix.jobs + mix.callers);
        EXPECT_GT(share, 0.8 * fair);
        EXPECT_LT(share, 1.1 * fair);
        EXPECT_EQ(machine.counters().lapses, 0u) << "no slot stood idle until it lapsed";
        EXPECT_LE(application.outcome().futile, machine.counters().ok) << "a spin";
    });
}

INSTANTIATE_TEST_SUITE_P(Mixes, OffloadShare,
                         ::testing::Values(Contenders{8, 8, 2}, Contenders{8, 8, 4},
                                           Contenders{16, 4, 4}, Contenders{4, 16, 4},
                                           Contenders{1, 8, 4}, Contenders{32, 32, 16},
                                           Contenders{64, 64, 16}),
                         ::testing::PrintToStringParamName());

/// What callers get beside an application that resumes one of its jobs now and then, after twice
/// the time for which a slot is kept: of what they get alone.
double share_beside_a_sluggish_application(std::uint64_t seed, std::uint32_t ring_entries) {
    using namespace std::chrono_literals;
    constexpr Duration lapse = 500us;
    constexpr Duration time = 20 * lapse;
    const auto count = [&](int jobs) {
        OffloadMachine machine(
            {.seed = seed, .ring_entries = ring_entries, .reservation_lapse = lapse});
        driver::Environment& environment = machine.accelerator.environment();
        const Time end = environment.now() + time;
        Callers callers(machine, 8, [&] { return environment.now() < end; });
        int calls = 0;
        std::deque<TestJob> all;
        for (int i = 0; i < jobs; ++i) {
            all.emplace_back([&] { machine.work(); }).set_callback(&testing::count_call, &calls);
        }
        for (std::size_t turn = 0; environment.now() < end; ++turn) {
            if (jobs != 0) {
                all[turn % all.size()].enter();
            }
            sim::sleep_for(environment, 2 * lapse);
        }
        callers.join();
        for (TestJob& job : all) {
            while (job.is_paused() && !job.enter()) {
                machine.settle();
            }
        }
        return callers.calls();
    };
    return static_cast<double>(count(16)) / count(0);
}

TEST(OffloadShareOfCallers, LosesOneSlotForTheTimeOfALapseToJobsThatDoNotCome) {
    for_seeds(3, [](std::uint64_t seed) {
        for (const std::uint32_t entries : {2u, 4u}) {
            // Half of the time, one slot.
            const double without_one_slot = (entries - 2.0) / (entries - 1.0);
            const double expected = (1 + without_one_slot) / 2;
            EXPECT_NEAR(share_beside_a_sluggish_application(seed, entries), expected, 0.05)
                << "ring of " << entries;
        }
    });
}

}  // namespace
}  // namespace ringside
