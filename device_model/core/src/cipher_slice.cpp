// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// The ciphers: AES in CBC, CTR, XTS and GCM, and ChaCha20-Poly1305.

#include <openssl/crypto.h>

#include <algorithm>
#include <array>

#include "cipher_context.hpp"
#include "crypto_library.hpp"
#include "slices.hpp"

namespace ringside::core {
namespace {

/// What distinguishes one cipher from another.
struct Mode {
    spec::Algorithm algorithm;
    struct {
        std::size_t size;
        const char* name;
    } keys[3];  ///< as many as have a name
    std::uint8_t min_iv;
    std::uint8_t max_iv;
    std::uint32_t min_data;
    std::uint32_t block;  ///< the data is a multiple of it; a power of two
    bool authenticates;
    ServiceTime ServiceTimes::*time;
};

constexpr Mode modes[] = {
    {spec::Algorithm::aes_cbc,
     {{16, "AES-128-CBC"}, {24, "AES-192-CBC"}, {32, "AES-256-CBC"}},
     16,
     16,
     16,
     16,
     false,
     &ServiceTimes::aes_cbc},
    {spec::Algorithm::aes_ctr,
     {{16, "AES-128-CTR"}, {24, "AES-192-CTR"}, {32, "AES-256-CTR"}},
     16,
     16,
     1,
     1,
     false,
     &ServiceTimes::aes_ctr},
    {spec::Algorithm::aes_xts,
     {{32, "AES-128-XTS"}, {64, "AES-256-XTS"}},
     16,
     16,
     16,
     1,
     false,
     &ServiceTimes::aes_xts},
    {spec::Algorithm::aes_gcm,
     {{16, "AES-128-GCM"}, {24, "AES-192-GCM"}, {32, "AES-256-GCM"}},
     1,
     16,
     0,
     1,
     true,
     &ServiceTimes::aes_gcm},
    {spec::Algorithm::chacha20_poly1305,
     {{32, "ChaCha20-Poly1305"}},
     12,
     12,
     0,
     1,
     true,
     &ServiceTimes::chacha20_poly1305},
};

/// SP 800-38D 5.2.1.2, RFC 8439.
bool is_tag_length(spec::Algorithm algorithm, std::uint32_t length) {
    return algorithm == spec::Algorithm::aes_gcm
               ? length == 4 || length == 8 || (length >= 12 && length <= 16)
               : length == 16;
}

class CipherSession final : public Session {
  public:
    CipherSession(const Mode& mode, const CipherFunctions& cipher, std::span<const std::byte> key)
        : mode_(mode), contexts_(cipher, key) {}

    bool does(spec::Opcode opcode) const override { return opcode == spec::Opcode::cipher; }
    spec::Status plan(const spec::SubmissionEntry& entry, std::size_t& output) const override;
    Duration service_time(const ServiceTimes& times,
                          const spec::SubmissionEntry& entry) const override {
        return times.*mode_.time * entry.src_len;
    }
    SliceKind kind() const override { return SliceKind::cipher; }
    JobNature nature(const spec::SubmissionEntry& entry) const override;
    Outcome run(const Job& job) override {
        return mode_.authenticates ? run_aead(job) : run_plain(job);
    }

    void begin_chain(const Job& job) override {
        contexts_.get(job.place, job.encrypts()).begin(job.iv());
    }
    void continue_chain(const Job& job, std::size_t from, std::size_t size) override {
        contexts_.get(job.place, job.encrypts())
            .crypt(job.source.subspan(from, size), job.output.subspan(from, size));
    }

  private:
    Outcome run_plain(const Job& job);
    Outcome run_aead(const Job& job);

    const Mode& mode_;
    CipherContexts contexts_;
};

spec::Status CipherSession::plan(const spec::SubmissionEntry& entry, std::size_t& output) const {
    const bool wrong_tag =
        mode_.authenticates ? !is_tag_length(mode_.algorithm, entry.tag_len) : entry.tag_len != 0;
    if (entry.iv_len < mode_.min_iv || entry.iv_len > mode_.max_iv || wrong_tag ||
        (!mode_.authenticates && entry.first_len != 0) || entry.second_len != 0) {
        return refused(spec::RequestError::bad_field);
    }
    const bool decrypt = (entry.flags & static_cast<unsigned>(spec::SubmissionFlag::decrypt)) != 0;
    const std::uint32_t around = entry.first_len + (decrypt ? std::uint32_t{entry.tag_len} : 0);
    if (entry.src_len < around + mode_.min_data ||
        ((entry.src_len - around) & (mode_.block - 1)) != 0) {
        return refused(spec::RequestError::bad_length);
    }
    output = entry.src_len - around + (decrypt ? 0 : entry.tag_len);
    return {};
}

/// Each block of CBC is encrypted together with the one before it, as that came out. To begin has
/// its price, so what is short is no chain.
JobNature CipherSession::nature(const spec::SubmissionEntry& entry) const {
    const bool is_serial = mode_.algorithm == spec::Algorithm::aes_cbc && encrypts(entry);
    return {.may_fail = mode_.authenticates && !encrypts(entry),
            .is_quick = entry.src_len <= (mode_.authenticates || is_serial ? 256 : 1024),
            .is_chain = is_serial && entry.src_len >= 256};
}

Outcome CipherSession::run_plain(const Job& job) {
    CipherContext& context = contexts_.get(job.place, job.encrypts());
    context.begin(job.iv());
    context.crypt(job.source, job.output);
    return {{}, job.output.size()};
}

Outcome CipherSession::run_aead(const Job& job) {
    CipherContext& context = contexts_.get(job.place, job.encrypts());
    const std::size_t tag_len = job.entry.tag_len;
    const std::size_t length =
        job.encrypts() ? job.output.size() - tag_len : job.output.size();  // of the payload
    context.begin(job.iv());
    context.authenticate(job.source.first(job.entry.first_len));
    context.update(job.source.subspan(job.entry.first_len, length), job.output.first(length));
    if (job.encrypts()) {
        context.get_tag(job.output.last(tag_len));
        return {{}, job.output.size()};
    }
    if (!context.verify(job.source.last(tag_len))) {
        return failed(spec::CryptoError::auth_failed, job.output.size());
    }
    return {{}, job.output.size()};
}

/// IEEE 1619: with equal halves XTS is no longer secure, and libcrypto refuses the key.
bool has_equal_halves(std::span<const std::byte> key) {
    const std::size_t half = key.size() / 2;
    return CRYPTO_memcmp(key.data(), key.data() + half, half) == 0;
}

}  // namespace

NewSession create_cipher(const CryptoLibrary& library, const SessionKeys& keys) {
    for (const Mode& mode : modes) {
        if (mode.algorithm != keys.algorithm) {
            continue;
        }
        for (const auto& [size, name] : mode.keys) {
            if (name == nullptr || size != keys.key.size() || !keys.second_key.empty()) {
                continue;
            }
            if (mode.algorithm == spec::Algorithm::aes_xts && has_equal_halves(keys.key)) {
                return bad_key();
            }
            return {{}, std::make_unique<CipherSession>(mode, library.cipher(name), keys.key)};
        }
    }
    return wrong_key_length();
}

}  // namespace ringside::core
