// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "recorded_chip.hpp"

#include <utility>

#include "ringside/spec/registers.hpp"

namespace ringside::sim {
namespace {

using recording::Kind;
using recording::Record;

/// Stands between a kernel and everybody else.
class RecordingChip final : public Chip, private HostMemory {
  public:
    RecordingChip(HostMemory& memory, MsiSink on_message, recording::Recorder& recorder)
        : memory_(memory), on_message_(std::move(on_message)), recorder_(recorder) {}

    boost::system::result<void> build(const blocks::MakeFunction& device, Trace& trace) {
        auto kernel = Kernel::create(device, trace, *this,
                                     [this](std::uint32_t vector) { on_message(vector); });
        if (!kernel) {
            return kernel.error();
        }
        kernel_ = std::move(*kernel);
        return {};
    }

    // ---- Chip ----

    std::uint32_t read32(std::uint32_t offset) override {
        reading_ = true;
        const std::uint32_t value = kernel_->read32(offset);
        reading_ = false;
        note({.kind = Kind::mmio_read, .address = offset, .value = value});
        for (const Held& held : held_) {
            Record record = held.record;
            record.bytes = held.bytes;
            note(record);
        }
        held_.clear();
        return value;
    }
    void write32(std::uint32_t offset, std::uint32_t value) override {
        note({.kind = Kind::mmio_write, .address = offset, .value = value});
        kernel_->write32(offset, value);
    }
    std::uint32_t peek32(std::uint32_t offset) override { return kernel_->peek32(offset); }
    void mask_vector(std::uint32_t vector, bool masked) override {
        note({.kind = Kind::mask_vector, .address = vector, .value = masked ? 1u : 0u});
        kernel_->mask_vector(vector, masked);
    }
    void reset_function() override {
        note({.kind = Kind::reset_function});
        kernel_->reset_function();
    }
    Time now() const override { return kernel_->now(); }
    std::optional<Time> next_event() const override {
        const auto next = kernel_->next_event();
        if (next != last_next_event_) {
            last_next_event_ = next;
            note({.kind = Kind::next_event,
                  .value = next ? static_cast<std::uint64_t>(to_ps(*next)) : recording::never});
        }
        return next;
    }
    void advance_to(Time time) override {
        recorder_.write({.kind = Kind::advance, .time = time});
        kernel_->advance_to(time);
    }

  private:
    /// What the chip did during a read, whose record comes first.
    struct Held {
        Record record;
        std::vector<std::byte> bytes;
    };

    // ---- HostMemory, for the kernel ----

    bool read(std::uint64_t address, std::span<std::byte> into) const override {
        const bool done = memory_.read(address, into);
        output({.kind = Kind::dma_read,
                .refused = !done,
                .address = address,
                .value = into.size(),
                .bytes = done ? into : std::span<std::byte>()});
        return done;
    }
    bool write(std::uint64_t address, std::span<const std::byte> from) override {
        const bool done = memory_.write(address, from);
        output({.kind = Kind::dma_write,
                .refused = !done,
                .address = address,
                .value = from.size(),
                .bytes = done ? from : std::span<const std::byte>()});
        return done;
    }
    void on_message(std::uint32_t vector) {
        output({.kind = Kind::message, .address = vector});
        on_message_(vector);
    }

    void output(const Record& record) const {
        if (reading_) {
            held_.push_back({record, {record.bytes.begin(), record.bytes.end()}});
        } else {
            note(record);
        }
    }
    void note(Record record) const {
        record.time = kernel_->now();
        recorder_.write(record);
    }

    HostMemory& memory_;
    MsiSink on_message_;
    recording::Recorder& recorder_;
    std::unique_ptr<Kernel> kernel_;
    bool reading_ = false;
    mutable std::vector<Held> held_;
    mutable std::optional<Time> last_next_event_;
};

}  // namespace

boost::system::result<std::unique_ptr<Chip>> make_chip(const blocks::MakeFunction& device,
                                                       Trace& trace, HostMemory& memory,
                                                       MsiSink on_message,
                                                       recording::Recorder* recorder) {
    if (recorder == nullptr) {
        auto kernel = Kernel::create(device, trace, memory, std::move(on_message));
        if (!kernel) {
            return kernel.error();
        }
        return std::unique_ptr<Chip>(std::move(*kernel));
    }
    auto chip = std::make_unique<RecordingChip>(memory, std::move(on_message), *recorder);
    if (auto built = chip->build(device, trace); !built) {
        return built.error();
    }
    return std::unique_ptr<Chip>(std::move(chip));
}

ReplayChip::ReplayChip(recording::Player& player, HostMemory& memory, MsiSink on_message)
    : player_(player), memory_(memory), on_message_(std::move(on_message)) {
    player_.on_divergence([this] { on_message_(spec::error_vector); });
}

std::uint32_t ReplayChip::read32(std::uint32_t offset) {
    const auto record = player_.take({.kind = Kind::mmio_read, .address = offset});
    play_outputs();
    return record ? static_cast<std::uint32_t>(record->value) : 0xFFFFFFFFu;
}

void ReplayChip::write32(std::uint32_t offset, std::uint32_t value) {
    call({.kind = Kind::mmio_write, .address = offset, .value = value});
}

std::uint32_t ReplayChip::peek32(std::uint32_t /*offset*/) {
    return 0xFFFFFFFFu;
}

void ReplayChip::mask_vector(std::uint32_t vector, bool masked) {
    call({.kind = Kind::mask_vector, .address = vector, .value = masked ? 1u : 0u});
}

void ReplayChip::reset_function() {
    call({.kind = Kind::reset_function});
}

std::optional<Time> ReplayChip::next_event() const {
    const Record& next = player_.next();
    if (next.kind == Kind::next_event) {
        next_event_ = next.value == recording::never
                          ? std::nullopt
                          : std::optional(time_from_ps(static_cast<std::int64_t>(next.value)));
        player_.skip();
    }
    return player_.divergence() ? std::nullopt : next_event_;
}

void ReplayChip::advance_to(Time time) {
    now_ = std::max(now_, time);
    const Record& next = player_.next();
    if (next.kind == Kind::advance && next.time != time) {
        player_.diverge(to_string(Record{.kind = Kind::advance, .time = time}));
        return;
    }
    call({.kind = Kind::advance});
}

bool ReplayChip::note_standstill() {
    if (player_.divergence() || player_.next().kind == Kind::end) {
        return false;
    }
    player_.diverge("nothing: everybody waits");
    return true;
}

void ReplayChip::call(const Record& came) {
    if (player_.take(came)) {
        play_outputs();
    }
}

void ReplayChip::play_outputs() {
    while (is_output(player_.next().kind)) {
        const Record record = player_.next();
        player_.skip();
        switch (record.kind) {
            case Kind::dma_read:
                play_dma_read(record);
                break;
            case Kind::dma_write:
                // Refused then, it is refused now: the same is mapped.
                if (!record.refused && !memory_.write(record.address, record.bytes)) {
                    player_.diverge_from(record, "memory that is not mapped");
                }
                break;
            default:
                on_message_(static_cast<std::uint32_t>(record.address));
        }
    }
}

/// What the driver had put there.
void ReplayChip::play_dma_read(const Record& record) {
    if (record.refused) {
        return;
    }
    std::vector<std::byte> memory(record.value);
    if (!memory_.read(record.address, memory)) {
        player_.diverge_from(record, "memory that is not mapped");
        return;
    }
    player_.compare_bytes(record, memory);
}

}  // namespace ringside::sim
