// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// Asymmetric keys in processes of their own: that the work went through the device, counted there;
// what happens in jobs, threads and children, on the smallest ring, and when the chip computes
// wrongly; and TLS handshakes.

#include <deque>
#include <map>
#include <thread>

#include "asymmetric_fixture.hpp"

namespace ringside::testing {
namespace {

const Octets message(100, 0x5A);

/// One kind of work, with all that it needs; each call is one descriptor.
struct Work {
    const char* name;
    const char* type;
    const char* group;
    unsigned bits;
    Scheme scheme;
    bool (*prepare)(struct Workplace& place);
    bool (*run)(const struct Workplace& place);
};

/// Generated once in the parent, for all its children.
const Key& made_for(const Work& work) {
    static std::map<std::string, Key> keys;
    Key& key = keys[std::string(work.type) + (work.group != nullptr ? work.group : "")];
    if (key == nullptr) {
        key = software_library().generate(work.type, work.group, work.bits);
    }
    return key;
}

/// Made in the child, before any descriptor.
struct Workplace {
    explicit Workplace(const Work& what) : work(what), keys(made_for(what)) {
        require(is_ours(keys.ours), "the module loads");
        require(what.prepare == nullptr || what.prepare(*this), "the work is prepared");
    }
    bool run() const {
        const bool done = work.run(*this);
        ERR_clear_error();
        return done;
    }

    const Work& work;
    KeyInBoth keys;
    Key peer;          ///< key agreement: in our library
    Octets signature;  ///< verification
    Octets secret;     ///< key agreement: as software has it
    Octets text;       ///< RSA encryption
};

bool signs(const Workplace& place) {
    return verify(software_library(), place.keys.their_public, place.work.scheme, message,
                  sign(device_library(), place.keys.ours, place.work.scheme, message));
}
bool prepare_signature(Workplace& place) {
    place.signature = sign(software_library(), place.keys.theirs, place.work.scheme, message);
    return !place.signature.empty();
}
bool verifies(const Workplace& place) {
    return verify(device_library(), place.keys.our_public, place.work.scheme, message,
                  place.signature);
}
bool prepare_peer(Workplace& place) {
    KeyInBoth peer(software_library().generate(place.work.type, place.work.group));
    place.secret = derive(software_library(), place.keys.theirs, peer.their_public);
    place.peer = std::move(peer.our_public);
    return !place.secret.empty();
}
bool agrees(const Workplace& place) {
    return derive(device_library(), place.keys.ours, place.peer) == place.secret;
}

/// Encrypts or decrypts by OAEP.
Octets crypt(const Library& library, const Key& key, bool encrypts, const Octets& in) {
    const KeyContext context = library.of_key(key);
    Octets out(512);
    std::size_t size = out.size();
    const bool done =
        (encrypts ? EVP_PKEY_encrypt_init : EVP_PKEY_decrypt_init)(context.get()) == 1 &&
        EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_OAEP_PADDING) == 1 &&
        (encrypts ? EVP_PKEY_encrypt : EVP_PKEY_decrypt)(context.get(), out.data(), &size,
                                                         in.data(), in.size()) == 1;
    out.resize(done ? size : 0);
    return out;
}
bool encrypts(const Workplace& place) {
    return crypt(software_library(), place.keys.theirs, false,
                 crypt(device_library(), place.keys.our_public, true, message)) == message;
}
bool prepare_text(Workplace& place) {
    place.text = crypt(software_library(), place.keys.their_public, true, message);
    return !place.text.empty();
}
bool decrypts(const Workplace& place) {
    return crypt(device_library(), place.keys.ours, false, place.text) == message;
}

constexpr Scheme pkcs1{.digest = "SHA256", .padding = RSA_PKCS1_PADDING};
constexpr Scheme pss{
    .digest = "SHA256", .padding = RSA_PKCS1_PSS_PADDING, .salt_size = RSA_PSS_SALTLEN_DIGEST};
constexpr Scheme ecdsa{.digest = "SHA256"};

constexpr Work works[] = {
    {"RsaSign", "RSA", nullptr, 2048, pkcs1, nullptr, &signs},
    {"RsaPssSign", "RSA", nullptr, 2048, pss, nullptr, &signs},
    {"RsaVerify", "RSA", nullptr, 2048, pss, &prepare_signature, &verifies},
    {"RsaDecrypt", "RSA", nullptr, 2048, {}, &prepare_text, &decrypts},
    {"RsaEncrypt", "RSA", nullptr, 2048, {}, nullptr, &encrypts},
    {"P256Sign", "EC", "P-256", 0, ecdsa, nullptr, &signs},
    {"P384Verify", "EC", "P-384", 0, ecdsa, &prepare_signature, &verifies},
    {"P256Agree", "EC", "P-256", 0, {}, &prepare_peer, &agrees},
    {"P384Agree", "EC", "P-384", 0, {}, &prepare_peer, &agrees},
    {"X25519", "X25519", nullptr, 0, {}, &prepare_peer, &agrees},
    {"Ed25519Sign", "ED25519", nullptr, 0, {}, nullptr, &signs},
    {"Ed25519Verify", "ED25519", nullptr, 0, {}, &prepare_signature, &verifies},
};

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
        int good = 0;
        std::deque<TestJob> jobs;
        for (int i = 0; i < 24; ++i) {
            jobs.emplace_back([&] { good += place.run() ? 1 : 0; });
        }
        for (TestJob& job : jobs) {
            job.enter();
        }
        for (TestJob& job : jobs) {
            if (!job.finished()) {
                finish(job);
            }
        }
        require(good == 24, "every job works");
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
                                      ? sign(device_library(), place.keys.ours, work.scheme,
                                             message)
                                      : crypt(device_library(), place.keys.ours, false, place.text);
                              given += answer.empty() ? 0 : 1;
                              good += work.prepare == nullptr
                                          ? (verify(software_library(), place.keys.their_public,
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
        std::vector<std::thread> threads;
        for (int i = 0; i < 4; ++i) {
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
    EXPECT_EQ(in_child([] {
                  const Workplace place(works[5]);
                  require(place.run(), "it works before");
                  require(in_child([&] { require(place.run(), "it works in the child"); }) == 0,
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
