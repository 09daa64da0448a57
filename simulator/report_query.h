#pragma once

// What a request wants of a log: the OData options that Graph's reports take, and nothing else.

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "base/status.h"
#include "net/http_server.h"

namespace driftwarden::simulator {

struct ReportQuery {
  // Where a page ends; the next begins behind it.
  struct Place {
    int64_t micros = 0;
    uint64_t serial = 0;
  };

  absl::Time from = absl::InfinitePast();
  absl::Time to = absl::InfiniteFuture();
  bool without_from = false;  // gt
  bool without_to = false;    // lt
  std::optional<std::string> service;
  std::optional<std::string> category;
  std::optional<std::string> activity;
  std::optional<std::string> target;   // a targetResources id
  std::optional<std::string> user_id;  // of sign-ins
  std::optional<std::string> event_type;
  bool ascending = false;
  size_t top = 1000;
  std::optional<Place> after;

  bool Holds(absl::Time at) const;
  // Behind `after`, in the order that is wanted.
  bool IsBehind(absl::Time at, uint64_t serial) const;
};

// `time_field` is the log's date; `fields` are the others a filter may name: loggedByService,
// category, activityDisplayName, target, userId, signInEventTypes. `refused`: kRefusableQueries.
// InvalidArgument with the text of Graph's 400.
StatusOr<ReportQuery> ReadReportQuery(const net::ServerRequest& request,
                                      std::string_view time_field,
                                      const std::set<std::string>& fields,
                                      const std::set<std::string>& refused);

// The query of the next page: the same with $skiptoken, encoded.
std::string NextReportQuery(const net::ServerRequest& request, absl::Time at, uint64_t serial);

}  // namespace driftwarden::simulator
