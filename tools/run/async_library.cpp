// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "async_library.hpp"

#include <dlfcn.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <vector>

namespace ringside::tools {
namespace {

/// The file that the process takes `symbol` from.
std::string file_of(const char* symbol) {
    Dl_info info{};
    void* address = dlsym(RTLD_DEFAULT, symbol);
    if (address == nullptr || dladdr(address, &info) == 0 || info.dli_fname == nullptr) {
        throw std::runtime_error(std::string("no loaded library defines ") + symbol);
    }
    return info.dli_fname;
}

/// This process's own arguments, as it was started.
std::vector<std::string> own_arguments() {
    std::ifstream file("/proc/self/cmdline", std::ios::binary);
    std::vector<std::string> arguments;
    for (std::string argument; std::getline(file, argument, '\0');) {
        arguments.push_back(argument);
    }
    return arguments;
}

}  // namespace

std::string bound_async_library() {
    return std::filesystem::path(file_of("ASYNC_start_job")).filename();
}

void use_async_library(AsyncLibrary wanted) {
    const std::string libcrypto = file_of("OPENSSL_init_crypto");
    const bool on_libcrypto = file_of("ASYNC_start_job") == libcrypto;
    if (on_libcrypto == (wanted == AsyncLibrary::libcrypto)) {
        return;
    }
    if (on_libcrypto) {
        throw std::runtime_error("--async ringside: this process already takes ASYNC_* from " +
                                 libcrypto + " (is it in LD_PRELOAD?)");
    }
    const char* others = std::getenv("LD_PRELOAD");
    const std::string preload =
        others != nullptr ? libcrypto + ":" + std::string(others) : libcrypto;
    setenv("LD_PRELOAD", preload.c_str(), 1);
    auto arguments = own_arguments();
    std::vector<char*> argv;
    argv.reserve(arguments.size() + 1);
    for (auto& argument : arguments) {
        argv.push_back(argument.data());
    }
    argv.push_back(nullptr);
    execv("/proc/self/exe", argv.data());
    throw std::runtime_error(std::string("--async libcrypto: cannot execute this program again: ") +
                             std::strerror(errno));
}

}  // namespace ringside::tools
