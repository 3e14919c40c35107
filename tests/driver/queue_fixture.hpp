// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// One I/O queue pair of an open fake device, and the moves that every test makes.

#include <gtest/gtest.h>

#include <memory>

#include "fake_device.hpp"
#include "ringside/driver/device.hpp"
#include "test_environment.hpp"
#include "test_requests.hpp"

namespace ringside::testing {

class QueueFixture : public ::testing::Test {
  protected:
    static constexpr std::uint32_t q = 1;
    static constexpr Duration lapse = std::chrono::milliseconds(10);

    void open(std::uint32_t entries, driver::RecoveryPolicy recovery = {}) {
        auto created = driver::Device::open(
            device, environment,
            {.ring_entries = entries, .reservation_lapse = lapse, .recovery = recovery});
        ASSERT_TRUE(created) << created.error().message();
        opened = std::move(*created);
        queue = &opened->queue_pair(0);
    }
    driver::error_code submit(TestOperation& operation, TestWaiter* waiter = nullptr) {
        const auto submitted = queue->submit({}, operation, waiter);
        return submitted ? driver::error_code() : submitted.error();
    }
    /// Completes the oldest operation and runs the interrupt.
    void complete_one() {
        device.complete(q);
        environment.run_ready();
    }
    /// Fills every free credit with `operation`.
    void fill(TestOperation& operation) {
        while (!submit(operation)) {
        }
    }

    TestEnvironment environment;
    FakeDevice device{environment};
    std::unique_ptr<driver::Device> opened;
    driver::QueuePair* queue = nullptr;
};

}  // namespace ringside::testing
