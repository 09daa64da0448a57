#pragma once

// Finds the domain controllers of a domain: DNS SRV records of _ldap._tcp.dc._msdcs.DOMAIN (MS-ADTS
// 6.3.2.3), in the order of RFC 2782.

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/async/lane_turns.h"
#include "base/rng.h"
#include "base/status.h"
#include "base/time.h"
#include "watchers/directory/name_server.h"

namespace driftwarden::directory {

namespace asio = boost::asio;

// One SRV record.
struct DcRecord {
  uint16_t priority = 0;
  uint16_t weight = 0;
  uint16_t port = 0;  // of LDAP without TLS
  std::string host;
  friend bool operator==(const DcRecord&, const DcRecord&) = default;
};

class DcLocator {
 public:
  virtual ~DcLocator() = default;
  // At least one, the first to be tried first. Unavailable: no name server answers. NotFound: there
  // is no such domain, or it names no controller. InvalidArgument: the name makes no sense.
  virtual asio::awaitable<StatusOr<std::vector<DcRecord>>> Locate(std::string domain) = 0;
};

struct DnsOptions {
  // ADDRESS[:PORT] of the name server to ask; empty: those of the system.
  std::string name_server;
  absl::Duration patience = absl::Seconds(3);  // with one answer; a name server is asked twice
};

// The system's resolver; a question blocks one thread of the lane of `turns`,
// which with `rng` must outlive it.
std::unique_ptr<DcLocator> MakeDnsDcLocator(DnsOptions options, LaneTurns& turns, Rng& rng);

// Lower priority first; in random order by weight among equals.
std::vector<DcRecord> InOrder(std::vector<DcRecord> records, Rng& rng);

}  // namespace driftwarden::directory
