// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// HMAC as provider-mac(7) wants it. As with hashes, the device takes a message whole. What it does
// not do goes on in the default provider's HMAC: other digests, empty keys and keys above 1,024
// bytes, messages above largest_collected, and the MAC of TLS records in constant time.

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/proverr.h>

#include <array>
#include <memory>
#include <optional>
#include <string>

#include "algorithms.hpp"
#include "ciphers.hpp"
#include "device_hashes.hpp"
#include "device_key.hpp"
#include "guarded.hpp"
#include "ringside/offload/digest.hpp"

namespace ringside::frontends {
namespace {

constexpr std::size_t largest_device_key = 1024;

struct MacDeleter {
    void operator()(EVP_MAC* mac) const { EVP_MAC_free(mac); }
    void operator()(EVP_MAC_CTX* ctx) const { EVP_MAC_CTX_free(ctx); }
};
using MacHandle = std::unique_ptr<EVP_MAC, MacDeleter>;
using MacContextHandle = std::unique_ptr<EVP_MAC_CTX, MacDeleter>;

class HmacContext {
  public:
    explicit HmacContext(FrontEnd& front_end) : front_end_(front_end) {}
    HmacContext& operator=(const HmacContext&) = delete;

    std::unique_ptr<HmacContext> duplicate() const {
        std::unique_ptr<HmacContext> copy(new HmacContext(*this));
        if (software_ != nullptr) {
            copy->software_.reset(EVP_MAC_CTX_dup(software_.get()));
            if (copy->software_ == nullptr) {
                return nullptr;
            }
        }
        return copy;
    }

    bool init(const unsigned char* key, std::size_t size, const OSSL_PARAM params[]) {
        if (!take_digest_and_key(params)) {
            return false;
        }
        if (key != nullptr) {
            take_key({key, size});
        } else if (!has_key_) {
            ERR_raise(ERR_LIB_PROV, PROV_R_NO_KEY_SET);
            return false;
        }
        collected_.clear();
        software_.reset();
        return (!is_softwares() || go_on_in_software()) && take_tls_size(params);
    }

    bool update(Octets octets) {
        if (software_ == nullptr && octets.size() <= largest_collected - collected_.size()) {
            collected_.append(octets);
            return true;
        }
        return (software_ != nullptr || go_on_in_software()) &&
               EVP_MAC_update(software_.get(), octets.data(), octets.size()) == 1;
    }

    bool final(unsigned char* out, std::size_t* out_size, std::size_t capacity) {
        if (software_ == nullptr && is_softwares() && !go_on_in_software()) {
            return false;
        }
        if (software_ == nullptr && capacity < hash_->size) {
            ERR_raise(ERR_LIB_PROV, PROV_R_OUTPUT_BUFFER_TOO_SMALL);
            return false;
        }
        if (software_ == nullptr &&
            front_end_.wants_device(AlgorithmFamily::hmac, collected_.size())) {
            const auto error = run_on_device(out);
            if (!error) {
                *out_size = hash_->size;
                return true;
            }
            // A chip may have less than largest_collected; that is no failure.
            if (error != driver::Errc::invalid_request && !front_end_.falls_back(error)) {
                raise_error(ERR_R_OPERATION_FAIL, error);
                return false;
            }
        }
        return (software_ != nullptr || go_on_in_software()) &&
               EVP_MAC_final(software_.get(), out, out_size, capacity) == 1;
    }

    bool set_params(const OSSL_PARAM params[]) {
        return take_digest_and_key(params) && take_tls_size(params);
    }

    bool get_params(OSSL_PARAM params[]) const {
        return answer(params, OSSL_MAC_PARAM_SIZE, digest_size_) &&
               answer(params, OSSL_MAC_PARAM_BLOCK_SIZE, block_size_);
    }

  private:
    HmacContext(const HmacContext& other)
        : front_end_(other.front_end_),
          digest_name_(other.digest_name_),
          digest_size_(other.digest_size_),
          block_size_(other.block_size_),
          hash_(other.hash_),
          has_key_(other.has_key_),
          collected_(other.collected_) {
        if (other.key_) {
            key_.emplace(*other.key_);
        }
    }

    bool is_softwares() const {
        return hash_ == nullptr || !has_key_ || key_->size() == 0 ||
               key_->size() > largest_device_key;
    }

    bool take_digest_and_key(const OSSL_PARAM params[]) {
        const OSSL_PARAM* digest = OSSL_PARAM_locate_const(params, OSSL_MAC_PARAM_DIGEST);
        const OSSL_PARAM* key = OSSL_PARAM_locate_const(params, OSSL_MAC_PARAM_KEY);
        const char* name = nullptr;
        if ((digest != nullptr &&
             (OSSL_PARAM_get_utf8_string_ptr(digest, &name) != 1 || !take_digest(name))) ||
            (key != nullptr && key->data_type != OSSL_PARAM_OCTET_STRING)) {
            ERR_raise(ERR_LIB_PROV, PROV_R_FAILED_TO_GET_PARAMETER);
            return false;
        }
        if (key != nullptr) {
            take_key({static_cast<const unsigned char*>(key->data), key->data_size});
        }
        return true;
    }

    /// The MAC of a TLS record whose length is secret; told between key and data.
    bool take_tls_size(const OSSL_PARAM params[]) {
        const OSSL_PARAM* size = OSSL_PARAM_locate_const(params, OSSL_MAC_PARAM_TLS_DATA_SIZE);
        if (size == nullptr) {
            return true;
        }
        const std::array<OSSL_PARAM, 2> only{*size, OSSL_PARAM_construct_end()};
        return (software_ != nullptr || go_on_in_software()) &&
               EVP_MAC_CTX_set_params(software_.get(), only.data()) == 1;
    }

    bool take_digest(const char* name) {
        const DigestHandle digest(EVP_MD_fetch(front_end_.software().context(), name, nullptr));
        if (digest == nullptr || (EVP_MD_get_flags(digest.get()) & EVP_MD_FLAG_XOF) != 0) {
            return false;
        }
        digest_name_ = name;
        digest_size_ = static_cast<std::size_t>(EVP_MD_get_size(digest.get()));
        block_size_ = static_cast<std::size_t>(EVP_MD_get_block_size(digest.get()));
        const HashShape* const former = std::exchange(hash_, find_device_hash(front_end_, name));
        if (former != hash_ && key_) {
            const CleansedBuffer key(std::as_bytes(std::span(key_->data(), key_->size())));
            take_key({reinterpret_cast<const unsigned char*>(key.data()), key.size()});
        }
        return true;
    }

    void take_key(Octets key) {
        const spec::Hash hash = hash_ != nullptr ? hash_->hash : spec::Hash::none;
        if (!key_ || key_->hash() != hash) {
            key_.emplace(front_end_, spec::Algorithm::hmac, hash);
        }
        key_->set(key);
        has_key_ = true;
    }

    boost::system::error_code run_on_device(unsigned char* out) {
        const auto session = key_->session();
        if (!session) {
            return session.error();
        }
        const auto done = offload::digest(**session, std::as_bytes(collected_.octets()),
                                          std::as_writable_bytes(std::span(out, hash_->size)));
        if (!done && done.error() != driver::Errc::invalid_request) {
            key_->end_session();
        }
        return done ? boost::system::error_code() : done.error();
    }

    /// What has been collected, and then whatever comes.
    bool go_on_in_software() {
        if (digest_name_.empty() || !has_key_) {
            ERR_raise(ERR_LIB_PROV, has_key_ ? PROV_R_MISSING_MESSAGE_DIGEST : PROV_R_NO_KEY_SET);
            return false;
        }
        const MacHandle mac(EVP_MAC_fetch(front_end_.software().context(), "HMAC", nullptr));
        software_.reset(mac != nullptr ? EVP_MAC_CTX_new(mac.get()) : nullptr);
        const OSSL_PARAM params[] = {
            OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest_name_.data(), 0),
            OSSL_PARAM_construct_end()};
        static constexpr unsigned char no_key = 0;
        const unsigned char* const key = key_->size() != 0 ? key_->data() : &no_key;
        const Octets octets = collected_.octets();
        const bool done =
            software_ != nullptr && EVP_MAC_init(software_.get(), key, key_->size(), params) == 1 &&
            (octets.empty() || EVP_MAC_update(software_.get(), octets.data(), octets.size()) == 1);
        collected_.clear();
        if (!done) {
            software_.reset();
        }
        return done;
    }

    FrontEnd& front_end_;
    std::string digest_name_;  ///< empty: none yet
    std::size_t digest_size_ = 0;
    std::size_t block_size_ = 0;
    const HashShape* hash_ = nullptr;  ///< null: the device has not got it
    bool has_key_ = false;
    std::optional<DeviceKey<offload::DeviceSession>> key_;
    CollectedOctets collected_;
    MacContextHandle software_;  ///< set: everything goes there
};

HmacContext& self(void* context) {
    return *static_cast<HmacContext*>(context);
}

void* create(void* front_end) {
    return guarded<void*>(nullptr,
                          [&] { return new HmacContext(*static_cast<FrontEnd*>(front_end)); });
}

void destroy(void* context) {
    delete static_cast<HmacContext*>(context);
}

void* duplicate(void* context) {
    return guarded<void*>(nullptr, [&] { return self(context).duplicate().release(); });
}

int init(void* context, const unsigned char* key, size_t size, const OSSL_PARAM params[]) {
    return guarded(0, [&] { return self(context).init(key, size, params) ? 1 : 0; });
}

int update(void* context, const unsigned char* in, size_t size) {
    return guarded(0, [&] { return self(context).update({in, size}) ? 1 : 0; });
}

int final(void* context, unsigned char* out, size_t* out_size, size_t capacity) {
    return guarded(0, [&] { return self(context).final(out, out_size, capacity) ? 1 : 0; });
}

int get_context_params(void* context, OSSL_PARAM params[]) {
    return self(context).get_params(params) ? 1 : 0;
}

const OSSL_PARAM* gettable(void* /*context*/, void* /*provider*/) {
    static const OSSL_PARAM params[] = {
        OSSL_PARAM_size_t(OSSL_MAC_PARAM_SIZE, nullptr),
        OSSL_PARAM_size_t(OSSL_MAC_PARAM_BLOCK_SIZE, nullptr),
        OSSL_PARAM_END,
    };
    return params;
}

int set_context_params(void* context, const OSSL_PARAM params[]) {
    return guarded(0, [&] { return self(context).set_params(params) ? 1 : 0; });
}

const OSSL_PARAM* settable(void* /*context*/, void* /*provider*/) {
    static const OSSL_PARAM params[] = {
        OSSL_PARAM_utf8_string(OSSL_MAC_PARAM_DIGEST, nullptr, 0),
        OSSL_PARAM_utf8_string(OSSL_MAC_PARAM_PROPERTIES, nullptr, 0),
        OSSL_PARAM_octet_string(OSSL_MAC_PARAM_KEY, nullptr, 0),
        OSSL_PARAM_int(OSSL_MAC_PARAM_DIGEST_NOINIT, nullptr),
        OSSL_PARAM_int(OSSL_MAC_PARAM_DIGEST_ONESHOT, nullptr),
        OSSL_PARAM_size_t(OSSL_MAC_PARAM_TLS_DATA_SIZE, nullptr),
        OSSL_PARAM_END,
    };
    return params;
}

const OSSL_DISPATCH table[] = {
    dispatch_entry(OSSL_FUNC_MAC_NEWCTX, &create),
    dispatch_entry(OSSL_FUNC_MAC_FREECTX, &destroy),
    dispatch_entry(OSSL_FUNC_MAC_DUPCTX, &duplicate),
    dispatch_entry(OSSL_FUNC_MAC_INIT, &init),
    dispatch_entry(OSSL_FUNC_MAC_UPDATE, &update),
    dispatch_entry(OSSL_FUNC_MAC_FINAL, &final),
    dispatch_entry(OSSL_FUNC_MAC_GET_CTX_PARAMS, &get_context_params),
    dispatch_entry(OSSL_FUNC_MAC_GETTABLE_CTX_PARAMS, &gettable),
    dispatch_entry(OSSL_FUNC_MAC_SET_CTX_PARAMS, &set_context_params),
    dispatch_entry(OSSL_FUNC_MAC_SETTABLE_CTX_PARAMS, &settable),
    {0, nullptr},
};

}  // namespace

const AlgorithmRow hmac_rows[1] = {
    {AlgorithmFamily::hmac, {"HMAC", algorithm_properties, table, nullptr}},
};

}  // namespace ringside::frontends
