// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// `ringside regs` as a user runs it: every format holds the whole map, and the datasheet agrees.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

#include "program.hpp"
#include "ringside/spec/registers.hpp"

namespace ringside::testing {
namespace {

using ::testing::HasSubstr;

TEST(Regs, TextNamesEveryRegisterAndFieldInItsBlock) {
    const auto run = run_program({"regs"});
    EXPECT_EQ(run.exit_code, 0);
    EXPECT_EQ(run.err, "");
    EXPECT_EQ(run_program({"regs", "--format", "text"}).out, run.out);
    std::size_t position = 0;
    const auto expect_next = [&](std::string_view name) {
        const auto found = run.out.find(" " + std::string(name) + " ", position);
        ASSERT_NE(found, std::string::npos) << name;
        position = found;
    };
    for (const auto& block : spec::blocks) {
        const auto heading = run.out.find(std::string(block.name) + ": BAR0 ", position);
        ASSERT_NE(heading, std::string::npos) << block.name;
        position = heading;
        for (const auto& reg : block.registers) {
            expect_next(reg.name);
            for (const auto& field : reg.fields) {
                expect_next(field.name);
            }
        }
    }
}

// Columns are as wide as the longest name needs; blanks count as one here.
TEST(Regs, TextLineIsPinned) {
    std::string text = run_program({"regs"}).out;
    const auto both_blank = [](char a, char b) { return a == ' ' && b == ' '; };
    text.erase(std::unique(text.begin(), text.end(), both_blank), text.end());
    EXPECT_THAT(text, HasSubstr("\n 034h CSTS 31:0 RO 00000401h device controller status\n"
                                " STATE 3:0 0 RESET, 1 DISABLED, "));
}

TEST(Regs, JsonHoldsTheWholeTable) {
    const auto run = run_program({"regs", "--format", "json"});
    ASSERT_EQ(run.exit_code, 0);
    const auto map = nlohmann::json::parse(run.out);
    ASSERT_EQ(map.at("blocks").size(), spec::blocks.size());
    for (std::size_t b = 0; b < spec::blocks.size(); ++b) {
        const auto& block = spec::blocks.at(b);
        const auto& json_block = map.at("blocks").at(b);
        EXPECT_EQ(json_block.at("base"), block.base);
        EXPECT_EQ(json_block.at("stride"), block.stride);
        EXPECT_EQ(json_block.at("count"), block.count);
        ASSERT_EQ(json_block.at("registers").size(), block.registers.size());
        for (std::size_t r = 0; r < block.registers.size(); ++r) {
            const auto& reg = block.registers[r];
            const auto& json_reg = json_block.at("registers").at(r);
            EXPECT_EQ(json_reg.at("name"), reg.name);
            EXPECT_EQ(json_reg.at("offset"), reg.offset);
            EXPECT_EQ(json_reg.at("width"), reg.width);
            EXPECT_EQ(json_reg.at("reset"), reg.reset);
            ASSERT_EQ(json_reg.at("fields").size(), reg.fields.size());
            for (std::size_t f = 0; f < reg.fields.size(); ++f) {
                EXPECT_EQ(json_reg.at("fields").at(f).at("name"), reg.fields[f].name);
                EXPECT_EQ(json_reg.at("fields").at(f).at("mask"), reg.fields[f].mask());
            }
        }
    }
}

/// The macros of the printed header: name (with its parameter) to value, which for a function-like
/// macro is that of queue 0.
std::map<std::string, std::uint64_t> macros_of(const std::string& header) {
    std::map<std::string, std::uint64_t> macros;
    std::istringstream words(header);
    for (std::string word; words >> word;) {
        if (word == "#define") {
            std::string name;
            std::string value;
            words >> name >> value;
            if (name != "RS1_REGS_H") {
                value.erase(0, value.find_first_not_of('('));
                macros[name] = std::stoull(value, nullptr, 0);
            }
        }
    }
    return macros;
}

TEST(Regs, CHeaderDefinesEveryOffsetResetValueShiftAndMask) {
    // That it compiles as C, and what a function-like macro gives, is regs_header.c's to show.
    auto macros = macros_of(run_program({"regs", "--format", "c"}).out);
    const auto take = [&macros](const std::string& name) {
        const auto found = macros.find(name);
        EXPECT_NE(found, macros.end()) << name;
        const std::uint64_t value = found == macros.end() ? ~std::uint64_t{0} : found->second;
        macros.erase(name);
        return value;
    };
    for (const auto& block : spec::blocks) {
        for (const auto& reg : block.registers) {
            const auto name = "RS1_" + std::string(reg.name);
            EXPECT_EQ(take(block.count == 1 ? name : name + "(q)"), block.base + reg.offset);
            EXPECT_EQ(take(name + "_RESET"), reg.reset);
            for (const auto& field : reg.fields) {
                const auto field_name = name + "_" + std::string(field.name);
                EXPECT_EQ(take(field_name + "_SHIFT"), field.lsb);
                EXPECT_EQ(take(field_name + "_MASK"), field.mask());
            }
        }
    }
    EXPECT_TRUE(macros.empty()) << macros.begin()->first;
}

TEST(Regs, WrongFormatIsNamedWithWhatIsAllowed) {
    const auto run = run_program({"regs", "--format", "xml"});
    EXPECT_EQ(run.exit_code, 2);
    EXPECT_EQ(run.out, "");
    EXPECT_EQ(run.err, "ringside regs: --format: 'xml' is not allowed: one of text, json, md, c\n");
}

TEST(Program, WrongArgumentsGetOneLineAndExitCode2) {
    EXPECT_THAT(run_program({}).err, HasSubstr("ringside: no subcommand given; allowed: "));
    EXPECT_THAT(run_program({"rges"}).err,
                HasSubstr("ringside: unexpected argument 'rges'; allowed: "));
    EXPECT_EQ(run_program({"regs", "--frm", "c"}).err,
              "ringside regs: unexpected argument '--frm'; allowed: --help, --format, --config, "
              "--chip\n");
    for (const auto& arguments : std::vector<std::vector<std::string>>{
             {}, {"rges"}, {"--nope"}, {"regs", "--frm"}, {"regs", "more"}, {"regs", "--format"}}) {
        const auto run = run_program(arguments);
        EXPECT_EQ(run.exit_code, 2);
        EXPECT_EQ(run.out, "");
        EXPECT_EQ(std::count(run.err.begin(), run.err.end(), '\n'), 1) << run.err;
    }
}

TEST(Program, SaysItsVersionAndHelpsOnStandardOutput) {
    EXPECT_EQ(run_program({"--version"}).out, "ringside " RINGSIDE_VERSION "\n");
    const auto help = run_program({"--help"});
    EXPECT_EQ(help.exit_code, 0);
    EXPECT_THAT(help.out, HasSubstr("regs"));
    EXPECT_EQ(help.err, "");
}

TEST(Program, FullDiskIsAnError) {
    EXPECT_EQ(run_program({"regs"}, "/dev/full").exit_code, 2);
}

}  // namespace
}  // namespace ringside::testing
