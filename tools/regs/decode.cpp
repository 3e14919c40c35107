// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "regs/decode.hpp"

#include <fmt/format.h>

#include <charconv>
#include <fstream>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string_view>

#include "ringside/recording/recording.hpp"
#include "ringside/spec/registers.hpp"

namespace ringside::tools {
namespace {

using nlohmann::ordered_json;

/// One 32-bit half of a register, or a whole one.
struct Access {
    std::uint32_t offset;
    std::uint64_t value;
    bool whole = false;     ///< of a 64-bit register both halves are in the value
    std::string_view kind;  ///< "read" or "write"; empty: given on the command line
    std::int64_t time_ps = 0;
};

std::optional<std::uint64_t> number(std::string_view text) {
    const bool hex = text.starts_with("0x") || text.starts_with("0X");
    const std::string_view digits = hex ? text.substr(2) : text;
    std::uint64_t value = 0;
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), value, hex ? 16 : 10);
    const bool good = error == std::errc() && end == digits.data() + digits.size();
    return good ? std::optional(value) : std::nullopt;
}

/// NAME, NAME[instance], or an offset into BAR0.
std::uint32_t offset_of(const std::string& text) {
    if (const auto offset = number(text)) {
        const bool aligned = *offset < spec::bar0_size && *offset % 4 == 0;
        if (!aligned || spec::locate(static_cast<std::uint32_t>(*offset)).reg == nullptr) {
            throw std::invalid_argument(
                fmt::format("no register stands at '{}'; `ringside regs` lists them", text));
        }
        return static_cast<std::uint32_t>(*offset);
    }
    const auto bracket = text.find('[');
    const std::string name = text.substr(0, bracket);
    for (const spec::Block& block : spec::blocks) {
        for (const spec::Register& reg : block.registers) {
            if (reg.name != name) {
                continue;
            }
            std::optional<std::uint64_t> instance = 0;
            if (bracket != std::string::npos) {
                instance = text.back() == ']'
                               ? number(text.substr(bracket + 1, text.size() - bracket - 2))
                               : std::nullopt;
            }
            if (!instance || *instance >= block.count) {
                throw std::invalid_argument(fmt::format("'{}' is not allowed: {}[0] to {}[{}]",
                                                        text, name, name, block.count - 1));
            }
            return block.base + block.stride * static_cast<std::uint32_t>(*instance) + reg.offset;
        }
    }
    throw std::invalid_argument(
        fmt::format("there is no register '{}'; `ringside regs` lists them", name));
}

std::string name_of(const spec::Location& where, bool whole) {
    std::string name(where.reg->name);
    if (where.block->count != 1) {
        name += fmt::format("[{}]", where.instance);
    }
    if (where.reg->width == 64 && !whole) {
        name += where.upper_half ? " (high)" : " (low)";
    }
    return name;
}

struct FieldValue {
    const spec::Field* field;
    std::uint64_t value;
};

/// The fields that lie in what was accessed.
std::vector<FieldValue> fields_of(const spec::Location& where, const Access& access) {
    std::vector<FieldValue> fields;
    const std::uint64_t value = where.upper_half ? access.value << 32 : access.value;
    const std::uint64_t seen = access.whole || where.reg->width == 32 ? ~std::uint64_t{0}
                               : where.upper_half                     ? 0xFFFFFFFF00000000
                                                                      : 0xFFFFFFFF;
    for (const spec::Field& field : where.reg->fields) {
        if ((field.mask() & seen) != 0) {
            fields.push_back({&field, field.get(value)});
        }
    }
    return fields;
}

std::string as_text(const Access& access) {
    const auto where = spec::locate(access.offset);
    std::string text;
    if (!access.kind.empty()) {
        text = fmt::format("{}.{:06} us {:5} ", access.time_ps / 1'000'000,
                           access.time_ps % 1'000'000, access.kind);
    }
    text += fmt::format("{} = {:#x}\n", name_of(where, access.whole), access.value);
    for (const auto& [field, value] : fields_of(where, access)) {
        text += fmt::format("    {:<16} {:#6x}  {}\n", field->name, value, field->doc);
    }
    return text;
}

ordered_json as_json(const Access& access) {
    const auto where = spec::locate(access.offset);
    ordered_json json = {{"register", name_of(where, access.whole)},
                         {"offset", access.offset},
                         {"value", access.value}};
    if (!access.kind.empty()) {
        json["access"] = access.kind;
        json["time_ps"] = access.time_ps;
    }
    json["fields"] = ordered_json::object();
    for (const auto& [field, value] : fields_of(where, access)) {
        json["fields"][std::string(field->name)] = value;
    }
    return json;
}

using Visitor = std::function<void(const Access&)>;

/// A trace of the OpenSSL module (its option trace), as far as it has been written.
void visit_trace(std::istream& file, const Visitor& visit) {
    for (std::string line; std::getline(file, line);) {
        std::istringstream words(line);
        std::string kind;
        unsigned queue = 0;
        Access access{};
        words >> access.time_ps >> kind >> queue >> access.offset >> std::hex >> access.value;
        if (words && (kind == "mmio_read" || kind == "mmio_write")) {
            access.kind = kind == "mmio_read" ? "read" : "write";
            visit(access);
        }
    }
}

void visit_recording(const std::string& path, const Visitor& visit) {
    std::ifstream text(path);
    std::string header;
    if (std::getline(text, header) && header.starts_with("# ringside trace")) {
        visit_trace(text, visit);
        return;
    }
    const auto recording = recording::Recording::load(path);
    if (!recording) {
        throw std::runtime_error(fmt::format("{}: {}", path, recording.error().to_string()));
    }
    recording::Recording::Cursor cursor(*recording);
    for (; cursor.record().kind != recording::Kind::end; cursor.advance()) {
        const auto& record = cursor.record();
        const bool is_read = record.kind == recording::Kind::mmio_read;
        if (is_read || record.kind == recording::Kind::mmio_write) {
            visit({.offset = static_cast<std::uint32_t>(record.address),
                   .value = record.value,
                   .kind = is_read ? "read" : "write",
                   .time_ps = to_ps(record.time)});
        }
    }
}

}  // namespace

std::string decode_assignment(const std::string& assignment, bool json) {
    const auto equals = assignment.find('=');
    if (equals == std::string::npos) {
        throw std::invalid_argument(
            fmt::format("'{}' is not allowed: NAME=VALUE or OFFSET=VALUE", assignment));
    }
    Access access{.offset = offset_of(assignment.substr(0, equals)), .value = 0};
    const std::string text = assignment.substr(equals + 1);
    const auto value = number(text);
    const auto where = spec::locate(access.offset);
    access.whole = !where.upper_half;
    const std::uint64_t most =
        where.reg->width == 64 && access.whole ? ~std::uint64_t{0} : 0xFFFFFFFF;
    if (!value || *value > most) {
        throw std::invalid_argument(fmt::format("'{}' is not allowed for {}: a number up to {:#x}",
                                                text, where.reg->name, most));
    }
    access.value = *value;
    return json ? as_json(access).dump(2) + "\n" : as_text(access);
}

std::string decode_recording(const std::string& file, const std::string& name, bool json) {
    const auto wanted = name.empty() ? std::nullopt : std::optional(offset_of(name));
    std::vector<Access> every;
    std::map<std::uint32_t, Access> last;
    visit_recording(file, [&](const Access& access) {
        const auto where = spec::locate(access.offset);
        if (where.reg == nullptr) {
            return;
        }
        last.insert_or_assign(access.offset, access);
        if (wanted && access.offset - *wanted < where.reg->width / 8u) {
            every.push_back(access);
        }
    });
    if (!wanted) {
        for (const auto& [offset, access] : last) {
            every.push_back(access);
        }
    } else if (every.empty()) {
        throw std::invalid_argument(fmt::format("{}: nobody accesses {}", file, name));
    }
    std::string text;
    auto list = ordered_json::array();
    for (const Access& access : every) {
        if (json) {
            list.push_back(as_json(access));
        } else {
            text += as_text(access);
        }
    }
    return json ? list.dump(2) + "\n" : text;
}

}  // namespace ringside::tools
