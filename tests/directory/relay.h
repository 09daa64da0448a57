#pragma once

// Forwards TCP from an address of its own, 127.9.9.9, which no certificate in the tests names.

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <memory>
#include <string>

#include "base/strings.h"
#include "watchers/directory/server_address.h"

namespace driftwarden::directory {

class Relay {
 public:
  using Tcp = boost::asio::ip::tcp;

  // Works while `context` runs. `to` is an LDAP URL with a numeric host.
  Relay(boost::asio::io_context& context, const std::string& to)
      : acceptor_(context, {boost::asio::ip::make_address("127.9.9.9"), 0}) {
    const auto address = ParseServerAddress(to);
    if (address.ok()) target_ = {boost::asio::ip::make_address(address->host), address->port};
    boost::asio::co_spawn(context, Accept(), boost::asio::detached);
  }

  // All that crossed it, both ways.
  const std::string& seen() const { return seen_; }

  std::string url() const { return Cat("ldaps://127.9.9.9:", acceptor_.local_endpoint().port()); }

 private:
  using Socket = std::shared_ptr<Tcp::socket>;

  boost::asio::awaitable<void> Accept() {
    while (true) {
      auto [error, accepted] =
          co_await acceptor_.async_accept(boost::asio::as_tuple(boost::asio::use_awaitable));
      if (error) co_return;
      auto near = std::make_shared<Tcp::socket>(std::move(accepted));
      auto far = std::make_shared<Tcp::socket>(near->get_executor());
      const auto [failed] =
          co_await far->async_connect(target_, boost::asio::as_tuple(boost::asio::use_awaitable));
      if (failed) continue;
      boost::asio::co_spawn(near->get_executor(), Copy(near, far), boost::asio::detached);
      boost::asio::co_spawn(near->get_executor(), Copy(far, near), boost::asio::detached);
    }
  }

  boost::asio::awaitable<void> Copy(Socket from, Socket to) {
    std::array<char, 16384> bytes;
    while (true) {
      const auto [error, size] = co_await from->async_read_some(
          boost::asio::buffer(bytes), boost::asio::as_tuple(boost::asio::use_awaitable));
      if (error) break;
      seen_.append(bytes.data(), size);
      const auto [failed, written] =
          co_await boost::asio::async_write(*to, boost::asio::buffer(bytes.data(), size),
                                            boost::asio::as_tuple(boost::asio::use_awaitable));
      if (failed || written != size) break;
    }
    boost::system::error_code ignored;
    to->shutdown(Tcp::socket::shutdown_both, ignored);
  }

  Tcp::acceptor acceptor_;
  Tcp::endpoint target_;
  std::string seen_;
};

}  // namespace driftwarden::directory
