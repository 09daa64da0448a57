#pragma once

// Graph's service limits of one application in one tenant, as they are documented: resource units
// within ten seconds by the size of the tenant, writes within 150 seconds. Its accounting shares
// nothing with the product's: every request is kept with its time, and nothing is rounded.

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "net/http_server.h"

namespace driftwarden::simulator {

struct ThrottleLimits {
  int units = 0;  // within 10 s; 0: no limit is enforced
  int writes = 0;

  // Of a tenant with so many users.
  static ThrottleLimits Documented(uint64_t users);
};

class Throttle {
 public:
  // Empty: the request is let through, and `Stamp` says on its answer what it cost. Otherwise the
  // refusal. `path` is below the version.
  std::optional<net::ServerResponse> Take(const ThrottleLimits& limits,
                                          const std::vector<std::string>& path,
                                          const net::ServerRequest& request,
                                          const std::string& tenant_id, absl::Time now);
  void Stamp(net::ServerResponse& response) const;

  // What was seen since the start, with and without limits.
  uint64_t taken() const { return taken_; }
  uint64_t refused() const { return refused_; }
  int most_units() const { return most_units_; }  // in any ten seconds
  int most_writes() const { return most_writes_; }

 private:
  struct Window {
    absl::Duration length;
    std::deque<std::pair<absl::Time, int>> spent = {};
    int sum = 0;
    int At(absl::Time now);
    void Add(absl::Time now, int amount);
  };

  Window units_{absl::Seconds(10)};
  Window writes_{absl::Seconds(150)};
  uint64_t taken_ = 0;
  uint64_t refused_ = 0;
  int most_units_ = 0;
  int most_writes_ = 0;
  // Of the last request.
  int cost_ = 0;
  double share_ = 0;
};

}  // namespace driftwarden::simulator
