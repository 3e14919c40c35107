// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "device_thread.hpp"

#include <pthread.h>
#include <sched.h>
#include <sys/prctl.h>

#include <algorithm>
#include <csignal>
#include <utility>

#include "recorded_chip.hpp"

namespace ringside::sim {
namespace {

// Waking a sleeping thread costs some 25 us, more than all the rest of an operation: who waits for
// an answer, or for a near event, looks around this long before it sleeps.
constexpr auto spin_time = std::chrono::microseconds(20);
constexpr auto longest_catching_up = std::chrono::microseconds(100);
constexpr int looks_per_clock_read = 64;

}  // namespace

/// Where somebody sleeps until the device has answered.
struct DeviceThread::Answer {
    std::atomic<bool> ready{false};
    std::uint64_t value = 0;
    boost::system::error_code error;

    void give(std::uint64_t result) {
        const std::lock_guard lock(mutex);
        value = result;
        ready.store(true, std::memory_order_release);
        arrived.notify_one();
    }
    std::uint64_t take(bool spin) {
        const auto give_up = std::chrono::steady_clock::now() + spin_time;
        while (spin && !ready.load(std::memory_order_acquire) &&
               std::chrono::steady_clock::now() < give_up) {
        }
        std::unique_lock lock(mutex);  // also after a spin: give() may still hold it
        arrived.wait(lock, [this] { return ready.load(std::memory_order_relaxed); });
        return value;
    }

    std::mutex mutex;
    std::condition_variable arrived;
};

class DeviceThread::Working {
  public:
    explicit Working(DeviceThread& thread) : thread_(thread) {
        std::unique_lock lock(thread_.work_mutex_);
        thread_.work_changed_.wait(lock, [this] { return thread_.interludes_ == 0; });
        thread_.working_ = true;
    }
    Working(const Working&) = delete;
    Working& operator=(const Working&) = delete;
    ~Working() {
        const std::lock_guard lock(thread_.work_mutex_);
        thread_.working_ = false;
        if (thread_.interludes_ != 0) {
            thread_.work_changed_.notify_all();
        }
    }

  private:
    DeviceThread& thread_;
};

void detach_thread_from_host(const char* name) {
    pthread_setname_np(pthread_self(), name);
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, nullptr);
    cpu_set_t cpus;
    CPU_ZERO(&cpus);
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
        CPU_SET(cpu, &cpus);
    }
    pthread_setaffinity_np(pthread_self(), sizeof cpus, &cpus);
}

DeviceThread::DeviceThread(const LivePlatformConfig& config,
                           std::chrono::steady_clock::time_point epoch, Trace& trace, Iommu& iommu,
                           MsiSink on_message)
    : config_(config),
      trace_(trace),
      iommu_(iommu),
      on_message_(std::move(on_message)),
      epoch_(epoch),
      may_spin_(std::thread::hardware_concurrency() > 1),
      catches_up_{.may_happen = [this](Time event) {
          return event <= catching_up_to_ && wall_time() < catching_up_until_;
      }} {
    if (config_.pace == Pace::paced) {
        go_on_.may_happen = [this](Time event) { return is_due(event); };
    }
    queue_.reserve(usual_accesses);
    batch_.reserve(usual_accesses);
}

DeviceThread::~DeviceThread() {
    stop();
}

boost::system::result<void> DeviceThread::start() {
    Answer started;
    try {
        thread_ = std::thread([this, &started] { run(started); });
    } catch (const std::system_error&) {
        return Errc::no_thread;
    }
    started.take(false);
    if (started.error) {
        thread_.join();
        return started.error;
    }
    return {};
}

void DeviceThread::stop() {
    if (!thread_.joinable()) {
        return;
    }
    enqueue({Access::Kind::stop, 0, 0, nullptr});
    thread_.join();
}

Time DeviceThread::wall_time() const {
    return Time{std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now() - epoch_)};
}

void DeviceThread::enqueue(const Access& access) {
    const std::lock_guard lock(mutex_);
    if (stopped_) {
        if (access.answer != nullptr) {
            access.answer->give(0xFFFFFFFFu);
        }
        return;
    }
    queue_.push_back(access);
    has_access_.store(true, std::memory_order_release);
    if (std::exchange(asleep_, false)) {
        woken_at_ = Patience::Clock::now();
        wake_.notify_one();
    }
}

std::uint64_t DeviceThread::ask(Access::Kind kind, std::uint32_t offset, std::uint32_t value) {
    Answer answer;
    enqueue({kind, offset, value, &answer});
    return answer.take(may_spin_);
}

void DeviceThread::post_write(std::uint32_t offset, std::uint32_t value) {
    enqueue({Access::Kind::write, offset, value, nullptr});
}

std::uint32_t DeviceThread::read(std::uint32_t offset) {
    return static_cast<std::uint32_t>(ask(Access::Kind::read, offset));
}

std::uint32_t DeviceThread::peek(std::uint32_t offset) {
    return static_cast<std::uint32_t>(ask(Access::Kind::peek, offset));
}

void DeviceThread::mask_vector(std::uint32_t vector, bool masked) {
    enqueue({Access::Kind::mask, vector, masked ? 1u : 0u, nullptr});
}

void DeviceThread::reset_function() {
    ask(Access::Kind::reset, 0);
}

Time DeviceThread::device_time() {
    return time_from_ps(static_cast<std::int64_t>(ask(Access::Kind::time, 0)));
}

void DeviceThread::between_events(const std::function<void()>& action) {
    std::unique_lock lock(work_mutex_);
    ++interludes_;
    has_access_.store(true, std::memory_order_release);
    work_changed_.wait(lock, [this] { return !working_; });
    action();
    if (--interludes_ == 0) {
        work_changed_.notify_all();
    }
}

Lateness DeviceThread::lateness() const {
    const std::lock_guard lock(lateness_mutex_);
    return lateness_;
}

void DeviceThread::run(Answer& started) {
    detach_thread_from_host("ringside-chip");
    trace_.collect_here();
    prctl(PR_SET_TIMERSLACK, 1UL);  // in ns; else a paced device is 50 us late after each sleep
    auto chip = make_chip(device_of(config_), trace_, iommu_, on_message_, config_.recorder);
    if (!chip) {
        started.error = chip.error();
        started.give(0);
        return;
    }
    started.give(0);
    while (!stop_requested_) {
        {
            const std::lock_guard lock(mutex_);
            batch_.swap(queue_);
            has_access_.store(false, std::memory_order_relaxed);
        }
        serve_all(**chip);
        if (!let_events_happen(**chip)) {
            trace_.flush();
            sleep((*chip)->next_event());
        }
    }
    trace_.flush();
}

void DeviceThread::serve_all(Chip& chip) {
    if (batch_.empty()) {
        return;
    }
    const Working working(*this);
    const Time wall = wall_time();
    catching_up_until_ = wall + longest_catching_up;
    for (const Access& access : batch_) {
        serve(chip, access, wall);
    }
    batch_.clear();
}

/// `wall`: when it was taken from the queue, and no later. What has become due since then, because
/// the chip computed for the access before, comes after this one: what it does to the chip, such
/// as to arm an interrupt, would otherwise wait for all that is under way.
void DeviceThread::serve(Chip& chip, const Access& access, Time wall) {
    if (access.kind != Access::Kind::peek && access.kind != Access::Kind::time) {
        if (config_.pace == Pace::paced) {
            note_lateness(chip.next_event(), wall);
        }
        catch_up(chip, wall);
    }
    std::uint64_t value = 0;
    switch (access.kind) {
        case Access::Kind::write:
            chip.write32(access.offset, access.value);
            break;
        case Access::Kind::read:
            value = chip.read32(access.offset);
            break;
        case Access::Kind::peek:
            value = chip.peek32(access.offset);
            break;
        case Access::Kind::mask:
            chip.mask_vector(access.offset, access.value != 0);
            break;
        case Access::Kind::reset:
            chip.reset_function();
            break;
        case Access::Kind::time:
            value = static_cast<std::uint64_t>(to_ps(chip.now()));
            break;
        case Access::Kind::stop: {
            const std::lock_guard lock(mutex_);
            stop_requested_ = true;
            stopped_ = true;
            for (const Access& late : std::exchange(queue_, {})) {
                if (late.answer != nullptr) {
                    late.answer->give(0xFFFFFFFFu);
                }
            }
            break;
        }
    }
    if (access.answer != nullptr) {
        access.answer->give(value);
    }
}

/// Brings the chip to `wall`. If it is behind, since helpers compute longer than it simulates, only
/// as far as it comes in a while, and by an instant at least: else an access would wait for all
/// that is under way, and what it submits find the helpers idle. Without helpers the chip's thread
/// does all the work, and the same later.
void DeviceThread::catch_up(Chip& chip, Time wall) {
    const auto is_behind = [&] {
        const auto next = chip.next_event();
        return next && *next < wall;
    };
    if (config_.device.helpers != 0 && is_behind()) {
        catching_up_to_ = wall;
        chip.run(*chip.next_event(), Time::max(), catches_up_);
        if (is_behind()) {
            return;
        }
    }
    chip.advance_to(std::max(chip.now(), wall));
}

/// Runs events until there is none (or, paced, none whose time has come) or somebody accesses a
/// register. True: look at the queue again at once.
bool DeviceThread::let_events_happen(Chip& chip) {
    while (!has_access_.load(std::memory_order_acquire)) {
        const auto next = chip.next_event();
        if (!next) {
            trace_.flush();
            return patience_.look([this] { return has_access_.load(std::memory_order_acquire); });
        }
        if (config_.pace == Pace::paced) {
            if (*next > wall_time() + spin_time) {
                return false;
            }
            trace_.flush();
            if (spin_for_access(epoch_ + std::chrono::ceil<std::chrono::steady_clock::duration>(
                                             next->time_since_epoch()))) {
                return true;
            }
            const Time wall = wall_time();
            if (*next > wall) {  // may not spin
                return false;
            }
            note_lateness(next, wall);
        }
        const Working working(*this);
        chip.run(*next, Time::max(), go_on_);
    }
    return true;
}

/// Paced, whether the chip goes on with it.
bool DeviceThread::is_due(Time event) {
    const Time wall = wall_time();
    if (event > wall) {
        return false;
    }
    note_lateness(event, wall);
    return true;
}

/// Paced, the next event should have happened at its own wall time.
void DeviceThread::note_lateness(std::optional<Time> next, Time wall) {
    if (!next || *next > wall) {
        return;
    }
    const std::lock_guard lock(lateness_mutex_);
    const Duration late = wall - *next;
    ++lateness_.events;
    lateness_.total += late;
    lateness_.worst = std::max(lateness_.worst, late);
}

/// True: there is an access. False: none until `give_up`, or we may not look.
bool DeviceThread::spin_for_access(std::chrono::steady_clock::time_point give_up) {
    if (!may_spin_) {
        return false;
    }
    do {
        for (int look = 0; look < looks_per_clock_read; ++look) {
            if (has_access_.load(std::memory_order_acquire)) {
                return true;
            }
            relax();
        }
    } while (std::chrono::steady_clock::now() < give_up);
    return false;
}

void DeviceThread::sleep(std::optional<Time> until) {
    std::unique_lock lock(mutex_);
    asleep_ = queue_.empty() && !stop_requested_;
    const auto woken = [this] { return !asleep_; };
    if (until) {
        const auto deadline = epoch_ + std::chrono::ceil<std::chrono::steady_clock::duration>(
                                           until->time_since_epoch());
        wake_.wait_until(lock, deadline, woken);
    } else {
        const auto since = Patience::Clock::now();
        wake_.wait(lock, woken);
        patience_.waited(woken_at_ - since);
    }
    asleep_ = false;
}

}  // namespace ringside::sim
