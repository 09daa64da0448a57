#pragma once

// Between the loop that reads what remains of people and what keeps it.

#include <boost/asio/awaitable.hpp>
#include <string>
#include <vector>

#include "base/status.h"
#include "monitor/residue.h"

namespace driftwarden::daemon {

namespace asio = boost::asio;

// Somebody who left, whose remains are to be read.
struct ResidueTarget {
  monitor::PersonOrdinal person = 0;
  std::string entra_id;
};

class ResidueFeed {
 public:
  virtual ~ResidueFeed() = default;
  // At most `limit` people with an open departure, or one that closed within kResidueRecent, of
  // whom nothing was read for long enough; the latest departures first. A call looks at a bounded
  // part of them, the next at those behind it: nobody means nobody in that part.
  virtual asio::awaitable<StatusOr<std::vector<ResidueTarget>>> Next(size_t limit) = 0;
  virtual asio::awaitable<Status> Deliver(monitor::Residue residue) = 0;
};

constexpr absl::Duration kResidueRecent = absl::Hours(24 * 30);
constexpr absl::Duration kResidueAge = absl::Hours(24);   // then it is read again
constexpr absl::Duration kResidueRetry = absl::Hours(1);  // of what failed

}  // namespace driftwarden::daemon
