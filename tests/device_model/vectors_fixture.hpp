// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// What tests on published vectors share.

#include "crypto_bench.hpp"
#include "ringside/testing/vectors.hpp"

namespace ringside::testing {

/// A test on published vectors.
class Vectors : public ::testing::Test {
  protected:
    void SetUp() override {
        if (!vectors_are_installed()) {
            GTEST_SKIP() << "install python3-cryptography-vectors";
        }
    }
    void expect(const Question& question, const Bytes& output) {
        const Answer answer = bench.ask(question);
        EXPECT_TRUE(answer.status.ok())
            << static_cast<int>(answer.status.type) << "/" << answer.status.code;
        EXPECT_EQ(answer.output, output);
        ++answered;
    }
    void expect_failure(const Question& question, spec::CryptoError error) {
        const Answer answer = bench.ask(question);
        EXPECT_EQ(answer.status, failed(error));
        EXPECT_TRUE(answer.output.empty());
        ++refused;
    }

    CryptoBench bench;
    std::size_t answered = 0;  ///< vectors that gave an output
    std::size_t refused = 0;   ///< and those that were to fail
};

}  // namespace ringside::testing
