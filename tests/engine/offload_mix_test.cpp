// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// Many jobs with data of their own over small rings, resumed in any order, unasked too, some given
// up: whoever finishes has the bytes that software computes.

#include <gtest/gtest.h>
#include <openssl/evp.h>

#include <deque>
#include <memory>
#include <ostream>
#include <vector>

#include "offload_application.hpp"
#include "offload_fixture.hpp"

namespace ringside {
namespace {

using testing::Application;
using testing::for_seeds;
using testing::OffloadMachine;

using Bytes = std::vector<std::byte>;

/// AES-128-CBC without padding, key and IV zero, as the machine's session.
Bytes encrypt_in_software(const Bytes& plaintext) {
    const std::array<unsigned char, 16> zeroes{};
    const std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)> cipher(
        EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free);
    Bytes ciphertext(plaintext.size());
    int length = 0;
    EVP_EncryptInit_ex(cipher.get(), EVP_aes_128_cbc(), nullptr, zeroes.data(), zeroes.data());
    EVP_CIPHER_CTX_set_padding(cipher.get(), 0);
    EVP_EncryptUpdate(cipher.get(), reinterpret_cast<unsigned char*>(ciphertext.data()), &length,
                      reinterpret_cast<const unsigned char*>(plaintext.data()),
                      static_cast<int>(plaintext.size()));
    EXPECT_EQ(static_cast<std::size_t>(length), plaintext.size());
    return ciphertext;
}

/// What one job has to do; outside its stack, for it may be given up.
struct Task {
    std::vector<Bytes> data;
    std::size_t done = 0;
};

struct Mix {
    const char* name;
    bool callbacks;
    unsigned spurious_percent;
    unsigned leaving_percent;
};
void PrintTo(const Mix& mix, std::ostream* out) {  // NOLINT(readability-identifier-naming)
    *out << mix.name;
}

class OffloadMix : public ::testing::TestWithParam<Mix> {
  protected:
    static constexpr std::size_t tasks = 24;

    static std::deque<Task> make_tasks(std::uint64_t seed) {
        Prng stream(seed, "tasks");
        std::deque<Task> made(tasks);
        for (Task& task : made) {
            task.data.resize(1 + stream.below(3));
            for (Bytes& bytes : task.data) {
                bytes.resize(16 * (1 + stream.below(40)));
                for (std::byte& byte : bytes) {
                    byte = static_cast<std::byte>(stream.below(256));
                }
            }
        }
        return made;
    }
    static void work(OffloadMachine& machine, Task& task) {
        for (Bytes& bytes : task.data) {
            std::array<std::byte, 16> iv{};
            const auto ended = machine.session.cbc(driver::Direction::encrypt, iv, bytes, bytes);
            EXPECT_FALSE(ended.has_error()) << ended.error().message();
            ++task.done;
        }
    }
    /// Every operation's bytes, and that no job is left over.
    static void check(const Application& application, const std::deque<Task>& done,
                      const std::deque<Task>& before) {
        for (std::size_t i = 0; i < tasks; ++i) {
            const auto& member = application.members()[i];
            EXPECT_NE(member.left, member.job.finished());
            EXPECT_TRUE(member.left || done[i].done == done[i].data.size());
            for (std::size_t j = 0; j < done[i].done; ++j) {
                ASSERT_EQ(done[i].data[j], encrypt_in_software(before[i].data[j]))
                    << "job " << i << ", operation " << j;
            }
        }
    }
};

TEST_P(OffloadMix, GivesEveryJobItsOwnBytes) {
    std::uint64_t eagain = 0;
    std::uint64_t all_left = 0;
    for (const std::uint32_t entries : {2u, 4u, 8u, 16u}) {
        for_seeds(15, [&](std::uint64_t seed) {
            SCOPED_TRACE("ring " + std::to_string(entries));
            OffloadMachine machine({.seed = seed, .ring_entries = entries});
            const auto before = make_tasks(seed);
            auto todo = before;
            Application application(*machine.accelerator.platform,
                                    {.seed = seed,
                                     .callbacks = GetParam().callbacks,
                                     .spurious_percent = GetParam().spurious_percent,
                                     .leaving_percent = GetParam().leaving_percent});
            for (Task& task : todo) {
                application.add([&] { work(machine, task); });
            }
            const auto earlier = machine.counters();
            application.run();
            machine.settle();
            check(application, todo, before);
            std::uint64_t done = 0;
            std::uint64_t left = 0;
            for (std::size_t i = 0; i < tasks; ++i) {
                done += todo[i].done;
                left += application.members()[i].left ? 1 : 0;
            }
            const auto counters = machine.counters();
            // What was given up may or may not have reached the device.
            EXPECT_GE(counters.ok - earlier.ok, done);
            EXPECT_LE(counters.ok - earlier.ok, done + left);
            EXPECT_EQ(counters.ok, counters.accepted);
            all_left += left;
            if (GetParam().spurious_percent == 0) {
                // Each operation is refused once at most, and then again only if it was told of a
                // slot that another took: no futile retries.
                EXPECT_EQ(counters.hints > 0, GetParam().callbacks && counters.eagain > 0);
                EXPECT_LE(counters.eagain, done + counters.hints);
                EXPECT_EQ(counters.lapses, 0u);
            }
            eagain += counters.eagain;
        });
    }
    EXPECT_GT(eagain, 100u) << "the rings were never full";
    EXPECT_EQ(all_left > 0, GetParam().leaving_percent > 0);
}

INSTANTIATE_TEST_SUITE_P(Told, OffloadMix,
                         ::testing::Values(Mix{"by_descriptor", false, 0, 0},
                                           Mix{"by_descriptor_roughly", false, 20, 4},
                                           Mix{"by_callback", true, 0, 0},
                                           Mix{"by_callback_roughly", true, 20, 4}),
                         [](const auto& each) { return std::string(each.param.name); });

}  // namespace
}  // namespace ringside
