// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "regs/formats.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string_view>

#include "ringside/spec/registers.hpp"

namespace ringside::tools {
namespace {

using spec::Access;
using spec::Block;
using spec::Field;
using spec::Register;
using spec::ResetDomain;

std::string_view name_of(Access access) {
    switch (access) {
        case Access::ro:
            return "RO";
        case Access::rw:
            return "RW";
        case Access::w1c:
            return "W1C";
        case Access::rc:
            return "RC";
        case Access::wo:
            return "WO";
    }
    return "?";
}

std::string_view name_of(ResetDomain domain) {
    switch (domain) {
        case ResetDomain::power_on:
            return "power-on";
        case ResetDomain::device:
            return "device";
        case ResetDomain::queue:
            return "queue";
    }
    return "?";
}

/// "15:0", or "3" for a single bit.
std::string bits_of(const Field& field) {
    return field.width == 1 ? fmt::format("{}", field.lsb)
                            : fmt::format("{}:{}", field.lsb + field.width - 1, field.lsb);
}

/// Hexadecimal digits of a value of `reg`'s width.
std::string hex_of(const Register& reg, std::uint64_t value) {
    return fmt::format("{:0{}X}", value, reg.width / 4);
}

/// Where a block stands: one base, or base and stride.
std::string place_of(const Block& block) {
    return block.count == 1 ? fmt::format("BAR0 {:06X}h", block.base)
                            : fmt::format("BAR0 {:06X}h + q * {:X}h, q = 0 to {}", block.base,
                                          block.stride, block.count - 1);
}

}  // namespace

std::string registers_as_text() {
    std::size_t name_width = 0;
    for (const auto& block : spec::blocks) {
        for (const auto& reg : block.registers) {
            name_width = std::max(name_width, reg.name.size());
            for (const auto& field : reg.fields) {
                name_width = std::max(name_width, field.name.size() + 2);
            }
        }
    }
    std::string text;
    const auto line = [&](std::string_view offset, std::string_view name, std::string_view bits,
                          std::string_view access, std::string_view reset, std::string_view domain,
                          std::string_view doc) {
        fmt::format_to(std::back_inserter(text),
                       "  {:<6}  {:<{}}  {:<5}  {:<6}  {:<17}  {:<8}  {}\n", offset, name,
                       name_width, bits, access, reset, domain, doc);
    };
    for (const auto& block : spec::blocks) {
        fmt::format_to(std::back_inserter(text), "{}{}: {}\n{}\n\n", text.empty() ? "" : "\n",
                       block.name, place_of(block), block.doc);
        line("offset", "name", "bits", "access", "reset", "reset by", "description");
        for (const auto& reg : block.registers) {
            line(fmt::format("{:03X}h", reg.offset), reg.name, fmt::format("{}:0", reg.width - 1),
                 name_of(reg.access), hex_of(reg, reg.reset) + "h", name_of(reg.domain), reg.doc);
            for (const auto& field : reg.fields) {
                line("", fmt::format("  {}", field.name), bits_of(field), "", "", "", field.doc);
            }
        }
    }
    return text;
}

std::string registers_as_json() {
    using Json = nlohmann::ordered_json;
    Json blocks = Json::array();
    for (const auto& block : spec::blocks) {
        Json registers = Json::array();
        for (const auto& reg : block.registers) {
            Json fields = Json::array();
            for (const auto& field : reg.fields) {
                fields.push_back({{"name", field.name},
                                  {"lsb", field.lsb},
                                  {"width", field.width},
                                  {"mask", field.mask()},
                                  {"description", field.doc}});
            }
            registers.push_back({{"name", reg.name},
                                 {"offset", reg.offset},
                                 {"width", reg.width},
                                 {"access", name_of(reg.access)},
                                 {"reset", reg.reset},
                                 {"reset_by", name_of(reg.domain)},
                                 {"description", reg.doc},
                                 {"fields", std::move(fields)}});
        }
        blocks.push_back({{"name", block.name},
                          {"base", block.base},
                          {"stride", block.stride},
                          {"count", block.count},
                          {"description", block.doc},
                          {"registers", std::move(registers)}});
    }
    const Json map = {{"device", "RS1"}, {"bar0_size", spec::bar0_size}, {"blocks", blocks}};
    return map.dump(2) + "\n";
}

std::string registers_as_markdown() {
    std::string text;
    const auto out = std::back_inserter(text);
    for (const auto& block : spec::blocks) {
        fmt::format_to(out, "{}### {}\n\n{}: {}.\n\n", text.empty() ? "" : "\n", block.name,
                       place_of(block), block.doc);
        fmt::format_to(out,
                       "| Offset | Register | Bits | Access | Reset | Reset by | Description |\n");
        fmt::format_to(out, "|---|---|---|---|---|---|---|\n");
        for (const auto& reg : block.registers) {
            fmt::format_to(out, "| {:03X}h | **{}** | {}:0 | {} | {}h | {} | {} |\n", reg.offset,
                           reg.name, reg.width - 1, name_of(reg.access), hex_of(reg, reg.reset),
                           name_of(reg.domain), reg.doc);
            for (const auto& field : reg.fields) {
                fmt::format_to(out, "| | {} | {} | | | | {} |\n", field.name, bits_of(field),
                               field.doc);
            }
        }
    }
    return text;
}

std::string registers_as_c_header() {
    std::string text =
        "/* SPDX-License-Identifier: Apache-2.0 */\n"
        "/* SPDX-FileCopyrightText: the ringside authors */\n"
        "/* The register map of the RS1 accelerator, written by `ringside regs --format c`. */\n"
        "#ifndef RS1_REGS_H\n"
        "#define RS1_REGS_H\n";
    const auto define = [&text](const std::string& name, const std::string& value,
                                std::string_view doc) {
        fmt::format_to(std::back_inserter(text), "#define {:<32} {}{}{}{}\n", name, value,
                       doc.empty() ? "" : " /* ", doc, doc.empty() ? "" : " */");
    };
    for (const auto& block : spec::blocks) {
        fmt::format_to(std::back_inserter(text), "\n/* {}: {}; {} */\n", block.name,
                       place_of(block), block.doc);
        for (const auto& reg : block.registers) {
            const std::string name = fmt::format("RS1_{}", reg.name);
            const std::string_view suffix = reg.width == 64 ? "ull" : "u";
            const std::uint32_t address = block.base + reg.offset;
            if (block.count == 1) {
                define(name, fmt::format("0x{:06X}u", address), reg.doc);
            } else {
                define(name + "(q)",
                       fmt::format("(0x{:06X}u + 0x{:X}u * (q))", address, block.stride), reg.doc);
            }
            define(name + "_RESET", fmt::format("0x{}{}", hex_of(reg, reg.reset), suffix), "");
            for (const auto& field : reg.fields) {
                const std::string field_name = fmt::format("{}_{}", name, field.name);
                define(field_name + "_SHIFT", fmt::format("{}u", field.lsb), field.doc);
                define(field_name + "_MASK",
                       fmt::format("0x{}{}", hex_of(reg, field.mask()), suffix), "");
            }
        }
    }
    return text + "\n#endif\n";
}

}  // namespace ringside::tools
