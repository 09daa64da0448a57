#include "watchers/directory/root_dse.h"

#include <algorithm>
#include <utility>

#include "base/strings.h"
#include "watchers/directory/schema.h"

namespace driftwarden::directory {
namespace {

constexpr size_t kMaxName = 4096;
constexpr uint64_t kMaxUsn = INT64_MAX;  // signed in the directory (MS-ADTS 3.1.1.1.9)

Status Missing(std::string_view attribute) {
  return DataLossError(Cat("rootDSE has no usable ", attribute, "; is this a domain controller?"));
}

// It is put into requests and into texts.
bool IsName(std::string_view text) {
  return !text.empty() && text.size() <= kMaxName && Printable(text, kMaxName) == text;
}

StatusOr<ServerState> ParseRootDse(const Entry& entry, const TimeBounds& asked) {
  ServerState state;
  const std::string* const usn = entry.First(kHighestCommittedUsn);
  const std::optional<uint64_t> number = usn ? ParseUint64(*usn) : std::nullopt;
  if (!number || *number >= kMaxUsn) return Missing("highestCommittedUSN");
  state.highest_usn = *number;
  const std::string* const context = entry.First(kDefaultNamingContext);
  if (context == nullptr || !IsName(*context)) return Missing("defaultNamingContext");
  state.naming_context = *context;
  if (const std::string* const host = entry.First(kDnsHostName)) state.host_name = Printable(*host);
  const std::string* const synchronized = entry.First(kIsSynchronized);
  state.synchronized = synchronized != nullptr && *synchronized == "TRUE";
  const auto capabilities = entry.attributes.find(kSupportedCapabilities);
  if (capabilities != entry.attributes.end()) {
    state.read_only = std::find(capabilities->second.begin(), capabilities->second.end(),
                                kReadOnlyCapability) != capabilities->second.end();
  }
  const std::string* const text = entry.First(kCurrentTime);
  const std::optional<absl::Time> now = text ? ParseGeneralizedTime(*text) : std::nullopt;
  if (!now) return Missing("currentTime");
  // Cut to the second by the controller: the middle of that second against the middle of the call.
  state.clock_offset = (*now + absl::Milliseconds(500)) - (asked.lo + (asked.hi - asked.lo) / 2);
  return state;
}

StatusOr<monitor::Guid> GuidOf(const Entry& entry, std::string_view attribute) {
  const std::string* const raw = entry.First(attribute);
  const auto guid = raw ? monitor::Guid::FromBytes(*raw) : std::nullopt;
  if (!guid || guid->IsZero()) {
    return DataLossError(Cat("\"", Printable(entry.dn), "\" has no readable ", attribute,
                             "; the service account must be able to read it"));
  }
  return *guid;
}

asio::awaitable<StatusOr<Entry>> ReadOne(Session& session, SearchRequest request) {
  request.scope = SearchRequest::Scope::kBase;
  request.page_size = 0;
  const std::string base = request.base;
  StatusOr<SearchPage> page = co_await session.Search(std::move(request));
  if (!page.ok()) co_return page.status();
  if (page->entries.size() != 1) {
    co_return DataLossError(Cat("a read of \"", Printable(base), "\" gave ", page->entries.size(),
                                " entries; the service account must be able to read it"));
  }
  co_return std::move(page->entries.front());
}

}  // namespace

std::optional<absl::Time> ParseGeneralizedTime(std::string_view text) {
  if (text.size() < 15 || text.size() > 32 || text.back() != 'Z') return std::nullopt;
  const auto field = [text](size_t at, size_t width) {
    return ParseUint64(text.substr(at, width));
  };
  const auto year = field(0, 4);
  const auto month = field(4, 2);
  const auto day = field(6, 2);
  const auto hour = field(8, 2);
  const auto minute = field(10, 2);
  const auto second = field(12, 2);
  if (!year || !month || !day || !hour || !minute || !second) return std::nullopt;
  const std::string_view fraction = text.substr(14, text.size() - 15);
  if (!fraction.empty() && (fraction.front() != '.' || !ParseUint64(fraction.substr(1)))) {
    return std::nullopt;
  }
  const auto two = [](uint64_t v) { return Cat(v < 10 ? "0" : "", v); };
  return ParseRfc3339(Cat(text.substr(0, 4), '-', two(*month), '-', two(*day), 'T', two(*hour), ':',
                          two(*minute), ':', two(*second), fraction, 'Z'));
}

asio::awaitable<StatusOr<ServerState>> ReadServerState(Session& session, const Clock& clock) {
  SearchRequest root;
  root.attributes = RootDseAttributes();
  TimeBounds asked;
  asked.lo = clock.Wall();
  StatusOr<Entry> entry = co_await ReadOne(session, std::move(root));
  asked.hi = clock.Wall();
  if (!entry.ok()) co_return Annotate(entry.status(), "rootDSE");
  StatusOr<ServerState> state = ParseRootDse(*entry, asked);
  if (!state.ok()) co_return state.status();
  const std::string* const settings = entry->First(kDsServiceName);
  if (settings == nullptr || !IsName(*settings)) co_return Missing("dsServiceName");

  SearchRequest own;
  own.base = *settings;
  own.attributes = {"objectGUID", "invocationId"};
  const StatusOr<Entry> dsa = co_await ReadOne(session, std::move(own));
  if (!dsa.ok()) co_return Annotate(dsa.status(), "NTDS Settings");
  const StatusOr<monitor::Guid> guid = GuidOf(*dsa, kObjectGuid);
  if (!guid.ok()) co_return guid.status();
  const StatusOr<monitor::Guid> invocation = GuidOf(*dsa, kInvocationId);
  if (!invocation.ok()) co_return invocation.status();
  state->dsa = *guid;
  state->invocation_id = *invocation;
  co_return state;
}

}  // namespace driftwarden::directory
