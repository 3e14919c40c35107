// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// The real chip with a session and one known operation, under the oracle: for tests that inject
// faults into it and look at how the operations ended.

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <sstream>
#include <string>
#include <vector>

#include "fault_oracle.hpp"
#include "ringside/sim/fault_plan.hpp"
#include "ringside/testing/accelerator.hpp"

namespace ringside::testing {

/// Times that are short, and long enough for what the chip does in them.
inline driver::RecoveryPolicy impatient() {
    using std::chrono::milliseconds;
    return {.late_after = milliseconds(1),
            .operation_timeout = milliseconds(20),
            .abort_timeout = milliseconds(5),
            .heartbeat_timeout = milliseconds(10)};
}

class FaultyChip {
  public:
    /// At most `most` operations will be submitted. One runs here, before any fault.
    FaultyChip(std::uint64_t seed, const driver::DeviceConfig& config, std::size_t most)
        : machine({.device = {.self_test_scope = core::SelfTestScope::aes}, .seed = seed}, config),
          session_(machine.create_session(spec::Algorithm::aes_cbc, key_)),
          oracle(*machine.device) {
        for (std::size_t i = 0; i <= most; ++i) {
            targets_.push_back(machine.device->dma().allocate(length).value());
        }
        submit();
        machine.platform->run_until_idle();
        std::copy_n(targets_[0].bytes().begin(), length, expected_.begin());
    }

    void inject(const core::FaultRule& rule, std::uint32_t slot) {
        sim::inject(machine.platform->link(), rule, slot);
    }
    /// The same encryption each time, into a buffer of its own.
    FaultOracle::Tracked& submit() {
        const driver::CipherBuffers buffers{source_.iova(), length, targets_[oracle.size()].iova(),
                                            length};
        tracked.push_back(&oracle.submit(
            machine.queue(), driver::aes_cbc(driver::Direction::encrypt, session_, buffers, key_)));
        return *tracked.back();
    }
    bool is_right(std::size_t operation) const {
        return std::equal(expected_.begin(), expected_.end(), targets_[operation].bytes().begin());
    }
    bool is_dead() const { return machine.device->health() == driver::DeviceHealth::dead; }

    /// The liveness phase: a new operation ends well, or the device is dead and says so.
    void expect_alive_or(bool dead) {
        const auto& last = submit();
        machine.platform->run_until_idle();
        EXPECT_TRUE(last.ended);
        EXPECT_EQ(is_dead(), dead) << account();
        if (dead) {
            EXPECT_EQ(last.last.status, driver::Errc::dead);
        } else {
            EXPECT_FALSE(last.last.status) << last.last.status.message();
            EXPECT_TRUE(is_right(tracked.size() - 1));
        }
    }

    /// All counters in words, for a failure.
    std::string account() {
        const auto r = machine.device->recovery_counters();
        const auto q = machine.queue().counters();
        std::ostringstream text;
        text << "late checks " << r.late_checks << ", overdue " << r.overdue << ", aborts "
             << r.aborts << ", in vain " << r.aborts_in_vain << ", queue resets " << r.queue_resets
             << ", device resets " << r.device_resets << ", failed " << r.failed_resets
             << ", stalls " << r.heartbeat_stalls << ", fatal " << r.fatal_errors << ", removals "
             << r.removals << ", error interrupts " << r.error_interrupts << ", stale "
             << q.stale_completions << ", bad heads " << q.bad_heads << ", polled "
             << q.completions_polled << ", interrupts " << q.interrupts << ", storms "
             << q.interrupt_storms;
        return text.str();
    }

    Accelerator machine;

  private:
    static constexpr std::size_t length = 64;
    const std::array<std::byte, 16> key_{std::byte{7}};
    std::uint32_t session_;

  public:
    FaultOracle oracle;
    std::vector<FaultOracle::Tracked*> tracked;

  private:
    driver::DmaBuffer source_ = machine.device->dma().allocate(length).value();
    std::vector<driver::DmaBuffer> targets_;
    std::array<std::byte, length> expected_{};
};

}  // namespace ringside::testing
