// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// Operations and waiters that note what happened to them.

#include <functional>
#include <vector>

#include "ringside/driver/operation.hpp"

namespace ringside::testing {

struct TestOperation final : driver::Operation {
    void complete(const driver::Completion& completion) noexcept override {
        last = completion;
        ++completions;
        if (on_complete) {
            on_complete();
        }
    }
    int completions = 0;
    driver::Completion last;
    std::function<void()> on_complete;
};

struct TestWaiter final : driver::SlotWaiter {
    explicit TestWaiter(Kind kind = Kind::reserving) : SlotWaiter(kind) {}
    void slot_ready() noexcept override {
        ++calls;
        if (on_ready) {
            on_ready();
        }
    }
    int calls = 0;
    std::function<void()> on_ready;
};

}  // namespace ringside::testing
