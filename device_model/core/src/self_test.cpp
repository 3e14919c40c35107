// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "self_test.hpp"

#include <algorithm>
#include <string_view>
#include <vector>

namespace ringside::core {
namespace {

using Bytes = std::vector<std::byte>;

Bytes from_hex(std::string_view hex) {
    const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
    Bytes bytes;
    for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
        bytes.push_back(static_cast<std::byte>(digit(hex[i]) << 4 | digit(hex[i + 1])));
    }
    return bytes;
}

/// 0, 1, 2, ...
Entropy test_entropy() {
    Entropy entropy;
    for (std::size_t i = 0; i < entropy.size(); ++i) {
        entropy[i] = static_cast<std::byte>(i);
    }
    return entropy;
}

struct Result {
    spec::Status status;
    Bytes output;
};

/// As the pipeline would, from the descriptor's check to the output.
Result run(Session& session, spec::SubmissionEntry entry, const Bytes& source, std::size_t room,
           unsigned broken) {
    entry.src_len = static_cast<std::uint32_t>(source.size());
    entry.dst_len = static_cast<std::uint32_t>(room);
    std::size_t size = 0;
    if (!session.does(static_cast<spec::Opcode>(entry.opcode))) {
        return {refused(spec::RequestError::bad_session), {}};
    }
    const spec::Status planned = session.plan(entry, size);
    if (!planned.ok()) {
        return {planned, {}};
    }
    Bytes output(size);
    const Entropy entropy = test_entropy();
    const Job job{entry, source, output, entropy, 0};
    Outcome outcome = execute(session, job);
    if ((broken & static_cast<unsigned>(session.kind())) != 0) {
        break_outcome(job, outcome);
    }
    output.resize(outcome.written);
    return {outcome.status, output};
}

NewSession session_of(const CryptoLibrary& library, spec::Algorithm algorithm, spec::Hash hash,
                      std::string_view key, std::string_view second_key) {
    const Bytes key_bytes = from_hex(key);
    const Bytes second_key_bytes = from_hex(second_key);
    return create_session(library, {algorithm, hash, key_bytes, second_key_bytes});
}

bool is_right(const CryptoLibrary& library, const KnownAnswer& known, unsigned broken) {
    const NewSession created =
        session_of(library, known.algorithm, known.hash, known.key, known.second_key);
    if (created.session == nullptr) {
        return false;
    }
    spec::SubmissionEntry entry;
    entry.opcode = static_cast<std::uint8_t>(known.opcode);
    entry.flags =
        known.decrypt ? static_cast<std::uint8_t>(spec::SubmissionFlag::decrypt) : std::uint8_t{0};
    entry.first_len = known.first_len;
    entry.second_len = known.second_len;
    entry.tag_len = known.tag_len;
    const Bytes iv = from_hex(known.iv);
    entry.iv_len = static_cast<std::uint8_t>(iv.size());
    std::transform(iv.begin(), iv.end(), std::begin(entry.iv),
                   [](std::byte byte) { return std::to_integer<std::uint8_t>(byte); });
    const Bytes answer = from_hex(known.answer);
    const Result result =
        run(*created.session, entry, from_hex(known.source), answer.size(), broken);
    if (known.fails) {
        return result.status == spec::Status::of(spec::StatusType::crypto, *known.fails);
    }
    return result.status.ok() && result.output == answer;
}

/// ECDSA's nonces differ from one libcrypto to the next: what was signed with the private half of a
/// published pair must verify with the public one.
bool signs_what_verifies(const CryptoLibrary& library, const SignedAndVerified& pair,
                         unsigned broken) {
    const NewSession created =
        session_of(library, pair.algorithm, spec::Hash::none, pair.key, pair.second_key);
    if (created.session == nullptr) {
        return false;
    }
    const Bytes digest(32, std::byte{0x5A});
    spec::SubmissionEntry entry;
    entry.opcode = static_cast<std::uint8_t>(spec::Opcode::sign);
    const Result signature = run(*created.session, entry, digest, 0, broken);
    entry.opcode = static_cast<std::uint8_t>(spec::Opcode::verify);
    Bytes source = signature.output;
    source.insert(source.end(), digest.begin(), digest.end());
    return signature.status.ok() && run(*created.session, entry, source, 0, broken).status.ok();
}

}  // namespace

bool gives(const CryptoLibrary& library, std::span<const KnownAnswer> answers, unsigned broken) {
    return std::all_of(answers.begin(), answers.end(),
                       [&](const KnownAnswer& known) { return is_right(library, known, broken); });
}

bool passes_self_test(const CryptoLibrary& library, SelfTestScope scope, unsigned broken) {
    if (scope == SelfTestScope::aes && broken == 0) {
        return gives(library, aes_answers, broken);
    }
    return gives(library, known_answers, broken) &&
           std::all_of(std::begin(signed_and_verified), std::end(signed_and_verified),
                       [&](const SignedAndVerified& pair) {
                           return signs_what_verifies(library, pair, broken);
                       });
}

}  // namespace ringside::core
