// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "ringside/recording/error.hpp"

namespace ringside::recording {
namespace {

class Category final : public boost::system::error_category {
  public:
    const char* name() const noexcept override { return "ringside.recording"; }
    std::string message(int code) const override {
        switch (static_cast<Errc>(code)) {
            case Errc::not_a_recording:
                return "not a recording";
            case Errc::unsupported_version:
                return "a recording in another version of the format";
            case Errc::truncated:
                return "the recording is cut off";
            case Errc::damaged:
                return "the recording is damaged";
            case Errc::too_large:
                return "the recording is too large";
            case Errc::bad_metadata:
                return "metadata that a recording cannot hold";
            case Errc::no_contents:
                return "the recording holds only digests of what the device read";
            case Errc::order_unknown:
                return "the recording was made in live time, where the order of threads is not "
                       "known";
        }
        return "unknown error";
    }
};

}  // namespace

const boost::system::error_category& recording_category() {
    static const Category category;
    return category;
}

}  // namespace ringside::recording
