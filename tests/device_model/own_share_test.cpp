// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// What the chip's thread keeps for itself follows what its helpers can do.

#include "own_share.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace ringside::core {
namespace {

struct Run {
    double kept;
    double late;
};

/// Helpers that do so many computations in the time of one, and late is what they are given with
/// 100 before it.
class Simulation {
  public:
    Run run(double capacity, int count) {
        int kept = 0;
        int late = 0;
        for (int i = 0; i < count; ++i) {
            waiting_ = std::max(waiting_ - capacity, 0.0);
            if (share_.keeps_next()) {
                ++kept;
            } else if (++waiting_ > 100) {
                ++late;
                share_.note_late();
            }
        }
        return {static_cast<double>(kept) / count, static_cast<double>(late) / count};
    }

  private:
    OwnShare share_;
    double waiting_ = 0;
};

TEST(OwnShare, IsNothingWhileHelpersAreInTime) {
    EXPECT_EQ(Simulation().run(1, 10'000).kept, 0);
    EXPECT_EQ(Simulation().run(2.5, 10'000).kept, 0);
}

TEST(OwnShare, IsWhatHelpersCannotDo) {
    for (const double capacity : {0.9, 0.7, 0.5}) {
        Simulation simulation;
        simulation.run(capacity, 20'000);
        const auto [kept, late] = simulation.run(capacity, 100'000);
        EXPECT_NEAR(kept, 1 - capacity, 0.05) << capacity;
        EXPECT_LT(late, 0.02) << capacity;
    }
}

TEST(OwnShare, IsNeverAll) {
    Simulation simulation;
    simulation.run(0, 20'000);
    EXPECT_NEAR(simulation.run(0, 20'000).kept, 0.75, 0.01);
}

TEST(OwnShare, EndsWhenHelpersAreBack) {
    Simulation simulation;
    simulation.run(0, 20'000);
    simulation.run(4, 10'000);
    EXPECT_EQ(simulation.run(4, 10'000).kept, 0);
}

TEST(OwnShare, IsKeptInPairs) {
    OwnShare share;
    int in_a_row = 0;
    int kept = 0;
    for (int i = 0; i < 10'000; ++i) {
        if (i % 100 < 10) {
            share.note_late();
        }
        if (share.keeps_next()) {
            ++in_a_row;
            ++kept;
        } else {
            EXPECT_EQ(in_a_row % 2, 0) << i;
            in_a_row = 0;
        }
    }
    EXPECT_GT(kept, 0);
}

}  // namespace
}  // namespace ringside::core
