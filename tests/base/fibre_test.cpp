// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// The stack switch: what belongs to a flow stays with it, what belongs to the thread stays there.

#include "ringside/base/fibre.hpp"

#include <gtest/gtest.h>

#include <cfenv>
#include <csignal>
#include <exception>
#include <stdexcept>
#include <vector>

namespace ringside {
namespace {

constexpr std::size_t stack_size = 64 * 1024;

/// A fibre that runs a body and returns control to the test.
struct Fibre {
    explicit Fibre(void (*function)(Fibre&))
        : body(function), stack(FibreStack::allocate(stack_size)) {
        context.start(stack.bottom(), stack.size(), &Fibre::entry, this);
    }
    static void entry(void* self) {
        auto& fibre = *static_cast<Fibre*>(self);
        fibre.body(fibre);
        fibre.done = true;
        fibre.context.exit_to(fibre.caller);
    }
    void resume() { caller.switch_to(context); }
    void pause() { context.switch_to(caller); }

    void (*body)(Fibre&);
    FibreStack stack;
    FibreContext context;
    FibreContext caller;
    bool done = false;
    std::vector<int> log;
};

TEST(Fibre, RunsPausesAndFinishes) {
    Fibre fibre([](Fibre& self) {
        for (int i = 0; i < 3; ++i) {
            self.log.push_back(i);
            self.pause();
        }
    });
    for (int round = 0; round < 4; ++round) {
        ASSERT_FALSE(fibre.done);
        fibre.resume();
    }
    EXPECT_TRUE(fibre.done);
    EXPECT_EQ(fibre.log, (std::vector{0, 1, 2}));
}

TEST(Fibre, ExceptionStateBelongsToTheFlow) {
    Fibre fibre([](Fibre& self) {
        try {
            throw std::runtime_error("inside");
        } catch (const std::runtime_error&) {
            self.pause();  // while handling
            try {
                throw;  // must be ours, not the caller's
            } catch (const std::runtime_error& error) {
                self.log.push_back(error.what() == std::string("inside") ? 1 : 0);
            }
        }
    });
    try {
        throw 1;
    } catch (int) {
        fibre.resume();
        EXPECT_EQ(std::uncaught_exceptions(), 0);
        EXPECT_THROW(throw, int);
        fibre.resume();
        EXPECT_THROW(throw, int);
    }
    EXPECT_EQ(fibre.log, std::vector{1});
}

TEST(Fibre, FloatingPointRoundingBelongsToTheFlow) {
    Fibre fibre([](Fibre& self) {
        std::fesetround(FE_UPWARD);
        self.pause();
        self.log.push_back(std::fegetround() == FE_UPWARD ? 1 : 0);
    });
    fibre.resume();
    EXPECT_EQ(std::fegetround(), FE_TONEAREST);
    fibre.resume();
    EXPECT_EQ(std::fegetround(), FE_TONEAREST);
    EXPECT_EQ(fibre.log, std::vector{1});
}

TEST(Fibre, SignalMaskBelongsToTheThread) {
    Fibre fibre([](Fibre& self) { self.pause(); });
    fibre.resume();
    sigset_t block;
    sigemptyset(&block);
    sigaddset(&block, SIGUSR1);
    ASSERT_EQ(pthread_sigmask(SIG_BLOCK, &block, nullptr), 0);
    fibre.resume();
    sigset_t now;
    ASSERT_EQ(pthread_sigmask(SIG_UNBLOCK, &block, &now), 0);
    EXPECT_EQ(sigismember(&now, SIGUSR1), 1);
}

TEST(FibreStack, GuardPageLiesBelow) {
    const auto stack = FibreStack::allocate(10'000);
    ASSERT_TRUE(stack);
    EXPECT_GE(stack.size(), 10'000u);
    EXPECT_TRUE(stack.guards(stack.bottom() - 1));
    EXPECT_FALSE(stack.guards(stack.bottom()));
    EXPECT_FALSE(FibreStack().guards(nullptr));
}

TEST(FibreStackDeathTest, OverflowFaultsInsteadOfCorrupting) {
    const auto stack = FibreStack::allocate(4096);
    EXPECT_DEATH(stack.bottom()[-1] = std::byte{1}, "");
}

}  // namespace
}  // namespace ringside
