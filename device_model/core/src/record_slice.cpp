// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// AES-CBC chained with HMAC: the records of TLS 1.0 to 1.2, MAC first, then padding, then
// encryption (RFC 5246, 6.2.3.2). Datasheet, "TLS records". The time that a slice takes in the
// simulation does not depend on what it finds, so there is no padding oracle to take care of here.

#include <openssl/crypto.h>

#include <algorithm>
#include <array>
#include <utility>

#include "cipher_context.hpp"
#include "hmac.hpp"
#include "slices.hpp"

namespace ringside::core {
namespace {

constexpr std::size_t block = 16;
constexpr std::size_t header_size = 13;  ///< sequence number, type, version, length
constexpr std::size_t longest_mac_key = 64;
constexpr std::size_t longest_mac = 32;
constexpr std::size_t longest_payload = 0xFFFF;

class RecordSession final : public Session {
  public:
    RecordSession(const CipherFunctions& cipher, std::span<const std::byte> cipher_key, Hmac hmac)
        : contexts_(cipher, cipher_key), hmac_(std::move(hmac)) {}

    bool does(spec::Opcode opcode) const override { return opcode == spec::Opcode::cipher; }
    spec::Status plan(const spec::SubmissionEntry& entry, std::size_t& output) const override;
    Duration service_time(const ServiceTimes& times,
                          const spec::SubmissionEntry& entry) const override {
        return times.record * entry.src_len;
    }
    SliceKind kind() const override { return SliceKind::record; }
    Outcome run(const Job& job) override { return job.encrypts() ? seal(job) : open(job); }

  private:
    Outcome seal(const Job& job);
    Outcome open(const Job& job);
    void crypt(const Job& job, std::span<const std::byte> from);
    void authenticate(const Job& job, std::span<const std::byte> payload, std::span<std::byte> mac);

    CipherContexts contexts_;
    Hmac hmac_;
};

spec::Status RecordSession::plan(const spec::SubmissionEntry& entry, std::size_t& output) const {
    if (entry.iv_len != block || entry.tag_len != 0 || entry.first_len != header_size ||
        (entry.second_len != 0 && entry.second_len != block)) {
        return refused(spec::RequestError::bad_field);
    }
    if (entry.src_len < header_size + entry.second_len) {
        return refused(spec::RequestError::bad_length);
    }
    const std::size_t explicit_iv = entry.second_len;
    const std::size_t rest = entry.src_len - header_size - explicit_iv;
    if ((entry.flags & static_cast<unsigned>(spec::SubmissionFlag::decrypt)) == 0) {
        output = explicit_iv + (rest + hmac_.size()) / block * block + block;
        return rest <= longest_payload ? spec::Status{} : refused(spec::RequestError::bad_length);
    }
    if (rest % block != 0 || rest < hmac_.size() + 1 || rest > longest_payload) {
        return refused(spec::RequestError::bad_length);
    }
    output = rest - hmac_.size() - 1;
    return {};
}

/// CBC over `from` into the output, which is as long.
void RecordSession::crypt(const Job& job, std::span<const std::byte> from) {
    CipherContext& context = contexts_.get(job.place, job.encrypts());
    context.begin(job.iv());
    context.crypt(from, job.output);
}

/// The MAC of the record with this payload.
void RecordSession::authenticate(const Job& job, std::span<const std::byte> payload,
                                 std::span<std::byte> mac) {
    std::array<std::byte, header_size> header;
    std::copy_n(job.source.begin(), header_size, header.begin());
    header[header_size - 2] = static_cast<std::byte>(payload.size() >> 8);
    header[header_size - 1] = static_cast<std::byte>(payload.size());
    hmac_.compute(job.place, header, payload, mac);
}

Outcome RecordSession::seal(const Job& job) {
    const auto plaintext = job.source.subspan(header_size);
    const auto payload = plaintext.subspan(job.entry.second_len);
    CleansedBuffer record(job.output.size());
    const auto bytes = record.bytes();
    std::copy(plaintext.begin(), plaintext.end(), bytes.begin());
    authenticate(job, payload, bytes.subspan(plaintext.size(), hmac_.size()));
    const auto padding = bytes.subspan(plaintext.size() + hmac_.size());
    std::fill(padding.begin(), padding.end(), static_cast<std::byte>(padding.size() - 1));
    crypt(job, bytes);
    return {{}, job.output.size()};
}

Outcome RecordSession::open(const Job& job) {
    const auto ciphertext = job.source.subspan(header_size);
    CleansedBuffer record(ciphertext.size());
    const Job whole{job.entry, job.source, record.bytes(), job.entropy, job.place};
    crypt(whole, ciphertext);
    const auto content = whole.output.subspan(job.entry.second_len);
    std::size_t padding = std::to_integer<std::size_t>(content.back()) + 1;
    const bool fits = padding + hmac_.size() <= content.size();
    const bool padded =
        fits && std::all_of(content.end() - static_cast<std::ptrdiff_t>(padding), content.end(),
                            [&](std::byte byte) { return byte == content.back(); });
    if (!padded) {
        padding = 1;
    }
    const auto payload = content.first(content.size() - padding - hmac_.size());
    std::array<std::byte, longest_mac> mac;
    authenticate(job, payload, std::span(mac).first(hmac_.size()));
    const bool authentic =
        CRYPTO_memcmp(mac.data(), payload.data() + payload.size(), hmac_.size()) == 0;
    std::copy(payload.begin(), payload.end(), job.output.begin());
    if (!padded || !authentic) {
        return failed(spec::CryptoError::auth_failed, payload.size());
    }
    return {{}, payload.size()};
}

const char* cipher_name(std::size_t key_size) {
    switch (key_size) {
        case 16:
            return "AES-128-CBC";
        case 24:
            return "AES-192-CBC";
        case 32:
            return "AES-256-CBC";
        default:
            return nullptr;
    }
}

}  // namespace

NewSession create_record(const CryptoLibrary& library, const SessionKeys& keys) {
    const char* name = cipher_name(keys.key.size());
    if (name == nullptr || keys.second_key.empty() || keys.second_key.size() > longest_mac_key) {
        return wrong_key_length();
    }
    const auto hash = keys.algorithm == spec::Algorithm::aes_cbc_hmac_sha1 ? spec::Hash::sha1
                                                                           : spec::Hash::sha256;
    return {{},
            std::make_unique<RecordSession>(library.cipher(name), keys.key,
                                            Hmac(library, *find_hash(hash), keys.second_key))};
}

}  // namespace ringside::core
