// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "ringside/sim/virtual_platform.hpp"

#include <algorithm>
#include <array>
#include <boost/asio/execution.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <utility>
#include <vector>

#include "recorded_chip.hpp"
#include "ringside/base/assert.hpp"
#include "ringside/recording/recording_link.hpp"
#include "ringside/recording/replay_link.hpp"
#include "ringside/sim/iommu.hpp"
#include "ringside/spec/registers.hpp"

namespace ringside::sim {
namespace {

namespace asio = boost::asio;

/// The interrupt executor of virtual time: an io_context polled by one logical CPU, which is woken
/// whenever something is posted.
class InterruptCpu {
  public:
    explicit InterruptCpu(Scheduler& scheduler)
        : scheduler_(scheduler), cpu_(scheduler.spawn_service("interrupts", [this] {
              context_.restart();
              context_.poll();
          })) {}

    /// An asio executor that forwards to the io_context and kicks the CPU.
    class Executor {
      public:
        explicit Executor(InterruptCpu& owner) : owner_(&owner) {}

        template <typename Function>
        void execute(Function&& function) const {
            asio::post(owner_->context_, std::forward<Function>(function));
            owner_->scheduler_.kick(owner_->cpu_);
        }
        asio::execution_context& query(asio::execution::context_t) const noexcept {
            return owner_->context_;
        }
        static constexpr asio::execution::blocking_t query(asio::execution::blocking_t) noexcept {
            return asio::execution::blocking.never;
        }
        Executor require(asio::execution::blocking_t::never_t) const noexcept { return *this; }
        bool operator==(const Executor&) const noexcept = default;

      private:
        InterruptCpu* owner_;
    };

    Executor executor() { return Executor(*this); }
    bool is_current() const { return &scheduler_.current() == &cpu_; }

  private:
    Scheduler& scheduler_;
    asio::io_context context_{1};
    Scheduler::Cpu& cpu_;
};

class VirtualMutex final : public driver::Mutex {
  public:
    explicit VirtualMutex(Scheduler& scheduler) : scheduler_(scheduler) {}

    void lock() override {
        scheduler_.yield();
        while (owner_ != nullptr) {
            waiting_.push_back(&scheduler_.current());
            scheduler_.block("a lock");
        }
        owner_ = &scheduler_.current();
    }
    void unlock() override {
        owner_ = nullptr;
        for (Scheduler::Cpu* cpu : std::exchange(waiting_, {})) {
            scheduler_.wake(*cpu);
        }
    }

  private:
    Scheduler& scheduler_;
    Scheduler::Cpu* owner_ = nullptr;
    std::vector<Scheduler::Cpu*> waiting_;
};

class VirtualParker final : public driver::Parker {
  public:
    explicit VirtualParker(Scheduler& scheduler) : scheduler_(scheduler) {}

    void park() override {
        sleeper_ = &scheduler_.current();
        while (!unparked_) {
            scheduler_.block("an unpark");
        }
        unparked_ = false;
        sleeper_ = nullptr;
    }
    void unpark() override {
        unparked_ = true;
        if (sleeper_ != nullptr) {
            scheduler_.wake(*sleeper_);
        }
    }

  private:
    Scheduler& scheduler_;
    bool unparked_ = false;
    Scheduler::Cpu* sleeper_ = nullptr;
};

class VirtualTimer;

/// Pending timers by deadline; equal deadlines fire in the order in which they were armed.
class TimerQueue {
  public:
    void insert(VirtualTimer& timer, Time deadline);
    void erase(VirtualTimer& timer);
    std::optional<Time> next() const {
        return pending_.empty() ? std::nullopt : std::optional(pending_.back().deadline);
    }
    /// Hands out, one by one, the timers that are due at `now`.
    VirtualTimer* take_due(Time now);

    struct Entry {
        Time deadline;
        std::uint64_t sequence;
        VirtualTimer* timer;
        bool is_before(const Entry& other) const {
            return std::pair(deadline, sequence) < std::pair(other.deadline, other.sequence);
        }
    };

  private:
    std::vector<Entry>::iterator place_of(const Entry& entry) {
        return std::lower_bound(pending_.begin(), pending_.end(), entry,
                                [](const Entry& a, const Entry& b) { return b.is_before(a); });
    }

    std::vector<Entry> pending_;  ///< the earliest last; arming a timer seldom allocates
    std::uint64_t armed_ = 0;
};

class VirtualTimer final : public driver::Timer {
  public:
    VirtualTimer(Scheduler& scheduler, TimerQueue& queue, InterruptCpu& interrupts,
                 std::function<void()> on_expiry)
        : scheduler_(scheduler),
          queue_(queue),
          interrupts_(interrupts),
          callback_(std::make_shared<Callback>(Callback{std::move(on_expiry)})) {}
    VirtualTimer(const VirtualTimer&) = delete;
    VirtualTimer& operator=(const VirtualTimer&) = delete;
    ~VirtualTimer() override {
        cancel();
        while (callback_->running && !interrupts_.is_current()) {
            callback_->destroyer = &scheduler_.current();
            scheduler_.block("a running timer callback");
        }
    }

    void arm(Time deadline) override {
        cancel();
        queue_.insert(*this, deadline);
    }
    void cancel() override {
        ++callback_->epoch;  // what is posted already does not start
        if (entry_) {
            queue_.erase(*this);
        }
    }
    void expire() {
        asio::post(interrupts_.executor(),
                   [&scheduler = scheduler_, callback = callback_, epoch = callback_->epoch] {
                       if (callback->epoch != epoch) {
                           return;
                       }
                       callback->running = true;
                       callback->run();
                       callback->running = false;
                       if (callback->destroyer != nullptr) {
                           scheduler.wake(*callback->destroyer);
                       }
                   });
    }

  private:
    friend class TimerQueue;
    /// Outlives the timer while it is posted or running.
    struct Callback {
        std::function<void()> run;
        std::uint64_t epoch = 0;
        bool running = false;
        Scheduler::Cpu* destroyer = nullptr;
    };

    Scheduler& scheduler_;
    TimerQueue& queue_;
    InterruptCpu& interrupts_;
    std::shared_ptr<Callback> callback_;
    std::optional<TimerQueue::Entry> entry_;
};

void TimerQueue::insert(VirtualTimer& timer, Time deadline) {
    timer.entry_ = Entry{deadline, armed_++, &timer};
    pending_.insert(place_of(*timer.entry_), *timer.entry_);
}

void TimerQueue::erase(VirtualTimer& timer) {
    pending_.erase(place_of(*timer.entry_));
    timer.entry_.reset();
}

VirtualTimer* TimerQueue::take_due(Time now) {
    if (pending_.empty() || pending_.back().deadline > now) {
        return nullptr;
    }
    VirtualTimer* timer = pending_.back().timer;
    erase(*timer);
    return timer;
}

/// MSI-X vectors on their way to the interrupt executor.
class VectorTable {
  public:
    explicit VectorTable(InterruptCpu& interrupts) : interrupts_(interrupts) {}

    void raise(std::uint32_t vector) {
        Vector& entry = vectors_.at(vector);
        if (entry.handler) {
            deliver(entry, {});
        } else {
            entry.pending = true;
        }
    }
    void wait(std::uint32_t vector, driver::Link::VectorHandler handler) {
        Vector& entry = vectors_.at(vector);
        entry.handler = std::move(handler);
        if (std::exchange(entry.pending, false)) {
            deliver(entry, {});
        }
    }
    void cancel(std::uint32_t vector) {
        Vector& entry = vectors_.at(vector);
        if (entry.handler) {
            deliver(entry, asio::error::operation_aborted);
        }
    }

  private:
    struct Vector {
        driver::Link::VectorHandler handler;
        bool pending = false;
    };
    void deliver(Vector& entry, driver::error_code error) {
        asio::post(interrupts_.executor(),
                   [handler = std::exchange(entry.handler, {}), error] { handler(error); });
    }

    InterruptCpu& interrupts_;
    std::array<Vector, spec::max_vectors> vectors_;
};

}  // namespace

class VirtualPlatform::Impl final : public driver::Link,
                                    public driver::Environment,
                                    public driver::SchedulePoints,
                                    public Timeline {
  public:
    explicit Impl(const VirtualPlatformConfig& config)
        : trace_(config.seed),
          iommu_(config.seed, Iommu::Threads::one),
          scheduler_(config.seed, config.interleaving, *this, trace_),
          interrupts_(scheduler_),
          vectors_(interrupts_) {
        schedule_points_ = this;
    }

    boost::system::result<void> build_chip(const VirtualPlatformConfig& config) {
        const auto on_message = [this](std::uint32_t vector) { vectors_.raise(vector); };
        if (config.player != nullptr) {
            auto replay = std::make_unique<ReplayChip>(*config.player, iommu_, on_message);
            replay_chip_ = replay.get();
            chip_ = std::move(replay);
            outer_link_ = std::make_unique<recording::ReplayLink>(*this, *config.player);
            return {};
        }
        auto chip = make_chip(device_of(config), trace_, iommu_, on_message, config.recorder);
        if (!chip) {
            return chip.error();
        }
        chip_ = std::move(*chip);
        if (config.recorder != nullptr) {
            outer_link_ = std::make_unique<recording::RecordingLink>(
                *this, *this, *config.recorder,
                recording::RecordingLink::RegisterAccesses::at_the_device);
        }
        return {};
    }

    Scheduler& scheduler() { return scheduler_; }
    Chip& chip() { return *chip_; }
    driver::Link& link() { return outer_link_ ? *outer_link_ : *this; }
    void observe(std::function<void(const char*)> observer) { observer_ = std::move(observer); }
    void refuse(std::function<driver::error_code(std::uint32_t)> refusal) {
        refusal_ = std::move(refusal);
    }

    // ---- Link ----

    std::uint32_t mmio_read32(std::uint32_t offset) override {
        std::uint32_t value = 0;
        scheduler_.trap([&] { value = chip_->read32(offset); });
        return value;
    }
    void mmio_write32(std::uint32_t offset, std::uint32_t value) override {
        scheduler_.trap([&] { chip_->write32(offset, value); });
    }
    driver::result<driver::Iova> dma_map(std::span<std::byte> memory,
                                         driver::DmaDirection direction) override {
        scheduler_.yield();
        return iommu_.map(memory, direction);
    }
    void dma_unmap(driver::Iova iova) override {
        scheduler_.yield();
        const bool known = iommu_.unmap(iova);
        RINGSIDE_ASSERT(trace_, known, "dma_unmap of %llx, which is not mapped",
                        static_cast<unsigned long long>(iova.value));
    }
    void dma_sync_for_device(driver::Iova /*iova*/, std::size_t /*length*/) override {
        scheduler_.yield();
    }
    void dma_sync_for_cpu(driver::Iova /*iova*/, std::size_t /*length*/) override {
        scheduler_.yield();
    }
    void write_barrier() override {}  // one thread: nothing is reordered
    void read_barrier() override {}
    void async_wait_vector(std::uint32_t vector, VectorHandler handler) override {
        scheduler_.yield();
        vectors_.wait(vector, std::move(handler));
    }
    void cancel_vector_wait(std::uint32_t vector) override {
        scheduler_.yield();
        vectors_.cancel(vector);
    }
    void mask_vector(std::uint32_t vector, bool masked) override {
        scheduler_.trap([&] { chip_->mask_vector(vector, masked); });
    }

    // ---- Environment ----

    Time now() override { return now_; }
    std::unique_ptr<driver::Mutex> make_mutex() override {
        return std::make_unique<VirtualMutex>(scheduler_);
    }
    std::unique_ptr<driver::Parker> make_parker() override {
        return std::make_unique<VirtualParker>(scheduler_);
    }
    std::unique_ptr<driver::Timer> make_timer(std::function<void()> on_expiry) override {
        return std::make_unique<VirtualTimer>(scheduler_, timers_, interrupts_,
                                              std::move(on_expiry));
    }
    asio::any_io_executor interrupt_executor() override { return interrupts_.executor(); }
    bool on_interrupt_executor() const override { return interrupts_.is_current(); }
    Trace& trace() override { return trace_; }

    // ---- SchedulePoints ----

    void reached(const char* name) override {
        if (observer_) {
            observer_(name);
        }
        scheduler_.yield();
    }
    driver::error_code refuse_submit(std::uint32_t queue) override {
        return refusal_ ? refusal_(queue) : driver::error_code();
    }

    // ---- Timeline ----

    Time now() const override { return now_; }
    std::optional<Time> next_event() const override {
        const auto device = chip_->next_event();
        const auto timer = timers_.next();
        if (!device || !timer) {
            return device ? device : timer;
        }
        return std::min(*device, *timer);
    }
    void advance_to(Time time) override {
        chip_->advance_to(time);
        expire_timers();
    }
    void advance_from(Time next) override {
        const Time timer = timers_.next().value_or(Time::max());
        if (next < timer) {
            chip_->run(next, timer, {});
        } else {
            chip_->advance_to(next);
        }
        expire_timers();
    }
    bool end_standstill() override {
        return replay_chip_ != nullptr && replay_chip_->note_standstill();
    }

  private:
    void expire_timers() {
        now_ = chip_->now();
        while (VirtualTimer* timer = timers_.take_due(now_)) {
            timer->expire();
        }
    }

    Trace trace_;
    Iommu iommu_;
    TimerQueue timers_;
    Scheduler scheduler_;
    InterruptCpu interrupts_;
    VectorTable vectors_;
    std::unique_ptr<Chip> chip_;
    Time now_{};                         ///< the chip's
    ReplayChip* replay_chip_ = nullptr;  ///< what chip_ is in a replay
    std::unique_ptr<driver::Link> outer_link_;
    std::function<void(const char*)> observer_;
    std::function<driver::error_code(std::uint32_t)> refusal_;
};

boost::system::result<std::unique_ptr<VirtualPlatform>> VirtualPlatform::create(
    const VirtualPlatformConfig& config) {
    auto impl = std::make_unique<Impl>(config);
    if (auto built = impl->build_chip(config); !built) {
        return built.error();
    }
    return std::unique_ptr<VirtualPlatform>(new VirtualPlatform(std::move(impl)));
}

VirtualPlatform::VirtualPlatform(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

VirtualPlatform::~VirtualPlatform() = default;

driver::Link& VirtualPlatform::link() {
    return impl_->link();
}

driver::Environment& VirtualPlatform::environment() {
    return *impl_;
}

Time VirtualPlatform::device_time() {
    return impl_->chip().now();
}

void VirtualPlatform::wait_readable(int fd) {
    impl_->scheduler().block_until_readable(fd, "a readable file descriptor");
}

std::uint32_t VirtualPlatform::peek32(std::uint32_t offset) {
    return impl_->chip().peek32(offset);
}

void VirtualPlatform::reset_function() {
    impl_->scheduler().trap([this] { impl_->chip().reset_function(); });
}

Scheduler& VirtualPlatform::scheduler() {
    return impl_->scheduler();
}

void VirtualPlatform::observe_schedule_points(std::function<void(const char* name)> observer) {
    impl_->observe(std::move(observer));
}

void VirtualPlatform::refuse_submits(
    std::function<driver::error_code(std::uint32_t queue)> refusal) {
    impl_->refuse(std::move(refusal));
}

void VirtualPlatform::run_until_idle() {
    impl_->scheduler().block_until_idle();
}

}  // namespace ringside::sim
