// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// The calendar gives what was entered in order of time, and of entry where times are equal, in
// whichever lane it lies.

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "ringside/base/prng.hpp"
#include "ringside/blocks/calendar.hpp"
#include "ringside/testing/seed.hpp"

namespace ringside::blocks {
namespace {

constexpr std::size_t lanes = 3;

struct Action {
    std::int64_t time;
    int entry;
    std::size_t lane;
};
std::size_t lane_of(const Action& action) {
    return action.lane;
}

TEST(Calendar, GivesWhatIsDueInOrderOfTimeAndThenOfEntry) {
    Prng stream(testing::seed(), "calendar");
    Calendar<Action, lanes, lane_of> calendar;
    std::vector<Action> expected;
    std::int64_t now = 0;
    for (int entry = 0; entry < 5'000 || !expected.empty(); ++entry) {
        if (entry < 5'000 && stream.chance(3, 5)) {
            // Mostly in the order of a lane, now and then earlier than what is there.
            const std::size_t lane = stream.below(lanes);
            const auto delay = static_cast<std::int64_t>(
                stream.chance(1, 10) ? stream.below(4) : 4 + 3 * lane + stream.below(2));
            const Action action{now + delay, entry, lane};
            calendar.add(time_from_ps(action.time), action);
            expected.push_back(action);
        } else if (!expected.empty()) {
            const auto first = std::min_element(
                expected.begin(), expected.end(), [](const Action& a, const Action& b) {
                    return std::pair(a.time, a.entry) < std::pair(b.time, b.entry);
                });
            ASSERT_EQ(calendar.next(), time_from_ps(first->time));
            ASSERT_EQ(calendar.take().entry, first->entry);
            now = first->time;
            expected.erase(first);
        }
    }
    EXPECT_FALSE(calendar.next());
}

}  // namespace
}  // namespace ringside::blocks
