#pragma once

// A small Alertmanager, API v2: takes alerts, tells which fire, and keeps the history of each label
// set, so that a judge can see when it began, was repeated and was resolved. Without the socket:
// request in, response out. Single-threaded.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "net/http_server.h"

namespace driftwarden::simulator {

using LabelSet = std::map<std::string, std::string>;

// One firing of one label set, from its first post to its end.
struct ReceivedAlert {
  LabelSet labels;
  LabelSet annotations;  // as last posted
  std::string generator_url;
  absl::Time starts_at;
  absl::Time ends_at;
  absl::Time first_seen;  // posts, by our clock
  absl::Time last_seen;
  std::optional<absl::Time> resolved_at;  // posted as ended, or silently run out
  bool resolved_by_post = false;          // its sender ended it, though perhaps after it ran out
  int posts = 0;

  std::string Label(const std::string& name) const;
};

class AlertReceiver {
 public:
  // POST and GET /api/v2/alerts, GET /-/ready, /-/healthy, /api/v2/status; GET /sim/alerts gives
  // the history.
  net::ServerResponse Handle(const net::ServerRequest& request, absl::Time now);

  // Every firing so far, oldest first. Alerts whose endsAt passed by `now` are resolved first.
  const std::vector<ReceivedAlert>& History(absl::Time now);
  // Refuses everything with 500 while set.
  void set_broken(bool broken) { broken_ = broken; }
  uint64_t posts() const { return posts_; }  // requests taken

 private:
  net::ServerResponse Post(const net::ServerRequest& request, absl::Time now);
  std::string List(bool history, absl::Time now);
  void Take(ReceivedAlert alert, absl::Time now);

  std::vector<ReceivedAlert> history_;
  std::map<LabelSet, size_t> firing_;  // label set -> place in history_
  bool broken_ = false;
  uint64_t posts_ = 0;
};

}  // namespace driftwarden::simulator
