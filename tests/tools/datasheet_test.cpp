// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// The datasheet tells of the chip that is modelled: its register tables are those of the spec
// table, its layouts those of the wire structs, its numbers those of the code.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "program.hpp"
#include "ringside/spec/registers.hpp"
#include "ringside/spec/wire.hpp"

namespace ringside::testing {
namespace {

using ::testing::HasSubstr;

std::string read_sheet() {
    std::ifstream file(RINGSIDE_SOURCE_DIR "/docs/datasheet.md");
    return {std::istreambuf_iterator<char>(file), {}};
}

TEST(Datasheet, RegisterTablesAreThePrintedOnes) {
    const std::string sheet = read_sheet();
    const std::string begin = "<!-- registers:begin -->\n";
    const auto from = sheet.find(begin);
    const auto to = sheet.find("<!-- registers:end -->\n");
    ASSERT_NE(from, std::string::npos);
    ASSERT_NE(to, std::string::npos);
    EXPECT_EQ(sheet.substr(from + begin.size(), to - from - begin.size()),
              run_program({"regs", "--format", "md"}).out)
        << "run tools/refresh-datasheet";
}

struct Member {
    const char* name;
    std::size_t offset;
    std::size_t size;
};

#define MEMBER(type, name)                                           \
    Member {                                                         \
#name, offsetof(spec::type, name), sizeof(spec::type{}.name) \
    }

TEST(Datasheet, LayoutsAreThoseOfTheWireStructs) {
    const std::vector<std::vector<Member>> structs = {
        {MEMBER(SubmissionEntry, opcode), MEMBER(SubmissionEntry, flags),
         MEMBER(SubmissionEntry, cid), MEMBER(SubmissionEntry, session),
         MEMBER(SubmissionEntry, user_tag), MEMBER(SubmissionEntry, src),
         MEMBER(SubmissionEntry, dst), MEMBER(SubmissionEntry, src_len),
         MEMBER(SubmissionEntry, dst_len), MEMBER(SubmissionEntry, crypt_off),
         MEMBER(SubmissionEntry, auth_off), MEMBER(SubmissionEntry, aad_len),
         MEMBER(SubmissionEntry, tag_len), MEMBER(SubmissionEntry, iv_len),
         MEMBER(SubmissionEntry, iv)},
        {MEMBER(ListEntry, address), MEMBER(ListEntry, length), MEMBER(ListEntry, flags)},
        {MEMBER(CompletionEntry, user_tag), MEMBER(CompletionEntry, result),
         MEMBER(CompletionEntry, detail), MEMBER(CompletionEntry, latency_ns),
         MEMBER(CompletionEntry, reserved), MEMBER(CompletionEntry, sq_head),
         MEMBER(CompletionEntry, qid), MEMBER(CompletionEntry, cid),
         MEMBER(CompletionEntry, status)},
        {MEMBER(LogEntry, time_ns), MEMBER(LogEntry, address), MEMBER(LogEntry, source),
         MEMBER(LogEntry, queue), MEMBER(LogEntry, cid), MEMBER(LogEntry, serial)},
    };
    const std::string sheet = read_sheet();
    std::size_t position = 0;
    for (const auto& members : structs) {
        position = sheet.find("| offset | size | field | meaning |", position);
        ASSERT_NE(position, std::string::npos);
        const std::string table = sheet.substr(position, sheet.find("\n\n", position) - position);
        for (const Member& member : members) {
            char row[64];
            std::snprintf(row, sizeof row, "| %02zXh | %zu | %s |", member.offset, member.size,
                          member.name);
            EXPECT_THAT(table, HasSubstr(row));
        }
        ++position;
    }
}

TEST(Datasheet, NumbersAreThoseOfTheCode) {
    const std::string sheet = read_sheet();
    const auto code = [](auto value, const char* name) {
        return std::to_string(static_cast<unsigned>(value)) + " " + name;
    };
    for (const std::string& text :
         {code(spec::RequestError::bad_opcode, "BAD_OPCODE"),
          code(spec::RequestError::bad_field, "BAD_FIELD"),
          code(spec::RequestError::bad_session, "BAD_SESSION"),
          code(spec::RequestError::bad_length, "BAD_LENGTH"),
          code(spec::RequestError::dst_too_small, "DST_TOO_SMALL"),
          code(spec::RequestError::no_session_left, "NO_SESSION_LEFT"),
          code(spec::RequestError::bad_list, "BAD_LIST"),
          code(spec::CryptoError::auth_failed, "AUTH_FAILED"),
          code(spec::TransportError::dma_read, "DMA_READ"),
          code(spec::TransportError::dma_write, "DMA_WRITE"),
          code(spec::TransportError::iommu, "IOMMU"), code(spec::TransportError::hang, "HANG"),
          code(spec::AbortReason::queue_reset, "QUEUE_RESET"),
          code(spec::AbortReason::device_reset, "DEVICE_RESET"),
          code(spec::AbortReason::admin, "ADMIN"), code(spec::Algorithm::aes_cbc, "AES-CBC"),
          code(spec::Algorithm::aes_gcm, "AES-GCM")}) {
        EXPECT_THAT(sheet, HasSubstr(text));
    }
    const auto command = [](spec::Opcode opcode, const char* queue, const char* name) {
        char row[64];
        std::snprintf(row, sizeof row, "| %02Xh | %s | %s |", static_cast<unsigned>(opcode), queue,
                      name);
        return std::string(row);
    };
    for (const std::string& row :
         {command(spec::Opcode::nop, "any", "NOP"),
          command(spec::Opcode::session_create, "admin", "SESSION_CREATE"),
          command(spec::Opcode::session_destroy, "admin", "SESSION_DESTROY"),
          command(spec::Opcode::abort, "admin", "ABORT"),
          command(spec::Opcode::get_log, "admin", "GET_LOG"),
          command(spec::Opcode::cipher, "I/O", "CIPHER")}) {
        EXPECT_THAT(sheet, HasSubstr(row));
    }
    for (const spec::Field& source : spec::reg("ERR_SRC").fields) {
        EXPECT_THAT(sheet, HasSubstr("| " + std::to_string(source.lsb) + " | " +
                                     std::string(source.name) + " |"));
    }
}

}  // namespace
}  // namespace ringside::testing
