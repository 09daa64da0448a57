#include "simulator/throttle.h"

#include <algorithm>
#include <cmath>

#include "base/strings.h"
#include "simulator/graph_json.h"

namespace driftwarden::simulator {
namespace {

// From here on answers tell how much is used.
constexpr double kTellFrom = 0.8;

int UnitsOf(const std::vector<std::string>& path, const net::ServerRequest& request) {
  if (request.method != "GET") return 1;
  const bool users = path.size() == 1 && path[0] == "users";
  int units = users ? 2 : 1;
  for (const auto& [name, value] : request.query) {
    if (EqualsIgnoreCase(name, "$select")) --units;
    if (EqualsIgnoreCase(name, "$expand")) ++units;
    const auto top = EqualsIgnoreCase(name, "$top") ? ParseUint64(value) : std::nullopt;
    if (top && *top < 20) --units;
  }
  return std::max(units, 1);
}

}  // namespace

ThrottleLimits ThrottleLimits::Documented(uint64_t users) {
  ThrottleLimits limits;
  limits.units = users < 50 ? 3500 : users <= 500 ? 5000 : 8000;
  limits.writes = 3000;
  return limits;
}

int Throttle::Window::At(absl::Time now) {
  while (!spent.empty() && spent.front().first <= now - length) {
    sum -= spent.front().second;
    spent.pop_front();
  }
  return sum;
}

void Throttle::Window::Add(absl::Time now, int amount) {
  spent.emplace_back(now, amount);
  sum += amount;
}

std::optional<net::ServerResponse> Throttle::Take(const ThrottleLimits& limits,
                                                  const std::vector<std::string>& path,
                                                  const net::ServerRequest& request,
                                                  const std::string& tenant_id, absl::Time now) {
  cost_ = UnitsOf(path, request);
  const int write = request.method == "GET" ? 0 : 1;
  const bool enforced = limits.units > 0;
  const int units = units_.At(now) + cost_;
  const int writes = writes_.At(now) + write;
  // A refused request counts too: whoever does not wait is refused for longer.
  units_.Add(now, cost_);
  if (write > 0) writes_.Add(now, write);
  most_units_ = std::max(most_units_, units);
  most_writes_ = std::max(most_writes_, writes);
  share_ = 0;
  if (!enforced) {
    ++taken_;
    return std::nullopt;
  }
  const bool out_of_writes = write > 0 && limits.writes > 0 && writes > limits.writes;
  share_ = static_cast<double>(units) / limits.units;
  if (units <= limits.units && !out_of_writes) {
    ++taken_;
    return std::nullopt;
  }
  ++refused_;
  auto response = GraphError(429, "TooManyRequests", "Request rate is over the limit.", now);
  response.headers.emplace_back("Retry-After", out_of_writes ? "30" : "10");
  response.headers.emplace_back("x-ms-throttle-scope",
                                Cat("Tenant_Application/", out_of_writes ? "Write" : "ReadWrite",
                                    "/aaaaaaaa-0000-4000-8000-000000000001/", tenant_id));
  response.headers.emplace_back("x-ms-throttle-information",
                                out_of_writes ? "WriteLimitExceeded" : "ResourceUnitLimitExceeded");
  return response;
}

void Throttle::Stamp(net::ServerResponse& response) const {
  response.headers.emplace_back("x-ms-resource-unit", Cat(cost_));
  if (share_ < kTellFrom) return;
  response.headers.emplace_back("x-ms-throttle-limit-percentage",
                                Cat(std::lround(std::min(share_, 1.8) * 100) / 100.0));
}

}  // namespace driftwarden::simulator
