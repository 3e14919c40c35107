// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// Applications as the manual pages want them, on the module in live time, over a ring of two: one
// slot, and thousands who want it. offload_applications_test.cpp runs two of them in virtual time,
// where it can be said who comes first.

#include <gtest/gtest.h>

#include <deque>
#include <thread>

#include "callback_application.hpp"
#include "changed_fds_application.hpp"
#include "module_process.hpp"
#include "ringside/testing/seed.hpp"
#include "tls_application.hpp"

namespace ringside {
namespace {

using testing::CallbackApplication;
using testing::ChangedFdsApplication;
using testing::ChurningEngine;
using testing::in_child;
using testing::LoadedProvider;
using testing::require;
using testing::TlsApplication;

#if defined(__SANITIZE_THREAD__)  // ten times as slow
constexpr std::uint64_t thousands = 250;
#else
constexpr std::uint64_t thousands = 2000;
#endif

void wait_readable(int fd) {
    pollfd entry{fd, POLLIN, 0};
    poll(&entry, 1, -1);
}

/// What a job encrypts with: its session is there before the job is.
class Cipher {
  public:
    explicit Cipher(const LoadedProvider& provider) : ctx_(EVP_CIPHER_CTX_new()) {
        const CipherHandle cipher = provider.fetch("AES-128-CBC");
        require(EVP_EncryptInit_ex2(ctx_.get(), cipher.get(), zeroes.data(), zeroes.data(),
                                    nullptr) == 1,
                "a key can be set");
        work();
    }

    /// One operation that must be right.
    void work() {
        testing::Block out{};
        int length = 0;
        require(EVP_EncryptInit_ex2(ctx_.get(), nullptr, nullptr, zeroes.data(), nullptr) == 1 &&
                    EVP_EncryptUpdate(ctx_.get(), out.data(), &length, zeroes.data(),
                                      zeroes.size()) == 1,
                "an operation succeeds");
        require(out == LoadedProvider::expected(), "an operation gives the right bytes");
    }

  private:
    static constexpr testing::Block zeroes{};
    CipherContextHandle ctx_;
};

/// Runs `body` in a child whose device has one slot; a gtest failure there is one here.
void on_a_ring_of_two(const std::function<void()>& body) {
    EXPECT_EQ(in_child([&] {
                  setenv("RINGSIDE_RING_ENTRIES", "2", 1);
                  body();
                  require(!::testing::Test::HasFailure(), "the expectations hold");
              }),
              0);
}

std::ptrdiff_t chips() {
    const auto names = testing::of_other_threads("Name");
    return std::count(names.begin(), names.end(), "ringside-chip");
}

void run_jobs(const LoadedProvider& provider, std::size_t jobs, std::uint64_t operations_each,
              std::uint64_t freed_by_others) {
    std::deque<Cipher> ciphers;
    CallbackApplication application(testing::seed(), wait_readable);
    for (std::size_t i = 0; i < jobs; ++i) {
        Cipher& cipher = ciphers.emplace_back(provider);
        application.add([&cipher, operations_each] {
            for (std::uint64_t j = 0; j < operations_each; ++j) {
                cipher.work();
            }
        });
    }
    application.run();
    const auto& outcome = application.outcome();
    EXPECT_EQ(outcome.calls, jobs * operations_each) << "for each operation, and nothing else";
    EXPECT_GE(outcome.again, jobs - 1) << "the ring was not full";
    EXPECT_LE(outcome.futile, outcome.calls + freed_by_others) << "resumes per freed slot";
}

TEST(Application, ThousandsOfJobsFinishOverARingOfTwoByCallback) {
    on_a_ring_of_two([] {
        const LoadedProvider provider;
        run_jobs(provider, thousands, 2, 0);
    });
}

TEST(Application, SoTheyDoWhileOtherThreadsWantTheSlot) {
    on_a_ring_of_two([] {
        const LoadedProvider provider;
        constexpr std::uint64_t operations = thousands;
        std::deque<std::thread> others;
        for (int i = 0; i < 3; ++i) {
            others.emplace_back([&] {
                Cipher cipher(provider);
                for (std::uint64_t j = 0; j < operations; ++j) {
                    cipher.work();
                }
            });
        }
        run_jobs(provider, thousands / 4, 2, others.size() * operations);
        for (std::thread& other : others) {
            other.join();
        }
    });
}

TEST(Application, TlsConnectionsFinishOverARingOfTwoByCallback) {
    on_a_ring_of_two([] {
        const LoadedProvider provider;
        constexpr int connections = thousands / 32;
        constexpr int messages = 8;
        const std::unique_ptr<OSSL_PROVIDER, testing::Freed<&OSSL_PROVIDER_unload>> software(
            OSSL_PROVIDER_load(provider.context(), "default"));
        const char* const properties = "?ringside.offload=yes";
        const auto server = testing::make_tls(provider.context(), properties, true);
        const auto client = testing::make_tls(provider.context(), properties, false);
        TlsApplication application(testing::seed(), wait_readable, messages);
        for (int i = 0; i < connections; ++i) {
            application.add_connection(server.get(), client.get());
        }
        application.run();
        EXPECT_EQ(application.answers(), connections * messages);
        const auto& outcome = application.outcome();
        // Of each end's records, two for each message and the handshake's few.
        EXPECT_GE(outcome.calls, std::uint64_t{2} * connections * 2 * messages);
        EXPECT_GT(outcome.again, outcome.calls / 2) << "the ring was not full";
        EXPECT_LE(outcome.futile, outcome.calls) << "resumes per freed slot";
    });
}

/// Two modules, with a chip of their own each, and a third engine of another make.
TEST(Application, AnEpollLoopLivesOnChangedFdsOfTwoEngines) {
    on_a_ring_of_two([] {
        const LoadedProvider first;
        const LoadedProvider second(nullptr, RINGSIDE_TWIN_FOLDER);
        constexpr std::size_t connections = 32;
        constexpr int jobs = thousands / connections;
        std::deque<Cipher> ciphers;
        std::deque<ChurningEngine> third(connections);
        ChangedFdsApplication application(wait_readable);
        for (ChurningEngine& engine : third) {
            Cipher& on_first = ciphers.emplace_back(first);
            Cipher& on_second = ciphers.emplace_back(second);
            application.add(
                [&] {
                    on_first.work();
                    on_second.work();
                    engine.work();
                    on_first.work();
                },
                jobs);
        }
        EXPECT_EQ(chips(), 2);
        application.run();
        // A ctx has none of an engine whose operations were all over before their pauses.
        const std::size_t lasting = testing::expect_changes(application, third, jobs);
        EXPECT_LE(lasting, 2 * third.size());
        EXPECT_GT(lasting, third.size() / 2);
        EXPECT_GE(application.wakeups(), connections * jobs);
    });
}

}  // namespace
}  // namespace ringside
