// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// The CRC engine: one queue pair, one operation at a time.

#include "crc_engine.hpp"

#include <bit>
#include <boost/crc.hpp>
#include <ringside/blocks/agenda.hpp>
#include <ringside/blocks/endpoint.hpp>
#include <ringside/blocks/link_direction.hpp>
#include <ringside/blocks/moderation.hpp>
#include <ringside/blocks/rings.hpp>

#include "crc_registers.hpp"

namespace crc {
namespace {

namespace blocks = ringside::blocks;
using namespace std::chrono_literals;

using Crc32c = boost::crc_optimal<32, 0x1EDC6F41, 0xFFFFFFFF, 0xFFFFFFFF, true, true>;

constexpr spec::pci::Identity identity{
    .device = 0x0002, .base_class = 0x12, .subclass = 0, .bar0_size = bar0_size};
constexpr auto fetch_time = 600ns;
constexpr auto read_latency = 500ns;
constexpr blocks::LinkLimits link_limits{ringside::Duration(63), 256, 24, 512, 0, {}};

class Engine final : public blocks::Endpoint {
  public:
    Engine(blocks::DmaPort& dma, blocks::MsiPort& msi)
        : Endpoint(identity, map, doorbells, dma, msi) {}

    void advance(ringside::Time now) override { agenda_.advance(now); }
    std::optional<ringside::Time> next_event() const override { return agenda_.next(); }

  private:
    // ---- registers ----

    void write_register(std::uint32_t offset, std::uint32_t value) override {
        registers_.write(offset, value);
        if (offset == at("CTRL")) {
            control(value);
        } else if (offset == at("SQ_DB")) {
            submit(value);
        } else if (offset == at("CQ_DB")) {
            consume(value);
        }
    }
    void reset_function() override {
        agenda_.forget();
        registers_.reset(spec::ResetDomain::device);
        msix_.clear_pending();
        enabled_ = busy_ = false;
    }
    void fail(std::uint32_t error) {
        enabled_ = false;
        registers_.set32(at("ERR_SRC"), error);
        msix_.raise(0);
    }
    void control(std::uint32_t value) {
        if ((value & bit("CTRL", "RESET")) != 0) {
            reset_function();
        } else if ((value & bit("CTRL", "EN")) != 0 && !enabled_) {
            const std::uint32_t size = registers_.get32(at("SIZE"));
            sq_ = {.base = registers_.get64(at("SQ_BASE")), .mask = size - 1};
            cq_ = {.base = registers_.get64(at("CQ_BASE")), .mask = size - 1};
            moderation_ = {};
            enabled_ = true;
            if (!std::has_single_bit(size) || size < 2 || size > max_entries) {
                fail(bit("ERR_SRC", "RING"));
            }
        }
    }
    void submit(std::uint32_t tail) {
        if (!enabled_ || !sq_.accepts(tail)) {
            return fail(bit("ERR_SRC", "BAD_DB"));
        }
        sq_.tail = tail;
        start();
    }
    void consume(std::uint32_t value) {
        const auto head = static_cast<std::uint32_t>(field("CQ_DB", "HEAD").get(value));
        if (!enabled_ || !cq_.accepts(head)) {
            return fail(bit("ERR_SRC", "BAD_DB"));
        }
        cq_.head = head;
        if ((value & bit("CQ_DB", "ARM")) != 0) {
            announce(moderation_.arm(cq_.unconsumed()));
        }
    }

    // ---- an operation ----

    void start() {
        if (enabled_ && !busy_ && sq_.unfetched() != 0) {
            busy_ = true;
            agenda_.after(fetch_time, [this] { fetch(); });
        }
    }
    void fetch() {
        if (!sq_.fetch(dma_, std::as_writable_bytes(std::span(&descriptor_, 1)))) {
            return fail(bit("ERR_SRC", "RING"));
        }
        if ((descriptor_.command != Command::crc32c && descriptor_.command != Command::copy) ||
            descriptor_.length == 0 || descriptor_.length > max_length) {
            return complete(Status::bad_descriptor);
        }
        const auto arrival = link_.transfer(agenda_.now() + read_latency, descriptor_.length);
        agenda_.after(arrival - agenda_.now(), [this] { process(); });
    }
    void process() {
        data_.resize(descriptor_.length);
        const bool copies = descriptor_.command == Command::copy;
        const bool done = dma_.read(descriptor_.src, data_) == blocks::DmaResult::ok &&
                          (!copies || dma_.write(descriptor_.dst, data_) == blocks::DmaResult::ok);
        complete(done ? Status::ok : Status::dma_fault);
    }
    void complete(Status status) {
        Completion entry{.cid = descriptor_.cid, .status = encode(status, cq_.phase)};
        if (status == Status::ok) {
            Crc32c crc;
            crc.process_bytes(data_.data(), data_.size());
            entry.crc = crc.checksum();
        }
        if (!cq_.post(dma_, std::as_bytes(std::span(&entry, 1)))) {
            return fail(bit("ERR_SRC", "RING"));
        }
        busy_ = false;
        moderation_.note_completion();
        announce(false);
        start();
    }
    void announce(bool at_once) {
        const std::uint32_t limits = registers_.get32(at("INT_MOD"));
        const auto count = static_cast<std::uint32_t>(field("INT_MOD", "COUNT").get(limits));
        const auto time = std::chrono::microseconds(field("INT_MOD", "TIME_US").get(limits));
        if (const auto delay = moderation_.judge({count, time}, at_once)) {
            agenda_.after(*delay, [this, timer = moderation_.timer()] {
                if (moderation_.expired(timer)) {
                    moderation_.fired();
                    msix_.raise(0);
                }
            });
        }
    }

    blocks::Agenda agenda_;
    blocks::SubmissionRing sq_;
    blocks::CompletionRing cq_;
    blocks::Moderation moderation_;
    blocks::LinkDirection link_{link_limits};
    bool enabled_ = false;
    bool busy_ = false;
    Descriptor descriptor_;
    std::vector<std::byte> data_;
};

}  // namespace

std::unique_ptr<blocks::Function> make_engine(blocks::DmaPort& dma, blocks::MsiPort& msi,
                                              ringside::Trace& /*trace*/) {
    return std::make_unique<Engine>(dma, msi);
}

}  // namespace crc
