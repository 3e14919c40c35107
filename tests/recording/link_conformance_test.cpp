// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// What driver/link/link.hpp promises, asked of every link there is: that of each platform, the same
// while it records, and a recording link around it. The device behind it is brought up by hand,
// with two admin commands as its DMA: one that reads a key, one that writes what there is of its
// error log.

#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/post.hpp>
#include <cstring>
#include <vector>

#include "recording_file.hpp"
#include "ringside/driver/link/link.hpp"
#include "ringside/recording/recorder.hpp"
#include "ringside/recording/recording_link.hpp"
#include "ringside/sim/live_platform.hpp"
#include "ringside/sim/virtual_platform.hpp"
#include "ringside/spec/registers.hpp"
#include "ringside/spec/wire.hpp"
#include "ringside/testing/seed.hpp"

namespace ringside {
namespace {

using driver::DmaDirection;
using driver::Iova;
using testing::RecordingFile;
using namespace std::chrono_literals;

template <typename Platform, typename Config>
std::unique_ptr<sim::Platform> make_platform(recording::Recorder* recorder) {
    Config config;
    config.seed = testing::seed();
    config.recorder = recorder;
    return Platform::create(config).value();
}

/// Who records: nobody, the platform, or a link around the platform's.
enum class Records { nobody, platform, decorator };

template <typename PlatformType, typename Config, Records Who>
struct Subject {
    Subject()
        : recorder(recording::Recorder::create(file.path(), {}).value()),
          platform(make_platform<PlatformType, Config>(Who == Records::platform ? recorder.get()
                                                                                : nullptr)),
          decorator(platform->link(), platform->environment(), *recorder) {}
    driver::Link& link() {
        return Who == Records::decorator ? static_cast<driver::Link&>(decorator) : platform->link();
    }
    RecordingFile file;
    std::unique_ptr<recording::Recorder> recorder;
    std::unique_ptr<sim::Platform> platform;
    recording::RecordingLink decorator;
};

template <Records Who>
using OnVirtual = Subject<sim::VirtualPlatform, sim::VirtualPlatformConfig, Who>;
template <Records Who>
using OnLive = Subject<sim::LivePlatform, sim::LivePlatformConfig, Who>;

/// A ring's worth of memory at an address of its own alignment.
struct alignas(4096) Page {
    std::array<std::byte, 4096> bytes{};
};

template <typename SubjectType>
class LinkTest : public ::testing::Test {
  protected:
    driver::Link& link() { return subject.link(); }
    driver::Environment& environment() { return subject.platform->environment(); }

    std::uint32_t read(spec::Address address) { return link().mmio_read32(address.of(0)); }
    void write(spec::Address address, std::uint32_t value, std::uint32_t queue = 0) {
        link().mmio_write32(address.of(queue), value);
    }
    template <typename Done>
    bool await(Done done) {
        for (int looks = 0; looks < 2000; ++looks) {
            if (done()) {
                return true;
            }
            sim::sleep_for(environment(), 100us);
        }
        return false;
    }
    void in_interrupt_context(const std::function<void()>& task) {
        const auto parker = environment().make_parker();
        boost::asio::post(environment().interrupt_executor(), [&] {
            task();
            parker->unpark();
        });
        parker->park();
    }

    // ---- interrupts: errors have vector 0 ----

    void raise_error() {
        write(spec::at("SQ_DB"), 1, 3);
    }  // a doorbell of a queue that is disabled
    void wait_for_errors() {
        in_interrupt_context([this] {
            link().async_wait_vector(spec::error_vector, [this](driver::error_code error) {
                last_error = error;
                in_context = environment().on_interrupt_executor();
                ++interrupts;
            });
        });
    }
    bool interrupted(int times) {
        return await([&] { return interrupts == times; });
    }
    /// Long enough for one more to show.
    void settle() { sim::sleep_for(environment(), 2ms); }

    // ---- a device with an admin queue of 16 entries ----

    void bring_up() {
        ASSERT_TRUE(await([&] { return (read(spec::at("CSTS")) & 0xF) == 1; }));
        write(spec::at("CC"), 1);
        ASSERT_TRUE(await([&] { return (read(spec::at("CSTS")) & 0xF) == 3; }));
        const auto sq =
            link().dma_map(std::span(sq_memory.bytes).first(1024), DmaDirection::to_device);
        const auto cq =
            link().dma_map(std::span(cq_memory.bytes).first(512), DmaDirection::from_device);
        write64(spec::at("SQ_BASE"), sq.value());
        write64(spec::at("CQ_BASE"), cq.value());
        write(spec::at("Q_SIZE"), 15 | 15 << 16);
        write(spec::at("Q_CTRL"), 1);
        ASSERT_TRUE(await([&] { return (read(spec::at("Q_STS")) & 3) == 1; }));
    }
    void write64(spec::Address address, Iova iova) {
        const std::uint32_t offset = address.of(0);
        link().mmio_write32(offset, static_cast<std::uint32_t>(iova.value));
        link().mmio_write32(offset + 4, static_cast<std::uint32_t>(iova.value >> 32));
    }
    /// The status of the next command of a queue of 16, used at most 15 times.
    spec::Status command(const spec::SubmissionEntry& entry) {
        std::memcpy(sq_memory.bytes.data() + tail * sizeof entry, &entry, sizeof entry);
        link().write_barrier();
        const std::byte* const completion =
            cq_memory.bytes.data() + tail * sizeof(spec::CompletionEntry);
        ++tail;
        write(spec::at("SQ_DB"), tail);
        std::uint64_t last_word = 0;
        EXPECT_TRUE(await([&] {
            last_word = __atomic_load_n(
                reinterpret_cast<const std::uint64_t*>(completion + spec::completion_tail_offset),
                __ATOMIC_ACQUIRE);
            return last_word != 0;
        }));
        link().read_barrier();
        return spec::decode_status(static_cast<std::uint16_t>(last_word >> 48));
    }
    spec::Status read_by_device(Iova from) {
        return command({.opcode = static_cast<std::uint8_t>(spec::Opcode::session_create),
                        .src = from.value,
                        .src_len = session_size});
    }
    /// The log holds at least one entry.
    spec::Status written_by_device(Iova to, std::uint32_t room = sizeof(spec::LogEntry)) {
        return command({.opcode = static_cast<std::uint8_t>(spec::Opcode::get_log),
                        .dst = to.value,
                        .dst_len = room});
    }
    static void write_parameters(std::span<std::byte> into) {
        spec::SessionParameters parameters{.algorithm = 1, .key_len = 16};
        std::memcpy(into.data(), &parameters, sizeof parameters);
    }
    static constexpr spec::Status refused{spec::StatusType::transport, 3};

    /// Header and a key of 16 bytes.
    static constexpr std::uint32_t session_size = sizeof(spec::SessionParameters) + 16;

    Page sq_memory;
    Page cq_memory;
    std::uint32_t tail = 0;
    std::atomic<int> interrupts{0};
    std::atomic<bool> in_context{false};
    driver::error_code last_error;
    SubjectType subject;
};

using Subjects = ::testing::Types<OnVirtual<Records::nobody>, OnVirtual<Records::platform>,
                                  OnVirtual<Records::decorator>, OnLive<Records::nobody>,
                                  OnLive<Records::platform>, OnLive<Records::decorator>>;
struct SubjectNames {
    template <typename Type>
    static std::string GetName(int index) {
        static const std::array<const char*, 6> names = {
            "Virtual", "VirtualRecorded", "RecordingLinkOnVirtual",
            "Live",    "LiveRecorded",    "RecordingLinkOnLive"};
        return names.at(static_cast<std::size_t>(index));
    }
};
TYPED_TEST_SUITE(LinkTest, Subjects, SubjectNames);

TYPED_TEST(LinkTest, ARegisterAnswersAndBehindTheBarNobodyDoes) {
    EXPECT_EQ(this->read(spec::at("ID")), spec::device_id);
    EXPECT_EQ(this->link().mmio_read32(spec::bar0_size), 0xFFFFFFFFu);
}

TYPED_TEST(LinkTest, AReadComesBackAfterAllEarlierWritesHaveArrived) {
    for (std::uint32_t value = 0; value < 64; ++value) {
        this->write(spec::at("ERR_MASK"), (value & 1) << 7);
        ASSERT_EQ(this->read(spec::at("ERR_MASK")), (value & 1) << 7);
    }
}

TYPED_TEST(LinkTest, AnIovaIsNoHostAddressAndNoTwoMappingsTouch) {
    std::vector<std::byte> memory(8192);
    const std::span whole(memory);
    std::vector<std::uint64_t> starts;
    for (std::size_t i = 0; i < 8; ++i) {
        const auto part = whole.subspan(i * 1000, 1000);
        const auto iova = this->link().dma_map(part, DmaDirection::bidirectional);
        ASSERT_TRUE(iova);
        EXPECT_NE(iova->value, reinterpret_cast<std::uintptr_t>(part.data()));
        for (const std::uint64_t other : starts) {
            EXPECT_GT(std::max(other, iova->value) - std::min(other, iova->value), 1000u);
        }
        starts.push_back(iova->value);
    }
    for (const std::uint64_t start : starts) {
        this->link().dma_unmap({start});
    }
}

TYPED_TEST(LinkTest, NothingCannotBeMapped) {
    EXPECT_FALSE(this->link().dma_map({}, DmaDirection::to_device));
}

TYPED_TEST(LinkTest, TheDeviceReadsWhatIsMappedForItToTheByteAndUntilItIsUnmapped) {
    this->bring_up();
    std::vector<std::byte> memory(this->session_size);
    this->write_parameters(memory);
    const auto whole = this->link().dma_map(memory, DmaDirection::to_device).value();
    this->link().dma_sync_for_device(whole, memory.size());
    EXPECT_TRUE(this->read_by_device(whole).ok());
    EXPECT_EQ(this->read_by_device(whole + 1), this->refused);
    const auto short_of_a_byte =
        this->link().dma_map(std::span(memory).first(memory.size() - 1), DmaDirection::to_device);
    EXPECT_EQ(this->read_by_device(short_of_a_byte.value()), this->refused);
    this->link().dma_unmap(whole);
    EXPECT_EQ(this->read_by_device(whole), this->refused);
    this->link().dma_unmap(short_of_a_byte.value());
}

TYPED_TEST(LinkTest, TheDeviceWritesWhereItMayAndTheCpuSeesIt) {
    this->bring_up();
    this->raise_error();
    std::vector<std::byte> memory(2 * sizeof(spec::LogEntry));
    const auto iova =
        this->link()
            .dma_map(std::span(memory).first(sizeof(spec::LogEntry)), DmaDirection::from_device)
            .value();
    EXPECT_TRUE(this->written_by_device(iova).ok());
    this->link().dma_sync_for_cpu(iova, sizeof(spec::LogEntry));
    spec::LogEntry entry;
    std::memcpy(&entry, memory.data(), sizeof entry);
    EXPECT_EQ(entry.serial, 1u);
    EXPECT_EQ(this->written_by_device(iova + 1), this->refused);
    EXPECT_EQ(memory.at(sizeof entry), std::byte{0}) << "behind the mapping";
    this->link().dma_unmap(iova);
    EXPECT_EQ(this->written_by_device(iova), this->refused);
}

TYPED_TEST(LinkTest, ADirectionIsOneWayAndBidirectionalIsBoth) {
    this->bring_up();
    this->raise_error();
    std::vector<std::byte> memory(2 * sizeof(spec::LogEntry));
    this->write_parameters(memory);
    const auto in = this->link().dma_map(memory, DmaDirection::to_device).value();
    const auto out = this->link().dma_map(memory, DmaDirection::from_device).value();
    const auto both = this->link().dma_map(memory, DmaDirection::bidirectional).value();
    EXPECT_EQ(this->written_by_device(in), this->refused);
    EXPECT_EQ(this->read_by_device(out), this->refused);
    EXPECT_TRUE(this->read_by_device(both).ok());
    EXPECT_TRUE(this->written_by_device(both).ok());
    for (const Iova iova : {in, out, both}) {
        this->link().dma_unmap(iova);
    }
}

TYPED_TEST(LinkTest, AnInterruptEndsOneWaitInInterruptContext) {
    this->wait_for_errors();
    this->raise_error();
    ASSERT_TRUE(this->interrupted(1));
    EXPECT_FALSE(this->last_error);
    EXPECT_TRUE(this->in_context);
    this->raise_error();
    this->settle();
    EXPECT_EQ(this->interrupts, 1) << "nobody waits";
}

TYPED_TEST(LinkTest, AnInterruptThatNobodyWaitedForEndsTheNextWait) {
    this->raise_error();
    this->read(spec::at("ID"));
    this->settle();
    this->wait_for_errors();
    EXPECT_TRUE(this->interrupted(1));
    this->wait_for_errors();
    this->settle();
    EXPECT_EQ(this->interrupts, 1) << "it came once";
    this->link().cancel_vector_wait(spec::error_vector);
    EXPECT_TRUE(this->interrupted(2));
}

TYPED_TEST(LinkTest, AWithdrawnWaitIsToldSo) {
    this->wait_for_errors();
    this->link().cancel_vector_wait(spec::error_vector);
    ASSERT_TRUE(this->interrupted(1));
    EXPECT_EQ(this->last_error, boost::asio::error::operation_aborted);
    this->link().cancel_vector_wait(spec::error_vector);
    this->settle();
    EXPECT_EQ(this->interrupts, 1) << "there was nothing to withdraw";
}

TYPED_TEST(LinkTest, AMaskedVectorWaitsForItsUnmasking) {
    this->wait_for_errors();
    this->link().mask_vector(spec::error_vector, true);
    this->raise_error();
    this->read(spec::at("ID"));
    this->settle();
    EXPECT_EQ(this->interrupts, 0);
    this->link().mask_vector(spec::error_vector, false);
    EXPECT_TRUE(this->interrupted(1));
}

TYPED_TEST(LinkTest, VectorsAreApart) {
    std::atomic<int> others{0};
    this->in_interrupt_context([&] {
        this->link().async_wait_vector(
            5, [&](driver::error_code error) { others += error ? 100 : 1; });
    });
    this->wait_for_errors();
    this->raise_error();
    ASSERT_TRUE(this->interrupted(1));
    EXPECT_EQ(others, 0);
    this->link().cancel_vector_wait(5);
    EXPECT_TRUE(this->await([&] { return others == 100; }));
}

/// Of a recording link around another: what the driver's side does stands in the file.
TEST(RecordingLink, WritesEachCallInItsOrder) {
    RecordingFile file;
    std::uint64_t iova = 0;
    {
        OnVirtual<Records::decorator> subject;
        auto recorder = recording::Recorder::create(file.path(), {}).value();
        recording::RecordingLink link(subject.platform->link(), subject.platform->environment(),
                                      *recorder);
        std::vector<std::byte> memory(100);
        link.mmio_read32(0);
        link.mmio_write32(spec::at("ERR_MASK").of(), 8);
        iova = link.dma_map(memory, DmaDirection::from_device).value().value;
        link.dma_sync_for_device({iova}, 10);
        link.dma_sync_for_cpu({iova}, 20);
        link.dma_unmap({iova});
        EXPECT_FALSE(link.dma_map({}, DmaDirection::to_device));
        link.mask_vector(4, true);
        const auto parker = subject.platform->environment().make_parker();
        link.async_wait_vector(4, [&](driver::error_code) { parker->unpark(); });
        link.cancel_vector_wait(4);
        parker->park();
        ASSERT_FALSE(recorder->finish());
    }
    char at[32];
    std::snprintf(at, sizeof at, " at 0x%llx", static_cast<unsigned long long>(iova));
    const std::vector<std::string> expected = {"mmio_read 0x0 = 0x31535352",
                                               "mmio_write 0x84 = 0x8",
                                               std::string("dma_map of 100 bytes") + at,
                                               std::string("sync_for_device of 10 bytes") + at,
                                               std::string("sync_for_cpu of 20 bytes") + at,
                                               "dma_unmap" + std::string(at).substr(3),
                                               "dma_map of 0 bytes at 0x0, refused",
                                               "mask_vector 0x4 = 0x1",
                                               "wait_vector 0x4",
                                               "cancel_wait 0x4",
                                               "interrupt 0x4 = 0x1"};
    std::vector<std::string> seen;
    const auto recording = file.load();
    for (recording::Recording::Cursor cursor(recording);
         cursor.record().kind != recording::Kind::end; cursor.advance()) {
        seen.push_back(to_string(cursor.record()));
    }
    // The interrupt's handler runs on another CPU, between the two last calls or after them.
    std::sort(seen.begin(), seen.end());
    auto sorted = expected;
    std::sort(sorted.begin(), sorted.end());
    EXPECT_EQ(seen, sorted);
}

}  // namespace
}  // namespace ringside
