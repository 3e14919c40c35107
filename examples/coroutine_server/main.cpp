// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors

// A TCP server that encrypts and decrypts for its clients, each connection a coroutine, all of them
// on one thread and one small ring: co_await hides that the ring is full. Some clients in the same
// process try it, then everything ends.

#include <algorithm>
#include <array>
#include <boost/asio.hpp>
#include <cstdio>
#include <ringside/driver/async.hpp>
#include <ringside/driver/device.hpp>
#include <ringside/driver/requests.hpp>
#include <ringside/sim/live_platform.hpp>

namespace {

namespace asio = boost::asio;
namespace driver = ringside::driver;
namespace sim = ringside::sim;
namespace spec = ringside::spec;
using asio::awaitable;
using asio::use_awaitable;
using asio::ip::tcp;

constexpr std::uint32_t block = 1024;
constexpr int clients = 16;
constexpr int rounds = 25;
constexpr std::array<char, 2> wishes = {'e', 'd'};
constexpr int answers = clients * rounds * 2;

/// A message: what is wanted ('e' or 'd'), then the data. The answer is the data.
constexpr std::size_t message = 1 + block;

class Server {
  public:
    Server(asio::io_context& context, driver::Device& device, driver::Environment& environment)
        : acceptor_(context, {asio::ip::address_v4::loopback(), 0}),
          device_(device),
          queue_(device.queue_pair(0), environment),
          admin_(device.admin(), environment) {}

    tcp::endpoint endpoint() const { return acceptor_.local_endpoint(); }

    awaitable<void> run(int connections) {
        const std::array<std::byte, 16> key{std::byte{0x2B}, std::byte{0x7E}};
        const driver::SessionSpec wanted{.algorithm = spec::Algorithm::aes_cbc, .key = key};
        auto parameters = device_.dma().allocate(wanted.size()).value();
        driver::write_session_parameters(parameters.bytes(), wanted);
        const auto request = driver::session_create(parameters.iova(), wanted.size());
        session_ = (co_await admin_.async_submit(request, use_awaitable)).result;
        for (int i = 0; i < connections; ++i) {
            tcp::socket socket = co_await acceptor_.async_accept(use_awaitable);
            asio::co_spawn(acceptor_.get_executor(), serve(std::move(socket)), asio::detached);
        }
    }

  private:
    awaitable<void> serve(tcp::socket socket) {
        auto buffer = device_.dma().allocate(message).value();
        const auto bytes = asio::buffer(buffer.bytes().data(), message);
        const driver::Iova data = buffer.iova() + 1;
        const std::array<std::byte, 16> iv{};
        boost::system::error_code error;
        for (;;) {
            co_await asio::async_read(socket, bytes, asio::redirect_error(use_awaitable, error));
            if (error) {
                co_return;  // the client has gone
            }
            const auto direction = buffer.bytes()[0] == std::byte{'e'} ? driver::Direction::encrypt
                                                                       : driver::Direction::decrypt;
            const driver::CipherBuffers in_place{data, block, data, block};
            const auto request = driver::aes_cbc(direction, session_, in_place, iv);
            co_await queue_.async_submit(request, use_awaitable);
            co_await asio::async_write(socket, bytes + 1, use_awaitable);
        }
    }

    tcp::acceptor acceptor_;
    driver::Device& device_;
    driver::AsyncQueue queue_;
    driver::AsyncQueue admin_;
    std::uint32_t session_ = 0;
};

/// Asks for the encryption of something, and for the decryption of the answer.
awaitable<void> try_it(tcp::endpoint endpoint, int number, int& right) {
    auto executor = co_await asio::this_coro::executor;
    tcp::socket socket(executor);
    co_await socket.async_connect(endpoint, use_awaitable);
    std::array<char, message> out{};
    for (int round = 0; round < rounds; ++round) {
        out.fill(static_cast<char>(number * rounds + round));
        const auto plain = out;
        for (const char wish : wishes) {
            out[0] = wish;
            co_await asio::async_write(socket, asio::buffer(out), use_awaitable);
            co_await asio::async_read(socket, asio::buffer(out) + 1, use_awaitable);
            const bool same = std::equal(plain.begin() + 1, plain.end(), out.begin() + 1);
            right += same == (wish == 'd') ? 1 : 0;
        }
    }
}

}  // namespace

int main() {
    const auto platform = sim::LivePlatform::create({}).value();
    const auto device =
        driver::Device::open(platform->link(), platform->environment(), {.ring_entries = 4})
            .value();
    int right = 0;
    {
        asio::io_context context(1);
        Server server(context, *device, platform->environment());
        asio::co_spawn(context, server.run(clients), asio::detached);
        for (int i = 0; i < clients; ++i) {
            asio::co_spawn(context, try_it(server.endpoint(), i, right), asio::detached);
        }
        context.run();
    }
    std::printf("%d clients, %d of %d answers right\n", clients, right, answers);
    return right == answers ? 0 : 1;
}
