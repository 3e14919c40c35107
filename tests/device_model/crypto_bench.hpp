// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// The slice test bench for any algorithm: what is to be computed goes in as a session and a
// descriptor, and comes out as a completion and what stands in memory.

#include <ostream>
#include <utility>

#include "slice_bench.hpp"

namespace ringside::testing {

struct Question {
    spec::Algorithm algorithm;
    spec::Opcode opcode;
    Bytes key{};
    Bytes second_key{};
    spec::Hash hash = spec::Hash::none;
    Bytes iv{};
    std::size_t first_len = 0;
    std::size_t second_len = 0;
    std::size_t tag_len = 0;
    bool decrypt = false;
    Bytes source{};
    std::size_t room = 0;
};

inline std::ostream& operator<<(std::ostream& out, const Question& question) {
    return out << "algorithm " << static_cast<int>(question.algorithm) << ", command "
               << static_cast<int>(question.opcode);
}

struct Answer {
    spec::Status status;
    Bytes output;  ///< as many bytes as the completion says
};

class CryptoBench : public SliceBench {
  public:
    using SliceBench::SliceBench;

    /// In a session of its own.
    Answer ask(const Question& question) {
        const auto session = execute(admin, session_request(question.algorithm, question.key,
                                                            question.second_key, question.hash));
        if (!status_of(session).ok()) {
            return {status_of(session), {}};
        }
        Answer answer = ask(question, session.result);
        auto destroy = descriptor(spec::Opcode::session_destroy);
        destroy.session = session.result;
        EXPECT_TRUE(execute_status(admin, destroy).ok());
        return answer;
    }
    Answer ask(const Question& question, std::uint32_t session) {
        const auto entry = descriptor_of(question, session);
        const auto completion = execute(io, entry);
        const Bytes destination = output(entry);
        const auto end =
            destination.begin() + std::min<std::ptrdiff_t>(completion.result, entry.dst_len);
        EXPECT_EQ(Bytes(end, destination.end()),
                  Bytes(static_cast<std::size_t>(destination.end() - end), untouched))
            << "what is behind the result is left alone";
        return {status_of(completion), Bytes(destination.begin(), end)};
    }
    spec::SubmissionEntry descriptor_of(const Question& question, std::uint32_t session) {
        auto entry = cipher(session, question.iv, question.source, question.room);
        entry.opcode = static_cast<std::uint8_t>(question.opcode);
        entry.first_len = static_cast<std::uint16_t>(question.first_len);
        entry.second_len = static_cast<std::uint16_t>(question.second_len);
        entry.tag_len = static_cast<std::uint8_t>(question.tag_len);
        if (question.decrypt) {
            entry.flags = static_cast<std::uint8_t>(spec::SubmissionFlag::decrypt);
        }
        return entry;
    }
};

constexpr spec::Status refused(spec::RequestError error) {
    return spec::Status::of(spec::StatusType::request, error);
}
constexpr spec::Status failed(spec::CryptoError error) {
    return spec::Status::of(spec::StatusType::crypto, error);
}

}  // namespace ringside::testing
