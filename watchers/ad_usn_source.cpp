#include "watchers/ad_usn_source.h"

#include <algorithm>
#include <utility>

#include "base/strings.h"
#include "watchers/directory/observe.h"
#include "watchers/directory/schema.h"

namespace driftwarden::watchers {
namespace {

using directory::Entry;
using directory::SearchPage;
using directory::SearchRequest;
using directory::ServerState;

constexpr int kMaxEmptyPages = 1000;  // in a row, before a server is held to be looping
constexpr int kQuarantineLines = 5;   // a round, in the log

// Why everybody has to be read; empty when the bound holds.
std::string WhyFull(const std::string& text, const std::optional<AdCursor>& cursor,
                    const ServerState& state) {
  if (text.empty()) return monitor::kFirstRead;
  if (!cursor) return monitor::kCursorUnreadable;
  const AdBound* const bound = cursor->Find(state.dsa);
  if (bound == nullptr) return monitor::kDcChanged;
  if (bound->invocation_id != state.invocation_id) return monitor::kInvocationId;
  if (state.highest_usn < bound->usn) return monitor::kUsnWentBack;
  return "";
}

bool IsUnder(std::string_view dn, std::string_view base) {
  if (EqualsIgnoreCase(dn, base)) return true;
  return EndsWithIgnoreCase(dn, Cat(',', base));
}

}  // namespace

AdUsnSource::AdUsnSource(AdSourceOptions options, directory::SessionFactory& sessions,
                         const Clock& clock, Logger& log)
    : options_(options), clock_(clock), log_(log), connection_(options, sessions, clock, log) {}

asio::awaitable<Status> AdUsnSource::Poll(std::string cursor, monitor::BatchId batch,
                                          BatchSink& sink) {
  batch_ = std::move(batch);
  std::optional<AdCursor> known = ParseAdCursor(cursor);
  if (known) connection_.Prefer(known->server);
  TimeBounds begun;
  begun.lo = clock_.Wall();
  const StatusOr<ServerState> state = co_await connection_.Refresh();
  if (!state.ok()) co_return state.status();
  begun.hi = std::max(begun.lo, clock_.Wall());

  const std::string reason = WhyFull(cursor, known, *state);
  AdCursor next = known.value_or(AdCursor());
  const AdBound* const old = next.Find(state->dsa);
  const uint64_t from = reason.empty() ? old->usn + 1 : 0;
  next.server = connection_.server();
  AdBound bound;
  bound.dsa = state->dsa;
  bound.invocation_id = state->invocation_id;
  bound.usn = state->highest_usn;
  next.Advance(bound);

  AdRound round(options_.name, reason, begun, state->clock_offset,
                static_cast<size_t>(std::max(options_.page_size, 1)), next_number_, sink);
  Status read;
  if (from <= state->highest_usn) read = co_await ReadRound(from, round);
  if (!read.ok()) {
    connection_.Drop();
    co_return read;
  }
  std::string text = next.ToString();
  const Status finished = co_await round.Finish(std::move(text));
  co_return finished;
}

asio::awaitable<Status> AdUsnSource::ReadRound(uint64_t from, AdRound& round) {
  quarantined_ = 0;
  Query people;
  people.base = Base();
  people.condition = "(objectCategory=person)(objectClass=user)";
  Status read = co_await ReadAll(std::move(people), from, round);
  // Deletions come second: who is deleted between the two searches is then in the second one.
  if (read.ok()) read = co_await ReadTombstones(from, round);
  if (quarantined_ > kQuarantineLines) {
    log_.Warn("ad_objects_quarantined", "objects with unreadable attributes were passed over",
              {{"source", options_.name.value}, {"batch", batch_.value}, {"count", quarantined_}});
  }
  co_return read;
}

asio::awaitable<Status> AdUsnSource::ReadTombstones(uint64_t from, AdRound& round) {
  Query tombstones;
  tombstones.base = Cat("<WKGUID=", directory::kDeletedObjectsWellKnownGuid, ',',
                        connection_.state().naming_context, '>');
  // A tombstone has no objectCategory.
  tombstones.condition = "(isDeleted=TRUE)(objectClass=user)";
  tombstones.tombstones = true;
  tombstones_ = 0;
  const Status read = co_await ReadAll(std::move(tombstones), from, round);
  const bool refused =
      read.code() == StatusCode::kNotFound || read.code() == StatusCode::kPermissionDenied;
  if (read.ok() || refused) TellIfHidden(refused, from == 0);
  co_return refused ? OkStatus() : read;
}

void AdUsnSource::TellIfHidden(bool refused, bool everything) {
  if (tombstones_ > 0) tombstones_hidden_ = false;
  if (tombstones_hidden_ || !(refused || (everything && tombstones_ == 0))) return;
  tombstones_hidden_ = true;
  log_.Warn("ad_tombstones_hidden",
            "no deleted object is visible: either none was deleted in the tombstone lifetime, or "
            "deletions cannot be seen; grant the service account List Contents and Read Property "
            "on the Deleted Objects container",
            {{"source", options_.name.value},
             {"batch", batch_.value},
             {"user", options_.bind.Account()}});
}

asio::awaitable<Status> AdUsnSource::ReadAll(Query query, uint64_t from, AdRound& round) {
  std::vector<Window> todo(1);
  todo.front().from = from;
  while (!todo.empty()) {
    const Window window = todo.back();
    todo.pop_back();
    Query copy = query;
    const Status read = co_await ReadWindow(std::move(copy), window, round);
    if (read.ok()) continue;
    const std::vector<Window> halves =
        read.code() == StatusCode::kResourceExhausted ? Halves(window) : std::vector<Window>();
    if (halves.empty()) co_return read;
    log_.Info(
        "ad_window_halved", Message(read),
        {{"source", options_.name.value}, {"batch", batch_.value}, {"from_usn", window.from}});
    todo.insert(todo.end(), halves.rbegin(), halves.rend());
  }
  co_return OkStatus();
}

std::vector<AdUsnSource::Window> AdUsnSource::Halves(const Window& window) const {
  const uint64_t top = window.to.value_or(connection_.state().highest_usn);
  if (window.from >= top) return {};
  const uint64_t middle = window.from + (top - window.from) / 2;
  Window low = window;
  low.to = middle;
  Window high = window;
  high.from = middle + 1;
  return {low, high};
}

asio::awaitable<Status> AdUsnSource::ReadWindow(Query query, Window window, AdRound& round) {
  std::string cookie;
  int empty_pages = 0;
  do {
    SearchRequest request = Request(query, window);
    request.cookie = std::move(cookie);
    TimeBounds at;
    at.lo = clock_.Wall();
    StatusOr<SearchPage> page = co_await connection_.session().Search(std::move(request));
    if (!page.ok()) co_return page.status();
    at.hi = std::max(at.lo, clock_.Wall());
    empty_pages = page->entries.empty() ? empty_pages + 1 : 0;
    if (empty_pages > kMaxEmptyPages) {
      co_return DataLossError(
          Cat(options_.name.value, ": ", connection_.server(), " sends empty pages without end"));
    }
    std::vector<monitor::AdView> views = Observe(query, *page);
    const Status added = co_await round.Add(std::move(views), at);
    if (!added.ok()) co_return added;
    cookie = std::move(page->cookie);
  } while (!cookie.empty());
  co_return OkStatus();
}

SearchRequest AdUsnSource::Request(const Query& query, const Window& window) const {
  SearchRequest request;
  request.base = query.base;
  std::string usn;
  if (window.from > 0) usn += Cat("(uSNChanged>=", window.from, ')');
  if (window.to) usn += Cat("(uSNChanged<=", *window.to, ')');
  request.filter = Cat("(&", query.condition, usn, ')');
  request.attributes = directory::AccountAttributes();
  request.show_deleted = query.tombstones;
  request.page_size = options_.page_size;
  return request;
}

std::vector<monitor::AdView> AdUsnSource::Observe(const Query& query, const SearchPage& page) {
  directory::ObserveOptions options;
  options.use_consistency_guid = options_.UsesConsistencyGuid();
  std::vector<monitor::AdView> views;
  if (query.tombstones) tombstones_ += page.entries.size();
  for (const Entry& entry : page.entries) {
    if (query.tombstones && !InScope(entry)) continue;
    auto view = directory::ObserveAccount(entry, options);
    if (!view.ok()) {
      if (++quarantined_ <= kQuarantineLines) {
        log_.Warn("ad_object_quarantined", Message(view.status()),
                  {{"source", options_.name.value},
                   {"batch", batch_.value},
                   {"server", connection_.server()}});
      }
      continue;
    }
    if (view->has_value()) views.push_back(**std::move(view));
  }
  return views;
}

bool AdUsnSource::InScope(const Entry& tombstone) const {
  const std::string base = Base();
  if (EqualsIgnoreCase(base, connection_.state().naming_context)) return true;
  const std::string* const parent = tombstone.First(directory::kLastKnownParent);
  // Unknown, or deleted itself: better one too many than a deletion that nobody sees.
  if (parent == nullptr || parent->find("\\0ADEL:") != std::string::npos) return true;
  return IsUnder(*parent, base);
}

std::string AdUsnSource::Base() const {
  return options_.base_dn.empty() ? connection_.state().naming_context : options_.base_dn;
}

}  // namespace driftwarden::watchers
