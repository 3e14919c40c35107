// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// The table from algorithm to slice.

#include "slices.hpp"

#include <optional>

#include "crypto_library.hpp"
#include "ringside/base/digest.hpp"

namespace ringside::core {
namespace {

struct Slice {
    spec::Algorithm algorithm;
    bool takes_hash;
    NewSession (*create)(const CryptoLibrary& library, const SessionKeys& keys);
};

constexpr Slice slices[] = {
    {spec::Algorithm::aes_cbc, false, create_cipher},
    {spec::Algorithm::aes_gcm, false, create_cipher},
    {spec::Algorithm::aes_ctr, false, create_cipher},
    {spec::Algorithm::aes_xts, false, create_cipher},
    {spec::Algorithm::aes_cbc_hmac_sha1, false, create_record},
    {spec::Algorithm::aes_cbc_hmac_sha256, false, create_record},
    {spec::Algorithm::chacha20_poly1305, false, create_cipher},
    {spec::Algorithm::hash, true, create_hash},
    {spec::Algorithm::hmac, true, create_hmac},
    {spec::Algorithm::hkdf, true, create_kdf},
    {spec::Algorithm::hkdf_extract, true, create_kdf},
    {spec::Algorithm::hkdf_expand, true, create_kdf},
    {spec::Algorithm::tls12_prf, true, create_kdf},
    {spec::Algorithm::random, false, create_random},
    {spec::Algorithm::rsa, false, create_rsa},
    {spec::Algorithm::ec_p256, false, create_curve},
    {spec::Algorithm::ec_p384, false, create_curve},
    {spec::Algorithm::x25519, false, create_curve25519},
    {spec::Algorithm::ed25519, false, create_curve25519},
};

}  // namespace

Outcome execute(Session& session, const Job& job) {
    const SoftwareOnly software;
    std::optional<QuietErrors> quiet;
    if (session.nature(job.entry).may_fail) {
        quiet.emplace();
    }
    return session.run(job);
}

std::uint64_t payload_digest(const Job& job, const Outcome& outcome) {
    return digest_of(outcome.has_output() ? job.output.first(outcome.written) : job.source);
}

void break_outcome(const Job& job, Outcome& outcome) {
    if (outcome.written != 0) {
        job.output.front() ^= std::byte{1};
    } else if (job.opcode() == spec::Opcode::verify) {
        outcome = outcome.status.ok() ? failed(spec::CryptoError::verify_failed) : Outcome{};
    }
}

NewSession create_session(const CryptoLibrary& library, const SessionKeys& keys) {
    for (const Slice& slice : slices) {
        if (slice.algorithm != keys.algorithm) {
            continue;
        }
        const bool hash_fits =
            slice.takes_hash ? find_hash(keys.hash) != nullptr : keys.hash == spec::Hash::none;
        if (!hash_fits) {
            break;
        }
        const QuietErrors quiet;
        const SoftwareOnly software;
        return slice.create(library, keys);
    }
    return {refused(spec::RequestError::bad_field), nullptr};
}

}  // namespace ringside::core
