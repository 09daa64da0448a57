#include "alerts/alertmanager_sink.h"

#include <algorithm>
#include <boost/json.hpp>
#include <utility>

#include "base/strings.h"
#include "base/time.h"

namespace driftwarden::alerts {
namespace {

constexpr absl::Duration kTimeout = absl::Seconds(10);
constexpr size_t kAlertsPerRequest = 500;

boost::json::object ToObject(const std::map<std::string, std::string>& values) {
  boost::json::object out;
  for (const auto& [key, value] : values) out[key] = value;
  return out;
}

std::string AddressIn(std::string_view url) {
  const size_t scheme = url.find("://");
  std::string_view rest = scheme == std::string_view::npos ? url : url.substr(scheme + 3);
  rest = rest.substr(0, rest.find_first_of("/?#"));
  // Never a secret: user information in a URL is not part of it.
  const size_t at = rest.rfind('@');
  return std::string(at == std::string_view::npos ? rest : rest.substr(at + 1));
}

}  // namespace

std::string AlertmanagerBody(const std::vector<Alert>& alerts) {
  boost::json::array list;
  for (const Alert& alert : alerts) {
    boost::json::object item;
    item["labels"] = ToObject(alert.labels);
    item["annotations"] = ToObject(alert.annotations);
    item["startsAt"] = FormatRfc3339(alert.starts_at);
    item["endsAt"] = FormatRfc3339(alert.ends_at);
    if (!alert.generator_url.empty()) item["generatorURL"] = alert.generator_url;
    list.push_back(std::move(item));
  }
  return boost::json::serialize(list);
}

AlertmanagerSink::AlertmanagerSink(std::string name, std::string url, net::HttpClient& client)
    : name_(std::move(name)), url_(std::move(url)), address_(AddressIn(url_)), client_(client) {
  while (!url_.empty() && url_.back() == '/') url_.pop_back();
}

asio::awaitable<Status> AlertmanagerSink::Deliver(std::vector<Alert> alerts) {
  for (size_t first = 0; first < alerts.size(); first += kAlertsPerRequest) {
    const size_t last = std::min(alerts.size(), first + kAlertsPerRequest);
    const std::vector<Alert> part(alerts.begin() + static_cast<ptrdiff_t>(first),
                                  alerts.begin() + static_cast<ptrdiff_t>(last));
    net::HttpRequest request;
    request.method = "POST";
    request.url = Cat(url_, "/api/v2/alerts");
    request.headers.emplace_back("Content-Type", "application/json");
    request.body = AlertmanagerBody(part);
    const auto reply = co_await client_.Send(std::move(request), kTimeout);
    if (!reply.ok()) co_return Annotate(reply.status(), Cat("alertmanager ", address_));
    if (reply->status / 100 == 2) continue;
    const std::string text = Cat("alertmanager ", address_, " answered ", reply->status, ": ",
                                 Printable(reply->body, 200));
    // 4xx but for throttling means the content is refused: repeating it cannot help.
    const bool refused = reply->status / 100 == 4 && reply->status != 429;
    co_return refused ? InvalidError(text) : UnavailableError(text);
  }
  co_return OkStatus();
}

}  // namespace driftwarden::alerts
