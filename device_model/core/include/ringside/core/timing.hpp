// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// What of a chip's time depends on the command: which slices do it, and for how long. Part of
// DeviceConfig; the datasheet's "Time" says how the stages use it.

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "ringside/base/time.hpp"
#include "ringside/spec/wire.hpp"

namespace ringside::core {

/// Each class has slices of its own, a queue before them and a watchdog.
enum class SliceClass : std::uint8_t { symmetric, asymmetric };
inline constexpr std::size_t slice_classes = 2;

/// Commands by how long a slice works on them.
enum class Service : std::uint8_t {
    aes_cbc,
    aes_gcm,
    aes_ctr,
    aes_xts,
    cbc_hmac,
    chacha20_poly1305,
    hash,
    hmac,
    derive,
    random,
    rsa_2048,  ///< private, a modulus of up to 2048 bits
    rsa_3072,
    rsa_4096,
    rsa_public,
    p256,  ///< sign, agree
    p256_verify,
    p384,
    p384_verify,
    x25519,
    ed25519,
    ed25519_verify,
};
inline constexpr std::size_t services = static_cast<std::size_t>(Service::ed25519_verify) + 1;

std::string_view to_string(Service service);

constexpr SliceClass class_of(Service service) {
    return service < Service::rsa_2048 ? SliceClass::symmetric : SliceClass::asymmetric;
}

/// Which service an I/O command on a session of `algorithm` is. `source` bytes: RSA's modulus.
Service service_of(spec::Opcode opcode, spec::Algorithm algorithm, std::uint32_t source);

/// How long a slice works on a command.
struct ServiceTime {
    Duration fixed{};
    Duration per_byte{};  ///< of the source; of random and derived bytes those asked for
};

/// A chip's own times; empty: DeviceConfig::slice_fixed and slice_per_byte.
class ServiceTimes {
  public:
    constexpr const std::optional<ServiceTime>& operator[](Service service) const {
        return times_[static_cast<std::size_t>(service)];
    }
    constexpr std::optional<ServiceTime>& operator[](Service service) {
        return times_[static_cast<std::size_t>(service)];
    }

  private:
    std::array<std::optional<ServiceTime>, services> times_{};
};

/// Every symmetric service empty; public-key operations as the standard chip does them.
constexpr ServiceTimes standard_service_times() {
    using us = std::chrono::microseconds;
    ServiceTimes times;
    times[Service::rsa_2048] = {us(100)};
    times[Service::rsa_3072] = {us(320)};
    times[Service::rsa_4096] = {us(740)};
    times[Service::rsa_public] = {us(8)};
    times[Service::p256] = {us(25)};
    times[Service::p256_verify] = {us(45)};
    times[Service::p384] = {us(60)};
    times[Service::p384_verify] = {us(110)};
    times[Service::x25519] = {us(22)};
    times[Service::ed25519] = {us(24), Duration(250)};
    times[Service::ed25519_verify] = {us(48), Duration(250)};
    return times;
}

}  // namespace ringside::core
