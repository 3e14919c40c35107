// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "front_end.hpp"

#include <openssl/async.h>
#include <openssl/err.h>

#include <thread>

namespace ringside::frontends {
namespace {

/// For settings that were refused. OpenSSL goes on when a provider of openssl.cnf fails to load,
/// silently in software; with this one the operations fail, which is what the operator must see.
class NoDevice final : public OffloadSource {
  public:
    offload::Offload* offload() override { return nullptr; }
    bool is_current(const offload::Offload* /*offload*/) override { return false; }
    void count_software(SoftwareReason /*reason*/) override {}
};

std::unique_ptr<OffloadSource> attach(DeviceHost& host, const Settings& settings, bool is_good) {
    auto source = is_good ? host.attach(settings.device) : nullptr;
    return source != nullptr ? std::move(source) : std::make_unique<NoDevice>();
}

}  // namespace

FrontEnd::FrontEnd(DeviceHost& host, const Settings& settings, bool settings_are_good)
    : policy_(settings.policy),
      source_(attach(host, settings, settings_are_good)),
      keyless_(*source_) {}

FrontEnd::~FrontEnd() = default;

bool FrontEnd::wants_device(AlgorithmFamily family, std::size_t size) {
    if (policy_.allows(family) && size < policy_.smallest_request) {
        source_->count_software(SoftwareReason::small);
        return false;
    }
    return wants_device(family);
}

bool FrontEnd::wants_device(AlgorithmFamily family) {
    if (!policy_.allows(family)) {
        return false;  // the ENGINE's: a provider does not offer it
    }
    if (policy_.synchronous_in_software && ASYNC_get_current_job() == nullptr) {
        source_->count_software(SoftwareReason::synchronous);
        return false;
    }
    return true;
}

bool FrontEnd::falls_back(const boost::system::error_code& error) {
    if (error == boost::system::errc::not_supported) {
        return true;  // what the device never does is no failure
    }
    // Forged or impossible data is what the device is there to find.
    if (!policy_.fallback || error == driver::Errc::auth_failed ||
        error == driver::Errc::crypto_failed) {
        return false;
    }
    source_->count_software(SoftwareReason::device_failed);
    if (!has_fallen_back_.exchange(true)) {
        // The caller may be on a job's stack of 32 KiB.
        std::thread([message = error.message()] {
            say(LogLevel::error, "the device failed (" + message + "), software goes on");
        }).join();
    }
    return true;
}

void raise_error(int reason, const boost::system::error_code& error) {
    ERR_raise_data(ERR_LIB_PROV, reason, "ringside: %s", error.message().c_str());
}

}  // namespace ringside::frontends
