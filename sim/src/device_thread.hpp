// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// The device of live time: the one thread that touches the simulation kernel. Others hand it
// register accesses through a queue, in order; between them it lets simulated events happen, and
// sleeps when there are none.

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "patience.hpp"
#include "ringside/base/spinning_mutex.hpp"
#include "ringside/sim/iommu.hpp"
#include "ringside/sim/kernel.hpp"
#include "ringside/sim/live_platform.hpp"

namespace ringside::sim {

class DeviceThread {
  public:
    /// `epoch` is the instant zero of platform time. Nothing runs before start().
    DeviceThread(const LivePlatformConfig& config, std::chrono::steady_clock::time_point epoch,
                 Trace& trace, Iommu& iommu, MsiSink on_message);
    ~DeviceThread();
    DeviceThread(const DeviceThread&) = delete;
    DeviceThread& operator=(const DeviceThread&) = delete;

    /// Builds the kernel on the new thread and returns once it stands, or why it does not.
    boost::system::result<void> start();
    /// Executes what is queued and ends the thread. Idempotent.
    void stop();

    /// Returns before the device has seen it.
    void post_write(std::uint32_t offset, std::uint32_t value);
    /// Returns the device's answer, after everything queued before; all ones once stopped.
    std::uint32_t read(std::uint32_t offset);
    std::uint32_t peek(std::uint32_t offset);
    void mask_vector(std::uint32_t vector, bool masked);
    /// Returns when it is done.
    void reset_function();
    Time device_time();
    /// Calls `action` while the chip does nothing, here; not on the device's thread.
    void between_events(const std::function<void()>& action);
    Lateness lateness() const;

    /// Wall time since the epoch; what the environment calls now().
    Time wall_time() const;

  private:
    /// A register access on its way: posted, or waited for by somebody on whose stack `answer`
    /// lies.
    struct Answer;
    struct Access {
        enum class Kind : std::uint8_t { write, read, peek, mask, reset, time, stop } kind;
        std::uint32_t offset;
        std::uint32_t value;
        Answer* answer;
    };

    /// While one lives, the chip works.
    class Working;

    void run(Answer& started);
    void serve_all(Chip& chip);
    void serve(Chip& chip, const Access& access, Time wall);
    void catch_up(Chip& chip, Time wall);
    bool let_events_happen(Chip& chip);
    bool is_due(Time event);
    void note_lateness(std::optional<Time> next, Time wall);
    void enqueue(const Access& access);
    std::uint64_t ask(Access::Kind kind, std::uint32_t offset, std::uint32_t value = 0);
    bool spin_for_access(std::chrono::steady_clock::time_point give_up);
    void sleep(std::optional<Time> until);

    LivePlatformConfig config_;
    Trace& trace_;
    Iommu& iommu_;
    MsiSink on_message_;
    const std::chrono::steady_clock::time_point epoch_;
    /// Whether looking around is better than sleeping: not on one CPU, where it keeps the others
    /// from running.
    const bool may_spin_;

    mutable SpinningMutex mutex_;
    std::condition_variable_any wake_;
    /// For so many there is room from the start: a register is written where nothing may fail.
    static constexpr std::size_t usual_accesses = 1024;
    std::vector<Access> queue_;               ///< guarded by mutex_
    bool asleep_ = false;                     ///< guarded by mutex_
    Patience::Clock::time_point woken_at_{};  ///< likewise: when there last was work for a sleeper
    bool stopped_ = false;                    ///< guarded by mutex_: nothing more is taken
    /// Or somebody waits for the chip to do nothing: the chip stops.
    alignas(64) std::atomic<bool> has_access_{false};

    alignas(64) std::mutex work_mutex_;
    std::condition_variable work_changed_;
    bool working_ = false;          ///< guarded by work_mutex_
    std::uint32_t interludes_ = 0;  ///< guarded by work_mutex_: between_events() under way

    mutable SpinningMutex lateness_mutex_;
    Lateness lateness_;  ///< guarded by lateness_mutex_

    // the device's thread only
    Chip::GoOn go_on_{.unless = &has_access_};
    const Chip::GoOn catches_up_;
    Time catching_up_to_{};
    Time catching_up_until_{};  ///< for all accesses of a batch
    Patience patience_{1};      // who uses the device
    std::vector<Access> batch_;
    bool stop_requested_ = false;
    std::thread thread_;
};

/// Blocks all signals for the calling thread and returns its affinity to all CPUs: a client that
/// pinned itself or expects signals must not find ours in its way. `name`, of at most 15
/// characters, is what ps and a debugger show.
void detach_thread_from_host(const char* name);

}  // namespace ringside::sim
