#pragma once

// What a request costs of a tenant's allowance, as Graph documents it: resource units for every
// request, and one write for each that changes something.

#include <string_view>

namespace driftwarden::graph {

struct RequestCost {
  double units = 1;
  double writes = 0;

  RequestCost() = default;
  RequestCost(double u, double w) : units(u), writes(w) {}
};

// `url`: a path below the version ("/users/...") or a whole link. GET users costs 2, what reads
// members of groups more, all else 1; $select takes one off, $top below 20 too, $expand adds one;
// never below 1. A $batch of unknown content is taken for a full one. Where the documentation
// leaves room the estimate is the higher one: the tenant's own word corrects it.
RequestCost CostOf(std::string_view method, std::string_view url);

}  // namespace driftwarden::graph
