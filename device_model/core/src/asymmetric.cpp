// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "asymmetric.hpp"

#include <algorithm>

namespace ringside::core {

std::span<std::byte> Numbers::take(std::size_t size) {
    require(used_ + size <= storage_.size(), "the numbers of a key have no room");
    used_ += size;
    return storage_.bytes().subspan(used_ - size, size);
}

void Numbers::add(const char* name, std::span<const std::byte> big_endian) {
    const auto native = take(big_endian.size());  // little endian, as wire.hpp asserts
    std::reverse_copy(big_endian.begin(), big_endian.end(), native.begin());
    parameters_[count_++] = OSSL_PARAM_construct_BN(name, as_uchar(native.data()), native.size());
}

void Numbers::add_octets(const char* name, std::span<const std::byte> octets) {
    const auto copy = take(octets.size());
    std::copy(octets.begin(), octets.end(), copy.begin());
    parameters_[count_++] = OSSL_PARAM_construct_octet_string(name, copy.data(), copy.size());
}

void Numbers::add_text(const char* name, const char* text) {
    parameters_[count_++] = OSSL_PARAM_construct_utf8_string(name, const_cast<char*>(text), 0);
}

OSSL_PARAM* Numbers::parameters() {
    parameters_[count_] = OSSL_PARAM_construct_end();
    return parameters_;
}

PkeyPtr import_key(const CryptoLibrary& library, const char* type, int selection,
                   Numbers& numbers) {
    const PkeyCtxPtr context(EVP_PKEY_CTX_new_from_name(library.context(), type, nullptr));
    require(context != nullptr && EVP_PKEY_fromdata_init(context.get()) == 1,
            "a key cannot be imported");
    EVP_PKEY* key = nullptr;
    if (EVP_PKEY_fromdata(context.get(), &key, selection, numbers.parameters()) != 1) {
        return nullptr;
    }
    return PkeyPtr(key);
}

PkeyCtxPtr operation_context(const CryptoLibrary& library, const PkeyPtr& key) {
    PkeyCtxPtr context(EVP_PKEY_CTX_new_from_pkey(library.context(), key.get(), nullptr));
    require(context != nullptr, "an asymmetric operation cannot begin");
    return context;
}

}  // namespace ringside::core
