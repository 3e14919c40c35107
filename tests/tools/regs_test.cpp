// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// `ringside regs` as a user runs it: every format holds the whole map, and the datasheet agrees.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

#include "program.hpp"
#include "ringside/spec/registers.hpp"

namespace ringside::testing {
namespace {

using nlohmann::json;
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

TEST(RegsDecode, NamesEachFieldOfAValue) {
    const auto run = run_program({"regs", "--decode", "CSTS=0x403"});
    EXPECT_EQ(run.exit_code, 0) << run.err;
    EXPECT_EQ(run.out.rfind("CSTS = 0x403\n", 0), 0u) << run.out;
    EXPECT_NE(run.out.find("\n    STATE               0x3  0 RESET, 1 DISABLED"), std::string::npos)
        << run.out;
    EXPECT_NE(run.out.find("\n    DRAINED             0x1  "), std::string::npos) << run.out;
}

TEST(RegsDecode, TakesInstancesOffsetsAndHalves) {
    const auto decoded = [](const char* assignment) {
        const auto run = run_program({"regs", "--json", "--decode", assignment});
        EXPECT_EQ(run.exit_code, 0) << run.err;
        return json::parse(run.out, nullptr, false);
    };
    const json queue = decoded("Q_SIZE[2]=0x3F001F");
    EXPECT_EQ(queue["register"], "Q_SIZE[2]");
    EXPECT_EQ(queue["offset"], spec::at("Q_SIZE").of(2));
    EXPECT_EQ(queue["fields"], (json{{"SQ", 31}, {"CQ", 63}}));
    EXPECT_EQ(decoded("0x34=5")["fields"]["STATE"], 5);
    EXPECT_EQ(decoded("SQ_BASE[1]=0x123456789ab")["value"], 0x123456789ab);
    EXPECT_EQ(decoded("0x14=7")["register"], "ALG_SYM (high)");
}

TEST(RegsDecode, WrongNamesAndValuesGetOneLineAndExitCode2) {
    const std::vector<std::pair<std::vector<std::string>, std::string>> wrong = {
        {{"--decode", "CSTATS=1"}, "there is no register 'CSTATS'; `ringside regs` lists them"},
        {{"--decode", "0x35=1"}, "no register stands at '0x35'; `ringside regs` lists them"},
        {{"--decode", "CSTS"}, "'CSTS' is not allowed: NAME=VALUE or OFFSET=VALUE"},
        {{"--decode", "CSTS=ready"}, "'ready' is not allowed for CSTS: a number up to 0xffffffff"},
        {{"--decode", "CSTS=0x100000000"},
         "'0x100000000' is not allowed for CSTS: a number up to 0xffffffff"},
        {{"--decode", "Q_STS[63]=1"}, "'Q_STS[63]' is not allowed: Q_STS[0] to Q_STS[62]"},
        {{"--decode", "CSTS[x]=1"}, "'CSTS[x]' is not allowed: CSTS[0] to CSTS[0]"},
    };
    for (auto [arguments, message] : wrong) {
        arguments.insert(arguments.begin(), "regs");
        const auto run = run_program(arguments);
        EXPECT_EQ(run.exit_code, 2);
        EXPECT_EQ(run.out, "");
        EXPECT_EQ(run.err, "ringside regs: " + message + "\n");
    }
}

TEST(RegsDecode, TellsWhatPassedInARecording) {
    const std::string file = ::testing::TempDir() + "regs.rec";
    ASSERT_EQ(run_program({"run", "--file", "/usr/bin/env", "--record", file}).exit_code, 0);
    const auto all = run_program({"regs", "--json", "--recording", file});
    EXPECT_EQ(all.exit_code, 0) << all.err;
    std::map<std::string, json> last;
    for (const json& access : json::parse(all.out)) {
        EXPECT_TRUE(last.emplace(access["register"], access).second) << access;
    }
    EXPECT_EQ(last["ID"]["value"], spec::device_id);
    EXPECT_EQ(last["ID"]["access"], "read");
    EXPECT_EQ(last["Q_SIZE[1]"]["fields"], (json{{"SQ", 7}, {"CQ", 7}}));

    const auto every = run_program({"regs", "--recording", file, "--register", "CC"});
    EXPECT_NE(every.out.find(" write CC = 0x1\n    EN                  0x1  "), std::string::npos)
        << every.out;
    const auto states =
        json::parse(run_program({"regs", "--json", "--recording", file, "--register", "CSTS"}).out);
    ASSERT_GT(states.size(), 2u);  // in the order of the run: every one that the driver has seen
    EXPECT_EQ(states.front()["fields"]["STATE"], 0);
    EXPECT_LE(states.front()["time_ps"], states.back()["time_ps"]);
    const auto none = run_program({"regs", "--recording", file, "--register", "FI_CTRL[3]"});
    EXPECT_EQ(none.err, "ringside regs: " + file + ": nobody accesses FI_CTRL[3]\n");
    EXPECT_EQ(none.exit_code, 2);
    std::remove(file.c_str());
}

TEST(RegsDecode, TellsWhatPassedInATraceOfTheModule) {
    const std::string file = ::testing::TempDir() + "regs.trace";
    std::ofstream(file) << "# ringside trace, seed 1: time_ps kind queue id digest\n"
                           "1000000 mmio_write 65535 48 0000000000000001\n"
                           "2500000 doorbell 1 3 0000000000000000\n"
                           "3000001 mmio_read 65535 52 0000000000000403\n"
                           "40000";  // the process still writes
    const auto run = run_program({"regs", "--recording", file});
    EXPECT_EQ(run.out.rfind("1.000000 us write CC = 0x1\n", 0), 0u) << run.out;
    EXPECT_NE(run.out.find("\n3.000001 us read  CSTS = 0x403\n"), std::string::npos) << run.out;
    std::remove(file.c_str());
}

TEST(Program, WrongArgumentsGetOneLineAndExitCode2) {
    EXPECT_THAT(run_program({}).err, HasSubstr("ringside: no subcommand given; allowed: "));
    EXPECT_THAT(run_program({"rges"}).err,
                HasSubstr("ringside: unexpected argument 'rges'; allowed: "));
    EXPECT_EQ(run_program({"regs", "--frm", "c"}).err,
              "ringside regs: unexpected argument '--frm'; allowed: --help, --format, --config, "
              "--chip, --decode, --recording, --register, --json\n");
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
