// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// The datasheet tells of the chip that is modelled: its register tables are those of the spec
// table, its layouts those of the wire structs, its codes, times and sizes those of the code.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "chip_bench.hpp"
#include "datasheet_names.hpp"
#include "program.hpp"
#include "ringside/base/time.hpp"
#include "ringside/core/device.hpp"
#include "ringside/spec/faults.hpp"
#include "ringside/spec/pci_config.hpp"
#include "ringside/spec/registers.hpp"
#include "ringside/spec/wire.hpp"

namespace ringside::testing {
namespace {

using ::testing::_;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

using Row = std::vector<std::string>;

std::string hex(std::size_t value) {
    char text[24];
    std::snprintf(text, sizeof text, "%02zXh", value);
    return text;
}

class Datasheet : public ::testing::Test {
  protected:
    static constexpr std::string_view begin = "<!-- registers:begin -->\n";
    static constexpr std::string_view end = "<!-- registers:end -->\n";

    void SetUp() override {
        std::ifstream file(RINGSIDE_SOURCE_DIR "/docs/datasheet.md");
        const std::string sheet(std::istreambuf_iterator<char>(file), {});
        const auto from = sheet.find(begin);
        const auto to = sheet.find(end);
        ASSERT_NE(from, std::string::npos);
        ASSERT_LT(from, to);
        ASSERT_NE(to, std::string::npos);
        registers_ = sheet.substr(from + begin.size(), to - from - begin.size());
        prose_ = sheet.substr(0, from) + sheet.substr(to + end.size());
    }

    /// The rows, cut to `columns` cells, of the table under a heading of the prose that has this
    /// header; none: no such table.
    std::vector<Row> table(const std::string& heading, const std::string& header,
                           std::size_t columns) const {
        const auto section = prose_.find("# " + heading + "\n");
        const auto section_end = prose_.find("\n#", section);
        const auto start = prose_.find("\n" + header + "\n", section);
        if (section == std::string::npos || start >= section_end) {
            ADD_FAILURE() << "no table " << header << " under " << heading;
            return {};
        }
        std::istringstream lines(prose_.substr(start + 1, section_end - start - 1));
        std::string line;
        std::getline(lines, line);
        std::getline(lines, line);  // |---|
        std::vector<Row> rows;
        while (std::getline(lines, line) && line.front() == '|') {
            rows.push_back(cells(line));
            rows.back().resize(columns);
        }
        return rows;
    }

    /// Whether the prose has `name` as a word of its own.
    bool names(std::string_view name) const {
        const auto in_word = [](char c) {
            return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
        };
        for (auto at = prose_.find(name); at != std::string::npos; at = prose_.find(name, at + 1)) {
            if (!in_word(prose_[at - 1]) && !in_word(prose_[at + name.size()])) {
                return true;
            }
        }
        return false;
    }

    std::string registers_;  ///< the generated section
    std::string prose_;      ///< everything else

  private:
    static Row cells(const std::string& line) {
        Row row;
        std::istringstream rest(line.substr(1));
        for (std::string cell; std::getline(rest, cell, '|');) {
            const auto first = cell.find_first_not_of(' ');
            const auto last = cell.find_last_not_of(' ');
            row.push_back(first == std::string::npos ? "" : cell.substr(first, last - first + 1));
        }
        return row;
    }
};

TEST_F(Datasheet, RegisterTablesAreThePrintedOnes) {
    EXPECT_EQ(registers_, run_program({"regs", "--format", "md"}).out)
        << "run tools/refresh-datasheet";
}

TEST_F(Datasheet, EveryRegisterHasItsPlaceInTheProse) {
    for (const auto& block : spec::blocks) {
        for (const auto& reg : block.registers) {
            EXPECT_TRUE(names(reg.name)) << reg.name;
        }
    }
}

/// "REGISTER.FIELD", wherever the prose says so.
std::set<std::string> fields_named_in(const std::string& prose) {
    const auto in_name = [](char c) {
        return std::isupper(static_cast<unsigned char>(c)) != 0 ||
               std::isdigit(static_cast<unsigned char>(c)) != 0 || c == '_';
    };
    std::set<std::string> names;
    for (auto dot = prose.find('.'); dot != std::string::npos; dot = prose.find('.', dot + 1)) {
        auto from = dot;
        auto to = dot + 1;
        while (from > 0 && in_name(prose[from - 1])) {
            --from;
        }
        while (to < prose.size() && in_name(prose[to])) {
            ++to;
        }
        if (from != dot && to != dot + 1 && std::isalpha(static_cast<unsigned char>(prose[from]))) {
            names.insert(prose.substr(from, to - from));
        }
    }
    return names;
}

TEST_F(Datasheet, EveryFieldThatTheProseNamesExists) {
    std::set<std::string> known;
    for (const auto& block : spec::blocks) {
        for (const auto& reg : block.registers) {
            for (const auto& field : reg.fields) {
                known.insert(std::string(reg.name) + "." + std::string(field.name));
            }
        }
    }
    const auto named = fields_named_in(prose_);
    EXPECT_THAT(named, Contains("CQ_DB.ARM"));
    for (const std::string& name : named) {
        EXPECT_EQ(known.count(name), 1u) << name;
    }
}

TEST_F(Datasheet, EveryLinkLeadsToAHeading) {
    std::set<std::string> anchors;
    for (auto at = prose_.find("\n#"); at != std::string::npos; at = prose_.find("\n#", at + 1)) {
        const auto from = prose_.find(' ', at) + 1;
        std::string anchor;
        for (const char c : prose_.substr(from, prose_.find('\n', from) - from)) {
            anchor += c == ' ' ? '-' : static_cast<char>(std::tolower(c));
        }
        anchors.insert(anchor);
    }
    std::size_t links = 0;
    for (auto at = prose_.find("](#"); at != std::string::npos; at = prose_.find("](#", at + 1)) {
        ++links;
        EXPECT_THAT(anchors, Contains(prose_.substr(at + 3, prose_.find(')', at) - at - 3)));
    }
    EXPECT_GT(links, 15u);
}

// ---- layouts ----

struct Member {
    std::string name;
    std::size_t offset;
    std::size_t size;
};
#define MEMBER(type, name) \
    { #name, offsetof(spec::type, name), sizeof(spec::type::name) }

struct Layout {
    const char* heading;
    std::size_t size;
    std::vector<Member> members;
};

const Layout layouts[] = {
    {"Submission entry",
     sizeof(spec::SubmissionEntry),
     {MEMBER(SubmissionEntry, opcode), MEMBER(SubmissionEntry, flags), MEMBER(SubmissionEntry, cid),
      MEMBER(SubmissionEntry, session), MEMBER(SubmissionEntry, user_tag),
      MEMBER(SubmissionEntry, src), MEMBER(SubmissionEntry, dst), MEMBER(SubmissionEntry, src_len),
      MEMBER(SubmissionEntry, dst_len), MEMBER(SubmissionEntry, first_len),
      MEMBER(SubmissionEntry, second_len), MEMBER(SubmissionEntry, reserved),
      MEMBER(SubmissionEntry, tag_len), MEMBER(SubmissionEntry, iv_len),
      MEMBER(SubmissionEntry, iv)}},
    {"List entry",
     sizeof(spec::ListEntry),
     {MEMBER(ListEntry, address), MEMBER(ListEntry, length), MEMBER(ListEntry, flags)}},
    {"Completion entry",
     sizeof(spec::CompletionEntry),
     {MEMBER(CompletionEntry, user_tag), MEMBER(CompletionEntry, result),
      MEMBER(CompletionEntry, detail), MEMBER(CompletionEntry, latency_ns),
      MEMBER(CompletionEntry, reserved), MEMBER(CompletionEntry, sq_head),
      MEMBER(CompletionEntry, qid), MEMBER(CompletionEntry, cid), MEMBER(CompletionEntry, status)}},
    {"Session parameters",
     sizeof(spec::SessionParameters),
     {MEMBER(SessionParameters, algorithm), MEMBER(SessionParameters, hash),
      MEMBER(SessionParameters, key_len), MEMBER(SessionParameters, second_key_len),
      MEMBER(SessionParameters, reserved)}},
    {"Log entry",
     sizeof(spec::LogEntry),
     {MEMBER(LogEntry, time_ns), MEMBER(LogEntry, address), MEMBER(LogEntry, source),
      MEMBER(LogEntry, queue), MEMBER(LogEntry, cid), MEMBER(LogEntry, serial)}},
};
#undef MEMBER

TEST_F(Datasheet, LayoutsAreThoseOfTheWireStructs) {
    for (const Layout& layout : layouts) {
        SCOPED_TRACE(layout.heading);
        std::vector<Row> expected;
        std::size_t position = 0;
        for (const Member& member : layout.members) {
            EXPECT_EQ(member.offset, position) << "a member is missing before " << member.name;
            position = member.offset + member.size;
            expected.push_back({hex(member.offset), std::to_string(member.size), member.name});
        }
        EXPECT_EQ(position, layout.size) << "a member is missing at the end";
        EXPECT_EQ(table(layout.heading, "| Offset | Bytes | Field | Meaning |", 3), expected);
    }
}

// ---- codes ----

/// The enumerators in the order of their values.
template <typename Enum>
std::vector<std::pair<unsigned, std::string>> values_of() {
    std::vector<std::pair<unsigned, std::string>> values;
    for (unsigned value = 0; value <= 0xFF; ++value) {
        if (const char* name = name_of(static_cast<Enum>(value))) {
            values.emplace_back(value, name);
        }
    }
    return values;
}

/// Rows of one cell, "value name".
template <typename Enum>
std::vector<Row> numbered() {
    std::vector<Row> rows;
    for (const auto& [value, name] : values_of<Enum>()) {
        rows.push_back({std::to_string(value) + " " + name});
    }
    return rows;
}

template <typename Code>
void add_codes(std::vector<Row>& rows, spec::StatusType type) {
    const std::string cell = std::to_string(static_cast<unsigned>(type)) + " " + name_of(type);
    for (const auto& [value, name] : values_of<Code>()) {
        rows.push_back({cell, std::to_string(value), name});
    }
}

TEST_F(Datasheet, StatusCodesAreThoseOfTheSpec) {
    std::vector<Row> expected;
    for (const auto& [value, name] : values_of<spec::StatusType>()) {
        const auto type = static_cast<spec::StatusType>(value);
        switch (type) {
            case spec::StatusType::ok:
                expected.push_back({"0 OK", "0", "OK"});
                break;
            case spec::StatusType::request:
                add_codes<spec::RequestError>(expected, type);
                break;
            case spec::StatusType::crypto:
                add_codes<spec::CryptoError>(expected, type);
                break;
            case spec::StatusType::transport:
                add_codes<spec::TransportError>(expected, type);
                break;
            case spec::StatusType::aborted:
                add_codes<spec::AbortReason>(expected, type);
                break;
        }
    }
    EXPECT_EQ(table("Status", "| Type | Code | Name | When |", 3), expected);
}

TEST_F(Datasheet, CommandsAreThoseOfTheSpec) {
    std::vector<Row> commands =
        table("Commands", "| Opcode | Queue | Command | Uses | Result |", 3);
    for (Row& row : commands) {
        row.erase(row.begin() + 1);
    }
    std::vector<Row> expected;
    for (const auto& [value, name] : values_of<spec::Opcode>()) {
        expected.push_back({hex(value), name});
    }
    EXPECT_EQ(commands, expected);
}

TEST_F(Datasheet, FlagsAreThoseOfTheSpec) {
    std::vector<Row> expected;
    for (unsigned bit = 0; bit < 8; ++bit) {
        if (const char* name = name_of(static_cast<spec::SubmissionFlag>(1u << bit))) {
            expected.push_back({std::to_string(bit), name});
        }
    }
    EXPECT_EQ(table("Submission entry", "| Bit | Flag | Meaning |", 2), expected);
}

/// As the datasheet calls it.
std::string name_of(spec::FaultSite site) {
    switch (site) {
        case spec::FaultSite::fetch:
            return "fetch";
        case spec::FaultSite::descriptor_read:
            return "descriptor read";
        case spec::FaultSite::source:
            return "source";
        case spec::FaultSite::slice:
            return "slice";
        case spec::FaultSite::verdict:
            return "verdict";
        case spec::FaultSite::crt:
            return "crt";
        case spec::FaultSite::output:
            return "output";
        case spec::FaultSite::completion:
            return "completion";
        case spec::FaultSite::interrupt:
            return "interrupt";
        case spec::FaultSite::doorbell:
            return "doorbell";
        case spec::FaultSite::head_doorbell:
            return "head doorbell";
        case spec::FaultSite::register_read:
            return "register read";
        case spec::FaultSite::device_reset:
            return "device reset";
        case spec::FaultSite::queue_reset:
            return "queue reset";
    }
    return "";
}

TEST_F(Datasheet, FaultsAreThoseOfTheSpec) {
    std::vector<Row> kinds;
    std::set<Row> sites;
    for (const spec::FaultInfo& info : spec::fault_kinds) {
        const std::string value =
            info.value_doc.empty()
                ? "-"
                : std::string(info.value_doc) + " (" + std::to_string(info.usual_value) + ")";
        kinds.push_back({std::to_string(static_cast<unsigned>(info.kind)), std::string(info.name),
                         name_of(info.site), value, std::string(info.doc)});
        sites.insert({name_of(info.site), spec::has_queue(info.site) ? "yes" : "no",
                      spec::has_opcode(info.site) ? "yes" : "no"});
    }
    EXPECT_EQ(table("Faults", "| KIND | Name | Site | FI_VALUE | What happens |", 5), kinds);
    auto told = table("Fault injection", "| Site | Its events | Queue pair | Opcode |", 4);
    for (Row& row : told) {
        row.erase(row.begin() + 1);
    }
    EXPECT_EQ(std::set<Row>(told.begin(), told.end()), sites);
}

TEST_F(Datasheet, StatesAreThoseOfTheSpec) {
    EXPECT_EQ(table("Chip", "| CSTS.STATE | Meaning | Fetches | Left by |", 1),
              numbered<spec::DeviceState>());
    EXPECT_EQ(table("Resets", "| Q_STS.STATE | Meaning | Left by |", 1),
              numbered<spec::QueueState>());
}

TEST_F(Datasheet, AlgorithmsAreThoseOfTheSpec) {
    std::vector<Row> expected;
    for (const auto& [value, name] : values_of<spec::Algorithm>()) {
        expected.push_back({hex(value), name});
    }
    EXPECT_EQ(
        table("Algorithms",
              "| No. | Algorithm | Commands | hash | key_len | second_key_len | Capability |", 2),
        expected);
    EXPECT_EQ(table("Hashes", "| Hash | Bytes of digest |", 1), numbered<spec::Hash>());
}

TEST_F(Datasheet, ErrorSourcesAreThoseOfTheSpec) {
    auto sources =
        table("Errors", "| Bit | Source | When | The operation | The queue pair | ERR_ADDR |", 2);
    sources.erase(std::unique(sources.begin(), sources.end()), sources.end());
    std::vector<Row> expected;
    for (const spec::Field& field : spec::reg("ERR_SRC").fields) {
        expected.push_back({std::to_string(field.lsb), std::string(field.name)});
    }
    EXPECT_EQ(sources, expected);
}

// ---- numbers ----

std::string in_words(Duration time) {
    const auto ps = to_ps(Time{time});
    return ps % 1000 == 0 ? std::to_string(ps / 1000) + " ns" : std::to_string(ps) + " ps";
}

TEST_F(Datasheet, TimesAreTheDefaultsOfTheModel) {
    const core::DeviceConfig config;
    std::vector<Row> stages = table("Stages", "| Stage | Standard | Member | |", 3);
    for (Row& row : stages) {
        row.erase(row.begin());
    }
    EXPECT_THAT(stages, ElementsAre(ElementsAre(in_words(config.doorbell), "doorbell"),
                                    ElementsAre(in_words(config.fetch), "fetch"),
                                    ElementsAre(in_words(config.dma_read), "dma_read"),
                                    ElementsAre(in_words(config.dma_read), "dma_read"),
                                    ElementsAre(in_words(config.link_per_byte), "link_per_byte"),
                                    ElementsAre("[below](#service-times)", "service"),
                                    ElementsAre(in_words(config.dma_write), "dma_write"),
                                    ElementsAre(in_words(config.link_per_byte), "link_per_byte"),
                                    ElementsAre(in_words(config.completion), "completion"),
                                    ElementsAre(in_words(config.interrupt), "interrupt"),
                                    ElementsAre(in_words(config.enable), "enable"),
                                    ElementsAre(in_words(config.reset), "reset"),
                                    ElementsAre(in_words(config.self_test), "self_test")));
}

TEST_F(Datasheet, ServiceTimesAreTheDefaultsOfTheModel) {
    const core::ServiceTimes times;
    const auto row = [](const core::ServiceTime& time, const char* name) {
        return Row{in_words(time.fixed), in_words(time.per_byte), name};
    };
    std::vector<Row> services =
        table("Service times", "| Algorithm | Fixed | A byte | Member of service | Bytes |", 4);
    for (Row& service : services) {
        service.erase(service.begin());
    }
    EXPECT_EQ(services, (std::vector<Row>{
                            row(times.aes_cbc, "aes_cbc"),
                            row(times.aes_ctr, "aes_ctr"),
                            row(times.aes_gcm, "aes_gcm"),
                            row(times.aes_xts, "aes_xts"),
                            row(times.chacha20_poly1305, "chacha20_poly1305"),
                            row(times.record, "record"),
                            row(times.hash, "hash"),
                            row(times.hmac, "hmac"),
                            row(times.derive, "derive"),
                            row(times.random, "random"),
                            {in_words(times.rsa_2048_private), "-", "rsa_2048_private"},
                            {in_words(times.rsa_2048_public), "-", "rsa_2048_public"},
                        }));
    const auto curve = [](const char* title, const core::CurveTimes& time, const char* name) {
        return Row{title, in_words(time.sign), in_words(time.verify), in_words(time.agree), name};
    };
    EXPECT_EQ(
        table("Service times", "| Curve | SIGN | VERIFY | AGREE | Member of service |", 5),
        (std::vector<Row>{curve("P-256", times.p256, "p256"), curve("P-384", times.p384, "p384"),
                          curve("X25519, Ed25519", times.curve25519, "curve25519")}));
}

/// What the chip shows in "REGISTER" or "REGISTER.FIELD".
std::uint64_t shown_by(Bench& chip, const std::string& name) {
    for (const spec::Register& reg : spec::blocks[0].registers) {
        const std::uint32_t value = name.rfind(reg.name, 0) == 0 ? chip.read(reg.offset) : 0;
        if (name == reg.name) {
            return value;
        }
        for (const spec::Field& field : reg.fields) {
            if (name == std::string(reg.name) + "." + std::string(field.name)) {
                return field.get(value);
            }
        }
    }
    ADD_FAILURE() << "no register " << name;
    return 0;
}

TEST_F(Datasheet, SizesAreThoseOfTheStandardChip) {
    const core::DeviceConfig config;
    Bench chip;
    std::vector<Row> sizes = table("Sizes", "| Size | Standard | Member | Register |", 4);
    for (Row& row : sizes) {
        if (row[3] != "-") {
            EXPECT_EQ(row[1], std::to_string(shown_by(chip, row[3]))) << row[3];
        }
        row = {row[1], row[2]};
    }
    const auto size = [](std::uint32_t value, const char* member) {
        return ElementsAre(std::to_string(value), member);
    };
    EXPECT_THAT(sizes, ElementsAre(size(config.queue_pairs, "queue_pairs"),
                                   size(config.log2_max_entries, "log2_max_entries"),
                                   size(config.max_sessions, "max_sessions"),
                                   size(config.max_length, "max_length"),
                                   size(config.max_list_entries, "max_list_entries"),
                                   ElementsAre(std::to_string(spec::max_vectors), "-"),
                                   size(config.slices, "slices"),
                                   size(config.asymmetric_slices, "asymmetric_slices"),
                                   size(config.fetch_batch, "fetch_batch"), ElementsAre(_, "-")));
}

TEST_F(Datasheet, WhatItSaysOfAChipAtRestIsSo) {
    Bench chip;
    chip.enable_queue(1, 2);
    const auto latency_ns = chip.execute(1, nop(1)).latency_ns;
    EXPECT_THAT(prose_, HasSubstr("fetch to completion: " + std::to_string(latency_ns) + " ns."));
    chip.write(spec::at("RESET").of(), spec::reset_key);
    chip.run();
    char text[16];
    std::snprintf(text, sizeof text, "%08Xh", chip.read(spec::at("CSTS").of()));
    EXPECT_THAT(prose_, HasSubstr("CSTS thus reads " + std::string(text) + " after a reset."));
}

TEST_F(Datasheet, CapabilitiesStandWhereTheSpecHasThem) {
    namespace pci = spec::pci;
    std::vector<Row> expected;
    for (const std::uint16_t offset :
         {std::uint16_t{0}, pci::power_management, pci::msix_capability, pci::express_capability,
          pci::error_reporting, pci::serial_number}) {
        expected.push_back({hex(offset)});
    }
    auto capabilities = table("Configuration space", "| Capability | Offset | Contents |", 2);
    for (Row& row : capabilities) {
        row.erase(row.begin());
    }
    EXPECT_EQ(capabilities, expected);
    char identity[16];
    std::snprintf(identity, sizeof identity, " %04Xh:%04Xh,", pci::vendor_id, pci::function_id);
    EXPECT_THAT(prose_, HasSubstr(identity));
}

TEST_F(Datasheet, KeysAreThoseOfTheSpec) {
    char text[16];
    std::snprintf(text, sizeof text, "%08Xh", spec::reset_key);
    EXPECT_THAT(prose_, HasSubstr(std::string(text) + " written to RESET"));
    std::snprintf(text, sizeof text, "ID (%08Xh)", spec::device_id);
    EXPECT_THAT(prose_, HasSubstr(text));
    std::snprintf(text, sizeof text, "%04Xh", spec::device_version >> 16);
    EXPECT_THAT(prose_, HasSubstr("VERSION (upper half " + std::string(text) + ")"));
}

}  // namespace
}  // namespace ringside::testing
