// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// Asymmetric keys in processes of their own: that the work went through the device, counted there;
// what happens in jobs, threads and children, on the smallest ring, and when the chip computes
// wrongly; and TLS handshakes.

#include <map>
#include <thread>

#include "asymmetric_work.hpp"

namespace ringside::testing {
namespace {

class AsymmetricWork : public ::testing::TestWithParam<Work> {
  protected:
    void SetUp() override { made_for(GetParam()); }
};

TEST_P(AsymmetricWork, IsADescriptorEachAndOneSession) {
    const auto counts = counted([] {
        const Workplace place(GetParam());
        for (int i = 0; i < 10; ++i) {
            require(place.run(), "it works");
        }
    });
    // The end of the session is not waited for.
    EXPECT_GE(counts.at("operations"), 11);
    EXPECT_LE(counts.at("operations"), 12);
    EXPECT_EQ(counts.at("errors"), 0);
}

TEST_P(AsymmetricWork, InManyJobsOverARingOfTwoAllFinish) {
    const auto counts = counted([] {
        setenv("RINGSIDE_RING_ENTRIES", "2", 1);
        const Workplace place(GetParam());
        require(place.run(), "the session exists");
        require(run_in_jobs(place, 24) == 24, "every job works");
    });
    EXPECT_GE(counts.at("operations"), 26);
}

TEST_P(AsymmetricWork, GoesOnInSoftwareWhenTheDeviceHasFailed) {
    const auto counts = counted([] {
        setenv("RINGSIDE_FAULTS", "remove,after=5", 1);
        setenv("RINGSIDE_FALLBACK", "on", 1);
        const Workplace place(GetParam());
        for (int i = 0; i < 20; ++i) {
            require(place.run(), "it works");
        }
    });
    EXPECT_GT(counts.at("software_device_failed"), 10);
}

TEST_P(AsymmetricWork, FailsWithTheDeviceIfSoftwareMayNotHelp) {
    EXPECT_EQ(in_child([] {
                  setenv("RINGSIDE_FAULTS", "remove,after=5", 1);
                  const Workplace place(GetParam());
                  int good = 0;
                  for (int i = 0; i < 20; ++i) {
                      good += place.run() ? 1 : 0;
                  }
                  require(good > 0 && good < 6, "it works, and then fails");
              }),
              0);
}

TEST_P(AsymmetricWork, BySynchronousCallersIsSoftwaresIfAsked) {
    const auto counts = counted([] {
        setenv("RINGSIDE_SYNC_CALLS", "software", 1);
        setenv("RINGSIDE_MIN_BYTES", "100000", 1);  // not of keys
        const Workplace place(GetParam());
        require(place.run(), "it works");
        TestJob job([&] { require(place.run(), "it works in a job"); });
        finish(job);
    });
    EXPECT_GE(counts.at("operations"), 2);
    EXPECT_LE(counts.at("operations"), 3);
    EXPECT_EQ(counts.at("software_synchronous"), 1);
}

INSTANTIATE_TEST_SUITE_P(Each, AsymmetricWork, ::testing::ValuesIn(works),
                         [](const auto& parameter) { return std::string(parameter.param.name); });

// ---- RSA answers that are wrong ----

constexpr const char* wrong_answers[] = {
    "wrong_crt_half,every=2,count=1000000",
    "flip_output,opcode=rsa_private,every=2,count=1000000,offset=17,value=64",
    "wrong_length,opcode=rsa_private,every=2,count=1000000,value=-1",
};

TEST(AsymmetricFaults, NoWrongRsaAnswerLeaves) {
    for (const char* plan : wrong_answers) {
        for (const Work& work : {works[0], works[3]}) {
            made_for(work);
            SCOPED_TRACE(std::string(plan) + " " + work.name);
            EXPECT_EQ(in_child([&] {
                          setenv("RINGSIDE_FAULTS", plan, 1);
                          const Workplace place(work);
                          int given = 0;
                          int good = 0;
                          for (int i = 0; i < 10; ++i) {
                              const Octets answer =
                                  work.prepare == nullptr
                                      ? sign(device_library(), place.ours, work.scheme, message)
                                      : crypt(device_library(), place.ours, false, place.text);
                              given += answer.empty() ? 0 : 1;
                              good += work.prepare == nullptr
                                          ? (verify(software_library(), place.their_public,
                                                    work.scheme, message, answer)
                                                 ? 1
                                                 : 0)
                                          : (answer == message ? 1 : 0);
                          }
                          require(given == good, "what is given is right");
                          require(given > 0 && given < 10, "some are not given");
                      }),
                      0);
            const auto counts = counted([&] {
                setenv("RINGSIDE_FAULTS", plan, 1);
                setenv("RINGSIDE_FALLBACK", "on", 1);
                const Workplace place(work);
                for (int i = 0; i < 10; ++i) {
                    require(place.run(), "with fallback all are given, and right");
                }
            });
            EXPECT_GT(counts.at("software_device_failed"), 0);
        }
    }
}

// ---- processes and threads ----

TEST(AsymmetricProcess, ThreadsShareAKey) {
    const auto counts = counted([] {
        const Workplace rsa(works[0]);
        const Workplace p256(works[5]);
        constexpr int count = 4;
        std::vector<std::thread> threads;
        threads.reserve(count);
        for (int i = 0; i < count; ++i) {
            threads.emplace_back([&] {
                for (int round = 0; round < 10; ++round) {
                    require(rsa.run() && p256.run(), "it works");
                }
            });
        }
        for (std::thread& thread : threads) {
            thread.join();
        }
    });
    EXPECT_GE(counts.at("operations"), 82);
}

TEST(AsymmetricProcess, AKeyServesOnInAChild) {
#if defined(__SANITIZE_THREAD__)
    GTEST_SKIP() << "ThreadSanitizer lets nobody start threads after such a fork";
#endif
    EXPECT_EQ(in_child([] {
                  const Workplace place(works[5]);
                  require(place.run(), "it works before");
                  require(in_child([&] {
                              require(place.run(), "it works in the child");
                              _exit(0);  // what its parent has is its parent's to free
                          }) == 0,
                          "the child ends well");
                  require(place.run(), "it works after");
              }),
              0);
}

// As a server does with the connection of a client that has gone.
TEST(AsymmetricProcess, AJobThatIsLeftBehindHarmsNobody) {
    for (const Work& work : {works[0], works[5], works[10]}) {
        made_for(work);
        EXPECT_EQ(in_child([&] {
                      Octets signature(512);
                      const Workplace place(work);
                      for (int i = 0; i < 5; ++i) {
                          KeyInBoth keys(made_for(work));
                          DigestContext context(EVP_MD_CTX_new());
                          EVP_DigestSignInit_ex(context.get(), nullptr, work.scheme.digest,
                                                device_library().context(), nullptr,
                                                keys.ours.get(), nullptr);
                          // Else libcrypto works on a copy, which is on the job's stack.
                          EVP_MD_CTX_set_flags(context.get(), EVP_MD_CTX_FLAG_FINALISE);
                          TestJob job([&] {
                              std::size_t size = signature.size();
                              EVP_DigestSign(context.get(), signature.data(), &size, message.data(),
                                             message.size());
                          });
                          job.enter();
                          job.free_ctx();
                          context.reset();
                          keys.ours.reset();
                          require(place.run(), "others go on");
                      }
                  }),
                  0)
            << work.name;
    }
}

TEST(AsymmetricProcess, FamiliesThatAreOffStayWithTheDefaultProvider) {
    EXPECT_EQ(in_child([] {
                  setenv("RINGSIDE_ALGORITHMS", "ECDSA", 1);
                  const auto has = [](auto* fetch, auto* free, const char* name) {
                      auto* const found =
                          fetch(device_library().context(), name, "ringside.offload=yes");
                      free(found);
                      return found != nullptr;
                  };
                  require(!has(&EVP_KEYMGMT_fetch, &EVP_KEYMGMT_free, "RSA"), "no RSA keys");
                  require(has(&EVP_KEYMGMT_fetch, &EVP_KEYMGMT_free, "EC"), "EC keys");
                  require(has(&EVP_SIGNATURE_fetch, &EVP_SIGNATURE_free, "ECDSA"), "ECDSA");
                  require(!has(&EVP_KEYEXCH_fetch, &EVP_KEYEXCH_free, "ECDH"), "no ECDH");
                  const KeyInBoth keys(software_library().generate("EC", "P-256"));
                  const KeyInBoth peer(software_library().generate("EC", "P-256"));
                  require(derive(device_library(), keys.ours, peer.our_public) ==
                              derive(software_library(), keys.theirs, peer.their_public),
                          "our keys serve the default provider's ECDH");
              }),
              0);
}

}  // namespace
}  // namespace ringside::testing
