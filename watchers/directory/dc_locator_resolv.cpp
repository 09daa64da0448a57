// DC location by glibc's resolver. Its functions take the answer apart; nothing is read out of it
// that they have not bounded.

#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <netdb.h>
#include <netinet/in.h>
#include <resolv.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "base/strings.h"
#include "watchers/directory/dc_locator.h"
#include "watchers/directory/name_server.h"

namespace driftwarden::directory {
namespace {

constexpr int kAsked = 2;  // times, each name server
constexpr size_t kMaxName = 253;
constexpr size_t kSrvFixed = 6;  // priority, weight and port stand before the name

// A name that goes into a URL and to the certificate's check.
bool IsHostName(std::string_view name) {
  if (name.empty() || name.size() > kMaxName || name.front() == '.' || name.front() == '-') {
    return false;
  }
  return std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
  });
}

// The resolver's state, of one question.
class Resolver {
 public:
  Resolver() { usable_ = ::res_ninit(&state_) == 0; }
  ~Resolver() {
    if (usable_) ::res_nclose(&state_);
  }
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  void Use(const DnsOptions& options) {
    const int64_t seconds = std::max<int64_t>(absl::ToInt64Seconds(options.patience), 1);
    state_.retrans = static_cast<int>(seconds);
    state_.retry = kAsked;
    if (options.name_server.empty()) return;
    const auto address = ParseNameServer(options.name_server);
    if (!address) return;
    state_.nscount = 1;
    state_.nsaddr_list[0] = *address;
  }

  bool usable() const { return usable_; }
  // Bytes of the answer; -1 with error() set. A cut answer over UDP is asked for again over TCP.
  int Ask(const std::string& name, std::vector<unsigned char>& answer) {
    return ::res_nquery(&state_, name.c_str(), ns_c_in, ns_t_srv, answer.data(),
                        static_cast<int>(answer.size()));
  }
  int error() const { return state_.res_h_errno; }

 private:
  struct __res_state state_ {};
  bool usable_ = false;
};

std::optional<DcRecord> ParseRecord(const ns_msg& message, const ns_rr& record) {
  if (ns_rr_type(record) != ns_t_srv || ns_rr_rdlen(record) <= kSrvFixed) return std::nullopt;
  const unsigned char* const data = ns_rr_rdata(record);
  DcRecord dc;
  dc.priority = static_cast<uint16_t>(ns_get16(data));
  dc.weight = static_cast<uint16_t>(ns_get16(data + 2));
  dc.port = static_cast<uint16_t>(ns_get16(data + 4));
  char host[NS_MAXDNAME];
  const int read = ns_name_uncompress(ns_msg_base(message), ns_msg_end(message), data + kSrvFixed,
                                      host, sizeof host);
  if (read < 0) return std::nullopt;
  dc.host = host;
  if (dc.port == 0 || !IsHostName(dc.host)) return std::nullopt;  // "." is "no such service"
  return dc;
}

StatusOr<std::vector<DcRecord>> ParseAnswer(const std::string& name,
                                            const std::vector<unsigned char>& answer, int size) {
  ns_msg message;
  if (ns_initparse(answer.data(), size, &message) != 0) {
    return DataLossError(Cat("DNS: the answer about ", name, " makes no sense"));
  }
  std::vector<DcRecord> records;
  const int count = ns_msg_count(message, ns_s_an);
  for (int i = 0; i < count; ++i) {
    ns_rr record;
    if (ns_parserr(&message, ns_s_an, i, &record) != 0) break;
    if (auto dc = ParseRecord(message, record)) records.push_back(*std::move(dc));
  }
  if (!records.empty()) return records;
  return NotFoundError(Cat("DNS: ", name, " names no domain controller"));
}

Status WhyNone(const std::string& name, int error) {
  switch (error) {
    case HOST_NOT_FOUND:
    case NO_DATA:
      return NotFoundError(
          Cat("DNS: there is no ", name, "; check domain, or name the controllers in servers"));
    default:
      return UnavailableError(Cat("DNS: no name server answers about ", name));
  }
}

StatusOr<std::vector<DcRecord>> AskBlocking(const DnsOptions& options, const std::string& domain) {
  if (!IsHostName(domain)) {
    return InvalidError(Cat("\"", Printable(domain, 100), "\" is no domain's name"));
  }
  const std::string name = Cat("_ldap._tcp.dc._msdcs.", domain);
  Resolver resolver;
  if (!resolver.usable()) return UnavailableError("DNS: the system's resolver cannot be set up");
  resolver.Use(options);
  std::vector<unsigned char> answer(NS_MAXMSG);
  const int size = resolver.Ask(name, answer);
  if (size < 0) return WhyNone(name, resolver.error());
  return ParseAnswer(name, answer, std::min(size, static_cast<int>(answer.size())));
}

constexpr absl::Duration kLongestWait = absl::Seconds(30);  // for a thread

class DnsDcLocator final : public DcLocator {
 public:
  DnsDcLocator(DnsOptions options, LaneTurns& turns, Rng& rng)
      : options_(std::move(options)), turns_(turns), rng_(rng) {}

  asio::awaitable<StatusOr<std::vector<DcRecord>>> Locate(std::string domain) override {
    const auto turn = co_await turns_.Take(LaneTurns::Claim::kUnproven, kLongestWait);
    if (!turn.ok()) co_return Annotate(turn.status(), Cat("DNS: ", domain));
    auto ask = [this, &domain] { return AskBlocking(options_, domain); };
    auto records = co_await OnLane(turns_.lane(), std::move(ask));
    if (!records.ok()) co_return records.status();
    co_return InOrder(*std::move(records), rng_);
  }

 private:
  const DnsOptions options_;
  LaneTurns& turns_;
  Rng& rng_;
};

}  // namespace

std::unique_ptr<DcLocator> MakeDnsDcLocator(DnsOptions options, LaneTurns& turns, Rng& rng) {
  return std::make_unique<DnsDcLocator>(std::move(options), turns, rng);
}

}  // namespace driftwarden::directory
