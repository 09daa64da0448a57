#include "tests/directory/hostile_dc.h"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <utility>

#include "base/files.h"
#include "base/strings.h"
#include "net/tls.h"

namespace driftwarden::directory {

namespace asio = boost::asio;
using simulator::LdapEntry;
using simulator::LdapMessage;
using simulator::LdapOperation;

struct HostileDc::State {
  std::unique_ptr<net::StreamListener> listener;
  Script on_bind = [](const LdapMessage& message) { return Reply{Done(message)}; };
  Script on_search = Decent;
  size_t binds = 0;
  size_t connections = 0;
  uint64_t sent = 0;
};

HostileDc::HostileDc(asio::io_context& context) : state_(std::make_shared<State>()) {
  const absl::Time now = SystemClock().Wall();
  const auto ca = net::MakeCa("hostile", now);
  const auto identity = net::IssueServerCertificate(*ca, {}, {"127.0.0.1"}, now);
  EXPECT_TRUE(WriteFileAtomic(folder_.path() + "/ca.pem", ca->certificate_pem).ok());
  EXPECT_TRUE(WriteFileAtomic(password_file(), "secret").ok());
  net::ListenOptions listen;
  listen.tls = net::TlsServerConfig(*identity);
  auto listener = net::NewStreamListener(context.get_executor(), std::move(listen));
  EXPECT_TRUE(listener.ok()) << listener.status();
  state_->listener = *std::move(listener);
  asio::co_spawn(context, Accept(state_), asio::detached);
}

HostileDc::~HostileDc() {
  state_->listener->Close();
}

SessionOptions HostileDc::Options() const {
  SessionOptions options;
  options.source = "corp";
  options.server = Cat("ldaps://127.0.0.1:", state_->listener->port());
  options.ca_file = folder_.path() + "/ca.pem";
  options.bind.user = "svc-drift@corp.example";
  options.bind.password_file = password_file();
  options.network_timeout = absl::Seconds(5);
  options.search_timeout = absl::Seconds(20);
  return options;
}

const std::string& HostileDc::password_file() const {
  return password_file_;
}

void HostileDc::OnBind(Script script) {
  state_->on_bind = std::move(script);
}
void HostileDc::OnSearch(Script script) {
  state_->on_search = std::move(script);
}
size_t HostileDc::binds() const {
  return state_->binds;
}
size_t HostileDc::connections() const {
  return state_->connections;
}
uint64_t HostileDc::bytes_sent() const {
  return state_->sent;
}

std::string HostileDc::Done(const LdapMessage& request, int code, const std::string& cookie) {
  std::vector<simulator::LdapControl> controls;
  if (code == 0 && request.Find(simulator::kControlPaged) != nullptr) {
    controls.push_back(
        {std::string(simulator::kControlPaged), false, simulator::EncodePagedValue({0, cookie})});
  }
  return simulator::EncodeLdapResult(request, {code, ""}, controls);
}

std::string HostileDc::Person(int32_t id, const std::string& name) {
  LdapEntry entry;
  entry.dn = Cat("CN=", name, ",DC=corp");
  for (const char* const type : {"top", "person", "user"}) entry.Add("objectClass", type);
  std::string guid = name;
  guid.resize(16, '.');
  entry.Add("objectGUID", guid);
  entry.Add("sAMAccountName", name);
  entry.Add("userAccountControl", "512");
  entry.Add("uSNChanged", "5");
  return simulator::EncodeLdapEntry(id, entry, false);
}

HostileDc::Reply HostileDc::Decent(const LdapMessage& request) {
  LdapEntry entry;
  if (request.name.empty()) {
    entry.Add("dsServiceName", "CN=NTDS Settings");
    entry.Add("highestCommittedUSN", "100");
    entry.Add("defaultNamingContext", "DC=corp");
    entry.Add("currentTime", "20261121020200.0Z");
    entry.Add("isSynchronized", "TRUE");
  } else if (request.name == "CN=NTDS Settings") {
    entry.dn = request.name;
    entry.Add("objectGUID", std::string(16, 'd'));
    entry.Add("invocationId", std::string(16, 'i'));
  } else {
    return {Done(request)};
  }
  return {simulator::EncodeLdapEntry(request.id, entry, false) + Done(request)};
}

std::string HostileDc::Raw(int32_t id, uint8_t tag, const std::string& body) {
  const auto wrap = [](uint8_t with, const std::string& inside) {
    std::string out(1, static_cast<char>(with));
    out += '\x84';
    for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(inside.size() >> shift);
    return out + inside;
  };
  std::string number = {'\x02', '\x04'};
  for (int shift = 24; shift >= 0; shift -= 8) number += static_cast<char>(id >> shift);
  return wrap(0x30, number + wrap(tag, body));
}

asio::awaitable<void> HostileDc::Accept(std::shared_ptr<State> state) {
  while (true) {
    auto accepted = co_await state->listener->Accept();
    if (!accepted.ok()) co_return;
    std::shared_ptr<net::ByteStream> stream = *std::move(accepted);
    const auto executor = co_await asio::this_coro::executor;
    asio::co_spawn(executor, Serve(state, std::move(stream)), asio::detached);
  }
}

asio::awaitable<void> HostileDc::Serve(std::shared_ptr<State> state,
                                       std::shared_ptr<net::ByteStream> stream) {
  ++state->connections;
  const Status raised = co_await stream->StartTlsServer();
  if (!raised.ok()) co_return;
  std::string buffer;
  std::string chunk(16384, '\0');
  while (true) {
    const auto size = simulator::LdapMessageSize(buffer, 1 << 20);
    if (!size.ok()) co_return;
    if (!size->has_value() || buffer.size() < **size) {
      const auto got = co_await stream->ReadSome(chunk.data(), chunk.size());
      if (!got.ok() || *got == 0) co_return;
      buffer.append(chunk, 0, *got);
      continue;
    }
    const auto message = simulator::DecodeLdapMessage(std::string_view(buffer).substr(0, **size));
    buffer.erase(0, **size);
    if (!message.ok() || message->operation == LdapOperation::kUnbind) co_return;
    Reply reply;
    if (message->operation == LdapOperation::kBind) {
      ++state->binds;
      reply = state->on_bind(*message);
    } else if (message->operation == LdapOperation::kSearch) {
      reply = state->on_search(*message);
    }
    const bool goes_on = co_await Send(state, stream, std::move(reply));
    if (!goes_on) co_return;
  }
}

asio::awaitable<bool> HostileDc::Send(std::shared_ptr<State> state,
                                      std::shared_ptr<net::ByteStream> stream, Reply reply) {
  do {
    state->sent += reply.bytes.size();
    std::string bytes = reply.bytes;
    const Status written = co_await stream->WriteAll(std::move(bytes));
    if (!written.ok()) co_return false;
  } while (reply.for_ever);
  co_return !reply.hang_up;
}

}  // namespace driftwarden::directory
