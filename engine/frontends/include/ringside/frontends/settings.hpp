// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// Everything that an operator can set, as one table: the provider's section of openssl.cnf, the
// ENGINE's control commands, the environment and the table in docs/operators.md are all made from
// it, under the same names. Each later source wins: default, then openssl.cnf or control command,
// then environment, so that a value can be tried for one run of a program without editing what
// others share.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "ringside/frontends/log.hpp"

namespace ringside::frontends {

/// What the chip has besides the admin queue pair.
inline constexpr std::uint32_t largest_queue_pairs = 7;
/// Threads that compute for the chip.
inline constexpr unsigned most_helpers = 3;

/// What all front ends of a process must agree on: there is one device.
struct DeviceSettings {
    std::uint32_t queue_pairs = 1;
    std::uint32_t ring_entries = 256;
    bool callbacks = true;
    bool paced = false;
    std::string chip = "standard";  ///< whoever starts the device knows the names
    unsigned helpers = 0;
    std::string fault_plan;       ///< as `ringside run --faults` takes it; empty: none
    std::string statistics_file;  ///< empty: none
    std::string trace_file;       ///< empty: none
    LogLevel log = LogLevel::error;

    bool operator==(const DeviceSettings&) const = default;
};

/// Families of algorithms that can be switched off; a bit each in Policy::algorithms.
enum class AlgorithmFamily : unsigned char {
    aes_cbc,
    aes_gcm,
    aes_ctr,
    aes_xts,
    chacha20_poly1305,
    sha2,
    sha3,
    hmac,
    kdf,
    aes_cbc_hmac,
    rsa,
    ecdsa,
    ecdh,
    x25519,
    ed25519,
};
/// Their names for the operator, in the order above.
inline constexpr std::string_view family_names[] = {
    "AES-CBC", "AES-GCM", "AES-CTR", "AES-XTS", "ChaCha20-Poly1305",
    "SHA-2",   "SHA-3",   "HMAC",    "KDF",     "AES-CBC-HMAC",
    "RSA",     "ECDSA",   "ECDH",    "X25519",  "ED25519",
};

/// What of a front end's work goes to the device.
struct Policy {
    std::uint32_t algorithms = ~std::uint32_t{0};
    std::size_t smallest_request = 0;  ///< in bytes; what is smaller stays in software
    bool synchronous_in_software = false;
    bool fallback = false;  ///< software when the device cannot

    bool operator==(const Policy&) const = default;
    bool allows(AlgorithmFamily family) const {
        return (algorithms >> static_cast<unsigned>(family) & 1) != 0;
    }
};

struct Settings {
    DeviceSettings device;
    Policy policy;
};

struct Option {
    const char* name;  ///< in openssl.cnf, and as control command
    const char* type;
    const char* allowed;
    const char* fallback;  ///< the default, as it would be written; "" for none
    const char* help;      ///< one sentence
    /// False: not allowed, and `settings` is as before.
    bool (*read)(std::string_view value, Settings& settings);
};

std::span<const Option> options();
/// RINGSIDE_ and the name in capitals.
std::string environment_name(const Option& option);

/// Sets one option. False: refused, which has been said on stderr, with `where` it came from.
bool apply(const Option& option, std::string_view value, std::string_view where,
           Settings& settings);
/// All of RINGSIDE_* in the environment. False: something was refused, an unknown name too.
bool apply_environment(Settings& settings);

}  // namespace ringside::frontends
