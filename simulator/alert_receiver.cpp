#include "simulator/alert_receiver.h"

#include <algorithm>
#include <boost/json.hpp>
#include <cctype>

#include "base/hex.h"
#include "base/strings.h"
#include "base/time.h"

namespace driftwarden::simulator {
namespace {

namespace json = boost::json;

constexpr absl::Duration kResolveTimeout = absl::Minutes(5);  // of an alert without endsAt

// Label names as Prometheus has them; empty values are dropped, as Alertmanager does.
StatusOr<LabelSet> ReadLabels(const json::object& object, const char* key) {
  LabelSet labels;
  const json::value* value = object.if_contains(key);
  if (value == nullptr) return labels;
  if (!value->is_object()) return InvalidError(Cat(key, " must be an object"));
  for (const auto& member : value->as_object()) {
    const std::string name(member.key());
    const bool good = !name.empty() && (name[0] < '0' || name[0] > '9') &&
                      std::all_of(name.begin(), name.end(),
                                  [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; });
    if (!good || !member.value().is_string()) {
      return InvalidError(Cat(key, ": bad pair ", Printable(name, 60)));
    }
    const std::string text(member.value().as_string());
    if (!text.empty()) labels[name] = text;
  }
  return labels;
}

StatusOr<absl::Time> ReadTime(const json::object& object, const char* key, absl::Time otherwise) {
  const json::value* value = object.if_contains(key);
  if (value == nullptr || value->is_null()) return otherwise;
  const auto at = value->is_string() ? ParseRfc3339(std::string(value->as_string())) : std::nullopt;
  if (!at) return InvalidError(Cat(key, " must be RFC 3339"));
  // Go's zero time stands for "not given".
  return *at < absl::UnixEpoch() ? otherwise : *at;
}

StatusOr<ReceivedAlert> ReadAlert(const json::value& value, absl::Time now) {
  if (!value.is_object()) return InvalidError("an alert must be an object");
  const json::object& object = value.as_object();
  ReceivedAlert alert;
  DW_ASSIGN_OR_RETURN(alert.labels, ReadLabels(object, "labels"));
  DW_ASSIGN_OR_RETURN(alert.annotations, ReadLabels(object, "annotations"));
  if (alert.labels.empty()) return InvalidError("at least one label pair required");
  DW_ASSIGN_OR_RETURN(alert.ends_at, ReadTime(object, "endsAt", now + kResolveTimeout));
  DW_ASSIGN_OR_RETURN(alert.starts_at, ReadTime(object, "startsAt", std::min(now, alert.ends_at)));
  if (alert.ends_at < alert.starts_at) {
    return InvalidError("start time must be before end time");
  }
  const json::value* url = object.if_contains("generatorURL");
  if (url != nullptr && url->is_string()) alert.generator_url = std::string(url->as_string());
  alert.first_seen = now;
  alert.last_seen = now;
  alert.posts = 1;
  return alert;
}

json::object ToJson(const LabelSet& labels) {
  json::object out;
  for (const auto& [name, value] : labels) out[name] = value;
  return out;
}

std::string Fingerprint(const LabelSet& labels) {
  std::string text;
  for (const auto& [name, value] : labels) text += Cat(name, '\xff', value, '\xff');
  const Sha256Digest digest = Sha256(text);
  return HexEncode(DigestBytes(digest).substr(0, 8));
}

json::object AlertJson(const ReceivedAlert& alert, bool history) {
  json::object out = {{"labels", ToJson(alert.labels)},
                      {"annotations", ToJson(alert.annotations)},
                      {"startsAt", FormatRfc3339(alert.starts_at)},
                      {"endsAt", FormatRfc3339(alert.ends_at)},
                      {"updatedAt", FormatRfc3339(alert.last_seen)},
                      {"fingerprint", Fingerprint(alert.labels)},
                      {"generatorURL", alert.generator_url}};
  if (history) {
    out["firstSeen"] = FormatRfc3339(alert.first_seen);
    out["posts"] = alert.posts;
    out["resolvedAt"] =
        alert.resolved_at ? json::value(FormatRfc3339(*alert.resolved_at)) : json::value();
    out["resolvedByPost"] = alert.resolved_by_post;
    return out;
  }
  json::object receiver;
  receiver["name"] = "default";
  json::array receivers;
  receivers.push_back(std::move(receiver));
  out["receivers"] = std::move(receivers);
  out["status"] = {
      {"state", "active"}, {"silencedBy", json::array()}, {"inhibitedBy", json::array()}};
  return out;
}

}  // namespace

std::string ReceivedAlert::Label(const std::string& name) const {
  const auto it = labels.find(name);
  return it == labels.end() ? "" : it->second;
}

net::ServerResponse AlertReceiver::Handle(const net::ServerRequest& request, absl::Time now) {
  if (broken_) return net::ServerResponse(500, "text/plain", "broken on purpose\n");
  const bool get = request.method == "GET";
  if (request.path == "/api/v2/alerts" && request.method == "POST") return Post(request, now);
  if (request.path == "/api/v2/alerts" && get) {
    return net::ServerResponse(200, "application/json", List(false, now));
  }
  if (request.path == "/sim/alerts" && get) {
    return net::ServerResponse(200, "application/json", List(true, now));
  }
  if (get && (request.path == "/-/ready" || request.path == "/-/healthy")) {
    return net::ServerResponse(200, "text/plain", "OK");
  }
  if (get && request.path == "/api/v2/status") {
    return net::ServerResponse(200, "application/json",
                               "{\"cluster\":{\"status\":\"disabled\"},"
                               "\"versionInfo\":{\"version\":\"simulated\"}}");
  }
  return net::ServerResponse(404, "text/plain", "not found\n");
}

net::ServerResponse AlertReceiver::Post(const net::ServerRequest& request, absl::Time now) {
  boost::system::error_code error;
  const json::value body = json::parse(request.body, error);
  if (error || !body.is_array()) {
    return net::ServerResponse(400, "application/json",
                               "{\"code\":400,\"message\":\"an array of alerts is needed\"}");
  }
  ++posts_;
  std::string wrong;
  for (const json::value& value : body.as_array()) {
    auto alert = ReadAlert(value, now);
    if (alert.ok()) {
      Take(*std::move(alert), now);
    } else {
      wrong = std::string(Message(alert.status()));
    }
  }
  // The good ones of a request count, as in Alertmanager.
  if (wrong.empty()) return net::ServerResponse(200);
  return net::ServerResponse(400, "application/json", json::serialize(json::value(wrong)));
}

void AlertReceiver::Take(ReceivedAlert alert, absl::Time now) {
  History(now);  // what ran out before is a firing of its own
  const auto known = firing_.find(alert.labels);
  const bool ended = alert.ends_at <= now;
  if (known == firing_.end()) {
    if (ended) {
      // Of something we never saw, or that ran out before its sender could end it.
      const auto last =
          std::find_if(history_.rbegin(), history_.rend(),
                       [&](const ReceivedAlert& a) { return a.labels == alert.labels; });
      if (last != history_.rend()) last->resolved_by_post = true;
      return;
    }
    firing_[alert.labels] = history_.size();
    history_.push_back(std::move(alert));
    return;
  }
  ReceivedAlert& firing = history_[known->second];
  firing.annotations = std::move(alert.annotations);
  firing.generator_url = std::move(alert.generator_url);
  firing.starts_at = std::min(firing.starts_at, alert.starts_at);
  firing.ends_at = alert.ends_at;
  firing.last_seen = now;
  ++firing.posts;
  if (!ended) return;
  firing.resolved_at = alert.ends_at;
  firing.resolved_by_post = true;
  firing_.erase(known);
}

const std::vector<ReceivedAlert>& AlertReceiver::History(absl::Time now) {
  for (auto it = firing_.begin(); it != firing_.end();) {
    ReceivedAlert& alert = history_[it->second];
    if (alert.ends_at > now) {
      ++it;
      continue;
    }
    alert.resolved_at = alert.ends_at;
    it = firing_.erase(it);
  }
  return history_;
}

std::string AlertReceiver::List(bool history, absl::Time now) {
  json::array out;
  for (const ReceivedAlert& alert : History(now)) {
    if (history || !alert.resolved_at) out.push_back(AlertJson(alert, history));
  }
  return json::serialize(out);
}

}  // namespace driftwarden::simulator
