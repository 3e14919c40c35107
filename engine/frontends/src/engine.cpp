// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#define OPENSSL_SUPPRESS_DEPRECATED  // ENGINE
#include "ringside/frontends/engine.hpp"

#include <openssl/engine.h>
#include <openssl/err.h>
#include <pthread.h>

#include <cstring>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "engine_ciphers.hpp"
#include "engine_digests.hpp"
#include "engine_keys.hpp"

namespace ringside::frontends {
namespace {

constexpr const char* engine_id = "ringside";

/// The process's ENGINE, however often it is loaded: its methods find it without being told.
class EngineState {
  public:
    static EngineState& instance() {
        static auto* const state = new EngineState;  // leaked on purpose, like the device
        return *state;
    }

    void use(DeviceHost& host) {
        const std::lock_guard lock(mutex_);
        host_ = &host;
        if (front_end_ == nullptr) {
            settings_ = {};
            settings_are_good_ = true;
        }
    }

    bool set(const Option& option, const char* value) {
        const std::lock_guard lock(mutex_);
        if (front_end_ != nullptr) {
            say(LogLevel::error, std::string(option.name) + ": too late, the ENGINE is in use");
            return false;
        }
        const bool allowed = apply(option, value, "ENGINE command", settings_);
        settings_are_good_ = settings_are_good_ && allowed;
        return allowed;
    }

    FrontEnd* front_end() {
        const std::lock_guard lock(mutex_);
        if (front_end_ == nullptr) {
            Settings settings = settings_;
            const bool good = apply_environment(settings) && settings_are_good_;
            front_end_ = std::make_unique<FrontEnd>(*host_, settings, good);
        }
        return front_end_->is_usable() ? front_end_.get() : nullptr;
    }

    void release() {
        const std::lock_guard lock(mutex_);
        front_end_.reset();
    }

  private:
    EngineState() {
        pthread_atfork([] { instance().mutex_.lock(); }, [] { instance().mutex_.unlock(); },
                       [] { instance().mutex_.unlock(); });
    }

    std::mutex mutex_;
    DeviceHost* host_ = nullptr;
    Settings settings_;
    bool settings_are_good_ = true;
    std::unique_ptr<FrontEnd> front_end_;
};

/// The options as control commands; the end mark is the last one.
const ENGINE_CMD_DEFN* commands() {
    struct Commands {
        Commands() {
            unsigned number = ENGINE_CMD_BASE;
            for (const Option& option : options()) {
                helps.push_back(
                    std::string(option.help) + " Allowed: " + option.allowed +
                    ". Default: " + (*option.fallback != '\0' ? option.fallback : "none") + ".");
                definitions.push_back(
                    {number++, option.name, helps.back().c_str(), ENGINE_CMD_FLAG_STRING});
            }
            definitions.push_back({0, nullptr, nullptr, 0});
        }
        std::deque<std::string> helps;
        std::vector<ENGINE_CMD_DEFN> definitions;
    };
    static const auto* const all = new Commands;
    return all->definitions.data();
}

int control(ENGINE* /*engine*/, int command, long /*number*/, void* value,
            void (* /*function*/)()) {
    const auto index = static_cast<std::size_t>(command - ENGINE_CMD_BASE);
    if (command < ENGINE_CMD_BASE || index >= options().size() || value == nullptr) {
        return 0;
    }
    try {
        const bool done =
            EngineState::instance().set(options()[index], static_cast<const char*>(value));
        if (!done) {
            ERR_raise_data(ERR_LIB_ENGINE, ENGINE_R_INVALID_ARGUMENT, "%s", options()[index].name);
        }
        return done ? 1 : 0;
    } catch (const std::exception&) {
        return 0;
    }
}

int finish(ENGINE* /*engine*/) {
    EngineState::instance().release();
    return 1;
}

}  // namespace

FrontEnd* engine_front_end() {
    try {
        return EngineState::instance().front_end();
    } catch (const std::exception&) {
        return nullptr;
    }
}

FrontEnd* engine_front_end_for(AlgorithmFamily family) {
    if (SoftwareOnly::is_wanted()) {
        return nullptr;
    }
    FrontEnd* const front_end = engine_front_end();
    return front_end != nullptr && front_end->wants_device(family) ? front_end : nullptr;
}

int bind_engine(ENGINE* engine, const char* id, DeviceHost& host) {
    // `openssl engine` gives the path that it was told as the id.
    if (id != nullptr && std::strcmp(id, engine_id) != 0 && std::strchr(id, '/') == nullptr) {
        return 0;
    }
    try {
        EngineState::instance().use(host);
        return ENGINE_set_id(engine, engine_id) == 1 &&
                       ENGINE_set_name(engine, "ringside: a simulated crypto accelerator") == 1 &&
                       ENGINE_set_ciphers(engine, &engine_ciphers) == 1 &&
                       ENGINE_set_digests(engine, &engine_digests) == 1 &&
                       ENGINE_set_RSA(engine, engine_rsa()) == 1 &&
                       ENGINE_set_EC(engine, engine_ec()) == 1 &&
                       ENGINE_set_finish_function(engine, &finish) == 1 &&
                       ENGINE_set_ctrl_function(engine, &control) == 1 &&
                       ENGINE_set_cmd_defns(engine, commands()) == 1
                   ? 1
                   : 0;
    } catch (const std::exception&) {
        return 0;
    }
}

}  // namespace ringside::frontends
