// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "ringside/core/chips.hpp"

namespace ringside::core {
namespace {

using Ns = std::chrono::nanoseconds;
using Us = std::chrono::microseconds;

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
    chip.doorbell = Ns(200);
    chip.fetch = Ns(1200);
    chip.dma_read = Ns(1000);
    chip.dma_write = Ns(600);
    chip.link = {.generation = 2, .lanes = 1};
    chip.link_per_byte = Duration(2000);
    chip.packet_overhead = packet_overhead;
    chip.max_read_request = 256;
    chip.read_tags = 4;
    chip.posted_credits = 8;
    chip.credit_return = Ns(400);
    chip.service.aes_cbc = {Ns(1500), Duration(2500)};
    chip.service.aes_ctr = {Ns(1500), Duration(1250)};
    chip.service.aes_gcm = {Ns(1900), Duration(1500)};
    chip.service.aes_xts = {Ns(1700), Duration(1250)};
    chip.service.chacha20_poly1305 = {Ns(2000), Duration(5000)};
    chip.service.record = {Us(3), Duration(6000)};
    chip.service.hash = {Us(1), Duration(3300)};
    chip.service.hmac = {Us(3), Duration(3300)};
    chip.service.derive = {Us(12), Duration(100'000)};
    chip.service.random = {Us(4), Duration(5000)};
    chip.service.rsa_2048_private = Us(4000);
    chip.service.rsa_2048_public = Us(120);
    chip.service.p256 = {Us(600), Us(900), Us(700)};
    chip.service.p384 = {Us(1500), Us(2300), Us(1800)};
    chip.service.curve25519 = {Us(500), Us(1000), Us(450)};
    chip.completion = Ns(300);
    chip.interrupt = Ns(400);
    chip.enable = Us(50);
    chip.reset = Us(100);
    chip.self_test = Us(5000);
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
    chip.doorbell = Ns(150);
    chip.fetch = Ns(700);
    chip.dma_read = Ns(800);
    chip.dma_write = Ns(400);
    chip.link = {.generation = 3, .lanes = 8};
    chip.link_per_byte = Duration(127);
    chip.packet_overhead = packet_overhead;
    chip.read_tags = 32;
    chip.posted_credits = 32;
    chip.credit_return = Ns(300);
    chip.service.aes_cbc = {Ns(300), Duration(500)};
    chip.service.aes_ctr = {Ns(300), Duration(250)};
    chip.service.aes_gcm = {Ns(380), Duration(300)};
    chip.service.aes_xts = {Ns(340), Duration(250)};
    chip.service.chacha20_poly1305 = {Ns(350), Duration(600)};
    chip.service.record = {Ns(700), Duration(1200)};
    chip.service.hash = {Ns(250), Duration(900)};
    chip.service.hmac = {Ns(600), Duration(900)};
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
    chip.doorbell = Ns(80);
    chip.fetch = Ns(350);
    chip.dma_read = Ns(450);
    chip.dma_write = Ns(200);
    chip.link = {.generation = 5, .lanes = 16};
    chip.link_per_byte = Duration(16);
    chip.packet_overhead = packet_overhead;
    chip.read_tags = 256;
    chip.posted_credits = 128;
    chip.credit_return = Ns(150);
    chip.service.aes_cbc = {Ns(150), Duration(200)};
    chip.service.aes_ctr = {Ns(150), Duration(50)};
    chip.service.aes_gcm = {Ns(190), Duration(60)};
    chip.service.aes_xts = {Ns(170), Duration(50)};
    chip.service.chacha20_poly1305 = {Ns(200), Duration(300)};
    chip.service.record = {Ns(350), Duration(800)};
    chip.service.hash = {Ns(120), Duration(600)};
    chip.service.hmac = {Ns(300), Duration(600)};
    chip.service.derive = {Us(1), Duration(4000)};
    chip.service.random = {Ns(500), Duration(300)};
    chip.service.rsa_2048_private = Us(110);
    chip.service.rsa_2048_public = Us(4);
    chip.service.p256 = {Us(25), Us(40), Us(32)};
    chip.service.p384 = {Us(70), Us(110), Us(85)};
    chip.service.curve25519 = {Us(20), Us(40), Us(26)};
    chip.completion = Ns(100);
    chip.interrupt = Ns(150);
    return chip;
}

/// The standard chip with a slice time for ciphers beside which nothing else counts.
DeviceConfig slow_slices() {
    DeviceConfig chip;
    chip.slices = 2;
    for (ServiceTime ServiceTimes::*const time :
         {&ServiceTimes::aes_cbc, &ServiceTimes::aes_ctr, &ServiceTimes::aes_gcm,
          &ServiceTimes::aes_xts, &ServiceTimes::chacha20_poly1305, &ServiceTimes::record}) {
        chip.service.*time = {Us(40), Duration(0)};
    }
    return chip;
}

constexpr Chip all_chips[] = {
    {"standard", "that of the datasheet", standard},
    {"edge", "a small part, PCIe 2.0 x1", edge},
    {"card", "a mid-range card, PCIe 3.0 x8", card},
    {"server", "a big one, PCIe 5.0 x16", server},
    {"slow-slices", "standard, but a cipher takes 40 us on each of 2 slices", slow_slices},
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
