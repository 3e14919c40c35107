// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// The chip as a queueing system: where arrivals or services are random, what it measures is what
// queueing theory says (Kleinrock, "Queueing Systems", vol. 1). A result passes if it is within
// its tolerance, or theory within the 95 % interval of its batch means.

#include <array>
#include <cmath>
#include <ostream>
#include <vector>

#include "ringside/base/prng.hpp"
#include "timing_bench.hpp"

namespace ringside::testing {
namespace {

using namespace std::chrono_literals;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr int share = 4;  // of the operations
#else
constexpr int share = 1;
#endif

/// An estimate by batch means: a long run cut into batches, whose means are all but independent.
class BatchMeans {
  public:
    explicit BatchMeans(std::size_t expected)
        : batch_size_(std::max<std::size_t>(expected / batches, 1)) {}

    void add(double value) {
        sum_ += value;
        if (++in_batch_ == batch_size_) {
            means_.push_back(sum_ / static_cast<double>(batch_size_));
            sum_ = 0;
            in_batch_ = 0;
        }
    }
    double mean() const {
        double sum = 0;
        for (const double mean : means_) {
            sum += mean;
        }
        return sum / static_cast<double>(means_.size());
    }
    /// Half the width of the 95 % interval.
    double half_width() const {
        double squares = 0;
        for (const double batch_mean : means_) {
            squares += (batch_mean - mean()) * (batch_mean - mean());
        }
        const auto count = static_cast<double>(means_.size());
        return student_t * std::sqrt(squares / (count - 1) / count);
    }

  private:
    static constexpr std::size_t batches = 30;
    static constexpr double student_t = 2.045;  ///< 0.975, 29 degrees of freedom

    std::size_t batch_size_;
    std::size_t in_batch_ = 0;
    double sum_ = 0;
    std::vector<double> means_;
};

void expect_theory(const BatchMeans& measured, double theory, double tolerance) {
    EXPECT_NEAR(measured.mean(), theory, std::max(tolerance * theory, measured.half_width()))
        << "tolerance " << tolerance * theory << ", 95 % interval " << measured.half_width();
    EXPECT_LT(measured.half_width(), 0.15 * theory) << "the run is too short to say anything";
}

/// The same numbers in every run, whatever its seed: by its nature one run in twenty misses a 95 %
/// interval.
constexpr std::uint64_t fixed_seed = 1;

/// Exponentially distributed.
class Exponential {
  public:
    Exponential(std::string_view domain, double mean) : prng_(fixed_seed, domain), mean_(mean) {}
    double operator()() {
        constexpr double steps = 1ull << 53;
        return -mean_ * std::log1p(-static_cast<double>(prng_() >> 11) / steps);
    }
    Duration time() { return Duration(std::llround((*this)())); }

  private:
    Prng prng_;
    double mean_;
};

/// Nothing but slices takes any time.
core::DeviceConfig only_slices(std::uint32_t slices) {
    core::DeviceConfig config;
    config.doorbell = config.fetch = config.dma_read = config.dma_write = Duration(0);
    config.link_per_byte = config.completion = Duration(0);
    config.slices = slices;
    config.fetch_batch = 4096;
    return config;
}

/// A chip with random arrivals at its I/O queue, whose operations all use the same two buffers.
class OpenSystem : public Bench {
  public:
    OpenSystem(const core::DeviceConfig& config, std::uint32_t entries, std::uint32_t queues = 1)
        : Bench(config) {
        enable_queue(0, 16);
        for (std::uint32_t queue = 1; queue <= queues; ++queue) {
            enable_queue(queue, entries);
        }
        const std::array<std::byte, 16> key{};
        entry_ = nop(0);
        entry_.opcode = static_cast<std::uint8_t>(spec::Opcode::cipher);
        entry_.session = create_session(spec::Algorithm::aes_gcm, key);
        entry_.src = memory.allocate(longest);
        entry_.dst = memory.allocate(longest);
        entry_.dst_len = longest;
        entry_.iv_len = 12;
        entry_.tag_len = 16;
        memory.accesses.shrink_to_fit();
    }

    static constexpr std::uint32_t longest = 1 << 14;

    /// Everything that is due up to `end`, then it is `end`. Completions are taken as they come.
    template <typename OnCompletion>
    void run_to(Time end, OnCompletion&& on_completion) {
        while (device.next_event() && *device.next_event() <= end) {
            now = *device.next_event();
            device.advance(now);
            for (auto& [queue, ring] : rings) {
                for (const auto& entry : reap(queue)) {
                    on_completion(queue, entry);
                }
            }
            memory.accesses.clear();
        }
        now = end;
    }
    void arrive(std::uint32_t queue, std::uint32_t source_bytes, std::uint16_t cid) {
        entry_.src_len = source_bytes;
        entry_.cid = cid;
        push(queue, entry_);
        ring(queue);
    }
    std::uint32_t in_flight(std::uint32_t queue) { return read(spec::at("INFLIGHT").of(queue)); }

  private:
    spec::SubmissionEntry entry_;
};

/// Random arrivals at one queue pair, and how long each operation waited for a slice.
template <typename NextLength>
void measure_waits(OpenSystem& system, const core::DeviceConfig& config, double mean_gap_ps,
                   std::size_t operations, NextLength&& next_length, BatchMeans& waits,
                   BatchMeans& waited) {
    struct Arrival {
        Time time;
        Duration service;
    };
    std::vector<Arrival> arrivals(1 << 16);
    Exponential gap("gap", mean_gap_ps);
    const auto on_completion = [&](std::uint32_t, const spec::CompletionEntry& entry) {
        const Arrival& arrival = arrivals[entry.cid];
        const Duration wait = system.now - arrival.time - arrival.service;
        waits.add(static_cast<double>(wait.count()));
        waited.add(wait > Duration(0) ? 1 : 0);
    };
    Time next = system.now;
    for (std::size_t i = 0; i < operations; ++i) {
        next += gap.time();
        system.run_to(next, on_completion);
        const std::uint32_t length = next_length();
        const auto cid = static_cast<std::uint16_t>(i);
        arrivals[cid] = {next, slice_time(config, gcm, length)};
        system.arrive(1, length, cid);
    }
    system.run_to(next + 1s, on_completion);
}

// ---- one slice, fixed service time ----

struct Load {
    double load;
    double tolerance;
};

std::ostream& operator<<(std::ostream& out, const Load& load) {
    return out << "load " << load.load;
}

class MD1 : public ::testing::TestWithParam<Load> {};

// Pollaczek and Khinchine: W = r D / 2 (1 - r).
TEST_P(MD1, WaitsAsPollaczekAndKhinchineSay) {
    constexpr std::size_t operations = 1'000'000 / share;
    auto config = only_slices(1);
    config.service.aes_gcm = {Duration(1'000'000), Duration(0)};
    OpenSystem system(config, 4096);
    const auto service = static_cast<double>(config.service.aes_gcm.fixed.count());
    const double load = GetParam().load;
    BatchMeans waits(operations);
    BatchMeans waited(operations);
    measure_waits(
        system, config, service / load, operations, [] { return 0u; }, waits, waited);
    expect_theory(waits, load * service / (2 * (1 - load)), GetParam().tolerance);
    expect_theory(waited, load, GetParam().tolerance);
}

INSTANTIATE_TEST_SUITE_P(Loads, MD1, ::testing::Values(Load{0.5, 0.01}, Load{0.8, 0.02}));

// ---- several slices, random service time ----

double erlang_c(unsigned servers, double offered) {
    double term = 1;  // offered^k / k!
    double sum = 0;
    for (unsigned k = 0; k < servers; ++k) {
        sum += term;
        term *= offered / (k + 1);
    }
    const double all_busy = term * servers / (servers - offered);
    return all_busy / (sum + all_busy);
}

/// Service times are exponential because lengths are.
class ExponentialLength {
  public:
    explicit ExponentialLength(double mean) : length_("length", mean) {}
    std::uint32_t operator()() {
        return static_cast<std::uint32_t>(
            std::min<std::int64_t>(std::llround(length_()), OpenSystem::longest - 16));
    }

  private:
    Exponential length_;
};

constexpr double mean_length = 256;

core::DeviceConfig by_length(std::uint32_t slices) {
    auto config = only_slices(slices);
    config.service.aes_gcm = {Duration(0), Duration(4000)};
    return config;
}
constexpr double mean_service_ps = mean_length * 4000;

class MMc : public ::testing::TestWithParam<std::uint32_t> {};

TEST_P(MMc, WaitsAsErlangSays) {
    constexpr std::size_t operations = 600'000 / share;
    constexpr double load = 0.8;
    const std::uint32_t slices = GetParam();
    const auto config = by_length(slices);
    OpenSystem system(config, 4096);
    BatchMeans waits(operations);
    BatchMeans waited(operations);
    measure_waits(system, config, mean_service_ps / (load * slices), operations,
                  ExponentialLength(mean_length), waits, waited);
    const double probability = erlang_c(slices, load * slices);
    expect_theory(waited, probability, 0.02);
    expect_theory(waits, probability * mean_service_ps / (slices * (1 - load)), 0.02);
}

INSTANTIATE_TEST_SUITE_P(Slices, MMc, ::testing::Values(1, 2, 5));

// ---- a full ring ----

class FullRing : public ::testing::TestWithParam<std::uint32_t> {};

// M/M/1/K, K being the ring's size less one: (1 - r) r^K / (1 - r^(K + 1)) of the arrivals find it
// full.
TEST_P(FullRing, IsMetAsOftenAsTheLossFormulaSays) {
    constexpr std::size_t arrivals = 600'000 / share;
    constexpr double load = 0.9;
    const std::uint32_t capacity = GetParam() - 1;
    const auto config = by_length(1);
    OpenSystem system(config, GetParam());
    Exponential gap("gap", mean_service_ps / load);
    ExponentialLength length(mean_length);
    BatchMeans refused(arrivals);
    std::uint64_t completed = 0;
    std::uint64_t accepted = 0;
    const auto count = [&](std::uint32_t, const spec::CompletionEntry&) { ++completed; };
    Time next = system.now;
    for (std::size_t i = 0; i < arrivals; ++i) {
        next += gap.time();
        system.run_to(next, count);
        const bool full = system.in_flight(1) == capacity;
        refused.add(full ? 1 : 0);
        if (!full) {
            system.arrive(1, length(), static_cast<std::uint16_t>(i));
            ++accepted;
        }
    }
    system.run_to(next + 1s, count);
    EXPECT_EQ(completed, accepted);
    EXPECT_FALSE(system.has_error(spec::ErrorSource::bad_doorbell));
    EXPECT_FALSE(system.has_error(spec::ErrorSource::cq_overrun));
    const double at_capacity = std::pow(load, capacity);
    expect_theory(refused, (1 - load) * at_capacity / (1 - at_capacity * load), 0.02);
}

INSTANTIATE_TEST_SUITE_P(Entries, FullRing, ::testing::Values(2, 8, 16));

// ---- a closed loop ----

struct Loop {
    std::uint32_t slices;
    std::uint32_t jobs;
    std::uint32_t entries;
};

std::ostream& operator<<(std::ostream& out, const Loop& loop) {
    return out << loop.slices << " slices, " << loop.jobs << " jobs, ring of " << loop.entries;
}

class ClosedSystem : public ::testing::TestWithParam<Loop> {};

// N jobs that each submit again when they are served, over K credits: X = min(min(N, K) / (D + L),
// c / D), D being the slice's time and L all the rest.
TEST_P(ClosedSystem, IsHeldByItsJobsItsCreditsOrItsSlices) {
    auto config = odd_config();
    config.slices = GetParam().slices;
    config.service.aes_gcm.fixed = Duration(9'000'011);
    config.fetch = Duration(20'011);
    OpenSystem system(config, GetParam().entries);
    const std::uint32_t credits = std::min(GetParam().jobs, GetParam().entries - 1);
    const Duration service = slice_time(config, gcm, 64);
    const Duration rest = lone_latency(config, gcm, 64, 80) - service;
    const double expected = std::min(credits / static_cast<double>((service + rest).count()),
                                     GetParam().slices / static_cast<double>(service.count()));
    std::uint32_t submitted = 0;
    std::uint32_t completed = 0;
    Time from{};
    constexpr std::uint32_t warm_up = 200;
    constexpr std::uint32_t counted = 20'000;
    for (; submitted < credits; ++submitted) {
        system.arrive(1, 64, 0);
    }
    Time to{};
    const auto resubmit = [&](std::uint32_t, const spec::CompletionEntry&) {
        ++completed;
        from = completed == warm_up ? system.now : from;
        to = completed == warm_up + counted ? system.now : to;
        if (submitted < warm_up + counted + credits) {
            ++submitted;
            system.arrive(1, 64, 0);
        }
    };
    system.run_to(system.now + 1s, resubmit);
    const double throughput = counted / static_cast<double>((to - from).count());
    EXPECT_NEAR(throughput, expected, 0.001 * expected);
}

INSTANTIATE_TEST_SUITE_P(Loops, ClosedSystem,
                         ::testing::Values(Loop{1, 1, 64}, Loop{1, 2, 64}, Loop{1, 50, 64},
                                           Loop{2, 2, 64}, Loop{2, 50, 64}, Loop{4, 3, 64},
                                           Loop{4, 50, 4}, Loop{4, 50, 64}, Loop{16, 8, 8},
                                           Loop{16, 100, 64}));

// ---- Little ----

// L = X W: what is in flight, by the queue pairs' registers, is what the chip counts as completed
// in a time, by what its completion entries say of latency.
TEST(Little, HoldsBetweenRegistersCountersAndCompletions) {
    constexpr std::size_t operations = 60'000 / share;
    constexpr std::uint32_t queues = 4;
    auto config = odd_config();
    config.packet_overhead = 24;
    OpenSystem system(config, 256, queues);
    Exponential gap("gap", 900'000);
    ExponentialLength length(2 * mean_length);
    Prng choice(fixed_seed, "queue");
    double area = 0;
    double latencies_ns = 0;
    Time looked = system.now;
    const Time start = system.now;
    std::uint32_t in_flight = 0;
    const auto look = [&] {
        area += static_cast<double>(in_flight) * static_cast<double>((system.now - looked).count());
        looked = system.now;
        in_flight = 0;
        for (std::uint32_t queue = 1; queue <= queues; ++queue) {
            in_flight += system.in_flight(queue);
        }
    };
    const auto on_completion = [&](std::uint32_t, const spec::CompletionEntry& entry) {
        latencies_ns += entry.latency_ns + 0.5;  // it is rounded down
        look();
    };
    Time next = system.now;
    for (std::size_t i = 0; i < operations; ++i) {
        next += gap.time();
        system.run_to(next, on_completion);
        const auto queue = static_cast<std::uint32_t>(choice.between(1, queues));
        if (system.in_flight(queue) < 255) {
            system.arrive(queue, length(), 0);
            look();
        }
    }
    system.run_to(next + 1ms, on_completion);
    const auto elapsed = static_cast<double>((looked - start).count());
    double completed = 0;
    for (std::uint32_t queue = 1; queue <= queues; ++queue) {
        completed += static_cast<double>(system.read64(spec::at("Q_COMPLETED").of(queue)));
    }
    const double mean_in_flight = area / elapsed;
    const double throughput = completed / elapsed;
    const double mean_latency = 1000 * latencies_ns / completed;
    EXPECT_GT(mean_in_flight, 2) << "operations overlap";
    EXPECT_NEAR(mean_in_flight, throughput * mean_latency, 0.001 * mean_in_flight);
}

}  // namespace
}  // namespace ringside::testing
