// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// The tables of recovery by themselves: they are what docs/driver.md shows, they cannot hang, and
// the budget ends them.

#include "recovery_machine.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace ringside::testing {
namespace {

using namespace driver;  // NOLINT(google-build-using-namespace): the tables' many names
using std::chrono::seconds;

/// The rows between `<!-- name:begin -->` and `<!-- name:end -->` of docs/driver.md.
std::vector<std::string> documented_rows(const std::string& name) {
    std::ifstream page(RINGSIDE_DRIVER_PAGE);
    EXPECT_TRUE(page) << RINGSIDE_DRIVER_PAGE;
    std::vector<std::string> rows;
    bool inside = false;
    for (std::string line; std::getline(page, line);) {
        if (line.find(name + ":") != std::string::npos) {
            inside = line.find("begin") != std::string::npos;
        } else if (inside && line.rfind("| ", 0) == 0) {
            rows.push_back(line);
        }
    }
    return rows;
}

template <typename Rows>
std::vector<std::string> rows_of(const Rows& transitions) {
    std::vector<std::string> rows = {"| In | when | it goes to | and does |"};
    for (const auto& each : transitions) {
        std::ostringstream row;
        row << "| " << name_of(each.from) << " | " << name_of(each.event) << " | "
            << name_of(each.to) << " | " << name_of(each.action) << " |";
        rows.push_back(row.str());
    }
    return rows;
}

TEST(RecoveryMachine, TheDocumentedTablesAreTheTables) {
    EXPECT_EQ(documented_rows("queue"), rows_of(queue_transitions()));
    EXPECT_EQ(documented_rows("device"), rows_of(device_transitions()));
}

TEST(RecoveryMachine, NoPairOfStageAndEventHasTwoRows) {
    std::set<std::pair<QueueStage, QueueEvent>> queue_pairs;
    for (const auto& row : queue_transitions()) {
        EXPECT_TRUE(queue_pairs.emplace(row.from, row.event).second) << name_of(row.from);
    }
    std::set<std::pair<DeviceStage, DeviceEvent>> device_pairs;
    for (const auto& row : device_transitions()) {
        EXPECT_TRUE(device_pairs.emplace(row.from, row.event).second) << name_of(row.from);
    }
}

TEST(RecoveryMachine, EveryStageButTheLastCanEndAndStopAndNothingLeavesTheLast) {
    for (auto stage = QueueStage::working; stage < QueueStage::ended;
         stage = static_cast<QueueStage>(static_cast<int>(stage) + 1)) {
        const auto* end = next(stage, QueueEvent::device_ended);
        ASSERT_NE(end, nullptr) << name_of(stage);
        EXPECT_EQ(end->to, QueueStage::ended);
        EXPECT_EQ(end->action, QueueAction::end);
        const auto* stop = next(stage, QueueEvent::device_stopped);
        EXPECT_EQ(stop == nullptr, stage == QueueStage::waiting) << name_of(stage);
    }
    for (auto stage = DeviceStage::ready; stage < DeviceStage::ended;
         stage = static_cast<DeviceStage>(static_cast<int>(stage) + 1)) {
        const auto* end = next(stage, DeviceEvent::give_up);
        ASSERT_NE(end, nullptr) << name_of(stage);
        EXPECT_EQ(end->action, DeviceAction::end);
    }
    for (const auto& row : queue_transitions()) {
        EXPECT_NE(row.from, QueueStage::ended);
    }
    for (const auto& row : device_transitions()) {
        EXPECT_NE(row.from, DeviceStage::ended);
    }
}

/// What an operation that never completes goes through when nothing helps.
TEST(RecoveryMachine, TheLadderLeadsFromALateOperationToTheDevicesReset) {
    const std::vector<std::pair<QueueEvent, QueueAction>> ladder = {
        {QueueEvent::late, QueueAction::check},
        {QueueEvent::abort_wanted, QueueAction::abort},
        {QueueEvent::queue_reset_wanted, QueueAction::reset},
        {QueueEvent::device_reset_wanted, QueueAction::ask_device},
        {QueueEvent::device_ended, QueueAction::end},
    };
    QueueStage stage = QueueStage::working;
    for (const auto& [event, action] : ladder) {
        const auto* row = next(stage, event);
        ASSERT_NE(row, nullptr) << name_of(stage) << ", " << name_of(event);
        EXPECT_EQ(row->action, action);
        stage = row->to;
    }
    EXPECT_EQ(stage, QueueStage::ended);
}

TEST(RecoveryMachine, TheBudgetCountsWhatBeganWithinTheWindow) {
    ResetBudget budget(2, seconds(10));
    const auto at = [](int second) { return Time{} + seconds(second); };
    EXPECT_TRUE(budget.take(at(0)));
    EXPECT_TRUE(budget.take(at(9)));
    EXPECT_FALSE(budget.take(at(9)));
    EXPECT_TRUE(budget.take(at(10))) << "the first is out of the window";
    EXPECT_FALSE(budget.take(at(18))) << "a refusal costs nothing, the second still counts";
    EXPECT_TRUE(budget.take(at(19)));
    EXPECT_FALSE(ResetBudget(0, seconds(10)).take(at(0)));
}

}  // namespace
}  // namespace ringside::testing
