#include "watchers/graph/notification_json.h"

#include <boost/json.hpp>

#include "base/strings.h"
#include "base/time.h"

namespace driftwarden::graph {
namespace {

namespace json = boost::json;

constexpr size_t kIdLimit = 128;
constexpr size_t kStateLimit = 256;  // ours is 64, Graph's most is 128
constexpr size_t kEventLimit = 64;
constexpr size_t kUrlLimit = 2048;
constexpr size_t kMaxItems = 10'000;  // more do not fit into what the listener takes

StatusOr<json::object> ParseObject(std::string_view body, std::string_view what) {
  json::error_code error;
  json::value value = json::parse(json::string_view(body.data(), body.size()), error);
  if (error || !value.is_object()) {
    return DataLossError(
        Cat("no usable ", what, ": ", error ? error.message() : std::string("no JSON object")));
  }
  return std::move(value.as_object());
}

StatusOr<json::array> ValueOf(std::string_view body, std::string_view what) {
  DW_ASSIGN_OR_RETURN(json::object document, ParseObject(body, what));
  json::value* value = document.if_contains("value");
  if (value == nullptr || !value->is_array()) {
    return DataLossError(Cat("no usable ", what, ": \"value\" is no array"));
  }
  return std::move(value->as_array());
}

// Empty when it is absent, of another type, too long or not plain ASCII.
std::string PlainText(const json::object& in, const char* key, size_t limit) {
  const json::value* value = in.if_contains(key);
  const json::string* text = value == nullptr ? nullptr : value->if_string();
  if (text == nullptr || text->size() > limit) return "";
  for (const char c : *text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte >= 0x7f) return "";
  }
  return {text->data(), text->size()};
}

StatusOr<Subscription> SubscriptionOf(const json::object& in) {
  Subscription out;
  out.id = ToLowerAscii(PlainText(in, "id", kIdLimit));
  out.notification_url = PlainText(in, "notificationUrl", kUrlLimit);
  out.resource = PlainText(in, "resource", kUrlLimit);
  const auto expires = ParseRfc3339(PlainText(in, "expirationDateTime", kEventLimit));
  if (out.id.empty() || !expires) {
    return DataLossError("no usable subscription: id or expirationDateTime is missing");
  }
  out.expires = *expires;
  return out;
}

std::string Serialized(const json::object& body) {
  return json::serialize(body);
}

}  // namespace

StatusOr<Notifications> DecodeNotifications(std::string_view body) {
  DW_ASSIGN_OR_RETURN(const json::array value, ValueOf(body, "notification"));
  Notifications out;
  for (const json::value& item : value) {
    const json::object* in = item.if_object();
    Notification notification;
    if (in != nullptr) {
      notification.subscription_id = ToLowerAscii(PlainText(*in, "subscriptionId", kIdLimit));
      notification.client_state = Secret(PlainText(*in, "clientState", kStateLimit));
      notification.lifecycle_event = PlainText(*in, "lifecycleEvent", kEventLimit);
    }
    const bool usable = !notification.subscription_id.empty() && !notification.client_state.empty();
    if (!usable || out.items.size() >= kMaxItems) {
      ++out.left_out;
      continue;
    }
    out.items.push_back(std::move(notification));
  }
  return out;
}

StatusOr<Subscription> DecodeSubscription(std::string_view body) {
  DW_ASSIGN_OR_RETURN(const json::object document, ParseObject(body, "subscription"));
  return SubscriptionOf(document);
}

StatusOr<ListPage<Subscription>> DecodeSubscriptions(std::string_view body) {
  DW_ASSIGN_OR_RETURN(json::object document, ParseObject(body, "list of subscriptions"));
  json::value* value = document.if_contains("value");
  if (value == nullptr || !value->is_array()) {
    return DataLossError("no usable list of subscriptions: \"value\" is no array");
  }
  ListPage<Subscription> page;
  page.next_link = PlainText(document, "@odata.nextLink", kUrlLimit);
  for (const json::value& item : value->as_array()) {
    auto subscription = item.is_object() ? SubscriptionOf(item.as_object())
                                         : StatusOr<Subscription>(DataLossError("no object"));
    if (subscription.ok()) {
      page.items.push_back(*std::move(subscription));
    } else {
      ++page.left_out;
    }
  }
  return page;
}

std::string SubscriptionRequest(std::string_view url, const Secret& client_state,
                                absl::Time expires) {
  const std::string_view state = client_state.Reveal();
  // The lifecycle URL cannot be given later. One address takes both kinds: they say what they are.
  return Serialized({{"changeType", "updated,deleted"},
                     {"resource", "users"},
                     {"notificationUrl", std::string(url)},
                     {"lifecycleNotificationUrl", std::string(url)},
                     {"expirationDateTime", FormatRfc3339(expires)},
                     {"clientState", json::string_view(state.data(), state.size())}});
}

std::string RenewalRequest(absl::Time expires) {
  return Serialized({{"expirationDateTime", FormatRfc3339(expires)}});
}

}  // namespace driftwarden::graph
