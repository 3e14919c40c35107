// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "rsa_in_device.hpp"

#include <openssl/crypto.h>

#include <algorithm>
#include <array>
#include <new>
#include <utility>

namespace ringside::frontends {
namespace {

constexpr std::size_t smallest_size = 256;

/// On the stack, which a job that is abandoned leaves as it is: overwritten by whoever gets it, and
/// holding nothing before the device has answered.
struct Scratch {
    std::array<std::byte, RsaInDevice::largest_size> bytes;
    ~Scratch() { OPENSSL_cleanse(bytes.data(), bytes.size()); }
};

}  // namespace

bool RsaInDevice::takes(std::span<const std::byte> modulus, std::span<const std::byte> exponent) {
    constexpr std::byte zero{};
    const auto is_odd = [](std::span<const std::byte> number) {
        return (number.back() & std::byte{1}) != zero;
    };
    const auto rest = exponent.first(exponent.size() - 1);
    const bool is_one =
        exponent.back() == std::byte{1} &&
        std::all_of(rest.begin(), rest.end(), [](auto byte) { return byte == zero; });
    return modulus.size() >= smallest_size && modulus.size() <= largest_size &&
           modulus.size() % 8 == 0 && (modulus.front() & std::byte{0x80}) != zero &&
           is_odd(modulus) && is_odd(exponent) && !is_one;
}

RsaInDevice::RsaInDevice(std::shared_ptr<DeviceKeyPair> key)
    : key_(std::move(key)),
      size_(key_->public_half().size() - exponent_size),
      modulus_(number(modulus())),
      exponent_(number(key_->public_half().last(exponent_size))),
      montgomery_(BN_MONT_CTX_new()) {
    const std::unique_ptr<BN_CTX, Free> workspace(BN_CTX_new());
    if (modulus_ == nullptr || exponent_ == nullptr || montgomery_ == nullptr ||
        workspace == nullptr ||
        BN_MONT_CTX_set(montgomery_.get(), modulus_.get(), workspace.get()) != 1) {
        throw std::bad_alloc();
    }
}

driver::result<void> RsaInDevice::private_power(std::span<const std::byte> in,
                                                std::span<std::byte> out) {
    Scratch answer;
    const auto root = std::span(answer.bytes).first(size_);
    if (const auto done = key_->run(&driver::rsa_private, {in}, root); !done) {
        return done;
    }
    if (!is_root(root, in)) {
        return boost::system::errc::make_error_code(boost::system::errc::bad_message);
    }
    std::copy(root.begin(), root.end(), out.begin());
    return {};
}

driver::result<void> RsaInDevice::public_power(std::span<const std::byte> in,
                                               std::span<std::byte> out) {
    return key_->run(&driver::rsa_public, {in}, out);
}

RsaInDevice::Number RsaInDevice::number(std::span<const std::byte> bytes) {
    return Number(BN_bin2bn(reinterpret_cast<const unsigned char*>(bytes.data()),
                            static_cast<int>(bytes.size()), nullptr));
}

bool RsaInDevice::is_root(std::span<const std::byte> root, std::span<const std::byte> power) const {
    const std::unique_ptr<BN_CTX, Free> workspace(BN_CTX_new());
    const Number base = number(root);
    const Number wanted = number(power);
    const Number found(BN_new());
    return workspace != nullptr && base != nullptr && wanted != nullptr && found != nullptr &&
           BN_cmp(base.get(), modulus_.get()) < 0 &&
           BN_mod_exp_mont(found.get(), base.get(), exponent_.get(), modulus_.get(),
                           workspace.get(), montgomery_.get()) == 1 &&
           BN_cmp(found.get(), wanted.get()) == 0;
}

}  // namespace ringside::frontends
