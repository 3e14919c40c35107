// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// The making of X25519 keys in the device, as an application and libssl ask for it: the keys are
// what software makes of the same scalars, the device counts the work, and what the device cannot
// do, or has not done, never becomes a key by it.

#include <openssl/core_dispatch.h>
#include <openssl/proverr.h>

#include <set>

#include "asymmetric_work.hpp"

namespace ringside::testing {
namespace {

/// How a key is asked for.
using Request = bool (*)(EVP_PKEY_CTX* context);

bool by_group(EVP_PKEY_CTX* context) {
    return EVP_PKEY_keygen_init(context) == 1 &&
           EVP_PKEY_CTX_set_group_name(context, "X25519") == 1;
}
bool by_type(EVP_PKEY_CTX* context) {
    return EVP_PKEY_keygen_init(context) == 1;
}
/// OpenSSL 3.2's parameter for hybrid encryption; before, software takes no notice of it.
constexpr const char* seed_name = "dhkem-ikm";
bool by_seed(EVP_PKEY_CTX* context) {
    std::array<unsigned char, 32> seed{};
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(seed_name, seed.data(), seed.size()),
        OSSL_PARAM_construct_end()};
    return EVP_PKEY_keygen_init(context) == 1 && EVP_PKEY_CTX_set_params(context, params) == 1;
}
bool by_parameters_alone(EVP_PKEY_CTX* context) {
    return EVP_PKEY_paramgen_init(context) == 1;
}

/// Null: there is none.
Key make(Request request = &by_group) {
    const KeyContext context = device_library().of_type("X25519");
    EVP_PKEY* key = nullptr;
    if (request(context.get())) {
        EVP_PKEY_generate(context.get(), &key);
    }
    return Key(key);
}

/// As another provider computes the public half from the private one; PKCS #8 has no other.
bool is_what_software_makes(const Key& key) {
    std::array<unsigned char, 32> scalar{};
    std::size_t size = scalar.size();
    return EVP_PKEY_get_raw_private_key(key.get(), scalar.data(), &size) == 1 &&
           (scalar.front() & 7) == 0 && scalar.back() >> 6 == 1 &&
           public_der(key) == public_der(software_library().private_key(private_der(key)));
}

/// As one's own key and as the peer's.
bool agrees_with_software(const Key& key) {
    const KeyInBoth other(software_library().generate("X25519"));
    const KeyInBoth both(key);
    const Octets secret = derive(software_library(), other.theirs, both.their_public);
    return !secret.empty() && derive(device_library(), key, other.our_public) == secret &&
           derive(device_library(), other.ours, key) == secret;
}

TEST(KeyGeneration, GivesTheKeyThatSoftwareMakesOfTheScalar) {
    EXPECT_EQ(in_child([] {
                  std::set<Octets> different;
                  for (int i = 0; i < 20; ++i) {
                      const Key key = make(i % 2 == 0 ? &by_group : &by_type);
                      require(is_ours(key), "the provider has the key");
                      require(is_what_software_makes(key), "the halves belong together");
                      require(agrees_with_software(key), "the key agrees");
                      different.insert(private_der(key));
                  }
                  require(different.size() == 20, "the scalars are random");
              }),
              0);
}

TEST(KeyGeneration, IsADescriptorInTheSessionOfTheAgreementThatFollows) {
    constexpr int keys = 10;
    const auto counts = counted([] {
        const Key peer =
            device_library().import(software_library().generate("X25519"), EVP_PKEY_PUBLIC_KEY);
        for (int i = 0; i < keys; ++i) {
            require(!derive(device_library(), make(), peer).empty(), "the key agrees");
        }
    });
    const long on_rings = counts.at("submissions_accepted");
    EXPECT_EQ(on_rings, 2 * keys) << "the public half and the secret";
    // A session each; the end of the last one is not waited for.
    EXPECT_GE(counts.at("operations") - on_rings, 2 * keys - 1);
    EXPECT_LE(counts.at("operations") - on_rings, 2 * keys);
    EXPECT_EQ(counts.at("errors"), 0);
}

/// A chip that takes its time, by the wall clock: else it may be done before a job waits.
void slow_chip() {
    setenv("RINGSIDE_CHIP", "edge", 1);
    setenv("RINGSIDE_TIME", "paced", 1);
    setenv("RINGSIDE_FAULTS", "delay_completion,value=2000000,count=0", 1);
}

TEST(KeyGeneration, InAJobPausesForTheSessionAndForThePublicHalf) {
    EXPECT_EQ(in_child([] {
                  slow_chip();
                  Key key;
                  TestJob job([&] { key = make(); });
                  finish(job);
                  require(job.pauses() >= 2, "the job was paused");
                  require(is_what_software_makes(key), "the key is right");
              }),
              0);
}

TEST(KeyGeneration, InAJobThatIsLeftBehindHarmsNobody) {
    EXPECT_EQ(in_child([] {
                  slow_chip();
                  for (const int pauses : {1, 2}) {
                      KeyContext context = device_library().of_type("X25519");
                      EVP_PKEY* key = nullptr;
                      require(by_group(context.get()), "the generation begins");
                      TestJob job([&] { EVP_PKEY_generate(context.get(), &key); });
                      bool done = job.enter();
                      for (int i = 1; i < pauses && !done; ++i) {
                          pollfd entry{job.fd(), POLLIN, 0};
                          poll(&entry, 1, -1);
                          done = job.enter();
                      }
                      require(!done, "the job waits");
                      job.free_ctx();
                      context.reset();
                      EVP_PKEY_free(key);
                      require(is_what_software_makes(make()), "others go on");
                  }
              }),
              0);
}

/// Which generations are software's, and need no chip.
struct Software {
    const char* name;
    Request request;
    const char* option;
    const char* value;
};
constexpr Software in_software[] = {
    {"OfASeed", &by_seed, "RINGSIDE_LOG", "error"},
    {"OfParametersAlone", &by_parameters_alone, "RINGSIDE_LOG", "error"},
    {"OfAFamilyThatIsOff", &by_group, "RINGSIDE_ALGORITHMS", "RSA,ECDSA,ECDH,ED25519"},
    {"BySynchronousCallers", &by_group, "RINGSIDE_SYNC_CALLS", "software"},
};

class SoftwareGeneration : public ::testing::TestWithParam<Software> {};

TEST_P(SoftwareGeneration, DoesNotNeedTheDevice) {
    EXPECT_EQ(in_child([] {
                  setenv(GetParam().option, GetParam().value, 1);
                  const Key made = make(GetParam().request);
                  require(made != nullptr, "software makes it");
                  require(
                      GetParam().request == &by_parameters_alone || is_what_software_makes(made),
                      "the key is right");
                  require(!has_device(), "no device has started");
              }),
              0);
}

INSTANTIATE_TEST_SUITE_P(Each, SoftwareGeneration, ::testing::ValuesIn(in_software),
                         [](const auto& parameter) { return std::string(parameter.param.name); });

/// The provider's own functions for X25519 keys.
template <typename Function>
Function* key_function(const OSSL_PROVIDER* provider, int id) {
    int no_cache = 0;
    const OSSL_ALGORITHM* row = OSSL_PROVIDER_query_operation(provider, OSSL_OP_KEYMGMT, &no_cache);
    while (std::string(row->algorithm_names).rfind("X25519", 0) != 0) {
        ++row;
    }
    const OSSL_DISPATCH* entry = row->implementation;
    while (entry->function_id != id) {
        ++entry;
    }
    return reinterpret_cast<Function*>(entry->function);
}

/// provider-keymgmt(7) lets parameters come with the beginning; EVP sets them later.
TEST(KeyGeneration, LooksAtTheParametersThatComeWithItsBeginning) {
    std::array<unsigned char, 32> seed{};
    std::string group = "X25519";
    for (const bool is_seed : {true, false}) {
        EXPECT_EQ(
            in_child([&] {
                const OSSL_PARAM params[] = {
                    is_seed ? OSSL_PARAM_construct_octet_string(seed_name, seed.data(), seed.size())
                            : OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME,
                                                               group.data(), 0),
                    OSSL_PARAM_construct_end()};
                OSSL_PROVIDER* const ours =
                    OSSL_PROVIDER_load(device_library().context(), "ringside");
                void* const begun =
                    key_function<OSSL_FUNC_keymgmt_gen_init_fn>(ours, OSSL_FUNC_KEYMGMT_GEN_INIT)(
                        OSSL_PROVIDER_get0_provider_ctx(ours), OSSL_KEYMGMT_SELECT_KEYPAIR, params);
                require(begun != nullptr, "the generation begins");
                void* const key = key_function<OSSL_FUNC_keymgmt_gen_fn>(
                    ours, OSSL_FUNC_KEYMGMT_GEN)(begun, nullptr, nullptr);
                require(key != nullptr, "there is a key");
                require(has_device() != is_seed, "made where it should be");
                key_function<OSSL_FUNC_keymgmt_free_fn>(ours, OSSL_FUNC_KEYMGMT_FREE)(key);
                key_function<OSSL_FUNC_keymgmt_gen_cleanup_fn>(
                    ours, OSSL_FUNC_KEYMGMT_GEN_CLEANUP)(begun);
                OSSL_PROVIDER_unload(ours);
            }),
            0);
    }
}

TEST(KeyGeneration, RefusesTheGroupsThatSoftwareRefuses) {
    EXPECT_EQ(in_child([] {
                  const KeyContext context = device_library().of_type("X25519");
                  require(EVP_PKEY_keygen_init(context.get()) == 1, "the generation begins");
                  require(EVP_PKEY_CTX_set_group_name(context.get(), "X448") <= 0, "refused");
              }),
              0);
}

/// A device that goes, and one that writes too little.
constexpr const char* faults[] = {
    "remove,after=5",
    "wrong_length,opcode=agree,every=2,count=1000000,value=-1",
};

TEST(KeyGeneration, GivesAnErrorAndNoKeyWhenTheDeviceFails) {
    for (const char* plan : faults) {
        EXPECT_EQ(in_child([&] {
                      setenv("RINGSIDE_FAULTS", plan, 1);
                      int failed = 0;
                      for (int i = 0; i < 10; ++i) {
                          ERR_clear_error();
                          const Key key = make();
                          failed += key == nullptr ? 1 : 0;
                          require(key == nullptr ? ERR_GET_REASON(ERR_peek_error()) ==
                                                       PROV_R_FAILED_TO_GENERATE_KEY
                                                 : is_what_software_makes(key),
                                  "a right key, or an error that says so");
                      }
                      require(failed > 0 && failed < 10, "some are not made");
                  }),
                  0)
            << plan;
    }
}

TEST(KeyGeneration, GoesOnInSoftwareWhenTheDeviceHasFailed) {
    for (const char* plan : faults) {
        const auto counts = counted([&] {
            setenv("RINGSIDE_FAULTS", plan, 1);
            setenv("RINGSIDE_FALLBACK", "on", 1);
            for (int i = 0; i < 10; ++i) {
                require(is_what_software_makes(make()), "every key is right");
            }
        });
        EXPECT_GT(counts.at("software_device_failed"), 0) << plan;
    }
}

}  // namespace
}  // namespace ringside::testing
