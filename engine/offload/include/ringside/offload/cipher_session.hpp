// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// A key in the device, and what can be done with it. Every call is a descriptor: keys, IVs, data
// and results cross through DMA memory. Each may pause the calling job, at creation too.

#include <cstdint>
#include <memory>
#include <span>

#include "ringside/driver/requests.hpp"
#include "ringside/offload/offload.hpp"

namespace ringside::offload {

class CipherSession {
  public:
    /// `key`: 16, 24 or 32 bytes. Errors: those of Offload::run(), Errc::request_rejected if the
    /// device has no session left.
    static driver::result<CipherSession> create(Offload& offload, spec::Algorithm algorithm,
                                                std::span<const std::byte> key);
    CipherSession(CipherSession&& other) noexcept;
    CipherSession& operator=(CipherSession&& other) noexcept;
    CipherSession(const CipherSession&) = delete;
    CipherSession& operator=(const CipherSession&) = delete;
    /// Tells the device to forget the key, and does not wait for it.
    ~CipherSession();

    Offload& offload() const { return *offload_; }
    /// Forgets the session without a word to the device, which is not this process's any more.
    void abandon() { offload_ = nullptr; }

    /// AES-CBC without padding. `in` is whole blocks of 16 bytes, of any number: more than the
    /// device takes at one time goes in pieces. `out` is as long, and may be `in`. `iv` becomes the
    /// one that continues the chain.
    driver::result<void> cbc(driver::Direction direction, std::span<std::byte, 16> iv,
                             std::span<const std::byte> in, std::span<std::byte> out);

    /// AES-GCM of one message. `out` is as long as `in` and may be `in`; `iv` 1 to 16 bytes, `tag`
    /// 4, 8 or 12 to
    /// 16. Errc::invalid_request above largest_message(). Decrypting, Errc::auth_failed leaves
    /// `out` untouched.
    driver::result<void> gcm_encrypt(std::span<const std::byte> iv, std::span<const std::byte> aad,
                                     std::span<const std::byte> in, std::span<std::byte> out,
                                     std::span<std::byte> tag);
    driver::result<void> gcm_decrypt(std::span<const std::byte> iv, std::span<const std::byte> aad,
                                     std::span<const std::byte> in, std::span<std::byte> out,
                                     std::span<const std::byte> tag);

    /// Additional data, payload and tag of one AES-GCM message together, in bytes.
    std::uint32_t largest_message() const { return offload_->device().max_length(); }

  private:
    class Destruction;
    CipherSession(Offload& offload, std::uint32_t id, std::shared_ptr<Destruction> destruction);
    driver::result<void> cbc_piece(driver::Direction direction, std::span<const std::byte, 16> iv,
                                   std::span<const std::byte> in, std::span<std::byte> out);
    driver::result<RequestBuffers> allocate(std::size_t source, std::size_t target);
    driver::QueuePair& queue() { return offload_->io_queue(); }
    void swap(CipherSession& other) noexcept;

    Offload* offload_ = nullptr;  ///< null: moved from
    std::uint32_t id_ = 0;
    std::shared_ptr<Destruction> destruction_;
};

}  // namespace ringside::offload
