// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "provider_settings.hpp"

#include <openssl/conf.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/params.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>

namespace ringside::frontends {
namespace {

/// What OpenSSL knows of the provider: its section's values by name, but not which names there are.
class Core {
  public:
    Core(const OSSL_CORE_HANDLE* handle, const OSSL_DISPATCH* in) : handle_(handle) {
        for (; in->function_id != 0; ++in) {
            if (in->function_id == OSSL_FUNC_CORE_GET_PARAMS) {
                get_params_ = OSSL_FUNC_core_get_params(in);
            }
        }
    }
    /// Null: not there.
    const char* value(const char* name) const {
        const char* value = nullptr;
        std::array<OSSL_PARAM, 2> request = {
            OSSL_PARAM_construct_utf8_ptr(name, const_cast<char**>(&value), 0),
            OSSL_PARAM_construct_end()};
        const bool asked = get_params_ != nullptr && get_params_(handle_, request.data()) == 1;
        return asked ? value : nullptr;
    }

  private:
    const OSSL_CORE_HANDLE* handle_;
    OSSL_FUNC_core_get_params_fn* get_params_ = nullptr;
};

struct ConfDeleter {
    void operator()(CONF* conf) const { NCONF_free(conf); }
    void operator()(char* text) const { OPENSSL_free(text); }
};

class QuietErrors {
  public:
    QuietErrors() { ERR_set_mark(); }
    QuietErrors(const QuietErrors&) = delete;
    QuietErrors& operator=(const QuietErrors&) = delete;
    ~QuietErrors() { ERR_pop_to_mark(); }
};

/// OpenSSL allows "1.name", so that a name may stand twice.
const char* without_number(const char* name) {
    const char* dot = std::strchr(name, '.');
    return dot != nullptr ? dot + 1 : name;
}

/// The section of `conf` that describes the provider called `provider`; null: none does.
const STACK_OF(CONF_VALUE) * find_section(const CONF* conf, const char* provider) {
    const char* root = NCONF_get_string(conf, nullptr, "openssl_conf");
    const char* list = root != nullptr ? NCONF_get_string(conf, root, "providers") : nullptr;
    const auto* all = list != nullptr ? NCONF_get_section(conf, list) : nullptr;
    for (int i = 0; all != nullptr && i < sk_CONF_VALUE_num(all); ++i) {
        const CONF_VALUE* each = sk_CONF_VALUE_value(all, i);
        if (std::strcmp(without_number(each->name), provider) == 0) {
            return NCONF_get_section(conf, each->value);
        }
    }
    return nullptr;
}

bool is_known(const std::string& name) {
    static constexpr const char* of_openssl[] = {"identity", "module", "activate", "soft_load"};
    return std::any_of(std::begin(of_openssl), std::end(of_openssl),
                       [&](const char* each) { return name == each; }) ||
           std::any_of(options().begin(), options().end(),
                       [&](const Option& each) { return name == each.name; });
}

/// A misspelt name would go unnoticed: OpenSSL does not hand the section over. So the file that it
/// read by default is read again, if our values came from it at all.
bool has_only_known_names(const Core& core) {
    const QuietErrors quiet;  // a file that cannot be read is no news here
    const char* provider = core.value(OSSL_PROV_PARAM_CORE_PROV_NAME);
    const std::unique_ptr<char, ConfDeleter> path(CONF_get1_default_config_file());
    const std::unique_ptr<CONF, ConfDeleter> conf(NCONF_new(nullptr));
    if (core.value("module") == nullptr || provider == nullptr || path == nullptr ||
        conf == nullptr || NCONF_load(conf.get(), path.get(), nullptr) != 1) {
        return true;
    }
    bool good = true;
    const auto* section = find_section(conf.get(), provider);
    for (int i = 0; section != nullptr && i < sk_CONF_VALUE_num(section); ++i) {
        const std::string name = without_number(sk_CONF_VALUE_value(section, i)->name);
        if (!is_known(name)) {
            say(LogLevel::error, std::string(path.get()) + " has " + name + ", which is no option");
            good = false;
        }
    }
    return good;
}

}  // namespace

bool read_provider_settings(const OSSL_CORE_HANDLE* handle, const OSSL_DISPATCH* in,
                            Settings& settings) {
    const Core core(handle, in);
    bool good = has_only_known_names(core);
    for (const Option& option : options()) {
        const char* value = core.value(option.name);
        good = (value == nullptr || apply(option, value, "openssl.cnf", settings)) && good;
    }
    return apply_environment(settings) && good;
}

}  // namespace ringside::frontends
