// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// A test bench for the chip alone: memory behind its DMA port that can be made to fail access by
// access, a record of its MSI-X messages, time that moves one calendar entry at a time, and queue
// pairs driven by hand, as a driver's author would with the datasheet and a debugger.

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "ringside/base/trace.hpp"
#include "ringside/core/device.hpp"
#include "ringside/spec/pci_config.hpp"
#include "ringside/spec/registers.hpp"
#include "ringside/spec/wire.hpp"

namespace ringside::testing {

/// Memory from `base` on. Everything else faults; so does what a test takes away. Each access is
/// shown to `judge` first, which may answer in the fabric's place.
class BenchMemory final : public core::DmaPort {
  public:
    static constexpr std::uint64_t base = 0x10'0000'0000;
    struct Access {
        bool is_write;
        std::uint64_t address;
        std::size_t size;
    };

    core::DmaResult read(std::uint64_t address, std::span<std::byte> into) override {
        const Access access{false, address, into.size()};
        if (const auto verdict = answer(access); verdict != core::DmaResult::ok) {
            return verdict;
        }
        std::memcpy(into.data(), bytes_.data() + (address - base), into.size());
        accesses.push_back(access);
        return core::DmaResult::ok;
    }
    /// Not where `judge` wants to be asked.
    const std::byte* look(std::uint64_t address, std::size_t size) override {
        if (judge || !is_mapped(address, size)) {
            return nullptr;
        }
        accesses.push_back({false, address, size});
        return bytes_.data() + (address - base);
    }
    std::byte* look_to_write(std::uint64_t address, std::size_t size) override {
        if (judge || !is_mapped(address, size)) {
            return nullptr;
        }
        accesses.push_back({true, address, size});
        return bytes_.data() + (address - base);
    }
    core::DmaResult write(std::uint64_t address, std::span<const std::byte> from) override {
        const Access access{true, address, from.size()};
        if (const auto verdict = answer(access); verdict != core::DmaResult::ok) {
            return verdict;
        }
        std::memcpy(bytes_.data() + (address - base), from.data(), from.size());
        accesses.push_back(access);
        return core::DmaResult::ok;
    }

    /// `size` zero bytes, aligned to their size rounded up to a power of two.
    std::uint64_t allocate(std::size_t size) {
        std::size_t alignment = 64;
        while (alignment < size) {
            alignment *= 2;
        }
        const std::size_t at = (bytes_.size() + alignment - 1) / alignment * alignment;
        bytes_.resize(at + size);
        return base + at;
    }
    std::span<std::byte> at(std::uint64_t address, std::size_t size) {
        return std::span(bytes_).subspan(address - base, size);
    }
    /// From now on accesses that touch [address, address + size) fault.
    void unmap(std::uint64_t address, std::size_t size) { holes_.emplace_back(address, size); }
    void map_all() { holes_.clear(); }
    template <typename Object>
    void put(std::uint64_t address, const Object& object) {
        std::memcpy(at(address, sizeof object).data(), &object, sizeof object);
    }
    template <typename Object>
    Object get(std::uint64_t address) {
        Object object;
        std::memcpy(&object, at(address, sizeof object).data(), sizeof object);
        return object;
    }

    std::vector<Access> accesses;  ///< that succeeded, in order
    std::function<core::DmaResult(const Access&)> judge;

  private:
    core::DmaResult answer(const Access& access) const {
        const auto verdict = judge ? judge(access) : core::DmaResult::ok;
        const bool faults =
            verdict == core::DmaResult::ok && !is_mapped(access.address, access.size);
        return faults ? core::DmaResult::iommu_fault : verdict;
    }
    bool is_mapped(std::uint64_t address, std::size_t size) const {
        for (const auto& [hole, length] : holes_) {
            if (address < hole + length && hole < address + size) {
                return false;
            }
        }
        return address >= base && size <= bytes_.size() && address - base <= bytes_.size() - size;
    }

    std::vector<std::byte> bytes_;
    std::vector<std::pair<std::uint64_t, std::size_t>> holes_;
};

/// What a kernel does before a driver gets to see the function.
inline void enable_function(core::Device& device, Time now) {
    const auto set = [&](std::uint32_t offset, std::uint16_t value) {
        EXPECT_TRUE(
            device.write(core::Bar::config, now, offset, std::as_bytes(std::span(&value, 1))));
    };
    set(spec::pci::at("COMMAND"),
        spec::pci::command::memory_space | spec::pci::command::bus_master);
    set(spec::pci::at("MSIX_CTRL"), spec::pci::msix_control::enable);
}

inline spec::SubmissionEntry nop(std::uint16_t cid, unsigned flags = 0) {
    spec::SubmissionEntry entry;
    entry.opcode = static_cast<std::uint8_t>(spec::Opcode::nop);
    entry.flags = static_cast<std::uint8_t>(flags);
    entry.cid = cid;
    entry.user_tag = cid;
    return entry;
}

constexpr unsigned flag(spec::SubmissionFlag flag) {
    return static_cast<unsigned>(flag);
}

inline std::vector<std::uint16_t> cids(const std::vector<spec::CompletionEntry>& completions) {
    std::vector<std::uint16_t> all;
    all.reserve(completions.size());
    for (const auto& completion : completions) {
        all.push_back(completion.cid);
    }
    return all;
}

class Bench : public core::MsiPort {
  public:
    struct Message {
        Time time;
        std::uint64_t address;
        std::uint32_t data;
    };
    struct Ring {
        std::uint64_t sq = 0;
        std::uint64_t cq = 0;
        std::uint32_t sq_mask = 0;
        std::uint32_t cq_mask = 0;
        std::uint32_t tail = 0;
        std::uint32_t head = 0;
        bool phase = true;

        std::uint64_t sq_entry(std::uint32_t index) const {
            return sq + std::uint64_t{index} * sizeof(spec::SubmissionEntry);
        }
        std::uint64_t cq_entry(std::uint32_t index) const {
            return cq + std::uint64_t{index} * sizeof(spec::CompletionEntry);
        }
    };

    /// A chip that is READY, each vector unmasked and sending its own number.
    explicit Bench(const core::DeviceConfig& config = {}) : device(config, memory, *this, trace) {
        enable_function(device, now);
        start();
    }

    /// From RESET or DISABLED to READY.
    void start() {
        run();
        write(spec::at("CC").of(), 1);
        run();
        for (std::uint32_t vector = 0; vector < spec::max_vectors; ++vector) {
            write_msix(vector * 16 + 8, vector);
            write_msix(vector * 16 + 12, 0);
        }
    }
    void device_reset() { write(spec::at("RESET").of(), spec::reset_key); }
    /// Configuration space is as before it again.
    void function_level_reset() {
        const std::uint16_t control = spec::pci::device_control::initiate_reset;
        EXPECT_TRUE(device.write(core::Bar::config, now, spec::pci::at("DEVCTL"),
                                 std::as_bytes(std::span(&control, 1))));
        enable_function(device, now);
    }
    void reset(bool is_function_level) {
        if (is_function_level) {
            function_level_reset();
        } else {
            device_reset();
        }
    }

    void send(std::uint64_t address, std::uint32_t data) override {
        messages.push_back({now, address, data});
    }
    std::size_t messages_of(std::uint32_t vector) const {
        return static_cast<std::size_t>(
            std::count_if(messages.begin(), messages.end(),
                          [=](const Message& message) { return message.data == vector; }));
    }

    // ---- registers ----

    std::uint32_t read(std::uint32_t offset) { return read_bar(core::Bar::registers, offset); }
    std::uint64_t read64(std::uint32_t offset) {
        const std::uint64_t low = read(offset);
        return low | std::uint64_t{read(offset + 4)} << 32;
    }
    void write(std::uint32_t offset, std::uint32_t value) {
        EXPECT_TRUE(device.write(core::Bar::registers, now, offset, bytes_of(value)));
    }
    void write64(std::uint32_t offset, std::uint64_t value) {
        write(offset, static_cast<std::uint32_t>(value));
        write(offset + 4, static_cast<std::uint32_t>(value >> 32));
    }
    std::uint32_t read_msix(std::uint32_t offset) { return read_bar(core::Bar::msix, offset); }
    void write_msix(std::uint32_t offset, std::uint32_t value) {
        EXPECT_TRUE(device.write(core::Bar::msix, now, offset, bytes_of(value)));
    }
    /// Without the effects that a read may have.
    std::uint32_t peek(std::uint32_t offset) const {
        std::uint32_t value = 0;
        EXPECT_TRUE(device.peek(core::Bar::registers, now, offset, bytes_of(value)));
        return value;
    }
    spec::DeviceState state() const {
        return static_cast<spec::DeviceState>(
            spec::field("CSTS", "STATE").get(peek(spec::at("CSTS").of())));
    }
    spec::QueueState queue_state(std::uint32_t queue) const {
        return static_cast<spec::QueueState>(peek(spec::at("Q_STS").of(queue)));
    }
    std::uint32_t errors() const { return peek(spec::at("ERR_SRC").of()); }
    bool has_error(spec::ErrorSource source) const {
        return (errors() & spec::bit_of(source)) != 0;
    }
    void clear_errors() { write(spec::at("ERR_SRC").of(), 0xFFFFFFFF); }

    // ---- time ----

    /// To the next calendar entry. False: the chip has nothing more to do by itself.
    bool step() {
        const auto next = device.next_event();
        if (next) {
            now = std::max(now, *next);
            device.advance(now);
        }
        return next.has_value();
    }
    void run() {
        while (step()) {
        }
    }
    void run_for(Duration duration) {
        const Time end = now + duration;
        while (device.next_event() && *device.next_event() <= end) {
            step();
        }
        now = end;
        device.advance(now);
    }

    /// As a host does that knows that nobody accesses the chip or its memory before `end`.
    void run_ahead(Time end) {
        device.run(end, now, {.host_stands_still = true});
        now = end;
        device.advance(now);
    }

    // ---- queue pairs ----

    /// On fresh memory.
    void enable_queue(std::uint32_t queue, std::uint32_t sq_entries, std::uint32_t cq_entries) {
        Ring ring;
        ring.sq = memory.allocate(sq_entries * sizeof(spec::SubmissionEntry));
        ring.cq = memory.allocate(cq_entries * sizeof(spec::CompletionEntry));
        ring.sq_mask = sq_entries - 1;
        ring.cq_mask = cq_entries - 1;
        rings[queue] = ring;
        enable_again(queue);
    }
    void enable_queue(std::uint32_t queue, std::uint32_t entries) {
        enable_queue(queue, entries, entries);
    }
    /// On the memory that it had; indices and phase start anew.
    void enable_again(std::uint32_t queue) {
        Ring& ring = rings.at(queue);
        ring.tail = 0;
        ring.head = 0;
        ring.phase = true;
        write64(spec::at("SQ_BASE").of(queue), ring.sq);
        write64(spec::at("CQ_BASE").of(queue), ring.cq);
        write(spec::at("Q_SIZE").of(queue), ring.cq_mask << 16 | ring.sq_mask);
        write(spec::at("CQ_VEC").of(queue), 1u << 31 | spec::queue_vector(queue));
        write(spec::at("Q_CTRL").of(queue), 1);
    }
    void push(std::uint32_t queue, const spec::SubmissionEntry& entry) {
        Ring& ring = rings.at(queue);
        memory.put(ring.sq_entry(ring.tail), entry);
        ring.tail = (ring.tail + 1) & ring.sq_mask;
    }
    void ring(std::uint32_t queue) { write(spec::at("SQ_DB").of(queue), rings.at(queue).tail); }
    /// The next completion if its phase says that it is there; the device is not told.
    std::optional<spec::CompletionEntry> take(std::uint32_t queue) {
        Ring& ring = rings.at(queue);
        const auto entry = memory.get<spec::CompletionEntry>(ring.cq_entry(ring.head));
        if (spec::phase_of(entry.status) != ring.phase) {
            return std::nullopt;
        }
        ring.head = (ring.head + 1) & ring.cq_mask;
        ring.phase ^= ring.head == 0;
        return entry;
    }
    void acknowledge(std::uint32_t queue, bool arm = false) {
        const auto armed = spec::field("CQ_DB", "ARM").set(arm ? 1 : 0);
        write(spec::at("CQ_DB").of(queue), rings.at(queue).head | static_cast<unsigned>(armed));
    }
    std::vector<spec::CompletionEntry> reap(std::uint32_t queue, bool arm = false) {
        std::vector<spec::CompletionEntry> reaped;
        while (const auto entry = take(queue)) {
            reaped.push_back(*entry);
        }
        acknowledge(queue, arm);
        return reaped;
    }
    /// One descriptor alone on a queue, to its completion.
    spec::CompletionEntry execute(std::uint32_t queue, const spec::SubmissionEntry& entry) {
        push(queue, entry);
        ring(queue);
        run();
        const auto reaped = reap(queue);
        EXPECT_EQ(reaped.size(), 1u);
        return reaped.empty() ? spec::CompletionEntry{} : reaped.front();
    }

    // ---- operations ----

    /// A session on the admin queue, which must be enabled.
    std::uint32_t create_session(spec::Algorithm algorithm, std::span<const std::byte> key,
                                 std::span<const std::byte> second_key = {},
                                 spec::Hash hash = spec::Hash::none) {
        const auto completion = execute(0, session_request(algorithm, key, second_key, hash));
        EXPECT_TRUE(spec::decode_status(completion.status).ok());
        return completion.result;
    }
    spec::SubmissionEntry session_request(spec::Algorithm algorithm, std::span<const std::byte> key,
                                          std::span<const std::byte> second_key = {},
                                          spec::Hash hash = spec::Hash::none) {
        const spec::SessionParameters parameters{
            .algorithm = static_cast<std::uint8_t>(algorithm),
            .hash = static_cast<std::uint8_t>(hash),
            .key_len = static_cast<std::uint16_t>(key.size()),
            .second_key_len = static_cast<std::uint16_t>(second_key.size())};
        spec::SubmissionEntry entry;
        entry.opcode = static_cast<std::uint8_t>(spec::Opcode::session_create);
        const std::size_t size = sizeof parameters + key.size() + second_key.size();
        entry.src = memory.allocate(size);
        entry.src_len = static_cast<std::uint32_t>(size);
        memory.put(entry.src, parameters);
        const auto keys = memory.at(entry.src, size).subspan(sizeof parameters);
        std::copy(second_key.begin(), second_key.end(),
                  std::copy(key.begin(), key.end(), keys.begin()));
        return entry;
    }
    /// For AES-CBC with a key of zeros.
    spec::SubmissionEntry session_request(std::uint16_t cid = 0) {
        auto entry = session_request(spec::Algorithm::aes_cbc, std::array<std::byte, 16>{});
        entry.cid = cid;
        entry.user_tag = cid;
        return entry;
    }
    /// AES-CBC over fresh buffers.
    spec::SubmissionEntry encryption(std::uint16_t cid, std::uint32_t session,
                                     std::uint32_t length = 64) {
        auto entry = nop(cid);
        entry.opcode = static_cast<std::uint8_t>(spec::Opcode::cipher);
        entry.session = session;
        entry.src = memory.allocate(length);
        entry.dst = memory.allocate(length);
        entry.src_len = length;
        entry.dst_len = length;
        entry.iv_len = 16;
        return entry;
    }

    /// By GET_LOG on the admin queue, which must be enabled. Newest first.
    std::vector<spec::LogEntry> error_log() {
        auto entry = nop(0);
        entry.opcode = static_cast<std::uint8_t>(spec::Opcode::get_log);
        entry.dst_len = spec::log_entries * sizeof(spec::LogEntry);
        entry.dst = memory.allocate(entry.dst_len);
        std::vector<spec::LogEntry> log(execute(0, entry).result / sizeof(spec::LogEntry));
        for (std::size_t i = 0; i < log.size(); ++i) {
            log[i] = memory.get<spec::LogEntry>(entry.dst + i * sizeof(spec::LogEntry));
        }
        return log;
    }

    Trace trace{1};
    BenchMemory memory;
    Time now{};
    std::vector<Message> messages;
    std::map<std::uint32_t, Ring> rings;
    core::Device device;

  private:
    static std::span<std::byte> bytes_of(std::uint32_t& value) {
        return std::as_writable_bytes(std::span(&value, 1));
    }
    std::uint32_t read_bar(core::Bar bar, std::uint32_t offset) {
        std::uint32_t value = 0;
        EXPECT_TRUE(device.read(bar, now, offset, bytes_of(value)));
        return value;
    }
};

/// A bench with an AES-CBC session, and buffers for it.
struct CipherBench : Bench {
    explicit CipherBench(const core::DeviceConfig& config = {}) : Bench(config) {
        enable_queue(0, 16);
        enable_queue(1, 64);
        session = create_session(spec::Algorithm::aes_cbc, key);
    }
    spec::SubmissionEntry encryption(std::uint16_t cid, std::uint32_t length) {
        return Bench::encryption(cid, session, length);
    }

    std::array<std::byte, 16> key{};
    std::uint32_t session = 0;
};

inline spec::Status status_of(const spec::CompletionEntry& completion) {
    return spec::decode_status(completion.status);
}

}  // namespace ringside::testing
