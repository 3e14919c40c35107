// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "ringside/sim/live_platform.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <bit>
#include <boost/asio/bind_allocator.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

#include "device_thread.hpp"
#include "patience.hpp"
#include "ringside/base/assert.hpp"
#include "ringside/base/spinning_mutex.hpp"
#include "ringside/recording/recording_link.hpp"
#include "ringside/sim/iommu.hpp"
#include "ringside/spec/registers.hpp"

namespace ringside::sim {
namespace {

namespace asio = boost::asio;

static_assert(spec::max_vectors <= 64, "a bit for each in a word");

class LiveMutex final : public driver::Mutex {
  public:
    void lock() override { mutex_.lock(); }
    void unlock() override { mutex_.unlock(); }

  private:
    SpinningMutex mutex_;
};

class LiveParker final : public driver::Parker {
  public:
    void park() override {
        std::unique_lock lock(mutex_);
        woken_.wait(lock, [this] { return unparked_; });
        unparked_ = false;
    }
    void unpark() override {
        const std::lock_guard lock(mutex_);
        unparked_ = true;
        woken_.notify_one();  // under the lock: the parker may destroy us once it has it
    }

  private:
    std::mutex mutex_;
    std::condition_variable woken_;
    bool unparked_ = false;
};

/// The interrupt executor of live time: an io_context and its thread, which looks around for a
/// while before it sleeps.
class InterruptThread {
  public:
    /// Called with what call() was given, on the thread.
    explicit InterruptThread(std::function<void(std::uint32_t)> on_call)
        : on_call_(std::move(on_call)) {}

    boost::system::result<void> start() {
        try {
            thread_ = std::thread([this] {
                detach_thread_from_host("ringside-irq");
                run();
            });
        } catch (const std::system_error&) {
            return Errc::no_thread;
        }
        return {};
    }
    /// Runs what is posted and ends.
    void stop() {
        work_.reset();
        if (thread_.joinable()) {
            thread_.join();
        }
    }
    /// False: it may sleep, and has to be woken. `number` is below 64. Any thread.
    bool call(std::uint32_t number) {
        calls_.fetch_or(std::uint64_t{1} << number);
        if (looks_.load()) {
            return true;
        }
        woken_at_.store(Patience::Clock::now());
        return false;
    }
    asio::io_context& context() { return context_; }
    bool is_current() const { return std::this_thread::get_id() == thread_.get_id(); }

  private:
    static constexpr int looks_per_poll = 64;

    void run() {
        while (!context_.stopped()) {
            if (!answer_calls() && context_.poll() == 0 && !spin()) {
                sleep();
            }
        }
    }

    bool answer_calls() {
        std::uint64_t calls = calls_.load(std::memory_order_relaxed) != 0 ? calls_.exchange(0) : 0;
        const bool any = calls != 0;
        for (; calls != 0; calls &= calls - 1) {
            on_call_(static_cast<std::uint32_t>(std::countr_zero(calls)));
        }
        return any;
    }

    /// True: there has been something to do, or is. Looking at the io_context is a system call.
    bool spin() {
        int looks = 0;
        return patience_.look([&] {
            return calls_.load(std::memory_order_relaxed) != 0 ||
                   (++looks % looks_per_poll == 0 && (context_.poll() != 0 || context_.stopped()));
        });
    }

    /// Who calls after the last look sees that nobody looks.
    void sleep() {
        looks_.store(false);
        if (calls_.load() == 0) {
            const auto since = Patience::Clock::now();
            context_.run_one();
            const auto woken_at = woken_at_.load();  // unless by what was posted, or a timer
            patience_.waited((woken_at > since ? woken_at : Patience::Clock::now()) - since);
        }
        looks_.store(true);
    }

    const std::function<void(std::uint32_t)> on_call_;
    Patience patience_{2};                             // the application and the device
    alignas(64) std::atomic<std::uint64_t> calls_{0};  ///< a bit for each
    std::atomic<bool> looks_{true};
    std::atomic<Patience::Clock::time_point> woken_at_{};  ///< by call()
    alignas(64) asio::io_context context_{1};
    asio::executor_work_guard<asio::io_context::executor_type> work_{context_.get_executor()};
    std::thread thread_;
};

/// Memory for the handlers of a timer's waits, few of which are under way at a time: arming is done
/// where nothing may fail, in destructors too.
class HandlerMemory {
  public:
    void* take(std::size_t size) {
        for (Block& block : blocks_) {
            if (size <= sizeof block.bytes && !block.taken.exchange(true)) {
                return block.bytes;
            }
        }
        return ::operator new(size);
    }
    void give_back(void* memory) {
        for (Block& block : blocks_) {
            if (memory == block.bytes) {
                block.taken.store(false);
                return;
            }
        }
        ::operator delete(memory);
    }

  private:
    struct Block {
        alignas(std::max_align_t) std::byte bytes[256];
        std::atomic<bool> taken{false};
    };
    std::array<Block, 4> blocks_;
};

/// HandlerMemory as Asio wants it.
template <typename Value>
class HandlerAllocator {
  public:
    using value_type = Value;

    explicit HandlerAllocator(HandlerMemory& memory) : memory_(&memory) {}
    template <typename Other>
    HandlerAllocator(const HandlerAllocator<Other>& other) : memory_(other.memory_) {}

    Value* allocate(std::size_t count) {
        return static_cast<Value*>(memory_->take(count * sizeof(Value)));
    }
    void deallocate(Value* values, std::size_t /*count*/) { memory_->give_back(values); }
    template <typename Other>
    bool operator==(const HandlerAllocator<Other>& other) const {
        return memory_ == other.memory_;
    }

  private:
    template <typename>
    friend class HandlerAllocator;

    HandlerMemory* memory_;
};

class LiveTimer final : public driver::Timer {
  public:
    LiveTimer(InterruptThread& interrupts, std::chrono::steady_clock::time_point epoch,
              std::function<void()> on_expiry)
        : state_(std::make_shared<State>(interrupts, epoch, std::move(on_expiry))) {}
    LiveTimer(const LiveTimer&) = delete;
    LiveTimer& operator=(const LiveTimer&) = delete;
    ~LiveTimer() override {
        cancel();
        std::unique_lock lock(state_->mutex);
        if (!state_->interrupts.is_current()) {
            state_->ended.wait(lock, [this] { return !state_->running; });
        }
    }

    void arm(Time deadline) override {
        const std::lock_guard lock(state_->mutex);
        const std::uint64_t generation = ++state_->generation;
        state_->timer.expires_at(
            state_->epoch +
            std::chrono::ceil<std::chrono::steady_clock::duration>(deadline.time_since_epoch()));
        state_->timer.async_wait(
            asio::bind_allocator(HandlerAllocator<void>(state_->memory),
                                 [state = state_, generation](boost::system::error_code) {
                                     state->expired(generation);
                                 }));
    }
    void cancel() override {
        const std::lock_guard lock(state_->mutex);
        ++state_->generation;
        state_->timer.cancel();
    }

  private:
    /// Outlives the timer while a wait is posted or its callback runs.
    struct State {
        State(InterruptThread& thread, std::chrono::steady_clock::time_point platform_epoch,
              std::function<void()> on_expiry)
            : interrupts(thread),
              epoch(platform_epoch),
              callback(std::move(on_expiry)),
              timer(thread.context()) {}

        void expired(std::uint64_t armed) {
            {
                const std::lock_guard lock(mutex);
                if (armed != generation) {
                    return;
                }
                running = true;
            }
            callback();
            const std::lock_guard lock(mutex);
            running = false;
            ended.notify_all();
        }

        InterruptThread& interrupts;
        const std::chrono::steady_clock::time_point epoch;
        const std::function<void()> callback;
        HandlerMemory memory;
        std::mutex mutex;  ///< guards all below
        std::condition_variable ended;
        asio::steady_timer timer;
        std::uint64_t generation = 0;
        bool running = false;
    };
    std::shared_ptr<State> state_;
};

/// One MSI-X vector as VFIO presents it: an eventfd, written only when somebody has armed it; and
/// not while the interrupt thread looks, which is called.
class LiveVector {
  public:
    LiveVector(InterruptThread& interrupts, std::uint32_t number)
        : interrupts_(interrupts), number_(number), descriptor_(interrupts.context()) {}

    /// The device's thread.
    void raise() {
        {
            const std::lock_guard lock(mutex_);
            if (!handler_ || signalled_) {
                pending_ = true;
                return;
            }
            signalled_ = true;
        }
        signal();  // without the lock: whom it wakes wants it
    }
    void wait(driver::Link::VectorHandler handler) {
        {
            const std::lock_guard lock(mutex_);
            if (!descriptor_.is_open() && !open()) {
                asio::post(descriptor_.get_executor(), [handler = std::move(handler)] {
                    handler(make_error_code(Errc::no_eventfd));
                });
                return;
            }
            handler_ = std::move(handler);
            signalled_ = std::exchange(pending_, false);
            if (!signalled_) {
                return;
            }
        }
        signal();
    }
    /// What was called for. The interrupt thread.
    void fire() {
        driver::Link::VectorHandler handler;
        {
            const std::lock_guard lock(mutex_);
            if (!signalled_) {
                return;  // withdrawn meanwhile
            }
            handler = std::exchange(handler_, {});
        }
        if (handler) {
            handler({});
        }
    }
    void cancel() {
        const std::lock_guard lock(mutex_);
        if (handler_) {
            asio::post(descriptor_.get_executor(), [handler = std::exchange(handler_, {})] {
                handler(asio::error::operation_aborted);
            });
        }
    }
    /// Lets the interrupt thread end.
    void close() {
        cancel();
        const std::lock_guard lock(mutex_);
        closed_ = true;
        if (descriptor_.is_open()) {
            descriptor_.cancel();
        }
    }

  private:
    /// Only for vectors that are used: a process has few descriptors, select(2) clients fewer.
    bool open() {
        const int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
        if (fd >= 0) {
            descriptor_.assign(fd);
            listen();
        }
        return fd >= 0;
    }
    /// The thread wakes, and finds the call.
    void listen() {
        descriptor_.async_wait(
            asio::posix::stream_descriptor::wait_read, [this](boost::system::error_code error) {
                const std::lock_guard lock(mutex_);
                if (!error && !closed_) {
                    std::uint64_t count = 0;
                    (void)!::read(descriptor_.native_handle(), &count, sizeof count);
                    listen();
                }
            });
    }
    void signal() {
        if (!interrupts_.call(number_)) {
            const std::uint64_t one = 1;
            // Cannot fail: the counter never comes near its limit.
            (void)!::write(descriptor_.native_handle(), &one, sizeof one);
        }
    }

    InterruptThread& interrupts_;
    const std::uint32_t number_;
    SpinningMutex mutex_;
    asio::posix::stream_descriptor descriptor_;
    driver::Link::VectorHandler handler_;
    bool signalled_ = false;  ///< the thread has been told for the present wait
    bool pending_ = false;    ///< an interrupt came when nobody waited
    bool closed_ = false;
};

}  // namespace

class LivePlatform::Impl final : public driver::Link, public driver::Environment {
  public:
    explicit Impl(const LivePlatformConfig& config)
        : trace_(config.seed, Trace::Threads::many),
          iommu_(config.seed),
          epoch_(std::chrono::steady_clock::now()),
          device_(config, epoch_, trace_, iommu_,
                  [this](std::uint32_t vector) { vectors_.at(vector)->raise(); }) {
        for (std::uint32_t i = 0; i < spec::max_vectors; ++i) {
            vectors_[i] = std::make_unique<LiveVector>(interrupts_, i);
        }
        if (config.recorder != nullptr) {
            outer_link_ = std::make_unique<recording::RecordingLink>(
                *this, *this, *config.recorder,
                recording::RecordingLink::RegisterAccesses::at_the_device);
        }
    }

    boost::system::result<void> start() {
        if (auto started = device_.start(); !started) {
            return started;
        }
        return interrupts_.start();
    }
    void shut_down() {
        for (auto& vector : vectors_) {
            vector->close();
        }
        interrupts_.stop();
        device_.stop();
    }
    DeviceThread& device() { return device_; }
    driver::Link& link() { return outer_link_ ? *outer_link_ : *this; }

    // ---- Link ----

    std::uint32_t mmio_read32(std::uint32_t offset) override { return device_.read(offset); }
    void mmio_write32(std::uint32_t offset, std::uint32_t value) override {
        device_.post_write(offset, value);
    }
    driver::result<driver::Iova> dma_map(std::span<std::byte> memory,
                                         driver::DmaDirection direction) override {
        return iommu_.map(memory, direction);
    }
    void dma_unmap(driver::Iova iova) override {
        bool known = false;
        const auto unmap = [&] { known = iommu_.unmap(iova); };
        device_.between_events(std::ref(unmap));  // a copy would take memory, and this may not fail
        RINGSIDE_ASSERT(trace_, known, "dma_unmap of %llx, which is not mapped",
                        static_cast<unsigned long long>(iova.value));
    }
    void dma_sync_for_device(driver::Iova /*iova*/, std::size_t /*length*/) override {}
    void dma_sync_for_cpu(driver::Iova /*iova*/, std::size_t /*length*/) override {}
    // The queue to the device's thread already orders everything; the model's completions are
    // released word by word (base/bus_copy.hpp).
    void write_barrier() override {}
    void read_barrier() override {}
    void async_wait_vector(std::uint32_t vector, VectorHandler handler) override {
        vectors_.at(vector)->wait(std::move(handler));
    }
    void cancel_vector_wait(std::uint32_t vector) override { vectors_.at(vector)->cancel(); }
    void mask_vector(std::uint32_t vector, bool masked) override {
        device_.mask_vector(vector, masked);
    }

    // ---- Environment ----

    Time now() override { return device_.wall_time(); }
    std::unique_ptr<driver::Mutex> make_mutex() override { return std::make_unique<LiveMutex>(); }
    std::unique_ptr<driver::Parker> make_parker() override {
        return std::make_unique<LiveParker>();
    }
    std::unique_ptr<driver::Timer> make_timer(std::function<void()> on_expiry) override {
        return std::make_unique<LiveTimer>(interrupts_, epoch_, std::move(on_expiry));
    }
    asio::any_io_executor interrupt_executor() override {
        return interrupts_.context().get_executor();
    }
    bool on_interrupt_executor() const override { return interrupts_.is_current(); }
    Trace& trace() override { return trace_; }

  private:
    Trace trace_;
    Iommu iommu_;
    const std::chrono::steady_clock::time_point epoch_;
    InterruptThread interrupts_{[this](std::uint32_t vector) { vectors_[vector]->fire(); }};
    std::array<std::unique_ptr<LiveVector>, spec::max_vectors> vectors_;
    DeviceThread device_;
    std::unique_ptr<driver::Link> outer_link_;
};

boost::system::result<std::unique_ptr<LivePlatform>> LivePlatform::create(
    const LivePlatformConfig& config) {
    auto impl = std::make_unique<Impl>(config);
    if (auto started = impl->start(); !started) {
        return started.error();
    }
    return std::unique_ptr<LivePlatform>(new LivePlatform(std::move(impl)));
}

LivePlatform::LivePlatform(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

LivePlatform::~LivePlatform() {
    shut_down();
}

driver::Link& LivePlatform::link() {
    return impl_->link();
}

driver::Environment& LivePlatform::environment() {
    return *impl_;
}

Time LivePlatform::device_time() {
    return impl_->device().device_time();
}

void LivePlatform::wait_readable(int fd) {
    pollfd entry{fd, POLLIN, 0};
    while (poll(&entry, 1, -1) < 0 && errno == EINTR) {
    }
}

std::uint32_t LivePlatform::peek32(std::uint32_t offset) {
    return impl_->device().peek(offset);
}

void LivePlatform::reset_function() {
    impl_->device().reset_function();
}

Lateness LivePlatform::lateness() const {
    return impl_->device().lateness();
}

void LivePlatform::shut_down() {
    impl_->shut_down();
}

void LivePlatform::abandon_after_fork() {
    Kernel::abandon_after_fork();
}

}  // namespace ringside::sim
