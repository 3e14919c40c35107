// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// How long a slice works on what, by the statistics register of slice time, and which watchdog
// watches it. Datasheet, "Service times".

#include <map>
#include <ostream>
#include <vector>

#include "crypto_questions.hpp"
#include "ringside/core/chips.hpp"

namespace ringside::testing {
namespace {

using spec::Algorithm;
using spec::Opcode;
using ::testing::ElementsAre;

constexpr core::ServiceTime per_byte(std::int64_t fixed_ns, std::int64_t byte_ns) {
    return {std::chrono::nanoseconds(fixed_ns), std::chrono::nanoseconds(byte_ns)};
}

/// Whole nanoseconds, all different.
constexpr core::ServiceTimes odd_times = {
    .aes_cbc = per_byte(101, 1),
    .aes_ctr = per_byte(112, 8),
    .aes_gcm = per_byte(123, 9),
    .aes_xts = per_byte(134, 10),
    .chacha20_poly1305 = per_byte(202, 2),
    .record = per_byte(303, 3),
    .hash = per_byte(404, 4),
    .hmac = per_byte(505, 5),
    .derive = per_byte(606, 6),
    .random = per_byte(707, 7),
    .rsa_2048_private = std::chrono::nanoseconds(8'000),
    .rsa_2048_public = std::chrono::nanoseconds(900),
    .p256 = {std::chrono::nanoseconds(1'001), std::chrono::nanoseconds(1'002),
             std::chrono::nanoseconds(1'003)},
    .p384 = {std::chrono::nanoseconds(1'101), std::chrono::nanoseconds(1'102),
             std::chrono::nanoseconds(1'103)},
    .curve25519 = {std::chrono::nanoseconds(1'201), std::chrono::nanoseconds(1'202),
                   std::chrono::nanoseconds(1'203)},
};

class BusyBench : public CryptoBench {
  public:
    using CryptoBench::CryptoBench;

    std::uint64_t busy_ns() {
        write(spec::at("STAT_SNAP").of(), 1);
        return read64(spec::at("STAT_BUSY_NS").of());
    }
    std::uint64_t time_of(const Question& question) {
        const std::uint64_t before = busy_ns();
        EXPECT_TRUE(ask(question).status.ok());
        return busy_ns() - before;
    }
};

class ServiceTimes : public ::testing::Test {
  protected:
    BusyBench bench{{.service = odd_times}};
};

/// By the tables of the datasheet, in nanoseconds.
std::uint64_t expected(const Question& question) {
    const std::uint64_t source = question.source.size();
    const bool signs = question.opcode == Opcode::sign;
    const bool agrees = question.opcode == Opcode::agree;
    switch (question.algorithm) {
        case Algorithm::aes_cbc:
            return 101 + source;
        case Algorithm::aes_ctr:
            return 112 + 8 * source;
        case Algorithm::aes_gcm:
            return 123 + 9 * source;
        case Algorithm::aes_xts:
            return 134 + 10 * source;
        case Algorithm::chacha20_poly1305:
            return 202 + 2 * source;
        case Algorithm::aes_cbc_hmac_sha1:
        case Algorithm::aes_cbc_hmac_sha256:
            return 303 + 3 * source;
        case Algorithm::hash:
            return 404 + 4 * source;
        case Algorithm::hmac:
            return 505 + 5 * source;
        case Algorithm::hkdf:
        case Algorithm::hkdf_extract:
        case Algorithm::hkdf_expand:
        case Algorithm::tls12_prf:
            return 606 + 6 * (source + question.room);
        case Algorithm::random:
            return 707 + 7 * question.room;
        case Algorithm::rsa:
            return question.opcode == Opcode::rsa_private ? 8'000 : 900;
        case Algorithm::ec_p256:
            return signs ? 1'001 : agrees ? 1'003 : 1'002;
        case Algorithm::ec_p384:
            return signs ? 1'101 : agrees ? 1'103 : 1'102;
        case Algorithm::x25519:
            return 1'203;
        case Algorithm::ed25519:
            return signs ? 1'201 + 2 * (404 + 4 * source) : 1'202 + 404 + 4 * source;
        default:
            ADD_FAILURE() << "no time of " << question;
            return 0;
    }
}

TEST_F(ServiceTimes, AreThoseOfTheConfiguration) {
    for (Question question : all_questions()) {
        EXPECT_EQ(bench.time_of(question), expected(question)) << question;
        const bool is_curve =
            question.algorithm == Algorithm::ec_p256 || question.algorithm == Algorithm::ec_p384;
        if (is_curve && question.opcode == Opcode::sign) {
            question.source = bench.ask(question).output + question.source;
            question.opcode = Opcode::verify;
            EXPECT_EQ(bench.time_of(question), expected(question)) << question;
        }
    }
}

// Any odd number with its top bit set will do for the public power.
TEST_F(ServiceTimes, OfRsaGrowWithTheModulus) {
    const Question question{.algorithm = Algorithm::rsa,
                            .opcode = Opcode::rsa_public,
                            .key = Bytes(512, std::byte{0xFF}) + from_hex("0000000000010001"),
                            .source = Bytes(1) + Bytes(511, std::byte{1}),
                            .room = 512};
    EXPECT_EQ(bench.time_of(question), 4u * 900);
    Question private_power = question;
    private_power.opcode = Opcode::rsa_private;
    private_power.second_key = Bytes(512 * 7 / 2, std::byte{0xFF});
    const std::uint64_t before = bench.busy_ns();
    bench.ask(private_power);  // what it gives does not matter
    EXPECT_EQ(bench.busy_ns() - before, 8u * 8'000);
}

/// By what a slice takes for so many bytes, the slowest last.
std::vector<Algorithm> aes_modes_by_time(const core::Chip& chip, std::size_t bytes) {
    BusyBench bench(chip.config());
    std::map<std::uint64_t, Algorithm> modes;
    for (Question question : cipher_questions()) {
        if (question.algorithm <= Algorithm::aes_xts) {
            question.source = some_bytes(bytes);
            question.room = bytes + 16;
            EXPECT_TRUE(modes.emplace(bench.time_of(question), question.algorithm).second)
                << chip.name << ": as long as another mode, " << question;
        }
    }
    std::vector<Algorithm> sorted;
    sorted.reserve(modes.size());
    for (const auto& [time, mode] : modes) {
        sorted.push_back(mode);
    }
    return sorted;
}

// GCM and XTS have more to do before the first block; only in CBC each waits for the one before.
TEST(AesModes, HaveTimesOfTheirOwnOnEachChipAndOvertakeCbcInLongOnes) {
    for (const core::Chip& chip : core::chips()) {
        if (chip.name != "slow-slices") {
            EXPECT_THAT(aes_modes_by_time(chip, 32),
                        ElementsAre(Algorithm::aes_ctr, Algorithm::aes_cbc, Algorithm::aes_xts,
                                    Algorithm::aes_gcm))
                << chip.name;
            EXPECT_THAT(aes_modes_by_time(chip, 4096),
                        ElementsAre(Algorithm::aes_ctr, Algorithm::aes_xts, Algorithm::aes_gcm,
                                    Algorithm::aes_cbc))
                << chip.name;
        }
    }
}

TEST(SlowSlices, TakeForAnyCipherTheSame) {
    BusyBench bench(core::find_chip("slow-slices")->config());
    for (const Question& question : cipher_questions()) {
        EXPECT_EQ(bench.time_of(question), 40'000u) << question;
    }
}

TEST(Watchdogs, WatchTheirOwnClassOfAlgorithms) {
    const auto hang = spec::Status::of(spec::StatusType::transport, spec::TransportError::hang);
    const auto status_with = [](const char* which, const Question& question) {
        CryptoBench bench;
        bench.write(which == std::string_view("symmetric") ? spec::at("WDT_SYM_US").of()
                                                           : spec::at("WDT_ASYM_US").of(),
                    1);
        return bench.ask(question).status;
    };
    for (const Question& question : all_questions()) {
        const bool is_asymmetric = static_cast<unsigned>(question.algorithm) >= 0x20;
        // Half a microsecond at most, but for derivations and random numbers.
        const bool is_short = !is_asymmetric && question.opcode != Opcode::derive &&
                              question.opcode != Opcode::random;
        EXPECT_EQ(status_with("symmetric", question),
                  is_asymmetric || is_short ? spec::Status{} : hang)
            << question;
        EXPECT_EQ(status_with("asymmetric", question), is_asymmetric ? hang : spec::Status{})
            << question;
    }
}

}  // namespace
}  // namespace ringside::testing
