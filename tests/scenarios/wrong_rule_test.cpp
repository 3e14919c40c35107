// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// The driver with one rule made wrong (wrong_rules/, CMakeLists.txt): its scenario finds it within
// the stated number of seeds, and the seed that found it finds it again. Each run is a process of
// its own, since a broken driver may hang or crash.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <optional>
#include <string>

#include "found_by.hpp"
#include "ringside/testing/seed.hpp"
#include "scenario.hpp"

namespace ringside::testing {
namespace {

constexpr unsigned longest_run_s = 20;

/// Writes the first problem to `pipe` and ends the process.
class LastWords final : public Verdict {
  public:
    explicit LastWords(int pipe) : pipe_(pipe) {}
    void broken(const std::string& problem) override {
        (void)!::write(pipe_, problem.data(), problem.size());
        ::_exit(1);
    }

  private:
    int pipe_;
};

/// What was wrong; empty: nothing.
std::optional<std::string> run_in_child(const Scenario& scenario, std::uint64_t of) {
    std::array<int, 2> pipe{};
    EXPECT_EQ(::pipe2(pipe.data(), O_CLOEXEC), 0);
    const pid_t child = ::fork();
    if (child == 0) {
        ::alarm(longest_run_s);
        (void)!std::freopen("/dev/null", "w", stderr);  // a crash's dump
        LastWords verdict(pipe[1]);
        scenario.run(of, verdict);
        ::_exit(0);
    }
    ::close(pipe[1]);
    std::string problem;
    std::array<char, 256> part{};
    for (ssize_t got = 0; (got = ::read(pipe[0], part.data(), part.size())) > 0;) {
        problem.append(part.data(), static_cast<std::size_t>(got));
    }
    ::close(pipe[0]);
    int status = 0;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    if (WIFSIGNALED(status)) {
        return "ended by signal " + std::to_string(WTERMSIG(status));
    }
    return WEXITSTATUS(status) == 0 ? std::nullopt : std::optional(problem);
}

TEST(WrongRule, IsFoundWithinItsSeedsAndAgainByTheSeedThatFoundIt) {
    const auto all = scenarios();
    const auto scenario = std::find_if(all.begin(), all.end(),
                                       [](const Scenario& each) { return each.name == found_by; });
    ASSERT_NE(scenario, all.end());
    for (std::uint64_t i = 0; i < scenario->seeds; ++i) {
        const std::uint64_t chosen = seed() + i;
        if (const auto found = run_in_child(*scenario, chosen)) {
            std::printf("seed %s: %s\n", std::to_string(chosen).c_str(), found->c_str());
            EXPECT_EQ(run_in_child(*scenario, chosen), found);
            return;
        }
    }
    FAIL() << "not found in " << scenario->seeds << " seeds";
}

}  // namespace
}  // namespace ringside::testing
