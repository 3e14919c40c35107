// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// RSA as the provider does it: the power in the device, and all that stands around it (digests,
// PKCS #1 v1.5, PSS, OAEP, TLS's own padding, checks and their order) by the default provider,
// which is given a key with the same modulus and the exponent 1. Under that its operations stop at
// the encoded message. The usual signatures are encoded without it, which is cheaper.

#include "rsa_encoding.hpp"
#include "rsa_in_device.hpp"
#include "software_algorithm.hpp"

namespace ringside::frontends {

class RsaTransform {
  public:
    /// `key` is the RSA key's pair; `software` the default provider's object of it and `management`
    /// its functions, which both must live longer. Null: the default provider does not take such a
    /// key as identity() is.
    static std::shared_ptr<RsaTransform> create(std::shared_ptr<DeviceKeyPair> key,
                                                const SoftwareAlgorithm& management,
                                                void* software);
    RsaTransform(std::shared_ptr<DeviceKeyPair> key, const SoftwareAlgorithm& management,
                 void* software);
    RsaTransform(const RsaTransform&) = delete;
    RsaTransform& operator=(const RsaTransform&) = delete;
    ~RsaTransform();

    /// Bytes of the modulus, and of each input and output.
    std::size_t size() const { return device_.size(); }
    std::span<const std::byte> modulus() const { return device_.modulus(); }
    /// A key object of the default provider whose powers change nothing.
    void* identity() const { return identity_; }
    /// What takes its place for the usual signatures.
    const RsaEncoding& encoding() const { return encoding_; }

    /// By the device, or where the policy wants it or the device does not do it, by software. `out`
    /// may be `in`. False: the error queue says why. May pause the job: the caller owns nothing on
    /// its stack.
    bool private_power(const unsigned char* in, unsigned char* out);
    bool public_power(const unsigned char* in, unsigned char* out);

  private:
    bool in_software(bool is_private, const unsigned char* in, unsigned char* out);

    FrontEnd& front_end_;
    RsaInDevice device_;
    const RsaEncoding encoding_;
    const SoftwareAlgorithm& management_;
    void* const software_;
    void* identity_ = nullptr;
};

}  // namespace ringside::frontends
