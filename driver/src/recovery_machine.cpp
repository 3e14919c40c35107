// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "recovery_machine.hpp"

#include <algorithm>

namespace ringside::driver {
namespace {

using QS = QueueStage;
using QE = QueueEvent;
using QA = QueueAction;
constexpr std::array<QueueTransition, 28> queue_table = {{
    {QS::working, QE::late, QS::checking, QA::check},
    {QS::working, QE::queue_reset_wanted, QS::resetting, QA::reset},
    {QS::working, QE::device_reset_wanted, QS::waiting, QA::ask_device},
    {QS::working, QE::device_stopped, QS::waiting, QA::stop},
    {QS::working, QE::device_ended, QS::ended, QA::end},
    {QS::checking, QE::late, QS::checking, QA::check},
    {QS::checking, QE::answered, QS::working, QA::none},
    {QS::checking, QE::abort_wanted, QS::aborting, QA::abort},
    {QS::checking, QE::queue_reset_wanted, QS::resetting, QA::reset},
    {QS::checking, QE::device_reset_wanted, QS::waiting, QA::ask_device},
    {QS::checking, QE::device_stopped, QS::waiting, QA::stop},
    {QS::checking, QE::device_ended, QS::ended, QA::end},
    {QS::aborting, QE::abort_wanted, QS::aborting, QA::abort},
    {QS::aborting, QE::answered, QS::working, QA::none},
    {QS::aborting, QE::queue_reset_wanted, QS::resetting, QA::reset},
    {QS::aborting, QE::device_reset_wanted, QS::waiting, QA::ask_device},
    {QS::aborting, QE::device_stopped, QS::waiting, QA::stop},
    {QS::aborting, QE::device_ended, QS::ended, QA::end},
    {QS::resetting, QE::done, QS::restarting, QA::end_operations_and_set_up},
    {QS::resetting, QE::device_reset_wanted, QS::waiting, QA::ask_device},
    {QS::resetting, QE::device_stopped, QS::waiting, QA::stop},
    {QS::resetting, QE::device_ended, QS::ended, QA::end},
    {QS::restarting, QE::done, QS::working, QA::resume},
    {QS::restarting, QE::device_reset_wanted, QS::waiting, QA::ask_device},
    {QS::restarting, QE::device_stopped, QS::waiting, QA::stop},
    {QS::restarting, QE::device_ended, QS::ended, QA::end},
    {QS::waiting, QE::device_ready, QS::working, QA::resume},
    {QS::waiting, QE::device_ended, QS::ended, QA::end},
}};

using DS = DeviceStage;
using DE = DeviceEvent;
using DA = DeviceAction;
constexpr std::array<DeviceTransition, 14> device_table = {{
    {DS::ready, DE::reset_wanted, DS::resetting, DA::stop_and_reset},
    {DS::ready, DE::give_up, DS::ended, DA::end},
    {DS::resetting, DE::done, DS::enabling, DA::end_operations_and_enable},
    {DS::resetting, DE::failed, DS::resetting, DA::stop_and_reset},
    {DS::resetting, DE::give_up, DS::ended, DA::end},
    {DS::enabling, DE::done, DS::setting_up, DA::set_up_queues},
    {DS::enabling, DE::failed, DS::resetting, DA::stop_and_reset},
    {DS::enabling, DE::give_up, DS::ended, DA::end},
    {DS::setting_up, DE::done, DS::restoring, DA::restore_sessions},
    {DS::setting_up, DE::failed, DS::resetting, DA::stop_and_reset},
    {DS::setting_up, DE::give_up, DS::ended, DA::end},
    {DS::restoring, DE::done, DS::ready, DA::resume},
    {DS::restoring, DE::failed, DS::resetting, DA::stop_and_reset},
    {DS::restoring, DE::give_up, DS::ended, DA::end},
}};

template <typename Table, typename Stage, typename Event>
auto find(const Table& table, Stage from, Event event) {
    const auto row = std::find_if(table.begin(), table.end(), [&](const auto& each) {
        return each.from == from && each.event == event;
    });
    return row != table.end() ? &*row : nullptr;
}

template <typename Enum, std::size_t Count>
const char* name_in(const std::array<const char*, Count>& names, Enum value) {
    return names.at(static_cast<std::size_t>(value));
}

}  // namespace

std::span<const QueueTransition> queue_transitions() {
    return queue_table;
}

std::span<const DeviceTransition> device_transitions() {
    return device_table;
}

const QueueTransition* next(QueueStage from, QueueEvent event) {
    return find(queue_table, from, event);
}

const DeviceTransition* next(DeviceStage from, DeviceEvent event) {
    return find(device_table, from, event);
}

const char* name_of(QueueStage stage) {
    static constexpr std::array names = {"working",    "checking", "aborting", "resetting",
                                         "restarting", "waiting",  "ended"};
    return name_in(names, stage);
}

const char* name_of(QueueEvent event) {
    static constexpr std::array names = {
        "late", "answered",       "abort wanted", "queue reset wanted", "device reset wanted",
        "done", "device stopped", "device ready", "device ended"};
    return name_in(names, event);
}

const char* name_of(QueueAction action) {
    static constexpr std::array names = {
        "none",   "check",      "abort", "reset", "end operations, set up",
        "resume", "ask device", "stop",  "end"};
    return name_in(names, action);
}

const char* name_of(DeviceStage stage) {
    static constexpr std::array names = {"ready",      "resetting", "enabling",
                                         "setting up", "restoring", "ended"};
    return name_in(names, stage);
}

const char* name_of(DeviceEvent event) {
    static constexpr std::array names = {"reset wanted", "done", "failed", "give up"};
    return name_in(names, event);
}

const char* name_of(DeviceAction action) {
    static constexpr std::array names = {"stop, reset",   "end operations, enable",
                                         "set up queues", "restore sessions",
                                         "resume",        "end"};
    return name_in(names, action);
}

ResetBudget::ResetBudget(std::uint32_t most, Duration window)
    : most_(std::min(most, largest)), window_(window) {}

bool ResetBudget::take(Time now) {
    while (!begun_.empty() && now - begun_.front() >= window_) {
        begun_.erase(begun_.begin());
    }
    if (begun_.size() >= most_) {
        return false;
    }
    begun_.push_back(now);
    return true;
}

}  // namespace ringside::driver
