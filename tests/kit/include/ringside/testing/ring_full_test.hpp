// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// The fixture for tests of code that submits to the accelerator: a machine with a ring of four
// (a fixture of your own may pass another configuration), and at the end of each test the two
// promises of ring-full: no wakeup was lost, and everything that was owed ended exactly once.

#include <gtest/gtest.h>

#include "ringside/testing/machine.hpp"

namespace ringside::testing {

class RingFullTest : public ::testing::Test {
  protected:
    RingFullTest() = default;
    explicit RingFullTest(const MachineConfig& config) : machine(config) {}

    void TearDown() override {
        machine.expect_no_lost_wakeup();
        machine.expect_exactly_once();
    }

    Machine machine;
};

}  // namespace ringside::testing
