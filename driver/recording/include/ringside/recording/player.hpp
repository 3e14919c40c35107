// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// Walks through a recording while a run happens again, and compares: what comes must be the next
// record. The first difference ends it; it is kept, with what was expected and what came. One
// thread at a time.

#include <functional>
#include <optional>
#include <string>

#include "ringside/recording/recording.hpp"

namespace ringside::recording {

struct Divergence {
    std::uint64_t record;  ///< its number, counted from 0
    Time time;             ///< of that record
    std::string expected;
    std::string came;
    /// "record 17, at 1.234 us: expected ..., came ..."
    std::string to_string() const;
};

class Player {
  public:
    /// Which records there are to the player.
    enum class Sees : std::uint8_t { everything, what_is_at_the_device };

    /// `recording` must outlive the player.
    explicit Player(const Recording& recording, Sees sees = Sees::everything);

    const Recording& recording() const { return recording_; }
    const std::optional<Divergence>& divergence() const { return divergence_; }
    /// Called once, when the first difference shows.
    void on_divergence(std::function<void()> listener) { listener_ = std::move(listener); }

    /// The next record; Kind::end behind the last one and after a divergence.
    const Record& next() const { return divergence_ ? nothing_ : cursor_.record(); }
    /// Takes it without comparing.
    void skip();

    /// This came: takes the next record if it says the same, bytes apart (of an mmio_read, the
    /// value too is left to the caller). Empty: it does not, or something did not before.
    std::optional<Record> take(const Record& came);
    /// Compares what was moved, as many bytes, with what `expected` says.
    void compare_bytes(const Record& expected, std::span<const std::byte> came);

    /// Notes that something else came than the next record.
    void diverge(const std::string& came) { diverge_from(next(), came); }
    /// Than `expected`.
    void diverge_from(const Record& expected, const std::string& came);

  private:
    void note(Divergence divergence);
    void pass_over_unseen();

    const Recording& recording_;
    const Sees sees_;
    Recording::Cursor cursor_;
    std::optional<Divergence> divergence_;
    std::function<void()> listener_;
    const Record nothing_{};
};

}  // namespace ringside::recording
