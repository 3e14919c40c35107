// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// A chip with a slice that computes wrongly never gets READY, after whatever reset; a healthy one
// takes exactly the time of reset and self-test. What is healthy is computed each time: libcrypto
// may have become wrong since.

#include <dlfcn.h>
#include <openssl/core_dispatch.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/provider.h>

#include <deque>
#include <ostream>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "crypto_library.hpp"
#include "crypto_questions.hpp"
#include "self_test.hpp"

namespace {

/// A function of libcrypto whose results are wrong.
enum class Wrong {
    nothing,
    cipher,
    digest,
    mac,
    kdf,
    random,
    rsa_private,
    rsa_public,
    sign,
    verify,
    agree,
    sign_message,
    verify_message,
};
Wrong wrong = Wrong::nothing;

/// Of what was done well, a bit of the last byte is another.
int spoil(Wrong what, int done, unsigned char* out, std::size_t length) {
    if (wrong == what && done == 1 && out != nullptr && length != 0) {
        out[length - 1] ^= 1;
    }
    return done;
}
/// A verdict is the contrary.
int spoil(Wrong what, int verdict) {
    return wrong == what ? (verdict == 1 ? 0 : 1) : verdict;
}

/// A cipher that leaves its output as it was.
int compute_nothing(void* /*context*/, unsigned char* /*out*/, std::size_t* length,
                    std::size_t /*room*/, const unsigned char* /*in*/, std::size_t in_length) {
    *length = in_length;
    return 1;
}
std::vector<OSSL_DISPATCH> idle_functions(const OSSL_DISPATCH* entry) {
    std::vector<OSSL_DISPATCH> functions;
    for (; entry->function_id != 0; ++entry) {
        functions.push_back(*entry);
        if (entry->function_id == OSSL_FUNC_CIPHER_UPDATE ||
            entry->function_id == OSSL_FUNC_CIPHER_CIPHER) {
            functions.back().function = reinterpret_cast<void (*)()>(&compute_nothing);
        }
    }
    functions.push_back({});
    return functions;
}

/// The library's function of the name of ours.
template <typename Function>
Function* library(Function* /*ours*/, const char* name) {
    return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

}  // namespace

// These stand before the library's in this program.

extern "C" {
/// The chip calls the ciphers of this table themselves (docs/decisions/0016).
const OSSL_ALGORITHM* OSSL_PROVIDER_query_operation(const OSSL_PROVIDER* provider, int operation,
                                                    int* no_cache) {
    const OSSL_ALGORITHM* const right =
        library(OSSL_PROVIDER_query_operation, "OSSL_PROVIDER_query_operation")(provider, operation,
                                                                                no_cache);
    if (wrong != Wrong::cipher || operation != OSSL_OP_CIPHER) {
        return right;
    }
    static std::deque<std::vector<OSSL_DISPATCH>> functions;
    static std::vector<OSSL_ALGORITHM> algorithms;
    if (algorithms.empty()) {
        for (const OSSL_ALGORITHM* row = right; row->algorithm_names != nullptr; ++row) {
            functions.push_back(idle_functions(row->implementation));
            algorithms.push_back(*row);
            algorithms.back().implementation = functions.back().data();
        }
        algorithms.push_back({});
    }
    return algorithms.data();
}
int EVP_DigestFinal_ex(EVP_MD_CTX* ctx, unsigned char* out, unsigned* size) {
    unsigned length = 0;
    const int done = library(EVP_DigestFinal_ex, "EVP_DigestFinal_ex")(ctx, out, &length);
    if (size != nullptr) {
        *size = length;
    }
    return spoil(Wrong::digest, done, out, length);
}
int EVP_MAC_final(EVP_MAC_CTX* ctx, unsigned char* out, std::size_t* length, std::size_t room) {
    const int done = library(EVP_MAC_final, "EVP_MAC_final")(ctx, out, length, room);
    return spoil(Wrong::mac, done, out, *length);
}
int EVP_KDF_derive(EVP_KDF_CTX* ctx, unsigned char* out, std::size_t length,
                   const OSSL_PARAM parameters[]) {
    const int done = library(EVP_KDF_derive, "EVP_KDF_derive")(ctx, out, length, parameters);
    return spoil(Wrong::kdf, done, out, length);
}
int EVP_RAND_generate(EVP_RAND_CTX* ctx, unsigned char* out, std::size_t length, unsigned strength,
                      int resistance, const unsigned char* more, std::size_t more_length) {
    const int done = library(EVP_RAND_generate, "EVP_RAND_generate")(ctx, out, length, strength,
                                                                     resistance, more, more_length);
    return spoil(Wrong::random, done, out, length);
}
int EVP_PKEY_decrypt(EVP_PKEY_CTX* ctx, unsigned char* out, std::size_t* length,
                     const unsigned char* in, std::size_t in_length) {
    const int done = library(EVP_PKEY_decrypt, "EVP_PKEY_decrypt")(ctx, out, length, in, in_length);
    return spoil(Wrong::rsa_private, done, out, *length);
}
int EVP_PKEY_encrypt(EVP_PKEY_CTX* ctx, unsigned char* out, std::size_t* length,
                     const unsigned char* in, std::size_t in_length) {
    const int done = library(EVP_PKEY_encrypt, "EVP_PKEY_encrypt")(ctx, out, length, in, in_length);
    return spoil(Wrong::rsa_public, done, out, *length);
}
int EVP_PKEY_sign(EVP_PKEY_CTX* ctx, unsigned char* out, std::size_t* length,
                  const unsigned char* in, std::size_t in_length) {
    const int done = library(EVP_PKEY_sign, "EVP_PKEY_sign")(ctx, out, length, in, in_length);
    return spoil(Wrong::sign, done, out, *length);
}
int EVP_PKEY_verify(EVP_PKEY_CTX* ctx, const unsigned char* signature, std::size_t length,
                    const unsigned char* in, std::size_t in_length) {
    return spoil(Wrong::verify, library(EVP_PKEY_verify, "EVP_PKEY_verify")(ctx, signature, length,
                                                                            in, in_length));
}
int EVP_PKEY_derive(EVP_PKEY_CTX* ctx, unsigned char* out, std::size_t* length) {
    const int done = library(EVP_PKEY_derive, "EVP_PKEY_derive")(ctx, out, length);
    return spoil(Wrong::agree, done, out, *length);
}
int EVP_DigestSign(EVP_MD_CTX* ctx, unsigned char* out, std::size_t* length,
                   const unsigned char* in, std::size_t in_length) {
    const int done = library(EVP_DigestSign, "EVP_DigestSign")(ctx, out, length, in, in_length);
    return spoil(Wrong::sign_message, done, out, *length);
}
int EVP_DigestVerify(EVP_MD_CTX* ctx, const unsigned char* signature, std::size_t length,
                     const unsigned char* in, std::size_t in_length) {
    return spoil(Wrong::verify_message, library(EVP_DigestVerify, "EVP_DigestVerify")(
                                            ctx, signature, length, in, in_length));
}
}

namespace ringside::testing {
namespace {

struct BrokenSlice {
    const char* what;
    core::SliceKind kind;
};

std::ostream& operator<<(std::ostream& out, const BrokenSlice& broken) {
    return out << broken.what;
}

class SelfTest : public ::testing::TestWithParam<BrokenSlice> {
  protected:
    SelfTest() : bench({.broken_slices = static_cast<std::uint8_t>(GetParam().kind)}) {}

    void expect_failure(std::uint32_t fatal_errors) {
        EXPECT_EQ(bench.state(), spec::DeviceState::error);
        EXPECT_TRUE(bench.has_error(spec::ErrorSource::self_test));
        EXPECT_EQ(bench.read(spec::at("ERR_CODE").of()), 13u);
        EXPECT_EQ(bench.read(spec::at("ERR_INFO").of()), 0xFFFFFFFFu);
        EXPECT_EQ(bench.read(spec::at("N_FATAL").of()), fatal_errors);
    }

    Bench bench;  ///< has tried to enable the chip
};

TEST_P(SelfTest, FindsABrokenSliceAtPowerOn) {
    expect_failure(1);
}

TEST_P(SelfTest, FindsItAgainAfterAReset) {
    bench.write(spec::at("RESET").of(), spec::reset_key);
    EXPECT_EQ(bench.state(), spec::DeviceState::reset);
    bench.run();
    expect_failure(1);
    bench.write(spec::at("CC").of(), 1);
    bench.run();
    EXPECT_EQ(bench.state(), spec::DeviceState::error);
}

TEST_P(SelfTest, FindsItAgainAfterAFunctionLevelReset) {
    bench.function_level_reset();
    bench.run();
    expect_failure(1);
}

// What a driver may write while the reset is under way does not make it less fatal.
TEST_P(SelfTest, IsFatalWhateverTheSeveritySays) {
    bench.write(spec::at("RESET").of(), spec::reset_key);
    bench.write(spec::at("ERR_SEV").of(), 0);
    bench.run();
    EXPECT_EQ(bench.state(), spec::DeviceState::error);
    EXPECT_TRUE(bench.has_error(spec::ErrorSource::self_test));
}

INSTANTIATE_TEST_SUITE_P(Slices, SelfTest,
                         ::testing::Values(BrokenSlice{"cipher", core::SliceKind::cipher},
                                           BrokenSlice{"record", core::SliceKind::record},
                                           BrokenSlice{"hash", core::SliceKind::hash},
                                           BrokenSlice{"derive", core::SliceKind::derive},
                                           BrokenSlice{"random", core::SliceKind::random},
                                           BrokenSlice{"rsa", core::SliceKind::rsa},
                                           BrokenSlice{"curve", core::SliceKind::curve}));

struct WrongFunction {
    const char* what;
    Wrong which;
};

std::ostream& operator<<(std::ostream& out, const WrongFunction& function) {
    return out << function.what;
}

/// A chip that has passed, on a libcrypto that gets wrong afterwards.
class WrongLibcrypto : public ::testing::TestWithParam<WrongFunction> {
  protected:
    ~WrongLibcrypto() override { wrong = Wrong::nothing; }

    void expect_next_reset_to_find_it(bool is_function_level) {
        ASSERT_EQ(bench.state(), spec::DeviceState::ready);
        wrong = GetParam().which;
        bench.reset(is_function_level);
        bench.run();
        expect_failure(bench);
        wrong = Wrong::nothing;
        bench.reset(is_function_level);
        bench.run();
        EXPECT_EQ(bench.state(), spec::DeviceState::disabled);
    }
    void expect_failure(const Bench& of) {
        EXPECT_EQ(of.state(), spec::DeviceState::error);
        EXPECT_TRUE(of.has_error(spec::ErrorSource::self_test));
    }

    Bench bench;
};

TEST_P(WrongLibcrypto, IsFoundByTheNextReset) {
    expect_next_reset_to_find_it(false);
}

TEST_P(WrongLibcrypto, IsFoundByTheNextFunctionLevelReset) {
    expect_next_reset_to_find_it(true);
}

TEST_P(WrongLibcrypto, IsFoundByTheNextChip) {
    ASSERT_EQ(bench.state(), spec::DeviceState::ready);
    wrong = GetParam().which;
    expect_failure(Bench());
    wrong = Wrong::nothing;
    EXPECT_EQ(Bench().state(), spec::DeviceState::ready);
}

INSTANTIATE_TEST_SUITE_P(
    Functions, WrongLibcrypto,
    ::testing::Values(WrongFunction{"cipher", Wrong::cipher},
                      WrongFunction{"digest", Wrong::digest}, WrongFunction{"MAC", Wrong::mac},
                      WrongFunction{"KDF", Wrong::kdf}, WrongFunction{"random", Wrong::random},
                      WrongFunction{"RSA, private", Wrong::rsa_private},
                      WrongFunction{"RSA, public", Wrong::rsa_public},
                      WrongFunction{"sign", Wrong::sign}, WrongFunction{"verify", Wrong::verify},
                      WrongFunction{"agree", Wrong::agree},
                      WrongFunction{"sign a message", Wrong::sign_message},
                      WrongFunction{"verify a message", Wrong::verify_message}));

TEST(KnownAnswers, AreAllComputed) {
    const core::CryptoLibrary library;
    for (core::KnownAnswer known : core::known_answers) {
        SCOPED_TRACE("algorithm " + std::to_string(static_cast<int>(known.algorithm)) +
                     ", command " + std::to_string(static_cast<int>(known.opcode)));
        EXPECT_TRUE(core::gives(library, std::span(&known, 1), 0));
        std::string other(known.answer);
        if (!other.empty()) {
            other.back() = other.back() == '0' ? '1' : '0';
            known.answer = other;
        } else if (known.fails) {
            known.fails.reset();
        } else {
            known.fails = spec::CryptoError::verify_failed;
        }
        EXPECT_FALSE(core::gives(library, std::span(&known, 1), 0));
    }
}

TEST(KnownAnswers, AreOfEachAlgorithmAndCommand) {
    std::set<std::pair<spec::Algorithm, spec::Opcode>> known;
    for (const auto& each : core::known_answers) {
        known.insert({each.algorithm, each.opcode});
    }
    for (const auto& pair : core::signed_and_verified) {
        known.insert({pair.algorithm, spec::Opcode::sign});
        known.insert({pair.algorithm, spec::Opcode::verify});
    }
    for (const Question& question : all_questions()) {
        EXPECT_TRUE(known.contains({question.algorithm, question.opcode})) << question;
    }
}

class BriefSelfTest : public ::testing::Test {
  protected:
    ~BriefSelfTest() override { wrong = Wrong::nothing; }

    const core::DeviceConfig config{.self_test_scope = core::SelfTestScope::aes};
};

TEST_F(BriefSelfTest, FindsEveryBrokenSlice) {
    for (unsigned kind = 1; kind <= static_cast<unsigned>(core::SliceKind::curve); kind <<= 1) {
        core::DeviceConfig broken = config;
        broken.broken_slices = static_cast<std::uint8_t>(kind);
        EXPECT_EQ(Bench(broken).state(), spec::DeviceState::error) << kind;
    }
}

TEST_F(BriefSelfTest, ComputesAesAfterEachReset) {
    Bench bench(config);
    ASSERT_EQ(bench.state(), spec::DeviceState::ready);
    wrong = Wrong::cipher;
    bench.device_reset();
    bench.run();
    EXPECT_EQ(bench.state(), spec::DeviceState::error);
    EXPECT_EQ(Bench(config).state(), spec::DeviceState::error);
}

TEST(HealthySlices, PassInTheTimeOfResetAndSelfTest) {
    const core::DeviceConfig config;
    Bench bench(config);
    bench.write(spec::at("RESET").of(), spec::reset_key);
    bench.run_for(config.reset + config.self_test - Duration(1));
    EXPECT_EQ(bench.state(), spec::DeviceState::reset);
    bench.run_for(Duration(1));
    EXPECT_EQ(bench.state(), spec::DeviceState::disabled);
    EXPECT_EQ(bench.read(spec::at("ERR_SRC").of()), 0u);
}

}  // namespace
}  // namespace ringside::testing
