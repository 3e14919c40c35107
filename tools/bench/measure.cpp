// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "measure.hpp"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/post.hpp>
#include <chrono>
#include <ctime>
#include <deque>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "ringside/base/prng.hpp"
#include "ringside/driver/queued_submit.hpp"
#include "ringside/sim/live_platform.hpp"
#include "ringside/sim/virtual_platform.hpp"

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

namespace ringside::tools::bench {
namespace {

/// Memory is touched for the first time, and caches fill, before anything is measured.
constexpr std::uint64_t warm_up_rounds = 4;

constexpr std::uint32_t poll_batch = 32;
/// Virtual time passes only when nobody runs: who polls in it looks this often.
constexpr Duration virtual_poll_interval = std::chrono::microseconds(1);

template <typename Value>
Value value_or_throw(boost::system::result<Value>&& result, const char* what) {
    if (!result) {
        throw std::runtime_error(std::string(what) + ": " + result.error().message());
    }
    return std::move(*result);
}

std::uint64_t time_stamp() {
#if defined(__x86_64__)
    return __rdtsc();
#else
    return static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
#endif
}

std::int64_t thread_cpu_ns() {
    timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

std::vector<std::byte> make_key(const Algorithm& algorithm, std::uint64_t seed) {
    std::vector<std::byte> key(algorithm.key_size);
    Prng(seed, "keys").fill(key);
    return key;
}

std::unique_ptr<sim::Platform> make_platform(const Settings& settings) {
    core::DeviceConfig device = settings.chip->config();
    device.helpers = settings.helpers;
    if (settings.time == TimeKind::live) {
        sim::LivePlatformConfig config;
        config.device = device;
        config.seed = settings.seed;
        return value_or_throw(sim::LivePlatform::create(config), "the live platform");
    }
    sim::VirtualPlatformConfig config;
    config.device = device;
    config.seed = settings.seed;
    config.interleaving = sim::Interleaving::cooperative;  // latencies are the chip's alone
    return value_or_throw(sim::VirtualPlatform::create(config), "the virtual platform");
}

driver::DeviceConfig driver_config(const Settings& settings, const Point& point) {
    driver::DeviceConfig config;
    config.io_queue_pairs = point.queue_pairs;
    config.ring_entries = point.ring_size;
    config.completion_mode = settings.completions;
    config.moderation_count = settings.moderation_count;
    config.moderation_us = settings.moderation_count > 1 ? settings.moderation_us : 0;
    return config;
}

std::uint32_t create_session(driver::Device& device, const Algorithm& algorithm,
                             std::span<const std::byte> key) {
    const driver::SessionSpec session{
        .algorithm = algorithm.algorithm, .key = key, .hash = algorithm.hash};
    auto parameters = value_or_throw(device.dma().allocate(session.size()), "DMA memory");
    driver::write_session_parameters(parameters.bytes(), session);
    const auto completion =
        driver::submit_and_wait(device.admin(), device.environment(),
                                driver::session_create(parameters.iova(), session.size()));
    if (completion.status) {
        throw std::runtime_error("creating a session: " + completion.status.message());
    }
    return completion.result;
}

std::int64_t resident_kib() {
    std::ifstream file("/proc/self/statm");
    std::int64_t total = 0;
    std::int64_t resident = 0;
    file >> total >> resident;
    return resident * sysconf(_SC_PAGESIZE) / 1024;
}

/// All queue pairs of one device under load.
class Load {
  public:
    Load(sim::Platform& platform, driver::Device& device, const Settings& settings,
         const Point& point)
        : platform_(platform),
          settings_(settings),
          device_(device),
          parker_(platform.environment().make_parker()) {
        const auto key = make_key(*point.algorithm, settings.seed);
        Traffic::Work work{point, create_session(device, *point.algorithm, key), settings.memory,
                           settings.seed, nullptr};
        for (std::uint32_t i = 0; i < point.queue_pairs; ++i) {
            if (settings.test == PerfTest::verify) {
                work.reference = &references_.emplace_back(*point.algorithm, key);
            }
            queue_pairs_.emplace_back(device, i, work, [this] {
                if (--running_ == 0) {
                    parker_->unpark();
                }
            });
        }
    }

    std::int64_t driver_cpu_ns() const { return driver_cpu_ns_; }

    /// Divided among the queue pairs, at least one for each.
    void run(std::uint64_t operations) {
        const std::uint64_t count = queue_pairs_.size();
        running_ = static_cast<std::uint32_t>(count);
        driver_cpu_ns_ = 0;
        if (settings_.completions == driver::CompletionMode::poll) {
            poll_all(operations);
        } else {
            boost::asio::post(platform_.environment().interrupt_executor(),
                              [this, operations] { start_all(operations); });
        }
        parker_->park();
        for (const Traffic& traffic : queue_pairs_) {
            if (traffic.refusal()) {
                throw std::runtime_error("submitting: " + traffic.refusal().message());
            }
        }
    }

    void fill(Result& result) const {
        for (const Traffic& traffic : queue_pairs_) {
            const TrafficCounters& counters = traffic.counters();
            result.counters.enqueued += counters.enqueued;
            result.counters.dequeued += counters.dequeued;
            result.counters.failed_enq += counters.failed_enq;
            result.counters.failed_deq += counters.failed_deq;
            result.counters.wrong += counters.wrong;
            result.latencies.add(traffic.latencies());
        }
    }

  private:
    std::uint64_t share(std::uint64_t operations, std::size_t index) const {
        const std::uint64_t count = queue_pairs_.size();
        return std::max<std::uint64_t>((operations + count - 1 - index) / count, 1);
    }
    void start_all(std::uint64_t operations) {
        for (std::size_t i = 0; i < queue_pairs_.size(); ++i) {
            queue_pairs_[i].start(share(operations, i));
        }
    }

    /// Live, each queue pair has a thread of its own.
    void poll_all(std::uint64_t operations) {
        if (settings_.time == TimeKind::virtual_time) {
            start_all(operations);
            while (running_ != 0) {
                if (!poll_each()) {
                    sim::sleep_for(platform_.environment(), virtual_poll_interval);
                }
            }
            return;
        }
        std::vector<std::jthread> threads;
        for (std::size_t i = 0; i < queue_pairs_.size(); ++i) {
            threads.emplace_back([this, i, mine = share(operations, i)] {
                driver::QueuePair& queue = device_.queue_pair(static_cast<std::uint32_t>(i));
                std::int64_t since = thread_cpu_ns();
                queue_pairs_[i].start(mine);
                while (!queue_pairs_[i].has_ended()) {
                    const bool found = queue.poll(poll_batch) != 0;
                    const std::int64_t now = thread_cpu_ns();
                    driver_cpu_ns_ += found ? now - since : 0;
                    since = now;
                }
            });
        }
    }
    bool poll_each() {
        std::uint32_t found = 0;
        for (std::uint32_t i = 0; i < queue_pairs_.size(); ++i) {
            found += device_.queue_pair(i).poll(poll_batch);
        }
        return found != 0;
    }

    sim::Platform& platform_;
    const Settings& settings_;
    driver::Device& device_;
    std::deque<LibcryptoLoop> references_;  ///< a queue pair may have a thread of its own
    std::unique_ptr<driver::Parker> parker_;
    std::deque<Traffic> queue_pairs_;
    std::atomic<std::uint32_t> running_{0};
    std::atomic<std::int64_t> driver_cpu_ns_{0};
};

}  // namespace

Result measure(const Settings& settings, const Point& point) {
    const auto platform = make_platform(settings);
    const auto device =
        value_or_throw(driver::Device::open(platform->link(), platform->environment(),
                                            driver_config(settings, point)),
                       "opening the device");
    Result result;
    result.point = point;
    {
        Load load(*platform, *device, settings, point);
        load.run(warm_up_rounds * point.depth * point.queue_pairs);
        const std::int64_t resident_before = resident_kib();
        const auto interrupts = device->read_statistics().msix_messages;
        const Time start = platform->device_time();
        const auto wall_start = std::chrono::steady_clock::now();
        const std::int64_t cpu_start = thread_cpu_ns();
        const std::uint64_t cycles_start = time_stamp();
        load.run(settings.operations);
        result.cycles = time_stamp() - cycles_start;
        result.wall_ns =
            std::chrono::nanoseconds(std::chrono::steady_clock::now() - wall_start).count();
        result.cpu_ns = thread_cpu_ns() - cpu_start;
        result.simulated = platform->device_time() - start;
        result.interrupts = device->read_statistics().msix_messages - interrupts;
        result.driver_cpu_ns = load.driver_cpu_ns();
        result.grown_kib = resident_kib() - resident_before;
        load.fill(result);
    }
    device->close();
    result.trace_hash = platform->environment().trace().hash();
    return result;
}

double measure_libcrypto(const Point& point, std::uint64_t operations, std::uint64_t seed) {
    const Algorithm& algorithm = *point.algorithm;
    LibcryptoLoop loop(algorithm, make_key(algorithm, seed));
    const std::size_t output = output_size(algorithm, point.buffer_size);
    // As much memory as the device has under way.
    const std::size_t buffers = std::size_t{point.depth} * point.queue_pairs;
    std::vector<std::byte> payload(buffers * point.buffer_size);
    std::vector<std::byte> result(buffers * output);
    Prng(seed, "payload").fill(payload);
    spec::SubmissionEntry request = make_request(algorithm, 0, {});
    const auto run = [&](std::uint64_t count) {
        for (std::uint64_t i = 0; i < count; ++i) {
            const std::size_t which = i % buffers;
            set_iv(request, 0, i);
            if (!loop.compute(
                    request,
                    std::span(payload).subspan(which * point.buffer_size, point.buffer_size),
                    std::span(result).subspan(which * output, output))) {
                throw std::runtime_error("libcrypto failed");
            }
        }
    };
    run(warm_up_rounds * buffers);
    const std::int64_t start = thread_cpu_ns();
    run(operations);
    return static_cast<double>(thread_cpu_ns() - start) / static_cast<double>(operations);
}

}  // namespace ringside::tools::bench
