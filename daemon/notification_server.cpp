#include "daemon/notification_server.h"

#include <utility>

#include "base/strings.h"

namespace driftwarden::daemon {
namespace {

constexpr size_t kTokenLimit = 2048;  // Graph's are a tenth of it
constexpr size_t kBodyLimit = size_t{1} << 20;
constexpr size_t kHeaderLimit = size_t{8} << 10;
constexpr size_t kMaxConnections = 64;
constexpr absl::Duration kPatience = absl::Seconds(5);  // with a slow sender

asio::awaitable<net::ServerResponse> Respond(NotificationServer* server,
                                             net::ServerRequest request) {
  co_return server->Answer(request);
}

bool IsPrintableText(std::string_view text) {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) return false;
  }
  return IsUtf8(text);
}

// Whoever is not Graph learns nothing from it, and nothing that somebody puts in is ever markup.
net::ServerResponse Plain(int status, std::string text) {
  net::ServerResponse response(status, "text/plain; charset=utf-8", std::move(text));
  response.headers.emplace_back("X-Content-Type-Options", "nosniff");
  response.headers.emplace_back("Cache-Control", "no-store");
  return response;
}

}  // namespace

NotificationServer::NotificationServer(asio::any_io_executor executor, const Clock& clock)
    : clock_(clock), server_(std::move(executor), [this](net::ServerRequest request) {
        return Respond(this, std::move(request));
      }) {}

void NotificationServer::Add(const EntraConfig& tenant, watchers::GraphSubscription& subscription) {
  tenants_[tenant.name.value] = Entry{tenant.notifications, &subscription};
}

Status NotificationServer::Listen() {
  std::map<std::pair<std::string, uint16_t>, std::string> listening;
  for (const auto& [name, entry] : tenants_) {
    const GraphNotificationsConfig& wanted = entry.config;
    std::string& url = listening[{wanted.address, wanted.port}];
    if (url.empty()) {
      net::ServerOptions options;
      options.address = wanted.address == "localhost" ? "127.0.0.1" : wanted.address;
      options.port = wanted.port;
      options.clock = &clock_;
      options.max_connections = kMaxConnections;
      options.header_limit = kHeaderLimit;
      options.body_limit = kBodyLimit;
      options.read_timeout = kPatience;
      options.write_timeout = kPatience;
      if (!wanted.tls.cert_file.empty()) {
        DW_ASSIGN_OR_RETURN(options.tls,
                            net::LoadTlsServerConfig(wanted.tls.cert_file, wanted.tls.key_file,
                                                     wanted.tls.client_ca_file));
      }
      const bool secure = options.tls.has_value();
      const bool brackets = options.address.find(':') != std::string::npos;
      const std::string host = brackets ? Cat("[", options.address, "]") : options.address;
      const auto port = server_.Listen(std::move(options));
      if (!port.ok()) return Annotate(port.status(), "entra[].notifications.listen");
      url = Cat(secure ? "https://" : "http://", host, ":", *port);
    }
    addresses_[name] = url;
  }
  return OkStatus();
}

asio::awaitable<void> NotificationServer::Stop() {
  co_await server_.Stop();
}

net::ServerResponse NotificationServer::Answer(const net::ServerRequest& request) {
  const std::string& path = request.path;
  const auto found = tenants_.find(path.substr(path.rfind('/') + 1));
  if (found == tenants_.end()) return Plain(404, "");
  if (request.method != "POST") return Plain(405, "");
  watchers::GraphSubscription& subscription = *found->second.subscription;
  if (request.HasQuery("validationToken")) {
    std::string token(request.Query("validationToken"));
    if (token.empty() || token.size() > kTokenLimit || !IsPrintableText(token)) {
      return Plain(400, "");
    }
    subscription.NoteValidated();
    return Plain(200, std::move(token));
  }
  // Accepted whether we believe it or not: who is not Graph learns nothing, and what Graph still
  // sends for a subscription of a life before is not sent again for hours.
  return Plain(subscription.Take(request.body) ? 202 : 400, "");
}

}  // namespace driftwarden::daemon
