// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// A row of operations, one after the other, on a chip with rules of fault injection, and all that a
// driver can see of each: two runs that differ in their rules alone show what the rules do. For the
// fault_* tests.

#include <cstring>
#include <map>
#include <ostream>
#include <string>
#include <vector>

#include "chip_bench.hpp"
#include "ringside/core/fault_rule.hpp"
#include "ringside/spec/faults.hpp"

namespace ringside::testing {

/// What the outside sees between an operation's doorbell and the chip's next rest.
struct Observation {
    std::vector<spec::CompletionEntry> completions;
    std::vector<std::byte> output;
    std::map<std::uint32_t, std::size_t> messages;  ///< by vector
    Duration duration{};                            ///< doorbell to the last completion entry
    Duration service{};                             ///< source read to slice done
    Duration behind_source{};                       ///< source read to output written
    std::uint32_t errors = 0;                       ///< ERR_SRC
    std::uint64_t error_address = 0;
    std::uint32_t error_origin = 0xFFFFFFFF;  ///< ERR_INFO
    std::uint32_t status = 0;                 ///< configuration space: Status
    std::uint32_t device_status = 0;
    std::uint32_t uncorrectable = 0;
    std::uint32_t correctable = 0;
    std::uint32_t in_flight = 0;  ///< INFLIGHT, after the driver has acknowledged

    /// What an error leaves, so that the next operation begins without it.
    void add_error(spec::ErrorSource source, std::uint64_t address, std::uint16_t cid) {
        errors = spec::bit_of(source);
        error_address = address;
        error_origin = 1u << 16 | cid;
        messages[spec::error_vector] = 1;
    }
    /// The one completion, as it comes if the operation fails.
    void fail(spec::StatusType type, std::uint16_t code, std::uint64_t detail = 0) {
        completions.at(0).status = spec::encode_status({type, code}, true);
        completions.at(0).result = 0;
        completions.at(0).detail = static_cast<std::uint32_t>(detail);
        std::fill(output.begin(), output.end(), std::byte{0});
    }
    void take_longer(Duration time) {
        duration += time;
        completions.at(0).latency_ns += static_cast<std::uint32_t>(to_ns(Time{time}));
    }
};

inline bool operator==(const Observation& a, const Observation& b) {
    const auto same = [](const spec::CompletionEntry& x, const spec::CompletionEntry& y) {
        return std::memcmp(&x, &y, sizeof x) == 0;
    };
    const auto rest = [](const Observation& of) {
        return std::tie(of.output, of.messages, of.duration, of.errors, of.error_address,
                        of.error_origin, of.status, of.device_status, of.uncorrectable,
                        of.correctable, of.in_flight);
    };
    return std::equal(a.completions.begin(), a.completions.end(), b.completions.begin(),
                      b.completions.end(), same) &&
           rest(a) == rest(b);
}

inline std::ostream& operator<<(std::ostream& out, const Observation& seen) {
    out << std::hex;
    for (const auto& entry : seen.completions) {
        out << "\n  entry cid " << entry.cid << " tag " << entry.user_tag << " status "
            << entry.status << " result " << entry.result << " detail " << entry.detail
            << " sq_head " << entry.sq_head << " latency " << std::dec << entry.latency_ns
            << std::hex;
    }
    out << "\n  output";
    for (std::size_t i = 0; i < std::min<std::size_t>(seen.output.size(), 8); ++i) {
        out << ' ' << std::to_integer<int>(seen.output[i]);
    }
    for (const auto& [vector, count] : seen.messages) {
        out << "\n  vector " << vector << ": " << std::dec << count << std::hex;
    }
    return out << "\n  duration " << std::dec << seen.duration.count() << std::hex << " errors "
               << seen.errors << " at " << seen.error_address << " of " << seen.error_origin
               << " status " << seen.status << " device status " << seen.device_status
               << " uncorrectable " << seen.uncorrectable << " correctable " << seen.correctable
               << " in flight " << seen.in_flight << std::dec;
}

/// What each operation of the row is.
enum class Work { encrypt, decrypt_good_tag, decrypt_bad_tag };

/// The bench with queue pairs 1 and 2 and sessions for both algorithms; rules come later, so that
/// setting up meets none.
class FaultBench : public Bench {
  public:
    static constexpr std::uint32_t queue = 1;
    static constexpr std::uint32_t length = 64;
    static constexpr std::uint32_t tag_length = 16;

    explicit FaultBench(const core::DeviceConfig& config = {}) : Bench(config) {
        enable_queue(0, 16);
        enable_queue(queue, 64);
        enable_queue(2, 64);
        cbc = execute(0, session_request()).result;
        auto parameters = session_request();
        memory.put(parameters.src, spec::SessionParameters{
                                       static_cast<std::uint8_t>(spec::Algorithm::aes_gcm), 0, 16});
        gcm = execute(0, parameters).result;
        acknowledge(queue, true);
        acknowledge(2, true);
        trace.listen([this](const TraceEvent& event) {
            if (event.kind == TraceKind::completion) {
                last_completion = event.time;
            } else if (event.kind == TraceKind::dma_read) {
                source_read = event.time;
            } else if (event.kind == TraceKind::slice) {
                slice_done = event.time;
            } else if (event.kind == TraceKind::dma_write) {
                output_written = event.time;
            } else if (event.kind == TraceKind::fault) {
                struck.push_back(event);
            }
        });
    }

    /// The slot.
    std::uint32_t inject(const core::FaultRule& rule) {
        const auto slot = device.inject(rule);
        EXPECT_TRUE(slot.has_value());
        return slot.value_or(0);
    }
    std::uint32_t matched(std::uint32_t slot) { return read(spec::at("FI_MATCHED").of(slot)); }
    std::uint32_t fired(std::uint32_t slot) { return read(spec::at("FI_FIRED").of(slot)); }
    bool is_active(std::uint32_t slot) { return (read(spec::at("FI_CTRL").of(slot)) & 1) != 0; }

    spec::SubmissionEntry make(Work work, std::uint16_t cid) {
        auto entry = encryption(cid, work == Work::encrypt ? cbc : gcm, length);
        std::ranges::fill(memory.at(entry.src, length), std::byte(cid + 1));
        if (work != Work::encrypt) {
            // Sealed by the chip itself, on the queue pair that no rule of the test looks at.
            auto seal = entry;
            seal.dst = memory.allocate(length + tag_length);
            seal.dst_len = length + tag_length;
            seal.tag_len = tag_length;
            EXPECT_TRUE(status_of(execute(2, seal)).ok());
            entry.src = seal.dst;
            entry.src_len = seal.dst_len;
            entry.tag_len = tag_length;
            entry.flags = static_cast<std::uint8_t>(flag(spec::SubmissionFlag::decrypt));
            if (work == Work::decrypt_bad_tag) {
                memory.at(entry.src + length, 1)[0] ^= std::byte{0x80};
            }
        }
        return entry;
    }

    /// One operation from its doorbell until the chip has nothing more to do, then as a driver
    /// after it: all consumed, armed, errors cleared, its vector unmasked.
    Observation observe(const spec::SubmissionEntry& entry) {
        messages.clear();
        push(queue, entry);
        const Time start = now;
        last_completion = start;
        ring(queue);
        run();
        Observation seen;
        seen.duration = last_completion - start;
        seen.service = slice_done - source_read;
        seen.behind_source = output_written - source_read;
        for (const Message& message : messages) {
            ++seen.messages[message.data];
        }
        seen.completions = reap(queue, true);
        const auto output = memory.at(entry.dst, length);
        seen.output.assign(output.begin(), output.end());
        seen.errors = peek(spec::at("ERR_SRC").of());
        seen.error_address = peek(spec::at("ERR_ADDR").of());
        seen.error_address |= std::uint64_t{peek(spec::at("ERR_ADDR").of() + 4)} << 32;
        seen.error_origin = peek(spec::at("ERR_INFO").of());
        seen.in_flight = peek(spec::at("INFLIGHT").of(queue));
        clear_errors();
        seen.status = take_errors(spec::pci::at("COMMAND")) >> 16;
        seen.device_status = take_errors(spec::pci::at("DEVCTL")) >> 16;
        seen.uncorrectable = take_errors(spec::pci::at("UNCOR_STATUS"));
        seen.correctable = take_errors(spec::pci::at("COR_STATUS"));
        write_msix(spec::queue_vector(queue) * 16 + 12, 0);
        return seen;
    }

    /// Reads a double word of configuration space and writes it back, which clears what is sticky.
    std::uint32_t take_errors(std::uint32_t offset) {
        std::uint32_t value = 0;
        const auto bytes = std::as_writable_bytes(std::span(&value, 1));
        EXPECT_TRUE(device.read(core::Bar::config, now, offset, bytes));
        EXPECT_TRUE(device.write(core::Bar::config, now, offset, bytes));
        return value;
    }

    std::uint32_t cbc = 0;
    std::uint32_t gcm = 0;
    Time source_read{};
    Time slice_done{};
    Time output_written{};
    Time last_completion{};
    std::vector<TraceEvent> struck;
};

}  // namespace ringside::testing
