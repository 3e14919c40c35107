// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// A machine in a test's hand: the accelerator in virtual time, a link whose completions and
// interrupts the test controls, and, unless the test brings its own, the driver open on it. One
// seed is one interleaving; what a seed finds it finds again. One machine at a time in a process.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "ringside/driver/device.hpp"
#include "ringside/sim/virtual_platform.hpp"
#include "ringside/testing/controlled_link.hpp"
#include "ringside/testing/ledger.hpp"

namespace ringside::testing {

/// The environment variable RINGSIDE_SEED, else 1.
std::uint64_t seed_from_environment();

struct MachineConfig {
    std::uint64_t seed = seed_from_environment();
    std::uint32_t ring_entries = 4;  ///< one less is the capacity
    sim::Interleaving interleaving = sim::Interleaving::seeded;
    bool open_driver = true;  ///< false: a driver under test will stand on link()
    core::DeviceConfig chip = {};
};

class Machine {
  public:
    /// Throws boost::system::system_error if there is a machine already.
    explicit Machine(const MachineConfig& config = {});
    /// Lets everything end that can. CPUs that wait for ever are a deadlock: reported with names,
    /// and the process aborts.
    ~Machine();
    Machine(const Machine&) = delete;
    Machine& operator=(const Machine&) = delete;

    // ---- what code under test is given ----

    ControlledLink& link() { return link_; }
    driver::Environment& environment() { return platform_->environment(); }
    sim::VirtualPlatform& platform() { return *platform_; }
    /// The driver, and its first I/O queue pair; not without open_driver.
    driver::Device& device() { return *device_; }
    driver::QueuePair& queue() { return device_->queue_pair(0); }

    // ---- completions, failures, interrupts ----

    void hold_completions() { link_.hold_completions(); }
    /// Lets `count` held operations complete, and everything happen that follows from that.
    void release_completions(std::size_t count);
    /// As many as fit, of operations that do nothing; holds completions from now on. Says how many.
    std::size_t fill_ring();
    /// The `nth` call of submit() or submit_batch() of the I/O queue pair from now on, 1 is the
    /// next one, fails with `why`, one of those that submit() can say. Errc::again is made true:
    /// the ring is full at that moment, of operations that do nothing and complete afterwards, so
    /// that a waiter has its turn. So is Errc::resetting: it is device().request_reset() and all
    /// that comes of it; what is in flight ends as Errc::aborted, and a waiter is told when the
    /// queue pair is back. None can begin inside a callback on the interrupt executor; then it
    /// meets the first submit after it that is made elsewhere. Others are just said, once, and the
    /// operation is not accepted. Not without open_driver.
    void fail_submit(std::uint64_t nth, driver::Errc why);
    /// The `nth` operation submitted from now on is accepted and completes with an error.
    void fail_operation(std::uint64_t nth, Failure failure = Failure::rejected) {
        link_.fail_operation(nth, failure);
    }
    /// The next interrupt of the first I/O queue pair gets lost.
    void lose_interrupt();

    // ---- time and CPUs ----

    /// Lets `span` of simulated time pass.
    void step(Duration span);
    /// Lets everything happen until nothing is left to do: no CPU ready, no event, no timer.
    /// While completions are held, for a millisecond: not until the driver loses patience.
    void settle();
    /// One more logical CPU, that runs `body` once; it interleaves with the others as the seed
    /// says.
    void spawn(const std::string& name, std::function<void()> body);
    /// Until all of them have ended.
    void join();
    /// From now on a CPU that comes to the schedule point `name` (environment().schedule_point() in
    /// your own code, or one of the driver's) is slow there: the others go on, and so does the
    /// device, as long as they can without it. It finds at once what interleavings by chance find
    /// rarely. No effect in interrupt context, or with sim::Interleaving::cooperative.
    void stall_at(const std::string& name) { stalls_.insert(name); }

    // ---- what must hold ----

    /// What was taken on, and what has ended; fill_ring() notes its own.
    Ledger& ledger() { return ledger_; }

    /// Releases what is held and settles; each then fails the test with a sentence for whatever is
    /// wrong, and the seed. A lost wakeup: something is left to do, nobody is doing it, and nothing
    /// will happen.
    void expect_no_lost_wakeup();
    /// All that is owed ended once, and the driver's own ledger closes.
    void expect_exactly_once();

    /// The same, as data.
    std::vector<std::string> lost_wakeups();
    std::vector<std::string> not_exactly_once();

  private:
    class Filler;
    void finish();
    void on_schedule_point(const char* name);
    std::size_t fill();
    driver::error_code submit_filler();
    driver::error_code on_submit(std::uint32_t queue);
    void be_full();
    void be_resetting();

    const MachineConfig config_;
    std::unique_ptr<sim::VirtualPlatform> platform_;
    ControlledLink link_;
    Ledger ledger_;
    std::set<std::string, std::less<>> stalls_;  ///< schedule points
    std::vector<std::unique_ptr<Filler>> fillers_;
    std::map<std::uint64_t, driver::Errc> refusals_;  ///< by number of the submit
    std::uint64_t submits_ = 0;
    bool filling_ = false;
    bool full_for_one_ = false;  ///< completions are held until the one has found the ring full
    std::unique_ptr<driver::Device> device_;  ///< behind what it may still complete
    std::vector<sim::Scheduler::Cpu*> cpus_;
};

/// Calls `body(seed)` for `count` seeds, each named in a failure, and stops at the first failure.
void for_each_seed(unsigned count, const std::function<void(std::uint64_t seed)>& body);

}  // namespace ringside::testing
