// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#include "server_process.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <stdexcept>
#include <utility>

#include "ringside/testing/process.hpp"

namespace ringside::testing {
namespace {

constexpr int patience_ms = 20'000;

void require(bool condition, const std::string& what) {
    if (!condition) {
        throw std::runtime_error(what);
    }
}

std::vector<char*> pointers(std::vector<std::string>& words) {
    std::vector<char*> all;
    all.reserve(words.size() + 1);
    for (std::string& word : words) {
        all.push_back(word.data());
    }
    all.push_back(nullptr);
    return all;
}

}  // namespace

ScratchFolder::ScratchFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "ringside.XXXXXX").string();
    require(mkdtemp(name.data()) != nullptr, "no folder " + name);
    path_ = name;
}

ScratchFolder::~ScratchFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

void ScratchFolder::write(const std::string& name, const std::string& text) const {
    require((std::ofstream(file(name)) << text).good(), "cannot write " + file(name));
}

std::string ScratchFolder::read(const std::string& name) const {
    std::ostringstream text;
    text << std::ifstream(file(name)).rdbuf();
    return text.str();
}

std::string ScratchFolder::make_certificate(const std::string& type) const {
    std::vector<std::string> command = {"openssl", "req",
                                        "-x509",   "-nodes",
                                        "-keyout", file(type + ".key"),
                                        "-out",    file(type + ".crt"),
                                        "-subj",   "/CN=localhost",
                                        "-days",   "2"};
    const std::vector<std::string> key =
        type == "rsa"
            ? std::vector<std::string>{"-newkey", "rsa:2048"}
            : std::vector<std::string>{"-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"};
    command.insert(command.end(), key.begin(), key.end());
    const auto made = run_process(command);
    require(made.exit_code == 0, "no certificate: " + made.err);
    write(type + ".pem", read(type + ".crt") + read(type + ".key"));
    return file(type + ".pem");
}

std::vector<std::string> ScratchFolder::statistics_files() const {
    std::vector<std::string> files;
    for (const auto& entry : std::filesystem::directory_iterator(path_)) {
        const std::string name = entry.path().filename().string();
        if (name.rfind("stats.", 0) == 0 && entry.path().extension() == ".json") {
            files.push_back(entry.path().string());
        }
    }
    return files;
}

std::uint64_t ScratchFolder::counted(const std::string& counter) const {
    std::uint64_t sum = 0;
    for (const std::string& path : statistics_files()) {
        std::ifstream stream(path);
        sum += nlohmann::json::parse(stream).at(counter).get<std::uint64_t>();
    }
    return sum;
}

std::size_t ScratchFolder::processes_with_a_device() const {
    return statistics_files().size();
}

// Not blocking, for nginx sets no mode on what it inherits, and would sleep in accept().
ListeningSocket::ListeningSocket() : fd_(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    require(fd_ >= 0 && bind(fd_, generic, size) == 0 && listen(fd_, 1024) == 0 &&
                getsockname(fd_, generic, &size) == 0,
            "no port on loopback");
    port_ = ntohs(address.sin_port);
}

ListeningSocket::~ListeningSocket() {
    close(fd_);
}

ServerProcess::ServerProcess(const std::vector<std::string>& command,
                             const std::vector<std::string>& environment, const std::string& log) {
    // All before the fork: between it and exec nothing may allocate.
    std::vector<std::string> words = command;
    std::vector<std::string> settings = environment;
    for (char** inherited = environ; *inherited != nullptr; ++inherited) {
        settings.emplace_back(*inherited);
    }
    const auto argv = pointers(words);
    const auto envp = pointers(settings);
    const pid_t parent = getpid();
    pid_ = fork();
    require(pid_ >= 0, "cannot fork");
    if (pid_ == 0) {
        const int output = open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
        dup2(output, STDOUT_FILENO);
        dup2(output, STDERR_FILENO);
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        if (getppid() == parent) {
            execvpe(argv.front(), argv.data(), envp.data());
        }
        _exit(127);
    }
    pid_fd_ = static_cast<int>(syscall(SYS_pidfd_open, pid_, 0));
    require(pid_fd_ >= 0, "no descriptor of a process");
    fcntl(pid_fd_, F_SETFD, FD_CLOEXEC);
}

ServerProcess::~ServerProcess() {
    end(SIGTERM);
    close(pid_fd_);
}

void ServerProcess::signal(int number) const {
    kill(pid_, number);
}

bool ServerProcess::is_running() const {
    pollfd entry{pid_fd_, POLLIN, 0};
    return exit_code_ < 0 && poll(&entry, 1, 0) == 0;
}

int ServerProcess::end(int number) {
    if (exit_code_ >= 0) {
        return exit_code_;
    }
    signal(number);
    pollfd entry{pid_fd_, POLLIN, 0};
    if (poll(&entry, 1, patience_ms) != 1) {
        signal(SIGKILL);
    }
    int status = 0;
    waitpid(pid_, &status, 0);
    exit_code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return exit_code_;
}

bool is_installed(const std::string& program) {
    return run_process({"sh", "-c", "PATH=$PATH:/usr/sbin command -v " + program}).exit_code == 0;
}

}  // namespace ringside::testing
