// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// A machine in virtual time with an Offload and a session on it, for the offload tests, and the
// work that their jobs do: one AES-CBC operation whose result is known.

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "ringside/offload/cipher_session.hpp"
#include "ringside/offload/offload.hpp"
#include "ringside/testing/accelerator.hpp"
#include "test_job.hpp"

namespace ringside::testing {

struct MachineConfig {
    std::uint64_t seed = 1;
    std::uint32_t ring_entries = 4;
    bool callbacks = true;
    sim::Interleaving interleaving = sim::Interleaving::seeded;
    std::uint32_t max_length = core::DeviceConfig{}.max_length;
    Duration reservation_lapse = driver::DeviceConfig{}.reservation_lapse;
};

class OffloadMachine {
  public:
    explicit OffloadMachine(const MachineConfig& config)
        : accelerator(
              {.device = {.max_length = config.max_length,
                          .self_test_scope = core::SelfTestScope::aes},
               .seed = config.seed,
               .interleaving = config.interleaving},
              {.ring_entries = config.ring_entries, .reservation_lapse = config.reservation_lapse}),
          offload(*accelerator.device, {.callbacks = config.callbacks}),
          session(offload::CipherSession::create(offload, spec::Algorithm::aes_cbc,
                                                 std::array<std::byte, 16>{})
                      .value()) {
        expected = encrypt().value();
    }
    ~OffloadMachine() {
        settle();
        const auto counters = accelerator.queue().counters();
        EXPECT_EQ(counters.accepted, counters.ok + counters.failed + counters.cancelled);
        EXPECT_EQ(counters.in_flight, 0u);
        EXPECT_EQ(counters.reserved, 0u);
        EXPECT_EQ(counters.waiting, 0u);
        EXPECT_EQ(counters.stale_completions, 0u);
    }

    using Block = std::array<std::byte, 64>;

    /// One operation, on a block of zeroes.
    driver::result<Block> encrypt() {
        Block block{};
        std::array<std::byte, 16> iv{};
        const auto done = session.cbc(driver::Direction::encrypt, iv, block, block);
        return done ? driver::result<Block>(block) : done.error();
    }
    /// What a job does: one operation that must be right.
    void work() {
        const auto block = encrypt();
        EXPECT_TRUE(block && *block == expected);
        ++completed;
    }
    /// The next operation ends while its caller has submitted it and not yet paused.
    void complete_before_the_pause() {
        accelerator.platform->observe_schedule_points(
            [this, waits = true](const char* name) mutable {
                if (waits && std::string_view(name) == "offload.run.submitted") {
                    waits = false;
                    settle();
                }
            });
    }
    /// Lets everything happen that is under way.
    void settle() { accelerator.platform->run_until_idle(); }

    driver::QueueCounters counters() { return accelerator.queue().counters(); }
    void wait_readable(int fd) { accelerator.platform->wait_readable(fd); }

    Accelerator accelerator;
    offload::Offload offload;
    offload::CipherSession session;
    Block expected{};
    int completed = 0;
};

/// Calls `body(seed)` with many seeds, each named in a failure. Under sanitizers with fewer: a seed
/// takes up to ten times as long, and for ThreadSanitizer virtual time is one thread.
template <typename Body>
void for_seeds(unsigned count, Body body) {
#if defined(__SANITIZE_THREAD__)
    count = std::max(count / 10, 1u);
#elif defined(__SANITIZE_ADDRESS__)
    count = std::max(count / 4, 1u);
#endif
    for (unsigned i = 0; i < count && !::testing::Test::HasFailure(); ++i) {
        const std::uint64_t each = seed() * 1'000'000 + i;
        SCOPED_TRACE("platform seed " + std::to_string(each));
        body(each);
    }
}

}  // namespace ringside::testing
