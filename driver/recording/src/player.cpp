// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "ringside/recording/player.hpp"

#include <algorithm>
#include <array>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <utility>

#include "ringside/base/trace.hpp"

namespace ringside::recording {
namespace {

bool says_the_same(const Record& expected, const Record& came) {
    return expected.kind == came.kind && expected.address == came.address &&
           expected.detail == came.detail && expected.refused == came.refused &&
           (expected.value == came.value || came.kind == Kind::mmio_read);
}

template <typename... Values>
std::string formatted(const char* format, Values... values) {
    std::array<char, 160> text{};
    std::snprintf(text.data(), text.size(), format, values...);
    return text.data();
}

}  // namespace

std::string Divergence::to_string() const {
    return formatted("record %" PRIu64 ", at %.6f us: expected ", record,
                     static_cast<double>(to_ps(time)) / 1e6) +
           expected + ", came " + came;
}

Player::Player(const Recording& recording, Sees sees)
    : recording_(recording), sees_(sees), cursor_(recording) {
    pass_over_unseen();
}

void Player::skip() {
    cursor_.advance();
    pass_over_unseen();
}

void Player::pass_over_unseen() {
    while (sees_ == Sees::what_is_at_the_device && cursor_.record().kind != Kind::end &&
           !is_at_the_device(cursor_.record().kind)) {
        cursor_.advance();
    }
}

std::optional<Record> Player::take(const Record& came) {
    if (divergence_) {
        return std::nullopt;
    }
    const Record expected = cursor_.record();
    if (!says_the_same(expected, came)) {
        diverge(came.kind == Kind::mmio_read ? formatted("mmio_read 0x%" PRIx64, came.address)
                                             : to_string(came));
        return std::nullopt;
    }
    skip();
    return expected;
}

void Player::compare_bytes(const Record& expected, std::span<const std::byte> came) {
    if (expected.is_digest) {
        const std::uint64_t digest = digest_of(came);
        std::uint64_t recorded = 0;
        std::memcpy(&recorded, expected.bytes.data(), sizeof recorded);
        if (digest != recorded) {
            diverge_from(expected, "other bytes");
        }
        return;
    }
    const auto [there, here] =
        std::mismatch(expected.bytes.begin(), expected.bytes.end(), came.begin(), came.end());
    if (here == came.end()) {
        return;
    }
    note({expected.number, expected.time,
          formatted("byte %td of %s to be %02x", there - expected.bytes.begin(),
                    to_string(expected).c_str(), std::to_integer<unsigned>(*there)),
          formatted("%02x", std::to_integer<unsigned>(*here))});
}

void Player::diverge_from(const Record& expected, const std::string& came) {
    note({expected.number, expected.time, to_string(expected), came});
}

void Player::note(Divergence divergence) {
    if (divergence_) {
        return;
    }
    divergence_ = std::move(divergence);
    if (listener_) {
        listener_();
    }
}

}  // namespace ringside::recording
