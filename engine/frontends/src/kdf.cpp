// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// HKDF, TLS1-PRF and TLS13-KDF as provider-kdf(7) wants them. Every parameter goes to the default
// provider's KDF as well, which says what is wrong with it, and which derives what the device does
// not: other digests and modes, and parts that are longer or shorter than the device takes.

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include <array>
#include <memory>
#include <vector>

#include "algorithms.hpp"
#include "device_hashes.hpp"
#include "guarded.hpp"
#include "ringside/offload/digest.hpp"

namespace ringside::frontends {
namespace {

enum class Kind : unsigned char { hkdf, tls1_prf, tls13 };

struct KdfShape {
    const char* name;
    Kind kind;
};
constexpr KdfShape hkdf{"HKDF", Kind::hkdf};
constexpr KdfShape tls1_prf{"TLS1-PRF", Kind::tls1_prf};
constexpr KdfShape tls13_kdf{"TLS13-KDF", Kind::tls13};

constexpr std::size_t largest_part = 65535;
constexpr std::size_t largest_context = 1024;
constexpr std::size_t most_digests = 255;

struct KdfDeleter {
    void operator()(EVP_KDF* kdf) const { EVP_KDF_free(kdf); }
    void operator()(EVP_KDF_CTX* ctx) const { EVP_KDF_CTX_free(ctx); }
};
using KdfContextHandle = std::unique_ptr<EVP_KDF_CTX, KdfDeleter>;

/// A parameter: it may be there and be empty.
struct Part {
    bool is_set = false;
    CollectedOctets octets;

    void clear() {
        is_set = false;
        octets.clear();
    }
    /// All of this name in `params`, joined; as before if there is none.
    void replace(const OSSL_PARAM params[], const char* name) {
        if (OSSL_PARAM_locate_const(params, name) != nullptr) {
            octets.clear();
            append(params, name);
        }
    }
    void append(const OSSL_PARAM params[], const char* name) {
        const OSSL_PARAM* param = OSSL_PARAM_locate_const(params, name);
        for (; param != nullptr; param = OSSL_PARAM_locate_const(param + 1, name)) {
            is_set = true;
            octets.append({static_cast<const unsigned char*>(param->data), param->data_size});
        }
    }
    std::span<const std::byte> bytes() const { return std::as_bytes(octets.octets()); }
    bool is_empty() const { return octets.empty(); }
    std::size_t size() const { return octets.size(); }
};

class KdfContext {
  public:
    KdfContext(FrontEnd& front_end, const KdfShape& shape) : front_end_(front_end), shape_(shape) {
        const std::unique_ptr<EVP_KDF, KdfDeleter> kdf(
            EVP_KDF_fetch(front_end.software().context(), shape.name, nullptr));
        software_.reset(kdf != nullptr ? EVP_KDF_CTX_new(kdf.get()) : nullptr);
    }
    KdfContext& operator=(const KdfContext&) = delete;

    /// Null: no memory, or the default provider's cannot be copied (before OpenSSL 3.1).
    std::unique_ptr<KdfContext> duplicate() const {
        std::unique_ptr<KdfContext> copy(new KdfContext(*this));
        copy->software_.reset(EVP_KDF_CTX_dup(software_.get()));
        return copy->software_ != nullptr ? std::move(copy) : nullptr;
    }

    bool is_usable() const { return software_ != nullptr; }
    EVP_KDF_CTX* software() { return software_.get(); }

    void reset() {
        EVP_KDF_CTX_reset(software_.get());
        hash_ = nullptr;
        mode_ = EVP_KDF_HKDF_MODE_EXTRACT_AND_EXPAND;
        for (Part* part : {&key_, &salt_, &info_, &prefix_, &label_}) {
            part->clear();
        }
    }

    bool set_params(const OSSL_PARAM params[]) {
        if (params == nullptr || params->key == nullptr) {
            return true;
        }
        if (!set_software_params(params)) {
            return false;
        }
        const OSSL_PARAM* digest = OSSL_PARAM_locate_const(params, OSSL_KDF_PARAM_DIGEST);
        const char* name = nullptr;
        if (digest != nullptr && OSSL_PARAM_get_utf8_string_ptr(digest, &name) == 1) {
            hash_ = find_device_hash(front_end_, name);
        }
        take_mode(params);
        if (shape_.kind == Kind::tls1_prf) {
            key_.replace(params, OSSL_KDF_PARAM_SECRET);
            info_.append(params, OSSL_KDF_PARAM_SEED);
            return true;
        }
        key_.replace(params, OSSL_KDF_PARAM_KEY);
        salt_.replace(params, OSSL_KDF_PARAM_SALT);
        if (shape_.kind == Kind::hkdf) {
            info_.replace(params, OSSL_KDF_PARAM_INFO);
            return true;
        }
        prefix_.replace(params, OSSL_KDF_PARAM_PREFIX);
        label_.replace(params, OSSL_KDF_PARAM_LABEL);
        info_.clear();  // it counts for one derivation
        info_.replace(params, OSSL_KDF_PARAM_DATA);
        return true;
    }

    bool derive(unsigned char* out, std::size_t size, const OSSL_PARAM params[]) {
        if (!set_params(params)) {
            return false;
        }
        if (is_devices(size) && front_end_.wants_device(AlgorithmFamily::kdf, size)) {
            const auto done = run_on_device(std::as_writable_bytes(std::span(out, size)));
            if (done) {
                return true;
            }
            if (!front_end_.falls_back(done.error())) {
                raise_error(ERR_R_OPERATION_FAIL, done.error());
                return false;
            }
        }
        return EVP_KDF_derive(software_.get(), out, size, nullptr) == 1;
    }

  private:
    KdfContext(const KdfContext& other)
        : front_end_(other.front_end_),
          shape_(other.shape_),
          hash_(other.hash_),
          mode_(other.mode_),
          key_(other.key_),
          salt_(other.salt_),
          info_(other.info_),
          prefix_(other.prefix_),
          label_(other.label_) {}

    /// A property query chooses among the digests of providers, which the device's is none of.
    bool set_software_params(const OSSL_PARAM params[]) {
        std::vector<OSSL_PARAM> kept;
        for (; params->key != nullptr; ++params) {
            if (OPENSSL_strcasecmp(params->key, OSSL_KDF_PARAM_PROPERTIES) != 0) {
                kept.push_back(*params);
            }
        }
        kept.push_back(OSSL_PARAM_construct_end());
        return EVP_KDF_CTX_set_params(software_.get(), kept.data()) == 1;
    }

    /// It is one of three: the default provider has taken it.
    void take_mode(const OSSL_PARAM params[]) {
        const OSSL_PARAM* mode = OSSL_PARAM_locate_const(params, OSSL_KDF_PARAM_MODE);
        const char* name = nullptr;
        if (mode == nullptr) {
            return;
        }
        if (mode->data_type != OSSL_PARAM_UTF8_STRING) {
            OSSL_PARAM_get_int(mode, &mode_);
        } else if (OSSL_PARAM_get_utf8_string_ptr(mode, &name) == 1) {
            mode_ = OPENSSL_strcasecmp(name, "EXTRACT_ONLY") == 0 ? EVP_KDF_HKDF_MODE_EXTRACT_ONLY
                    : OPENSSL_strcasecmp(name, "EXPAND_ONLY") == 0
                        ? EVP_KDF_HKDF_MODE_EXPAND_ONLY
                        : EVP_KDF_HKDF_MODE_EXTRACT_AND_EXPAND;
        }
    }

    bool is_devices(std::size_t size) const {
        if (hash_ == nullptr || size == 0 || size > most_digests * hash_->size ||
            key_.size() > largest_part || salt_.size() > largest_part ||
            info_.size() > largest_context) {
            return false;
        }
        const bool extracts = mode_ == EVP_KDF_HKDF_MODE_EXTRACT_ONLY;
        switch (shape_.kind) {
            case Kind::tls1_prf:
                return !key_.is_empty() && !info_.is_empty() &&
                       (hash_->hash == spec::Hash::sha256 || hash_->hash == spec::Hash::sha384);
            case Kind::hkdf:
                return !key_.is_empty() && (!extracts || size == hash_->size);
            case Kind::tls13:
                // A length field of one byte each; what is not there is zeroes, but not empty.
                return prefix_.size() + label_.size() <= 255 && info_.size() <= 255 &&
                       key_.is_set == !key_.is_empty() && salt_.is_set == !salt_.is_empty() &&
                       (extracts ? size == hash_->size
                                 : mode_ == EVP_KDF_HKDF_MODE_EXPAND_ONLY && key_.is_set);
        }
        return false;
    }

    driver::result<void> run_on_device(std::span<std::byte> out) {
        const bool expands = mode_ == EVP_KDF_HKDF_MODE_EXPAND_ONLY;
        switch (shape_.kind) {
            case Kind::tls1_prf:
                return run(spec::Algorithm::tls12_prf,
                           {.first = key_.bytes(), .last = info_.bytes()}, out);
            case Kind::hkdf:
                if (expands) {
                    return run(spec::Algorithm::hkdf_expand,
                               {.first = key_.bytes(), .last = info_.bytes()}, out);
                }
                if (mode_ == EVP_KDF_HKDF_MODE_EXTRACT_ONLY) {
                    return run(spec::Algorithm::hkdf_extract,
                               {.first = salt_.bytes(), .last = key_.bytes()}, out);
                }
                return run(spec::Algorithm::hkdf,
                           {.first = salt_.bytes(), .second = key_.bytes(), .last = info_.bytes()},
                           out);
            case Kind::tls13:
                break;
        }
        return expands ? expand_label(key_.bytes(), info_.bytes(), out) : next_secret(out);
    }

    /// RFC 8446, 7.1: HKDF-Expand-Label.
    driver::result<void> expand_label(std::span<const std::byte> secret,
                                      std::span<const std::byte> context,
                                      std::span<std::byte> out) {
        CollectedOctets& info = label_info_;
        info.clear();
        const auto number = [&info](std::size_t value) {
            const auto byte = static_cast<unsigned char>(value);
            info.append({&byte, 1});
        };
        number(out.size() >> 8);
        number(out.size());
        number(prefix_.size() + label_.size());
        info.append(prefix_.octets.octets());
        info.append(label_.octets.octets());
        number(context.size());
        info.append({reinterpret_cast<const unsigned char*>(context.data()), context.size()});
        return run(spec::Algorithm::hkdf_expand,
                   {.first = secret, .last = std::as_bytes(info.octets())}, out);
    }

    /// RFC 8446, 7.1: the step down in the key schedule, from one secret to the next.
    driver::result<void> next_secret(std::span<std::byte> out) {
        static constexpr std::array<std::byte, EVP_MAX_MD_SIZE> zeroes{};
        const auto nothing = std::span<const std::byte>(zeroes).first(hash_->size);
        derived_ = CleansedBuffer(hash_->size);
        if (salt_.is_set) {
            std::array<unsigned char, EVP_MAX_MD_SIZE> of_no_messages{};
            unsigned size = 0;
            const DigestHandle digest = front_end_.software().fetch_digest(hash_->name);
            if (EVP_Digest(nullptr, 0, of_no_messages.data(), &size, digest.get(), nullptr) != 1) {
                return make_error_code(boost::system::errc::not_enough_memory);
            }
            const auto done =
                expand_label(salt_.bytes(), std::as_bytes(std::span(of_no_messages).first(size)),
                             derived_.bytes());
            if (!done) {
                return done;
            }
        }
        return run(spec::Algorithm::hkdf_extract,
                   {.first = derived_.bytes(), .last = key_.is_set ? key_.bytes() : nothing}, out);
    }

    driver::result<void> run(spec::Algorithm algorithm, const offload::DerivationParts& parts,
                             std::span<std::byte> out) {
        auto session = front_end_.keyless_sessions().get(algorithm, hash_->hash);
        if (!session) {
            return session.error();
        }
        session_.swap(*session);
        session->reset();  // nothing may be owned on a job's stack
        const auto done = offload::derive(session_->session(), parts, out);
        if (!done) {
            front_end_.keyless_sessions().drop(session_);
        }
        return done;
    }

    FrontEnd& front_end_;
    const KdfShape& shape_;
    const HashShape* hash_ = nullptr;  ///< null: none, or one that the device has not got
    int mode_ = EVP_KDF_HKDF_MODE_EXTRACT_AND_EXPAND;
    Part key_;   ///< TLS1-PRF: the secret
    Part salt_;  ///< TLS13-KDF: the secret before
    Part info_;  ///< TLS1-PRF: label and seed; TLS13-KDF: the context
    Part prefix_;
    Part label_;
    // Not on the stack, which, if it is a job's, may never be unwound.
    CollectedOctets label_info_;
    CleansedBuffer derived_;
    KeylessSessions::Held session_;
    KdfContextHandle software_;
};

KdfContext& self(void* context) {
    return *static_cast<KdfContext*>(context);
}

template <const KdfShape& Shape>
void* create(void* front_end) {
    return guarded<void*>(nullptr, [&]() -> void* {
        auto context = std::make_unique<KdfContext>(*static_cast<FrontEnd*>(front_end), Shape);
        return context->is_usable() ? context.release() : nullptr;
    });
}

void destroy(void* context) {
    delete static_cast<KdfContext*>(context);
}

void* duplicate(void* context) {
    return guarded<void*>(nullptr, [&] { return self(context).duplicate().release(); });
}

void reset(void* context) {
    self(context).reset();
}

int derive(void* context, unsigned char* out, size_t size, const OSSL_PARAM params[]) {
    return guarded(0, [&] { return self(context).derive(out, size, params) ? 1 : 0; });
}

int set_context_params(void* context, const OSSL_PARAM params[]) {
    return guarded(0, [&] { return self(context).set_params(params) ? 1 : 0; });
}

int get_context_params(void* context, OSSL_PARAM params[]) {
    return EVP_KDF_CTX_get_params(self(context).software(), params);
}

const OSSL_PARAM* gettable(void* /*context*/, void* /*provider*/) {
    static const OSSL_PARAM params[] = {OSSL_PARAM_size_t(OSSL_KDF_PARAM_SIZE, nullptr),
                                        OSSL_PARAM_END};
    return params;
}

template <const KdfShape& Shape>
const OSSL_PARAM* settable(void* /*context*/, void* /*provider*/) {
    // Leaked on purpose: whoever is torn down last may still ask.
    static const auto* const params = [] {
        auto* const list = new std::vector<OSSL_PARAM>;
        std::vector<OSSL_PARAM>& all = *list;
        all = {OSSL_PARAM_utf8_string(OSSL_KDF_PARAM_PROPERTIES, nullptr, 0),
               OSSL_PARAM_utf8_string(OSSL_KDF_PARAM_DIGEST, nullptr, 0)};
        const auto octets = [&all](std::initializer_list<const char*> names) {
            for (const char* name : names) {
                all.push_back(OSSL_PARAM_octet_string(name, nullptr, 0));
            }
        };
        if (Shape.kind == Kind::tls1_prf) {
            octets({OSSL_KDF_PARAM_SECRET, OSSL_KDF_PARAM_SEED});
        } else {
            all.push_back(OSSL_PARAM_utf8_string(OSSL_KDF_PARAM_MODE, nullptr, 0));
            all.push_back(OSSL_PARAM_int(OSSL_KDF_PARAM_MODE, nullptr));
            octets({OSSL_KDF_PARAM_KEY, OSSL_KDF_PARAM_SALT});
        }
        if (Shape.kind == Kind::hkdf) {
            octets({OSSL_KDF_PARAM_INFO});
        } else if (Shape.kind == Kind::tls13) {
            octets({OSSL_KDF_PARAM_PREFIX, OSSL_KDF_PARAM_LABEL, OSSL_KDF_PARAM_DATA});
        }
        all.push_back(OSSL_PARAM_END);
        return list;
    }();
    return params->data();
}

template <const KdfShape& Shape>
const OSSL_DISPATCH table[] = {
    dispatch_entry(OSSL_FUNC_KDF_NEWCTX, &create<Shape>),
    dispatch_entry(OSSL_FUNC_KDF_FREECTX, &destroy),
    dispatch_entry(OSSL_FUNC_KDF_DUPCTX, &duplicate),
    dispatch_entry(OSSL_FUNC_KDF_RESET, &reset),
    dispatch_entry(OSSL_FUNC_KDF_DERIVE, &derive),
    dispatch_entry(OSSL_FUNC_KDF_SET_CTX_PARAMS, &set_context_params),
    dispatch_entry(OSSL_FUNC_KDF_SETTABLE_CTX_PARAMS, &settable<Shape>),
    dispatch_entry(OSSL_FUNC_KDF_GET_CTX_PARAMS, &get_context_params),
    dispatch_entry(OSSL_FUNC_KDF_GETTABLE_CTX_PARAMS, &gettable),
    {0, nullptr},
};

}  // namespace

const AlgorithmRow kdf_rows[3] = {
    {AlgorithmFamily::kdf, {hkdf.name, algorithm_properties, table<hkdf>, nullptr}},
    {AlgorithmFamily::kdf, {tls1_prf.name, algorithm_properties, table<tls1_prf>, nullptr}},
    {AlgorithmFamily::kdf, {tls13_kdf.name, algorithm_properties, table<tls13_kdf>, nullptr}},
};

}  // namespace ringside::frontends
