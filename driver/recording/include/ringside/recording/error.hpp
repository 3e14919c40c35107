// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#pragma once

// Why a recording could not be written or read; category "ringside.recording". What the operating
// system refused keeps its own code.

#include <boost/system/error_code.hpp>
#include <boost/system/is_error_code_enum.hpp>

namespace ringside::recording {

enum class Errc {
    not_a_recording = 1,  ///< the file begins with something else
    unsupported_version,  ///< written in another major version of the format
    truncated,            ///< the file ends before its last record
    damaged,              ///< a checksum or a record number is wrong
    too_large,            ///< more than max_file_size
    bad_metadata,         ///< a key or value that the header cannot hold
    no_contents,    ///< it holds only digests of what the device read: nothing to feed it with
    order_unknown,  ///< recorded in live time: which thread came first is not in it
};

const boost::system::error_category& recording_category();

inline boost::system::error_code make_error_code(Errc code) {
    return {static_cast<int>(code), recording_category()};
}

}  // namespace ringside::recording

template <>
struct boost::system::is_error_code_enum<ringside::recording::Errc> : std::true_type {};
