// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// A recorded run happens again: the driver without a device, and a fresh device without a driver.
// Where one byte of the recording, of the application or of the device is another, the difference
// is named.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <vector>

#include "recording_file.hpp"
#include "ringside/recording/player.hpp"
#include "ringside/recording/recorder.hpp"
#include "ringside/sim/live_platform.hpp"
#include "ringside/sim/replay.hpp"
#include "ringside/testing/accelerator.hpp"

namespace ringside {
namespace {

using recording::Contents;
using recording::Kind;
using recording::Player;
using recording::Record;
using recording::Recorder;
using recording::Recording;
using ::testing::HasSubstr;
using testing::RecordedOperation;
using testing::RecordingFile;

constexpr std::size_t length = 96;
constexpr unsigned cpus = 6;
constexpr unsigned rounds = 4;

/// Waits for its slot like a blocking caller.
class BlockingSubmitter final : public driver::SlotWaiter {
  public:
    explicit BlockingSubmitter(driver::Environment& environment)
        : SlotWaiter(Kind::reserving),
          environment_(environment),
          parker_(environment.make_parker()) {}
    void slot_ready() noexcept override { parker_->unpark(); }
    boost::system::error_code run(driver::QueuePair& queue, const spec::SubmissionEntry& request) {
        RecordedOperation operation(environment_);
        for (;;) {
            const auto accepted = queue.submit(request, operation, this);
            if (accepted) {
                return operation.wait().status;
            }
            if (accepted.error() != driver::Errc::again) {
                return accepted.error();
            }
            parker_->park();
        }
    }

  private:
    driver::Environment& environment_;
    std::unique_ptr<driver::Parker> parker_;
};

/// What an application gets out of a run: how each operation ended, and the bytes.
struct Outcome {
    boost::system::error_code opened;
    std::vector<boost::system::error_code> statuses;
    std::vector<std::byte> output;
    bool operator==(const Outcome&) const = default;
};

constexpr std::array<std::byte, 16> key{std::byte{0x2B}, std::byte{0x7E}};
const driver::SessionSpec session_spec{.algorithm = spec::Algorithm::aes_cbc, .key = key};

/// The application: a session, and submitters that share a ring too small for them.
class Application {
  public:
    explicit Application(sim::Platform& platform, std::byte first_byte)
        : environment_(platform.environment()) {
        auto opened = driver::Device::open(platform.link(), environment_, {.ring_entries = 4});
        outcome_.opened = opened ? boost::system::error_code() : opened.error();
        if (!opened) {
            return;
        }
        device_ = std::move(*opened);
        parameters_ = device_->dma().allocate(session_spec.size()).value();
        for (unsigned i = 0; i < cpus; ++i) {
            buffers_.push_back(device_->dma().allocate(length).value());
            std::fill_n(buffers_.back().bytes().begin(), length, static_cast<std::byte>(i));
        }
        buffers_.front().bytes()[0] = first_byte;
    }

    bool is_open() const { return device_ != nullptr; }

    void create_session() {
        driver::write_session_parameters(parameters_.bytes(), session_spec);
        RecordedOperation created(environment_);
        if (device_->admin().submit(driver::session_create(parameters_.iova(), session_spec.size()),
                                    created)) {
            session_ = created.wait().result;
        }
    }
    void encrypt(unsigned buffer) {
        BlockingSubmitter submitter(environment_);
        for (unsigned round = 0; round < rounds; ++round) {
            const driver::Iova data = buffers_[buffer].iova();
            const auto request =
                driver::aes_cbc(driver::Direction::encrypt, session_, {data, length, data, length},
                                std::array<std::byte, 16>{});
            outcome_.statuses.push_back(submitter.run(device_->queue_pair(0), request));
        }
    }
    Outcome finish() {
        for (const auto& buffer : buffers_) {
            outcome_.output.insert(outcome_.output.end(), buffer.bytes().begin(),
                                   buffer.bytes().end());
        }
        buffers_.clear();
        parameters_ = {};
        device_.reset();
        return outcome_;
    }

  private:
    driver::Environment& environment_;
    Outcome outcome_;
    std::unique_ptr<driver::Device> device_;
    driver::DmaBuffer parameters_;
    std::vector<driver::DmaBuffer> buffers_;
    std::uint32_t session_ = 0;
};

Outcome run_virtual(const sim::VirtualPlatformConfig& config, std::byte first_byte = {}) {
    const auto platform = sim::VirtualPlatform::create(config).value();
    Application application(*platform, first_byte);
    if (application.is_open()) {
        application.create_session();
        std::vector<sim::Scheduler::Cpu*> running;
        for (unsigned i = 0; i < cpus; ++i) {
            running.push_back(&platform->scheduler().spawn(
                "submitter", [&application, i] { application.encrypt(i); }));
        }
        for (auto* cpu : running) {
            platform->scheduler().join(*cpu);
        }
    }
    return application.finish();
}

class Replay : public ::testing::TestWithParam<sim::Interleaving> {
  protected:
    sim::VirtualPlatformConfig config() const {
        return {.seed = testing::seed(), .interleaving = GetParam()};
    }
    Outcome record(Contents contents = Contents::full) {
        auto recorder =
            Recorder::create(file.path(), {.contents = contents, .seed = testing::seed()}).value();
        auto recorded = config();
        recorded.recorder = recorder.get();
        Outcome outcome = run_virtual(recorded);
        EXPECT_FALSE(recorder->finish());
        return outcome;
    }
    /// The divergence, to which the end of the run belongs.
    std::string replay_against_driver(Outcome* outcome = nullptr, std::byte first_byte = {}) {
        const Recording recording = file.load();
        Player player(recording);
        auto replayed = config();
        replayed.player = &player;
        const Outcome result = run_virtual(replayed, first_byte);
        if (outcome != nullptr) {
            *outcome = result;
        }
        if (!player.divergence() && player.next().kind != Kind::end) {
            return "not played to the end: " + to_string(player.next());
        }
        return player.divergence() ? player.divergence()->to_string() : "";
    }
    std::string replay_against_device(const core::DeviceConfig& device = {}) {
        const Recording recording = file.load();
        const auto divergence = sim::replay_against_device(recording, device).value();
        return divergence ? divergence->to_string() : "";
    }
    /// The `nth` record of which `wanted` is true.
    template <typename Wanted>
    std::uint64_t find(Wanted wanted, unsigned nth = 0) {
        const Recording recording = file.load();
        for (Recording::Cursor cursor(recording); cursor.record().kind != Kind::end;
             cursor.advance()) {
            if (wanted(cursor.record()) && nth-- == 0) {
                return cursor.record().number;
            }
        }
        ADD_FAILURE() << "no such record";
        return 0;
    }
    static std::string place(std::uint64_t number) {
        return "record " + std::to_string(number) + ",";
    }
    RecordingFile file;
};

INSTANTIATE_TEST_SUITE_P(Interleavings, Replay,
                         ::testing::Values(sim::Interleaving::cooperative,
                                           sim::Interleaving::seeded),
                         [](const auto& parameter) {
                             return parameter.param == sim::Interleaving::seeded ? "Seeded"
                                                                                 : "Cooperative";
                         });

TEST_P(Replay, TheDriverWithoutADeviceGetsTheSameResultsAndBytes) {
    const Outcome recorded = record();
    EXPECT_EQ(recorded.statuses,
              std::vector<boost::system::error_code>(std::size_t{cpus} * rounds));
    Outcome replayed;
    EXPECT_EQ(replay_against_driver(&replayed), "");
    EXPECT_EQ(replayed, recorded);
}

TEST_P(Replay, AFreshDeviceWithoutADriverDoesTheSame) {
    record();
    EXPECT_EQ(replay_against_device(), "");
}

TEST_P(Replay, RecordingDoesNotChangeTheRun) {
    EXPECT_EQ(record(), run_virtual(config()));
}

TEST_P(Replay, DigestsAreEnoughForTheDriverAndNotForTheDevice) {
    const Outcome recorded = record(Contents::digests);
    Outcome replayed;
    EXPECT_EQ(replay_against_driver(&replayed), "");
    EXPECT_EQ(replayed, recorded);
    EXPECT_NE(replay_against_driver(nullptr, std::byte{0x55}), "") << "other data, other digest";
    EXPECT_EQ(sim::replay_against_device(file.load(), {}).error(), recording::Errc::no_contents);
}

TEST_P(Replay, AnotherByteInTheApplicationsMemoryIsNamed) {
    record();
    Outcome replayed;
    const std::string divergence = replay_against_driver(&replayed, std::byte{0x55});
    EXPECT_THAT(divergence, HasSubstr("expected byte 0 of dma_read of 96 bytes at"));
    EXPECT_THAT(divergence, HasSubstr("to be 00, came 55"));
    EXPECT_THAT(replayed.statuses, ::testing::Contains(driver::Errc::dead))
        << "from then on the device is gone";
}

TEST_P(Replay, AFlippedBitOfARegisterWriteIsNamedOnBothSides) {
    record();
    const auto doorbell = find(
        [](const Record& record) {
            return record.kind == Kind::mmio_write && record.address == spec::at("SQ_DB").of(1);
        },
        2);
    file.forge(doorbell, RecordingFile::value_in_header);
    EXPECT_THAT(replay_against_driver(), HasSubstr(place(doorbell)));
    EXPECT_THAT(replay_against_driver(), HasSubstr("expected mmio_write 0x101000 = 0x"));
    EXPECT_NE(replay_against_device(), "");
}

TEST_P(Replay, AFlippedBitOfAnAnswerChangesWhatTheDriverDoesNext) {
    record();
    file.forge(find([](const Record& record) { return record.kind == Kind::mmio_read; }),
               RecordingFile::value_in_header);
    Outcome replayed;
    EXPECT_NE(replay_against_driver(&replayed), "");
    EXPECT_EQ(replayed.opened, driver::Errc::not_our_device);
    EXPECT_THAT(replay_against_device(), HasSubstr("expected mmio_read 0x0 = 0x31535353, came "
                                                   "mmio_read 0x0 = 0x31535352"));
}

TEST_P(Replay, AFlippedByteOfOutputIsNamedByTheDevice) {
    record();
    const auto output = find(
        [](const Record& record) {
            return record.kind == Kind::dma_write && record.value == length;
        },
        5);
    file.forge(output, RecordingFile::record_header_size + 17);
    EXPECT_THAT(replay_against_device(), HasSubstr(place(output)));
    EXPECT_THAT(replay_against_device(), HasSubstr("expected byte 17 of dma_write of 96 bytes"));
}

TEST_P(Replay, AFlippedByteOfInputChangesTheDevicesOutput) {
    record();
    const auto input = find([](const Record& record) {
        return record.kind == Kind::dma_read && record.value == length;
    });
    file.forge(input, RecordingFile::record_header_size);
    EXPECT_THAT(replay_against_device(), HasSubstr("expected byte 0 of dma_write of 96 bytes"));
    EXPECT_THAT(replay_against_driver(), HasSubstr(place(input)));
}

TEST_P(Replay, AnotherTimingOfTheDeviceIsADivergence) {
    record();
    core::DeviceConfig slower;
    slower.service.aes_cbc.fixed += std::chrono::nanoseconds(1);
    EXPECT_NE(replay_against_device(slower), "");
}

TEST_P(Replay, ADriverThatMapsAnotherRangeIsNamed) {
    record();
    const auto map = find([](const Record& record) { return record.kind == Kind::dma_map; }, 2);
    const std::string original = file.bytes();
    for (const std::size_t field :
         {RecordingFile::address_in_header, RecordingFile::value_in_header,
          RecordingFile::detail_in_header, RecordingFile::flags_in_header}) {
        file.write(original);
        file.forge(map, field);
        EXPECT_THAT(replay_against_driver(), HasSubstr(place(map))) << field;
    }
}

TEST_P(Replay, ADriverThatWaitsForWhatNeverComesDoesNotHang) {
    record();
    // The last message of the I/O queue goes to another vector: nobody tells the driver.
    const auto message = find([](const Record& record) {
        return record.kind == Kind::message && record.address == spec::queue_vector(1);
    });
    file.forge(message, RecordingFile::address_in_header);
    EXPECT_NE(replay_against_driver(), "");
    EXPECT_THAT(replay_against_device(), HasSubstr(place(message)));
    EXPECT_THAT(replay_against_device(), HasSubstr("expected message 0x3, came message 0x2"));
}

TEST_P(Replay, AnApplicationThatWaitsInsteadOfGoingOnIsNamed) {
    const auto doorbell = spec::at("SQ_DB").of(1);
    // An interrupt that only a write makes come: an error, the queue being disabled.
    const auto run = [&](const sim::VirtualPlatformConfig& with, bool write) {
        const auto platform = sim::VirtualPlatform::create(with).value();
        const auto parker = platform->environment().make_parker();
        platform->link().async_wait_vector(spec::error_vector,
                                           [&](driver::error_code) { parker->unpark(); });
        platform->run_until_idle();
        if (write) {
            platform->link().mmio_write32(doorbell, 1);
        }
        parker->park();
    };
    auto recorder = Recorder::create(file.path(), {.seed = testing::seed()}).value();
    auto with = config();
    with.recorder = recorder.get();
    run(with, true);
    ASSERT_FALSE(recorder->finish());
    const Recording recording = file.load();
    Player player(recording);
    with = config();
    with.player = &player;
    run(with, false);
    ASSERT_TRUE(player.divergence());
    EXPECT_THAT(player.divergence()->to_string(),
                HasSubstr("expected mmio_write 0x101000 = 0x1, came nothing: everybody waits"));
}

/// A message that is due at once is sent by the device's next access, be that a read.
TEST(ReplayOfReads, WhatTheDeviceDoesDuringAReadIsPlayedDuringIt) {
    RecordingFile file;
    constexpr std::uint32_t nothing_there = 0x3F0;
    const auto run = [](const sim::VirtualPlatformConfig& config) {
        const auto platform = sim::VirtualPlatform::create(config).value();
        int interrupts = 0;
        platform->link().async_wait_vector(spec::error_vector,
                                           [&](driver::error_code) { ++interrupts; });
        platform->link().mmio_read32(nothing_there);
        platform->link().mmio_read32(spec::at("ID").of());
        platform->run_until_idle();
        return interrupts;
    };
    sim::VirtualPlatformConfig config{.interleaving = sim::Interleaving::cooperative};
    config.device.interrupt = Duration{0};
    {
        auto recorder = Recorder::create(file.path(), {.contents = Contents::full}).value();
        config.recorder = recorder.get();
        EXPECT_EQ(run(config), 1);
        ASSERT_FALSE(recorder->finish());
        config.recorder = nullptr;
    }
    const Recording recording = file.load();
    std::vector<Kind> order;
    for (Recording::Cursor cursor(recording); cursor.record().kind != Kind::end; cursor.advance()) {
        if (cursor.record().kind == Kind::mmio_read || cursor.record().kind == Kind::message) {
            order.push_back(cursor.record().kind);
        }
    }
    EXPECT_EQ(order, (std::vector<Kind>{Kind::mmio_read, Kind::mmio_read, Kind::message}));
    EXPECT_FALSE(sim::replay_against_device(recording, config.device).value());
    Player player(recording);
    config.player = &player;
    EXPECT_EQ(run(config), 1);
    EXPECT_FALSE(player.divergence());
    EXPECT_EQ(player.next().kind, Kind::end);
}

TEST(LiveRecording, AFreshDeviceDoesTheSame) {
    RecordingFile file;
    const recording::Info info{
        .contents = Contents::full, .time = recording::TimeKind::live, .seed = testing::seed()};
    auto recorder = Recorder::create(file.path(), info).value();
    {
        sim::LivePlatformConfig config{.seed = testing::seed()};
        config.recorder = recorder.get();
        const auto platform = sim::LivePlatform::create(config).value();
        Application application(*platform, std::byte{});
        ASSERT_TRUE(application.is_open());
        application.create_session();
        application.encrypt(0);
        application.encrypt(1);
        application.finish();
    }
    ASSERT_FALSE(recorder->finish());
    const Recording recording = file.load();
    EXPECT_FALSE(sim::replay_against_device(recording, {}).value());
}

}  // namespace
}  // namespace ringside
