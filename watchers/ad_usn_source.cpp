#include "watchers/ad_usn_source.h"

#include <algorithm>
#include <utility>

#include "base/hex.h"
#include "base/strings.h"
#include "monitor/policy.h"

namespace driftwarden::watchers {
namespace {

using directory::SearchPage;
using directory::SearchRequest;
using directory::ServerState;

constexpr uint64_t kFirstWidth = uint64_t{1} << 16;
constexpr uint64_t kMaxWidth = uint64_t{1} << 60;  // eight times as many are a number still
constexpr int kSteady = 4;  // windows without a limit before a wider one is tried

bool IsTooMuch(const Status& status) {
  return status.code() == StatusCode::kResourceExhausted ||
         status.code() == StatusCode::kDeadlineExceeded;
}

// Why the numbers of a controller mean something else than they did; empty when they do not.
std::string WhyOther(const AdCursor& known, const ServerState& state) {
  const AdBound* const bound = known.Find(state.dsa);
  if (bound == nullptr) return monitor::kDcChanged;
  if (bound->invocation_id != state.invocation_id) return monitor::kInvocationId;
  if (state.highest_usn < bound->usn) return monitor::kUsnWentBack;
  return "";
}

AdBound BoundOf(const ServerState& state) {
  AdBound bound;
  bound.dsa = state.dsa;
  bound.invocation_id = state.invocation_id;
  bound.usn = state.highest_usn;
  return bound;
}

absl::Time ToMicros(absl::Time time) {
  return absl::FromUnixMicros(absl::ToUnixMicros(time));
}

bool IsFirstRead(const AdCursor& cursor) {
  return cursor.snapshot && cursor.snapshot->reason == monitor::kFirstRead;
}

}  // namespace

AdUsnSource::AdUsnSource(AdSourceOptions options, directory::SessionFactory& sessions,
                         const Clock& clock, Logger& log)
    : options_(options),
      clock_(clock),
      log_(log),
      connection_(std::move(options), sessions, clock, log),
      scan_(options_, connection_, clock, log),
      width_(kFirstWidth),
      steady_windows_(kSteady) {}

asio::awaitable<Status> AdUsnSource::Poll(std::string cursor, monitor::BatchId batch,
                                          BatchSink& sink) {
  batch_ = std::move(batch);
  Place place;
  place.until = clock_.Steady();
  const bool anew = cursor.starts_with(kReadAnew);
  if (anew) cursor.erase(0, kReadAnew.size());
  const std::optional<AdCursor> known = ParseAdCursor(cursor);
  if (known) connection_.Prefer(known->server);
  place.begun.lo = clock_.Wall();
  StatusOr<ServerState> state = co_await connection_.Refresh();
  if (!state.ok()) co_return state.status();
  place.begun.hi = std::max(place.begun.lo, clock_.Wall());
  place.state = *std::move(state);
  StatusOr<std::string> reason = co_await WhyFull(cursor, known, place.state);
  if (!reason.ok()) {
    connection_.Drop();
    co_return reason.status();
  }
  if (anew && reason->empty()) *reason = monitor::kReadingChanged;
  if (known) place.cursor = *known;
  place.cursor.server = connection_.server();
  scan_.StartPoll(batch_);
  std::string why = *std::move(reason);
  const Status read = co_await PollAt(place, std::move(why), sink);
  if (!read.ok()) connection_.Drop();
  co_return read;
}

asio::awaitable<Status> AdUsnSource::PollAt(Place& place, std::string full_read_reason,
                                            BatchSink& sink) {
  AdCursor& cursor = place.cursor;
  if (full_read_reason.empty()) {
    cursor.TurnTo(place.state.dsa, ToMicros(place.begun.lo));
  } else {
    const Status begun = co_await BeginFullRead(place, std::move(full_read_reason), sink);
    if (!begun.ok()) co_return begun;
  }
  // During the first read nobody waits for changes; afterwards half of the time is theirs.
  Pin(place);
  const bool first = IsFirstRead(cursor);
  place.until += first ? options_.poll_interval : options_.poll_interval / 2;
  if (!first) {
    const Status fresh = co_await ReadFresh(place, sink);
    if (!fresh.ok() || !cursor.snapshot) co_return fresh;
  }
  const Status read = co_await ReadSnapshot(place, sink);
  co_return read;
}

asio::awaitable<StatusOr<std::string>> AdUsnSource::WhyFull(std::string text,
                                                            std::optional<AdCursor> known,
                                                            ServerState state) {
  std::string reason;
  if (text.empty()) {
    reason = monitor::kFirstRead;
  } else if (!known) {
    reason = monitor::kCursorUnreadable;
  } else {
    reason = WhyOther(*known, state);
  }
  // A disk is put back only while the controller is down.
  const bool new_session = trusted_session_ != connection_.sessions_opened();
  const AdBound* const bound = reason.empty() ? known->Find(state.dsa) : nullptr;
  if (bound != nullptr && bound->canary && new_session) {
    const AdCanary canary = *bound->canary;
    const StatusOr<bool> lives = co_await CanaryLives(canary);
    if (!lives.ok()) co_return lives.status();
    if (!*lives) reason = monitor::kUsnWentBack;
  }
  trusted_session_ = connection_.sessions_opened();
  const std::string anew = std::exchange(anew_, std::string());
  if (reason.empty()) reason = anew;
  // Who was never completely read is still read for the first time.
  if (!reason.empty() && known && IsFirstRead(*known)) reason = monitor::kFirstRead;
  co_return reason;
}

asio::awaitable<StatusOr<bool>> AdUsnSource::CanaryLives(AdCanary canary) {
  SearchRequest request;
  request.base = Cat("<GUID=", canary.object.ToString(), '>');
  request.scope = SearchRequest::Scope::kBase;
  request.filter = "(objectClass=*)";
  request.attributes = {"uSNChanged"};
  request.show_deleted = true;
  request.page_size = 0;
  const StatusOr<SearchPage> page = co_await connection_.session().Search(std::move(request));
  if (page.status().code() == StatusCode::kNotFound) co_return false;
  if (!page.ok()) co_return page.status();
  if (page->entries.empty()) co_return false;
  const std::string* const text = page->entries.front().First("usnchanged");
  const std::optional<uint64_t> usn = text ? ParseUint64(*text) : std::nullopt;
  co_return usn.has_value() && *usn >= canary.usn;
}

asio::awaitable<Status> AdUsnSource::BeginFullRead(Place& place, std::string reason,
                                                   BatchSink& sink) {
  log_.Info("ad_full_read", "reading every account of the domain",
            {{"source", options_.name.value},
             {"batch", batch_.value},
             {"reason", reason},
             {"server", connection_.server()},
             {"highest_usn", place.state.highest_usn}});
  AdSnapshot full;
  full.reason = reason;
  full.begun = ToMicros(place.begun.lo);
  full.below = place.state.highest_usn + 1;
  place.cursor.Begin(BoundOf(place.state), full);
  counted_ = full.begun;
  from_its_begin_ = true;
  width_ = kFirstWidth;
  steady_windows_ = kSteady;
  AdRoundKind kind;
  kind.snapshot_reason = std::move(reason);
  // Committed at once: it is counted and begun once, whatever happens next.
  AdRound round = NewRound(place, std::move(kind), sink);
  std::string text = place.cursor.ToString();
  const Status begun = co_await round.Progress(std::move(text));
  co_return begun;
}

asio::awaitable<Status> AdUsnSource::ReadFresh(Place& place, BatchSink& sink) {
  AdRoundKind kind;
  kind.beside_snapshot = place.cursor.snapshot.has_value();
  AdRound round = NewRound(place, std::move(kind), sink);
  const Status read = co_await ReadChanges(place, round);
  if (!read.ok()) co_return read;
  std::string text = place.cursor.ToString();
  const Status finished = co_await round.Finish(std::move(text));
  co_return finished;
}

asio::awaitable<Status> AdUsnSource::ReadChanges(Place& place, AdRound& round) {
  const uint64_t top = place.state.highest_usn;
  AdWindow window;
  window.from = place.cursor.bounds.front().usn + 1;
  if (catch_up_ && window.from + *catch_up_ < top) window.to = window.from + *catch_up_;
  while (window.from <= top) {
    const Status read = co_await scan_.Read(window, round);
    if (IsTooMuch(read) && window.from < window.to.value_or(top)) {
      TellHalved(read, window.from);
      catch_up_ = (window.to.value_or(top) - window.from) / 2;
      // After a time-out of ours the session is lost; the next poll begins with less.
      if (read.code() == StatusCode::kDeadlineExceeded) co_return read;
      window.to = window.from + *catch_up_;
      continue;
    }
    if (!read.ok()) co_return read;
    NoteNewest(place.cursor);
    if (!window.to) break;
    const uint64_t width = *window.to - window.from + 1;
    place.cursor.bounds.front().usn = *window.to;
    std::string text = place.cursor.ToString();
    const Status kept = co_await round.Progress(std::move(text));
    if (!kept.ok()) co_return kept;
    window.from = *window.to + 1;
    window.to = window.from + 2 * width - 1;
    if (*window.to >= top) window.to.reset();
  }
  place.cursor.bounds.front().usn = top;
  catch_up_.reset();
  co_return OkStatus();
}

asio::awaitable<Status> AdUsnSource::ReadSnapshot(Place& place, BatchSink& sink) {
  const AdSnapshot full = *place.cursor.snapshot;
  AdRoundKind kind;
  kind.snapshot_reason = full.reason;
  kind.begins = false;
  kind.resumes = counted_ != full.begun;
  if (kind.resumes) from_its_begin_ = false;
  counted_ = full.begun;
  Place since = place;
  since.begun.lo = std::min(full.begun, place.begun.lo);
  AdRound round = NewRound(since, std::move(kind), sink);
  do {
    const Status read = co_await ReadNextWindow(place, round);
    if (!read.ok() || !place.cursor.snapshot) co_return read;
  } while (clock_.Steady() < place.until);
  co_return OkStatus();
}

asio::awaitable<Status> AdUsnSource::ReadNextWindow(Place& place, AdRound& round) {
  AdSnapshot& full = *place.cursor.snapshot;
  const uint64_t last = full.below - 1;
  AdWindow window;
  window.from = last < width_ ? 0 : last - width_ + 1;
  // What moves up while the first window is read need not wait for the next round.
  const bool newest = last == place.cursor.bounds.front().usn && steady_windows_ >= kSteady;
  if (!newest) window.to = last;
  const Status read = co_await scan_.Read(window, round);
  if (IsTooMuch(read) && window.from < last) {
    TellHalved(read, window.from);
    width_ = (last - window.from + 1) / 2;
    steady_windows_ = 0;
    // After a time-out of ours the session is lost; the next poll goes on with what fits.
    co_return read.code() == StatusCode::kDeadlineExceeded ? read : OkStatus();
  }
  if (!read.ok()) co_return read;
  NoteNewest(place.cursor);
  Widen();
  if (window.from == 0) {
    const Status ended = co_await EndSnapshot(place, round);
    co_return ended;
  }
  full.below = window.from;
  std::string text = place.cursor.ToString();
  const Status kept = co_await round.Progress(std::move(text));
  co_return kept;
}

// Old directories have long stretches of USNs without an account.
void AdUsnSource::Widen() {
  const size_t wanted = AdScan::kPages * static_cast<size_t>(options_.page_size);
  ++steady_windows_;
  if (scan_.found() == 0) {
    width_ = std::min(width_ * 8, kMaxWidth);
  } else if (scan_.found() < wanted / 2 && steady_windows_ >= kSteady) {
    width_ = std::min(width_ * 2, kMaxWidth);
  }
}

asio::awaitable<Status> AdUsnSource::EndSnapshot(Place& place, AdRound& round) {
  if (IsFirstRead(place.cursor)) {
    // Who changed meanwhile has left the windows upwards; without them nobody was completely read.
    StatusOr<ServerState> now = co_await connection_.Reread();
    if (!now.ok()) co_return now.status();
    place.state = *std::move(now);
    place.cursor.snapshot->below = 1;  // resumed here there is nothing below to be read
    const Status read = co_await ReadChanges(place, round);
    if (!read.ok()) co_return read;
  }
  if (from_its_begin_) scan_.TellIfHidden();
  log_.Info("ad_full_read_done", "every account was read",
            {{"source", options_.name.value},
             {"batch", batch_.value},
             {"reason", place.cursor.snapshot->reason},
             {"server", connection_.server()}});
  place.cursor.snapshot.reset();
  std::string text = place.cursor.ToString();
  const Status finished = co_await round.Finish(std::move(text));
  co_return finished;
}

void AdUsnSource::Pin(const Place& place) const {
  if (options_.pin == nullptr) return;
  options_.pin->dsa = place.state.dsa;
  options_.pin->invocation_id = place.state.invocation_id;
  options_.pin->since = place.cursor.since;
}

AdRound AdUsnSource::NewRound(const Place& place, AdRoundKind kind, BatchSink& sink) {
  kind.one_copy_since = place.cursor.since;
  kind.base_dn = monitor::NormalDn(scan_.Base());
  return AdRound(options_.name, std::move(kind), place.begun, place.state.clock_offset,
                 static_cast<size_t>(std::max(options_.page_size, 1)), next_number_, sink);
}

void AdUsnSource::NoteNewest(AdCursor& cursor) const {
  std::optional<AdCanary>& canary = cursor.bounds.front().canary;
  const std::optional<AdCanary>& newest = scan_.newest();
  if (newest && (!canary || newest->usn > canary->usn)) canary = newest;
}

void AdUsnSource::TellHalved(const Status& why, uint64_t from) const {
  log_.Info("ad_window_halved", Message(why),
            {{"source", options_.name.value},
             {"batch", batch_.value},
             {"server", connection_.server()},
             {"from_usn", from}});
}

}  // namespace driftwarden::watchers
