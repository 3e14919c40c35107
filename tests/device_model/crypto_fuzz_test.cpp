// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// Damaged sessions and descriptors of every algorithm: each gets exactly one completion with a
// status of the datasheet, whatever its bytes, and the chip goes on. Replay a failure with --seed.

#include <algorithm>

#include "crypto_questions.hpp"
#include "ringside/base/prng.hpp"
#include "ringside/testing/seed.hpp"

namespace ringside::testing {
namespace {

class CryptoFuzz : public ::testing::Test {
  protected:
    /// One bit here and there, more or fewer bytes, or zeros.
    void damage(Bytes& bytes) {
        switch (prng.below(4)) {
            case 0:
                bytes.resize(prng.below(bytes.size() + 40));
                break;
            case 1:
                std::fill(bytes.begin(), bytes.end(), std::byte{0});
                break;
            default:
                for (std::uint64_t flips = prng.below(4); flips > 0 && !bytes.empty(); --flips) {
                    bytes[prng.below(bytes.size())] ^= static_cast<std::byte>(1 << prng.below(8));
                }
                break;
        }
    }
    std::uint16_t any_length(std::uint16_t right) {
        return static_cast<std::uint16_t>(prng.chance(1, 8) ? prng.below(600) : right);
    }
    /// A descriptor of `question`, a field or two of it wrong, its memory always there.
    spec::SubmissionEntry damaged(Question question, std::uint32_t session) {
        if (prng.chance(1, 2)) {
            damage(question.source);
        }
        question.room = prng.chance(1, 8) ? prng.below(600) : question.room;
        auto entry = bench.descriptor_of(question, session);
        entry.first_len = any_length(entry.first_len);
        entry.second_len = any_length(entry.second_len);
        if (prng.chance(1, 8)) {
            entry.tag_len = static_cast<std::uint8_t>(prng());
        }
        if (prng.chance(1, 8)) {
            entry.iv_len = static_cast<std::uint8_t>(prng.below(20));
        }
        if (prng.chance(1, 8)) {
            entry.opcode = static_cast<std::uint8_t>(0x10 + prng.below(0x16));
        }
        if (prng.chance(1, 4)) {
            entry.flags ^= static_cast<std::uint8_t>(spec::SubmissionFlag::decrypt);
        }
        return entry;
    }
    void expect_known(const spec::CompletionEntry& completion) {
        const spec::Status status = status_of(completion);
        switch (status.type) {
            case spec::StatusType::ok:
                ++answered;
                break;
            case spec::StatusType::request:
                EXPECT_GE(status.code, 1);
                EXPECT_LE(status.code, static_cast<int>(spec::RequestError::bad_list));
                break;
            case spec::StatusType::crypto:
                EXPECT_GE(status.code, 1);
                EXPECT_LE(status.code, static_cast<int>(spec::CryptoError::bad_key));
                ++withheld;
                break;
            default:
                ADD_FAILURE() << "status type " << static_cast<int>(status.type);
                break;
        }
    }

    Prng prng{seed(), "crypto fuzz"};
    CryptoBench bench;
    std::uint64_t answered = 0;
    std::uint64_t withheld = 0;
};

TEST_F(CryptoFuzz, DamagedDescriptorsAreAnsweredOnceAndTyped) {
    std::vector<std::pair<Question, std::uint32_t>> sessions;
    for (const Question& question : all_questions()) {
        sessions.emplace_back(question, bench.create_session(question.algorithm, question.key,
                                                             question.second_key, question.hash));
    }
    for (int i = 0; i < 4'000; ++i) {
        const auto& [question, session] = sessions[prng.below(sessions.size())];
        expect_known(bench.execute(SliceBench::io, damaged(question, session)));
    }
    EXPECT_GT(answered, 400u);
    EXPECT_GT(withheld, 100u);
    EXPECT_EQ(bench.read(spec::at("ERR_SRC").of()), 0u);
}

TEST_F(CryptoFuzz, DamagedKeysAreRefusedOrUsedWithoutHarm) {
    const auto questions = all_questions();
    for (int i = 0; i < 1'500; ++i) {
        Question question = questions[prng.below(questions.size())];
        damage(prng.chance(1, 2) ? question.key : question.second_key);
        if (prng.chance(1, 8)) {
            question.hash = static_cast<spec::Hash>(prng.below(10));
        }
        if (prng.chance(1, 8)) {
            question.algorithm = static_cast<spec::Algorithm>(prng.below(0x26));
        }
        const auto created = bench.execute(
            SliceBench::admin, bench.session_request(question.algorithm, question.key,
                                                     question.second_key, question.hash));
        expect_known(created);
        if (status_of(created).ok()) {
            expect_known(
                bench.execute(SliceBench::io, bench.descriptor_of(question, created.result)));
            auto destroy = descriptor(spec::Opcode::session_destroy);
            destroy.session = created.result;
            ASSERT_TRUE(bench.execute_status(SliceBench::admin, destroy).ok());
        }
    }
    EXPECT_GT(answered, 400u);
    EXPECT_GT(withheld, 100u);
}

}  // namespace
}  // namespace ringside::testing
