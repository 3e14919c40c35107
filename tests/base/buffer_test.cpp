// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// Key memory is overwritten and never copied by accident.

#include <gtest/gtest.h>

#include <array>
#include <type_traits>

#include "ringside/base/cleansed_buffer.hpp"

namespace ringside {
namespace {

static_assert(!std::is_copy_constructible_v<CleansedBuffer>);

TEST(CleansedBuffer, CopiesItsInputAndCleanses) {
    const std::array<std::byte, 3> secret = {std::byte{1}, std::byte{2}, std::byte{3}};
    CleansedBuffer buffer{std::span<const std::byte>(secret)};
    ASSERT_EQ(buffer.size(), 3u);
    EXPECT_EQ(buffer.data()[2], std::byte{3});
    buffer.cleanse();
    EXPECT_EQ(buffer.data()[2], std::byte{0});
    EXPECT_EQ(buffer.size(), 3u);
}

TEST(CleansedBuffer, MovedFromIsEmpty) {
    CleansedBuffer a(5);
    CleansedBuffer b = std::move(a);
    EXPECT_EQ(b.size(), 5u);
    EXPECT_TRUE(a.empty());  // NOLINT(bugprone-use-after-move): that is what is tested
    a = CleansedBuffer(2);
    b = std::move(a);
    EXPECT_EQ(b.size(), 2u);
}

}  // namespace
}  // namespace ringside
