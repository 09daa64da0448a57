#include "watchers/ad_dirsync_source.h"

#include <algorithm>
#include <utility>

#include "base/hex.h"
#include "base/strings.h"
#include "monitor/policy.h"
#include "watchers/ad_sight.h"
#include "watchers/directory/observe.h"
#include "watchers/directory/schema.h"

namespace driftwarden::watchers {
namespace {

using directory::Entry;
using directory::SearchPage;
using directory::SearchRequest;

constexpr int32_t kLeastBytes = 1 << 12;
constexpr int kMaxStandstill = 10;  // answers in a row that do not lead on
// In a row: Windows looks for a while at what the filter leaves out.
constexpr int kMaxEmptyAnswers = 1000;
constexpr int kMaxAnswers = 100'000;                  // of one walk, with some hundred objects each
constexpr absl::Duration kTryAgain = absl::Hours(1);  // after a refusal

// Of the accounts' attributes those that replicate: of others DirSync knows nothing. `name` changes
// with a rename and with a move. isDeleted is among them: without it deletions would not come.
std::vector<std::string> TrackedAttributes(const directory::ObserveOptions& options) {
  std::vector<std::string> names = directory::RequestedAttributes(options);
  std::erase_if(names, [](const std::string& name) {
    return EqualsIgnoreCase(name, directory::kUsnChanged) ||
           EqualsIgnoreCase(name, directory::kReplMetaData) ||
           EqualsIgnoreCase(name, "msDS-ReplAttributeMetaData") ||
           EqualsIgnoreCase(name, "whenChanged");
  });
  names.emplace_back("name");
  return names;
}

bool IsDeadCookie(StatusCode code) {
  return code == StatusCode::kFailedPrecondition || code == StatusCode::kInternal ||
         code == StatusCode::kInvalidArgument;
}

bool IsTooMuch(StatusCode code) {
  return code == StatusCode::kResourceExhausted || code == StatusCode::kDeadlineExceeded;
}

bool IsRefusal(StatusCode code) {
  return code == StatusCode::kPermissionDenied || code == StatusCode::kFailedPrecondition;
}

std::string AnyOf(const std::vector<monitor::Guid>& guids) {
  std::string out = "(|";
  for (const monitor::Guid& guid : guids) {
    out += "(objectGUID=";
    for (const char byte : guid.Raw()) out += Cat('\\', HexEncode(std::string_view(&byte, 1)));
    out += ')';
  }
  return out + ')';
}

// Puts the cookie before every cursor that goes through.
class CookieKeeper final : public BatchSink {
 public:
  CookieKeeper(DirSyncCursor cursor, BatchSink& sink) : cursor_(std::move(cursor)), sink_(sink) {}

  asio::awaitable<Status> Deliver(monitor::ChangeBatch batch) override {
    if (!batch.cursor.empty()) {
      DirSyncCursor next = cursor_;
      next.usn = std::move(batch.cursor);
      batch.cursor = next.ToString();
    }
    const Status delivered = co_await sink_.Deliver(std::move(batch));
    co_return delivered;
  }

 private:
  const DirSyncCursor cursor_;
  BatchSink& sink_;
};

}  // namespace

AdDirSyncSource::AdDirSyncSource(AdSourceOptions options, AdUsnSource& usn, const Clock& clock,
                                 Logger& log, AdObserver& observer)
    : options_(std::move(options)), usn_(usn), clock_(clock), log_(log), observer_(observer) {}

asio::awaitable<Status> AdDirSyncSource::Poll(std::string cursor, monitor::BatchId batch,
                                              BatchSink& sink) {
  batch_ = std::move(batch);
  DirSyncCursor known = ParseDirSyncCursor(cursor);
  if (refused_at_ && clock_.Steady() - *refused_at_ < kTryAgain) {
    monitor::BatchId same = batch_;
    const Status polled = co_await usn_.Poll(std::move(known.usn), std::move(same), sink);
    co_return polled;
  }
  if (const auto usn = ParseAdCursor(known.usn)) usn_.connection().Prefer(usn->server);
  TimeBounds begun;
  begun.lo = clock_.Wall();
  const auto state = co_await usn_.connection().Refresh();
  if (!state.ok()) co_return state.status();
  begun.hi = std::max(begun.lo, clock_.Wall());
  if (known.cookie.empty() || Restored(known.usn)) {
    const Status started = co_await Start(std::move(known), sink);
    co_return started;
  }
  if (NeedsUsn(known.usn)) {
    const Status polled = co_await ByUsn(std::move(known), sink);
    co_return polled;
  }
  const Status followed = co_await Follow(std::move(known), begun, sink);
  co_return followed;
}

bool AdDirSyncSource::Restored(const std::string& usn) const {
  const std::optional<AdCursor> known = ParseAdCursor(usn);
  if (!known) return true;
  const directory::ServerState& state = usn_.connection().state();
  const AdBound* const bound = known->Find(state.dsa);
  // Of a controller that was never read the cookie alone tells.
  return bound != nullptr &&
         (bound->invocation_id != state.invocation_id || state.highest_usn < bound->usn);
}

bool AdDirSyncSource::NeedsUsn(const std::string& usn) const {
  const std::optional<AdCursor> known = ParseAdCursor(usn);
  if (!known || known->snapshot || known->bounds.empty()) return true;
  // A disk that was put back shows only there, and only with a new session.
  return checked_session_ != usn_.connection().sessions_opened() &&
         known->Find(usn_.connection().state().dsa) != nullptr;
}

AdCursor AdDirSyncSource::TurnedTo(AdCursor cursor, absl::Time now) const {
  const directory::ServerState& state = usn_.connection().state();
  now = absl::FromUnixMicros(absl::ToUnixMicros(now));
  cursor.server = usn_.connection().server();
  if (cursor.Find(state.dsa) == nullptr) {
    // The cookie brings all that it has and we do not.
    AdBound bound;
    bound.dsa = state.dsa;
    bound.invocation_id = state.invocation_id;
    cursor.bounds.insert(cursor.bounds.begin(), bound);
    if (cursor.bounds.size() > AdCursor::kMaxBounds) cursor.bounds.pop_back();
    cursor.since = now;
  }
  cursor.TurnTo(state.dsa, now);
  if (options_.pin != nullptr) {
    options_.pin->dsa = state.dsa;
    options_.pin->invocation_id = state.invocation_id;
    options_.pin->since = cursor.since;
  }
  return cursor;
}

asio::awaitable<Status> AdDirSyncSource::Start(DirSyncCursor from, BatchSink& sink) {
  from.cookie.clear();
  const Walked walked = co_await Walk(&from.cookie, nullptr);
  if (walked.by_server && IsRefusal(walked.status.code())) {
    const Status fell = co_await FallBack(walked.status, std::move(from.usn), sink);
    co_return fell;
  }
  if (!walked.status.ok()) co_return walked.status;
  const Status polled = co_await ByUsn(std::move(from), sink);
  co_return polled;
}

asio::awaitable<Status> AdDirSyncSource::ByUsn(DirSyncCursor from, BatchSink& sink) {
  std::string usn = from.usn;
  CookieKeeper keeper(std::move(from), sink);
  monitor::BatchId same = batch_;
  const Status polled = co_await usn_.Poll(std::move(usn), std::move(same), keeper);
  if (polled.ok()) checked_session_ = usn_.connection().sessions_opened();
  co_return polled;
}

asio::awaitable<Status> AdDirSyncSource::FallBack(Status why, std::string usn, BatchSink& sink) {
  if (options_.sight != nullptr) {
    options_.sight->Raise(
        kDirSyncRefused,
        Cat(Message(why), ". Changes are tracked by USN instead. Grant ", options_.bind.Account(),
            " Replicating Directory Changes on ", usn_.connection().state().naming_context,
            ", or set change_tracking: usn; tried again in an hour"));
  }
  refused_at_ = clock_.Steady();
  NoteTracking(AdTracking::kUsn);
  monitor::BatchId same = batch_;
  const Status polled = co_await usn_.Poll(std::move(usn), std::move(same), sink);
  co_return polled;
}

asio::awaitable<Status> AdDirSyncSource::Follow(DirSyncCursor from, TimeBounds begun,
                                                BatchSink& sink) {
  usn_.scan().StartPoll(batch_);
  const std::optional<AdCursor> known = ParseAdCursor(from.usn);
  AdCursor turned = TurnedTo(*known, begun.lo);
  AdRoundKind kind;
  kind.one_copy_since = turned.since;
  kind.base_dn = monitor::NormalDn(usn_.scan().Base());
  AdRound round(options_.name, std::move(kind), begun, usn_.connection().state().clock_offset,
                static_cast<size_t>(std::max(options_.page_size, 1)), next_number_, sink);
  DirSyncCursor next = from;
  const Walked walked = co_await Walk(&next.cookie, &round);
  if (walked.status.ok()) {
    turned.bounds.front().usn = usn_.connection().state().highest_usn;
    next.usn = turned.ToString();
    std::string text = next.ToString();
    const Status finished = co_await round.Finish(std::move(text));
    co_return finished;
  }
  const StatusCode code = walked.status.code();
  if (walked.by_server && code == StatusCode::kPermissionDenied) {
    const Status fell = co_await FallBack(walked.status, std::move(from.usn), sink);
    co_return fell;
  }
  if (!walked.by_server || !IsDeadCookie(code)) co_return walked.status;
  log_.Warn("ad_dirsync_cookie", Cat(Message(walked.status), "; everybody is read anew"),
            {{"source", options_.name.value}, {"batch", batch_.value}});
  usn_.ReadAnew(monitor::kCookieRejected);
  const Status started = co_await Start(std::move(from), sink);
  co_return started;
}

// From *cookie to the end; without a round only for the cookie that stands there.
asio::awaitable<AdDirSyncSource::Walked> AdDirSyncSource::Walk(std::string* cookie,
                                                               AdRound* round) {
  Walked end;
  int answers = 0;
  int standstill = 0;
  int empty = 0;
  bool more = true;
  while (more) {
    SearchRequest request;
    request.base = usn_.connection().state().naming_context;
    // Tombstones have lost their objectCategory.
    request.filter = "(&(objectClass=user)(!(objectClass=computer)))";
    request.attributes = TrackedAttributes(options_.Observing());
    directory::DirSyncRequest from;
    from.cookie = *cookie;
    from.max_bytes = answer_bytes_;
    request.dir_sync = std::move(from);
    TimeBounds at;
    at.lo = clock_.Wall();
    StatusOr<SearchPage> page = co_await usn_.connection().session().Search(std::move(request));
    if (!page.ok()) {
      end.status = page.status();
      end.by_server = IsDeadCookie(end.status.code()) || IsRefusal(end.status.code());
      if (IsTooMuch(end.status.code())) answer_bytes_ = std::max(answer_bytes_ / 2, kLeastBytes);
      if (!end.by_server) usn_.connection().Drop();
      co_return end;
    }
    at.hi = std::max(at.lo, clock_.Wall());
    more = page->dir_sync_more;
    standstill = page->dir_sync_cookie == *cookie ? standstill + 1 : 0;
    empty = page->entries.empty() ? empty + 1 : 0;
    const bool endless =
        standstill > kMaxStandstill || empty > kMaxEmptyAnswers || ++answers > kMaxAnswers;
    if (more && endless) {
      usn_.connection().Drop();
      end.status = DataLossError(Cat(options_.name.value, ": ", usn_.connection().server(),
                                     " says again and again that there are more changes, and "
                                     "comes to no end"));
      co_return end;
    }
    *cookie = std::move(page->dir_sync_cookie);
    if (round == nullptr || page->entries.empty()) continue;
    Rows rows = RowsOf(*std::move(page));
    rows.at = at;
    end.status = co_await ReadRows(std::move(rows), *round);
    if (!end.status.ok()) co_return end;
  }
  refused_at_.reset();
  guids_a_search_ = std::min(guids_a_search_ * 2, kGuidsASearch);
  answer_bytes_ = std::min(answer_bytes_, kAnswerBytes / 2) * 2;
  NoteTracking(AdTracking::kDirSync);
  co_return end;
}

AdDirSyncSource::Rows AdDirSyncSource::RowsOf(SearchPage page) const {
  Rows rows;
  int unreadable = 0;
  for (Entry& entry : page.entries) {
    const std::string* const raw = entry.First(directory::kObjectGuid);
    const auto guid = raw == nullptr ? std::nullopt : monitor::Guid::FromBytes(*raw);
    if (!guid || guid->IsZero()) {
      if (++unreadable == 1) {
        log_.Warn("ad_object_quarantined",
                  Cat("a DirSync row without objectGUID: \"", Printable(entry.dn), '"'),
                  {{"source", options_.name.value}, {"batch", batch_.value}});
      }
      continue;
    }
    const std::string* const deleted = entry.First(directory::kIsDeleted);
    if (deleted != nullptr && *deleted == "TRUE") {
      rows.deleted.insert_or_assign(*guid, std::move(entry));
    } else {
      rows.live.push_back(*guid);
    }
  }
  if (unreadable > 1) {
    log_.Warn("ad_objects_quarantined", "DirSync rows without objectGUID were passed over",
              {{"source", options_.name.value}, {"batch", batch_.value}, {"count", unreadable}});
  }
  return rows;
}

bool AdDirSyncSource::TryFewer(const Status& read, size_t count) {
  if (!IsTooMuch(read.code()) || count < 2) return false;
  guids_a_search_ = count / 2;
  return usn_.connection().open();  // after a time-out of ours it is the next poll that tries
}

asio::awaitable<Status> AdDirSyncSource::ReadRows(Rows rows, AdRound& round) {
  for (size_t from = 0; from < rows.live.size();) {
    const size_t count = std::min(rows.live.size() - from, guids_a_search_);
    const auto first = rows.live.begin() + static_cast<std::ptrdiff_t>(from);
    Guids some(first, first + static_cast<std::ptrdiff_t>(count));
    const Status read = co_await ReadLive(std::move(some), round);
    if (TryFewer(read, count)) continue;
    if (!read.ok()) co_return read;
    from += count;
  }
  // Deletions come second: who is deleted between the two comes again with the next cookie.
  rows.live.clear();
  while (!rows.deleted.empty()) {
    const size_t count = std::min(rows.deleted.size(), guids_a_search_);
    const auto end = std::next(rows.deleted.begin(), static_cast<std::ptrdiff_t>(count));
    Rows some;
    some.at = rows.at;
    some.deleted.insert(rows.deleted.begin(), end);
    const Status read = co_await ReadDeleted(std::move(some), round);
    if (TryFewer(read, count)) continue;
    if (!read.ok()) co_return read;
    rows.deleted.erase(rows.deleted.begin(), end);
  }
  co_return OkStatus();
}

asio::awaitable<StatusOr<std::vector<Entry>>> AdDirSyncSource::SearchAll(SearchRequest request) {
  request.attributes = directory::RequestedAttributes(options_.Observing());
  request.page_size = options_.page_size;
  std::vector<Entry> found;
  int pages = 0;
  do {
    // Each object can come once, and a page holds one at least.
    if (++pages > kMaxEmptyAnswers || found.size() > kGuidsASearch) {
      co_return DataLossError(
          Cat(options_.name.value, ": ", usn_.connection().server(), " sends pages without end"));
    }
    SearchRequest next = request;
    StatusOr<SearchPage> page = co_await usn_.connection().session().Search(std::move(next));
    if (!page.ok()) co_return page.status();
    std::move(page->entries.begin(), page->entries.end(), std::back_inserter(found));
    request.cookie = std::move(page->cookie);
  } while (!request.cookie.empty());
  co_return found;
}

asio::awaitable<Status> AdDirSyncSource::ReadLive(Guids guids, AdRound& round) {
  SearchRequest request;
  request.base = usn_.scan().Base();
  request.filter = Cat("(&(objectCategory=person)(objectClass=user)", AnyOf(guids), ')');
  TimeBounds at;
  at.lo = clock_.Wall();
  const auto found = co_await SearchAll(std::move(request));
  if (!found.ok()) {
    if (found.status().code() != StatusCode::kResourceExhausted) usn_.connection().Drop();
    co_return Annotate(found.status(), "reading what DirSync told of");
  }
  at.hi = std::max(at.lo, clock_.Wall());
  std::vector<monitor::AdView> views = usn_.scan().Observe(*found);
  const Status added = co_await round.Add(std::move(views), at);
  co_return added;
}

asio::awaitable<Status> AdDirSyncSource::ReadDeleted(Rows rows, AdRound& round) {
  Guids guids;
  for (const auto& [guid, row] : rows.deleted) guids.push_back(guid);
  SearchRequest request;
  request.base = Cat("<WKGUID=", directory::kDeletedObjectsWellKnownGuid, ',',
                     usn_.connection().state().naming_context, '>');
  request.filter = Cat("(&(isDeleted=TRUE)(objectClass=user)", AnyOf(guids), ')');
  request.show_deleted = true;
  TimeBounds at;
  at.lo = clock_.Wall();
  auto found = co_await SearchAll(std::move(request));
  const StatusCode code = found.status().code();
  const bool hidden = code == StatusCode::kNotFound || code == StatusCode::kPermissionDenied;
  if (!found.ok() && !hidden) {
    if (code != StatusCode::kResourceExhausted) usn_.connection().Drop();
    co_return Annotate(found.status(), "reading what DirSync told of");
  }
  at.hi = std::max(at.lo, clock_.Wall());
  std::vector<Entry> tombstones;
  if (found.ok()) tombstones = *std::move(found);
  std::erase_if(tombstones, [this](const Entry& entry) { return !usn_.scan().InScope(entry); });
  std::vector<monitor::AdView> views = usn_.scan().Observe(tombstones);
  for (const monitor::AdView& view : views) rows.deleted.erase(view.object_guid);
  const Status added = co_await round.Add(std::move(views), at);
  if (!added.ok()) co_return added;
  // Tombstones that cannot be read: the row says that much itself.
  std::vector<Entry> bare;
  for (auto& [guid, row] : rows.deleted) {
    if (!usn_.scan().InScope(row)) continue;
    if (row.First(directory::kObjectClass) == nullptr) {
      row.attributes.insert_or_assign(std::string(directory::kObjectClass),
                                      std::vector<std::string>(1, "user"));
    }
    bare.push_back(std::move(row));
  }
  views = usn_.scan().Observe(bare);
  const Status last = co_await round.Add(std::move(views), rows.at);
  co_return last;
}

void AdDirSyncSource::NoteTracking(AdTracking tracking) {
  if (told_ == tracking) return;
  told_ = tracking;
  observer_.OnTracking(options_.name, tracking);
  if (tracking == AdTracking::kDirSync) {
    if (options_.sight != nullptr) options_.sight->Lower(kDirSyncRefused);
    log_.Info("ad_dirsync", "changes are tracked by DirSync",
              {{"source", options_.name.value}, {"batch", batch_.value}});
  }
}

}  // namespace driftwarden::watchers
