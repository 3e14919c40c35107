// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// What goes to the device and what does not, as the operator set it: sizes, callers, algorithms,
// and what happens when the device fails. Each in a process of its own; a device that nobody needs
// is one that does not start.

#include <algorithm>
#include <deque>
#include <thread>

#include "algorithm_work.hpp"
#include "module_process.hpp"

namespace ringside {
namespace {

using testing::finish;
using testing::has_device;
using testing::in_child;
using testing::LoadedProvider;
using testing::require;
using testing::stderr_of_child;
using testing::TestJob;

class Policy : public ::testing::TestWithParam<testing::Algorithm> {
  protected:
    /// A message of 64 bytes; empty: it failed.
    static testing::Bytes output(OSSL_LIB_CTX* context, const char* properties) {
        Prng stream(0, "policy");
        return GetParam().work(context, properties, GetParam(), stream, 64);
    }
    static testing::Bytes output(const LoadedProvider& provider) {
        auto bytes = output(provider.context(), "ringside.offload=yes");
        ERR_clear_error();
        return bytes;
    }
    /// One message that must be right.
    static void work(const LoadedProvider& provider) {
        static const testing::Bytes expected = [] {
            const PrivateLibcrypto software;
            return output(software.context(), nullptr);
        }();
        require(output(provider) == expected, "an operation gives the right bytes");
    }
};

TEST_P(Policy, SmallRequestsStayInSoftware) {
    for (const bool is_small : {true, false}) {
        EXPECT_EQ(in_child([&] {
                      const std::size_t least = GetParam().counted + (is_small ? 1 : 0);
                      setenv("RINGSIDE_MIN_BYTES", std::to_string(least).c_str(), 1);
                      const LoadedProvider provider;
                      work(provider);
                      require(has_device() != is_small, "the work is on the right side");
                  }),
                  0);
    }
}

TEST_P(Policy, SynchronousCallsStayInSoftwareIfAsked) {
    EXPECT_EQ(in_child([] {
                  setenv("RINGSIDE_SYNC_CALLS", "software", 1);
                  const LoadedProvider provider;
                  work(provider);
                  require(!has_device(), "a call outside a job is software's");
                  TestJob job([&] { work(provider); });
                  finish(job);
                  require(has_device(), "a call in a job is the device's");
              }),
              0);
}

TEST_P(Policy, FamiliesThatAreOffAreNotOffered) {
    std::string others;
    for (const testing::Algorithm& each : testing::algorithms) {
        if (std::string(each.family) != GetParam().family) {
            others += (others.empty() ? "" : ",") + std::string(each.family);
        }
    }
    EXPECT_EQ(in_child([&] {
                  setenv("RINGSIDE_ALGORITHMS", others.c_str(), 1);
                  require(output(LoadedProvider()).empty(), "it is not offered");
                  setenv("RINGSIDE_ALGORITHMS", GetParam().family, 1);
                  work(LoadedProvider());
              }),
              0);
}

/// Each takes the device away, for a while or for ever, with operations in it.
constexpr const char* failures[] = {
    "remove,after=40",
    "lose_link,after=40,count=1",
    "ecc_fatal,after=40,every=20,count=3",
};

TEST_P(Policy, WithFallbackNothingIsNoticedOfADeviceThatFails) {
    for (const char* failure : failures) {
        const std::string said = stderr_of_child([&] {
            setenv("RINGSIDE_FAULTS", failure, 1);
            setenv("RINGSIDE_FALLBACK", "on", 1);
            const LoadedProvider provider;
            std::deque<TestJob> jobs;
            for (int i = 0; i < 8; ++i) {
                jobs.emplace_back([&] { work(provider); });
            }
            for (int round = 0; round < 20; ++round) {
                work(provider);
                for (TestJob& job : jobs) {
                    job.enter();
                }
                for (TestJob& job : jobs) {
                    if (!job.finished()) {
                        finish(job);
                    }
                }
            }
        });
        EXPECT_EQ(std::count(said.begin(), said.end(), '\n'), 1) << failure << ": " << said;
        EXPECT_NE(said.find("software goes on"), std::string::npos) << failure << ": " << said;
    }
}

TEST_P(Policy, WithoutFallbackOperationsFailWhenTheDeviceDoes) {
    EXPECT_EQ(in_child([] {
                  setenv("RINGSIDE_FAULTS", "remove,after=20", 1);
                  const LoadedProvider provider;
                  int failed = 0;
                  for (int i = 0; i < 40; ++i) {
                      failed += output(provider).empty() ? 1 : 0;
                  }
                  require(failed > 0 && failed < 40, "they work, and then they fail");
              }),
              0);
}

TEST_P(Policy, WithFallbackARefusedOptionIsSaidAndSoftwareGoesOn) {
    for (const auto& refused :
         {std::array{"RINGSIDE_FAULTS", "everything",
                     "ringside: faults: 'everything' is not allowed: "},
          std::array{"RINGSIDE_CHIP", "z80",
                     "ringside: chip: 'z80' is not allowed: standard, edge, "}}) {
        const auto refuse = [&refused] { setenv(refused[0], refused[1], 1); };
        const std::string said = stderr_of_child([&] {
            refuse();
            setenv("RINGSIDE_FALLBACK", "on", 1);
            work(LoadedProvider());
            require(!has_device(), "no device is started");
        });
        EXPECT_EQ(said.rfind(refused[2], 0), 0u) << said;
        EXPECT_EQ(in_child([&] {
                      refuse();
                      require(output(LoadedProvider()).empty(), "else it fails");
                  }),
                  0);
    }
}

TEST_P(Policy, ChipAndHelpersAreTheChosenOnes) {
    EXPECT_EQ(in_child([] {
                  setenv("RINGSIDE_HELPERS", "3", 1);
                  const LoadedProvider provider;
                  std::thread([] {}).join();  // a sanitizer's own comes with the first
                  const auto before = testing::thread_count();
                  work(provider);
                  require(testing::thread_count() == before + 2 + 3, "chip, interrupts, helpers");
              }),
              0);
    const std::string said = stderr_of_child([] {
        setenv("RINGSIDE_CHIP", "edge", 1);
        setenv("RINGSIDE_RING_ENTRIES", "4096", 1);
        require(output(LoadedProvider()).empty(), "it has smaller rings");
    });
    EXPECT_EQ(said.rfind("ringside: no device: ", 0), 0u) << said;
}

std::vector<testing::Algorithm> first_of_each_family() {
    std::vector<testing::Algorithm> chosen;
    for (const testing::Algorithm& each : testing::algorithms) {
        if (chosen.empty() || std::string(chosen.back().family) != each.family) {
            chosen.push_back(each);
        }
    }
    return chosen;
}

INSTANTIATE_TEST_SUITE_P(Provider, Policy, ::testing::ValuesIn(first_of_each_family()),
                         [](const auto& parameter) {
                             return testing::identifier(parameter.param);
                         });

}  // namespace
}  // namespace ringside
