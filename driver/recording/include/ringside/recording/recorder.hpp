// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// Writes a recording. A platform (its configuration takes a Recorder) and a RecordingLink write to
// it during the run; who made it calls finish() at the end. A recording that was not finished is
// found to be cut off when it is loaded.

#include <boost/system/result.hpp>
#include <cstdio>
#include <memory>
#include <mutex>
#include <string>

#include "ringside/recording/recording.hpp"

namespace ringside::recording {

class Recorder {
  public:
    /// Makes the file, or empties the one that is there, readable to its owner only (mode 0600).
    /// Errors: Errc::bad_metadata, those of open(2).
    static boost::system::result<std::unique_ptr<Recorder>> create(const std::string& path,
                                                                   const Info& info);
    ~Recorder();
    Recorder(const Recorder&) = delete;
    Recorder& operator=(const Recorder&) = delete;

    const Info& info() const { return info_; }

    /// Any thread; the order of calls is the order in the file. With Contents::digests the bytes
    /// of a dma_read are not kept. An error of the file shows in finish().
    void write(const Record& record);

    /// Ends and closes the file; nothing may be written afterwards. Says if anything went wrong
    /// since create(): the file is of no use then.
    boost::system::error_code finish();

  private:
    struct Close {
        void operator()(std::FILE* file) const { std::fclose(file); }
    };
    Recorder(std::unique_ptr<std::FILE, Close> file, Info info);
    void put(const void* data, std::size_t size);
    void put_header();
    void put_record(const Record& record);

    const Info info_;
    std::mutex mutex_;
    // guarded by mutex_
    std::unique_ptr<std::FILE, Close> file_;
    std::uint64_t count_ = 0;
    boost::system::error_code failure_;
};

}  // namespace ringside::recording
