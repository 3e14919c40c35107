// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "ringside/core/chips.hpp"

namespace ringside::core {
namespace {

using ns = std::chrono::nanoseconds;
using us = std::chrono::microseconds;

// Around the payload of a packet: framing and sequence number 4, header of a 64-bit write 16, LCRC
// 4 (PCI Express Base 3.0, chapters 2 to 4).
constexpr std::uint32_t packet_overhead = 24;

DeviceConfig standard() {
    return {};
}

/// PCI Express 2.0, one lane: 5 GT/s, 8b/10b.
DeviceConfig edge() {
    DeviceConfig chip;
    chip.queue_pairs = 3;
    chip.log2_max_entries = 8;
    chip.max_sessions = 64;
    chip.max_length = 1u << 16;
    chip.max_list_entries = 8;
    chip.slices = 1;
    chip.asymmetric_slices = 1;
    chip.fetch_batch = 2;
    chip.doorbell = ns(200);
    chip.fetch = ns(1200);
    chip.dma_read = ns(1000);
    chip.dma_write = ns(600);
    chip.link_per_byte = Duration(2000);
    chip.packet_overhead = packet_overhead;
    chip.max_read_request = 256;
    chip.read_tags = 4;
    chip.posted_credits = 8;
    chip.credit_return = ns(400);
    chip.slice_fixed = ns(1500);
    chip.slice_per_byte = Duration(2500);
    chip.services[Service::cbc_hmac] = {us(3), Duration(6000)};
    chip.services[Service::hash] = {us(1), Duration(3300)};
    chip.services[Service::hmac] = {us(3), Duration(3300)};
    chip.services[Service::derive] = {us(12), Duration(100'000)};
    chip.services[Service::random] = {us(4), Duration(5000)};
    chip.services[Service::rsa_2048] = {us(4000)};
    chip.services[Service::rsa_3072] = {us(13'000)};
    chip.services[Service::rsa_4096] = {us(30'000)};
    chip.services[Service::rsa_public] = {us(120)};
    chip.services[Service::p256] = {us(600)};
    chip.services[Service::p256_verify] = {us(900)};
    chip.services[Service::p384] = {us(1500)};
    chip.services[Service::p384_verify] = {us(2300)};
    chip.services[Service::x25519] = {us(500)};
    chip.services[Service::ed25519] = {us(550), Duration(3300)};
    chip.services[Service::ed25519_verify] = {us(1000), Duration(3300)};
    chip.completion = ns(300);
    chip.interrupt = ns(400);
    chip.enable = us(50);
    chip.reset = us(100);
    return chip;
}

/// PCI Express 3.0, eight lanes: 8 GT/s, 128b/130b.
DeviceConfig card() {
    DeviceConfig chip;
    chip.queue_pairs = 17;
    chip.max_sessions = 16'384;
    chip.slices = 8;
    chip.asymmetric_slices = 6;
    chip.fetch_batch = 16;
    chip.doorbell = ns(150);
    chip.fetch = ns(700);
    chip.dma_read = ns(800);
    chip.dma_write = ns(400);
    chip.link_per_byte = Duration(127);
    chip.packet_overhead = packet_overhead;
    chip.read_tags = 32;
    chip.posted_credits = 32;
    chip.credit_return = ns(300);
    chip.slice_fixed = ns(300);
    chip.slice_per_byte = Duration(500);
    chip.services[Service::aes_cbc] = {ns(300), Duration(800)};  // each block waits for the last
    chip.services[Service::cbc_hmac] = {ns(700), Duration(1200)};
    chip.services[Service::chacha20_poly1305] = {ns(300), Duration(600)};
    chip.services[Service::hash] = {ns(250), Duration(900)};
    chip.services[Service::hmac] = {ns(600), Duration(900)};
    chip.services[Service::derive] = {us(2), Duration(20'000)};
    chip.services[Service::random] = {ns(800), Duration(1000)};
    return chip;
}

/// PCI Express 5.0, sixteen lanes: 32 GT/s, 128b/130b.
DeviceConfig server() {
    DeviceConfig chip;
    chip.queue_pairs = 63;
    chip.max_sessions = 65'536;
    chip.slices = 24;
    chip.asymmetric_slices = 48;
    chip.fetch_batch = 32;
    chip.doorbell = ns(80);
    chip.fetch = ns(350);
    chip.dma_read = ns(450);
    chip.dma_write = ns(200);
    chip.link_per_byte = Duration(16);
    chip.packet_overhead = packet_overhead;
    chip.read_tags = 256;
    chip.posted_credits = 128;
    chip.credit_return = ns(150);
    chip.slice_fixed = ns(150);
    chip.slice_per_byte = Duration(200);
    chip.services[Service::aes_cbc] = {ns(150), Duration(500)};
    chip.services[Service::cbc_hmac] = {ns(350), Duration(800)};
    chip.services[Service::hash] = {ns(120), Duration(600)};
    chip.services[Service::hmac] = {ns(300), Duration(600)};
    chip.services[Service::derive] = {us(1), Duration(10'000)};
    chip.completion = ns(100);
    chip.interrupt = ns(150);
    return chip;
}

/// The standard chip with a slice time beside which nothing else counts.
DeviceConfig slow_slices() {
    DeviceConfig chip;
    chip.slices = 2;
    chip.slice_fixed = us(40);
    chip.slice_per_byte = Duration(0);
    return chip;
}

constexpr Chip all_chips[] = {
    {"standard", "that of the datasheet", standard},
    {"edge", "a small part, PCIe 2.0 x1", edge},
    {"card", "a mid-range card, PCIe 3.0 x8", card},
    {"server", "a big one, PCIe 5.0 x16", server},
    {"slow-slices", "standard, but each of 2 slices takes 40 us", slow_slices},
};

}  // namespace

std::span<const Chip> chips() {
    return all_chips;
}

const Chip* find_chip(std::string_view name) {
    for (const Chip& chip : all_chips) {
        if (chip.name == name) {
            return &chip;
        }
    }
    return nullptr;
}

}  // namespace ringside::core
