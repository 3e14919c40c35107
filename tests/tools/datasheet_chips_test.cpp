// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// The datasheet's tables of the chips that can be had by name are those of the code: a difference
// shows the tables as they should stand.

#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <iterator>
#include <string>

#include "ringside/core/chips.hpp"

namespace ringside::testing {
namespace {

using core::DeviceConfig;

std::string in_words(Duration time) {
    constexpr struct {
        std::int64_t ps;
        const char* unit;
    } units[] = {{1'000'000, " us"}, {1'000, " ns"}};
    for (const auto& unit : units) {
        if (time.count() >= unit.ps && time.count() % unit.ps == 0) {
            return std::to_string(time.count() / unit.ps) + unit.unit;
        }
    }
    return std::to_string(time.count()) + " ps";
}

std::string in_words(const core::ServiceTime& time) {
    const std::string per_byte = in_words(time.per_byte) + " a byte";
    return time.per_byte == Duration{} ? in_words(time.fixed)
                                       : in_words(time.fixed) + ", " + per_byte;
}

/// A row with a cell for each chip.
std::string row(const std::string& first, const std::function<std::string(DeviceConfig)>& cell) {
    std::string line = "| " + first + " |";
    for (const core::Chip& chip : core::chips()) {
        line += " " + cell(chip.config()) + " |";
    }
    return line + "\n";
}

std::string header(const std::string& first) {
    std::string line = "| " + first + " |";
    std::string rule = "\n|---|";
    for (const core::Chip& chip : core::chips()) {
        line += " " + std::string(chip.name) + " |";
        rule += "---|";
    }
    return line + rule + "\n";
}

std::string members() {
    constexpr struct {
        const char* name;
        std::uint32_t DeviceConfig::*member;
    } sizes[] = {
        {"queue_pairs", &DeviceConfig::queue_pairs},
        {"log2_max_entries", &DeviceConfig::log2_max_entries},
        {"max_sessions", &DeviceConfig::max_sessions},
        {"max_length", &DeviceConfig::max_length},
        {"max_list_entries", &DeviceConfig::max_list_entries},
        {"fetch_batch", &DeviceConfig::fetch_batch},
        {"slices", &DeviceConfig::slices},
        {"asymmetric_slices", &DeviceConfig::asymmetric_slices},
        {"packet_overhead", &DeviceConfig::packet_overhead},
        {"max_payload", &DeviceConfig::max_payload},
        {"max_read_request", &DeviceConfig::max_read_request},
        {"read_tags", &DeviceConfig::read_tags},
        {"posted_credits", &DeviceConfig::posted_credits},
    };
    constexpr struct {
        const char* name;
        Duration DeviceConfig::*member;
    } times[] = {
        {"credit_return", &DeviceConfig::credit_return},
        {"link_per_byte", &DeviceConfig::link_per_byte},
        {"doorbell", &DeviceConfig::doorbell},
        {"fetch", &DeviceConfig::fetch},
        {"dma_read", &DeviceConfig::dma_read},
        {"dma_write", &DeviceConfig::dma_write},
        {"completion", &DeviceConfig::completion},
        {"interrupt", &DeviceConfig::interrupt},
        {"enable", &DeviceConfig::enable},
        {"reset", &DeviceConfig::reset},
        {"self_test", &DeviceConfig::self_test},
    };
    std::string table = header("Member");
    for (const auto& size : sizes) {
        table += row(size.name, [&](const DeviceConfig& config) {
            return std::to_string(config.*size.member);
        });
    }
    for (const auto& time : times) {
        table += row(time.name,
                     [&](const DeviceConfig& config) { return in_words(config.*time.member); });
    }
    return table;
}

std::string service_times() {
    using core::ServiceTimes;
    constexpr struct {
        const char* name;
        core::ServiceTime ServiceTimes::*member;
    } by_byte[] = {
        {"aes_cbc", &ServiceTimes::aes_cbc},
        {"aes_ctr", &ServiceTimes::aes_ctr},
        {"aes_gcm", &ServiceTimes::aes_gcm},
        {"aes_xts", &ServiceTimes::aes_xts},
        {"chacha20_poly1305", &ServiceTimes::chacha20_poly1305},
        {"record", &ServiceTimes::record},
        {"hash", &ServiceTimes::hash},
        {"hmac", &ServiceTimes::hmac},
        {"derive", &ServiceTimes::derive},
        {"random", &ServiceTimes::random},
    };
    constexpr struct {
        const char* name;
        core::CurveTimes ServiceTimes::*member;
    } curves[] = {
        {"p256", &ServiceTimes::p256},
        {"p384", &ServiceTimes::p384},
        {"curve25519", &ServiceTimes::curve25519},
    };
    std::string table = header("Member of service");
    for (const auto& service : by_byte) {
        table += row(service.name, [&](const DeviceConfig& config) {
            return in_words(config.service.*service.member);
        });
    }
    table += row("rsa_2048_private", [](const DeviceConfig& config) {
        return in_words(config.service.rsa_2048_private);
    });
    table += row("rsa_2048_public", [](const DeviceConfig& config) {
        return in_words(config.service.rsa_2048_public);
    });
    for (const auto& curve : curves) {
        table +=
            row(std::string(curve.name) + ": SIGN, VERIFY, AGREE", [&](const DeviceConfig& config) {
                const core::CurveTimes& times = config.service.*curve.member;
                return in_words(times.sign) + ", " + in_words(times.verify) + ", " +
                       in_words(times.agree);
            });
    }
    return table;
}

std::string datasheet() {
    std::ifstream file(RINGSIDE_SOURCE_DIR "/docs/datasheet.md");
    return {std::istreambuf_iterator<char>(file), {}};
}

/// What stands between two markers of the datasheet.
std::string section(const std::string& name) {
    const std::string sheet = datasheet();
    const std::string begin = "<!-- " + name + ":begin -->\n";
    const auto from = sheet.find(begin);
    const auto to = sheet.find("<!-- " + name + ":end -->\n");
    if (from == std::string::npos || to == std::string::npos) {
        return "no markers of " + name;
    }
    return sheet.substr(from + begin.size(), to - from - begin.size());
}

TEST(DatasheetOfChips, HasTheirMembers) {
    EXPECT_EQ(section("chips"), members());
}

TEST(DatasheetOfChips, HasTheirServiceTimes) {
    EXPECT_EQ(section("services"), service_times());
}

/// What sets the pace of 16 KiB encryptions: the busier direction of the link, or the slices.
std::string narrowest(const DeviceConfig& config) {
    constexpr std::int64_t length = 16'384;
    constexpr std::int64_t output = length + 16;
    const std::int64_t packets = (output + config.max_payload - 1) / config.max_payload;
    const std::int64_t requests = length / config.max_read_request;
    const Duration link =
        config.link_per_byte * (output + (packets + requests) * config.packet_overhead);
    const core::ServiceTime service = config.service.aes_gcm;
    return link > (service.fixed + service.per_byte * length) / config.slices ? "link" : "slices";
}

TEST(DatasheetOfChips, SaysWhatIsNarrowestInEach) {
    const std::string sheet = datasheet();
    const auto table = sheet.find("### Chips\n");
    ASSERT_NE(table, std::string::npos);
    for (const core::Chip& chip : core::chips()) {
        const auto start = sheet.find("\n| " + std::string(chip.name) + " | ", table);
        ASSERT_NE(start, std::string::npos) << chip.name;
        const std::string line = sheet.substr(start, sheet.find('\n', start + 1) - start);
        const std::string last = " | " + narrowest(chip.config()) + " |";
        EXPECT_EQ(line.substr(line.size() - last.size()), last) << line;
    }
}

}  // namespace
}  // namespace ringside::testing
