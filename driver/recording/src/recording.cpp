// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "ringside/recording/recording.hpp"

#include <algorithm>
#include <array>
#include <boost/system/system_error.hpp>
#include <boost/throw_exception.hpp>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <memory>
#include <utility>

#include "format.hpp"
#include "os_error.hpp"

namespace ringside::recording {
namespace {

using boost::system::error_code;
using format::FileHeader;
using format::RecordHeader;

struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
};

error_code read_whole_file(const std::string& path, std::vector<std::byte>& into) {
    const std::unique_ptr<std::FILE, Close> file(std::fopen(path.c_str(), "rbe"));
    if (!file) {
        return last_os_error();
    }
    constexpr std::size_t chunk = std::size_t{1} << 20;
    for (std::size_t size = 0;;) {
        if (size > max_file_size) {
            return Errc::too_large;
        }
        into.resize(size + chunk);
        size += std::fread(into.data() + size, 1, chunk, file.get());
        if (size < into.size()) {
            into.resize(size);
            return std::ferror(file.get()) != 0 ? last_os_error() : error_code();
        }
    }
}

template <typename Struct>
Struct copy_from(const std::vector<std::byte>& file, std::size_t offset) {
    Struct copy;
    std::memcpy(&copy, file.data() + offset, sizeof copy);
    return copy;
}

std::map<std::string, std::string> parse_metadata(std::string_view text) {
    std::map<std::string, std::string> metadata;
    while (!text.empty()) {
        const std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(line.size() + 1, text.size()));
        const auto equals = line.find('=');
        if (equals != std::string_view::npos) {
            metadata.emplace(line.substr(0, equals), line.substr(equals + 1));
        }
    }
    return metadata;
}

}  // namespace

std::string_view to_string(Kind kind) {
    switch (kind) {
        case Kind::end:
            return "end";
        case Kind::mmio_read:
            return "mmio_read";
        case Kind::mmio_write:
            return "mmio_write";
        case Kind::mask_vector:
            return "mask_vector";
        case Kind::reset_function:
            return "reset_function";
        case Kind::advance:
            return "advance";
        case Kind::next_event:
            return "next_event";
        case Kind::dma_read:
            return "dma_read";
        case Kind::dma_write:
            return "dma_write";
        case Kind::message:
            return "message";
        case Kind::dma_map:
            return "dma_map";
        case Kind::dma_unmap:
            return "dma_unmap";
        case Kind::sync_for_device:
            return "sync_for_device";
        case Kind::sync_for_cpu:
            return "sync_for_cpu";
        case Kind::wait_vector:
            return "wait_vector";
        case Kind::cancel_wait:
            return "cancel_wait";
        case Kind::interrupt:
            return "interrupt";
    }
    return "unknown";
}

std::string to_string(const Record& record) {
    std::array<char, 128> text{};
    const std::string_view name = to_string(record.kind);
    switch (record.kind) {
        case Kind::end:
            return "the end of the recording";
        case Kind::reset_function:
            return std::string(name);
        case Kind::advance:
            std::snprintf(text.data(), text.size(), "advance to %" PRId64 " ps",
                          to_ps(record.time));
            break;
        case Kind::mmio_read:
        case Kind::mmio_write:
        case Kind::mask_vector:
        case Kind::interrupt:
            std::snprintf(text.data(), text.size(), "%s 0x%" PRIx64 " = 0x%" PRIx64, name.data(),
                          record.address, record.value);
            break;
        case Kind::next_event:
            std::snprintf(text.data(), text.size(), "next_event at %" PRId64 " ps",
                          static_cast<std::int64_t>(record.value));
            break;
        case Kind::message:
        case Kind::wait_vector:
        case Kind::cancel_wait:
        case Kind::dma_unmap:
            std::snprintf(text.data(), text.size(), "%s 0x%" PRIx64, name.data(), record.address);
            break;
        default:
            std::snprintf(text.data(), text.size(), "%s of %" PRIu64 " bytes at 0x%" PRIx64 "%s",
                          name.data(), record.value, record.address,
                          record.refused ? ", refused" : "");
    }
    return text.data();
}

std::string Failure::to_string() const {
    return offset == 0 ? code.message()
                       : code.message() + " (record " + std::to_string(record) + ", offset " +
                             std::to_string(offset) + ")";
}

void throw_exception_from_error(const Failure& failure, const boost::source_location& where) {
    boost::throw_exception(boost::system::system_error(failure.code, failure.to_string()), where);
}

boost::system::result<Recording, Failure> Recording::load(const std::string& path) {
    Recording recording;
    if (const auto failure = read_whole_file(path, recording.file_)) {
        return Failure{failure};
    }
    if (const auto failure = recording.parse_header()) {
        return Failure{failure};
    }
    std::size_t offset = recording.first_;
    for (std::uint64_t number = 0;; ++number) {
        if (const auto failure = recording.check_record(offset, number)) {
            return Failure{failure, number, offset};
        }
        if (recording.record_at(offset).kind == Kind::end) {
            recording.count_ = number;
            break;
        }
        offset = recording.behind(offset);
    }
    if (recording.behind(offset) != recording.file_.size()) {
        return Failure{Errc::damaged, recording.count_, recording.behind(offset)};
    }
    return recording;
}

error_code Recording::parse_header() {
    if (file_.size() < sizeof(FileHeader)) {
        const bool begins_like_one =
            file_.size() >= format::magic.size() &&
            std::memcmp(file_.data(), format::magic.data(), format::magic.size()) == 0;
        return begins_like_one ? Errc::truncated : Errc::not_a_recording;
    }
    const auto header = copy_from<FileHeader>(file_, 0);
    if (header.magic != format::magic) {
        return Errc::not_a_recording;
    }
    if (header.major != format::major_version) {
        return Errc::unsupported_version;
    }
    if (header.metadata_size > max_metadata) {
        return Errc::damaged;
    }
    if (file_.size() - sizeof header < header.metadata_size) {
        return Errc::truncated;
    }
    const std::span<const std::byte> metadata(file_.data() + sizeof header, header.metadata_size);
    if (format::checksum(header, metadata) != header.crc ||
        header.contents > static_cast<std::uint8_t>(Contents::full) ||
        header.time > static_cast<std::uint8_t>(TimeKind::live)) {
        return Errc::damaged;
    }
    info_.contents = static_cast<Contents>(header.contents);
    info_.time = static_cast<TimeKind>(header.time);
    info_.seed = header.seed;
    info_.metadata =
        parse_metadata({reinterpret_cast<const char*>(metadata.data()), metadata.size()});
    first_ = sizeof header + header.metadata_size;
    return {};
}

error_code Recording::check_record(std::size_t offset, std::uint64_t number) const {
    if (file_.size() - offset < sizeof(RecordHeader)) {
        return Errc::truncated;
    }
    const auto header = copy_from<RecordHeader>(file_, offset);
    if (header.length > max_payload) {
        return Errc::damaged;
    }
    if (file_.size() - offset - sizeof header < header.length) {
        return Errc::truncated;
    }
    const std::span bytes(file_.data() + offset + sizeof header, header.length);
    const auto kind = static_cast<Kind>(header.kind);
    if (format::checksum(header, bytes) != header.crc ||
        header.number != static_cast<std::uint32_t>(number) || to_string(kind) == "unknown") {
        return Errc::damaged;
    }
    if (kind == Kind::end && header.value != number) {
        return Errc::damaged;
    }
    const bool transfer = kind == Kind::dma_read || kind == Kind::dma_write;
    if (transfer && header.value > max_payload) {
        return Errc::damaged;
    }
    const bool moved = transfer && (header.flags & format::flag_refused) == 0;
    const bool is_digest = (header.flags & format::flag_digest) != 0;
    const std::uint64_t wanted = is_digest ? sizeof(std::uint64_t) : moved ? header.value : 0;
    return header.length == wanted ? error_code() : error_code(Errc::damaged);
}

std::size_t Recording::behind(std::size_t offset) const {
    return offset + sizeof(RecordHeader) + copy_from<RecordHeader>(file_, offset).length;
}

Record Recording::record_at(std::size_t offset) const {
    const auto header = copy_from<RecordHeader>(file_, offset);
    Record record;
    record.kind = static_cast<Kind>(header.kind);
    record.detail = header.detail;
    record.refused = (header.flags & format::flag_refused) != 0;
    record.is_digest = (header.flags & format::flag_digest) != 0;
    record.time = time_from_ps(header.time_ps);
    record.address = header.address;
    record.value = header.value;
    record.bytes = {file_.data() + offset + sizeof header, header.length};
    return record;
}

Recording::Cursor::Cursor(const Recording& recording)
    : recording_(&recording),
      next_(recording.behind(recording.first_)),
      record_(recording.record_at(recording.first_)) {}

void Recording::Cursor::advance() {
    if (record_.kind == Kind::end) {
        return;
    }
    const std::uint64_t number = record_.number + 1;
    record_ = recording_->record_at(next_);
    record_.number = number;
    next_ = recording_->behind(next_);
}

}  // namespace ringside::recording
