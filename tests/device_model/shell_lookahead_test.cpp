// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// On our platform the module works ahead as far as nobody else has anything to do: what it does is
// the same (see shell_foreign_test.cpp), and the kernel is asked for a batch, not for each event.

#include <gtest/gtest.h>

#include <systemc>

#include "ringside/testing/seed.hpp"
#include "shell_platform.hpp"

namespace ringside::testing {
namespace {

// An activation for each message, as the platform has to look then, and one for what follows the
// last; the batch has five events or more for each operation.
TEST(Lookahead, TheKernelIsAskedOnceForABatchAndNotForEachOfItsEvents) {
    PlatformHost host;
    Workload workload(host, seed());
    workload.power_up();
    for (const std::uint32_t count : {1u, 4u, workload_layout::entries - 1}) {
        const auto deltas_before = sc_core::sc_delta_count();
        const auto messages_before = host.log.messages.size();
        EXPECT_EQ(workload.batch(1, count), count);
        const auto messages = host.log.messages.size() - messages_before;
        EXPECT_GE(messages, 1u);
        EXPECT_LE(sc_core::sc_delta_count() - deltas_before, messages + 1) << count;
    }
}

}  // namespace
}  // namespace ringside::testing
