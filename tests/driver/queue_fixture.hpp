// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// One queue pair on an enabled fake device, and the two moves that every test makes.

#include <gtest/gtest.h>

#include <memory>

#include "fake_device.hpp"
#include "ringside/driver/queue_pair.hpp"
#include "test_environment.hpp"
#include "test_requests.hpp"

namespace ringside::testing {

class QueueFixture : public ::testing::Test {
  protected:
    static constexpr std::uint32_t q = 1;
    static constexpr Duration lapse = std::chrono::milliseconds(10);

    void open(std::uint32_t entries) {
        device.mmio_write32(spec::at("CC").of(), 1);
        environment.advance(device.enable_time);
        auto created = driver::QueuePair::create(
            device, environment, {.index = q, .entries = entries, .reservation_lapse = lapse});
        ASSERT_TRUE(created) << created.error().message();
        queue = std::move(*created);
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
    std::unique_ptr<driver::QueuePair> queue;
};

}  // namespace ringside::testing
