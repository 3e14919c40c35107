// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "ringside/ringside.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <limits>
#include <new>
#include <optional>
#include <span>
#include <utility>

#include "error.hpp"
#include "ringside/driver/device.hpp"
#include "ringside/driver/queued_submit.hpp"
#include "ringside/driver/requests.hpp"
#include "ringside/sim/live_platform.hpp"

namespace driver = ringside::driver;
namespace sim = ringside::sim;
namespace spec = ringside::spec;
using ringside::c::negative_errno;

// In this order they are destroyed: the driver needs its platform to the end.
struct ringside_device {
    std::unique_ptr<sim::LivePlatform> platform;
    std::unique_ptr<driver::Device> driver;
    std::atomic<std::size_t> buffers{0};
};

struct ringside_buffer {
    ringside_device* owner;
    driver::DmaBuffer memory;
};

namespace {

/// No exception leaves: there is only want of memory.
template <typename Body>
int guarded(Body&& body) noexcept {
    try {
        return body();
    } catch (const std::bad_alloc&) {
        return -ENOMEM;
    } catch (...) {
        return -EIO;
    }
}

class CallbackOperation final : public driver::Operation {
  public:
    CallbackOperation(ringside_callback callback, void* argument)
        : callback_(callback), argument_(argument) {}
    void complete(const driver::Completion& completion) noexcept override {
        const auto callback = callback_;
        void* const argument = argument_;
        delete this;
        callback(argument, negative_errno(completion.status), completion.result);
    }

  private:
    ringside_callback callback_;
    void* argument_;
};

class QueuedCallback final : public driver::QueuedSubmit {
  public:
    QueuedCallback(driver::QueuePair& queue, driver::Environment& environment,
                   const spec::SubmissionEntry& entry, ringside_callback callback, void* argument)
        : QueuedSubmit(queue, environment, entry), callback_(callback), argument_(argument) {}

  private:
    void done(const driver::Completion& completion) noexcept override {
        const auto callback = callback_;
        void* const argument = argument_;
        delete this;
        callback(argument, negative_errno(completion.status), completion.result);
    }

    ringside_callback callback_;
    void* argument_;
};

driver::QueuePair* queue_of(const ringside_device* device, std::uint32_t queue) {
    return device != nullptr && queue < device->driver->queue_pair_count()
               ? &device->driver->queue_pair(queue)
               : nullptr;
}

bool on_interrupt_thread(const ringside_device& device) {
    return device.platform->environment().on_interrupt_executor();
}

/// A piece of a buffer that is a piece of that buffer: the device is told nothing else.
struct Piece {
    driver::Iova iova;
    std::uint32_t length = 0;
};
std::optional<Piece> piece_of(const ringside_buffer* buffer, std::size_t offset,
                              std::size_t length) {
    if (buffer == nullptr) {
        return length == 0 ? std::optional(Piece{}) : std::nullopt;
    }
    const std::size_t size = buffer->memory.bytes().size();
    if (offset > size || length > size - offset) {
        return std::nullopt;
    }
    return Piece{buffer->memory.iova() + offset, static_cast<std::uint32_t>(length)};
}

std::optional<spec::SubmissionEntry> entry_of(const ringside_request& request) {
    const auto src = piece_of(request.src, request.src_offset, request.src_len);
    const auto dst = piece_of(request.dst, request.dst_offset, request.dst_len);
    if (!src || !dst || request.iv_len > sizeof request.iv) {
        return std::nullopt;
    }
    const auto direction =
        request.decrypt != 0 ? driver::Direction::decrypt : driver::Direction::encrypt;
    const driver::CipherBuffers buffers{src->iova, src->length, dst->iova, dst->length};
    const auto iv = std::as_bytes(std::span(request.iv));
    if (request.algorithm == RINGSIDE_AES_CBC) {
        return request.iv_len == iv.size()
                   ? std::optional(driver::aes_cbc(direction, request.session, buffers, iv))
                   : std::nullopt;
    }
    const bool fits = request.aad_len <= std::numeric_limits<std::uint16_t>::max() &&
                      request.tag_len <= std::numeric_limits<std::uint8_t>::max();
    if (request.algorithm != RINGSIDE_AES_GCM || !fits || request.iv_len == 0) {
        return std::nullopt;
    }
    return driver::aead(direction, request.session, buffers, iv.first(request.iv_len),
                        static_cast<std::uint16_t>(request.aad_len),
                        static_cast<std::uint8_t>(request.tag_len));
}

/// A request that has been checked, and where it goes.
struct Checked {
    driver::QueuePair* queue;
    spec::SubmissionEntry entry;
};
std::optional<Checked> check(const ringside_device* device, std::uint32_t queue,
                             const ringside_request* request) {
    driver::QueuePair* const pair = queue_of(device, queue);
    if (pair == nullptr || request == nullptr) {
        return std::nullopt;
    }
    const auto entry = entry_of(*request);
    return entry ? std::optional(Checked{pair, *entry}) : std::nullopt;
}

driver::Completion run_admin(ringside_device& device, const spec::SubmissionEntry& command) {
    return driver::submit_and_wait(device.driver->admin(), device.platform->environment(), command);
}

int open_device(const ringside_config& config, ringside_device** opened) {
    auto device = std::make_unique<ringside_device>();
    auto platform = sim::LivePlatform::create({.seed = config.seed});
    if (!platform) {
        return negative_errno(platform.error());
    }
    device->platform = std::move(*platform);
    auto driver = driver::Device::open(
        device->platform->link(), device->platform->environment(),
        {.io_queue_pairs = config.io_queue_pairs, .ring_entries = config.ring_entries});
    if (!driver) {
        return negative_errno(driver.error());
    }
    device->driver = std::move(*driver);
    *opened = device.release();
    return 0;
}

}  // namespace

int ringside_open(const struct ringside_config* config, ringside_device** device) {
    ringside_config all = RINGSIDE_CONFIG_INIT;
    if (device == nullptr || (config != nullptr && config->size < sizeof config->size)) {
        return -EINVAL;
    }
    if (config != nullptr) {
        std::memcpy(&all, config, std::min(config->size, sizeof all));
    }
    return guarded([&] { return open_device(all, device); });
}

int ringside_drain(ringside_device* device, uint64_t timeout_ns) {
    if (device == nullptr) {
        return -EINVAL;
    }
    if (on_interrupt_thread(*device)) {
        return -EDEADLK;
    }
    return guarded([&] {
        constexpr std::uint64_t longest_ns = 1'000'000'000'000'000;
        const std::chrono::nanoseconds limit(std::min(timeout_ns, longest_ns));
        return device->driver->drain(limit) ? 0 : -ETIMEDOUT;
    });
}

int ringside_close(ringside_device* device) {
    if (device == nullptr) {
        return 0;
    }
    if (on_interrupt_thread(*device)) {
        return -EDEADLK;
    }
    if (device->buffers != 0) {
        return -EBUSY;
    }
    return guarded([&] {
        device->driver->close();
        delete device;
        return 0;
    });
}

uint32_t ringside_capacity(const ringside_device* device, uint32_t queue) {
    const driver::QueuePair* const pair = queue_of(device, queue);
    return pair != nullptr ? pair->capacity() : 0;
}

int ringside_session_create(ringside_device* device, int algorithm, const void* key, size_t key_len,
                            uint32_t* session) {
    if (device == nullptr || key == nullptr || session == nullptr ||
        (algorithm != RINGSIDE_AES_CBC && algorithm != RINGSIDE_AES_GCM) ||
        (key_len != 16 && key_len != 24 && key_len != 32)) {
        return -EINVAL;
    }
    if (on_interrupt_thread(*device)) {
        return -EDEADLK;
    }
    return guarded([&] {
        const driver::SessionSpec wanted{
            .algorithm = static_cast<spec::Algorithm>(algorithm),
            .key = {static_cast<const std::byte*>(key), key_len},
        };
        auto parameters = device->driver->dma().allocate(wanted.size());
        if (!parameters) {
            return negative_errno(parameters.error());
        }
        driver::write_session_parameters(parameters->bytes(), wanted);
        const auto created =
            run_admin(*device, driver::session_create(parameters->iova(), wanted.size()));
        *session = created.result;
        return negative_errno(created.status);
    });
}

int ringside_session_destroy(ringside_device* device, uint32_t session) {
    if (device == nullptr) {
        return -EINVAL;
    }
    if (on_interrupt_thread(*device)) {
        return -EDEADLK;
    }
    return guarded([&] {
        return negative_errno(run_admin(*device, driver::session_destroy(session)).status);
    });
}

int ringside_buffer_alloc(ringside_device* device, size_t size, ringside_buffer** buffer) {
    if (device == nullptr || buffer == nullptr || size == 0) {
        return -EINVAL;
    }
    return guarded([&] {
        auto memory = device->driver->dma().allocate(size);
        if (!memory) {
            return negative_errno(memory.error());
        }
        *buffer = new ringside_buffer{device, std::move(*memory)};
        ++device->buffers;
        return 0;
    });
}

void ringside_buffer_free(ringside_buffer* buffer) {
    if (buffer != nullptr) {
        ringside_device* const owner = buffer->owner;
        delete buffer;
        --owner->buffers;
    }
}

void* ringside_buffer_data(ringside_buffer* buffer) {
    return buffer->memory.bytes().data();
}

size_t ringside_buffer_size(const ringside_buffer* buffer) {
    return buffer->memory.bytes().size();
}

int ringside_submit(ringside_device* device, uint32_t queue, const struct ringside_request* request,
                    ringside_callback callback, void* argument) {
    const auto checked = check(device, queue, request);
    if (!checked || callback == nullptr) {
        return -EINVAL;
    }
    return guarded([&] {
        auto operation = std::make_unique<CallbackOperation>(callback, argument);
        const auto accepted = checked->queue->submit(checked->entry, *operation);
        if (!accepted) {
            return negative_errno(accepted.error());
        }
        (void)operation.release();  // deletes itself when it completes
        return 0;
    });
}

int ringside_submit_queued(ringside_device* device, uint32_t queue,
                           const struct ringside_request* request, ringside_callback callback,
                           void* argument) {
    const auto checked = check(device, queue, request);
    if (!checked || callback == nullptr) {
        return -EINVAL;
    }
    return guarded([&] {
        // Deletes itself when it is done.
        auto* const queued = new QueuedCallback(*checked->queue, device->platform->environment(),
                                                checked->entry, callback, argument);
        queued->start();
        return 0;
    });
}

int ringside_run(ringside_device* device, uint32_t queue, const struct ringside_request* request,
                 uint32_t* result) {
    const auto checked = check(device, queue, request);
    if (!checked) {
        return -EINVAL;
    }
    if (on_interrupt_thread(*device)) {
        return -EDEADLK;
    }
    return guarded([&] {
        const auto completion = driver::submit_and_wait(
            *checked->queue, device->platform->environment(), checked->entry);
        if (result != nullptr) {
            *result = completion.result;
        }
        return negative_errno(completion.status);
    });
}

int ringside_get_counters(const ringside_device* device, uint32_t queue,
                          struct ringside_counters* counters) {
    const driver::QueuePair* const pair = queue_of(device, queue);
    if (pair == nullptr || counters == nullptr) {
        return -EINVAL;
    }
    return guarded([&] {
        const driver::QueueCounters all = pair->counters();
        *counters = {all.accepted,  all.ok,     all.failed, all.cancelled,
                     all.in_flight, all.eagain, all.waiting};
        return 0;
    });
}
