// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// ringside.so: the composition root of the provider. Reads its openssl.cnf section, and puts the
// front end onto the device that is embedded in this process.

#include <openssl/core.h>
#include <openssl/core_dispatch.h>
#include <openssl/params.h>

#include <array>
#include <bit>
#include <charconv>
#include <cstdio>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "embedded_device.hpp"
#include "ringside/frontends/provider.hpp"
#include "ringside/spec/registers.hpp"

namespace ringside::engine {
namespace {

class EmbeddedSource final : public frontends::OffloadSource {
  public:
    ~EmbeddedSource() override { EmbeddedDevice::instance().detach(); }
    offload::Offload* offload() override { return EmbeddedDevice::instance().offload(); }
    bool is_current(const offload::Offload* offload) override {
        return EmbeddedDevice::instance().is_current(offload);
    }
};

/// For a configuration that was refused. OpenSSL goes on when a provider of openssl.cnf fails to
/// load, silently in software; with this one the operations fail, which is what the operator must
/// see.
class NoDevice final : public frontends::OffloadSource {
  public:
    offload::Offload* offload() override { return nullptr; }
    bool is_current(const offload::Offload* /*offload*/) override { return false; }
};

void complain(std::string_view key, std::string_view value, const char* allowed) {
    std::fprintf(stderr, "ringside: %.*s = '%.*s' is not allowed: %s\n",
                 static_cast<int>(key.size()), key.data(), static_cast<int>(value.size()),
                 value.data(), allowed);
}

bool read_ring_entries(std::string_view value, ModuleConfig& config) {
    std::uint32_t entries = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), entries);
    const bool allowed = error == std::errc() && end == value.data() + value.size() &&
                         std::has_single_bit(entries) && entries >= spec::min_ring_entries &&
                         entries <= spec::max_ring_entries;
    config.ring_entries = entries;
    return allowed;
}

bool read_choice(std::string_view value, std::string_view yes, std::string_view no, bool& chosen) {
    chosen = value == yes;
    return chosen || value == no;
}

struct Setting {
    const char* key;
    const char* allowed;
    bool (*read)(std::string_view value, ModuleConfig& config);
};

constexpr Setting settings[] = {
    {"ring_entries", "a power of two from 2 to 4096", &read_ring_entries},
    {"callbacks", "on or off",
     [](std::string_view value, ModuleConfig& config) {
         return read_choice(value, "on", "off", config.callbacks);
     }},
    {"time", "free or paced",
     [](std::string_view value, ModuleConfig& config) {
         return read_choice(value, "paced", "free", config.paced);
     }},
};

/// The provider's section of openssl.cnf; empty if a value in it is wrong, which has been said
/// then.
std::optional<ModuleConfig> read_config(const OSSL_CORE_HANDLE* handle, const OSSL_DISPATCH* in) {
    OSSL_FUNC_core_get_params_fn* get_params = nullptr;
    for (; in->function_id != 0; ++in) {
        if (in->function_id == OSSL_FUNC_CORE_GET_PARAMS) {
            get_params = OSSL_FUNC_core_get_params(in);
        }
    }
    ModuleConfig config;
    for (const Setting& setting : settings) {
        const char* value = nullptr;
        std::array<OSSL_PARAM, 2> request = {
            OSSL_PARAM_construct_utf8_ptr(setting.key, const_cast<char**>(&value), 0),
            OSSL_PARAM_construct_end()};
        const bool asked = get_params != nullptr && get_params(handle, request.data()) == 1;
        if (asked && value != nullptr && !setting.read(value, config)) {
            complain(setting.key, value, setting.allowed);
            return std::nullopt;
        }
    }
    return config;
}

}  // namespace
}  // namespace ringside::engine

extern "C" __attribute__((visibility("default"))) int OSSL_provider_init(
    const OSSL_CORE_HANDLE* handle, const OSSL_DISPATCH* in, const OSSL_DISPATCH** out,
    void** provider_context) {
    using namespace ringside::engine;
    std::unique_ptr<ringside::frontends::OffloadSource> source = std::make_unique<NoDevice>();
    const auto config = read_config(handle, in);
    if (config && EmbeddedDevice::instance().attach(*config)) {
        source = std::make_unique<EmbeddedSource>();
    }
    return ringside::frontends::init_provider(handle, std::move(source), out, provider_context);
}
