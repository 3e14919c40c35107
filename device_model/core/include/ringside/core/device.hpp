// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// The RS1 accelerator as plain C++: registers, rings, slices, interrupts and time, with no
// simulation framework. Whoever hosts it (the SystemC shell) passes the time in, executes it up to
// an instant and asks when it next has something to do. One thread at a time.

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "ringside/base/time.hpp"
#include "ringside/base/trace.hpp"
#include "ringside/core/fault_rule.hpp"
#include "ringside/core/ports.hpp"
#include "ringside/spec/pci_identity.hpp"
#include "ringside/spec/wire.hpp"

namespace ringside::core {

/// What a slice takes for one operation.
struct ServiceTime {
    Duration fixed;
    Duration per_byte;
};

/// What an asymmetric slice takes on one curve, for each command.
struct CurveTimes {
    Duration sign;
    Duration verify;
    Duration agree;

    constexpr Duration of(spec::Opcode opcode) const {
        return opcode == spec::Opcode::sign     ? sign
               : opcode == spec::Opcode::verify ? verify
                                                : agree;
    }
};

/// By algorithm. A byte is one of the source; of the output for random; of both for derive.
struct ServiceTimes {
    /// Encryption does one block after the other, each needs the one before: 4 GB/s a slice.
    ServiceTime aes_cbc{std::chrono::nanoseconds(400), Duration(250)};
    /// Two blocks at one time.
    ServiceTime aes_ctr{std::chrono::nanoseconds(400), Duration(125)};
    /// As CTR, with a slower GHASH; the hash key and its powers first, the tag last.
    ServiceTime aes_gcm{std::chrono::nanoseconds(500), Duration(150)};
    /// As CTR, after a second key schedule and the encryption of the tweak.
    ServiceTime aes_xts{std::chrono::nanoseconds(450), Duration(125)};
    ServiceTime chacha20_poly1305{std::chrono::nanoseconds(450), Duration(300)};
    ServiceTime record{std::chrono::nanoseconds(700), Duration(500)};  ///< AES-CBC with HMAC
    ServiceTime hash{std::chrono::nanoseconds(300), Duration(400)};
    ServiceTime hmac{std::chrono::nanoseconds(500), Duration(400)};
    ServiceTime derive{std::chrono::nanoseconds(2'000), Duration(5'000)};
    ServiceTime random{std::chrono::nanoseconds(1'000), Duration(500)};
    /// With a modulus of 2048 bits: the private power grows with the cube of the length, the public
    /// one with its square.
    Duration rsa_2048_private = std::chrono::microseconds(150);
    Duration rsa_2048_public = std::chrono::microseconds(6);
    CurveTimes p256{std::chrono::microseconds(40), std::chrono::microseconds(60),
                    std::chrono::microseconds(50)};
    CurveTimes p384{std::chrono::microseconds(100), std::chrono::microseconds(150),
                    std::chrono::microseconds(120)};
    CurveTimes curve25519{std::chrono::microseconds(30), std::chrono::microseconds(60),
                          std::chrono::microseconds(40)};
};

/// Slices by what they compute: bits of DeviceConfig::broken_slices.
enum class SliceKind : std::uint8_t {
    cipher = 1 << 0,
    record = 1 << 1,
    hash = 1 << 2,
    derive = 1 << 3,
    random = 1 << 4,
    rsa = 1 << 5,
    curve = 1 << 6,
};

inline constexpr unsigned max_helpers = 3;

/// Which slices do a command's work; each class has its own, and a queue and a watchdog for them.
enum class SliceClass : std::uint8_t { symmetric, asymmetric };
inline constexpr std::size_t slice_classes = 2;

/// What a self-test computes, which the host pays for: some 4 ms for all known answers, 10 us for
/// those of AES, which is for who makes thousands of chips. The chip does the same with either, and
/// when; slices that are said to be broken are found by both.
enum class SelfTestScope : std::uint8_t { all, aes };

/// How long the stages of an operation take, and how much of everything the chip has: as it stands
/// the standard chip; core/chips.hpp has others. Sizes and counts are not 0 where 0 is not named.
struct DeviceConfig {
    std::uint32_t queue_pairs = 8;  ///< the admin queue included; 2 to spec::max_queue_pairs
    std::uint32_t log2_max_entries = 12;
    std::uint32_t max_sessions = 4096;
    std::uint32_t max_length = 1u << 20;
    std::uint32_t max_list_entries = 32;  ///< pieces of a scatter-gather list
    std::uint32_t slices = 2;             ///< symmetric ones, working in parallel
    std::uint32_t asymmetric_slices = 2;
    std::uint32_t fetch_batch = 8;                      ///< descriptors a fetch reads at most
    Duration doorbell = std::chrono::nanoseconds(100);  ///< doorbell write to start of fetch
    Duration fetch = std::chrono::nanoseconds(500);     ///< one batch of descriptors
    Duration dma_read = std::chrono::nanoseconds(600);  ///< latency of a payload read
    Duration dma_write = std::chrono::nanoseconds(300);
    spec::pci::LinkWidth link;              ///< what configuration space names
    Duration link_per_byte = Duration(63);  ///< raw rate, about 16 GB/s each way
    std::uint32_t packet_overhead = 0;      ///< bytes around the payload of a packet
    std::uint32_t max_payload = 256;        ///< bytes of payload in a packet
    std::uint32_t max_read_request = 512;   ///< bytes that one read request asks for
    std::uint32_t read_tags = 0;            ///< read requests without an answer; 0: no limit
    std::uint32_t posted_credits = 0;       ///< write packets not yet taken in; 0: no limit
    Duration credit_return = std::chrono::nanoseconds(200);  ///< until one is taken in
    ServiceTimes service;
    Duration completion = std::chrono::nanoseconds(150);
    Duration interrupt = std::chrono::nanoseconds(200);
    Duration enable = std::chrono::microseconds(10);      ///< ENABLING to READY
    Duration reset = std::chrono::microseconds(20);       ///< RESET to the self-test
    Duration self_test = std::chrono::microseconds(400);  ///< and from there to DISABLED
    SelfTestScope self_test_scope = SelfTestScope::all;
    /// Slices that compute wrongly, a bit each: a fault of silicon, for the self-test to find.
    std::uint8_t broken_slices = 0;
    /// Threads that compute ahead while the model's time goes on, at most max_helpers. What the
    /// chip does and when is the same with any number.
    unsigned helpers = 0;
    bool fault_injection = true;    ///< the FI_* registers exist
    std::vector<FaultRule> faults;  ///< what their slots hold after power-on; spec::fault_rules
};

class Device final : public blocks::Function {
  public:
    /// The ports and the trace must outlive the device. After power-on only configuration space
    /// answers, and no DMA or message leaves, until a host has enumerated the function.
    Device(const DeviceConfig& config, DmaPort& dma, MsiPort& msi, Trace& trace);
    ~Device() override;
    Device(const Device&) = delete;
    Device& operator=(const Device&) = delete;

    /// What is no aligned 32-bit access to a register raises ERR_SRC.BAD_ACCESS.
    bool read(Bar bar, Time now, std::uint32_t offset, std::span<std::byte> into) override;
    bool write(Bar bar, Time now, std::uint32_t offset, std::span<const std::byte> from) override;
    bool peek(Bar bar, Time now, std::uint32_t offset, std::span<std::byte> into) const override;
    void advance(Time now) override;
    void run(Time limit, Time& clock, const blocks::RunTerms& terms) override;
    std::optional<Time> next_event() const override;

    /// Puts a rule into a free slot, as writes to the FI_* registers would. The slot; empty: all
    /// are taken, its kind does not exist, or the chip has no fault injection, is DEAD or gone.
    std::optional<std::uint32_t> inject(const FaultRule& rule);

  private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

/// For a host: the accelerator with this configuration.
blocks::MakeFunction make_device(const DeviceConfig& config);

}  // namespace ringside::core
