// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "ringside/sim/replay.hpp"

#include <algorithm>

#include "ringside/base/trace.hpp"
#include "ringside/sim/kernel.hpp"

namespace ringside::sim {
namespace {

using recording::Kind;
using recording::Record;

/// The machine around the device: calls it as the recording says, and is its memory.
class DeviceReplay final : private HostMemory {
  public:
    explicit DeviceReplay(const recording::Recording& recording)
        : player_(recording, recording::Player::Sees::what_is_at_the_device),
          trace_(recording.info().seed) {}

    boost::system::result<std::optional<recording::Divergence>> run(
        const core::DeviceConfig& device) {
        auto kernel = Kernel::create(core::make_device(device), trace_, *this,
                                     [this](std::uint32_t vector) { on_message(vector); });
        if (!kernel) {
            return kernel.error();
        }
        while (player_.next().kind != Kind::end) {
            play(**kernel, player_.next());
        }
        return player_.divergence();
    }

  private:
    void play(Kernel& kernel, const Record& next) {
        const Record record = next;
        if (is_output(record.kind)) {
            player_.diverge("nothing of the kind");
            return;
        }
        player_.skip();
        switch (record.kind) {
            case Kind::advance:
                kernel.advance_to(record.time);
                break;
            case Kind::mmio_read:
                play_read(kernel, record);
                break;
            case Kind::mmio_write:
                kernel.write32(static_cast<std::uint32_t>(record.address),
                               static_cast<std::uint32_t>(record.value));
                break;
            case Kind::mask_vector:
                kernel.mask_vector(static_cast<std::uint32_t>(record.address), record.value != 0);
                break;
            case Kind::reset_function:
                kernel.reset_function();
                break;
            default:
                break;
        }
    }

    void play_read(Kernel& kernel, const Record& record) {
        const std::uint32_t value = kernel.read32(static_cast<std::uint32_t>(record.address));
        if (value != record.value) {
            Record came = record;
            came.value = value;
            player_.diverge_from(record, to_string(came));
        }
    }

    bool read(std::uint64_t address, std::span<std::byte> into) const override {
        const auto record = take(Kind::dma_read, address, into.size());
        if (!record || record->refused) {
            return false;
        }
        std::copy(record->bytes.begin(), record->bytes.end(), into.begin());
        return true;
    }
    bool write(std::uint64_t address, std::span<const std::byte> from) override {
        const auto record = take(Kind::dma_write, address, from.size());
        if (!record || record->refused) {
            return false;
        }
        player_.compare_bytes(*record, from);
        return true;
    }
    void on_message(std::uint32_t vector) { (void)take(Kind::message, vector, 0); }

    /// The device does not know beforehand whether its access faults.
    std::optional<Record> take(Kind kind, std::uint64_t address, std::uint64_t value) const {
        const Record& next = player_.next();
        return player_.take({.kind = kind,
                             .refused = next.kind == kind && next.refused,
                             .address = address,
                             .value = value});
    }

    mutable recording::Player player_;
    Trace trace_;
};

}  // namespace

boost::system::result<std::optional<recording::Divergence>> replay_against_device(
    const recording::Recording& recording, const core::DeviceConfig& device) {
    if (recording.info().contents != recording::Contents::full) {
        return recording::Errc::no_contents;
    }
    return DeviceReplay(recording).run(device);
}

}  // namespace ringside::sim
