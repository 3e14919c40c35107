// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// What repeats an operation: Google Benchmark, which takes the time, or a plain loop whose
// instructions callgrind counts. Operations are written once, for both.

#include <benchmark/benchmark.h>

#include <cstdint>

#if __has_include(<valgrind/callgrind.h>)
#include <valgrind/callgrind.h>
#else
#define CALLGRIND_TOGGLE_COLLECT
#endif

namespace ringside::bench {

class Loop {
  public:
    explicit Loop(benchmark::State& state) : state_(&state) {}
    /// Repeats `count` times, with callgrind collecting.
    explicit Loop(std::uint64_t count) : count_(count) {}

    template <typename Operation>
    void run(Operation operation) {
        if (state_ != nullptr) {
            for ([[maybe_unused]] auto _ : *state_) {
                operation();
                benchmark::ClobberMemory();
            }
            return;
        }
        CALLGRIND_TOGGLE_COLLECT;
        for (std::uint64_t i = 0; i != count_; ++i) {
            operation();
            benchmark::ClobberMemory();
        }
        CALLGRIND_TOGGLE_COLLECT;
    }

    /// For what needs preparation before each time: `operation` returns the seconds that count.
    template <typename Operation>
    void run_timed(Operation operation) {
        for ([[maybe_unused]] auto _ : *state_) {
            state_->SetIterationTime(operation());
        }
    }

  private:
    benchmark::State* state_ = nullptr;
    std::uint64_t count_ = 0;
};

}  // namespace ringside::bench
