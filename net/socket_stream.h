#pragma once

// Internal to net: the one implementation of ByteStream, over any stream socket, plain or TLS.

#include <boost/asio/generic/stream_protocol.hpp>
#include <memory>
#include <optional>
#include <string>

#include "net/byte_stream.h"
#include "net/tls_context.h"

namespace driftwarden::net {

using StreamSocket = asio::generic::stream_protocol::socket;
using StreamEndpoint = asio::generic::stream_protocol::endpoint;

class SocketStream final : public ByteStream {
 public:
  // `server_tls` may be null.
  SocketStream(StreamSocket socket, TlsContext server_tls, std::string peer,
               std::optional<uid_t> peer_uid);
  ~SocketStream() override;

  asio::awaitable<StatusOr<size_t>> ReadSome(char* data, size_t size) override;
  asio::awaitable<Status> WriteAll(std::string bytes) override;
  asio::awaitable<Status> StartTlsServer() override;
  void ExpiresAfter(absl::Duration d) override;
  bool IsQuiet() const override;
  void FinishWriting() override;
  asio::awaitable<void> Shutdown() override;
  void Close() override;
  bool secure() const override { return secure_; }
  const std::string& peer() const override { return peer_; }
  std::optional<uid_t> peer_uid() const override { return peer_uid_; }

  // Opens the socket and connects it; `peer()` names the other end in the errors.
  asio::awaitable<Status> Connect(StreamEndpoint endpoint);
  // Client side: handshake, verifying that the other end is `host`.
  asio::awaitable<Status> StartTlsClient(TlsContext context, std::string host);
  // What stands now was only the way to `peer`: TLS may be started once more, inside it.
  void EnterTunnel(std::string peer);

 private:
  struct State;
  // What an error of the socket means, knowing whether we caused it.
  Status Explain(const boost::system::error_code& error, bool cancelled) const;

  std::shared_ptr<State> state_;  // shared with the timer's handler
  TlsContext tls_context_;        // outlives the TLS stream
  std::string peer_;
  std::optional<uid_t> peer_uid_;
  bool secure_ = false;        // with whom peer_ names
  bool outer_secure_ = false;  // with the proxy on the way there
};

}  // namespace driftwarden::net
