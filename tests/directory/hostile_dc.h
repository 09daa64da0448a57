#pragma once

// A domain controller that misbehaves by script: TLS and a bind as they should be, and then the
// bytes that a test wants. Speaks on loopback, on a port of its own.

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "net/byte_stream.h"
#include "simulator/ber.h"
#include "tests/testing/temp_directory.h"
#include "watchers/directory/session.h"

namespace driftwarden::directory {

class HostileDc {
 public:
  struct Reply {
    std::string bytes;
    bool hang_up = false;   // after the bytes
    bool for_ever = false;  // the bytes again and again, as long as somebody takes them
  };
  using Script = std::function<Reply(const simulator::LdapMessage&)>;

  // Works while `context`, which must outlive it, runs.
  explicit HostileDc(boost::asio::io_context& context);
  ~HostileDc();

  // How a session with it is opened.
  SessionOptions Options() const;
  const std::string& password_file() const;

  // What a bind and a search are answered with. Until set: success; a rootDSE, its own object, and
  // nobody.
  void OnBind(Script script);
  void OnSearch(Script script);
  size_t binds() const;
  size_t connections() const;
  uint64_t bytes_sent() const;

  // Messages as they should be.
  static std::string Done(const simulator::LdapMessage& request, int code = 0,
                          const std::string& cookie = "");
  static std::string Person(int32_t id, const std::string& name);
  static Reply Decent(const simulator::LdapMessage& request);
  // A message of `tag` with `body`, whatever that means.
  static std::string Raw(int32_t id, uint8_t tag, const std::string& body);

 private:
  struct State;
  static boost::asio::awaitable<void> Accept(std::shared_ptr<State> state);
  static boost::asio::awaitable<void> Serve(std::shared_ptr<State> state,
                                            std::shared_ptr<net::ByteStream> stream);
  static boost::asio::awaitable<bool> Send(std::shared_ptr<State> state,
                                           std::shared_ptr<net::ByteStream> stream, Reply reply);

  testing::TempDirectory folder_;
  const std::string password_file_ = folder_.path() + "/password";
  std::shared_ptr<State> state_;
};

}  // namespace driftwarden::directory
