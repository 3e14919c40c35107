// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// The C interface: known answers through the device, every refusal as the negative errno that the
// header gives it, and the ledger of a ring that is too small.

#include <gtest/gtest.h>
#include <ringside/ringside.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

extern "C" std::size_t ringside_config_size_in_c(void);
std::size_t ringside_config_size_in_cxx11();

namespace ringside {
namespace {

std::vector<unsigned char> from_hex(const std::string& hex) {
    std::vector<unsigned char> bytes;
    for (std::size_t i = 0; i < hex.size(); i += 2) {
        bytes.push_back(static_cast<unsigned char>(std::stoul(hex.substr(i, 2), nullptr, 16)));
    }
    return bytes;
}

/// NIST SP 800-38A, F.2.1 (CBC-AES128.Encrypt), the first block.
const std::string key_hex = "2b7e151628aed2a6abf7158809cf4f3c";
const std::string iv_hex = "000102030405060708090a0b0c0d0e0f";
const std::string plain_hex = "6bc1bee22e409f96e93d7e117393172a";
const std::string cipher_hex = "7649abac8119b246cee98e9b12e9197d";

/// Counts how requests end, and wakes whoever waits for the last.
struct Ends {
    static void note(void* ends, int status, std::uint32_t /*result*/) {
        auto& self = *static_cast<Ends*>(ends);
        const std::lock_guard lock(self.mutex);
        self.statuses.push_back(status);
        self.changed.notify_all();
    }
    void await(std::size_t count) {
        std::unique_lock lock(mutex);
        changed.wait(lock, [&] { return statuses.size() >= count; });
    }
    std::mutex mutex;
    std::condition_variable changed;
    std::vector<int> statuses;
};

class CInterface : public ::testing::Test {
  protected:
    void open(std::uint32_t ring_entries) {
        ringside_config config = RINGSIDE_CONFIG_INIT;
        config.ring_entries = ring_entries;
        ASSERT_EQ(ringside_open(&config, &device), 0);
        ASSERT_EQ(ringside_session_create(device, RINGSIDE_AES_CBC, from_hex(key_hex).data(), 16,
                                          &session),
                  0);
        ASSERT_EQ(ringside_buffer_alloc(device, 64, &buffer), 0);
        put(plain_hex);
    }
    void TearDown() override {
        ringside_buffer_free(buffer);
        EXPECT_EQ(ringside_close(device), 0);
    }
    void put(const std::string& hex) {
        const auto bytes = from_hex(hex);
        std::memcpy(ringside_buffer_data(buffer), bytes.data(), bytes.size());
    }
    bool holds(const std::string& hex) {
        const auto bytes = from_hex(hex);
        return std::memcmp(ringside_buffer_data(buffer), bytes.data(), bytes.size()) == 0;
    }
    /// One block in place.
    ringside_request block(int decrypt = 0) {
        ringside_request request{};
        request.algorithm = RINGSIDE_AES_CBC;
        request.decrypt = decrypt;
        request.session = session;
        request.src = request.dst = buffer;
        request.src_len = request.dst_len = 16;
        const auto iv = from_hex(iv_hex);
        std::copy(iv.begin(), iv.end(), request.iv);
        request.iv_len = 16;
        return request;
    }
    ringside_device* device = nullptr;
    ringside_buffer* buffer = nullptr;
    std::uint32_t session = 0;
};

TEST_F(CInterface, EncryptsAndDecryptsAKnownAnswer) {
    open(8);
    std::uint32_t written = 0;
    auto request = block();
    EXPECT_EQ(ringside_run(device, 0, &request, &written), 0);
    EXPECT_EQ(written, 16u);
    EXPECT_TRUE(holds(cipher_hex));
    request = block(1);
    EXPECT_EQ(ringside_run(device, 0, &request, nullptr), 0);
    EXPECT_TRUE(holds(plain_hex));
}

TEST_F(CInterface, AWrongTagIsBadMessage) {
    open(8);
    std::uint32_t gcm = 0;
    ASSERT_EQ(ringside_session_create(device, RINGSIDE_AES_GCM, from_hex(key_hex).data(), 16, &gcm),
              0);
    auto request = block();
    request.algorithm = RINGSIDE_AES_GCM;
    request.session = gcm;
    request.iv_len = 12;
    request.tag_len = 16;
    request.dst_len = 32;
    ASSERT_EQ(ringside_run(device, 0, &request, nullptr), 0);
    request.decrypt = 1;
    request.src_len = 32;
    request.dst_len = 16;
    request.dst_offset = 32;
    EXPECT_EQ(ringside_run(device, 0, &request, nullptr), 0);
    static_cast<unsigned char*>(ringside_buffer_data(buffer))[31] ^= 1;
    EXPECT_EQ(ringside_run(device, 0, &request, nullptr), -EBADMSG);
    EXPECT_EQ(ringside_session_destroy(device, gcm), 0);
    EXPECT_EQ(ringside_run(device, 0, &request, nullptr), -EINVAL);
}

TEST_F(CInterface, EachTakenRequestEndsOnceAndAFullRingSaysAgain) {
    open(4);
    EXPECT_EQ(ringside_capacity(device, 0), 3u);
    EXPECT_EQ(ringside_capacity(device, 1), 0u);
    Ends ends;
    const auto request = block();
    std::size_t taken = 0;
    std::size_t refused = 0;
    for (int i = 0; i < 200; ++i) {
        const int status = ringside_submit(device, 0, &request, &Ends::note, &ends);
        ASSERT_TRUE(status == 0 || status == -EAGAIN) << status;
        ++(status == 0 ? taken : refused);
    }
    ends.await(taken);
    ringside_counters counters{};
    ASSERT_EQ(ringside_get_counters(device, 0, &counters), 0);
    EXPECT_EQ(counters.accepted, taken);
    EXPECT_EQ(counters.ok, taken);
    EXPECT_EQ(counters.eagain, refused);
    EXPECT_EQ(counters.in_flight, 0u);
    EXPECT_EQ(ends.statuses, std::vector<int>(taken));
}

TEST_F(CInterface, QueuedRequestsAllEnd) {
    open(2);
    Ends ends;
    const auto request = block();
    for (int i = 0; i < 50; ++i) {
        ASSERT_EQ(ringside_submit_queued(device, 0, &request, &Ends::note, &ends), 0);
    }
    ends.await(50);
    EXPECT_EQ(ends.statuses, std::vector<int>(50));
}

TEST_F(CInterface, DrainingReturnsWhenAllHasEndedAndTakesNothingMore) {
    open(64);
    Ends ends;
    const auto request = block();
    for (int i = 0; i < 63; ++i) {
        ASSERT_EQ(ringside_submit(device, 0, &request, &Ends::note, &ends), 0);
    }
    ASSERT_EQ(ringside_drain(device, 60'000'000'000), 0);
    EXPECT_EQ(ends.statuses, std::vector<int>(63)) << "without waiting for them";
    EXPECT_EQ(ringside_submit(device, 0, &request, &Ends::note, &ends), -ESHUTDOWN);
    EXPECT_EQ(ringside_run(device, 0, &request, nullptr), -ESHUTDOWN);
    EXPECT_EQ(ringside_session_destroy(device, session), 0);
}

TEST_F(CInterface, ClosingWaitsForTheBuffers) {
    open(64);
    ringside_buffer* const kept = std::exchange(buffer, nullptr);
    EXPECT_EQ(ringside_close(device), -EBUSY);
    ringside_buffer_free(kept);
    ASSERT_EQ(ringside_close(device), 0);
    device = nullptr;  // TearDown() closes nothing: that is allowed
}

TEST_F(CInterface, OneDeviceAtATime) {
    open(2);
    ringside_device* second = nullptr;
    EXPECT_EQ(ringside_open(nullptr, &second), -EBUSY);
    EXPECT_EQ(second, nullptr);
}

TEST_F(CInterface, NoCallbackMayBlock) {
    open(2);
    struct Nested {
        ringside_device* device;
        ringside_request request;
        Ends ends;
        static void call(void* argument, int /*status*/, std::uint32_t /*result*/) {
            auto& self = *static_cast<Nested*>(argument);
            std::uint32_t unused = 0;
            Ends::note(&self.ends, ringside_run(self.device, 0, &self.request, nullptr), 0);
            Ends::note(&self.ends, ringside_close(self.device), 0);
            Ends::note(&self.ends, ringside_drain(self.device, 0), 0);
            Ends::note(&self.ends,
                       ringside_session_create(self.device, RINGSIDE_AES_CBC, self.request.iv, 16,
                                               &unused),
                       0);
        }
    } nested{device, block(), {}};
    ASSERT_EQ(ringside_submit(device, 0, &nested.request, &Nested::call, &nested), 0);
    nested.ends.await(4);
    EXPECT_EQ(nested.ends.statuses, std::vector<int>(4, -EDEADLK));
}

TEST_F(CInterface, WrongArgumentsAreInvalid) {
    open(8);
    const auto good = block();
    const auto refused = [&](auto change) {
        auto request = good;
        change(request);
        Ends ends;
        return ringside_run(device, 0, &request, nullptr) == -EINVAL &&
               ringside_submit(device, 0, &request, &Ends::note, &ends) == -EINVAL &&
               ends.statuses.empty();
    };
    EXPECT_TRUE(refused([](auto& r) { r.src_len = 65; })) << "beyond its buffer";
    EXPECT_TRUE(refused([](auto& r) { r.dst_offset = 49; }));
    EXPECT_TRUE(refused([](auto& r) { r.src_offset = SIZE_MAX; }));
    EXPECT_TRUE(refused([](auto& r) { r.src = nullptr; }));
    EXPECT_TRUE(refused([](auto& r) { r.iv_len = 17; }));
    EXPECT_TRUE(refused([](auto& r) { r.iv_len = 12; }));
    EXPECT_TRUE(refused([](auto& r) { r.algorithm = 9; }));
    EXPECT_EQ(ringside_run(device, 1, &good, nullptr), -EINVAL);
    EXPECT_EQ(ringside_run(nullptr, 0, &good, nullptr), -EINVAL);
    EXPECT_EQ(ringside_run(device, 0, nullptr, nullptr), -EINVAL);
    EXPECT_EQ(ringside_submit(device, 0, &good, nullptr, nullptr), -EINVAL);
    EXPECT_EQ(ringside_session_create(device, RINGSIDE_AES_CBC, good.iv, 15, &session), -EINVAL);
    EXPECT_EQ(ringside_session_create(device, 256 + RINGSIDE_AES_CBC, good.iv, 16, &session),
              -EINVAL);
    EXPECT_EQ(ringside_buffer_alloc(device, 0, &buffer), -EINVAL);
    ringside_buffer* huge = nullptr;
    EXPECT_EQ(ringside_buffer_alloc(device, SIZE_MAX, &huge), -EINVAL);
    EXPECT_EQ(ringside_get_counters(device, 0, nullptr), -EINVAL);
    EXPECT_EQ(ringside_drain(nullptr, 0), -EINVAL);
}

TEST(COpen, SaysWhatTheDeviceHasNot) {
    ringside_config config = RINGSIDE_CONFIG_INIT;
    ringside_device* device = nullptr;
    config.ring_entries = 3;
    EXPECT_EQ(ringside_open(&config, &device), -ENOTSUP);
    config = RINGSIDE_CONFIG_INIT;
    config.io_queue_pairs = 1000;
    EXPECT_EQ(ringside_open(&config, &device), -ENOTSUP);
    config.size = 0;
    EXPECT_EQ(ringside_open(&config, &device), -EINVAL);
    EXPECT_EQ(ringside_open(nullptr, nullptr), -EINVAL);
    EXPECT_EQ(device, nullptr);
}

TEST(COpen, AnOlderCallerGetsTheDefaultsOfWhatItDoesNotKnow) {
    ringside_config config = RINGSIDE_CONFIG_INIT;
    config.size = offsetof(ringside_config, ring_entries);
    config.ring_entries = 3;
    ringside_device* device = nullptr;
    ASSERT_EQ(ringside_open(&config, &device), 0);
    EXPECT_EQ(ringside_capacity(device, 0), 63u);
    EXPECT_EQ(ringside_close(device), 0);
}

TEST(CHeader, IsTheSameInCAndInOlderCxx) {
    EXPECT_EQ(ringside_config_size_in_c(), sizeof(ringside_config));
    EXPECT_EQ(ringside_config_size_in_cxx11(), sizeof(ringside_config));
}

}  // namespace
}  // namespace ringside
