// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// A driver from the datasheet alone: no interrupt, no thread, it polls its completion rings. It
// knows registers and wire structs (ringside/spec) and what any PCIe device gives a driver
// (ringside/driver/link); the chip behind the link could be real. It brings the chip up, puts a key
// into it, and encrypts the first block of NIST SP 800-38A, F.2.1.

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ringside/driver/link/link.hpp>
#include <ringside/sim/live_platform.hpp>
#include <ringside/spec/registers.hpp>
#include <ringside/spec/wire.hpp>
#include <string>

namespace {

namespace spec = ringside::spec;
using ringside::driver::DmaDirection;
using ringside::driver::Iova;
using ringside::driver::Link;
using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr auto create_command = static_cast<std::uint8_t>(spec::Opcode::session_create);
constexpr auto cipher_command = static_cast<std::uint8_t>(spec::Opcode::cipher);

[[noreturn]] void give_up(const char* what) {
    std::fprintf(stderr, "foreign_driver: %s\n", what);
    std::exit(1);
}

/// Memory that the device reaches; aligned, so that its I/O address is, too.
template <std::size_t size>
class DmaMemory {
  public:
    DmaMemory(Link& link, DmaDirection direction)
        : link_(link), iova_(link.dma_map(bytes_, direction).value()) {}
    ~DmaMemory() { link_.dma_unmap(iova_); }
    std::byte* at(std::size_t offset) { return bytes_.data() + offset; }
    Iova iova() const { return iova_; }

  private:
    alignas(4096) std::array<std::byte, size> bytes_{};
    Link& link_;
    Iova iova_;
};

/// Registers, by name.
class Registers {
  public:
    explicit Registers(Link& link) : link_(link) {}

    std::uint32_t read(spec::Address address, std::uint32_t queue = 0) {
        return link_.mmio_read32(address.of(queue));
    }
    void write(spec::Address address, std::uint64_t value, std::uint32_t queue = 0) {
        link_.mmio_write32(address.of(queue), static_cast<std::uint32_t>(value));
    }
    void write64(spec::Address address, Iova value, std::uint32_t queue) {
        write(address, value.value, queue);
        link_.mmio_write32(address.of(queue) + 4, static_cast<std::uint32_t>(value.value >> 32));
    }
    /// "Wait": until `done`, for at most TO milliseconds; then the chip is broken.
    template <typename Done>
    void wait(const char* what, Done done) {
        const auto deadline = Clock::now() + timeout_ + 10s;  // this machine may be late, too
        while (!done()) {
            if (Clock::now() > deadline) {
                give_up(what);
            }
        }
    }
    void wait_for_state(spec::DeviceState state) {
        wait("the device does not change its state",
             [&] { return (read(spec::at("CSTS")) & 0xF) == static_cast<std::uint32_t>(state); });
    }

    /// Datasheet, "Bring-up".
    void bring_up() {
        if (read(spec::at("ID")) != spec::device_id || read(spec::at("VERSION")) >> 16 != 1) {
            give_up("not our device");
        }
        timeout_ = std::chrono::milliseconds(read(spec::at("TO")));
        reset();
        write(spec::at("CC"), spec::field("CC", "EN").set(1));
        wait_for_state(spec::DeviceState::ready);
    }
    /// From here on there is no DMA.
    void reset() {
        write(spec::at("RESET"), spec::reset_key);
        wait_for_state(spec::DeviceState::disabled);
    }

  private:
    Link& link_;
    std::chrono::milliseconds timeout_{0};
};

/// A queue pair that has one command under way at a time.
class Queue {
  public:
    static constexpr std::uint32_t entries = 4;

    /// Datasheet, "Set up a queue pair".
    Queue(Link& link, Registers& registers, std::uint32_t number)
        : link_(link), registers_(registers), number_(number) {
        registers.write64(spec::at("SQ_BASE"), sq_.iova(), number);
        registers.write64(spec::at("CQ_BASE"), cq_.iova(), number);
        registers.write(spec::at("Q_SIZE"), (entries - 1) << 16 | (entries - 1), number);
        registers.write(spec::at("CQ_VEC"), number + 1, number);  // without IEN: it is polled
        registers.write(spec::at("Q_CTRL"), spec::field("Q_CTRL", "EN").set(1), number);
        registers.wait("a queue pair does not begin",
                       [&] { return (registers.read(spec::at("Q_STS"), number) & 3) == 1; });
    }

    /// Datasheet, "Submit" and "Complete".
    std::uint32_t run(spec::SubmissionEntry entry) {
        entry.cid = ++cid_;
        std::memcpy(sq_.at(tail_ * sizeof entry), &entry, sizeof entry);
        tail_ = (tail_ + 1) % entries;
        link_.dma_sync_for_device(sq_.iova(), entries * sizeof entry);
        link_.write_barrier();
        registers_.write(spec::at("SQ_DB"), tail_, number_);

        spec::CompletionEntry done;
        registers_.wait("no completion comes", [&] { return has_completion(done); });
        registers_.write(spec::at("CQ_DB"), head_, number_);
        if (done.qid != number_ || done.cid != entry.cid ||
            !spec::decode_status(done.status).ok()) {
            give_up("a bad completion");
        }
        return done.result;
    }

  private:
    bool has_completion(spec::CompletionEntry& done) {
        constexpr std::size_t tail_at = spec::completion_tail_offset;
        std::byte* const entry = cq_.at(head_ * sizeof done);
        link_.dma_sync_for_cpu(cq_.iova() + head_ * sizeof done, sizeof done);
        const std::uint64_t tail =
            __atomic_load_n(reinterpret_cast<std::uint64_t*>(entry + tail_at), __ATOMIC_ACQUIRE);
        std::memcpy(reinterpret_cast<std::byte*>(&done) + tail_at, &tail, sizeof tail);
        if (spec::phase_of(done.status) != phase_) {
            return false;
        }
        link_.read_barrier();
        std::memcpy(reinterpret_cast<std::byte*>(&done), entry, tail_at);
        head_ = (head_ + 1) % entries;
        phase_ = head_ == 0 ? !phase_ : phase_;
        return true;
    }

    Link& link_;
    Registers& registers_;
    const std::uint32_t number_;
    DmaMemory<entries * sizeof(spec::SubmissionEntry)> sq_{link_, DmaDirection::to_device};
    DmaMemory<entries * sizeof(spec::CompletionEntry)> cq_{link_, DmaDirection::from_device};
    std::uint32_t tail_ = 0;
    std::uint32_t head_ = 0;
    bool phase_ = true;
    std::uint16_t cid_ = 0;
};

void put_hex(std::byte* to, const std::string& hex) {
    for (std::size_t i = 0; i < hex.size(); i += 2) {
        *to++ = static_cast<std::byte>(std::stoul(hex.substr(i, 2), nullptr, 16));
    }
}

}  // namespace

int main() {
    const auto machine = ringside::sim::LivePlatform::create({}).value();
    Registers registers(machine->link());
    registers.bring_up();
    Queue admin(machine->link(), registers, 0);
    Queue io(machine->link(), registers, 1);
    DmaMemory<4096> memory(machine->link(), DmaDirection::bidirectional);
    spec::SessionParameters session{.algorithm = 1, .key_len = 16};  // AES-CBC
    std::memcpy(memory.at(0), &session, sizeof session);
    put_hex(memory.at(sizeof session), "2b7e151628aed2a6abf7158809cf4f3c");
    const std::uint32_t id = admin.run(
        {.opcode = create_command, .src = memory.iova().value, .src_len = sizeof session + 16});
    put_hex(memory.at(0), "6bc1bee22e409f96e93d7e117393172a");
    spec::SubmissionEntry cipher{.opcode = cipher_command, .session = id};
    cipher.src = cipher.dst = memory.iova().value;
    cipher.src_len = cipher.dst_len = cipher.iv_len = 16;
    put_hex(reinterpret_cast<std::byte*>(cipher.iv), "000102030405060708090a0b0c0d0e0f");
    for (std::uint32_t i = 0, written = io.run(cipher); i < written; ++i) {
        std::printf("%02x", std::to_integer<unsigned>(*memory.at(i)));
    }
    std::puts("");
    registers.reset();  // the memory may go
}
