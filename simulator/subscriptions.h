#pragma once

// Graph's subscriptions to changes of users, and the notifications that are due: without the
// socket. Who sends them is the service's business (notifier.h). Single-threaded; time is passed
// in.

#include <boost/json/object.hpp>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "simulator/world.h"

namespace driftwarden::simulator {

struct Subscription {
  size_t tenant = 0;
  std::string id;
  std::string change_type;
  std::string resource;
  std::string url;
  std::string lifecycle_url;
  std::string client_state;
  absl::Time created;
  absl::Time expires;
  bool validated = false;  // nothing is sent before
  int renewals = 0;
  int64_t position = 0;  // in the tenant's change log: told up to here
};

// One POST to be sent.
struct Delivery {
  absl::Time at;
  std::string url;
  std::string body;
  size_t notifications = 0;
  int attempts = 0;
};

// What the service did with it, for tests.
struct Delivered {
  absl::Time at;
  int status = 0;  // 0: no answer
  size_t notifications = 0;
};

class Subscriptions {
 public:
  explicit Subscriptions(World& world) : world_(world) {}

  // As an application asks for them. The text of a refusal is Graph's message.
  StatusOr<Subscription> Create(size_t tenant, const boost::json::object& body, absl::Time now);
  StatusOr<Subscription> Renew(size_t tenant, std::string_view id, const boost::json::object& body,
                               absl::Time now);
  bool Remove(size_t tenant, std::string_view id);
  // Its URL was asked whether it listens. What does not is forgotten.
  void Settle(std::string_view id, bool validated);
  std::vector<Subscription> List(size_t tenant, absl::Time now);
  std::optional<Subscription> Find(size_t tenant, std::string_view id, absl::Time now);

  // As the tenant's owner or a test makes things happen.
  void ExpireAll(size_t tenant) { Forget(tenant); }
  void SendLifecycle(size_t tenant, std::string_view event, absl::Time now);

  // What is to be sent by now; each is given once. Put back what failed.
  std::vector<Delivery> TakeDue(absl::Time now);
  void PutBack(Delivery delivery) { queue_.push_back(std::move(delivery)); }
  void Note(Delivered delivered);
  const std::deque<Delivered>& delivered() const { return delivered_; }
  bool idle() const { return all_.empty() && queue_.empty(); }

 private:
  StatusOr<absl::Time> ReadExpiry(size_t tenant, const boost::json::object& body, absl::Time now);
  Subscription* Get(size_t tenant, std::string_view id);
  void DropExpired(absl::Time now);
  void Forget(size_t tenant);
  void Collect(Subscription& subscription, absl::Time now);

  World& world_;
  std::vector<Subscription> all_;
  std::vector<Delivery> queue_;
  std::deque<Delivered> delivered_;
  uint64_t next_id_ = 1;
};

// As Graph shows it. The clientState only to who gave it.
boost::json::object SubscriptionJson(const Subscription& subscription, bool with_state);

}  // namespace driftwarden::simulator
