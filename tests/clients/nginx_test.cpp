// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// nginx with two workers, and curl: synchronous programs, each call of which waits for the device.
// No request fails, also while nginx is reloaded.

#include <gtest/gtest.h>
#include <signal.h>

#include <memory>

#include "ringside/testing/process.hpp"
#include "server_process.hpp"
#include "tls_load.hpp"

namespace ringside {
namespace {

using testing::ListeningSocket;
using testing::ScratchFolder;
using testing::ServerProcess;
using testing::TlsLoad;

class NginxOnTheDevice : public ::testing::TestWithParam<const char*> {
  protected:
    void SetUp() override {
        if (!testing::is_installed("nginx") || !testing::is_installed("curl")) {
            GTEST_SKIP() << "nginx or curl is not installed; cmake/packages.txt";
        }
        const std::string certificate = scratch_.make_certificate(GetParam());
        scratch_.write(
            "nginx.conf",
            "daemon off;\nuser root;\nworker_processes 2;\npid nginx.pid;\n"
            "error_log error.log;\nevents { worker_connections 1000; }\n"
            "http {\n"
            "    access_log off;\n"
            "    client_body_temp_path body; proxy_temp_path proxy;\n"
            "    fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;\n"
            "    server {\n"
            "        listen 127.0.0.1:" +
                std::to_string(socket_.port()) +
                " ssl;\n"
                "        ssl_certificate " +
                certificate + ";\n        ssl_certificate_key " + certificate +
                ";\n        ssl_protocols TLSv1.2 TLSv1.3;\n        location / { return 200 hello; "
                "}\n    }\n}\n");
        server_ = std::make_unique<ServerProcess>(
            std::vector<std::string>{"nginx", "-p", scratch_.path(), "-c", "nginx.conf", "-e",
                                     "error.log"},
            std::vector<std::string>{
                // Its way to hand sockets to its successor.
                "NGINX=" + std::to_string(socket_.fd()) + ";",
                "OPENSSL_CONF=" RINGSIDE_MODULE_FOLDER "/openssl.cnf",
                "RINGSIDE_STATS=" + scratch_.statistics(),
                "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
            scratch_.file("nginx.log"));
    }
    void TearDown() override {
        if (HasFailure()) {
            ADD_FAILURE() << scratch_.read("nginx.log") << scratch_.read("error.log");
        }
    }
    void serve(const TlsLoad& load) {
        const auto outcome = testing::run(load);
        EXPECT_EQ(outcome.failed, 0u) << outcome.first_failure;
        EXPECT_EQ(outcome.answered, load.clients * load.requests);
        EXPECT_EQ(server_->end(SIGQUIT), 0);
        EXPECT_GE(scratch_.counted("operations"), outcome.answered);
        EXPECT_EQ(scratch_.counted("software_device_failed"), 0u);
    }

    ScratchFolder scratch_;
    ListeningSocket socket_;
    std::unique_ptr<ServerProcess> server_;
};

TEST_P(NginxOnTheDevice, IsReloadedUnderLoad) {
    serve({.port = socket_.port(), .clients = 16, .requests = 12, .in_between = [this] {
               server_->signal(SIGHUP);
           }});
    EXPECT_GE(scratch_.processes_with_a_device(), 2u) << "workers before and after";
}

TEST_P(NginxOnTheDevice, AnswersCurlOnADeviceOfItsOwn) {
    const auto curl = testing::run_process(
        {"curl", "--silent", "--show-error", "--max-time", "20", "--tlsv1.3", "--cacert",
         scratch_.file(std::string(GetParam()) + ".crt"), "--resolve",
         "localhost:" + std::to_string(socket_.port()) + ":127.0.0.1",
         "https://localhost:" + std::to_string(socket_.port()) + "/"},
        {"OPENSSL_CONF=" RINGSIDE_MODULE_FOLDER "/openssl.cnf",
         "RINGSIDE_STATS=" + scratch_.file("stats.curl.json")});
    EXPECT_EQ(curl.exit_code, 0) << curl.err;
    EXPECT_EQ(curl.out, "hello");
    const auto by_curl = scratch_.counted("operations");
    EXPECT_GE(by_curl, 6u) << "the records of a handshake and of the page";
    EXPECT_EQ(server_->end(SIGQUIT), 0);
    EXPECT_GE(scratch_.counted("operations"), by_curl + 6);
}

INSTANTIATE_TEST_SUITE_P(Certificates, NginxOnTheDevice, ::testing::Values("rsa", "ecdsa"));

}  // namespace
}  // namespace ringside
