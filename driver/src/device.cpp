// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "ringside/driver/device.hpp"

#include <algorithm>
#include <bit>
#include <boost/asio/post.hpp>
#include <cinttypes>
#include <cstdio>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

#include "error_interrupt.hpp"
#include "mmio.hpp"
#include "queue_pair_impl.hpp"
#include "recovery.hpp"
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
    bool drain(Duration limit);
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
    const DeviceCapabilities& capabilities() const { return capabilities_; }
    std::uint64_t reported_errors() const { return errors_ ? errors_->reported() : 0; }
    const Recovery& recovery() const { return *recovery_; }
    void request_reset();

  private:
    error_code identify();
    error_code read_capabilities();
    error_code check_config();
    error_code reset();
    error_code enable();
    error_code wait_for_state(spec::DeviceState wanted);
    error_code create_queue_pairs();
    error_code create_queue_pair(std::uint32_t index);
    error_code go_live();
    bool is_reachable() const {
        return recovery_ == nullptr || recovery_->health() != DeviceHealth::dead;
    }
    void revoke_memory();
    void dump(std::FILE* out) const;

    Link& link_;
    Environment& environment_;
    const DeviceConfig config_;
    const std::unique_ptr<Mutex> mutex_;
    DmaPool dma_;
    std::unique_ptr<SessionTable> sessions_;
    std::unique_ptr<Recovery> recovery_;
    std::unique_ptr<ErrorInterrupt> errors_;
    std::vector<std::unique_ptr<QueuePair>> queue_pairs_;  ///< the admin queue pair first

    DeviceCapabilities capabilities_{};
    std::uint32_t vectors_ = 0;
    Duration state_change_{};

    bool must_reset_ = false;  ///< it is our device, and we woke it
    bool closed_ = false;      ///< guarded by mutex_; no register is touched afterwards

    Trace::StateWriter state_writer_;
};

error_code Device::Impl::bring_up() {
    for (const auto step :
         {&Impl::identify, &Impl::read_capabilities, &Impl::check_config, &Impl::reset,
          &Impl::enable, &Impl::create_queue_pairs, &Impl::go_live}) {
        if (const error_code failure = (this->*step)()) {
            return failure;
        }
    }
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
    capabilities_.version = *version;
    return *version >> 16 == spec::device_version >> 16 ? error_code() : Errc::unsupported_version;
}

error_code Device::Impl::read_capabilities() {
    bool lost = false;
    const auto read = [&](std::uint32_t offset) {
        const auto value = read_register(link_, offset);
        lost = lost || !value;
        return value ? *value : 0;
    };
    const auto read64 = [&](spec::Address address) {
        const std::uint64_t low = read(address.of());
        return std::uint64_t{read(address.of() + 4)} << 32 | low;
    };
    const std::uint32_t cap = read(spec::at("CAP").of());
    const std::uint32_t limits = read(spec::at("LIMITS").of());
    const auto field = [](std::uint64_t value) { return static_cast<std::uint32_t>(value); };
    vectors_ = field(spec::field("LIMITS", "MAX_VECTORS").get(limits));
    capabilities_.queue_pairs = field(spec::field("CAP", "MAX_QP").get(cap));
    capabilities_.max_ring_entries = std::min(
        std::uint32_t{1} << spec::field("CAP", "LOG2_ENTRIES").get(cap), spec::max_ring_entries);
    capabilities_.max_list_entries = spec::field("CAP", "SGL").get(cap) != 0
                                         ? field(spec::field("LIMITS", "MAX_SGE").get(limits))
                                         : 0;
    capabilities_.max_length = read(spec::at("MAX_LEN").of());
    capabilities_.max_sessions = read(spec::at("MAX_SESS").of());
    capabilities_.symmetric = read64(spec::at("ALG_SYM"));
    capabilities_.asymmetric = read64(spec::at("ALG_ASYM"));
    capabilities_.hash_kdf = read64(spec::at("ALG_HASHKDF"));
    state_change_ =
        std::min<Duration>(std::chrono::milliseconds(read(spec::at("TO").of())), max_state_change);
    return lost ? make_error_code(Errc::dead) : error_code();
}

error_code Device::Impl::check_config() {
    const std::uint32_t last = config_.io_queue_pairs;  // the admin queue pair is number 0
    const bool fits = last >= 1 && last < std::min(capabilities_.queue_pairs, vectors_) &&
                      spec::queue_vector(last) < vectors_ &&
                      std::has_single_bit(config_.ring_entries) &&
                      config_.ring_entries >= spec::min_ring_entries &&
                      config_.ring_entries <= capabilities_.max_ring_entries;
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
    sessions_ = std::make_unique<SessionTable>(
        environment_, dma_, std::min(capabilities_.max_sessions, max_sessions) + admin_ring_entries,
        config_.recovery.restore_sessions);
    recovery_ = std::make_unique<Recovery>(link_, environment_, dma_, *sessions_, config_.recovery,
                                           state_change_);
    errors_ = std::make_unique<ErrorInterrupt>(link_, environment_, config_.recovery, *recovery_);
    for (std::uint32_t index = 0; index <= config_.io_queue_pairs; ++index) {
        if (const error_code failure = create_queue_pair(index)) {
            return failure;
        }
    }
    return {};
}

error_code Device::Impl::create_queue_pair(std::uint32_t index) {
    using Enabling = QueuePair::Impl::Enabling;
    QueuePairConfig config{.index = index,
                           .reservation_lapse = config_.reservation_lapse,
                           .max_length = capabilities_.max_length,
                           .recovery = config_.recovery};
    if (index == 0) {
        config.entries = std::min(admin_ring_entries, capabilities_.max_ring_entries);
    } else {
        config.entries = config_.ring_entries;
        config.moderation_count = config_.moderation_count;
        config.moderation_us = config_.moderation_us;
        config.mode = config_.completion_mode;
        if (index <= config_.callback_executors.size()) {
            config.callback_executor = config_.callback_executors[index - 1];
        }
    }
    auto rings = QueuePair::Impl::map_rings(link_, config.entries);
    if (!rings) {
        return rings.error();
    }
    auto queue = std::make_unique<QueuePair::Impl>(link_, environment_, config, *recovery_,
                                                   *sessions_, std::move(*rings));
    queue->program();
    Enabling state{};
    const bool decided = poll_until(environment_, state_change_, [&] {
        state = queue->enabling();
        return state != Enabling::pending;
    });
    queue_pairs_.push_back(std::unique_ptr<QueuePair>(new QueuePair(std::move(queue))));
    if (!decided) {
        return Errc::timed_out;
    }
    if (state == Enabling::enabled) {
        return {};
    }
    return state == Enabling::gone ? Errc::dead : Errc::unsupported_config;
}

error_code Device::Impl::go_live() {
    run_in_interrupt_context(environment_, [this] {
        recovery_->begin(queue_pairs_);
        errors_->start();
        for (const auto& queue : queue_pairs_) {
            queue->impl_->open();
        }
    });
    return {};
}

bool Device::Impl::drain(Duration limit) {
    const auto queues = std::span(queue_pairs_).subspan(1);
    run_in_interrupt_context(environment_, [queues] {
        for (const auto& queue : queues) {
            queue->impl_->begin_draining();
        }
    });
    const bool drained = poll_until(environment_, limit, [queues] {
        return std::all_of(queues.begin(), queues.end(),
                           [](const auto& queue) { return queue->impl_->is_drained(); });
    });
    run_in_interrupt_context(environment_, [] {});  // behind the callbacks there
    for (const auto& queue : queues) {
        queue->impl_->finish_callbacks();
    }
    return drained;
}

void Device::Impl::close() {
    {
        const std::lock_guard lock(*mutex_);
        if (std::exchange(closed_, true)) {
            return;
        }
    }
    if (recovery_ != nullptr) {
        run_in_interrupt_context(environment_, [this] { recovery_->shut_down(); });
    }
    for (const auto& queue : queue_pairs_) {
        queue->impl_->refuse(Errc::dead);
    }
    if (must_reset_ && is_reachable() && reset()) {
        revoke_memory();  // it may do DMA yet
    }
    for (const auto& queue : queue_pairs_) {
        queue->impl_->stop_interrupts();
    }
    if (errors_ != nullptr) {
        errors_->stop();
    }
    run_in_interrupt_context(environment_, [this] {
        for (const auto& queue : queue_pairs_) {
            queue->impl_->fail_all(Errc::dead);
        }
    });
    for (const auto& queue : queue_pairs_) {
        queue->impl_->finish_callbacks();
    }
}

void Device::Impl::revoke_memory() {
    run_in_interrupt_context(environment_, [this] {
        for (const auto& queue : queue_pairs_) {
            queue->impl_->cut_off(Errc::dead);
        }
        dma_.revoke();
        for (const auto& queue : queue_pairs_) {
            queue->impl_->revoke_rings();
        }
    });
}

void Device::Impl::request_reset() {
    boost::asio::post(environment_.interrupt_executor(),
                      [this] { recovery_->want_device_reset(); });
}

DeviceStatistics Device::Impl::read_statistics() {
    const std::lock_guard lock(*mutex_);
    if (closed_ || !is_reachable() || recovery_->is_gone()) {
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
        recovery_->lose_device();
        return {};
    }
    return statistics;
}

void Device::Impl::dump(std::FILE* out) const {
    std::fprintf(out, "%zu queue pairs, %s, error sources reported %" PRIu64 "\n",
                 queue_pairs_.size(), !is_reachable() ? "dead" : (closed_ ? "closed" : "open"),
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

bool Device::drain(Duration limit) {
    return impl_->drain(limit);
}
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

const DeviceCapabilities& Device::capabilities() const {
    return impl_->capabilities();
}

DeviceStatistics Device::read_statistics() {
    return impl_->read_statistics();
}

DeviceHealth Device::health() const {
    return impl_->recovery().health();
}

RecoveryCounters Device::recovery_counters() const {
    return impl_->recovery().counters();
}

void Device::request_reset() {
    impl_->request_reset();
}

std::uint64_t Device::reported_errors() const {
    return impl_->reported_errors();
}

}  // namespace ringside::driver
