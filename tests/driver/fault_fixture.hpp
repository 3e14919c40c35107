// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// An open fake device under the oracle, with times short enough to count: what a fault does to the
// driver is told by the clock, the counters and how the operations ended.

#include <optional>

#include "fault_oracle.hpp"
#include "queue_fixture.hpp"

namespace ringside::testing {

class FaultFixture : public QueueFixture {
  protected:
    static constexpr Duration late_after = std::chrono::milliseconds(10);
    static constexpr Duration operation_timeout = std::chrono::milliseconds(100);
    static constexpr Duration abort_timeout = std::chrono::milliseconds(20);
    /// More than any recovery takes.
    static constexpr Duration for_ever = std::chrono::seconds(2);

    static driver::RecoveryPolicy policy() {
        return {.late_after = late_after,
                .operation_timeout = operation_timeout,
                .abort_timeout = abort_timeout,
                .heartbeat_timeout = std::chrono::milliseconds(50)};
    }
    void open(std::uint32_t entries = 8, const driver::RecoveryPolicy& recovery = policy()) {
        QueueFixture::open(entries, recovery);
        oracle.emplace(*opened);
        // Answers ABORT as the chip does.
        device.after_write = [this](std::uint32_t offset, std::uint32_t) {
            if (offset == spec::at("SQ_DB").of(0) && answer_aborts) {
                answer_abort();
            }
        };
    }
    void TearDown() override {
        if (opened == nullptr) {
            return;
        }
        serve();
        environment.advance(for_ever);
        serve();
        oracle->expect_settled();
        oracle.reset();
        opened.reset();
        EXPECT_EQ(device.mappings(), 0u) << "memory is still mapped";
    }

    FaultOracle::Tracked& submit() { return oracle->submit(*queue); }
    /// Completes whatever is pending, until nothing is.
    void serve() {
        while (opened->health() != driver::DeviceHealth::dead && device.pending(q) != 0) {
            device.complete(q);
            environment.run_ready();
        }
    }
    /// The device works: a new request ends well.
    void expect_working() {
        auto& operation = submit();
        serve();
        EXPECT_TRUE(operation.ended);
        EXPECT_FALSE(operation.last.status) << operation.last.status.message();
        EXPECT_EQ(opened->health(), driver::DeviceHealth::working);
    }
    /// The device is dead: a new request is refused, and no register is touched.
    void expect_dead() {
        EXPECT_EQ(opened->health(), driver::DeviceHealth::dead);
        const auto accesses = device.mmio_accesses();
        EXPECT_EQ(submit().last.status, driver::Errc::dead);
        environment.advance(for_ever);
        EXPECT_EQ(device.mmio_accesses(), accesses) << "a dead device was touched";
    }
    driver::RecoveryCounters recovery() const { return opened->recovery_counters(); }

    bool answer_aborts = true;
    std::optional<FaultOracle> oracle;

  private:
    void answer_abort() {
        const spec::SubmissionEntry request = device.pending_entry(0, device.pending(0) - 1);
        if (request.opcode != static_cast<std::uint8_t>(spec::Opcode::abort)) {
            return;
        }
        const auto target = spec::AbortTarget::of(request.session);
        std::uint32_t found = 0;
        for (std::size_t i = 0; i < device.pending(target.queue); ++i) {
            if (device.pending_entry(target.queue, i).cid == target.cid) {
                device.complete(
                    target.queue, i,
                    spec::Status::of(spec::StatusType::aborted, spec::AbortReason::admin));
                found = 1;
                break;
            }
        }
        device.complete(0, device.pending(0) - 1, {}, found);
    }
};

}  // namespace ringside::testing
