#include "simulator/ldap_server.h"

#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <list>
#include <utility>

#include "base/async/event.h"
#include "base/async/task_group.h"
#include "base/strings.h"
#include "net/byte_stream.h"
#include "simulator/ber.h"
#include "simulator/ldap_connection.h"

namespace driftwarden::simulator {
namespace {

constexpr size_t kMessageLimit = size_t{1} << 20;
constexpr absl::Duration kIdle = absl::Minutes(15);  // MaxConnIdleTime
constexpr size_t kMaxUnsent = size_t{4} << 20;       // of a client that does not read

// One connection. What is sent to it may come from its own requests and from others' writes.
struct Client {
  Client(const asio::any_io_executor& executor, std::unique_ptr<net::ByteStream> s,
         LdapConnection c)
      : stream(std::move(s)), connection(std::move(c)), sent(executor) {}

  std::unique_ptr<net::ByteStream> stream;
  LdapConnection connection;
  std::string unsent;
  bool sending = false;
  AsyncEvent sent;
  Status broken;
};

// Sends what waits; one at a time does it, for all.
asio::awaitable<Status> Flush(std::shared_ptr<Client> client) {
  while (client->sending) {
    client->sent.Reset();
    const bool went = co_await client->sent.Wait();
    if (!went) co_return CancelledError("stopping");
  }
  client->sending = true;
  while (!client->unsent.empty() && client->broken.ok()) {
    std::string bytes = std::exchange(client->unsent, std::string());
    client->broken = co_await client->stream->WriteAll(std::move(bytes));
  }
  client->sending = false;
  client->sent.Set();
  co_return client->broken;
}

asio::awaitable<void> FlushAside(std::shared_ptr<Client> client) {
  const Status sent = co_await Flush(client);
  if (!sent.ok()) client->stream->Close();
}

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
  std::list<std::shared_ptr<Client>> clients;
  std::vector<uint64_t> changed;  // not told yet

  void NoteChange(uint64_t person);
  asio::awaitable<void> TellLater();
  void TellChanges();
  asio::awaitable<void> AcceptLoop(net::StreamListener* listener, bool tls_first);
  asio::awaitable<void> Serve(std::unique_ptr<net::ByteStream> stream, bool tls_first);
  asio::awaitable<Status> ServeMessages(std::shared_ptr<Client> client);
  // Sends what a request brings forth. Cancelled: the connection shall end.
  asio::awaitable<Status> Respond(std::shared_ptr<Client> client, LdapMessage message);
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
  LdapConnection connection(world, clock, options, faults);
  auto client = std::make_shared<Client>(executor, std::move(stream), std::move(connection));
  clients.push_back(client);
  const auto place = std::prev(clients.end());
  Status status = OkStatus();
  if (tls_first) {
    client->stream->ExpiresAfter(absl::Seconds(10));
    status = co_await client->stream->StartTlsServer();
  }
  if (status.ok()) status = co_await ServeMessages(client);
  client->stream->Close();
  clients.erase(place);
}

// A write is in progress: what it changed is told when it is over.
void LdapServer::Impl::NoteChange(uint64_t person) {
  changed.push_back(person);
  if (changed.size() == 1) tasks.Spawn(TellLater());
}

asio::awaitable<void> LdapServer::Impl::TellLater() {
  co_await asio::post(executor, asio::use_awaitable);
  TellChanges();
}

void LdapServer::Impl::TellChanges() {
  const std::vector<uint64_t> people = std::exchange(changed, {});
  for (const auto& client : clients) {
    for (const uint64_t person : people) client->unsent += client->connection.Tell(person);
    if (client->unsent.empty()) continue;
    if (client->unsent.size() > kMaxUnsent) {
      client->stream->Close();
    } else {
      tasks.Spawn(FlushAside(client));
    }
  }
}

asio::awaitable<Status> LdapServer::Impl::ServeMessages(std::shared_ptr<Client> client) {
  std::string buffer;
  std::string chunk(16384, '\0');
  for (;;) {
    const auto size = LdapMessageSize(buffer, kMessageLimit);
    if (!size.ok()) co_return size.status();
    if (!size->has_value() || buffer.size() < **size) {
      client->stream->ExpiresAfter(kIdle);
      const auto got = co_await client->stream->ReadSome(chunk.data(), chunk.size());
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
    const Status sent = co_await Respond(client, std::move(request));
    if (!sent.ok()) co_return sent;
  }
}

asio::awaitable<Status> LdapServer::Impl::Respond(std::shared_ptr<Client> client,
                                                  LdapMessage message) {
  const bool is_search = message.operation == LdapOperation::kSearch;
  LdapConnection::Answer answer = client->connection.Handle(message, client->stream->secure());
  for (;;) {
    client->stream->ExpiresAfter(absl::Minutes(1));
    client->unsent += answer.bytes;
    const Status written = co_await Flush(client);
    if (!written.ok()) co_return written;
    if (!answer.more) break;
    // A long scan that finds nothing must not keep the others waiting.
    co_await asio::post(executor, asio::use_awaitable);
    answer = client->connection.Continue();
  }
  if (is_search) ++searches;
  if (answer.close) co_return CancelledError("closed");
  if (answer.start_tls) {
    const Status raised = co_await client->stream->StartTlsServer();
    if (!raised.ok()) co_return raised;
  }
  co_return OkStatus();
}

LdapServer::LdapServer(asio::any_io_executor executor, World& world, const Clock& clock,
                       LdapServerOptions options)
    : impl_(std::make_unique<Impl>(std::move(executor), world, clock, std::move(options))) {
  Impl* const impl = impl_.get();
  world.directory(impl->options.forest).OnCommit([impl](uint64_t person) {
    impl->NoteChange(person);
  });
}

LdapServer::~LdapServer() {
  impl_->world.directory(impl_->options.forest).OnCommit(nullptr);
}

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
  return impl_->clients.size();
}

}  // namespace driftwarden::simulator
