// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// The core alone on a DMA port that a test can watch and make fail, access by access, with rings of
// unequal sizes and time that moves one calendar entry at a time. For the core_* tests; memory and
// descriptors are those of chip_bench.hpp.

#include <functional>
#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include "chip_bench.hpp"

namespace ringside::testing {

/// Memory whose accesses are shown to `judge` first, which may answer in the fabric's place.
class JudgedPort final : public core::DmaPort {
  public:
    using Access = BenchMemory::Access;

    core::DmaResult read(std::uint64_t address, std::span<std::byte> into) override {
        const core::DmaResult verdict = ask({false, address, into.size()});
        return verdict == core::DmaResult::ok ? memory.read(address, into) : verdict;
    }
    core::DmaResult write(std::uint64_t address, std::span<const std::byte> from) override {
        const core::DmaResult verdict = ask({true, address, from.size()});
        return verdict == core::DmaResult::ok ? memory.write(address, from) : verdict;
    }

    BenchMemory memory;  ///< its `accesses` are those that succeeded
    std::function<core::DmaResult(const Access&)> judge;

  private:
    core::DmaResult ask(const Access& access) const {
        return judge ? judge(access) : core::DmaResult::ok;
    }
};

class CoreBench : public core::MsiPort {
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
    explicit CoreBench(const core::DeviceConfig& config = {}) : device(config, port, *this, trace) {
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

    // ---- queue pairs ----

    /// On fresh memory.
    void enable_queue(std::uint32_t queue, std::uint32_t sq_entries, std::uint32_t cq_entries) {
        Ring ring;
        ring.sq = port.memory.allocate(sq_entries * sizeof(spec::SubmissionEntry));
        ring.cq = port.memory.allocate(cq_entries * sizeof(spec::CompletionEntry));
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
        port.memory.put(ring.sq_entry(ring.tail), entry);
        ring.tail = (ring.tail + 1) & ring.sq_mask;
    }
    void ring(std::uint32_t queue) { write(spec::at("SQ_DB").of(queue), rings.at(queue).tail); }
    /// The next completion if its phase says that it is there; the device is not told.
    std::optional<spec::CompletionEntry> take(std::uint32_t queue) {
        Ring& ring = rings.at(queue);
        const auto entry = port.memory.get<spec::CompletionEntry>(ring.cq_entry(ring.head));
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

    /// session_create for AES-CBC with a key of zeros.
    spec::SubmissionEntry session_request(std::uint16_t cid = 0) {
        spec::SessionParameters parameters;
        parameters.algorithm = static_cast<std::uint8_t>(spec::Algorithm::aes_cbc);
        parameters.key_len = 16;
        auto entry = nop(cid);
        entry.opcode = static_cast<std::uint8_t>(spec::Opcode::session_create);
        entry.src_len = sizeof parameters + parameters.key_len;
        entry.src = port.memory.allocate(entry.src_len);
        port.memory.put(entry.src, parameters);
        return entry;
    }
    /// AES-CBC over fresh buffers.
    spec::SubmissionEntry encryption(std::uint16_t cid, std::uint32_t session,
                                     std::uint32_t length = 64) {
        auto entry = nop(cid);
        entry.opcode = static_cast<std::uint8_t>(spec::Opcode::cipher);
        entry.session = session;
        entry.src = port.memory.allocate(length);
        entry.dst = port.memory.allocate(length);
        entry.src_len = length;
        entry.dst_len = length;
        entry.iv_len = 16;
        return entry;
    }

    Trace trace{1};
    JudgedPort port;
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

}  // namespace ringside::testing
