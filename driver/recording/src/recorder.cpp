// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "ringside/recording/recorder.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <utility>

#include "format.hpp"
#include "os_error.hpp"
#include "ringside/base/trace.hpp"

namespace ringside::recording {
namespace {

using boost::system::error_code;

constexpr mode_t owner_only = 0600;

std::string metadata_text(const Info& info) {
    std::string text;
    for (const auto& [key, value] : info.metadata) {
        text.append(key).append("=").append(value).append("\n");
    }
    return text;
}

bool is_storable(const Info& info) {
    for (const auto& [key, value] : info.metadata) {
        if (key.find_first_of("=\n") != std::string::npos ||
            value.find('\n') != std::string::npos) {
            return false;
        }
    }
    return metadata_text(info).size() <= max_metadata;
}

}  // namespace

boost::system::result<std::unique_ptr<Recorder>> Recorder::create(const std::string& path,
                                                                  const Info& info) {
    if (!is_storable(info)) {
        return Errc::bad_metadata;
    }
    const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, owner_only);
    if (fd < 0) {
        return last_os_error();
    }
    // A file that was there already keeps its mode otherwise. Not /dev/full and its like.
    struct stat status {};
    const bool is_file = ::fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
    if (is_file && ::fchmod(fd, owner_only) != 0) {
        const error_code failure = last_os_error();
        ::close(fd);
        return failure;
    }
    std::unique_ptr<std::FILE, Close> file(::fdopen(fd, "wb"));
    if (!file) {
        const error_code failure = last_os_error();
        ::close(fd);
        return failure;
    }
    std::unique_ptr<Recorder> recorder(new Recorder(std::move(file), info));
    recorder->put_header();
    return recorder;
}

Recorder::Recorder(std::unique_ptr<std::FILE, Close> file, Info info)
    : info_(std::move(info)), file_(std::move(file)) {}

Recorder::~Recorder() = default;

void Recorder::put(const void* data, std::size_t size) {
    if (!failure_ && size != 0 && std::fwrite(data, size, 1, file_.get()) != 1) {
        failure_ = last_os_error();
    }
}

void Recorder::put_header() {
    const std::string metadata = metadata_text(info_);
    format::FileHeader header;
    header.magic = format::magic;
    header.major = format::major_version;
    header.minor = format::minor_version;
    header.seed = info_.seed;
    header.metadata_size = static_cast<std::uint32_t>(metadata.size());
    header.contents = static_cast<std::uint8_t>(info_.contents);
    header.time = static_cast<std::uint8_t>(info_.time);
    header.crc = format::checksum(header, std::as_bytes(std::span(metadata)));
    put(&header, sizeof header);
    put(metadata.data(), metadata.size());
}

void Recorder::write(const Record& record) {
    const std::lock_guard lock(mutex_);
    if (record.kind != Kind::dma_read || record.refused || info_.contents == Contents::full) {
        put_record(record);
        return;
    }
    const std::uint64_t digest = digest_of(record.bytes);
    Record without_contents = record;
    without_contents.is_digest = true;
    without_contents.bytes = std::as_bytes(std::span(&digest, 1));
    put_record(without_contents);
}

void Recorder::put_record(const Record& record) {
    if (record.bytes.size() > max_payload) {
        failure_ = failure_ ? failure_ : error_code(Errc::too_large);
        return;
    }
    format::RecordHeader header;
    header.length = static_cast<std::uint32_t>(record.bytes.size());
    header.number = static_cast<std::uint32_t>(count_++);
    header.kind = static_cast<std::uint8_t>(record.kind);
    header.detail = record.detail;
    header.flags = static_cast<std::uint8_t>((record.refused ? format::flag_refused : 0u) |
                                             (record.is_digest ? format::flag_digest : 0u));
    header.time_ps = to_ps(record.time);
    header.address = record.address;
    header.value = record.value;
    header.crc = format::checksum(header, record.bytes);
    put(&header, sizeof header);
    put(record.bytes.data(), record.bytes.size());
}

error_code Recorder::finish() {
    const std::lock_guard lock(mutex_);
    Record end;
    end.value = count_;
    put_record(end);
    if (std::fclose(file_.release()) != 0 && !failure_) {
        failure_ = last_os_error();
    }
    return failure_;
}

}  // namespace ringside::recording
