// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// Descriptors field by field, and the words for errors.

#include "ringside/driver/requests.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <set>
#include <string>

#include "ringside/driver/error.hpp"
#include "ringside/driver/requests_asymmetric.hpp"

namespace ringside::driver {
namespace {

constexpr CipherBuffers buffers{.src{0x1000}, .src_len = 48, .dst{0x2000}, .dst_len = 64};

TEST(Requests, SessionParametersStandInDmaMemoryWithTheKey) {
    std::array<std::byte, 64> memory{};
    std::array<std::byte, 16> key;
    key.fill(std::byte{0xA5});
    std::array<std::byte, 20> mac_key;
    mac_key.fill(std::byte{0x5A});
    const SessionSpec session{.algorithm = spec::Algorithm::aes_cbc_hmac_sha1,
                              .key = key,
                              .second_key = mac_key,
                              .hash = spec::Hash::sha1};
    ASSERT_EQ(session.size(), 44u);
    write_session_parameters(memory, session);
    spec::SessionParameters parameters;
    std::memcpy(&parameters, memory.data(), sizeof parameters);
    EXPECT_EQ(parameters.algorithm, 5);
    EXPECT_EQ(parameters.hash, 1);
    EXPECT_EQ(parameters.key_len, 16);
    EXPECT_EQ(parameters.second_key_len, 20);
    EXPECT_EQ(std::memcmp(memory.data() + 8, key.data(), key.size()), 0);
    EXPECT_EQ(std::memcmp(memory.data() + 24, mac_key.data(), mac_key.size()), 0);
    EXPECT_EQ(memory[44], std::byte{0});
    const auto entry = session_create({0x3000}, session.size());
    EXPECT_EQ(entry.opcode, static_cast<std::uint8_t>(spec::Opcode::session_create));
    EXPECT_EQ(entry.src, 0x3000u);
    EXPECT_EQ(entry.src_len, 44u);
}

TEST(Requests, CipherDescriptorsCarryEveryField) {
    std::array<std::byte, 16> iv;
    iv.fill(std::byte{7});
    const auto gcm = aead(Direction::decrypt, 9, buffers, std::span(iv).first(12), 13, 16);
    EXPECT_EQ(gcm.opcode, static_cast<std::uint8_t>(spec::Opcode::cipher));
    EXPECT_EQ(gcm.flags, static_cast<std::uint8_t>(spec::SubmissionFlag::decrypt));
    EXPECT_EQ(gcm.session, 9u);
    EXPECT_EQ(gcm.src, 0x1000u);
    EXPECT_EQ(gcm.dst, 0x2000u);
    EXPECT_EQ(gcm.src_len, 48u);
    EXPECT_EQ(gcm.dst_len, 64u);
    EXPECT_EQ(gcm.first_len, 13);
    EXPECT_EQ(gcm.tag_len, 16);
    EXPECT_EQ(gcm.iv_len, 12);
    EXPECT_EQ(gcm.iv[11], 7);
    EXPECT_EQ(gcm.iv[12], 0);
    const auto cbc = aes_cbc(Direction::encrypt, 9, buffers, iv);
    EXPECT_EQ(cbc.flags, 0);
    EXPECT_EQ(cbc.iv_len, 16);
    EXPECT_EQ(cbc.iv[15], 7);
    EXPECT_EQ(cbc.tag_len, 0);
    EXPECT_EQ(session_destroy(9).session, 9u);
}

/// A descriptor that says this opcode and session and all of `buffers`, and is otherwise empty.
spec::SubmissionEntry plain(spec::Opcode opcode, const CipherBuffers& where) {
    spec::SubmissionEntry entry;
    entry.opcode = static_cast<std::uint8_t>(opcode);
    entry.session = 9;
    entry.src = where.src.value;
    entry.src_len = where.src_len;
    entry.dst = where.dst.value;
    entry.dst_len = where.dst_len;
    return entry;
}

spec::SubmissionEntry plain_cipher(std::span<const std::byte> iv) {
    spec::SubmissionEntry entry = plain(spec::Opcode::cipher, buffers);
    entry.iv_len = static_cast<std::uint8_t>(iv.size());
    std::memcpy(entry.iv, iv.data(), iv.size());
    return entry;
}

bool same(const spec::SubmissionEntry& a, const spec::SubmissionEntry& b) {
    return std::memcmp(&a, &b, sizeof a) == 0;
}

TEST(Requests, EachCommandSetsItsFieldsAndNoOther) {
    constexpr auto decrypt = static_cast<std::uint8_t>(spec::SubmissionFlag::decrypt);
    std::array<std::byte, 16> iv;
    iv.fill(std::byte{7});
    EXPECT_TRUE(same(aes_ctr(9, buffers, iv), plain_cipher(iv)));
    auto expected = plain_cipher(iv);
    EXPECT_TRUE(same(aes_xts(Direction::encrypt, 9, buffers, iv), expected));
    expected.flags = decrypt;
    EXPECT_TRUE(same(aes_xts(Direction::decrypt, 9, buffers, iv), expected));
    expected.first_len = 13;
    expected.second_len = 16;
    EXPECT_TRUE(same(tls_cbc_record(Direction::decrypt, 9, buffers, iv, 16), expected));
    expected.flags = 0;
    expected.second_len = 0;
    EXPECT_TRUE(same(tls_cbc_record(Direction::encrypt, 9, buffers, iv, 0), expected));
    EXPECT_TRUE(same(digest(9, buffers), plain(spec::Opcode::digest, buffers)));
    expected = plain(spec::Opcode::derive, buffers);
    expected.first_len = 20;
    expected.second_len = 28;
    EXPECT_TRUE(same(derive(9, buffers, 20, 28), expected));
    const CipherBuffers target{.dst{0x2000}, .dst_len = 40};
    EXPECT_TRUE(same(random(9, {0x2000}, 40), plain(spec::Opcode::random, target)));
}

TEST(Requests, KeyOperationsAreTheirOpcodesOverTheSessionsBuffers) {
    EXPECT_TRUE(same(rsa_private(9, buffers), plain(spec::Opcode::rsa_private, buffers)));
    EXPECT_TRUE(same(rsa_public(9, buffers), plain(spec::Opcode::rsa_public, buffers)));
    EXPECT_TRUE(same(sign(9, buffers), plain(spec::Opcode::sign, buffers)));
    EXPECT_TRUE(same(verify(9, buffers), plain(spec::Opcode::verify, buffers)));
    EXPECT_TRUE(same(agree(9, buffers), plain(spec::Opcode::agree, buffers)));
}

TEST(Errors, EveryCodeHasWordsOfItsOwn) {
    std::set<std::string> messages;
    for (int code = 1; code <= static_cast<int>(Errc::out_of_dma_memory); ++code) {
        EXPECT_TRUE(messages.insert(make_error_code(static_cast<Errc>(code)).message()).second);
    }
    EXPECT_EQ(messages.count("unknown driver error"), 0u);
    EXPECT_STREQ(driver_category().name(), "ringside.driver");
}

}  // namespace
}  // namespace ringside::driver
