// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// Hashes and HMAC.

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include <utility>

#include "hmac.hpp"
#include "slices.hpp"

namespace ringside::core {
namespace {

constexpr std::size_t longest_mac_key = 1024;

/// What hash and HMAC sessions share: a message goes in, a digest comes out.
class DigestSession : public Session {
  public:
    DigestSession(const HashInfo& hash, ServiceTime ServiceTimes::*time)
        : hash_(hash), time_(time) {}

    bool does(spec::Opcode opcode) const final { return opcode == spec::Opcode::digest; }
    spec::Status plan(const spec::SubmissionEntry& entry, std::size_t& output) const final {
        if (!has_plain_source(entry) || !has_no_cipher_fields(entry)) {
            return refused(spec::RequestError::bad_field);
        }
        output = hash_.size;
        return {};
    }
    SliceKind kind() const final { return SliceKind::hash; }
    JobNature nature(const spec::SubmissionEntry& /*entry*/) const final {
        return {.may_fail = false};
    }
    Duration service_time(const ServiceTimes& times,
                          const spec::SubmissionEntry& entry) const final {
        return times.*time_ * entry.src_len;
    }

  protected:
    const HashInfo& hash_;

  private:
    ServiceTime ServiceTimes::*time_;
};

class HashSession final : public DigestSession {
  public:
    HashSession(const CryptoLibrary& library, const HashInfo& hash)
        : DigestSession(hash, &ServiceTimes::hash), digest_(library.digest(hash.name)) {}

    Outcome run(const Job& job) override {
        DigestCtxPtr& context = contexts_[job.place];
        if (context == nullptr) {
            context.reset(EVP_MD_CTX_new());
        }
        unsigned length = 0;
        require(context != nullptr &&
                    EVP_DigestInit_ex2(context.get(), digest_.get(), nullptr) == 1 &&
                    EVP_DigestUpdate(context.get(), job.source.data(), job.source.size()) == 1 &&
                    EVP_DigestFinal_ex(context.get(), as_uchar(job.output.data()), &length) == 1,
                "a hash failed");
        return {{}, length};
    }

  private:
    DigestPtr digest_;
    std::array<DigestCtxPtr, work_places> contexts_;
};

class HmacSession final : public DigestSession {
  public:
    HmacSession(const CryptoLibrary& library, const HashInfo& hash, std::span<const std::byte> key)
        : DigestSession(hash, &ServiceTimes::hmac), hmac_(library, hash, key) {}

    Outcome run(const Job& job) override {
        hmac_.compute(job.place, job.source, {}, job.output);
        return {{}, job.output.size()};
    }

  private:
    Hmac hmac_;
};

}  // namespace

Hmac::Hmac(const CryptoLibrary& library, const HashInfo& hash, std::span<const std::byte> key)
    : library_(library), hash_(hash), key_(key) {}

EVP_MAC_CTX* Hmac::context(unsigned place) {
    MacCtxPtr& context = contexts_[place];
    if (context != nullptr) {
        require(EVP_MAC_init(context.get(), nullptr, 0, nullptr) == 1, "HMAC cannot begin again");
        return context.get();
    }
    const MacPtr mac(EVP_MAC_fetch(library_.context(), "HMAC", nullptr));
    require(mac != nullptr, "the default provider lacks HMAC");
    context.reset(EVP_MAC_CTX_new(mac.get()));
    const OSSL_PARAM hash[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, const_cast<char*>(hash_.name), 0),
        OSSL_PARAM_construct_end()};
    require(context != nullptr &&
                EVP_MAC_init(context.get(), as_uchar(key_.data()), key_.size(), hash) == 1,
            "an HMAC context cannot be made");
    return context.get();
}

void Hmac::compute(unsigned place, std::span<const std::byte> first,
                   std::span<const std::byte> second, std::span<std::byte> mac) {
    EVP_MAC_CTX* ctx = context(place);
    std::size_t length = 0;
    require(EVP_MAC_update(ctx, as_uchar(first.data()), first.size()) == 1 &&
                EVP_MAC_update(ctx, as_uchar(second.data()), second.size()) == 1 &&
                EVP_MAC_final(ctx, as_uchar(mac.data()), &length, mac.size()) == 1,
            "HMAC failed");
}

NewSession create_hash(const CryptoLibrary& library, const SessionKeys& keys) {
    if (!keys.key.empty() || !keys.second_key.empty()) {
        return wrong_key_length();
    }
    return {{}, std::make_unique<HashSession>(library, *find_hash(keys.hash))};
}

NewSession create_hmac(const CryptoLibrary& library, const SessionKeys& keys) {
    if (keys.key.empty() || keys.key.size() > longest_mac_key || !keys.second_key.empty()) {
        return wrong_key_length();
    }
    return {{}, std::make_unique<HmacSession>(library, *find_hash(keys.hash), keys.key)};
}

}  // namespace ringside::core
