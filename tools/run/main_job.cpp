// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "main_job.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <system_error>
#include <vector>

#include "async_library.hpp"
#include "job_loop.hpp"
#include "plan.hpp"
#include "ringside/driver/device.hpp"
#include "ringside/offload/cipher_session.hpp"
#include "ringside/offload/offload.hpp"
#include "ringside/sim/fault_plan.hpp"
#include "ringside/sim/live_platform.hpp"
#include "ringside/sim/trace_file.hpp"
#include "ringside/sim/virtual_platform.hpp"

namespace ringside::tools {
namespace {

template <typename Value>
Value value_or_throw(boost::system::result<Value>&& result, const char* what) {
    if (!result) {
        throw std::runtime_error(std::string(what) + ": " + result.error().message());
    }
    return std::move(*result);
}

core::DeviceConfig device_config(const RunOptions& options) {
    core::DeviceConfig config = options.chip->config();
    config.faults = options.faults;
    return config;
}

std::unique_ptr<sim::Platform> make_platform(const RunOptions& options,
                                             recording::Recorder* recorder,
                                             recording::Player* player) {
    if (options.time == TimeKind::virtual_time) {
        sim::VirtualPlatformConfig config;
        config.seed = options.seed;
        config.device = device_config(options);
        config.recorder = recorder;
        config.player = player;
        return value_or_throw(sim::VirtualPlatform::create(config), "the virtual platform");
    }
    sim::LivePlatformConfig config;
    config.seed = options.seed;
    config.device = device_config(options);
    config.recorder = recorder;
    return value_or_throw(sim::LivePlatform::create(config), "the live platform");
}

/// Tells a file from another version of it.
std::string fingerprint(const std::vector<std::byte>& file) {
    return fmt::format("{} bytes, {:016x}", file.size(), digest_of(file));
}

/// Everything goes into the recording: key, IVs and sizes come from the seed, the data from a file.
std::unique_ptr<recording::Recorder> make_recorder(const RunOptions& options,
                                                   const std::vector<std::byte>& file) {
    if (options.record.empty()) {
        return nullptr;
    }
    recording::Info info;
    info.contents = recording::Contents::full;
    info.time = options.time == TimeKind::live ? recording::TimeKind::live
                                               : recording::TimeKind::virtual_time;
    info.seed = options.seed;
    info.metadata = {
        {"command", "ringside run"},
        {"keys", "from the seed"},
        {"notify", options.notify == Notify::fd ? "fd" : "callback"},
        {"file", std::filesystem::absolute(options.file).string()},
        {"fingerprint", fingerprint(file)},
        {"chip", std::string(options.chip->name)},
        {"faults", options.fault_plan},
        {"ring_size", std::to_string(options.ring_size)},
        {"jobs", std::to_string(options.jobs)},
    };
    return value_or_throw(recording::Recorder::create(options.record, info),
                          options.record.c_str());
}

void finish(recording::Recorder* recorder, const RunOptions& options) {
    if (recorder == nullptr) {
        return;
    }
    if (const auto failure = recorder->finish()) {
        throw std::runtime_error(options.record + ": " + failure.message());
    }
}

/// The file on its way through the device.
class Passage {
  public:
    Passage(const std::vector<std::byte>& file, const Plan& plan, offload::CipherSession& session)
        : file_(file),
          plan_(plan),
          session_(session),
          ciphertext_(plan.records.size()),
          decrypted_(file.size()) {}

    bool encrypt(std::size_t index) {
        const Record& record = plan_.records[index];
        auto& out = ciphertext_[index];
        out.resize(record.length + tag_size);
        const auto payload = std::span(out).first(record.length);
        const auto tag = std::span(out).last(tag_size);
        return session_
            .seal(record.nonce, record.aad, std::span(file_).subspan(record.offset, record.length),
                  payload, tag)
            .has_value();
    }

    bool decrypt(std::size_t index) {
        const Record& record = plan_.records[index];
        const auto& in = ciphertext_[index];
        return session_
            .open(record.nonce, record.aad, std::span(in).first(record.length),
                  std::span(decrypted_).subspan(record.offset, record.length),
                  std::span(in).last(tag_size))
            .has_value();
    }

    bool verify() const {
        for (std::size_t i = 0; i < plan_.records.size(); ++i) {
            const Record& record = plan_.records[i];
            const auto plaintext = std::span(file_).subspan(record.offset, record.length);
            if (ciphertext_[i] != encrypt_with_libcrypto(plan_, record, plaintext)) {
                return false;
            }
        }
        return decrypted_ == file_;
    }

  private:
    const std::vector<std::byte>& file_;
    const Plan& plan_;
    offload::CipherSession& session_;
    std::vector<std::vector<std::byte>> ciphertext_;
    std::vector<std::byte> decrypted_;
};

/// Doorbell to completion, of every data operation.
class Latencies {
  public:
    void add(Duration latency) { all_.push_back(latency); }
    /// In nanoseconds; `share` from 0 to 1.
    std::int64_t percentile(double share) {
        if (all_.empty()) {
            return 0;
        }
        const auto rank = static_cast<std::ptrdiff_t>(share * static_cast<double>(all_.size() - 1));
        std::nth_element(all_.begin(), all_.begin() + rank, all_.end());
        return to_ns(all_[static_cast<std::size_t>(rank)]);
    }

  private:
    std::vector<Duration> all_;
};

void fill_from_device(RunReport& report, driver::Device& device) {
    const auto statistics = device.read_statistics();
    const auto counters = device.queue_pair(0).counters();
    report.operations = counters.ok + counters.failed;
    report.eagain = counters.eagain;
    report.interrupts = statistics.msix_messages;
}

/// The rules stand in their slots in the order of the plan.
std::vector<FaultReport> faults_of(sim::Platform& platform,
                                   const std::vector<core::FaultRule>& rules) {
    const bool answers = platform.peek32(spec::at("ID").of()) == spec::device_id;
    std::vector<FaultReport> reports;
    for (std::uint32_t slot = 0; slot < rules.size(); ++slot) {
        const auto count = [&](spec::Address address) {
            return answers ? std::optional(platform.peek32(address.of(slot))) : std::nullopt;
        };
        reports.push_back({sim::to_text(rules[slot]), count(spec::at("FI_MATCHED")),
                           count(spec::at("FI_FIRED"))});
    }
    return reports;
}

void open_traces(sim::TraceFiles& files, const RunOptions& options) {
    const auto open = [&](const std::string& path, sim::TraceFormat format) {
        if (!path.empty() && !files.open(path, format, options.vcd_signals)) {
            throw std::system_error(errno, std::generic_category(), path);
        }
    };
    open(options.trace, sim::TraceFormat::chrome);
    open(options.vcd, sim::TraceFormat::vcd);
}

/// All of it but the recording.
RunReport run_on(sim::Platform& platform, const RunOptions& options,
                 const std::vector<std::byte>& file,
                 const std::function<void(double share)>& on_progress) {
    const Plan plan = make_plan(file.size(), options.seed);
    driver::DeviceConfig device_config;
    device_config.ring_entries = options.ring_size;
    sim::TraceFiles traces(platform.environment().trace(), device_config.io_queue_pairs + 1);
    open_traces(traces, options);
    const auto device =
        value_or_throw(driver::Device::open(platform.link(), platform.environment(), device_config),
                       "opening the device");

    RunReport report;
    Latencies latencies;
    const auto wall_start = std::chrono::steady_clock::now();
    const Time start = platform.device_time();
    {
        offload::OffloadConfig config;
        config.on_completion = [&](const driver::Completion& completion) {
            latencies.add(completion.device_latency);
        };
        offload::Offload offload(*device, config);
        auto session = value_or_throw(
            offload::CipherSession::create(offload, spec::Algorithm::aes_gcm, plan.key.bytes()),
            "creating a session");
        Passage passage(file, plan, session);
        JobLoop jobs(platform, options.notify, options.jobs, options.seed);
        const std::size_t records = plan.records.size();
        const auto total = static_cast<double>(2 * records);
        jobs.run(
            records, [&](std::size_t i) { return passage.encrypt(i); },
            [&](std::size_t done) { on_progress(static_cast<double>(done) / total); });
        jobs.run(
            records, [&](std::size_t i) { return passage.decrypt(i); },
            [&](std::size_t done) { on_progress(static_cast<double>(records + done) / total); });
        report.simulated_ns = to_ns(platform.device_time() - start);
        report.wall_ns =
            std::chrono::nanoseconds(std::chrono::steady_clock::now() - wall_start).count();
        report.failed_jobs = jobs.failures();
        report.verified = report.failed_jobs == 0 && passage.verify();
        report.resumes = jobs.resumes();
    }
    fill_from_device(report, *device);
    report.faults = faults_of(platform, options.faults);
    device->close();
    if (!traces.finish()) {
        throw std::runtime_error("a trace could not be written in full");
    }
    report.records = plan.records.size();
    report.bytes = file.size();
    report.latency_p50_ns = latencies.percentile(0.5);
    report.latency_p99_ns = latencies.percentile(0.99);
    // Every byte goes through twice; bytes per microsecond are megabytes per second.
    report.megabytes_per_simulated_second =
        2e3 * static_cast<double>(report.bytes) / static_cast<double>(report.simulated_ns);
    report.trace_hash = platform.environment().trace().hash();
    report.async = bound_async_library();
    return report;
}

}  // namespace

RunReport run_main_job(const RunOptions& options,
                       const std::function<void(double share)>& on_progress,
                       recording::Player* player) {
    const std::vector<std::byte> file = read_file(options.file);
    const auto recorder = make_recorder(options, file);
    // The machine is gone before the recording ends.
    RunReport report =
        run_on(*make_platform(options, recorder.get(), player), options, file, on_progress);
    finish(recorder.get(), options);
    return report;
}

namespace {

std::string recorded(const recording::Info& info, const char* key) {
    const auto found = info.metadata.find(key);
    if (found == info.metadata.end()) {
        throw std::runtime_error(
            fmt::format("it is no recording of `ringside run`: its header does not say '{}'", key));
    }
    return found->second;
}

/// What the device of the run was made of.
void take_device(const recording::Info& info, RunOptions& options) {
    options.chip = core::find_chip(recorded(info, "chip"));
    if (options.chip == nullptr) {
        throw std::runtime_error("recorded on a chip that is not known: " + recorded(info, "chip"));
    }
    options.fault_plan = recorded(info, "faults");
    if (options.fault_plan.empty()) {
        return;
    }
    auto plan = sim::parse_fault_plan(options.fault_plan);
    if (!plan) {
        throw std::runtime_error("recorded with a fault plan that is not known: " +
                                 options.fault_plan);
    }
    options.faults = std::move(*plan);
}

}  // namespace

core::DeviceConfig recorded_device(const recording::Info& info) {
    RunOptions options;
    take_device(info, options);
    return device_config(options);
}

RunOptions recorded_options(const recording::Info& info) {
    const auto number = [&info](const char* key) {
        return static_cast<std::uint32_t>(std::stoul(recorded(info, key)));
    };
    RunOptions options;
    options.time = info.time == recording::TimeKind::live ? TimeKind::live : TimeKind::virtual_time;
    options.notify = recorded(info, "notify") == "fd" ? Notify::fd : Notify::callback;
    options.file = recorded(info, "file");
    options.ring_size = number("ring_size");
    options.jobs = number("jobs");
    options.seed = info.seed;
    take_device(info, options);
    if (fingerprint(read_file(options.file)) != recorded(info, "fingerprint")) {
        throw std::runtime_error(options.file + ": not the file that it was when it was recorded");
    }
    return options;
}

}  // namespace ringside::tools
