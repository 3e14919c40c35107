// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "ringside/offload/device_session.hpp"

#include <algorithm>
#include <utility>

namespace ringside::offload {

/// Destroys a session in the device, on a full admin ring too, and then itself. It is made with the
/// session: a destructor must not fail for want of memory.
class DeviceSession::Destruction final : public driver::Operation, public driver::SlotWaiter {
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

DeviceSession::DeviceSession(Offload& offload, std::uint32_t id,
                             std::shared_ptr<Destruction> destruction)
    : offload_(&offload), id_(id), destruction_(std::move(destruction)) {}

driver::result<DeviceSession> DeviceSession::create(Offload& offload,
                                                    const driver::SessionSpec& session) {
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
    return DeviceSession(offload, outcome.completion.result,
                         std::static_pointer_cast<Destruction>(outcome.buffers().companion));
}

DeviceSession::DeviceSession(DeviceSession&& other) noexcept {
    swap(other);
}

DeviceSession& DeviceSession::operator=(DeviceSession&& other) noexcept {
    swap(other);
    return *this;
}

DeviceSession::~DeviceSession() {
    if (offload_ != nullptr) {
        Destruction::begin(std::move(destruction_), id_);
    }
}

void DeviceSession::swap(DeviceSession& other) noexcept {
    std::swap(offload_, other.offload_);
    std::swap(id_, other.id_);
    destruction_.swap(other.destruction_);
}

driver::result<DeviceSession::Staged> DeviceSession::stage(
    std::initializer_list<std::span<const std::byte>> parts, std::size_t room) const {
    std::size_t size = 0;
    for (const auto part : parts) {
        size += part.size();
    }
    if (std::max(size, room) > largest_transfer()) {
        return driver::Errc::invalid_request;
    }
    driver::DmaPool& pool = offload_->device().dma();
    auto source = pool.allocate(std::max<std::size_t>(size, 1));
    auto target = pool.allocate(std::max<std::size_t>(room, 1));
    if (!source || !target) {
        return !source ? source.error() : target.error();
    }
    auto at = source->bytes().begin();
    for (const auto part : parts) {
        at = std::copy(part.begin(), part.end(), at);
    }
    const driver::CipherBuffers where{source->iova(), static_cast<std::uint32_t>(size),
                                      target->iova(), static_cast<std::uint32_t>(room)};
    return Staged{{std::move(*source), std::move(*target)}, where};
}

driver::result<DeviceSession::Reply> DeviceSession::run(const spec::SubmissionEntry& entry,
                                                        RequestBuffers buffers) const {
    auto outcome = offload_->run(offload_->io_queue(), entry, std::move(buffers));
    if (outcome.completion.status) {
        return outcome.completion.status;
    }
    // The driver has checked that the result is not above dst_len.
    const auto written = outcome.buffers().target.bytes().first(outcome.completion.result);
    return Reply{std::move(outcome), written};
}

driver::result<void> DeviceSession::take(const driver::result<Reply>& reply,
                                         std::span<std::byte> out, std::span<std::byte> tag) {
    if (!reply) {
        return reply.error();
    }
    if (reply->bytes.size() != out.size() + tag.size()) {
        return driver::Errc::ring_broken;
    }
    const auto data = reply->bytes.first(out.size());
    const auto rest = reply->bytes.subspan(out.size());
    std::copy(data.begin(), data.end(), out.begin());
    std::copy(rest.begin(), rest.end(), tag.begin());
    return {};
}

}  // namespace ringside::offload
