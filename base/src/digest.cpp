// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "ringside/base/digest.hpp"

#include <array>
#include <atomic>
#include <bit>

#include "digest.hpp"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace ringside {
namespace {

constexpr unsigned twice(unsigned x) {
    return (x << 1 & 0xFF) ^ (x >> 7) * 0x1B;
}

/// What a byte adds to its column in a round of AES (FIPS 197): its substitute times 2, 1, 1, 3.
constexpr std::array<std::uint32_t, 256> make_products() {
    std::array<unsigned, 256> powers{1};  // of 3, which are all numbers but 0
    for (std::size_t i = 1; i < powers.size(); ++i) {
        powers[i] = powers[i - 1] ^ twice(powers[i - 1]);
    }
    std::array<std::uint32_t, 256> products{};
    const auto put = [&](unsigned byte, unsigned inverse) {
        const unsigned pair = inverse * 0x101;  // its rotations are in there
        const unsigned s = (pair ^ pair >> 4 ^ pair >> 5 ^ pair >> 6 ^ pair >> 7 ^ 0x63) & 0xFF;
        products[byte] = twice(s) | s << 8 | s << 16 | (twice(s) ^ s) << 24;
    };
    put(0, 0);
    for (std::size_t i = 0; i < 255; ++i) {
        put(powers[i], powers[255 - i]);
    }
    return products;
}
constexpr auto products = make_products();

struct PortableBlock {
    std::uint32_t a, b, c, d;  ///< columns

    static PortableBlock of(std::uint64_t low, std::uint64_t high) {
        return {static_cast<std::uint32_t>(low), static_cast<std::uint32_t>(low >> 32),
                static_cast<std::uint32_t>(high), static_cast<std::uint32_t>(high >> 32)};
    }
    static PortableBlock load(const std::byte* bytes) {
        PortableBlock block;
        std::memcpy(&block, bytes, sizeof block);
        return block;
    }
    void store(std::byte* bytes) const { std::memcpy(bytes, this, sizeof *this); }
    static PortableBlock salt() { return of(digest::salt_low, digest::salt_high); }
    PortableBlock fold() const { return *this; }
    std::uint64_t low() const { return a | std::uint64_t{b} << 32; }
    std::uint64_t high() const { return c | std::uint64_t{d} << 32; }

    PortableBlock round(PortableBlock key) const {
        return {column(a, b, c, d) ^ key.a, column(b, c, d, a) ^ key.b, column(c, d, a, b) ^ key.c,
                column(d, a, b, c) ^ key.d};
    }

  private:
    /// Of the first row of one column, the second row of the next one and so on.
    static std::uint32_t column(std::uint32_t first, std::uint32_t second, std::uint32_t third,
                                std::uint32_t fourth) {
        return products[first & 0xFF] ^ std::rotl(products[second >> 8 & 0xFF], 8) ^
               std::rotl(products[third >> 16 & 0xFF], 16) ^ std::rotl(products[fourth >> 24], 24);
    }
};

#if defined(__x86_64__)
/// __builtin_cpu_supports() does not know it with every compiler.
bool has_vaes() {
    unsigned a = 0;
    unsigned b = 0;
    unsigned c = 0;
    unsigned d = 0;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (c & bit_VAES) != 0;
}
#endif

constexpr const digest::Functions& portable = digest::functions_with<PortableBlock, PortableBlock>;

// What the processor is, is asked once, and by nobody's constructor, which might come too late.
std::atomic<const digest::Functions*> chosen{nullptr};

[[gnu::noinline]] const digest::Functions& choose() {
    const digest::Functions* const best = digest::usable().front();
    chosen.store(best, std::memory_order_relaxed);
    return *best;
}

const digest::Functions& functions() {
    const digest::Functions* const known = chosen.load(std::memory_order_relaxed);
    return known != nullptr ? *known : choose();
}

}  // namespace

std::vector<const digest::Functions*> digest::usable() {
    std::vector<const Functions*> all;
#if defined(__x86_64__)
    if (has_vaes() && __builtin_cpu_supports("avx2")) {
        all.push_back(&by_vaes);
    }
    if (__builtin_cpu_supports("aes") && __builtin_cpu_supports("avx")) {
        all.push_back(&by_aes);
    }
#endif
    all.push_back(&portable);
    return all;
}

std::uint64_t digest_of(std::span<const std::byte> bytes) {
    return functions().compute(bytes.data(), bytes.size());
}

std::uint64_t digest_and_copy(std::byte* into, std::span<const std::byte> from) {
    return functions().copy(into, from.data(), from.size());
}

void RecordDigest::add(std::span<const std::byte> records) {
    state_ = functions().chain(state_, records.data(), records.size() / record_size);
}

std::uint64_t RecordDigest::value() const {
    return digest_of(std::as_bytes(std::span(state_)));
}

}  // namespace ringside
