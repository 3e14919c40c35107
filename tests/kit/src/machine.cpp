// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "ringside/testing/machine.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <string_view>
#include <utility>

#include "ringside/spec/registers.hpp"
#include "ringside/spec/wire.hpp"

namespace ringside::testing {
namespace {

/// At each the others may go on, and at some time passes: a full ring drains several times over.
constexpr unsigned turns_of_a_stall = 1000;

bool is_from_submit(driver::Errc why) {
    switch (why) {
        case driver::Errc::again:
        case driver::Errc::draining:
        case driver::Errc::resetting:
        case driver::Errc::dead:
        case driver::Errc::invalid_request:
        case driver::Errc::stale_session:
            return true;
        default:
            return false;
    }
}

void report(const char* promise, const std::vector<std::string>& problems, std::uint64_t seed) {
    for (const std::string& problem : problems) {
        ADD_FAILURE() << promise << ": " << problem << " (RINGSIDE_SEED=" << seed << ")";
    }
}

}  // namespace

/// An operation that does nothing but hold a slot.
class Machine::Filler final : public driver::Operation {
  public:
    Filler(Ledger& ledger, std::string name) : ledger_(ledger), name_(std::move(name)) {}
    void accepted() { ledger_.owe(name_); }
    void complete(const driver::Completion& /*completion*/) noexcept override {
        ledger_.end(name_);
    }

  private:
    Ledger& ledger_;
    const std::string name_;
};

std::uint64_t seed_from_environment() {
    const char* const text = std::getenv("RINGSIDE_SEED");
    return text != nullptr ? std::strtoull(text, nullptr, 10) : 1;
}

Machine::Machine(const MachineConfig& config)
    : config_(config),
      platform_(
          sim::VirtualPlatform::create(
              {.device = config.chip, .seed = config.seed, .interleaving = config.interleaving})
              .value()),
      link_(platform_->link()) {
    platform_->observe_schedule_points([this](const char* name) { on_schedule_point(name); });
    platform_->refuse_submits([this](std::uint32_t queue) { return on_submit(queue); });
    if (config.open_driver) {
        device_ = driver::Device::open(link_, platform_->environment(),
                                       {.ring_entries = config.ring_entries})
                      .value();
    }
}

Machine::~Machine() {
    finish();
    join();
}

void Machine::release_completions(std::size_t count) {
    link_.release_completions(count);
    settle();
}

std::size_t Machine::fill_ring() {
    hold_completions();
    return fill();
}

std::size_t Machine::fill() {
    std::size_t count = 0;
    while (!submit_filler()) {
        ++count;
    }
    return count;
}

driver::error_code Machine::submit_filler() {
    const spec::SubmissionEntry nop;
    fillers_.push_back(
        std::make_unique<Filler>(ledger_, "filler " + std::to_string(fillers_.size())));
    filling_ = true;
    const auto accepted = queue().submit(nop, *fillers_.back());
    filling_ = false;
    if (!accepted) {
        fillers_.pop_back();
        return accepted.error();
    }
    fillers_.back()->accepted();
    return {};
}

void Machine::fail_submit(std::uint64_t nth, driver::Errc why) {
    EXPECT_TRUE(is_from_submit(why)) << "submit() never says " << make_error_code(why).message();
    refusals_[submits_ + nth] = why;
}

driver::error_code Machine::on_submit(std::uint32_t number) {
    if (filling_ || number == 0) {
        return {};
    }
    const auto planned = refusals_.find(++submits_);
    if (planned == refusals_.end()) {
        return {};
    }
    const driver::Errc why = planned->second;
    switch (why) {
        case driver::Errc::again:
            be_full();
            return {};
        case driver::Errc::resetting:
            be_resetting();
            return {};
        default:
            return make_error_code(why);
    }
}

/// Until nothing that the device has heard of can make room any more. In a callback nobody but its
/// caller reaps.
void Machine::be_full() {
    full_for_one_ = !link_.is_holding();
    link_.hold_completions();
    fill();
    const auto is_full_for_good = [this] {
        const auto counters = queue().counters();
        return link_.held() == counters.in_flight &&
               counters.in_flight + counters.reserved == queue().capacity();
    };
    while (!environment().on_interrupt_executor() && !is_full_for_good()) {
        platform_->scheduler().yield();
        fill();
    }
}

/// Until the queue pair itself says so: the device's health says it a little earlier. In interrupt
/// context, where a reset itself runs, none can begin: then it is the next one's turn.
void Machine::be_resetting() {
    if (environment().on_interrupt_executor()) {
        const bool is_true = device().health() == driver::DeviceHealth::resetting;
        auto nth = submits_ + 1;
        while (!is_true && !refusals_.try_emplace(nth, driver::Errc::resetting).second) {
            ++nth;
        }
        return;
    }
    do {
        if (device().health() == driver::DeviceHealth::working) {
            device().request_reset();
        }
        do {
            platform_->scheduler().yield();
        } while (device().health() == driver::DeviceHealth::working);
    } while (device().health() != driver::DeviceHealth::dead &&
             submit_filler() != driver::Errc::resetting);
}

void Machine::lose_interrupt() {
    link_.lose_interrupts(spec::queue_vector(1));
}

void Machine::settle() {
    if (link_.held() != 0) {
        step(std::chrono::milliseconds(1));
    } else {
        platform_->run_until_idle();
    }
}

void Machine::step(Duration span) {
    sim::sleep_for(environment(), span);
}

void Machine::spawn(const std::string& name, std::function<void()> body) {
    cpus_.push_back(&platform_->scheduler().spawn(name, std::move(body)));
}

void Machine::join() {
    for (auto* const cpu : std::exchange(cpus_, {})) {
        platform_->scheduler().join(*cpu);
    }
}

void Machine::on_schedule_point(const char* name) {
    if (!filling_ && name == std::string_view("queue_pair.submit.full") &&
        std::exchange(full_for_one_, false)) {
        link_.stop_holding();
    }
    if (stalls_.find(std::string_view(name)) == stalls_.end() ||
        environment().on_interrupt_executor()) {
        return;
    }
    for (unsigned i = 0; i < turns_of_a_stall; ++i) {
        platform_->scheduler().yield();
    }
}

void Machine::finish() {
    link_.stop_holding();
    settle();
}

std::vector<std::string> Machine::lost_wakeups() {
    finish();
    std::vector<std::string> problems;
    if (device_) {
        const auto counters = queue().counters();
        if (counters.in_flight != 0) {
            problems.push_back(std::to_string(counters.in_flight) +
                               " operations are in flight, and nobody looks for their completions");
        }
        if (counters.waiting != 0 || counters.reserved != 0) {
            problems.push_back(std::to_string(counters.waiting + counters.reserved) +
                               " waiters for a slot sleep though the ring is not full");
        }
    }
    for (const std::string& work : ledger_.outstanding()) {
        problems.push_back(work + " has not ended, and nothing will happen any more");
    }
    return problems;
}

std::vector<std::string> Machine::not_exactly_once() {
    finish();
    std::vector<std::string> problems = ledger_.problems();
    if (device_) {
        const auto counters = queue().counters();
        if (counters.accepted != counters.ok + counters.failed + counters.cancelled) {
            problems.emplace_back("the driver has accepted operations that have not ended");
        }
    }
    return problems;
}

void Machine::expect_no_lost_wakeup() {
    report("lost wakeup", lost_wakeups(), config_.seed);
}

void Machine::expect_exactly_once() {
    report("not exactly once", not_exactly_once(), config_.seed);
}

void for_each_seed(unsigned count, const std::function<void(std::uint64_t seed)>& body) {
    const std::uint64_t first = seed_from_environment();
    for (unsigned i = 0; i < count && !::testing::Test::HasFailure(); ++i) {
        SCOPED_TRACE("RINGSIDE_SEED=" + std::to_string(first + i));
        body(first + i);
    }
}

}  // namespace ringside::testing
