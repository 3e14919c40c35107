// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// A session in the device: keys that it holds, and what runs under them. Each kind of session
// (CipherSession, DigestSession, ...) is one of these with operations of its own, which gather
// their data, let exchange() run one descriptor, and scatter the result. Creation and every request
// may pause the calling job.

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>

#include "ringside/driver/requests.hpp"
#include "ringside/offload/offload.hpp"

namespace ringside::offload {

class DeviceSession {
  public:
    /// Errors: those of Offload::run(), Errc::request_rejected if the device has no session left or
    /// does not take the keys.
    static driver::result<DeviceSession> create(Offload& offload,
                                                const driver::SessionSpec& session);
    DeviceSession(DeviceSession&& other) noexcept;
    DeviceSession& operator=(DeviceSession&& other) noexcept;
    DeviceSession(const DeviceSession&) = delete;
    DeviceSession& operator=(const DeviceSession&) = delete;
    /// Tells the device to forget the keys, and does not wait for it.
    ~DeviceSession();

    Offload& offload() const { return *offload_; }
    std::uint32_t id() const { return id_; }
    /// Forgets the session without a word to the device, which is not this process's any more.
    void abandon() { offload_ = nullptr; }
    /// Bytes that one request may read at most, and write.
    std::uint32_t largest_transfer() const { return offload_->device().max_length(); }

    /// What the device wrote; valid while this lives.
    struct Reply {
        Offload::Outcome outcome;
        std::span<const std::byte> bytes;
    };

    /// One request on an I/O queue: the device reads `parts` one behind the other, and may write
    /// `room` bytes. `describe(buffers)` is its descriptor. Errors: those of Offload::run(),
    /// Errc::invalid_request above largest_transfer(). Any thread, several at a time.
    template <typename Describe>
    driver::result<Reply> exchange(std::initializer_list<std::span<const std::byte>> parts,
                                   std::size_t room, Describe describe) const {
        auto staged = stage(parts, room);
        if (!staged) {
            return staged.error();
        }
        return run(describe(staged->where), std::move(staged->buffers));
    }

    /// Copies what the device wrote to `out` and, behind it, `tag`: Errc::ring_broken if it is not
    /// as long as they are. The error of `reply`, if it is one.
    static driver::result<void> take(const driver::result<Reply>& reply, std::span<std::byte> out,
                                     std::span<std::byte> tag = {});

  private:
    class Destruction;
    struct Staged {
        RequestBuffers buffers;
        driver::CipherBuffers where;
    };
    DeviceSession(Offload& offload, std::uint32_t id, std::shared_ptr<Destruction> destruction);
    driver::result<Staged> stage(std::initializer_list<std::span<const std::byte>> parts,
                                 std::size_t room) const;
    driver::result<Reply> run(const spec::SubmissionEntry& entry, RequestBuffers buffers) const;
    void swap(DeviceSession& other) noexcept;

    Offload* offload_ = nullptr;  ///< null: moved from, or abandoned
    std::uint32_t id_ = 0;
    std::shared_ptr<Destruction> destruction_;
};

}  // namespace ringside::offload
