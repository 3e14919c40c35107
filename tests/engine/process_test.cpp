// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// The life of a process that has the module in it: a lazy start, forks, threads, signals, few
// CPUs, descriptors that run out or have large numbers, several front ends, and its end.

#define OPENSSL_SUPPRESS_DEPRECATED  // ENGINE
#include <dlfcn.h>
#include <openssl/async.h>
#include <openssl/engine.h>
#include <poll.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/time.h>

#include <atomic>
#include <csignal>
#include <deque>
#include <iomanip>
#include <sstream>
#include <thread>

#include "module_process.hpp"
#include "ringside/base/trace.hpp"

namespace {

/// A child that ends with jobs on their stacks leaves what these own.
bool leaves_jobs_behind = false;

}  // namespace

/// LeakSanitizer asks when the process ends.
// NOLINTNEXTLINE(bugprone-reserved-identifier,readability-identifier-naming): its name for it
extern "C" __attribute__((visibility("default"))) int __lsan_is_turned_off() {
    return leaves_jobs_behind ? 1 : 0;
}

namespace ringside {
namespace {

using testing::finish;
using testing::in_child;
using testing::LoadedProvider;
using testing::require;
using testing::stderr_of_child;
using testing::TestJob;

// ---- beginning ----

TEST(Process, ALoadedModuleHasNoThreadAndNoDescriptorBeforeItsFirstOperation) {
    EXPECT_EQ(in_child([] {
                  const auto descriptors = testing::descriptor_count();
                  const auto threads = testing::thread_count();
                  const LoadedProvider provider;
                  require(testing::thread_count() == threads, "no thread before the first use");
                  require(testing::descriptor_count() == descriptors, "no descriptor either");
                  provider.work();
                  require(testing::thread_count() > threads, "the device has threads");
              }),
              0);
}

TEST(Process, UnloadingEndsTheDeviceAndGivesEverythingBack) {
    EXPECT_EQ(in_child([] {
                  LoadedProvider().work();
                  const auto descriptors = testing::descriptor_count();
                  const auto threads = testing::thread_count();
                  for (int round = 0; round < 10; ++round) {
                      const LoadedProvider provider;
                      provider.work();
                  }
                  require(testing::thread_count() == threads, "no thread is left");
                  require(testing::descriptor_count() == descriptors, "no descriptor is left");
              }),
              0);
}

TEST(Process, DlcloseAfterUseIsSafe) {
    EXPECT_EQ(in_child([] {
                  void* handle = dlopen(RINGSIDE_MODULE_FOLDER "/ringside.so", RTLD_NOW);
                  require(handle != nullptr, "the module opens");
                  LoadedProvider().work();
                  dlclose(handle);
                  const LoadedProvider again;
                  again.work();
              }),
              0);
}

// ---- forks ----

TEST(Process, Row36AForkBeforeUseLeavesBothADevice) {
    EXPECT_EQ(in_child([] {
                  const LoadedProvider provider;
                  require(in_child([&] { provider.work(); }) == 0, "the child works");
                  provider.work();
              }),
              0);
}

TEST(Process, Row36AForkWithOperationsInFlightLeavesBothADevice) {
#if defined(__SANITIZE_THREAD__)
    GTEST_SKIP() << "ThreadSanitizer lets nobody start threads after such a fork";
#endif
    EXPECT_EQ(in_child([] {
                  const LoadedProvider provider;
                  std::deque<TestJob> jobs;
                  for (int i = 0; i < 16; ++i) {
                      jobs.emplace_back([&] { provider.work(); });
                      jobs.back().enter();
                  }
                  const auto in_the_child = [&] {
                      leaves_jobs_behind = true;
                      for (int i = 0; i < 20; ++i) {
                          provider.work();
                      }
                      TestJob job([&] { provider.work(); });
                      finish(job);
                      for (const TestJob& each : jobs) {
                          require(each.finished() || each.is_paused(), "nobody touched the jobs");
                      }
                  };
                  require(in_child(in_the_child) == 0, "the child works");
                  for (TestJob& job : jobs) {
                      if (!job.finished()) {
                          finish(job);
                      }
                  }
                  provider.work();
              }),
              0);
}

// ---- threads ----

TEST(Process, ManyThreadsShareTheDevice) {
    EXPECT_EQ(in_child([] {
                  setenv("RINGSIDE_QUEUE_PAIRS", "4", 1);
                  setenv("RINGSIDE_RING_ENTRIES", "4", 1);
                  const LoadedProvider provider;
                  std::deque<std::thread> threads;
                  for (int i = 0; i < 12; ++i) {
                      threads.emplace_back([&] {
                          TestJob job([&] { provider.work(); });
                          for (int round = 0; round < 20; ++round) {
                              provider.work();
                              finish(job);
                          }
                      });
                  }
                  for (std::thread& thread : threads) {
                      thread.join();
                  }
              }),
              0);
}

TEST(Process, Row37ACancelledThreadLeavesItsPausedJobsBehind) {
#if defined(__SANITIZE_THREAD__)
    GTEST_SKIP() << "ThreadSanitizer sees no lock that a cancelled thread takes while it unwinds";
#endif
    EXPECT_EQ(in_child([] {
                  const LoadedProvider provider;
                  leaves_jobs_behind = true;
                  for (int round = 0; round < 20; ++round) {
                      std::atomic<bool> paused{false};
                      std::thread thread([&] {
                          std::deque<TestJob> jobs;  // their ctxs are freed as the thread unwinds
                          for (int i = 0; i < 4; ++i) {
                              jobs.emplace_back([&] { provider.work(); });
                              jobs.back().enter();
                          }
                          paused = true;
                          for (;;) {
                              poll(nullptr, 0, -1);
                          }
                      });
                      while (!paused) {
                          std::this_thread::yield();
                      }
                      pthread_cancel(thread.native_handle());
                      thread.join();
                  }
                  provider.work();
              }),
              0);
}

TEST(Process, OneCpuIsEnough) {
    EXPECT_EQ(in_child([] {
                  cpu_set_t one;
                  CPU_ZERO(&one);
                  CPU_SET(sched_getcpu(), &one);
                  sched_setaffinity(0, sizeof one, &one);
                  const LoadedProvider provider;
                  TestJob job([&] { provider.work(); });
                  for (int round = 0; round < 100; ++round) {
                      provider.work();
                      finish(job);
                  }
              }),
              0);
}

// ---- signals and descriptors ----

TEST(Process, TheDevicesThreadsTakeNoSignals) {
    EXPECT_EQ(in_child([] {
                  const LoadedProvider provider;
                  provider.work();
                  const auto masks = testing::of_other_threads("SigBlk");
                  require(!masks.empty(), "the device has threads");
                  for (const std::string& mask : masks) {
                      // All that can be blocked: not SIGKILL, SIGSTOP and glibc's own two.
                      require((std::stoull(mask, nullptr, 16) & 0x7ffbfeff) == 0x7ffbfeff,
                              "a thread blocks its signals");
                  }
              }),
              0);
}

TEST(Process, Row32SignalsInterruptNothing) {
    EXPECT_EQ(in_child([] {
                  const LoadedProvider provider;
                  provider.work();
                  struct sigaction action {};
                  action.sa_handler = [](int) {};  // without SA_RESTART: calls fail with EINTR
                  sigaction(SIGVTALRM, &action, nullptr);
                  sigaction(SIGUSR1, &action, nullptr);
                  std::atomic<bool> stop{false};
                  const pthread_t self = pthread_self();
                  std::thread storm([&] {
                      while (!stop) {
                          pthread_kill(self, SIGUSR1);
                          std::this_thread::yield();
                      }
                  });
                  TestJob job([&] { provider.work(); });
                  for (int round = 0; round < 300; ++round) {
                      provider.work();
                      finish(job);
                  }
                  stop = true;
                  storm.join();
              }),
              0);
}

TEST(Process, Row33WithTooFewDescriptorsForADeviceThereIsNoneAndItIsSaid) {
#if defined(__SANITIZE_ADDRESS__)
    GTEST_SKIP() << "UndefinedBehaviorSanitizer needs descriptors of its own";
#endif
    for (rlim_t few = 0; few < 10; ++few) {
        const std::string said = stderr_of_child([few] {
            const LoadedProvider provider;
            const int next = dup(STDERR_FILENO);
            close(next);
            rlimit limit{};
            getrlimit(RLIMIT_NOFILE, &limit);
            limit.rlim_cur = static_cast<rlim_t>(next) + few;
            setrlimit(RLIMIT_NOFILE, &limit);
            if (provider.works()) {
                std::fputs("it works\n", stderr);
            }
        });
        const bool enough = said == "it works\n";
        EXPECT_TRUE(enough || said.rfind("ringside: no device: ", 0) == 0) << few << ": " << said;
        EXPECT_FALSE(enough && few == 0);
    }
}

TEST(Process, Row34DescriptorsBeyondTheReachOfSelectWork) {
    EXPECT_EQ(in_child([] {
                  rlimit limit{};
                  getrlimit(RLIMIT_NOFILE, &limit);
                  limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, 4096);
                  setrlimit(RLIMIT_NOFILE, &limit);
                  while (dup(STDERR_FILENO) < FD_SETSIZE) {
                  }
                  const LoadedProvider provider;
                  TestJob job([&] { provider.work(); });
                  do {  // on a busy machine an operation may end before its job pauses
                      finish(job);
                  } while (job.fd_count() == 0);
                  require(job.fd() > FD_SETSIZE, "the test reaches what it is about");
                  provider.work();
              }),
              0);
}

// ---- several front ends ----

ENGINE* load_engine() {
    ENGINE_load_dynamic();
    ENGINE* engine = ENGINE_by_id("dynamic");
    require(ENGINE_ctrl_cmd_string(engine, "SO_PATH", RINGSIDE_MODULE_FOLDER "/ringside_engine.so",
                                   0) == 1 &&
                ENGINE_ctrl_cmd_string(engine, "LOAD", nullptr, 0) == 1 && ENGINE_init(engine) == 1,
            "the ENGINE loads");
    return engine;
}

TEST(Process, ProviderAndEngineAndTwoLibraryContextsShareOneDevice) {
    EXPECT_EQ(in_child([] {
                  const LoadedProvider first;
                  first.work();
                  const auto threads = testing::thread_count();
                  {
                      const LoadedProvider second;
                      second.work();
                      ENGINE* engine = load_engine();
                      testing::Block out{};
                      const CipherContextHandle ctx(EVP_CIPHER_CTX_new());
                      require(EVP_CipherInit_ex(ctx.get(), EVP_aes_128_cbc(), engine, out.data(),
                                                out.data(), 1) == 1,
                              "the ENGINE takes a key");
                      int length = 0;
                      require(EVP_CipherUpdate(ctx.get(), out.data(), &length, out.data(), 64) == 1,
                              "the ENGINE encrypts");
                      require(testing::thread_count() == threads, "there is one device");
                      ENGINE_finish(engine);
                      ENGINE_free(engine);
                  }
                  first.work();
              }),
              0);
}

TEST(Process, AFrontEndWithOtherSettingsIsRefusedInOneLine) {
    const std::string path = ::testing::TempDir() + "other_settings.cnf";
    std::ofstream(path) << "openssl_conf = a\n[a]\nproviders = b\n[b]\nringside = c\n[c]\nmodule = "
                        << RINGSIDE_MODULE_FOLDER
                        << "/ringside.so\nactivate = 1\nring_entries = 8\n";
    const std::string said = stderr_of_child([&] {
        const LoadedProvider first;
        first.work();
        const LoadedProvider second(path.c_str());
        require(!second.works(), "the refused one has no device");
        first.work();
    });
    EXPECT_EQ(std::count(said.begin(), said.end(), '\n'), 1) << said;
    EXPECT_NE(said.find("a device with other settings already"), std::string::npos) << said;
}

// ---- the end ----

TEST(Process, ExitWithOperationsInFlightIsClean) {
    for (int round = 0; round < 10; ++round) {
        EXPECT_EQ(in_child([] {
                      leaves_jobs_behind = true;
                      static const LoadedProvider* const provider = new LoadedProvider;
                      static auto* const jobs = new std::deque<TestJob>;
                      for (int i = 0; i < 100; ++i) {
                          jobs->emplace_back([] { provider->work(); });
                          jobs->back().enter();
                      }
                  }),
                  0);
    }
}

TEST(Process, ExitWhileOtherThreadsAreInTheMiddleOfOperationsIsClean) {
    for (int round = 0; round < 10; ++round) {
        EXPECT_EQ(in_child([] {
                      leaves_jobs_behind = true;
                      static const LoadedProvider* const provider = new LoadedProvider;
                      static std::atomic<int> done{0};
                      for (int i = 0; i < 3; ++i) {
                          std::thread([] {
                              for (;;) {
                                  (void)provider->works();  // at the end there is no device
                                  ++done;
                              }
                          }).detach();
                      }
                      while (done < 30) {
                          std::this_thread::yield();
                      }
                  }),
                  0);
    }
}

TraceKind kind_of(const std::string& name) {
    int kind = 0;
    while (to_string(static_cast<TraceKind>(kind)) != name && kind < 255) {
        ++kind;
    }
    return static_cast<TraceKind>(kind);
}

/// The trace's last line is the hash of the lines before.
void expect_own_hash(const std::string& path) {
    std::ifstream file(path);
    TraceHash hash;
    int events = 0;
    std::string said;
    for (std::string line; std::getline(file, line);) {
        std::istringstream words(line);
        std::int64_t time = 0;
        std::string kind;
        TraceEvent event{};
        if (line.rfind("# hash ", 0) == 0) {
            said = line.substr(7);
        } else if (words >> time >> kind >> event.queue >> event.id >> std::hex >> event.digest) {
            event.time = time_from_ps(time);
            event.kind = kind_of(kind);
            hash.add(event);
            ++events;
        }
    }
    EXPECT_GT(events, 20);
    std::ostringstream computed;
    computed << std::hex << std::setw(16) << std::setfill('0') << hash.value();
    EXPECT_EQ(said, computed.str());
}

TEST(Process, StatisticsAndTraceAreWrittenAtExit) {
    const std::string folder = ::testing::TempDir();
    const std::string stats = folder + "process_stats.json";
    const std::string trace = folder + "process_trace.txt";
    EXPECT_EQ(in_child([&] {
                  setenv("RINGSIDE_STATS", stats.c_str(), 1);
                  setenv("RINGSIDE_TRACE", trace.c_str(), 1);
                  static const LoadedProvider* const provider = new LoadedProvider;
                  provider->work();
              }),
              0);
    std::ifstream file(stats);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    EXPECT_NE(text.find("\"operations\": "), std::string::npos) << text;
    EXPECT_EQ(text.find("\"operations\": 0"), std::string::npos) << text;
    EXPECT_EQ(std::filesystem::status(trace).permissions(),
              std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    expect_own_hash(trace);
}

}  // namespace
}  // namespace ringside
