// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// Every operation of the ASYNC API at every size that we measure, each with what it may cost in
// proportion to libcrypto's. Run by main.cpp, on one implementation after the other.
// Thread rule: all of it on one thread; an operation leaves nothing behind.

#include <cstddef>
#include <string>
#include <vector>

#include "differential/api.hpp"
#include "loop.hpp"

namespace ringside::bench {

struct Size {
    std::size_t fds = 0;   ///< registered on each wait ctx
    std::size_t jobs = 0;  ///< in flight at the same time
};

struct Operation {
    using Body = void (*)(const testing::AsyncApi& api, Size size, Loop& loop);

    std::string name;
    Size size;
    double bound;  ///< of ours / libcrypto's
    Body body;
    /// What one turn of its loop does at once; figures are for one.
    std::size_t batch = 1;
    /// It times itself (Loop::run_timed), in real time.
    bool timed = false;
};

std::vector<Operation> all_operations();

}  // namespace ringside::bench
