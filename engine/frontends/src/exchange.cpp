// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// provider-keyexch(7): ECDH and X25519. The default provider checks keys and parameters; the device
// multiplies. With a key derivation behind it (X9.63) all of it is the default provider's.

#include <openssl/core_names.h>
#include <openssl/params.h>
#include <openssl/proverr.h>

#include "asymmetric.hpp"
#include "operation_context.hpp"

namespace ringside::frontends {
namespace {

constexpr std::size_t largest_secret = 48;

template <KeyType type>
class Exchange : public OperationContext {
  public:
    static constexpr int duplicate_id = OSSL_FUNC_KEYEXCH_DUPCTX;
    static const SoftwareAlgorithm& functions_of(const PrivateLibcrypto& library) {
        static const SoftwareAlgorithm exchange(library, OSSL_OP_KEYEXCH,
                                                type == KeyType::ec ? "ECDH" : "X25519");
        return exchange;
    }

    Exchange(FrontEnd& front_end, void* software)
        : OperationContext(front_end, functions_of(front_end.software()), OSSL_FUNC_KEYEXCH_FREECTX,
                           software) {}
    bool copy_to(Exchange& copy) const {
        copy.keep(key().get());
        copy.pair_ = pair_;
        copy.peer_ = peer_;
        return true;
    }

    int begin(void* given, const OSSL_PARAM params[]) {
        keep(given);
        if (given != nullptr) {
            pair_ = key()->in_device();
        }
        return call<OSSL_FUNC_keyexch_init_fn>(
            OSSL_FUNC_KEYEXCH_INIT, given != nullptr ? key()->software() : nullptr, params);
    }

    int set_peer(void* given) {
        auto& peer = *static_cast<AsymmetricKey*>(given);
        peer_ = peer.in_device();
        return call<OSSL_FUNC_keyexch_set_peer_fn>(OSSL_FUNC_KEYEXCH_SET_PEER, peer.software());
    }

    int derive(unsigned char* secret, std::size_t* size, std::size_t capacity) {
        const auto in_software = [&] {
            return call<OSSL_FUNC_keyexch_derive_fn>(OSSL_FUNC_KEYEXCH_DERIVE, secret, size,
                                                     capacity);
        };
        if (secret == nullptr || !suits_device() || capacity < secret_size() ||
            !front_end().wants_device(family())) {
            return in_software();
        }
        std::array<unsigned char, largest_secret> shared{};
        const auto done = pair_->run(&driver::agree, {peer_->public_half()},
                                     octets(shared.data(), secret_size()));
        if (!done && front_end().falls_back(done.error())) {
            return in_software();
        }
        if (!done) {
            raise_error(PROV_R_FAILED_DURING_DERIVATION, done.error());
            return 0;
        }
        *size = secret_size();
        std::copy_n(shared.begin(), *size, secret);
        OPENSSL_cleanse(shared.data(), shared.size());
        return 1;
    }

  private:
    static AlgorithmFamily family() {
        return type == KeyType::ec ? AlgorithmFamily::ecdh : AlgorithmFamily::x25519;
    }
    std::size_t secret_size() const {
        return pair_->algorithm() == spec::Algorithm::ec_p384 ? 48 : 32;
    }
    bool suits_device() const {
        if (pair_ == nullptr || !pair_->has_private_half() || peer_ == nullptr ||
            peer_->algorithm() != pair_->algorithm() || peer_->public_half().empty()) {
            return false;
        }
        if (type == KeyType::x25519) {
            return true;
        }
        std::array<char, 64> derivation{};
        OSSL_PARAM params[] = {
            OSSL_PARAM_construct_utf8_string(OSSL_EXCHANGE_PARAM_KDF_TYPE, derivation.data(),
                                             derivation.size()),
            OSSL_PARAM_construct_end(),
        };
        return call<OSSL_FUNC_keyexch_get_ctx_params_fn>(OSSL_FUNC_KEYEXCH_GET_CTX_PARAMS,
                                                         params) == 1 &&
               derivation.front() == '\0';
    }

    std::shared_ptr<DeviceKeyPair> pair_;  ///< null: a key that the device does not take
    std::shared_ptr<DeviceKeyPair> peer_;  ///< likewise
};

template <KeyType type>
struct ExchangeDispatch {
    using Context = Exchange<type>;
    using Life = ContextLife<Context>;
    static Context& self(void* context) { return *static_cast<Context*>(context); }

    static void* create(void* front_end) {
        const auto& library = static_cast<FrontEnd*>(front_end)->software();
        return Life::create(
            front_end, Context::functions_of(library).template get<OSSL_FUNC_keyexch_newctx_fn>(
                           OSSL_FUNC_KEYEXCH_NEWCTX)(library.provider_context()));
    }
    static int begin(void* context, void* key, const OSSL_PARAM params[]) {
        return guarded(0, [&] { return self(context).begin(key, params); });
    }
    static int set_peer(void* context, void* key) {
        return guarded(0, [&] { return self(context).set_peer(key); });
    }
    static int derive(void* context, unsigned char* secret, size_t* size, size_t capacity) {
        return guarded(0, [&] { return self(context).derive(secret, size, capacity); });
    }

    static std::vector<OSSL_DISPATCH> table(const PrivateLibcrypto& library) {
        const OSSL_DISPATCH ours[] = {
            dispatch_entry(OSSL_FUNC_KEYEXCH_NEWCTX, &create),
            dispatch_entry(OSSL_FUNC_KEYEXCH_FREECTX, &Life::destroy),
            dispatch_entry(OSSL_FUNC_KEYEXCH_DUPCTX, &Life::duplicate),
            dispatch_entry(OSSL_FUNC_KEYEXCH_INIT, &begin),
            dispatch_entry(OSSL_FUNC_KEYEXCH_SET_PEER, &set_peer),
            dispatch_entry(OSSL_FUNC_KEYEXCH_DERIVE, &derive),
            forward<Context, OSSL_FUNC_KEYEXCH_SET_CTX_PARAMS,
                    OSSL_FUNC_keyexch_set_ctx_params_fn>(),
            forward<Context, OSSL_FUNC_KEYEXCH_SETTABLE_CTX_PARAMS,
                    OSSL_FUNC_keyexch_settable_ctx_params_fn>(),
            forward<Context, OSSL_FUNC_KEYEXCH_GET_CTX_PARAMS,
                    OSSL_FUNC_keyexch_get_ctx_params_fn>(),
            forward<Context, OSSL_FUNC_KEYEXCH_GETTABLE_CTX_PARAMS,
                    OSSL_FUNC_keyexch_gettable_ctx_params_fn>(),
        };
        return Context::functions_of(library).replace(ours);
    }
};

}  // namespace

const OSSL_DISPATCH* ecdh_functions(const PrivateLibcrypto& library) {
    static const auto table = ExchangeDispatch<KeyType::ec>::table(library);
    return table.data();
}

const OSSL_DISPATCH* x25519_functions(const PrivateLibcrypto& library) {
    static const auto table = ExchangeDispatch<KeyType::x25519>::table(library);
    return table.data();
}

}  // namespace ringside::frontends
