#include "simulator/ldap_server.h"

#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

#include "base/async/task_group.h"
#include "base/strings.h"
#include "net/byte_stream.h"
#include "simulator/ber.h"
#include "simulator/ldap_connection.h"

namespace driftwarden::simulator {
namespace {

constexpr size_t kMessageLimit = size_t{1} << 20;
constexpr absl::Duration kIdle = absl::Minutes(15);  // MaxConnIdleTime

}  // namespace

struct LdapServer::Impl {
  Impl(asio::any_io_executor ex, World& w, const Clock& c, LdapServerOptions o)
      : executor(ex), world(w), clock(c), options(std::move(o)), tasks(std::move(ex)) {}

  asio::any_io_executor executor;
  World& world;
  const Clock& clock;
  const LdapServerOptions options;
  LdapFaults faults;
  TaskGroup tasks;
  std::vector<std::unique_ptr<net::StreamListener>> listeners;
  uint64_t searches = 0;
  size_t connections = 0;

  asio::awaitable<void> AcceptLoop(net::StreamListener* listener, bool tls_first);
  asio::awaitable<void> Serve(std::unique_ptr<net::ByteStream> stream, bool tls_first);
  asio::awaitable<Status> ServeMessages(net::ByteStream* stream);
  // Sends what a request brings forth. Cancelled: the connection shall end.
  asio::awaitable<Status> Respond(net::ByteStream* stream, LdapConnection* connection,
                                  LdapMessage message);
  StatusOr<uint16_t> Listen(const std::string& address, uint16_t port, bool tls_first);
};

StatusOr<uint16_t> LdapServer::Impl::Listen(const std::string& address, uint16_t port,
                                            bool tls_first) {
  net::ListenOptions listen;
  listen.address = address;
  listen.port = port;
  listen.tls = options.tls;
  DW_ASSIGN_OR_RETURN(auto listener, net::NewStreamListener(executor, std::move(listen)));
  listeners.push_back(std::move(listener));
  tasks.Spawn(AcceptLoop(listeners.back().get(), tls_first));
  return listeners.back()->port();
}

asio::awaitable<void> LdapServer::Impl::AcceptLoop(net::StreamListener* listener, bool tls_first) {
  while (!tasks.cancelled()) {
    auto accepted = co_await listener->Accept();
    if (accepted.ok()) {
      tasks.Spawn(Serve(*std::move(accepted), tls_first));
    } else if (accepted.status().code() == StatusCode::kCancelled) {
      break;
    }
  }
}

asio::awaitable<void> LdapServer::Impl::Serve(std::unique_ptr<net::ByteStream> stream,
                                              bool tls_first) {
  ++connections;
  Status status = OkStatus();
  if (tls_first) {
    stream->ExpiresAfter(absl::Seconds(10));
    status = co_await stream->StartTlsServer();
  }
  if (status.ok()) status = co_await ServeMessages(stream.get());
  stream->Close();
  --connections;
}

asio::awaitable<Status> LdapServer::Impl::ServeMessages(net::ByteStream* stream) {
  LdapConnection connection(world, clock, options, faults);
  std::string buffer;
  std::string chunk(16384, '\0');
  for (;;) {
    const auto size = LdapMessageSize(buffer, kMessageLimit);
    if (!size.ok()) co_return size.status();
    if (!size->has_value() || buffer.size() < **size) {
      stream->ExpiresAfter(kIdle);
      const auto got = co_await stream->ReadSome(chunk.data(), chunk.size());
      if (!got.ok()) co_return got.status();
      if (*got == 0) co_return OkStatus();
      buffer.append(chunk, 0, *got);
      continue;
    }
    auto message = DecodeLdapMessage(std::string_view(buffer).substr(0, **size));
    buffer.erase(0, **size);
    if (!message.ok()) co_return message.status();
    LdapMessage request = *std::move(message);
    // Nothing sent in clear may stand behind a StartTLS: it would be taken for secured.
    if (request.name == kStartTlsOid && !buffer.empty()) {
      co_return DataLossError("bytes behind StartTLS");
    }
    const Status sent = co_await Respond(stream, &connection, std::move(request));
    if (!sent.ok()) co_return sent;
  }
}

asio::awaitable<Status> LdapServer::Impl::Respond(net::ByteStream* stream,
                                                  LdapConnection* connection, LdapMessage message) {
  const bool is_search = message.operation == LdapOperation::kSearch;
  LdapConnection::Answer answer = connection->Handle(message, stream->secure());
  for (;;) {
    stream->ExpiresAfter(absl::Minutes(1));
    if (!answer.bytes.empty()) {
      std::string bytes = std::move(answer.bytes);
      const Status written = co_await stream->WriteAll(std::move(bytes));
      if (!written.ok()) co_return written;
    }
    if (!answer.more) break;
    // A long scan that finds nothing must not keep the others waiting.
    co_await asio::post(executor, asio::use_awaitable);
    answer = connection->Continue();
  }
  if (is_search) ++searches;
  if (answer.close) co_return CancelledError("closed");
  if (answer.start_tls) {
    const Status raised = co_await stream->StartTlsServer();
    if (!raised.ok()) co_return raised;
  }
  co_return OkStatus();
}

LdapServer::LdapServer(asio::any_io_executor executor, World& world, const Clock& clock,
                       LdapServerOptions options)
    : impl_(std::make_unique<Impl>(std::move(executor), world, clock, std::move(options))) {}

LdapServer::~LdapServer() = default;

StatusOr<uint16_t> LdapServer::ListenTls(const std::string& address, uint16_t port) {
  return impl_->Listen(address, port, /*tls_first=*/true);
}

StatusOr<uint16_t> LdapServer::ListenPlain(const std::string& address, uint16_t port) {
  return impl_->Listen(address, port, /*tls_first=*/false);
}

asio::awaitable<void> LdapServer::Stop() {
  for (const auto& listener : impl_->listeners) listener->Close();
  impl_->tasks.Cancel();
  co_await impl_->tasks.Join();
}

LdapFaults& LdapServer::faults() {
  return impl_->faults;
}
uint64_t LdapServer::searches() const {
  return impl_->searches;
}
size_t LdapServer::connections() const {
  return impl_->connections;
}

}  // namespace driftwarden::simulator
