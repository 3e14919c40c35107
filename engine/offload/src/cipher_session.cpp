// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "ringside/offload/cipher_session.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

namespace ringside::offload {
namespace {

constexpr std::size_t block_size = 16;
constexpr std::size_t largest_iv = 16;

void append(std::span<std::byte>& to, std::span<const std::byte> from) {
    std::copy(from.begin(), from.end(), to.begin());
    to = to.subspan(from.size());
}

}  // namespace

/// Destroys a session in the device, on a full admin ring too, and then itself. It is made with the
/// session: a destructor must not fail for want of memory.
class CipherSession::Destruction final : public driver::Operation, public driver::SlotWaiter {
  public:
    explicit Destruction(driver::QueuePair& admin) : SlotWaiter(Kind::reserving), admin_(admin) {}

    /// From here on it owns itself, until the driver has called it for the last time.
    static void begin(std::shared_ptr<Destruction> destruction, std::uint32_t session) {
        Destruction& self = *destruction;
        self.session_ = session;
        self.self_ = std::move(destruction);
        self.submit();
    }

    void complete(const driver::Completion& /*completion*/) noexcept override { end(); }
    void slot_ready() noexcept override { submit(); }

  private:
    void submit() {
        const auto accepted = admin_.submit(driver::session_destroy(session_), *this, this);
        if (!accepted && !driver::is_transient(accepted.error())) {
            end();  // the device is gone, and the key with it
        }
    }
    void end() { const auto last = std::move(self_); }

    driver::QueuePair& admin_;
    std::uint32_t session_ = 0;
    std::shared_ptr<Destruction> self_;
};

CipherSession::CipherSession(Offload& offload, std::uint32_t id,
                             std::shared_ptr<Destruction> destruction)
    : offload_(&offload), id_(id), destruction_(std::move(destruction)) {}

driver::result<CipherSession> CipherSession::create(Offload& offload, spec::Algorithm algorithm,
                                                    std::span<const std::byte> key) {
    const driver::SessionSpec session{.algorithm = algorithm, .key = key};
    auto parameters = offload.device().dma().allocate(session.size());
    if (!parameters) {
        return parameters.error();
    }
    driver::write_session_parameters(parameters->bytes(), session);
    const auto entry = driver::session_create(parameters->iova(), session.size());
    // The request owns all of it: this stack may be a job's, and never be unwound.
    const auto outcome = offload.run(
        offload.device().admin(), entry,
        {std::move(*parameters), {}, std::make_shared<Destruction>(offload.device().admin())});
    if (outcome.completion.status) {
        return outcome.completion.status;
    }
    return CipherSession(offload, outcome.completion.result,
                         std::static_pointer_cast<Destruction>(outcome.buffers().companion));
}

CipherSession::CipherSession(CipherSession&& other) noexcept {
    swap(other);
}

CipherSession& CipherSession::operator=(CipherSession&& other) noexcept {
    swap(other);
    return *this;
}

CipherSession::~CipherSession() {
    if (offload_ != nullptr) {
        Destruction::begin(std::move(destruction_), id_);
    }
}

void CipherSession::swap(CipherSession& other) noexcept {
    std::swap(offload_, other.offload_);
    std::swap(id_, other.id_);
    destruction_.swap(other.destruction_);
}

driver::result<RequestBuffers> CipherSession::allocate(std::size_t source, std::size_t target) {
    driver::DmaPool& pool = offload_->device().dma();
    if (std::max(source, target) > offload_->device().max_length()) {
        return driver::Errc::invalid_request;
    }
    auto from = pool.allocate(std::max<std::size_t>(source, 1));
    auto to = pool.allocate(std::max<std::size_t>(target, 1));
    if (!from || !to) {
        return !from ? from.error() : to.error();
    }
    return RequestBuffers{std::move(*from), std::move(*to)};
}

driver::result<void> CipherSession::cbc(driver::Direction direction, std::span<std::byte, 16> iv,
                                        std::span<const std::byte> in, std::span<std::byte> out) {
    const std::size_t largest = offload_->device().max_length() / block_size * block_size;
    while (!in.empty()) {
        const std::size_t length = std::min(in.size(), largest);
        // The chain goes on from the last ciphertext block, which an in-place decryption
        // overwrites.
        std::array<std::byte, block_size> next_iv{};
        if (direction == driver::Direction::decrypt) {
            std::copy_n(in.begin() + static_cast<std::ptrdiff_t>(length - block_size), block_size,
                        next_iv.begin());
        }
        const auto done = cbc_piece(direction, iv, in.first(length), out.first(length));
        if (!done) {
            return done;
        }
        if (direction == driver::Direction::encrypt) {
            std::copy_n(out.begin() + static_cast<std::ptrdiff_t>(length - block_size), block_size,
                        next_iv.begin());
        }
        std::copy(next_iv.begin(), next_iv.end(), iv.begin());
        in = in.subspan(length);
        out = out.subspan(length);
    }
    return {};
}

driver::result<void> CipherSession::cbc_piece(driver::Direction direction,
                                              std::span<const std::byte, 16> iv,
                                              std::span<const std::byte> in,
                                              std::span<std::byte> out) {
    auto buffers = allocate(in.size(), in.size());
    if (!buffers) {
        return buffers.error();
    }
    std::copy(in.begin(), in.end(), buffers->source.bytes().begin());
    const auto length = static_cast<std::uint32_t>(in.size());
    const driver::CipherBuffers where{buffers->source.iova(), length, buffers->target.iova(),
                                      length};
    const auto entry = driver::aes_cbc(direction, id_, where, iv);
    const auto outcome = offload_->run(queue(), entry, std::move(*buffers));
    if (outcome.completion.status) {
        return outcome.completion.status;
    }
    const auto written = outcome.buffers().target.bytes().first(in.size());
    std::copy(written.begin(), written.end(), out.begin());
    return {};
}

driver::result<void> CipherSession::gcm_encrypt(std::span<const std::byte> iv,
                                                std::span<const std::byte> aad,
                                                std::span<const std::byte> in,
                                                std::span<std::byte> out,
                                                std::span<std::byte> tag) {
    auto buffers = allocate(aad.size() + in.size(), in.size() + tag.size());
    if (!buffers || iv.empty() || iv.size() > largest_iv) {
        return buffers ? make_error_code(driver::Errc::invalid_request) : buffers.error();
    }
    auto source = buffers->source.bytes();
    append(source, aad);
    append(source, in);
    const driver::CipherBuffers where{
        buffers->source.iova(), static_cast<std::uint32_t>(aad.size() + in.size()),
        buffers->target.iova(), static_cast<std::uint32_t>(in.size() + tag.size())};
    const auto entry = driver::aes_gcm(driver::Direction::encrypt, id_, where, iv,
                                       static_cast<std::uint16_t>(aad.size()),
                                       static_cast<std::uint8_t>(tag.size()));
    const auto outcome = offload_->run(queue(), entry, std::move(*buffers));
    if (outcome.completion.status) {
        return outcome.completion.status;
    }
    const auto written = outcome.buffers().target.bytes();
    std::copy_n(written.begin(), in.size(), out.begin());
    std::copy_n(written.begin() + static_cast<std::ptrdiff_t>(in.size()), tag.size(), tag.begin());
    return {};
}

driver::result<void> CipherSession::gcm_decrypt(std::span<const std::byte> iv,
                                                std::span<const std::byte> aad,
                                                std::span<const std::byte> in,
                                                std::span<std::byte> out,
                                                std::span<const std::byte> tag) {
    auto buffers = allocate(aad.size() + in.size() + tag.size(), in.size());
    if (!buffers || iv.empty() || iv.size() > largest_iv) {
        return buffers ? make_error_code(driver::Errc::invalid_request) : buffers.error();
    }
    auto source = buffers->source.bytes();
    append(source, aad);
    append(source, in);
    append(source, tag);
    const driver::CipherBuffers where{
        buffers->source.iova(), static_cast<std::uint32_t>(aad.size() + in.size() + tag.size()),
        buffers->target.iova(), static_cast<std::uint32_t>(in.size())};
    const auto entry = driver::aes_gcm(driver::Direction::decrypt, id_, where, iv,
                                       static_cast<std::uint16_t>(aad.size()),
                                       static_cast<std::uint8_t>(tag.size()));
    const auto outcome = offload_->run(queue(), entry, std::move(*buffers));
    if (outcome.completion.status) {
        return outcome.completion.status;
    }
    const auto written = outcome.buffers().target.bytes().first(in.size());
    std::copy(written.begin(), written.end(), out.begin());
    return {};
}

}  // namespace ringside::offload
