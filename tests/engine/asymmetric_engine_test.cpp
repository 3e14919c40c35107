// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// RSA and EC keys of a process whose default ENGINE is ours: the work goes through the device,
// counted there, and the device, which has such keys itself, does not wait for itself.

#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/engine.h>

#include <thread>

#include "asymmetric_work.hpp"

namespace ringside::testing {
namespace {

/// The ENGINE becomes the process's default, and with it that of every key from then on.
const Library& engine_library() {
    static const Library library(false);
    static const bool is_default = [] {
        ENGINE_load_dynamic();
        ENGINE* const engine = ENGINE_by_id("dynamic");
        const bool done =
            ENGINE_ctrl_cmd_string(engine, "SO_PATH", RINGSIDE_MODULE_FOLDER "/ringside_engine.so",
                                   0) == 1 &&
            ENGINE_ctrl_cmd_string(engine, "LOAD", nullptr, 0) == 1 &&
            ENGINE_set_default(engine, ENGINE_METHOD_RSA | ENGINE_METHOD_EC) == 1;
        ENGINE_free(engine);
        return done;
    }();
    require(is_default, "the ENGINE loads");
    return library;
}

class EngineWork : public ::testing::TestWithParam<Work> {
  protected:
    void SetUp() override { made_for(GetParam()); }
};

TEST_P(EngineWork, IsADescriptorEachAndOneSession) {
    const auto counts = counted([] {
        const Workplace place(GetParam(), &engine_library);
        for (int i = 0; i < 10; ++i) {
            require(place.run(), "it works");
        }
    });
    EXPECT_GE(counts.at("operations"), 11);
    EXPECT_EQ(counts.at("errors"), 0);
}

TEST_P(EngineWork, InManyJobsOverARingOfTwoAllFinish) {
    const auto counts = counted([] {
        setenv("RINGSIDE_RING_ENTRIES", "2", 1);
        const Workplace place(GetParam(), &engine_library);
        require(place.run(), "the session exists");
        require(run_in_jobs(place, 16) == 16, "every job works");
    });
    EXPECT_GE(counts.at("operations"), 18);
}

TEST_P(EngineWork, GoesOnInSoftwareWhenTheDeviceHasFailed) {
    const auto counts = counted([] {
        setenv("RINGSIDE_FAULTS", "remove,after=5", 1);
        setenv("RINGSIDE_FALLBACK", "on", 1);
        const Workplace place(GetParam(), &engine_library);
        for (int i = 0; i < 12; ++i) {
            require(place.run(), "it works");
        }
    });
    EXPECT_GT(counts.at("software_device_failed"), 4);
}

TEST_P(EngineWork, StaysInSoftwareIfItsFamilyIsOff) {
    EXPECT_EQ(in_child([] {
                  setenv("RINGSIDE_ALGORITHMS", "AES-CBC", 1);
                  setenv("RINGSIDE_FAULTS", "remove", 1);
                  const Workplace place(GetParam(), &engine_library);
                  require(place.run(), "it works");
              }),
              0);
}

bool is_curve25519(const Work& work) {
    return std::string(work.type).find("25519") != std::string::npos;
}
std::vector<Work> works_of_engine() {
    std::vector<Work> mine(std::begin(works), std::end(works));
    mine.erase(std::remove_if(mine.begin(), mine.end(), &is_curve25519), mine.end());
    return mine;
}
INSTANTIATE_TEST_SUITE_P(Each, EngineWork, ::testing::ValuesIn(works_of_engine()),
                         [](const auto& parameter) { return std::string(parameter.param.name); });

TEST(EngineKeys, NoWrongRsaAnswerLeaves) {
    made_for(works[0]);
    EXPECT_EQ(in_child([] {
                  setenv("RINGSIDE_FAULTS", "wrong_crt_half,every=2,count=1000000", 1);
                  const Workplace place(works[0], &engine_library);
                  int given = 0;
                  for (int i = 0; i < 10; ++i) {
                      const Octets answer =
                          sign(*place.library, place.ours, place.work.scheme, message);
                      given += answer.empty() ? 0 : 1;
                      require(answer.empty() || verify(software_library(), place.their_public,
                                                       place.work.scheme, message, answer),
                              "what is given is right");
                  }
                  require(given > 0 && given < 10, "some are not given");
              }),
              0);
}

TEST(EngineKeys, AreSharedByThreadsAndMade) {
    made_for(works[0]);
    made_for(works[5]);
    EXPECT_EQ(in_child([] {
                  const Workplace rsa(works[0], &engine_library);
                  const Workplace p256(works[5], &engine_library);
                  constexpr int count = 4;
                  std::vector<std::thread> threads;
                  threads.reserve(count);
                  for (int i = 0; i < count; ++i) {
                      threads.emplace_back([&] {
                          for (int round = 0; round < 5; ++round) {
                              require(rsa.run() && p256.run(), "it works");
                          }
                      });
                  }
                  for (std::thread& thread : threads) {
                      thread.join();
                  }
                  for (const Workplace* place : {&rsa, &p256}) {
                      const Key made = place->library->generate(place->work.type, place->work.group,
                                                                place->work.bits);
                      require(verify(*place->library, made, place->work.scheme, message,
                                     sign(*place->library, made, place->work.scheme, message)),
                              "a new key signs");
                  }
              }),
              0);
}

// ANSI X9.31, what has no padding, and keys that the device does not take.
TEST(EngineKeys, DoWhatTheDeviceDoesNotAsBefore) {
    EXPECT_EQ(in_child([] {
                  const Key rsa = software_library().generate("RSA", nullptr, 1024);
                  const Key p521 = software_library().generate("EC", "P-521");
                  const Key p256 = software_library().generate("EC", "P-256");
                  const Library& library = engine_library();
                  const Scheme x931{.digest = "SHA256", .padding = RSA_X931_PADDING};
                  for (const auto& [key, scheme] :
                       {std::pair(&rsa, pkcs1), std::pair(&rsa, x931), std::pair(&p521, ecdsa)}) {
                      const Key ours = library.import(*key, EVP_PKEY_KEYPAIR);
                      require(verify(software_library(), *key, scheme, message,
                                     sign(library, ours, scheme, message)),
                              "it signs");
                      require(verify(library, ours, scheme, message,
                                     sign(software_library(), *key, scheme, message)),
                              "it verifies");
                  }
                  const Key ours = library.import(p256, EVP_PKEY_KEYPAIR);
                  Octets wrong = sign(library, ours, ecdsa, message);
                  wrong.back() ^= 1;
                  require(!verify(library, ours, ecdsa, message, wrong),
                          "what is wrong is refused");
              }),
              0);
}

}  // namespace
}  // namespace ringside::testing
