// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "ringside/driver/device.hpp"

#include <algorithm>
#include <atomic>
#include <bit>
#include <boost/asio/post.hpp>
#include <cinttypes>
#include <cstdio>
#include <mutex>
#include <utility>
#include <vector>

#include "mmio.hpp"
#include "ringside/base/assert.hpp"
#include "ringside/driver/limits.hpp"
#include "ringside/spec/registers.hpp"
#include "waiting.hpp"

namespace ringside::driver {

class Device::Impl {
  public:
    Impl(Link& link, Environment& environment, const DeviceConfig& config)
        : link_(link),
          environment_(environment),
          config_(config),
          mutex_(environment.make_mutex()),
          dma_(link, environment),
          state_writer_(environment.trace().add_state_writer(
              "device", [this](std::FILE* out) { dump(out); })) {}
    ~Impl() { close(); }
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;

    error_code bring_up();
    void close();
    DeviceStatistics read_statistics();

    /// The admin queue pair is number 0.
    QueuePair& queue_pair(std::uint32_t number) {
        RINGSIDE_ASSERT(environment_.trace(), number < queue_pairs_.size(), "queue pair %u of %zu",
                        number, queue_pairs_.size());
        return *queue_pairs_[number];
    }
    std::uint32_t io_queue_pairs() const { return config_.io_queue_pairs; }
    DmaPool& dma() { return dma_; }
    Environment& environment() { return environment_; }
    std::uint32_t max_length() const { return max_length_; }
    std::uint64_t reported_errors() const { return reported_errors_.load(); }

  private:
    error_code identify();
    error_code check_config();
    error_code reset();
    error_code enable();
    error_code wait_for_state(spec::DeviceState wanted);
    error_code create_queue_pairs();

    void wait_for_error_interrupt();
    void on_error_interrupt(error_code error);
    void stop_error_interrupts();
    void lose_device();
    void dump(std::FILE* out) const;

    Link& link_;
    Environment& environment_;
    const DeviceConfig config_;
    const std::unique_ptr<Mutex> mutex_;
    DmaPool dma_;
    std::vector<std::unique_ptr<QueuePair>> queue_pairs_;  ///< the admin queue pair first

    std::uint32_t max_ring_entries_ = 0;
    std::uint32_t max_length_ = 0;
    Duration state_change_{};

    bool must_reset_ = false;        ///< it is our device, and we woke it
    bool closed_ = false;            ///< guarded by mutex_; no register is touched afterwards
    std::atomic<bool> gone_{false};  ///< reads gave all ones: likewise
    std::atomic<std::uint64_t> reported_errors_{0};

    bool error_wait_ = false;    ///< interrupt executor only
    Parker* stopper_ = nullptr;  ///< interrupt executor only

    Trace::StateWriter state_writer_;
};

error_code Device::Impl::bring_up() {
    for (const auto step : {&Impl::identify, &Impl::check_config, &Impl::reset, &Impl::enable,
                            &Impl::create_queue_pairs}) {
        if (const error_code failure = (this->*step)()) {
            return failure;
        }
    }
    run_in_interrupt_context(environment_, [this] { wait_for_error_interrupt(); });
    return {};
}

error_code Device::Impl::identify() {
    const auto id = read_register(link_, spec::at("ID").of());
    if (!id) {
        return id.error();
    }
    if (*id != spec::device_id) {
        return Errc::not_our_device;
    }
    const auto version = read_register(link_, spec::at("VERSION").of());
    if (!version) {
        return version.error();
    }
    return *version >> 16 == spec::device_version >> 16 ? error_code() : Errc::unsupported_version;
}

error_code Device::Impl::check_config() {
    const auto cap = read_register(link_, spec::at("CAP").of());
    const auto limits = read_register(link_, spec::at("LIMITS").of());
    const auto max_length = read_register(link_, spec::at("MAX_LEN").of());
    const auto timeout_ms = read_register(link_, spec::at("TO").of());
    if (!cap || !limits || !max_length || !timeout_ms) {
        return Errc::dead;
    }
    max_length_ = *max_length;
    state_change_ = std::chrono::milliseconds(*timeout_ms);
    max_ring_entries_ = std::min(std::uint32_t{1} << spec::field("CAP", "LOG2_ENTRIES").get(*cap),
                                 spec::max_ring_entries);
    const auto queue_pairs = spec::field("CAP", "MAX_QP").get(*cap);
    const auto vectors = spec::field("LIMITS", "MAX_VECTORS").get(*limits);
    const std::uint32_t last = config_.io_queue_pairs;  // the admin queue pair is number 0
    const bool fits =
        last >= 1 && last < std::min<std::uint64_t>(queue_pairs, vectors) &&
        spec::queue_vector(last) < vectors && std::has_single_bit(config_.ring_entries) &&
        config_.ring_entries >= spec::min_ring_entries && config_.ring_entries <= max_ring_entries_;
    return fits ? error_code() : Errc::unsupported_config;
}

error_code Device::Impl::reset() {
    must_reset_ = true;
    link_.mmio_write32(spec::at("RESET").of(), spec::reset_key);
    const error_code failure = wait_for_state(spec::DeviceState::disabled);
    must_reset_ = !failure;  // what does not answer once is not asked again
    return failure;
}

error_code Device::Impl::enable() {
    link_.mmio_write32(spec::at("CC").of(),
                       static_cast<std::uint32_t>(spec::field("CC", "EN").set(1)));
    return wait_for_state(spec::DeviceState::ready);
}

error_code Device::Impl::wait_for_state(spec::DeviceState wanted) {
    error_code failure;
    const bool decided = poll_until(environment_, state_change_, [&] {
        const auto csts = read_register(link_, spec::at("CSTS").of());
        if (!csts) {
            failure = csts.error();
            return true;
        }
        const auto state = static_cast<spec::DeviceState>(spec::field("CSTS", "STATE").get(*csts));
        if (state == spec::DeviceState::dead) {
            failure = Errc::dead;
            return true;
        }
        return state == wanted && spec::field("CSTS", "RESET_BUSY").get(*csts) == 0;
    });
    return decided ? failure : make_error_code(Errc::timed_out);
}

error_code Device::Impl::create_queue_pairs() {
    for (std::uint32_t index = 0; index <= config_.io_queue_pairs; ++index) {
        QueuePairConfig queue{.index = index, .reservation_lapse = config_.reservation_lapse};
        if (index == 0) {
            queue.entries = std::min(admin_ring_entries, max_ring_entries_);
        } else {
            queue.entries = config_.ring_entries;
            queue.moderation_count = config_.moderation_count;
            queue.moderation_us = config_.moderation_us;
        }
        auto created = QueuePair::create(link_, environment_, queue);
        if (!created) {
            return created.error();
        }
        queue_pairs_.push_back(std::move(*created));
    }
    return {};
}

void Device::Impl::close() {
    {
        const std::lock_guard lock(*mutex_);
        if (std::exchange(closed_, true)) {
            return;
        }
    }
    for (const auto& queue : queue_pairs_) {
        queue->refuse(Errc::dead);
    }
    if (must_reset_ && !gone_) {
        // Nothing more can be done about a device that does not: it loses its memory when the rings
        // and the pool are unmapped.
        (void)reset();
    }
    for (const auto& queue : queue_pairs_) {
        queue->stop_interrupts();
    }
    stop_error_interrupts();
    run_in_interrupt_context(environment_, [this] {
        for (const auto& queue : queue_pairs_) {
            queue->fail_all(Errc::dead);
        }
    });
}

/// The device is not there any more and can reach no memory: what is in flight fails at once.
void Device::Impl::lose_device() {
    if (gone_.exchange(true)) {
        return;
    }
    for (const auto& queue : queue_pairs_) {
        queue->cut_off(Errc::dead);
    }
    // close() waits for this: it posts behind it.
    boost::asio::post(environment_.interrupt_executor(), [this] {
        for (const auto& queue : queue_pairs_) {
            queue->fail_all(Errc::dead);
        }
    });
}

void Device::Impl::wait_for_error_interrupt() {
    error_wait_ = true;
    link_.async_wait_vector(spec::error_vector,
                            [this](error_code error) { on_error_interrupt(error); });
}

void Device::Impl::on_error_interrupt(error_code error) {
    error_wait_ = false;
    if (stopper_ != nullptr) {
        std::exchange(stopper_, nullptr)->unpark();
        return;
    }
    if (error || gone_) {
        return;
    }
    const std::uint32_t offset = spec::at("ERR_SRC").of();
    for (std::uint32_t round = 0; round < max_error_rounds; ++round) {
        const auto sources = read_register(link_, offset);
        if (!sources) {
            lose_device();
            return;
        }
        if (*sources == 0) {
            break;
        }
        reported_errors_ += static_cast<std::uint64_t>(std::popcount(*sources));
        link_.mmio_write32(offset, *sources);
    }
    wait_for_error_interrupt();
}

void Device::Impl::stop_error_interrupts() {
    const std::unique_ptr<Parker> parker = environment_.make_parker();
    boost::asio::post(environment_.interrupt_executor(), [&] {
        if (error_wait_) {
            stopper_ = parker.get();
            link_.cancel_vector_wait(spec::error_vector);
        } else {
            parker->unpark();
        }
    });
    parker->park();
}

DeviceStatistics Device::Impl::read_statistics() {
    const std::lock_guard lock(*mutex_);
    if (closed_ || gone_) {
        return {};
    }
    bool lost = false;
    const auto read64 = [&](spec::Address address) -> std::uint64_t {
        const auto low = read_register(link_, address.of());
        const auto high = read_register(link_, address.of() + 4);
        lost = lost || !low || !high;
        return lost ? 0 : std::uint64_t{*high} << 32 | *low;
    };
    link_.mmio_write32(spec::at("STAT_SNAP").of(), 1);
    const DeviceStatistics statistics{
        .operations = read64(spec::at("STAT_OPS")),
        .bytes = read64(spec::at("STAT_BYTES")),
        .errors = read64(spec::at("STAT_ERRS")),
        .busy_ns = read64(spec::at("STAT_BUSY_NS")),
        .dma_read_bytes = read64(spec::at("STAT_DMA_RD")),
        .dma_written_bytes = read64(spec::at("STAT_DMA_WR")),
        .msix_messages = read64(spec::at("STAT_MSIX")),
    };
    if (lost) {
        lose_device();
        return {};
    }
    return statistics;
}

void Device::Impl::dump(std::FILE* out) const {
    std::fprintf(out, "%zu queue pairs, %s, error sources reported %" PRIu64 "\n",
                 queue_pairs_.size(), gone_ ? "gone" : (closed_ ? "closed" : "open"),
                 reported_errors());
}

// ---- the public face ----

result<std::unique_ptr<Device>> Device::open(Link& link, Environment& environment,
                                             const DeviceConfig& config) {
    auto impl = std::make_unique<Impl>(link, environment, config);
    if (const error_code failure = impl->bring_up()) {
        return failure;
    }
    return std::unique_ptr<Device>(new Device(std::move(impl)));
}

Device::Device(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Device::~Device() = default;

void Device::close() {
    impl_->close();
}

QueuePair& Device::admin() {
    return impl_->queue_pair(0);
}

QueuePair& Device::queue_pair(std::uint32_t index) {
    return impl_->queue_pair(index + 1);
}

std::uint32_t Device::queue_pair_count() const {
    return impl_->io_queue_pairs();
}

DmaPool& Device::dma() {
    return impl_->dma();
}

Environment& Device::environment() {
    return impl_->environment();
}

std::uint32_t Device::max_length() const {
    return impl_->max_length();
}

DeviceStatistics Device::read_statistics() {
    return impl_->read_statistics();
}

std::uint64_t Device::reported_errors() const {
    return impl_->reported_errors();
}

}  // namespace ringside::driver
