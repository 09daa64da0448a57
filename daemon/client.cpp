#include "daemon/client.h"

#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <exception>
#include <optional>
#include <utility>

#include "base/files.h"
#include "base/secret.h"
#include "base/strings.h"
#include "daemon/config.h"
#include "net/http_client.h"

namespace driftwarden::daemon {

namespace asio = boost::asio;
namespace json = boost::json;

namespace {

constexpr absl::Duration kTimeout = absl::Seconds(30);

// The text of a problem+json answer, else the status line.
Status FromAnswer(const net::HttpResponse& answer, const std::string& where) {
  boost::system::error_code error;
  const json::value body = json::parse(answer.body, error);
  std::string text = Cat(where, " answered ", answer.status);
  if (!error && body.is_object()) {
    const json::value* detail = body.as_object().if_contains("detail");
    if (detail != nullptr && detail->is_string()) text = std::string(detail->as_string());
    const json::value* people = body.as_object().if_contains("people");
    if (people != nullptr && people->is_array()) {
      for (const json::value& id : people->as_array()) {
        if (id.is_string()) text += Cat("\n  ", std::string(id.as_string()));
      }
    }
  }
  switch (answer.status) {
    case 400:
      return InvalidError(text);
    case 401:
      return UnauthenticatedError(text);
    case 403:
      return PermissionError(text);
    case 404:
      return NotFoundError(text);
    case 409:
      return PreconditionError(text);
    default:
      return UnavailableError(text);
  }
}

asio::awaitable<void> Fetch(net::HttpClient* client, net::HttpRequest request,
                            absl::Duration timeout,
                            std::optional<StatusOr<net::HttpResponse>>* out) {
  auto reply = co_await client->Send(std::move(request), timeout);
  out->emplace(std::move(reply));
}

// "http://ADDRESS:PORT" of the daemon that runs on this data directory, if it wrote run.json.
std::string UrlFromRunFile(const std::string& data_dir) {
  const auto text = ReadFile(Cat(data_dir, "/run.json"), 64 * 1024);
  if (!text.ok()) return {};
  boost::system::error_code error;
  const json::value body = json::parse(*text, error);
  if (error || !body.is_object()) return {};
  const json::value* http = body.as_object().if_contains("http");
  return http != nullptr && http->is_string() ? std::string(http->as_string()) : std::string();
}

}  // namespace

StatusOr<Client> Client::Open(const ClientOptions& options) {
  Client client;
  client.ca_file_ = options.ca_file;
  if (!options.token_file.empty()) {
    DW_ASSIGN_OR_RETURN(const Secret token, ReadSecretFile(options.token_file));
    client.token_ = std::string(token.Reveal());
  }
  client.base_ = options.url;
  if (!options.config.empty()) {
    DW_ASSIGN_OR_RETURN(const Config config, LoadConfig(options.config));
    const std::string socket = Cat(config.data_dir, "/control.sock");
    if (::access(socket.c_str(), R_OK | W_OK) == 0) {
      client.base_ = Cat("unix:", socket, ":");
    } else if (client.base_.empty()) {
      client.base_ = UrlFromRunFile(config.data_dir);
    }
  }
  if (client.base_.empty()) client.base_ = "http://127.0.0.1:9742";
  while (client.base_.ends_with("/")) client.base_.pop_back();
  return client;
}

StatusOr<json::value> Client::Get(const std::string& path) const {
  return Exchange("GET", path, "", kTimeout);
}

StatusOr<json::value> Client::Get(const std::string& path, absl::Duration timeout) const {
  return Exchange("GET", path, "", timeout);
}

StatusOr<json::value> Client::Post(const std::string& path, const json::value& body) const {
  return Exchange("POST", path, json::serialize(body), kTimeout);
}

StatusOr<json::value> Client::Delete(const std::string& path) const {
  return Exchange("DELETE", path, "", kTimeout);
}

StatusOr<json::value> Client::Exchange(const std::string& method, const std::string& path,
                                       const std::string& body, absl::Duration timeout) const {
  asio::io_context context(1);
  net::HttpClientOptions client_options;
  client_options.ca_file = ca_file_;
  DW_ASSIGN_OR_RETURN(auto client, net::NewHttpClient(context.get_executor(), client_options));
  net::HttpRequest request(method, Cat(base_, path));
  if (!token_.empty()) request.AddHeader("Authorization", Cat("Bearer ", token_));
  if (!body.empty()) request.AddHeader("Content-Type", "application/json");
  request.body = body;
  std::optional<StatusOr<net::HttpResponse>> reply;
  asio::co_spawn(context, Fetch(client.get(), std::move(request), timeout, &reply),
                 [](const std::exception_ptr& error) {
                   if (error) std::rethrow_exception(error);
                 });
  while (!reply.has_value() && context.run_one() != 0) {
  }
  client.reset();
  if (!reply.has_value()) return InternalError("the request ended without an answer");
  if (!reply->ok()) {
    return UnavailableError(Cat("no daemon answers at ", base_, ": ", Message(reply->status()),
                                "; start it with driftwarden run, or give --config or --url"));
  }
  if ((*reply)->status / 100 != 2) return FromAnswer(**reply, base_);
  boost::system::error_code error;
  json::value parsed = json::parse((*reply)->body, error);
  if (error) return DataLossError(Cat(base_, path, " did not answer JSON: ", error.message()));
  return parsed;
}

}  // namespace driftwarden::daemon
