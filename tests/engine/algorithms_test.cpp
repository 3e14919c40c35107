// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// Every algorithm of the provider in many ASYNC jobs at a time on a ring of two entries: the bytes
// are software's, and the device's own counters say that the device made them.

#include <openssl/rand.h>

#include <cstdio>
#include <deque>
#include <fstream>
#include <sstream>
#include <thread>

#include "algorithm_work.hpp"
#include "module_process.hpp"
#include "ringside/testing/seed.hpp"

namespace ringside {
namespace {

using testing::Algorithm;
using testing::Bytes;
using testing::finish;
using testing::in_child;
using testing::LoadedProvider;
using testing::require;
using testing::TestJob;

constexpr const char* offload = "ringside.offload=yes";

/// The statistics of a child that has ended.
class Statistics {
  public:
    explicit Statistics(const std::string& path) {
        std::stringstream text;
        text << std::ifstream(path).rdbuf();
        text_ = text.str();
    }
    long operator[](const std::string& name) const {
        const auto at = text_.find("\"" + name + "\": ");
        return at != std::string::npos ? std::stol(text_.substr(at + name.size() + 4)) : -1;
    }

  private:
    std::string text_;
};

class EveryAlgorithm : public ::testing::TestWithParam<Algorithm> {
  protected:
    EveryAlgorithm()
        : path_("algorithms_test." + testing::identifier(GetParam()) + "." +
                std::to_string(getpid()) + ".json") {
        setenv("RINGSIDE_STATS", path_.c_str(), 1);
    }
    ~EveryAlgorithm() override {
        unsetenv("RINGSIDE_STATS");
        std::remove(path_.c_str());
    }
    Statistics statistics() const { return Statistics(path_); }
    static Prng stream_of(int message) {
        return {testing::seed(), "message " + std::to_string(message)};
    }
    /// 16 bytes are the least that XTS takes.
    static Bytes work(OSSL_LIB_CTX* context, const char* properties, int message) {
        Prng stream = stream_of(message);
        const std::size_t size = stream.between(16, message % 10 == 0 ? 20000 : 500);
        return GetParam().work(context, properties, GetParam(), stream, size);
    }

  private:
    std::string path_;
};

TEST_P(EveryAlgorithm, IsSoftwaresToTheByteInManyJobsOnARingOfTwo) {
    constexpr int jobs_at_a_time = 12;
    constexpr int messages = 60;
    const int code = in_child([] {
        setenv("RINGSIDE_RING_ENTRIES", "2", 1);
        const LoadedProvider provider;
        std::vector<Bytes> outputs(messages);
        std::deque<TestJob> jobs;
        int next = 0;
        for (int i = 0; i < jobs_at_a_time; ++i) {
            jobs.emplace_back([&] {
                const int message = next++;
                outputs.at(static_cast<std::size_t>(message)) =
                    work(provider.context(), offload, message);
            });
        }
        int pauses = 0;
        for (int round = 0; round < messages / jobs_at_a_time; ++round) {
            for (TestJob& job : jobs) {
                job.enter();
            }
            for (TestJob& job : jobs) {
                if (!job.finished()) {
                    finish(job);
                }
                pauses += job.pauses();
            }
        }
        require(pauses > messages, "jobs pause");
        const PrivateLibcrypto software;
        for (int message = 0; message < messages; ++message) {
            const Bytes expected = work(software.context(), nullptr, message);
            require(!expected.empty(), "software does it");
            require(outputs.at(static_cast<std::size_t>(message)) == expected, "the same bytes");
        }
    });
    EXPECT_EQ(code, 0);
    EXPECT_GE(statistics()["operations"], messages);
    EXPECT_EQ(statistics()["software_small"], 0);
    EXPECT_EQ(statistics()["software_synchronous"], 0);
    EXPECT_EQ(statistics()["software_device_failed"], 0);
}

TEST_P(EveryAlgorithm, WorksInThreadsAtATimeWithoutJobs) {
    const int code = in_child([] {
        const LoadedProvider provider;
        const PrivateLibcrypto software;
        constexpr int count = 3;
        std::vector<std::thread> threads;
        threads.reserve(count);
        for (int thread = 0; thread < count; ++thread) {
            threads.emplace_back([&, thread] {
                for (int i = 0; i < 20; ++i) {
                    const int message = 100 * thread + i;
                    require(work(provider.context(), offload, message) ==
                                work(software.context(), nullptr, message),
                            "the same bytes");
                }
            });
        }
        for (std::thread& thread : threads) {
            thread.join();
        }
    });
    EXPECT_EQ(code, 0);
    EXPECT_GE(statistics()["operations"], 60);
}

INSTANTIATE_TEST_SUITE_P(Provider, EveryAlgorithm, ::testing::ValuesIn(testing::algorithms),
                         [](const auto& parameter) {
                             return testing::identifier(parameter.param);
                         });

/// Random numbers are libcrypto's, and never wait for the device in the middle: its generator would
/// be entered a second time.
TEST(RandomNumbers, NeverPauseAJobNorUseTheDevice) {
    EXPECT_EQ(in_child([] {
                  const LoadedProvider provider;
                  OSSL_LIB_CTX* const context = provider.context();
                  OSSL_PROVIDER* const software = OSSL_PROVIDER_load(context, "default");
                  require(EVP_set_default_properties(context, "?ringside.offload=yes") == 1,
                          "the configuration that operators use");
                  TestJob job([&] {
                      Bytes bytes(1000);
                      require(RAND_bytes_ex(context, bytes.data(), bytes.size(), 0) == 1 &&
                                  RAND_priv_bytes_ex(context, bytes.data(), bytes.size(), 0) == 1,
                              "there are random numbers");
                  });
                  require(job.enter(), "the job does not pause");
                  require(!testing::has_device(), "nor is the device asked");
                  OSSL_PROVIDER_unload(software);
              }),
              0);
}

}  // namespace
}  // namespace ringside
